//! `[[source.files]]`: files that say themselves what they are, named by patterns.

use std::collections::BTreeSet;

use aliquot_sources::{
    Address, InvalidAddress, Lock, LockedFile, Pattern,
    adapters::{Adapter, Wanted},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::stages::normalize::{FileParams, OnError};

/// In an address: the name of a model.
const MODEL: &str = "{model}";

/// In an address: the name of a model as lm-evaluation-harness makes folders of it, `/` as `__`.
const SANITIZED: &str = "{model_name_sanitized}";

/// Files of one format.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesText {
    /// Format of the files.
    adapter: Adapter,
    /// Addresses or patterns; `{revision}`, `{model}` and `{model_name_sanitized}` (`/` as `__`) are
    /// filled in.
    addresses: Vec<String>,
    /// Revision of the repository.
    revision: Option<String>,
    /// Names of the models, where the addresses are made of them; the files' own otherwise.
    #[serde(default)]
    models: Vec<String>,
    /// Name of the benchmark, where it is not the one that the task is known to belong to.
    benchmark: Option<String>,
    /// Metric of the scores, where the files hold several.
    metric: Option<String>,
    /// Filter of the answers, where the files hold several.
    filter: Option<String>,
    /// What is done about a file that cannot be read.
    #[serde(default)]
    on_error: OnError,
}

/// Files of one format and, where the recipe names it, of one model.
#[derive(Debug, Clone)]
pub struct Files {
    adapter: Adapter,
    patterns: Vec<Pattern>,
    wanted: Wanted,
    on_error: OnError,
}

impl FilesText {
    /// One group of files for each named model, or one for all.
    pub fn read(self) -> Result<Vec<Files>, String> {
        let Self { adapter, addresses, revision, models, benchmark, metric, filter, on_error } =
            self;
        if addresses.is_empty() {
            return Err("source.files: `addresses` is empty".to_owned());
        }
        let named = addresses.iter().any(|text| text.contains(MODEL) || text.contains(SANITIZED));
        if named == models.is_empty() {
            return Err(format!(
                "source.files: `models` and {MODEL} or {SANITIZED} in an address go together"
            ));
        }
        if models.iter().collect::<BTreeSet<_>>().len() != models.len() {
            return Err("source.files: `models` must name each model once".to_owned());
        }
        let revised = addresses.iter().any(|text| text.contains("{revision}"));
        if revised && revision.is_none() {
            return Err("source.files: an address has {revision}, and there is none".to_owned());
        }
        let group = |model: Option<&str>| {
            let fill = |text: &String| {
                let text = text.replace("{revision}", revision.as_deref().unwrap_or(""));
                let model = model.unwrap_or("");
                let text = text.replace(SANITIZED, &model.replace('/', "__"));
                let pattern = text.replace(MODEL, model).parse();
                pattern.map_err(|error: InvalidAddress| error.to_string())
            };
            Ok(Files {
                adapter,
                patterns: addresses.iter().map(fill).collect::<Result<_, String>>()?,
                wanted: Wanted {
                    model: model.map(str::to_owned),
                    benchmark: benchmark.clone(),
                    metric: metric.clone(),
                    filter: filter.clone(),
                    revision: revision.clone(),
                },
                on_error,
            })
        };
        if models.is_empty() {
            return Ok(vec![group(None)?]);
        }
        models.iter().map(|model| group(Some(model))).collect()
    }
}

impl Files {
    /// What names the files.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Whether a file is one of them.
    pub fn covers(&self, address: &Address) -> bool {
        self.patterns.iter().any(|pattern| pattern.covers(address))
    }

    /// Files of the lock that are read together, with how they are read.
    pub fn units(&self, lock: &Lock) -> Vec<FileParams> {
        let covered = lock.files().iter().map(LockedFile::address);
        let covered: Vec<&Address> = covered.filter(|address| self.covers(address)).collect();
        let unit = |positions: Vec<usize>| FileParams {
            adapter: self.adapter,
            version: self.adapter.version(),
            addresses: positions.into_iter().map(|at| covered[at].clone()).collect(),
            wanted: self.wanted.clone(),
            on_error: self.on_error,
        };
        self.adapter.units(&covered).into_iter().map(unit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Files>, String> {
        toml::from_str::<FilesText>(&format!("adapter = \"alpaca-eval\"\n{text}")).unwrap().read()
    }

    #[test]
    fn names_of_models_are_filled_in() {
        let files = read(
            "addresses = [\"hf://datasets/o/{model_name_sanitized}-details@{revision}/*.json\"]\n\
             revision = \"main\"\nmodels = [\"a/b\", \"c\"]",
        )
        .unwrap();
        let patterns: Vec<String> =
            files.iter().map(|files| files.patterns[0].to_string()).collect();
        let repository = |name: &str| format!("hf://datasets/o/{name}-details@main/*.json");
        assert_eq!(patterns, [repository("a__b"), repository("c")]);
        let commit = "0123456789012345678901234567890123456789";
        let file = format!("hf://datasets/o/a__b-details@{commit}/x.json").parse().unwrap();
        assert!(files[0].covers(&file) && !files[1].covers(&file));
    }

    #[test]
    fn addresses_and_names_have_to_go_together() {
        for (text, problem) in [
            ("addresses = []", "`addresses` is empty"),
            ("addresses = [\"file:{model}\"]", "go together"),
            ("addresses = [\"file:a\"]\nmodels = [\"m\"]", "go together"),
            ("addresses = [\"file:{model}\"]\nmodels = [\"m\", \"m\"]", "each model once"),
            ("addresses = [\"file:{revision}\"]", "there is none"),
            ("addresses = [\"file:../x\"]", "`..`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }
}
