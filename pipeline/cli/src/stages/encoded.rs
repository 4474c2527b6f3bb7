//! Tables that shards share.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use aliquot_store::{ObjectId, Store};
use aliquot_tables::TableError;

use super::table;
use crate::error::Error;

/// Objects of tables that have been encoded already. The models of a leaderboard answer the same items:
/// to compress the same texts once more for each would take a third of the time that reading takes.
#[derive(Debug, Default)]
pub struct Encoded(Mutex<HashMap<ObjectId, ObjectId>>);

impl Encoded {
    /// The object of these rows; `name` is the table's.
    pub fn put<T: Hash>(
        &self,
        name: &'static str,
        rows: &[T],
        encode: impl FnOnce(&[T]) -> Result<Vec<u8>, TableError>,
        store: &Store,
    ) -> Result<ObjectId, Error> {
        let key = Digest::of((name, rows));
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(&key).copied();
        if let Some(id) = known {
            return Ok(id);
        }
        let id = store.put(&encode(rows).map_err(table(name))?)?;
        lock().insert(key, id);
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
