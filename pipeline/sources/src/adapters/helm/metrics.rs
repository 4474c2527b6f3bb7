//! Which statistic of a HELM run is its main metric.

use serde::Deserialize;

use super::super::json_stream::Few;

/// Main metrics by group, where the suite's own `schema.json` is not among the files; several are in
/// order of preference, for suites differ. SOURCE: `run_groups[].environment` of `schema_classic.yaml`
/// and `schema_lite.yaml` in crfm-helm 0.5.16, without those that are no shares.
const MAIN: [(&str, &[&str], &str); 43] = [
    ("babi_qa", &["quasi_exact_match"], "test"),
    ("bbq", &["quasi_exact_match"], "test"),
    ("billsum_legal_summarization", &["rouge_2"], "test"),
    ("blimp", &["exact_match"], "test"),
    ("boolq", &["quasi_exact_match"], "valid"),
    ("civil_comments", &["quasi_exact_match"], "test"),
    ("code_apps", &["test_avg"], "test"),
    ("code_humaneval", &["pass"], "test"),
    ("dyck_language", &["exact_match_indicator"], "test"),
    ("entity_data_imputation", &["quasi_exact_match"], "test"),
    ("entity_matching", &["quasi_exact_match"], "test"),
    ("eurlexsum_legal_summarization", &["rouge_2"], "test"),
    ("gsm", &["final_number_exact_match", "exact_match_indicator"], "test"),
    ("hellaswag", &["exact_match"], "valid"),
    ("imdb", &["quasi_exact_match"], "valid"),
    ("legal_support", &["quasi_exact_match"], "test"),
    ("legalbench", &["quasi_exact_match"], "test"),
    ("lsat_qa", &["quasi_exact_match"], "test"),
    ("math_chain_of_thought", &["math_equiv_chain_of_thought"], "test"),
    ("math_regular", &["math_equiv"], "test"),
    ("med_qa", &["quasi_exact_match"], "test"),
    ("mmlu", &["exact_match"], "test"),
    ("msmarco_regular", &["RR@10"], "valid"),
    ("msmarco_trec", &["NDCG@10"], "valid"),
    ("multilexsum_legal_summarization", &["rouge_2"], "test"),
    ("narrative_qa", &["f1_score"], "test"),
    ("natural_qa_closedbook", &["f1_score"], "valid"),
    ("natural_qa_openbook_longans", &["f1_score"], "valid"),
    ("openbookqa", &["exact_match"], "test"),
    ("quac", &["f1_score"], "valid"),
    ("raft", &["quasi_exact_match"], "test"),
    ("summarization_cnndm", &["rouge_2"], "test"),
    ("summarization_xsum", &["rouge_2"], "test"),
    ("synthetic_reasoning", &["quasi_exact_match"], "test"),
    ("synthetic_reasoning_natural", &["f1_set_match"], "test"),
    ("thai_exam", &["exact_match"], "test"),
    ("truthful_qa", &["exact_match"], "valid"),
    ("wikifact", &["quasi_exact_match"], "test"),
    ("wmt_14", &["bleu_4"], "test"),
    ("decodingtrust_adv_robustness", &["quasi_exact_match"], "test"),
    ("decodingtrust_fairness", &["quasi_exact_match"], "test"),
    ("decodingtrust_machine_ethics", &["quasi_exact_match"], "test"),
    ("decodingtrust_privacy", &["quasi_exact_match"], "test"),
];

/// Beginnings of the names of statistics that say how a run went, not how well.
const BOOKKEEPING: [&str; 10] = [
    "num_",
    "inference_",
    "training_",
    "finish_reason",
    "batch_size",
    "prompt_truncated",
    "logprob",
    "max_prob",
    "predicted_index",
    "estimated_",
];

/// The part of a suite's schema that is needed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Schema {
    #[serde(default)]
    run_groups: Few<Group>,
    #[serde(default)]
    metrics: Few<Metric>,
}

#[derive(Debug, Deserialize)]
struct Group {
    name: String,
    #[serde(default)]
    environment: Environment,
}

#[derive(Debug, Default, Deserialize)]
struct Environment {
    #[serde(default)]
    main_name: Option<String>,
    #[serde(default)]
    main_split: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Metric {
    name: String,
    #[serde(default)]
    lower_is_better: Option<bool>,
}

/// What the scores are to be taken from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Main {
    /// Group that says so; empty where the metric was asked for.
    pub group: String,
    /// Statistics, the first that a run has is meant.
    pub metrics: Vec<String>,
    /// Split, where it is known.
    pub split: Option<String>,
}

impl Schema {
    /// Whether less is better; None where the schema does not know the metric.
    pub fn lower_is_better(&self, metric: &str) -> Option<bool> {
        self.metrics.0.iter().find(|known| known.name == metric)?.lower_is_better
    }

    fn main(&self, group: &str) -> Option<Main> {
        let known = self.run_groups.0.iter().find(|known| known.name == group)?;
        let is_named = |name: &&String| !name.eq_ignore_ascii_case("none");
        let metric = known.environment.main_name.as_ref().filter(is_named)?;
        let split = known.environment.main_split.as_ref().filter(is_named).cloned();
        Some(Main { group: group.to_owned(), metrics: vec![metric.clone()], split })
    }
}

/// The wanted metric, the schema's, or that of the table; None where nothing says it.
pub(super) fn main_metric(
    groups: &[String],
    schema: Option<&Schema>,
    wanted: Option<&str>,
) -> Option<Main> {
    let declared = groups.iter().find_map(|group| schema?.main(group));
    let main = declared.or_else(|| groups.iter().find_map(|group| curated(group)));
    let Some(wanted) = wanted else { return main };
    let (group, split) = main.map_or((String::new(), None), |main| (main.group, main.split));
    Some(Main { group, metrics: vec![wanted.to_owned()], split })
}

fn curated(group: &str) -> Option<Main> {
    let (name, metrics, split) = MAIN.iter().find(|(name, ..)| *name == group)?;
    Some(Main {
        group: (*name).to_owned(),
        metrics: metrics.iter().map(|metric| (*metric).to_owned()).collect(),
        split: Some((*split).to_owned()),
    })
}

/// Whether a statistic may be a score.
pub(super) fn is_score(name: &str) -> bool {
    !BOOKKEEPING.iter().any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_goes_before_the_schema_and_that_before_the_table() {
        let schema: Schema = serde_json::from_str(
            r#"{"run_groups":[{"name":"all","environment":{"main_name":"none"}},
                {"name":"mmlu","environment":{"main_name":"pass","main_split":"valid"}}],
                "metrics":[{"name":"pass","lower_is_better":false},{"name":"loss","lower_is_better":true}]}"#,
        )
        .unwrap();
        let groups = ["all".to_owned(), "mmlu".to_owned()];
        let main = |schema, wanted| {
            let main = main_metric(&groups, schema, wanted).unwrap();
            (main.metrics[0].clone(), main.split.unwrap())
        };
        assert_eq!(main(None, None), ("exact_match".to_owned(), "test".to_owned()));
        assert_eq!(main(Some(&schema), None), ("pass".to_owned(), "valid".to_owned()));
        assert_eq!(main(Some(&schema), Some("f1")), ("f1".to_owned(), "valid".to_owned()));
        assert_eq!(main_metric(&groups[..1], Some(&schema), None), None);
        assert_eq!(schema.lower_is_better("loss"), Some(true));
        assert!(is_score("exact_match") && !is_score("num_bytes"));
    }
}
