use std::{
    collections::{BTreeSet, HashMap, HashSet},
    rc::Rc,
};

use aliquot_tables::{
    aliases::Alias, findings::Finding, items::Item, prompts::Prompt, responses::Response,
};

use super::{
    Outcome, TOLERANCE, TOOL,
    choices::{Choices, LIST, Score},
    doc::{self, Doc},
    plan::{Filter, Plan},
    record::Record,
    results::plain_text,
    template::{Line, MOST_OF_ONE, Template, Templates},
};
use crate::{
    AdapterError, ItemContent, Occurrences, Place, RawFile, Shard,
    adapters::{
        curated::quoted,
        json::{Records, without_bare_nan},
        likelihood::Guard,
    },
};

mod by_template;

/// Labels that an error lists at most.
const MOST_LABELS: usize = 16;

/// Reads the lines of one file into a shard.
pub(super) struct Reader<'a> {
    file: &'a RawFile<'a>,
    raw: String,
    model: &'a str,
    plan: &'a Plan,
    templates: &'a Templates,
    state: State,
    /// For the template that the file becomes; None if it cannot or need not be one.
    lines: Option<Vec<Line>>,
    /// Bytes of them.
    kept: usize,
}

/// What is forgotten when a file is read again with another filter.
#[derive(Default)]
struct State {
    shard: Shard,
    /// Metric and filter, known from the first line on.
    selection: Option<Rc<(String, Filter)>>,
    occurrences: Occurrences,
    hashes: HashSet<String>,
    /// How often each document came.
    counts: HashMap<u64, usize>,
    /// Of the chosen filter, or of every unlabelled one in turn.
    totals: Vec<Total>,
    other_labels: BTreeSet<String>,
    /// Items that equal another one though their documents differ.
    alike: u32,
    /// Whether a line has the metric.
    measured: bool,
    guard: Guard,
}

#[derive(Clone, Default)]
struct Total {
    lines: u32,
    scored: u32,
    sum: f64,
}

/// What came of one pass over the lines.
enum Pass {
    Done,
    Again(Filter),
}

impl<'a> Reader<'a> {
    pub fn new(
        file: &'a RawFile<'a>,
        model: &'a str,
        plan: &'a Plan,
        templates: &'a Templates,
    ) -> Self {
        let (raw, state) = (file.id.to_string(), State::default());
        Self { file, raw, model, plan, templates, state, lines: None, kept: 0 }
    }

    /// Reads all lines, by a template if there is one; and again if there is none that fits, or if the
    /// labels turn out to be several.
    pub fn read_all(&mut self) -> Result<(), AdapterError> {
        if self.read_by_template()? {
            return Ok(());
        }
        self.state = State::default();
        self.lines = self.templates.wants(self.plan).then(Vec::new);
        self.kept = 0;
        while let Pass::Again(filter) = self.read_once()? {
            let metric = self.state.selection.take().map(|selection| selection.0.clone());
            let selection = Some(Rc::new((metric.unwrap_or_default(), filter)));
            self.state = State { selection, ..State::default() };
            self.lines = None;
        }
        Ok(())
    }

    fn push_response(
        &mut self,
        number: u64,
        item_uid: &str,
        score: Result<f64, &'static str>,
        log_likelihood: Option<f32>,
    ) {
        let Some(selection) = &self.state.selection else { return };
        let (metric, filter) = &**selection;
        self.state.shard.responses.push(&Response {
            model: self.model,
            item_uid,
            metric,
            filter: filter.name(),
            trial: 0,
            score: score.map(|score| score as f32),
            log_likelihood,
            raw: &self.raw,
            record: number,
        });
    }

    fn read_once(&mut self) -> Result<Pass, AdapterError> {
        let mut records = Records::of(self.file)?;
        while let Some((number, place, text)) = records.next()? {
            let parsed: Result<Record<'_>, _> = serde_json::from_str(text);
            // Bare NaN is no JSON and rare: looking for it first would cost more than reading twice.
            let pass = match parsed {
                Ok(record) => self.add((number, place, text), &record)?,
                Err(error) => {
                    let plain = without_bare_nan(text.as_bytes());
                    let again = serde_json::from_slice(&plain);
                    let record = again.map_err(|_| self.syntax_error(place, &error))?;
                    self.add((number, place, text), &record)?
                }
            };
            if let Pass::Again(filter) = pass {
                return Ok(Pass::Again(filter));
            }
        }
        Ok(Pass::Done)
    }

