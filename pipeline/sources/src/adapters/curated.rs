//! What is known of the tasks by which models are compared most: benchmark, configuration, and the
//! metric and filter that their leaderboards and papers report.
//!
//! One table for lm-evaluation-harness, Open LLM Leaderboard v1 and v2, and lighteval. An item's
//! benchmark and configuration come from here, so that the same question has the same uid under each
//! of them.

/// What is known of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Curated {
    pub benchmark: &'static str,
    /// What the star of the pattern stands for.
    pub config: String,
    pub metric: Option<&'static str>,
    pub filter: Option<&'static str>,
}

/// Task with at most one star, benchmark, metric, filter. The first that fits holds.
type Row = (&'static str, &'static str, &'static str, Option<&'static str>);

const TASKS: [Row; 47] = [
    // Open LLM Leaderboard v2.
    ("leaderboard_bbh_*", "bbh", "acc_norm", None),
    ("leaderboard_gpqa_*", "gpqa", "acc_norm", None),
    ("leaderboard_musr_*", "musr", "acc_norm", None),
    ("leaderboard_mmlu_pro", "mmlu_pro", "acc", None),
    ("leaderboard_math_*_hard", "math", "exact_match", None),
    ("leaderboard_ifeval", "ifeval", "prompt_level_strict_acc", None),
    // Open LLM Leaderboard v1 and lm-evaluation-harness.
    ("arc:challenge", "arc_challenge", "acc_norm", None),
    ("arc_challenge", "arc_challenge", "acc_norm", None),
    ("arc:easy", "arc_easy", "acc_norm", None),
    ("arc_easy", "arc_easy", "acc_norm", None),
    ("hellaswag", "hellaswag", "acc_norm", None),
    ("winogrande", "winogrande", "acc", None),
    ("truthfulqa:mc", "truthfulqa_mc2", "mc2", None),
    ("truthfulqa_mc1", "truthfulqa_mc1", "acc", None),
    ("truthfulqa_mc2", "truthfulqa_mc2", "acc", None),
    ("truthfulqa_gen", "truthfulqa_gen", "bleu_acc", None),
    ("gsm8k", "gsm8k", "exact_match", Some("strict-match")),
    ("gsm8k_cot", "gsm8k", "exact_match", Some("strict-match")),
    ("gsm8k_platinum", "gsm8k_platinum", "exact_match", Some("strict-match")),
    ("hendrycksTest-*", "mmlu", "acc", None),
    ("mmlu_*", "mmlu", "acc", None),
    ("mmlu:*", "mmlu", "acc", None),
    ("mmlu_pro_*", "mmlu_pro", "exact_match", Some("custom-extract")),
    ("bbh_zeroshot_*", "bbh", "exact_match", Some("flexible-extract")),
    ("bbh_fewshot_*", "bbh", "exact_match", None),
    ("bbh_cot_zeroshot_*", "bbh", "exact_match", Some("flexible-extract")),
    ("bbh_cot_fewshot_*", "bbh", "exact_match", Some("get-answer")),
    ("piqa", "piqa", "acc_norm", None),
    ("boolq", "boolq", "acc", None),
    ("openbookqa", "openbookqa", "acc_norm", None),
    ("social_iqa", "social_iqa", "acc", None),
    ("siqa", "social_iqa", "acc", None),
    ("commonsense_qa", "commonsense_qa", "acc", None),
    ("copa", "copa", "acc", None),
    ("rte", "rte", "acc", None),
    ("wic", "wic", "acc", None),
    ("sciq", "sciq", "acc_norm", None),
    ("race", "race", "acc", None),
    ("logiqa", "logiqa", "acc_norm", None),
    ("medmcqa", "medmcqa", "acc_norm", None),
    ("medqa_4options", "medqa", "acc_norm", None),
    ("pubmedqa", "pubmedqa", "acc", None),
    ("lambada_openai", "lambada", "acc", None),
    ("triviaqa", "triviaqa", "exact_match", None),
    ("nq_open", "nq_open", "exact_match", None),
    ("hendrycks_math_*", "math", "exact_match", None),
    ("ifeval", "ifeval", "prompt_level_strict_acc", None),
];

