//! The manifest, version 1.
//!
//! Encoded as canonical JSON (RFC 8785). It holds no time, host, path or user: the same recipe, lock
//! and program give the same bytes, so the same release id.

use std::collections::BTreeMap;

use aliquot_store::{
    ObjectId,
    canonical::{self, CanonicalError},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Value of `schema` in every manifest of this version.
pub const SCHEMA: &str = "aliquot/manifest/v1";

/// Everything that makes up a release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Name of the release.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Title for people.
    pub title: String,
    /// What it is, in a few sentences.
    pub description: String,
    /// Licence of the source data, as an SPDX expression.
    pub licence: String,
    /// The program that made it.
    pub program: Program,
    /// The recipe, as written.
    pub recipe: Artifact,
    /// The lock, as written.
    pub lock: Artifact,
    /// The raw files, sorted by address.
    pub raw: Vec<RawArtifact>,
    /// The tables, by name.
    pub tables: BTreeMap<String, Artifact>,
    /// The reports, by name.
    pub reports: BTreeMap<String, Artifact>,
    /// Digests of the 64 KiB groups of larger artifacts, so that `verify` can name a byte range.
    pub groups: Artifact,
    /// The means that can be estimated, with their subsets.
    pub targets: Vec<Target>,
    /// How each object came to be, inputs before outputs.
    pub provenance: Vec<Step>,
}

/// A program and the versions of its stages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// `aliquot`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Version of each stage that took part.
    pub stages: BTreeMap<String, u32>,
}

/// An object with all that is needed to check it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// BLAKE3, the object id.
    pub blake3: ObjectId,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// Media type.
    pub media_type: String,
    /// Version of the schema of its content.
    pub schema_version: u32,
}

impl Artifact {
    fn named(&self, role: impl Into<String>) -> NamedObject<'_> {
        NamedObject { role: role.into(), id: self.blake3, size: self.size, sha256: &self.sha256 }
    }
}

/// A raw file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawArtifact {
    /// Where it was fetched from.
    pub address: String,
    /// BLAKE3, the object id.
    pub blake3: ObjectId,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
}

/// A weighted mean of benchmarks, and the subsets that stand for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Weight of each benchmark in the mean; within a benchmark all items count the same.
    pub benchmarks: BTreeMap<String, f64>,
    /// Number of items that the mean is over.
    pub items: u64,
    /// Number of source models.
    pub models: u64,
    /// The subsets, by name.
    pub subsets: BTreeMap<String, Subset>,
}

/// A subset; its items are in the table `subsets` and in the estimator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subset {
    /// Number of items.
    pub k: u64,
    /// `selection+estimator`.
    pub procedure: String,
    /// The fitted estimator.
    pub estimator: Artifact,
}

/// One node of the graph that made the release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Name of the node.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Version of the stage.
    pub version: u32,
    /// Digest of the canonical JSON of the parameters.
    pub parameters: ObjectId,
    /// What it read.
    pub inputs: Vec<StepInput>,
    /// Ids of the outputs.
    pub outputs: Vec<ObjectId>,
}

/// An input of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepInput {
    /// Name of the step that made it.
    pub from: String,
    /// Its id.
    pub id: ObjectId,
}

impl Manifest {
    /// The canonical bytes, whose BLAKE3 is the release id.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical::to_bytes(self)
    }

    /// Every object that the release names, with what it is.
    pub fn objects(&self) -> Vec<NamedObject<'_>> {
        let mut objects =
            vec![self.recipe.named("recipe"), self.lock.named("lock"), self.groups.named("groups")];
        objects.extend(
            self.tables.iter().map(|(name, artifact)| artifact.named(format!("table {name}"))),
        );
        objects.extend(
            self.reports.iter().map(|(name, artifact)| artifact.named(format!("report {name}"))),
        );
        for target in &self.targets {
            objects.extend(target.subsets.iter().map(|(subset, entry)| {
                entry.estimator.named(format!("estimator {}/{subset}", target.name))
            }));
        }
        objects.extend(self.raw.iter().map(|raw| {
            let role = format!("raw file {}", raw.address);
            NamedObject { role, id: raw.blake3, size: raw.size, sha256: &raw.sha256 }
        }));
        objects
    }
}

/// An object and what it is in the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedObject<'a> {
    /// For people.
    pub role: String,
    /// Its id.
    pub id: ObjectId,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: &'a str,
}
