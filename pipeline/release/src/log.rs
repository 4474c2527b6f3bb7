//! The append-only list of published releases.
//!
//! Entry `n` lies under `log/<n, six digits>.json` and holds the BLAKE3 of entry `n - 1`, so no entry
//! that has a successor can be changed, dropped or put elsewhere without breaking the chain. (What
//! guards the last entry is a signature, which there is not yet.) Entries are created, never replaced;
//! two publishers that race for one number are told apart by the store.

use std::time::{SystemTime, UNIX_EPOCH};

use aliquot_store::{ObjectId, Store, canonical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ReleaseError;

/// Value of `schema` in every entry of this version.
pub const SCHEMA: &str = "aliquot/log-entry/v1";

/// One publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Counted from 1.
    pub number: u64,
    /// BLAKE3 of the bytes of the entry before; null for the first.
    pub previous: Option<ObjectId>,
    /// Name of the release.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its id.
    pub release: ObjectId,
    /// Seconds since 1970.
    pub published: u64,
}

/// All entries, the chain checked. Reads by number, not by listing, so that any HTTP server will do.
pub fn read(store: &Store) -> Result<Vec<Entry>, ReleaseError> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut previous = None;
    loop {
        let number = entries.len() as u64 + 1;
        let key = entry_key(number);
        let Some(bytes) = store.read(&key)? else { return Ok(entries) };
        let place = store.document_place(&key);
        let entry: Entry = serde_json::from_slice(&bytes).map_err(|source| {
            ReleaseError::Document { what: "log entry", place: place.clone(), source }
        })?;
        let canonical = canonical::to_bytes(&entry)? == bytes;
        if entry.number != number || entry.previous != previous || !canonical {
            return Err(ReleaseError::BrokenLog { number, place });
        }
        previous = Some(ObjectId::of(&bytes));
        entries.push(entry);
    }
}

fn entry_key(number: u64) -> String {
    format!("log/{number:06}.json")
}

/// Appends a publication unless the log has it; returns the whole log as it is afterwards.
pub(crate) fn append(
    store: &Store,
    name: &str,
    version: &str,
    release: ObjectId,
) -> Result<Vec<Entry>, ReleaseError> {
    loop {
        let entries = read(store)?;
        if contains(&entries, name, version, release) {
            return Ok(entries);
        }
        let number = entries.len() as u64 + 1;
        let previous = match entries.last() {
            None => None,
            Some(last) => Some(canonical::digest(last)?),
        };
        let published =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let entry = Entry {
            schema: SCHEMA.to_owned(),
            number,
            previous,
            name: name.to_owned(),
            version: version.to_owned(),
            release,
            published,
        };
        // Created or taken by another publisher: either way the log has grown, and is read again.
        store.create(&entry_key(number), &canonical::to_bytes(&entry)?)?;
    }
}

/// Whether the log has this publication.
pub fn contains(entries: &[Entry], name: &str, version: &str, release: ObjectId) -> bool {
    entries
        .iter()
        .any(|entry| entry.name == name && entry.version == version && entry.release == release)
}
