//! Short multiple-choice questions, written by a deterministic generator.
//!
//! A task is a function from a random stream and a level (0 easiest to 3) to a [`Draft`]. The text
//! is ours; the facts are anyone's.

mod arithmetic;
mod calendar;
mod clock;
mod code;
mod comparison;
mod elements;
mod everyday;
mod facts;
mod grammar;
mod letters;
mod logic;
mod places;
mod reading;
mod sequences;
mod units;
mod words;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::rng::Rng;

/// Seed of the published items.
pub const SEED: u64 = 20_261_121;

/// Items of each task.
pub const PER_TASK: usize = 72;

/// One multiple-choice question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// `task/number`.
    pub id: String,
    /// Task.
    pub task: String,
    /// 0 (easiest) to 3.
    pub level: u8,
    /// The question, without the choices.
    pub question: String,
    /// Three to five answers, all different.
    pub choices: Vec<String>,
    /// Index of the right one.
    pub gold: usize,
}

/// What a task writes: the right answer and at least two wrong ones, the most tempting first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    question: String,
    gold: String,
    distractors: Vec<String>,
}

type Write = fn(&mut Rng, u8) -> Draft;

/// Tasks in the order of the published file.
const TASKS: [(&str, Write); 18] = [
    ("antonyms", words::antonym),
    ("arithmetic", arithmetic::write),
    ("calendar", calendar::write),
    ("capitals", places::write),
    ("categories", words::category),
    ("clock", clock::write),
    ("code", code::write),
    ("comparison", comparison::write),
    ("elements", elements::write),
    ("everyday", everyday::write),
    ("facts", facts::write),
    ("grammar", grammar::write),
    ("letters", letters::write),
    ("logic", logic::write),
    ("reading", reading::write),
    ("sequences", sequences::write),
    ("synonyms", words::synonym),
    ("units", units::write),
];

/// Levels of difficulty, dealt in turn.
const LEVELS: usize = 4;

/// Number of choices of successive items.
const CHOICES: [usize; 4] = [4, 4, 5, 3];

/// Drafts tried for one item before the task counts as exhausted.
const ATTEMPTS: usize = 20_000;

/// All items, [`PER_TASK`] a task, in the order of tasks.
///
/// # Errors
/// The name of a task that cannot write so many different questions.
pub fn generate(seed: u64) -> Result<Vec<Item>, String> {
    let mut items = Vec::with_capacity(TASKS.len() * PER_TASK);
    for (task, write) in TASKS {
        items.extend(task_items(seed, task, write)?);
    }
    Ok(items)
}

fn task_items(seed: u64, task: &str, write: Write) -> Result<Vec<Item>, String> {
    let mut rng = Rng::new(seed, task);
    let positions = Positions::new(&mut rng);
    let mut asked = BTreeSet::new();
    let mut items = Vec::with_capacity(PER_TASK);
    for number in 0..PER_TASK {
        let level = (number % LEVELS) as u8;
        let draft = (0..ATTEMPTS)
            .map(|_| write(&mut rng, level))
            .find(|draft| usable(draft) && !asked.contains(&draft.question))
            .ok_or_else(|| format!("task `{task}` has no question left at item {number}"))?;
        asked.insert(draft.question.clone());
        let count = CHOICES[(number / LEVELS) % CHOICES.len()].min(draft.distractors.len() + 1);
        items.push(finish(task, number, draft, positions.of(number, count), count));
    }
    Ok(items)
}

/// Two or more wrong answers, none of them the right one or said twice.
fn usable(draft: &Draft) -> bool {
    let mut answers = BTreeSet::from([&draft.gold]);
    draft.distractors.len() >= 2 && draft.distractors.iter().all(|wrong| answers.insert(wrong))
}

/// Where the right answer stands: every position in turn, from a random start.
struct Positions {
    start: usize,
}

impl Positions {
    fn new(rng: &mut Rng) -> Self {
        Self { start: rng.below(60) }
    }

    /// Levels rotate fastest, numbers of choices next: dividing by both lets no position meet one
    /// level only.
    fn of(&self, number: usize, count: usize) -> usize {
        (self.start + number + number / (LEVELS * CHOICES.len())) % count
    }
}

fn finish(task: &str, number: usize, draft: Draft, gold: usize, count: usize) -> Item {
    let mut choices = draft.distractors;
    choices.truncate(count - 1);
    choices.insert(gold, draft.gold);
    Item {
        id: format!("{task}/{number:03}"),
        task: task.to_owned(),
        level: (number % LEVELS) as u8,
        question: draft.question,
        choices,
        gold,
    }
}

/// Wrong numbers near `gold`: `gold + offset` for the offsets in random order, no negative one
/// where `gold` is none.
fn near(rng: &mut Rng, gold: i64, offsets: &[i64]) -> Vec<String> {
    rng.sample(offsets, offsets.len())
        .iter()
        .map(|offset| gold + offset)
        .filter(|wrong| gold < 0 || *wrong >= 0)
        .map(|wrong| wrong.to_string())
        .collect()
}

/// The other elements of a list, at most four, in random order.
fn others(rng: &mut Rng, list: &[&str], gold: &str) -> Vec<String> {
    let rest: Vec<&str> = list.iter().copied().filter(|word| *word != gold).collect();
    rng.sample(&rest, 4).into_iter().map(str::to_owned).collect()
}

/// "an owl", "a lion".
fn with_article(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {word}")
}

/// The part of a list that suits a level: lists stand in order of difficulty.
fn graded<T>(list: &[T], level: u8) -> &[T] {
    let length = list.len();
    let start = length * usize::from(level) / LEVELS;
    let end = length * (usize::from(level) + 1) / LEVELS;
    &list[start..end]
}

#[cfg(test)]
mod tests;
