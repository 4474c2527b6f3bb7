//! `[audit]` of a recipe: what is done about what is found.

use aliquot_stats::audit::Likeness;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Note it and go on.
    Keep,
    /// Leave the model or item out.
    Drop,
    /// Stop.
    Fail,
}

impl Policy {
    /// Name in the table of findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::Fail => "fail",
        }
    }
}

/// What is done about a finding that cannot be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Alarm {
    /// Note it and go on.
    Keep,
    /// Stop.
    Fail,
}

impl Alarm {
    /// Name in the table of findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => Policy::Keep.name(),
            Self::Fail => Policy::Fail.name(),
        }
    }
}

/// What is done about values that no statistics can work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Leave the model out.
    Drop,
    /// Stop.
    Fail,
}

impl Refusal {
    /// Name in the table of findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Drop => Policy::Drop.name(),
            Self::Fail => Policy::Fail.name(),
        }
    }
}

/// What the audit does about what it finds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuditPolicy {
    /// A model whose answers equal those of another one, item by item.
    pub duplicate_models: Policy,
    /// A model that answers too much as another one does, but for a few items.
    pub suspected_copies: SuspectedCopies,
    /// A model whose recomputed mean is not the published one.
    pub disagreeing_scores: Policy,
    /// A model with scores below 0, above 1 or infinite.
    pub impossible_scores: Refusal,
    /// A model with scores between 0 and 1 where at least 99 % of the benchmark's are one or the other.
    pub stray_scores: Policy,
    /// Smallest share of a benchmark's items that a model must have answered to be kept.
    pub minimum_coverage: f64,
    /// Scores that are missing more often of weaker models, or on harder items, or the other way round.
    pub missing_not_at_random: Alarm,
    /// A model that was run with other shots, another prompt template or another version of the task than
    /// most. Other versions of the tool are noted only.
    pub setting_drift: Policy,
    /// Items that no kept model has a score on; left out unless told otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unanswered_items: Option<Unanswered>,
    /// Items that weaker models solve more often than stronger ones: a negative corrected item-total
    /// correlation, shown at a false discovery rate of 5 %.
    pub negative_items: Policy,
    /// Items of the same text, white space and Unicode form aside, and the same choices. `drop` keeps the
    /// one that most models have answered, of several the first by uid.
    pub duplicate_items: Policy,
    /// Items whose texts share most of their words; looked for unless told otherwise where texts are known
    /// and there is no `[embed]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similar_texts: Option<SimilarTexts>,
    /// Items whose texts say nearly the same; with `[embed]` only, where it is looked for unless
    /// told otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near_duplicates: Option<NearDuplicates>,
}

impl Default for AuditPolicy {
    fn default() -> Self {
        Self {
            duplicate_models: Policy::Drop,
            suspected_copies: SuspectedCopies::default(),
            disagreeing_scores: Policy::Fail,
            impossible_scores: Refusal::Fail,
            stray_scores: Policy::Keep,
            minimum_coverage: 0.9,
            missing_not_at_random: Alarm::Keep,
            setting_drift: Policy::Keep,
            unanswered_items: None,
            negative_items: Policy::Keep,
            duplicate_items: Policy::Keep,
            similar_texts: None,
            near_duplicates: None,
        }
    }
}

/// What counts as a copy, and what is done about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SuspectedCopies {
    /// Share of the differences between equally able models that are not there: 1 for copies, about 0 for
    /// strangers.
    pub similarity: f64,
    /// `drop` keeps the one with the most answers, of several the first by name.
    pub action: Policy,
    /// The same for models that declare the same family or base model, such as quantised variants.
    pub relatives: Policy,
}

impl Default for SuspectedCopies {
    fn default() -> Self {
        let Likeness { similarity, .. } = Likeness::default();
        Self { similarity, action: Policy::Keep, relatives: Policy::Keep }
    }
}

/// What is done about items without answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unanswered {
    /// Leave them out.
    Drop,
    /// With `[embed]` and a table of items: count them in the means, and let them be chosen, with what
    /// their texts say that each model would score.
    Predict,
}

impl Unanswered {
    /// Name in the table of findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Predict => "predict",
        }
    }
}

