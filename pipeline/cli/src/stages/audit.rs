//! What is wrong with the data, and what stays.

use aliquot_store::{ObjectId, Store};
use aliquot_tables::{embeddings, findings, gaps, items, models, roster, runs, scores};
use serde::Serialize;

use super::table;
use crate::{
    audit::{Data, audit, policy::AuditPolicy, published_scores},
    error::Error,
    recipe::Published,
};

/// What is looked for, and what is done about it.
#[derive(Debug, Clone, Serialize)]
pub struct Params {
    /// What is done.
    pub policy: AuditPolicy,
    /// How to read the published scores.
    pub published: Option<Published>,
}

/// Inputs: scores, items, models, gaps, runs, findings of the sources, embeddings if near-duplicates are looked for, published scores if
/// there are. Outputs: findings, roster.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let Params { policy, published } = params;
    let scores = scores::decode(&store.get(inputs[0])?).map_err(table("scores"))?;
    let items = items::decode(&store.get(inputs[1])?).map_err(table("items"))?;
    let models = models::decode(&store.get(inputs[2])?).map_err(table("models"))?;
    let gaps = gaps::decode(&store.get(inputs[3])?).map_err(table("gaps"))?;
    let runs = runs::decode(&store.get(inputs[4])?).map_err(table("runs"))?;
    let sources = findings::decode(&store.get(inputs[5])?).map_err(table("findings"))?;
    let (vectors, rest) = inputs[6..].split_at(usize::from(policy.near_duplicates.is_some()));
    let vectors = vectors.first().map(|id| store.get(*id)).transpose()?;
    let vectors = vectors.map(|bytes| embeddings::decode(&bytes).map_err(table("embeddings")));
    let vectors = vectors.transpose()?;
    let published = match (published, rest.first()) {
        (Some(published), Some(id)) => {
            Some((published, published_scores(published, &store.get(*id)?)?))
        }
        _ => None,
    };

    let data = Data {
        scores: &scores,
        items: &items,
        models: &models,
        gaps: &gaps,
        runs: &runs,
        sources: &sources,
        vectors: vectors.as_ref(),
        published,
    };
    let audited = audit(policy, &data)?;

    Ok(vec![
        store.put(&findings::encode(&audited.findings).map_err(table("findings"))?)?,
        store.put(&roster::encode(&audited.roster).map_err(table("roster"))?)?,
    ])
}
