//! Everything that was made to one manifest.

use std::collections::{BTreeMap, BTreeSet};

use aliquot_engine::{Node, NodeId};
use aliquot_release::{
    estimator::Estimator,
    manifest::{Artifact, Manifest, Program, RawArtifact, SCHEMA, Step, StepInput, Subset, Target},
    verify::{Groups, sha256},
};
use aliquot_sources::LockedFile;
use aliquot_store::{ObjectId, Store, canonical, chunks};
use aliquot_tables::{MEDIA_TYPE, SCHEMA_VERSION};
use serde::Serialize;

use crate::{
    error::Error,
    graph::outputs,
    recipe::{Recipe, TargetSpec},
};

/// What is packed.
#[derive(Debug, Clone)]
pub struct Params {
    /// What the recipe says of the release.
    pub identity: Identity,
    /// The recipe, as written.
    pub recipe: String,
    /// The lock, as written.
    pub lock: String,
    /// The raw files.
    pub files: Vec<LockedFile>,
    /// Name, node and output of each table.
    pub tables: Vec<(&'static str, NodeId, usize)>,
    /// Name, media type, node and output of each report.
    pub reports: Vec<(&'static str, &'static str, NodeId, usize)>,
    /// Target, subset and node of each estimator.
    pub estimators: Vec<(usize, &'static str, NodeId)>,
    /// The graph up to here.
    pub steps: Vec<Node>,
}

/// The part of the manifest that no input carries; the parameters of the stage.
#[derive(Debug, Clone, Serialize)]
pub struct Identity {
    name: String,
    version: String,
    title: String,
    description: String,
    licence: String,
    program: &'static str,
    targets: Vec<TargetSpec>,
    procedure: String,
    recipe: ObjectId,
    lock: ObjectId,
}

impl Identity {
    /// What a recipe says of its release.
    pub fn of(recipe: &Recipe, recipe_text: &str, lock_text: &str) -> Self {
        let Recipe { name, version, title, description, licence, targets, procedure, .. } =
            recipe.clone();
        Self {
            name,
            version,
            title,
            description,
            licence,
            program: env!("CARGO_PKG_VERSION"),
            targets,
            procedure: procedure.name(),
            recipe: ObjectId::of(recipe_text.as_bytes()),
            lock: ObjectId::of(lock_text.as_bytes()),
        }
    }
}

/// Inputs: every output of every step. Output: the manifest.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let made = Made::new(&params.steps, inputs);
    let groups = groups(params, inputs, store)?;
    let recipe = store.put(params.recipe.as_bytes())?;
    let lock = store.put(params.lock.as_bytes())?;
    let groups = store.put(&canonical::to_bytes(&groups)?)?;

    let parts = Parts { params, made: &made, store };
    let manifest = Manifest {
        schema: SCHEMA.to_owned(),
        name: params.identity.name.clone(),
        version: params.identity.version.clone(),
        title: params.identity.title.clone(),
        description: params.identity.description.clone(),
        licence: params.identity.licence.clone(),
        program: parts.program(),
        recipe: parts.artifact(recipe, "application/toml", 1)?,
        lock: parts.artifact(lock, "application/toml", 1)?,
        raw: parts.raw(),
        tables: parts.tables()?,
        reports: parts.reports()?,
        groups: parts.artifact(groups, "application/json", 1)?,
        targets: parts.targets()?,
        provenance: made.steps(&params.steps),
    };

    Ok(vec![store.put(&manifest.to_bytes()?)?])
}

/// Reads a manifest back.
pub fn read(store: &Store, id: ObjectId) -> Result<Manifest, Error> {
    serde_json::from_slice(&store.get(id)?)
        .map_err(|error| Error::Internal(format!("manifest {id}: {error}")))
}

/// Group digests of every object that is larger than one group.
///
/// Reads everything that was made, and so checks it: a release is not packed from damaged bytes.
fn groups(params: &Params, made: &[ObjectId], store: &Store) -> Result<Groups, Error> {
    let locked: BTreeMap<ObjectId, &LockedFile> =
        params.files.iter().map(|file| (file.blake3, file)).collect();
    let mut groups = Groups::new();
    let mut seen = BTreeSet::new();
    for id in made.iter().copied().filter(|id| seen.insert(*id)) {
        let bytes = store.get(id)?;
        if let Some(file) = locked.get(&id)
            && (file.sha256 != sha256(&bytes) || file.size != bytes.len() as u64)
        {
            return Err(Error::Data(format!(
                "{}: the lock's size or SHA-256 is not that of its BLAKE3",
                file.address
            )));
        }
        let values = chunks::group_values(&bytes);
        if !values.is_empty() {
            groups.insert(id, values.into_iter().map(ObjectId::from).collect());
        }
    }
    Ok(groups)
}

/// Output ids by node.
struct Made {
    outputs: Vec<Vec<ObjectId>>,
}

impl Made {
    fn new(steps: &[Node], inputs: &[ObjectId]) -> Self {
        let mut rest = inputs;
        let take = |step: &Node| {
            let (own, others) = rest.split_at(outputs(step.stage));
            rest = others;
            own.to_vec()
        };
        Self { outputs: steps.iter().map(take).collect() }
    }

