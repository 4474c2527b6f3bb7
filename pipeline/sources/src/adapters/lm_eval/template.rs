//! What one file's lines say of the documents, to read the next model's file of the same task by.
//!
//! A line begins with the document and the requests, which are most of it and the same for every model:
//! `{"doc_id": .., "doc": .., "target": .., "arguments": ..` and then `, "resps": ..`. Where a line begins
//! with the very bytes of another file's line, only the rest is parsed, and what follows from the
//! beginning (item, uid, names, choices) is taken over. Any difference, and the file is read as if there
//! were no template: the tables are the same with and without one.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use aliquot_tables::{aliases::Alias, items::Item, prompts::Prompt};
use memchr::memmem;

use super::{
    choices::Choices,
    plan::{Filter, Plan},
    record::Record,
};
use crate::Rows;

/// The first field of a line that is the model's own.
const OWN: &[u8] = b", \"resps\": ";

/// Bytes of lines that are kept for all tasks together.
const MOST_BYTES: usize = 192 << 20;

/// Bytes of lines that are kept of one file.
pub(super) const MOST_OF_ONE: usize = 48 << 20;

/// Templates of one task: models may be asked in so many ways.
const MOST_WAYS: usize = 4;

/// Templates of the tasks that were read so far.
#[derive(Debug, Default)]
pub struct Templates {
    tasks: Mutex<HashMap<Key, Vec<Arc<Template>>>>,
    bytes: AtomicUsize,
}

/// What goes into items and their names besides the lines: benchmark, configuration, task, revision and
/// version of the tool.
type Key = [String; 5];

/// The lines of one file.
#[derive(Debug)]
pub(super) struct Template {
    pub metric: String,
    pub filter: Filter,
    pub lines: Vec<Line>,
    pub items: Rows<Item>,
    pub aliases: Rows<Alias>,
    pub prompts: Rows<Prompt>,
    /// See the reader's state.
    pub alike: u32,
}

/// One line of a template, in the order of its items.
#[derive(Debug)]
pub(super) struct Line {
    /// All before the model's own fields, without the comma.
    beginning: Box<[u8]>,
    pub doc_hash: Option<Box<str>>,
    pub prompt_hash: Option<Box<str>>,
    /// The choices that were scored, if they were.
    pub choices: Option<Choices>,
    /// Responses that were scored, those of a dry run included.
    pub scored: usize,
}

impl Templates {
    /// The template whose first line begins as `line` does.
    pub(super) fn find(&self, plan: &Plan, line: &str) -> Option<Arc<Template>> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let all = tasks.get(&key(plan))?;
        all.iter().find(|template| template.lines[0].rest(line).is_some()).cloned()
    }

    /// Whether another one is of use: not for the first file of a task, which may be the only one.
    pub(super) fn wants(&self, plan: &Plan) -> bool {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(all) = tasks.get(&key(plan)) else {
            tasks.insert(key(plan), Vec::new());
            return false;
        };
        all.len() < MOST_WAYS && self.bytes.load(Ordering::Relaxed) < MOST_BYTES
    }

    pub(super) fn add(&self, plan: &Plan, template: Template) {
        let bytes = template.lines.iter().map(Line::size).sum();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let all = tasks.entry(key(plan)).or_default();
        if all.len() < MOST_WAYS {
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
            all.push(Arc::new(template));
        }
    }
}

fn key(plan: &Plan) -> Key {
    let tool_version = &plan.results.tool_version;
    [&plan.benchmark, &plan.config, plan.task(), &plan.revision, tool_version]
        .map(|text: &str| text.to_owned())
}

impl Line {
    /// Of a line and its record; None if it is not laid out so that its beginning can be told.
    pub fn of(text: &str, record: &Record<'_>, choices: Option<&Choices>) -> Option<Self> {
        let own = memmem::find(text.as_bytes(), OWN)?;
        let (beginning, rest) = (&text[..own], &text[own + 1..]);
        // If both are objects by themselves, together they are one with the fields of both.
        let closed = format!("{beginning}}}");
        let before: Record<'_> = serde_json::from_str(&closed).ok()?;
        let after = format!("{{{rest}");
        let after: Record<'_> = serde_json::from_str(&after).ok()?;
        let only_beginning = before.has_beginning() && before.is_beginning();
        let scored = record.requests.as_ref().map_or(0, |requests| requests.0.len());
        // A line of texts stays one whatever the model said; one of log-likelihoods was read as such.
        let settled = choices.is_some() || Choices::are_texts(record);
        if !only_beginning || !after.is_rest() || !settled {
            return None;
        }
        let text =
            |text: &Option<super::record::Text<'_>>| text.as_ref().map(|text| (*text.0).into());
        Some(Self {
            beginning: beginning.as_bytes().into(),
            doc_hash: text(&record.doc_hash),
            prompt_hash: text(&record.prompt_hash),
            choices: choices.cloned(),
            scored,
        })
    }

    /// Bytes that are kept of it.
    pub fn size(&self) -> usize {
        self.beginning.len()
    }

    /// What follows the beginning and its comma, if the line begins so.
    pub fn rest<'l>(&self, line: &'l str) -> Option<&'l str> {
        line.as_bytes().strip_prefix(&*self.beginning)?;
        line.get(self.beginning.len()..)?.strip_prefix(',')
    }
}
