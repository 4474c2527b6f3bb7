//! All tables to one quality table and two summaries.

use aliquot_report::{Facts, Summary};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{findings, item_analysis, quality, reliability, roster, subsets};
use serde::Serialize;

use super::table;
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
}

/// Inputs: roster, findings, subsets, item analysis, reliability, and the quality table of each
/// evaluation.
/// Outputs: the joined quality table, the summary as Markdown, the summary as text.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let roster = roster::decode(&store.get(inputs[0])?).map_err(table("roster"))?;
    let findings = findings::decode(&store.get(inputs[1])?).map_err(table("findings"))?;
    let subsets = subsets::decode(&store.get(inputs[2])?).map_err(table("subsets"))?;
    let items = item_analysis::decode(&store.get(inputs[3])?).map_err(table("item_analysis"))?;
    let reliability = reliability::decode(&store.get(inputs[4])?).map_err(table("reliability"))?;
    let mut quality = Vec::new();
    for input in &inputs[5..] {
        quality.extend(quality::decode(&store.get(*input)?).map_err(table("quality"))?);
    }

    let Params { name, version, title, description, licence } = params;
    let facts = Facts { name, version, title, description, licence };
    let summary = Summary {
        facts,
        roster: &roster,
        findings: &findings,
        subsets: &subsets,
        items: &items,
        reliability: &reliability,
        quality: &quality,
    };

    Ok(vec![
        store.put(&quality::encode(&quality).map_err(table("quality"))?)?,
        store.put(summary.markdown().as_bytes())?,
        store.put(summary.text().as_bytes())?,
    ])
}