    fn output(&self, node: NodeId, output: usize) -> ObjectId {
        self.outputs[node.index()][output]
    }

    fn steps(&self, steps: &[Node]) -> Vec<Step> {
        let step = |(node, outputs): (&Node, &Vec<ObjectId>)| Step {
            name: node.name.clone(),
            stage: node.stage.to_owned(),
            version: node.version,
            parameters: node.parameters,
            inputs: node
                .inputs
                .iter()
                .map(|input| StepInput {
                    from: steps[input.node.index()].name.clone(),
                    id: self.output(input.node, input.output),
                })
                .collect(),
            outputs: outputs.clone(),
        };
        steps.iter().zip(&self.outputs).map(step).collect()
    }
}

struct Parts<'a> {
    params: &'a Params,
    made: &'a Made,
    store: &'a Store,
}

impl Parts<'_> {
    fn artifact(
        &self,
        id: ObjectId,
        media_type: &str,
        schema_version: u32,
    ) -> Result<Artifact, Error> {
        let bytes = self.store.get(id)?;
        let (size, media_type) = (bytes.len() as u64, media_type.to_owned());
        Ok(Artifact { blake3: id, sha256: sha256(&bytes), size, media_type, schema_version })
    }

    fn program(&self) -> Program {
        let stages =
            self.params.steps.iter().map(|step| (step.stage.to_owned(), step.version)).collect();
        Program {
            name: "aliquot".to_owned(),
            version: self.params.identity.program.to_owned(),
            stages,
        }
    }

    fn raw(&self) -> Vec<RawArtifact> {
        let raw = |file: &LockedFile| RawArtifact {
            address: file.address.to_string(),
            blake3: file.blake3,
            sha256: file.sha256.clone(),
            size: file.size,
        };
        self.params.files.iter().map(raw).collect()
    }

    fn tables(&self) -> Result<BTreeMap<String, Artifact>, Error> {
        let table = |(name, node, output): &(&str, NodeId, usize)| {
            Ok((
                (*name).to_owned(),
                self.artifact(self.made.output(*node, *output), MEDIA_TYPE, SCHEMA_VERSION)?,
            ))
        };
        self.params.tables.iter().map(table).collect()
    }

    fn reports(&self) -> Result<BTreeMap<String, Artifact>, Error> {
        let report = |(name, media_type, node, output): &(&str, &str, NodeId, usize)| {
            Ok((
                (*name).to_owned(),
                self.artifact(self.made.output(*node, *output), media_type, 1)?,
            ))
        };
        self.params.reports.iter().map(report).collect()
    }

    fn targets(&self) -> Result<Vec<Target>, Error> {
        let Identity { targets, procedure, .. } = &self.params.identity;
        let mut entries: Vec<Target> = targets
            .iter()
            .map(|target| Target {
                name: target.name.clone(),
                benchmarks: target.benchmarks.clone(),
                items: 0,
                models: 0,
                subsets: BTreeMap::new(),
            })
            .collect();
        for (target, subset, node) in &self.params.estimators {
            let id = self.made.output(*node, 0);
            let estimator: Estimator = serde_json::from_slice(&self.store.get(id)?)
                .map_err(|error| Error::Internal(format!("estimator {id}: {error}")))?;
            let entry = &mut entries[*target];
            (entry.items, entry.models) = (estimator.population, estimator.sources);
            let subset_entry = Subset {
                k: estimator.items.len() as u64,
                procedure: procedure.clone(),
                estimator: self.artifact(id, "application/json", 1)?,
            };
            entry.subsets.insert((*subset).to_owned(), subset_entry);
        }
        Ok(entries)
    }
}
