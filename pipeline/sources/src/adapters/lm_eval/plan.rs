//! Which metric and which filter of a file are its scores.

use super::{
    choices::{LIST, Score},
    record::Record,
    results::Results,
};
use crate::adapters::{
    Wanted,
    curated::{self, quoted},
};

/// Name of the filter where a task has none of its own.
const NO_FILTER: &str = "none";

/// What is known before the first line.
pub(super) struct Plan {
    pub results: Results,
    pub benchmark: String,
    pub config: String,
    file_task: String,
    curated: Option<curated::Curated>,
    wanted_metric: Option<String>,
    wanted_filter: Option<String>,
    pub revision: String,
}

/// How the lines of a file are told apart by filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    /// By their label.
    Labelled(String),
    /// By their label, which is to be the same in all lines.
    Sole(String),
    /// By how often the document came before; all names, and the one chosen.
    Unlabelled { names: Vec<String>, chosen: usize },
}

impl Filter {
    /// Name of the filter of the scores.
    pub fn name(&self) -> &str {
        match self {
            Self::Labelled(name) | Self::Sole(name) => name,
            Self::Unlabelled { names, chosen } => &names[*chosen],
        }
    }
}

impl Plan {
    pub fn new(task: &str, results: Results, wanted: &Wanted) -> Self {
        let curated = curated::of_task(task);
        let own = wanted.benchmark.clone();
        let known = curated.as_ref().map(|curated| curated.benchmark.to_owned());
        Self {
            results,
            benchmark: own.or(known).unwrap_or_else(|| task.to_owned()),
            config: curated.as_ref().map(|curated| curated.config.clone()).unwrap_or_default(),
            file_task: task.to_owned(),
            curated,
            wanted_metric: wanted.metric.clone(),
            wanted_filter: wanted.filter.clone(),
            revision: wanted.revision.clone().unwrap_or_default(),
        }
    }

    /// The task as the tool names it, or as the file does.
    pub fn task(&self) -> &str {
        if self.results.task.is_empty() { &self.file_task } else { &self.results.task }
    }

    /// The metric of the scores.
    pub fn metric(&self, first: &Record<'_>) -> Result<String, String> {
        let metrics = match self.results.aggregates.is_empty() {
            true => first.metrics(),
            false => self.results.metrics(),
        };
        // A wanted metric may be in the lines without an aggregate.
        let wanted = self.wanted_metric.as_deref();
        let metric = match wanted.filter(|wanted| first.other(wanted).is_some()) {
            Some(wanted) => wanted.to_owned(),
            None => curated::choose_metric(wanted, self.curated.as_ref(), &metrics)?,
        };
        if matches!(first.other(&metric).map(|raw| Score::of(raw.get())), Some(Score::List)) {
            return Err(format!("metric `{metric}` {LIST}: choose another with --metric"));
        }
        curated::check_orientation(&metric, self.results.higher_is_better(&metric))?;
        Ok(metric)
    }

    /// How lines are told apart, by the first of them.
    pub fn filter(&self, metric: &str, label: Option<&str>) -> Result<Filter, String> {
        let names = self.results.filters(metric);
        let curated = self.curated.as_ref().and_then(|curated| curated.filter);
        let chosen = match (&self.wanted_filter, &names[..]) {
            (Some(wanted), []) => Some(wanted.clone()),
            (Some(wanted), names) if names.contains(wanted) => Some(wanted.clone()),
            (Some(wanted), names) => {
                return Err(format!("filter `{wanted}` is absent: it has {}", quoted(names)));
            }
            (None, [sole]) => Some(sole.clone()),
            (None, []) => None,
            (None, names) => {
                let known = curated.filter(|known| names.iter().any(|name| name == known));
                Some(known.ok_or_else(|| several(names))?.to_owned())
            }
        };
        match (label, chosen) {
            (Some(_), Some(chosen)) => Ok(Filter::Labelled(chosen)),
            (Some(label), None) => Ok(Filter::Sole(label.to_owned())),
            (None, chosen) => {
                let chosen = chosen.unwrap_or_else(|| NO_FILTER.to_owned());
                let at = names.iter().position(|name| *name == chosen).unwrap_or(0);
                let names = if names.is_empty() { vec![chosen] } else { names };
                Ok(Filter::Unlabelled { names, chosen: at })
            }
        }
    }

    /// The filter to start again with, where labels turn out to be several.
    pub fn curated_filter(&self, labels: [&str; 2]) -> Result<String, String> {
        let curated = self.curated.as_ref().and_then(|curated| curated.filter);
        let known = curated.filter(|known| labels.contains(known)).map(str::to_owned);
        known.ok_or_else(|| several(&labels.map(str::to_owned)))
    }
}

fn several(names: &[String]) -> String {
    format!(
        "it has the filters {}, which are never merged: choose one with --filter, in a recipe by \
         the key `filter`",
        quoted(names)
    )
}
