//! Tables that shards share.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::{Mutex, PoisonError, Weak},
};

use aliquot_sources::Rows;
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{TableError, aliases::Alias, items::Item, prompts::Prompt};

use super::table;
use crate::error::Error;

/// Objects of tables that have been encoded already. The models of a leaderboard answer the same items:
/// to compress the same texts once more for each would take a third of the time that reading takes.
#[derive(Debug, Default)]
pub struct Encoded {
    /// Items that are being shared.
    pub items: Known<Item>,
    /// Their names.
    pub aliases: Known<Alias>,
    /// Their prompts.
    pub prompts: Known<Prompt>,
}

/// Objects of one table, by its rows.
#[derive(Debug)]
pub struct Known<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    /// By the digest of the rows.
    equal: HashMap<ObjectId, ObjectId>,
    /// Of rows that shards share.
    same: Vec<(Weak<Vec<T>>, ObjectId)>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Mutex::new(State { equal: HashMap::new(), same: Vec::new() }))
    }
}

impl<T: Hash> Known<T> {
    /// The object of these rows; `name` is the table's.
    pub fn put(
        &self,
        name: &'static str,
        rows: &Rows<T>,
        encode: impl FnOnce(&[T]) -> Result<Vec<u8>, TableError>,
        store: &Store,
    ) -> Result<ObjectId, Error> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, id)) = lock().same.iter().find(|(mark, _)| rows.is_marked(mark)) {
            return Ok(*id);
        }
        let key = Digest::of(&**rows);
        let known = lock().equal.get(&key).copied();
        let id = match known {
            Some(id) => id,
            None => store.put(&encode(rows).map_err(table(name))?)?,
        };
        let mut state = lock();
        state.equal.insert(key, id);
        state.same.retain(|(mark, _)| mark.strong_count() > 0);
        state.same.push((rows.mark(), id));
        Ok(id)
    }
}

/// BLAKE3 of what a value feeds to a hasher: pieces of a few bytes, gathered first.
#[derive(Default)]
struct Digest {
    hasher: blake3::Hasher,
    waiting: Vec<u8>,
}

impl Digest {
    /// Bytes that BLAKE3 takes at once; it is slow at less than a few thousand.
    const GATHERED: usize = 1 << 16;

    fn of(value: impl Hash) -> ObjectId {
        let mut digest = Self::default();
        value.hash(&mut digest);
        digest.hasher.update(&digest.waiting);
        digest.hasher.finalize().into()
    }
}

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= Self::GATHERED {
            self.hasher.update(&self.waiting);
            self.waiting.clear();
        }
    }

    /// Asked for by the trait alone: 64 bits are too few to tell tables apart.
    fn finish(&self) -> u64 {
        self.hasher.count()
    }
}
