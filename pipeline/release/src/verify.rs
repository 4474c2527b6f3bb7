//! Re-hashing everything that a release names.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use aliquot_store::{
    ObjectId, Store, StoreError,
    chunks::{self, GroupValue},
};
use sha2::{Digest, Sha256};

use crate::{
    ReleaseError,
    manifest::{Manifest, NamedObject},
};

/// What was checked, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Objects read, the manifest included.
    pub objects: u64,
    /// Bytes hashed.
    pub bytes: u64,
    /// Everything that is not as the manifest says, in the manifest's order.
    pub problems: Vec<Problem>,
}

/// An object that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is in the release.
    pub role: String,
    /// Its id.
    pub id: ObjectId,
    /// Where it lies.
    pub place: String,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The store lacks it.
    Missing,
    /// Its bytes differ; the range is the first 64 KiB group that does, where that is known.
    Damaged {
        /// First bad byte range.
        range: Option<Range<u64>>,
    },
    /// Its bytes fit BLAKE3 but not the size or SHA-256 of the manifest.
    Inconsistent,
    /// It is there and cannot be read.
    Unreadable(String),
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Group digests by object, in the JSON form of the `groups` artifact: chaining values are written as
/// object ids are, 64 hexadecimal digits.
pub type Groups = BTreeMap<ObjectId, Vec<ObjectId>>;

/// Reads every object of a release and checks it.
///
/// Objects that the release was made by way of (shards, other intermediate tables) are no part of it
/// and may be absent; those that are there have to be whole.
pub fn verify(
    store: &Store,
    manifest_id: ObjectId,
    manifest: &Manifest,
) -> Result<Verified, ReleaseError> {
    let groups = groups(store, manifest);
    let bytes = manifest.to_bytes()?;
    let mut verified = Verified { objects: 0, bytes: 0, problems: Vec::new() };
    let itself = NamedObject {
        role: "manifest".to_owned(),
        id: manifest_id,
        size: bytes.len() as u64,
        sha256: &sha256(&bytes),
    };
    let mut seen = BTreeSet::new();
    for object in std::iter::once(itself).chain(manifest.objects()) {
        seen.insert(object.id);
        let fault = match verified.read(store, object.id) {
            Ok(bytes) => check(&bytes, &object, groups.get(&object.id)),
            Err(fault) => Some(fault),
        };
        verified.note(store, object.role, object.id, fault);
    }
    for (step, id) in
        manifest.provenance.iter().flat_map(|step| step.outputs.iter().map(move |id| (step, *id)))
    {
        if !seen.insert(id) {
            continue;
        }
        let fault = match verified.read(store, id) {
            Ok(bytes) if ObjectId::of(&bytes) == id => None,
            Ok(_) => Some(Fault::Damaged { range: None }),
            Err(Fault::Missing) => continue,
            Err(fault) => Some(fault),
        };
        verified.note(store, format!("intermediate output of {}", step.name), id, fault);
    }
    Ok(verified)
}

impl Verified {
    fn read(&mut self, store: &Store, id: ObjectId) -> Result<Vec<u8>, Fault> {
        let bytes = store.read_unverified(id).map_err(|error| match error {
            StoreError::Missing { .. } => Fault::Missing,
            other => Fault::Unreadable(
                std::error::Error::source(&other)
                    .map_or_else(|| other.to_string(), ToString::to_string),
            ),
        })?;
        self.bytes += bytes.len() as u64;
        Ok(bytes)
    }

    fn note(&mut self, store: &Store, role: String, id: ObjectId, fault: Option<Fault>) {
        self.objects += 1;
        if let Some(fault) = fault {
            self.problems.push(Problem { role, id, place: store.place(id), fault });
        }
    }
}

fn check(
    bytes: &[u8],
    object: &NamedObject<'_>,
    values: Option<&Vec<GroupValue>>,
) -> Option<Fault> {
    if ObjectId::of(bytes) != object.id {
        let trusted = values.filter(|values| chunks::belong_to(values, object.size, object.id));
        let range = trusted.and_then(|values| chunks::first_bad_range(bytes, values, object.size));
        let whole = (object.size <= chunks::GROUP).then_some(0..object.size);
        return Some(Fault::Damaged { range: range.or(whole) });
    }
    let consistent = bytes.len() as u64 == object.size && sha256(bytes) == object.sha256;
    (!consistent).then_some(Fault::Inconsistent)
}

/// The recorded group digests; none when that artifact itself is damaged, which is reported as such.
fn groups(store: &Store, manifest: &Manifest) -> BTreeMap<ObjectId, Vec<GroupValue>> {
    let recorded = store.get(manifest.groups.blake3).ok();
    let parsed: Option<Groups> = recorded.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let values = |ids: Vec<ObjectId>| ids.iter().map(|id| *id.as_bytes()).collect();
    parsed.into_iter().flatten().map(|(id, ids)| (id, values(ids))).collect()
}
