//! One row of details, of either layout.

use serde_json::{Map, Value};

use crate::adapters::likelihood::Scored;

/// Columns that hold no metric and are not read: prompts with their worked examples, and tokens.
const LEFT_OUT: [&str; 17] = [
    "full_prompt",
    "instruction",
    "ctx",
    "input_tokens",
    "cont_tokens",
    "truncated",
    "padded",
    "pred_logits",
    "prediction_logits",
    "num_asked_few_shots",
    "num_effective_few_shots",
    "asked_few_shots",
    "effective_few_shots",
    "specifics",
    "task",
    "hash",
    "must_remove_duplicate_docs",
];

/// Fields of the layout since 0.11.
const STRUCTS: [&str; 8] = [
    "doc.query",
    "doc.original_query",
    "doc.choices",
    "doc.gold_index",
    "doc.id",
    "metric",
    "model_response.logprobs",
    "model_response.unconditioned_logprobs",
];

/// What is to be read of a file with these columns.
pub(super) fn wanted(names: &[String]) -> Vec<String> {
    if names.iter().any(|name| name == "doc") {
        return STRUCTS.map(str::to_owned).to_vec();
    }
    names.iter().filter(|name| !LEFT_OUT.contains(&name.as_str())).cloned().collect()
}

/// A question with a model's answer.
pub(super) struct Row {
    pub stem: String,
    /// None for open questions.
    pub choices: Option<Vec<String>>,
    pub target: Option<String>,
    /// Position in the evaluated split, since 0.11.
    pub doc_id: Option<String>,
    pub native_id: Option<String>,
    pub prompt_hash: Option<String>,
    pub metrics: Map<String, Value>,
    /// The choices as they were scored.
    pub scored: Option<Scored>,
}

impl Row {
    /// Takes a row apart.
    pub fn of(row: Map<String, Value>) -> Result<Self, String> {
        if row.contains_key("doc") { Self::structs(&row) } else { Self::flat(row) }
    }

    fn structs(row: &Map<String, Value>) -> Result<Self, String> {
        let part = |name: &str| row.get(name).and_then(Value::as_object);
        let doc = part("doc").ok_or("column `doc` is no struct")?;
        let stem = ["original_query", "query"].iter().find_map(|key| doc.get(*key)?.as_str());
        let stem = stem.ok_or("column `doc` has no `query`")?;
        let likelihoods = part("model_response").and_then(|response| response.get("logprobs"));
        let question = Question {
            choices: texts(doc.get("choices")),
            gold: positions(doc.get("gold_index")),
            references: Vec::new(),
            likelihoods: numbers(likelihoods),
        };
        let (choices, target, scored) = question.parts();
        Ok(Self {
            stem: stem.to_owned(),
            choices,
            target,
            doc_id: doc.get("id").and_then(Value::as_str).map(str::to_owned),
            native_id: None,
            prompt_hash: None,
            metrics: part("metric").cloned().unwrap_or_default(),
            scored,
        })
    }

    fn flat(mut row: Map<String, Value>) -> Result<Self, String> {
        let stem = row.remove("example");
        let stem = stem.as_ref().and_then(Value::as_str).ok_or("column `example` is no text")?;
        let question = Question {
            choices: texts(row.remove("choices").as_ref()),
            gold: positions(row.remove("gold_index").as_ref()),
            references: texts(row.remove("gold").as_ref()),
            likelihoods: numbers(row.remove("predictions").as_ref()),
        };
        let hashes = row.remove("hashes");
        let prompt_hash = hashes.as_ref().and_then(|hashes| hashes.get("full_prompt")?.as_str());
        let metrics = match row.remove("metrics") {
            Some(Value::Object(metrics)) => metrics,
            _ => {
                let plain =
                    row.into_iter().filter(|(_, value)| value.is_number() || value.is_boolean());
                let bare = |name: String| match name.strip_prefix("metrics.") {
                    Some(bare) => bare.to_owned(),
                    None => name,
                };
                plain.map(|(name, value)| (bare(name), value)).collect()
            }
        };
        let (choices, target, scored) = question.parts();
        // July 2023 has ARC's native id where later files have the question.
        let native_id = (!stem.contains(char::is_whitespace)).then(|| stem.to_owned());
        Ok(Self {
            stem: stem.to_owned(),
            choices,
            target,
            doc_id: None,
            native_id,
            prompt_hash: prompt_hash.map(str::to_owned),
            metrics,
            scored,
        })
    }
}

struct Question {
    choices: Vec<String>,
    gold: Vec<usize>,
    references: Vec<String>,
    likelihoods: Vec<f64>,
}

impl Question {
    /// Choices, target, and the choices as scored. An open question has its references as choices, or
    /// apart from them.
    fn parts(self) -> (Option<Vec<String>>, Option<String>, Option<Scored>) {
        let Self { choices, gold, references, mut likelihoods } = self;
        // With unconditioned log-likelihoods behind.
        if likelihoods.len() == 2 * choices.len() {
            likelihoods.truncate(choices.len());
        }
        let in_range = gold.iter().all(|&at| at < choices.len());
        if choices.len() > 1 && likelihoods.len() == choices.len() {
            let gold = if in_range { gold } else { Vec::new() };
            let scored = Scored::new(choices, likelihoods, gold);
            let target = match scored.gold[..] {
                [gold] => Some(scored.texts[gold].clone()),
                _ => None,
            };
            return (Some(scored.texts.to_vec()), target, Some(scored));
        }
        let right = gold.iter().filter_map(|&at| choices.get(at).cloned());
        let references = if references.is_empty() { right.collect() } else { references };
        let target = match &references[..] {
            [] => None,
            [alone] => Some(alone.trim().to_owned()),
            several => serde_json::to_string(several).ok(),
        };
        (None, target, None)
    }
}

/// A text or a list of them.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(values)) => {
            values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

/// A position or a list of them.
fn positions(value: Option<&Value>) -> Vec<usize> {
    let position = |value: &Value| value.as_u64().and_then(|at| usize::try_from(at).ok());
    match value {
        Some(Value::Array(values)) => values.iter().filter_map(position).collect(),
        Some(value) => position(value).into_iter().collect(),
        None => Vec::new(),
    }
}

/// A list of numbers, NaN where null; empty if there is anything else in it.
fn numbers(value: Option<&Value>) -> Vec<f64> {
    let number = |value: &Value| match value {
        Value::Null => Some(f64::NAN),
        value => value.as_f64(),
    };
    let list = value.and_then(Value::as_array);
    list.and_then(|list| list.iter().map(number).collect()).unwrap_or_default()
}
