//! Making a release visible.

use std::collections::BTreeMap;

use aliquot_store::{Created, ObjectId, Store, canonical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ReleaseError,
    log::{self, Entry},
    manifest::Manifest,
};

/// What is published, rebuilt from the log; `index.json` of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// Releases by name.
    pub releases: BTreeMap<String, Versions>,
}

/// The versions of one release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// The version published last.
    pub latest: String,
    /// Release id of each version.
    pub versions: BTreeMap<String, ObjectId>,
}

impl Index {
    /// The index of a log.
    pub fn of(entries: &[Entry]) -> Self {
        let mut releases: BTreeMap<String, Versions> = BTreeMap::new();
        for entry in entries {
            let versions = releases
                .entry(entry.name.clone())
                .or_insert_with(|| Versions { latest: String::new(), versions: BTreeMap::new() });
            versions.latest.clone_from(&entry.version);
            versions.versions.insert(entry.version.clone(), entry.release);
        }
        Self { releases }
    }
}

/// Publishes a manifest whose objects are all in the store; returns the release id.
///
/// In this order: the objects are checked to be there, the manifest is stored, the version tag is
/// created (from here on the release is visible, complete, and cannot change), the log entry is
/// appended, `latest` and `index.json` follow from the log. Publishing the same manifest again
/// repairs whatever a crash left undone and changes nothing else.
pub fn publish(store: &Store, manifest: &Manifest) -> Result<ObjectId, ReleaseError> {
    for object in manifest.objects() {
        if store.size(object.id)? != Some(object.size) {
            return Err(ReleaseError::Incomplete { role: object.role, id: object.id });
        }
    }
    let bytes = manifest.to_bytes()?;
    let id = store.put(&bytes)?;
    let (name, version) = (&manifest.name, &manifest.version);
    if let Created::Other(existing) = store.create(&tag_key(name, version), &bytes)? {
        let found = ObjectId::of(&existing);
        let entries = log::read(store)?;
        let logged = entries.iter().find(|entry| entry.name == *name && entry.version == *version);
        if let Some(entry) = logged.filter(|entry| entry.release != found) {
            let place = store.document_place(&tag_key(name, version));
            return Err(ReleaseError::TagMoved { place, found, logged: entry.release });
        }
        let (name, version) = (name.clone(), version.clone());
        return Err(ReleaseError::VersionTaken { name, version, published: found, id });
    }
    let entries = log::append(store, name, version, id)?;
    let index = Index::of(&entries);
    if let Some(versions) = index.releases.get(name) {
        store.replace(&format!("releases/{name}/latest"), versions.latest.as_bytes())?;
    }
    store.replace("index.json", &canonical::to_bytes(&index)?)?;
    Ok(id)
}

/// Whether the version tag holds the manifest of that id.
pub fn is_tagged(
    store: &Store,
    name: &str,
    version: &str,
    id: ObjectId,
) -> Result<bool, ReleaseError> {
    Ok(store.read(&tag_key(name, version))?.is_some_and(|bytes| ObjectId::of(&bytes) == id))
}

/// Whether nothing is left to do to publish: tag, log entry, `latest` and `index.json` agree.
pub fn is_published(
    store: &Store,
    name: &str,
    version: &str,
    id: ObjectId,
) -> Result<bool, ReleaseError> {
    if !is_tagged(store, name, version, id)? {
        return Ok(false);
    }
    let entries = log::read(store)?;
    let index = store.read("index.json")?;
    let latest = store.read(&format!("releases/{name}/latest"))?;
    let newest = entries.iter().rev().find(|entry| entry.name == name);
    if newest.map(|entry| entry.version.as_bytes()) != latest.as_deref() {
        return Ok(false);
    }
    Ok(log::contains(&entries, name, version, id)
        && index == Some(canonical::to_bytes(&Index::of(&entries))?))
}

pub(crate) fn tag_key(name: &str, version: &str) -> String {
    format!("releases/{name}/{version}.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{manifest, resolve};

    fn manifest(store: &Store, version: &str, title: &str) -> Manifest {
        let artifact = |text: &str| manifest::Artifact {
            blake3: store.put(text.as_bytes()).unwrap(),
            sha256: String::new(),
            size: text.len() as u64,
            media_type: "text/plain".into(),
            schema_version: 1,
        };
        Manifest {
            schema: manifest::SCHEMA.into(),
            name: "demo".into(),
            version: version.into(),
            title: title.into(),
            description: String::new(),
            licence: "MIT".into(),
            program: manifest::Program {
                name: "aliquot".into(),
                version: "0".into(),
                stages: BTreeMap::new(),
            },
            recipe: artifact("recipe"),
            lock: artifact("lock"),
            raw: vec![],
            tables: BTreeMap::new(),
            reports: BTreeMap::new(),
            groups: artifact("groups"),
            targets: vec![],
            provenance: vec![],
        }
    }

    #[test]
    fn a_version_never_moves_and_latest_does() {
        let store = Store::memory();
        let first = publish(&store, &manifest(&store, "0.1.0", "one")).unwrap();
        assert_eq!(publish(&store, &manifest(&store, "0.1.0", "one")).unwrap(), first);
        let error = publish(&store, &manifest(&store, "0.1.0", "other")).unwrap_err();
        assert!(
            matches!(error, ReleaseError::VersionTaken { published, .. } if published == first),
            "{error}"
        );

        let second = publish(&store, &manifest(&store, "0.2.0", "two")).unwrap();
        let find = |text: &str| resolve::resolve(&store, &text.parse().unwrap()).unwrap().0;
        assert_eq!(
            (find("demo"), find("demo@latest"), find("demo@0.1.0")),
            (second, second, first)
        );
        assert_eq!((find(&first.to_string()), find(&first.short())), (first, first));
        assert_eq!(log::read(&store).unwrap().len(), 2);
        assert!(is_published(&store, "demo", "0.1.0", first).unwrap());
        assert!(!is_published(&store, "demo", "0.1.0", second).unwrap());
    }

    #[test]
    fn an_incomplete_release_is_not_published() {
        let store = Store::memory();
        let mut manifest = manifest(&store, "0.1.0", "one");
        manifest.lock.blake3 = ObjectId::of(b"never stored");
        let error = publish(&store, &manifest).unwrap_err();
        assert!(matches!(error, ReleaseError::Incomplete { .. }), "{error}");
        assert_eq!(store.list("releases").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_changed_log_entry_breaks_the_chain() {
        let store = Store::memory();
        publish(&store, &manifest(&store, "0.1.0", "one")).unwrap();
        publish(&store, &manifest(&store, "0.2.0", "two")).unwrap();
        let mut entry = log::read(&store).unwrap().remove(0);
        entry.published += 1;
        store.replace("log/000001.json", &canonical::to_bytes(&entry).unwrap()).unwrap();
        assert!(matches!(log::read(&store), Err(ReleaseError::BrokenLog { number: 2, .. })));
    }

    #[test]
    fn an_unknown_release_says_what_is_there() {
        let store = Store::memory();
        publish(&store, &manifest(&store, "0.1.0", "one")).unwrap();
        let error = resolve::resolve(&store, &"demos".parse().unwrap()).unwrap_err().to_string();
        assert_eq!(error, "release `demos` is not in the store `memory:`; it has: demo@0.1.0");
    }
}