    fn syntax_error(&self, place: Place, error: &serde_json::Error) -> AdapterError {
        let place = match place {
            Place::Line(line, _) => Place::Line(line, error.column()),
            other => other,
        };
        self.file.error(place, format!("{error}; expected a sample of lm-evaluation-harness"))
    }

    fn add(
        &mut self,
        (number, place, text): (u64, Place, &str),
        record: &Record<'_>,
    ) -> Result<Pass, AdapterError> {
        let refuse = |problem: String| self.file.error(place, problem);
        let missing = |field| refuse(format!("field `{field}` is missing"));
        let doc_id = record.doc_id.ok_or_else(|| missing("doc_id"))?;
        let label = record.filter.as_ref().map(|label| &*label.0);
        if self.state.selection.is_none() {
            let metric = self.plan.metric(record).map_err(refuse)?;
            let filter = self.plan.filter(&metric, label).map_err(refuse)?;
            self.state.selection = Some(Rc::new((metric, filter)));
        }
        let Some(selection) = self.state.selection.clone() else { return Ok(Pass::Done) };
        let (metric, filter) = &*selection;
        if let (Filter::Sole(first), Some(label)) = (filter, label)
            && first != label
        {
            let known = self.plan.curated_filter([first, label]).map_err(refuse)?;
            return Ok(Pass::Again(Filter::Labelled(known)));
        }
        let chosen = self.state.chosen(doc_id, label, filter).map_err(refuse)?;
        let Some(block) = chosen else {
            self.lines = None;
            return Ok(Pass::Done);
        };
        self.state.measured |= record.other(metric).is_some();
        let score = score(record, metric).map_err(refuse)?;
        self.state.count(block, score);
        if matches!(filter, Filter::Unlabelled { chosen, .. } if *chosen != block) {
            return Ok(Pass::Done);
        }
        self.add_item((number, place, text), record, score)?;
        Ok(Pass::Done)
    }

    /// Adds item and response of a line of the chosen filter.
    fn add_item(
        &mut self,
        (number, place, text): (u64, Place, &str),
        record: &Record<'_>,
        score: Result<f64, &'static str>,
    ) -> Result<(), AdapterError> {
        let raw_doc = record.doc;
        let raw_doc = raw_doc.ok_or_else(|| self.file.error(place, "field `doc` is missing"))?;
        let doc: Doc<'_> = serde_json::from_str(raw_doc.get())
            .map_err(|error| self.file.error(place, format!("field `doc`: {error}")))?;
        let choices = Choices::of(record, &doc);
        let too_deep = || {
            let problem = format!("field `doc` is nested more than {} levels deep", doc::DEEPEST);
            self.file.error(place, problem)
        };
        let stem = doc.question().or_else(|| doc::pretty(raw_doc.get())).ok_or_else(too_deep)?;
        let item = self.item(record, (stem, &doc), choices.as_ref());
        let hash = record.doc_hash.as_ref().map(|hash| hash.0.clone().into_owned());
        let hash = hash.or_else(|| doc::hash(raw_doc)).ok_or_else(too_deep)?;
        let item_uid = self.push_item(place, item, &hash)?;
        self.keep_line(text, record, choices.as_ref());
        let own = self.plan.results.own_scoring;
        let log_likelihood = choices.filter(|_| !own).and_then(|choices| {
            let metrics = numbers(record);
            let binary = self.state.guard.check(place, &choices.scored, metrics);
            binary.then(|| choices.scored.log_likelihood())?
        });
        self.push_response(number, &item_uid, score, log_likelihood);
        if let Some(hash) = &record.prompt_hash {
            self.state.shard.prompts.push(Prompt {
                item_uid: item_uid.clone(),
                tool: TOOL.to_owned(),
                task: self.plan.task().to_owned(),
                prompt_hash: hash.0.clone().into_owned(),
            });
        }
        self.state.shard.aliases.push(Alias {
            item_uid,
            tool: TOOL.to_owned(),
            tool_version: self.plan.results.tool_version.clone(),
            task: self.plan.task().to_owned(),
            revision: self.plan.revision.clone(),
            doc_id: record.doc_id.map(|id| id.to_string()),
            doc_hash: Some(hash),
            native_id: doc.native_id(),
        });
        Ok(())
    }

    /// Keeps a line for a template, as long as all lines can be of one.
    fn keep_line(&mut self, text: &str, record: &Record<'_>, choices: Option<&Choices>) {
        let labelled =
            self.state.selection.as_ref().is_some_and(|selection| {
                matches!(selection.1, Filter::Labelled(_) | Filter::Sole(_))
            });
        let Some(lines) = &mut self.lines else { return };
        match Line::of(text, record, choices).filter(|_| labelled && self.kept < MOST_OF_ONE) {
            Some(line) => {
                self.kept += line.size();
                lines.push(line);
            }
            None => self.lines = None,
        }
    }

