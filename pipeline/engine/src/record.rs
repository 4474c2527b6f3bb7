use aliquot_store::ObjectId;
use serde::{Deserialize, Serialize};

/// What the cache knows of one fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheEntry {
    /// Outputs in the stage's order.
    pub outputs: Vec<ObjectId>,
}

/// How a node of a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Its outputs were there already.
    Reused,
    /// It ran.
    Ran,
}

/// One node of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Name of the node.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Version of the stage.
    pub version: u32,
    /// Digest of the parameters.
    pub parameters: ObjectId,
    /// Ids of the inputs.
    pub inputs: Vec<ObjectId>,
    /// Cache key.
    pub fingerprint: ObjectId,
    /// Ids of the outputs.
    pub outputs: Vec<ObjectId>,
    /// How it ended.
    pub outcome: Outcome,
    /// Wall time.
    pub milliseconds: u64,
}

/// One run of a recipe. Says when and how; nothing of it enters a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Name of the recipe.
    pub recipe: String,
    /// Version of the program.
    pub program: String,
    /// Start, seconds since 1970.
    pub started: u64,
    /// Wall time.
    pub milliseconds: u64,
    /// The error that ended it, None when it finished.
    pub failure: Option<String>,
    /// The nodes that ended well, in the order of the graph.
    pub nodes: Vec<NodeRecord>,
}
