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
    #[serde(default)]
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
    /// Instead of addresses, benchmark, metric and filter: several of them, for the same models.
    #[serde(default)]
    part: Vec<PartText>,
    /// What is done about a file that cannot be read.
    #[serde(default)]
    on_error: OnError,
}

/// `[[source.files.part]]`: some of the files, which are read in their own way.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PartText {
    /// Addresses or patterns, as those of `source.files`.
    addresses: Vec<String>,
    /// Name of the benchmark, where it is not the one that the task is known to belong to.
    benchmark: Option<String>,
    /// Metric of the scores, where the files hold several.
    metric: Option<String>,
    /// Filter of the answers, where the files hold several.
    filter: Option<String>,
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
    /// One group of files for each part and named model, or one for all models.
    pub fn read(mut self) -> Result<Vec<Files>, String> {
        if self.models.iter().collect::<BTreeSet<_>>().len() != self.models.len() {
            return Err("source.files: `models` must name each model once".to_owned());
        }
        let parts = self.parts()?;
        let mut files = Vec::new();
        for part in &parts {
            self.check(&part.addresses)?;
            if self.models.is_empty() {
                files.push(self.group(part, None)?);
            }
            for model in &self.models {
                files.push(self.group(part, Some(model))?);
            }
        }
        Ok(files)
    }

    /// The parts; one where none is named.
    fn parts(&mut self) -> Result<Vec<PartText>, String> {
        let parts = std::mem::take(&mut self.part);
        let Self { addresses, benchmark, metric, filter, .. } = self;
        if parts.is_empty() {
            let addresses = std::mem::take(addresses);
            let (benchmark, metric, filter) = (benchmark.take(), metric.take(), filter.take());
            return Ok(vec![PartText { addresses, benchmark, metric, filter }]);
        }
        let own = [benchmark, metric, filter].into_iter().any(|own| own.is_some());
        match own || !addresses.is_empty() {
            true => {
                Err("source.files: `addresses`, `benchmark`, `metric` and `filter` stand in the \
                         parts where there are some"
                    .to_owned())
            }
            false => Ok(parts),
        }
    }

    fn check(&self, addresses: &[String]) -> Result<(), String> {
        if addresses.is_empty() {
            return Err("source.files: `addresses` is empty".to_owned());
        }
        let named = addresses.iter().any(|text| text.contains(MODEL) || text.contains(SANITIZED));
        if named == self.models.is_empty() {
            return Err(format!(
                "source.files: `models` and {MODEL} or {SANITIZED} in an address go together"
            ));
        }
        let revised = addresses.iter().any(|text| text.contains("{revision}"));
        if revised && self.revision.is_none() {
            return Err("source.files: an address has {revision}, and there is none".to_owned());
        }
        Ok(())
    }

    fn group(&self, part: &PartText, model: Option<&str>) -> Result<Files, String> {
        let fill = |text: &String| {
            let text = text.replace("{revision}", self.revision.as_deref().unwrap_or(""));
            let model = model.unwrap_or("");
            let text = text.replace(SANITIZED, &model.replace('/', "__"));
            let pattern = text.replace(MODEL, model).parse();
            pattern.map_err(|error: InvalidAddress| error.to_string())
        };
        Ok(Files {
            adapter: self.adapter,
            patterns: part.addresses.iter().map(fill).collect::<Result<_, String>>()?,
            wanted: Wanted {
                model: model.map(str::to_owned),
                benchmark: part.benchmark.clone(),
                metric: part.metric.clone(),
                filter: part.filter.clone(),
                revision: self.revision.clone(),
            },
            on_error: self.on_error,
        })
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
            ("metric = \"acc\"\n[[part]]\naddresses = [\"file:a\"]", "stand in the parts"),
            ("addresses = [\"file:a\"]\n[[part]]\naddresses = [\"file:b\"]", "stand in the parts"),
            ("[[part]]\naddresses = [\"file:{model}\"]", "go together"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn each_part_has_a_group_for_each_model_with_its_own_metric() {
        let files = read(
            "models = [\"a\", \"b\"]\n\
             [[part]]\naddresses = [\"gs://h/x:model={model}{/,[,]*/}*.json\"]\nmetric = \"f1\"\n\
             [[part]]\naddresses = [\"gs://h/y:model={model}/*.json\"]\nbenchmark = \"y\"",
        )
        .unwrap();
        let wanted: Vec<_> = files
            .iter()
            .map(|Files { wanted, .. }| {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                [text(&wanted.model), text(&wanted.metric), text(&wanted.benchmark)]
            })
            .collect();
        assert_eq!(wanted, [["a", "f1", ""], ["b", "f1", ""], ["a", "", "y"], ["b", "", "y"]]);
        let covers = |at: usize, path: &str| {
            files[at].covers(&format!("gs://h/{path}/s.json").parse().unwrap())
        };
        assert!(covers(0, "x:model=a") && covers(0, "x:model=a,stop=none"));
        assert!(!covers(0, "x:model=ab") && !covers(0, "x:model=b") && !covers(2, "x:model=a"));
    }
}