/// Subjects of MMLU: `mmlu_*` has many other tasks.
const SUBJECTS: [&str; 57] = [
    "abstract_algebra",
    "anatomy",
    "astronomy",
    "business_ethics",
    "clinical_knowledge",
    "college_biology",
    "college_chemistry",
    "college_computer_science",
    "college_mathematics",
    "college_medicine",
    "college_physics",
    "computer_security",
    "conceptual_physics",
    "econometrics",
    "electrical_engineering",
    "elementary_mathematics",
    "formal_logic",
    "global_facts",
    "high_school_biology",
    "high_school_chemistry",
    "high_school_computer_science",
    "high_school_european_history",
    "high_school_geography",
    "high_school_government_and_politics",
    "high_school_macroeconomics",
    "high_school_mathematics",
    "high_school_microeconomics",
    "high_school_physics",
    "high_school_psychology",
    "high_school_statistics",
    "high_school_us_history",
    "high_school_world_history",
    "human_aging",
    "human_sexuality",
    "international_law",
    "jurisprudence",
    "logical_fallacies",
    "machine_learning",
    "management",
    "marketing",
    "medical_genetics",
    "miscellaneous",
    "moral_disputes",
    "moral_scenarios",
    "nutrition",
    "philosophy",
    "prehistory",
    "professional_accounting",
    "professional_law",
    "professional_medicine",
    "professional_psychology",
    "public_relations",
    "security_studies",
    "sociology",
    "us_foreign_policy",
    "virology",
    "world_religions",
];

/// The metric of the scores among those of a file: the wanted one, the curated one, or the only one.
pub(crate) fn choose_metric(
    wanted: Option<&str>,
    curated: Option<&Curated>,
    metrics: &[String],
) -> Result<String, String> {
    let has = |metric: &&str| metrics.iter().any(|other| other == metric);
    let listed = || match metrics {
        [] => "it has no metric".to_owned(),
        _ => format!("it has the metrics {}", quoted(metrics)),
    };
    if let Some(wanted) = wanted {
        let known = has(&wanted).then(|| wanted.to_owned());
        return known.ok_or_else(|| format!("metric `{wanted}` is absent: {}", listed()));
    }
    let known = curated.and_then(|curated| curated.metric).filter(has);
    match (known, metrics) {
        (Some(known), _) => Ok(known.to_owned()),
        (None, [sole]) => Ok(sole.clone()),
        _ => {
            let choose = "choose one with --metric, in a recipe by the key `metric`";
            Err(format!("{}: {choose}", listed()))
        }
    }
}

/// Refuses a metric that is not known to be better when higher; `said` is what the tool says.
pub(crate) fn check_orientation(metric: &str, said: Option<bool>) -> Result<(), String> {
    match said.or_else(|| ACCURACIES.contains(&metric).then_some(true)) {
        Some(true) => Ok(()),
        Some(false) => Err(format!(
            "less is better in metric `{metric}`, and scores are better when higher: choose another \
             with --metric"
        )),
        None => Err(format!(
            "nothing says whether more is better in metric `{metric}`: give the results file of the \
             run with the samples, or choose another with --metric"
        )),
    }
}

/// Names for an error.
pub(crate) fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Metrics that are known to be better when higher and to lie in [0, 1] for each item.
const ACCURACIES: [&str; 15] = [
    "acc",
    "acc_norm",
    "acc_bytes",
    "acc_mutual_info",
    "exact_match",
    "em",
    "qem",
    "pem",
    "pqem",
    "mc1",
    "mc2",
    "bleu_acc",
    "prompt_level_strict_acc",
    "prompt_level_loose_acc",
    "extractive_match",
];

/// What is known of a task of this name, without shots and suite.
pub(crate) fn of_task(task: &str) -> Option<Curated> {
    TASKS.iter().find_map(|&(pattern, benchmark, metric, filter)| {
        let config = star(pattern, task)?;
        let subject = benchmark != "mmlu" || SUBJECTS.contains(&config);
        subject.then(|| Curated {
            benchmark,
            config: config.to_owned(),
            metric: Some(metric),
            filter,
        })
    })
}

/// What the star stands for; empty where the pattern has none.
fn star<'t>(pattern: &str, task: &'t str) -> Option<&'t str> {
    match pattern.split_once('*') {
        Some((before, behind)) => task.strip_prefix(before)?.strip_suffix(behind),
        None => (pattern == task).then_some(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_give_benchmark_and_configuration() {
        let known = |task| of_task(task).map(|known| (known.benchmark, known.config));
        assert_eq!(known("mmlu_anatomy").unwrap(), ("mmlu", "anatomy".to_owned()));
        assert_eq!(known("hendrycksTest-anatomy"), known("mmlu_anatomy"));
        assert_eq!(known("mmlu_pro_law").unwrap(), ("mmlu_pro", "law".to_owned()));
        assert_eq!(known("mmlu_flan_anatomy"), None);
        assert_eq!(known("leaderboard_math_algebra_hard").unwrap(), ("math", "algebra".to_owned()));
        assert_eq!(known("arc"), None);
    }

    #[test]
    fn no_row_is_hidden_by_an_earlier_one() {
        for (at, (pattern, benchmark, ..)) in TASKS.iter().enumerate() {
            let subject = if *benchmark == "mmlu" { "anatomy" } else { "x" };
            let task = pattern.replace('*', subject);
            let first = TASKS.iter().position(|(other, benchmark, ..)| {
                star(other, &task)
                    .is_some_and(|config| *benchmark != "mmlu" || SUBJECTS.contains(&config))
            });
            assert_eq!(first, Some(at), "{pattern}");
        }
    }
}