    /// The item, its uid and occurrence still open, with its choices.
    fn item(
        &self,
        record: &Record<'_>,
        (stem, doc): (String, &Doc<'_>),
        scored: Option<&Choices>,
    ) -> (Item, Option<Vec<String>>) {
        let mut choices = doc.choices();
        let mut target = None;
        if let Some(Choices { scored, contexts }) = scored {
            let several = scored.texts.len() > 1;
            let fits = |choices: &Vec<String>| choices.len() == scored.texts.len();
            let scored_texts = || (several && !contexts).then(|| scored.texts.to_vec());
            choices = choices.filter(|all| !several || fits(all)).or_else(scored_texts);
            if let (true, Some(choices), [gold]) = (several, &choices, &scored.gold[..]) {
                target = choices.get(*gold).cloned();
            }
        }
        let logged = || record.target.map(plain_text).filter(|target| !target.trim().is_empty());
        let item = Item {
            benchmark: self.plan.benchmark.clone(),
            config: self.plan.config.clone(),
            task: self.plan.task().to_owned(),
            stem,
            choices: choices.as_ref().and_then(|choices| serde_json::to_string(choices).ok()),
            target: target.or_else(logged),
            ..Item::default()
        };
        (item, choices)
    }

    fn push_item(
        &mut self,
        place: Place,
        (mut item, choices): (Item, Option<Vec<String>>),
        hash: &str,
    ) -> Result<String, AdapterError> {
        let content = ItemContent {
            benchmark: &item.benchmark,
            config: &item.config,
            split: "",
            stem: &item.stem,
            choices: choices.as_deref(),
            target: item.target.as_deref(),
        };
        let next = self.state.occurrences.next_uid(&content);
        let (item_uid, occurrence) = next.map_err(self.file.canonical_error(place))?;
        let new_hash = self.state.hashes.insert(hash.to_owned());
        if !new_hash && occurrence == 0 {
            let problem = format!("doc_hash {hash} stood for another item before");
            return Err(self.file.error(place, problem));
        }
        self.state.alike += u32::from(new_hash && occurrence > 0);
        item.item_uid.clone_from(&item_uid);
        item.occurrence = occurrence;
        self.state.shard.items.push(item);
        Ok(item_uid)
    }

    /// The shard, once everything has been checked that only the whole file tells.
    pub fn finish(mut self) -> Result<(Shard, Outcome), AdapterError> {
        let refuse = |problem: String| self.file.error(Place::File, problem);
        let Some(selection) = self.state.selection.take() else {
            return Err(refuse("it holds no sample".to_owned()));
        };
        let (metric, filter) = &*selection;
        if self.state.shard.responses.is_empty() {
            let labels: Vec<String> = self.state.other_labels.iter().cloned().collect();
            let labels = quoted(&labels);
            let problem = format!("no line has filter `{}`, but {labels}", filter.name());
            return Err(refuse(problem));
        }
        if !self.state.measured {
            let problem = format!("no line has metric `{metric}`: choose another with --metric");
            return Err(refuse(problem));
        }
        self.check_blocks(metric, filter).map_err(refuse)?;
        let guard = std::mem::take(&mut self.state.guard);
        match guard.verdict() {
            Ok(true) => {}
            Ok(false) => self.state.shard.responses.log_likelihood.fill(f32::NAN),
            Err((place, problem)) => return Err(self.file.error(place, problem)),
        }
        let block = match filter {
            Filter::Unlabelled { chosen, .. } => *chosen,
            _ => 0,
        };
        let total = self.state.totals.get(block).cloned().unwrap_or_default();
        let outcome = Outcome {
            mean: total.mean(),
            items: total.lines,
            metric: metric.clone(),
            filter: filter.name().to_owned(),
        };
        self.state.shard.findings.extend(self.alike_finding());
        if let Some(lines) = self.lines.take().filter(|lines| !lines.is_empty()) {
            let State { shard, alike, .. } = &self.state;
            let (items, aliases, prompts) =
                (shard.items.clone(), shard.aliases.clone(), shard.prompts.clone());
            let (metric, filter) = (metric.clone(), filter.clone());
            let template =
                Template { metric, filter, lines, items, aliases, prompts, alike: *alike };
            self.templates.add(self.plan, template);
        }
        Ok((self.state.shard, outcome))
    }

    /// Unlabelled filters are told by their order, which has to be confirmed.
    fn check_blocks(&self, metric: &str, filter: &Filter) -> Result<(), String> {
        let Filter::Unlabelled { names, .. } = filter else { return Ok(()) };
        if names.len() < 2 {
            return Ok(());
        }
        if self.state.counts.values().any(|&count| count != names.len()) {
            return Err(format!(
                "its lines name no filter and not every document comes once for each of {}",
                quoted(names)
            ));
        }
        for (name, total) in names.iter().zip(&self.state.totals) {
            let published = self.plan.results.aggregates.iter();
            let mut published = published.filter(|a| a.metric == metric && a.filter == *name);
            let published = published.next().and_then(|aggregate| aggregate.value);
            let agrees =
                published.zip(total.mean()).is_some_and(|(a, b)| (a - b).abs() < TOLERANCE);
            if !agrees {
                return Err(format!(
                    "its lines name no filter, and by their order `{name}` has mean {:?} where the \
                     results file says {published:?}",
                    total.mean()
                ));
            }
        }
        Ok(())
    }

    fn alike_finding(&self) -> Option<Finding> {
        (self.state.alike > 0).then(|| Finding {
            kind: "alike-documents".to_owned(),
            severity: "warning".to_owned(),
            benchmark: self.plan.benchmark.clone(),
            subject: self.plan.task().to_owned(),
            evidence: format!(
                "{} documents differ from one of equal question, choices and target in other fields; \
                 they are told apart by their order",
                self.state.alike
            ),
            action: "keep".to_owned(),
            ..Finding::default()
        })
    }
}

impl State {
    /// Block of totals that a line counts in; None for lines of other filters.
    fn chosen(
        &mut self,
        doc_id: u64,
        label: Option<&str>,
        filter: &Filter,
    ) -> Result<Option<usize>, String> {
        if let (Filter::Unlabelled { .. }, Some(label)) = (filter, label) {
            return Err(format!("it has filter `{label}` where lines before had none"));
        }
        if let (Filter::Labelled(_) | Filter::Sole(_), None) = (filter, label) {
            return Err("it has no filter where lines before had one".to_owned());
        }
        if let Some(label) = label
            && label != filter.name()
        {
            if self.other_labels.len() < MOST_LABELS {
                self.other_labels.insert(label.to_owned());
            }
            return Ok(None);
        }
        let before = self.counts.entry(doc_id).or_insert(0);
        let block = *before;
        *before += 1;
        match filter {
            Filter::Unlabelled { names, .. } if block < names.len() => Ok(Some(block)),
            Filter::Unlabelled { names, .. } if names.len() == 1 => Err(format!(
                "document {doc_id} comes a second time; lines of several filters without their names \
                 need the results file of the run"
            )),
            Filter::Unlabelled { names, .. } => Err(format!(
                "document {doc_id} comes more often than there are filters, which are {}",
                quoted(names)
            )),
            _ if block == 0 => Ok(Some(0)),
            _ => Err(format!("document {doc_id} comes a second time under one filter")),
        }
    }

