//! Every Eval Ever 0.3: `<uuid>_samples.jsonl`, one row a sample and result, and beside it `<uuid>.json`
//! with what the results are.
//!
//! Score = `evaluation.score` scaled to the metric's declared range and oriented by its
//! `lower_is_better`; without the second file `evaluation.is_correct`. Traps: one sample has a row for
//! each metric; `sample_id` is unique only inside an `evaluation_name`; `sample_hash` is computed
//! differently by the guide and by its converters, so it is not read; epochs repeat a sample.

use std::{borrow::Cow, collections::BTreeMap};

use aliquot_tables::{
    aliases::Alias, findings::Finding, items::Item, models::Model, prompts::Prompt,
    responses::Response, runs::Run,
};
use serde::Deserialize;

use super::{
    Wanted,
    json::{Lines, without_bare_nan},
};
use crate::{AdapterError, Address, ItemContent, Occurrences, Place, RawFile, Shard};

/// Raised when the same bytes give other rows.
pub const VERSION: u32 = 1;

/// Name of the tool in aliases, where the aggregate names no library.
const TOOL: &str = "every-eval-ever";

/// Ending of a file of samples.
const SAMPLES: &str = "_samples.jsonl";
