//! From what a person types to a manifest.

use std::str::FromStr;

use aliquot_store::{ObjectId, Store};

use crate::{
    ReleaseError,
    log::{self, Entry},
    manifest::Manifest,
    publish::tag_key,
};

/// A release as a person names it: `name`, `name@version`, `name@latest`, or the beginning of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// As typed.
    pub text: String,
    /// The part before `@`.
    pub name: String,
    /// The part after it.
    pub wanted: Wanted,
}

/// Which release of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The one published last.
    Latest,
    /// The one under a version tag.
    Version(String),
}

impl FromStr for Reference {
    type Err = ReleaseError;

    fn from_str(text: &str) -> Result<Self, ReleaseError> {
        let (name, version) = text.split_once('@').unwrap_or((text, "latest"));
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c))
        };
        if !plain(name) || !plain(version) {
            return Err(ReleaseError::InvalidReference(text.to_owned()));
        }
        let wanted =
            if version == "latest" { Wanted::Latest } else { Wanted::Version(version.to_owned()) };
        Ok(Self { text: text.to_owned(), name: name.to_owned(), wanted })
    }
}

/// Finds a release and reads its manifest, checked against the log.
pub fn resolve(store: &Store, reference: &Reference) -> Result<(ObjectId, Manifest), ReleaseError> {
    let entries = log::read(store)?;
    let entry = find(store, reference, &entries)?;
    let key = tag_key(&entry.name, &entry.version);
    let place = store.document_place(&key);
    let bytes = match store.read(&key)? {
        Some(bytes) => bytes,
        None => store.get(entry.release)?,
    };
    let found = ObjectId::of(&bytes);
    if found != entry.release {
        return Err(ReleaseError::TagMoved { place, found, logged: entry.release });
    }
    let manifest = serde_json::from_slice(&bytes).map_err(|source| ReleaseError::Document {
        what: "manifest",
        place,
        source,
    })?;
    Ok((found, manifest))
}

fn find<'a>(
    store: &Store,
    reference: &Reference,
    entries: &'a [Entry],
) -> Result<&'a Entry, ReleaseError> {
    let named = |entry: &&Entry| {
        entry.name == reference.name
            && match &reference.wanted {
                Wanted::Latest => true,
                Wanted::Version(version) => entry.version == *version,
            }
    };
    if let Some(entry) = entries.iter().rev().find(named) {
        return Ok(entry);
    }
    let digits = reference.text.len() >= 8 && reference.text.chars().all(|c| c.is_ascii_hexdigit());
    let by_id: Vec<&Entry> = entries
        .iter()
        .filter(|entry| digits && entry.release.to_string().starts_with(&reference.text))
        .collect();
    match by_id[..] {
        [entry] => Ok(entry),
        [] => {
            let known =
                entries.iter().map(|entry| format!("{}@{}", entry.name, entry.version)).collect();
            let (reference, store) = (reference.text.clone(), store.location().to_owned());
            Err(ReleaseError::Unknown { reference, store, known })
        }
        _ => {
            let ids = by_id.iter().map(|entry| entry.release.to_string()).collect();
            Err(ReleaseError::Ambiguous { reference: reference.text.clone(), ids })
        }
    }
}
