//! All tables to one quality table and two summaries.

use std::collections::BTreeSet;

use aliquot_report::{Facts, Summary};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{
    amortisation, clustering, error_curve, findings, item_analysis, quality, reliability, roster,
    subsets,
};
use serde::Serialize;

use super::{is_false, size, table};
use crate::error::Error;

/// What the recipe says of the release.
#[derive(Debug, Clone, Serialize)]
pub struct Params {
    /// Name of the release.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Title.
    pub title: String,
    /// What it is.
    pub description: String,
    /// Licence of the source data.
    pub licence: String,
    /// Number of error curves.
    pub curves: usize,
    /// Whether no model has answered anything.
    #[serde(skip_serializing_if = "is_false")]
    pub cold: bool,
    /// Whether clusters were described.
    #[serde(skip_serializing_if = "is_false")]
    pub clusters: bool,
    /// Whether it was told how well texts foretell items.
    #[serde(skip_serializing_if = "is_false")]
    pub amortised: bool,
}

/// Inputs: roster, findings, subsets, item analysis and reliability unless cold, clustering and amortisation
/// if there are, the error curves, and the quality table of each evaluation.
/// Outputs: the joined quality table, the summary as Markdown, the summary as text, the
/// joined error curves.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let roster = roster::decode(&store.get(inputs[0])?).map_err(table("roster"))?;
    let findings = findings::decode(&store.get(inputs[1])?).map_err(table("findings"))?;
    let subsets = subsets::decode(&store.get(inputs[2])?).map_err(table("subsets"))?;
    let (analysis, rest) = inputs[3..].split_at(if params.cold { 0 } else { 2 });
    let (items, reliability) = match analysis {
        [items, reliability] => (
            item_analysis::decode(&store.get(*items)?).map_err(table("item_analysis"))?,
            reliability::decode(&store.get(*reliability)?).map_err(table("reliability"))?,
        ),
        _ => (Vec::new(), Vec::new()),
    };
    let (clustering, rest) = rest.split_at(usize::from(params.clusters));
    let clustering = match clustering {
        [id] => clustering::decode(&store.get(*id)?).map_err(table("clustering"))?,
        _ => Vec::new(),
    };
    let (amortisation, rest) = rest.split_at(usize::from(params.amortised));
    let amortisation = match amortisation {
        [id] => amortisation::decode(&store.get(*id)?).map_err(table("amortisation"))?,
        _ => Vec::new(),
    };
    let (curves, evaluations) = rest.split_at(params.curves);
    let curve = size::read(curves, store)?;
    let mut quality = Vec::new();
    for input in evaluations {
        quality.extend(quality::decode(&store.get(*input)?).map_err(table("quality"))?);
    }
    // A size that was searched for may be one that was measured anyway.
    let mut seen = BTreeSet::new();
    quality.retain(|row| {
        seen.insert((row.target.clone(), row.split.clone(), row.k, row.procedure.clone()))
    });

    let Params { name, version, title, description, licence, .. } = params;
    let facts = Facts { name, version, title, description, licence };
    let summary = Summary {
        facts,
        roster: &roster,
        findings: &findings,
        subsets: &subsets,
        items: &items,
        reliability: &reliability,
        quality: &quality,
        curve: &curve,
        clustering: &clustering,
        amortisation: &amortisation,
    };

    Ok(vec![
        store.put(&quality::encode(&quality).map_err(table("quality"))?)?,
        store.put(summary.markdown().as_bytes())?,
        store.put(summary.text().as_bytes())?,
        store.put(&error_curve::encode(&curve).map_err(table("error_curve"))?)?,
    ])
}