    fn count(&mut self, block: usize, score: Result<f64, &str>) {
        if self.totals.len() <= block {
            self.totals.resize(block + 1, Total::default());
        }
        let total = &mut self.totals[block];
        total.lines += 1;
        if let Ok(score) = score {
            total.scored += 1;
            total.sum += score;
        }
    }
}

impl Total {
    fn mean(&self) -> Option<f64> {
        let complete = self.lines > 0 && self.scored == self.lines;
        complete.then(|| self.sum / f64::from(self.lines))
    }
}

/// The further fields that are numbers.
fn numbers<'r>(record: &'r Record<'_>) -> impl Iterator<Item = (&'r str, f64)> {
    record.others.iter().filter_map(|(name, raw)| match Score::of(raw.get()) {
        Score::Number(value) => Some((&**name, value)),
        _ => None,
    })
}

/// The score of a line, why there is none, or what is wrong.
fn score(record: &Record<'_>, metric: &str) -> Result<Result<f64, &'static str>, String> {
    let Some(raw) = record.other(metric) else { return Ok(Err("absent")) };
    match Score::of(raw.get()) {
        Score::Number(score) if (0.0..=1.0).contains(&score) => Ok(Ok(score)),
        Score::Number(score) => Err(format!(
            "`{metric}` is {score}, which is not between 0 and 1; choose another with --metric"
        )),
        Score::Missing => Ok(Err("unscored")),
        Score::List => Err(format!("metric `{metric}` {LIST}: choose another with --metric")),
        Score::Other => Err(format!("`{metric}` is not a number")),
    }
}