/// What counts as nearly the same words, and what is done about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SimilarTexts {
    /// Smallest share of common runs of three words or signs (Jaccard), from 0.5 to 1.
    pub similarity: f64,
    /// `drop` keeps the item of a group that most models have answered, of several the first by uid.
    pub action: Policy,
}

impl Default for SimilarTexts {
    fn default() -> Self {
        Self { similarity: 0.8, action: Policy::Keep }
    }
}

/// What counts as nearly the same text, and what is done about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NearDuplicates {
    /// Smallest cosine between the embeddings.
    pub similarity: f64,
    /// `drop` keeps the first item of a group, by uid.
    pub action: Policy,
}

impl Default for NearDuplicates {
    fn default() -> Self {
        Self { similarity: 0.95, action: Policy::Keep }
    }
}

/// What an audit can look at.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Whether items are embedded.
    pub embedded: bool,
    /// Whether the source has the items' texts.
    pub prompts: bool,
}

impl AuditPolicy {
    /// Checks every figure and fills in what depends on the rest of the recipe; the error says what is
    /// wrong and what would be right.
    pub fn resolved(self, known: Known) -> Result<Self, String> {
        if !(0.0..=1.0).contains(&self.minimum_coverage) {
            return Err("audit.minimum_coverage must be between 0 and 1".to_owned());
        }
        let copies = self.suspected_copies.similarity;
        if !(copies > 0.0 && copies <= 1.0) {
            return Err(
                "audit.suspected_copies.similarity must be above 0 and at most 1".to_owned()
            );
        }
        if self.unanswered_items == Some(Unanswered::Predict) && !known.embedded {
            return Err(
                "audit.unanswered_items = \"predict\" looks at text: add [embed]".to_owned()
            );
        }
        let near_duplicates = match (self.near_duplicates, known.embedded) {
            (Some(_), false) => {
                let instead = "or use audit.similar_texts, which compares words";
                return Err(format!("audit.near_duplicates looks at text: add [embed], {instead}"));
            }
            (Some(near), true) if !(near.similarity > 0.0 && near.similarity <= 1.0) => {
                let problem = "audit.near_duplicates.similarity must be above 0 and at most 1";
                return Err(problem.to_owned());
            }
            (None, true) => Some(NearDuplicates::default()),
            (near, _) => near,
        };
        let similar_texts = match (self.similar_texts, known.prompts) {
            (Some(_), false) => {
                return Err(
                    "audit.similar_texts reads the items' texts, and the source's columns name \
                            none: declare the `prompt` of the items"
                        .to_owned(),
                );
            }
            (Some(similar), true) if !(0.5..=1.0).contains(&similar.similarity) => {
                return Err("audit.similar_texts.similarity must be from 0.5 to 1".to_owned());
            }
            (None, true) if !known.embedded => Some(SimilarTexts::default()),
            (similar, _) => similar,
        };
        Ok(Self { near_duplicates, similar_texts, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_depends_on_what_is_known() {
        let resolved = |policy: &str, embedded, prompts| {
            let policy: AuditPolicy = toml::from_str(policy).unwrap();
            policy.resolved(Known { embedded, prompts })
        };
        let looks = |policy: AuditPolicy| {
            (policy.similar_texts.is_some(), policy.near_duplicates.is_some())
        };
        assert_eq!(looks(resolved("", false, true).unwrap()), (true, false));
        assert_eq!(looks(resolved("", true, true).unwrap()), (false, true));
        assert_eq!(looks(resolved("", false, false).unwrap()), (false, false));
        assert_eq!(looks(resolved("[similar_texts]", true, true).unwrap()), (true, true));
        let error = |policy: &str, prompts| resolved(policy, false, prompts).unwrap_err();
        assert!(error("[similar_texts]", false).contains("declare the `prompt`"));
        assert!(error("[similar_texts]\nsimilarity = 0.4", true).contains("from 0.5 to 1"));
        assert!(error("[near_duplicates]", true).contains("audit.similar_texts"));
        assert!(error("[suspected_copies]\nsimilarity = 0", true).contains("at most 1"));
        assert!(error("minimum_coverage = 2", true).contains("between 0 and 1"));
    }

    #[test]
    fn actions_that_make_no_sense_are_refused() {
        for policy in ["impossible_scores = \"keep\"", "missing_not_at_random = \"drop\""] {
            assert!(toml::from_str::<AuditPolicy>(policy).is_err(), "{policy}");
        }
    }
}
