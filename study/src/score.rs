//! Log-likelihoods of choices and of running text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::items::Item;
use crate::llama::{CELLS, Input, Model, SEQUENCES, Session, Token};
use crate::template::Template;

/// How one item was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Item.
    pub item: String,
    /// Sum of the log-likelihoods (nats) of the tokens of each choice, in the order of choices.
    pub log_likelihoods: Vec<f64>,
    /// Tokens of each choice.
    pub tokens: Vec<usize>,
}

impl Score {
    /// The choice of the highest log-likelihood; the first of equals.
    pub fn answer(&self) -> usize {
        let likelier = |best: usize, next: usize| {
            if self.log_likelihoods[next] > self.log_likelihoods[best] { next } else { best }
        };
        (0..self.log_likelihoods.len()).reduce(likelier).unwrap_or_default()
    }
}

/// One item as tokens: what its choices share, and how they go on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Question {
    /// Prompt, and the opening that all choices share.
    shared: Vec<Token>,
    /// How many of `shared` belong to the choices.
    opening: usize,
    /// The rest of each choice: one token or more.
    rests: Vec<Vec<Token>>,
}

impl Question {
    fn new(model: &Model, item: &Item, template: Template) -> Result<Self, String> {
        let prompt_text = template.prompt(item);
        let prompt = model.tokens(&prompt_text);
        let mut choices = Vec::with_capacity(item.choices.len());
        for index in 0..item.choices.len() {
            let whole = model.tokens(&format!("{prompt_text}{}", template.choice(item, index)));
            let choice = whole.strip_prefix(prompt.as_slice()).filter(|choice| !choice.is_empty());
            choices.push(choice.ok_or_else(|| border(item, template))?.to_vec());
        }
        let opening = shared_opening(&choices);
        let mut shared = prompt;
        shared.extend_from_slice(&choices[0][..opening]);
        let rests = choices.iter().map(|choice| choice[opening..].to_vec()).collect();
        Ok(Self { shared, opening, rests })
    }

    /// Cells of the cache that it takes.
    fn cells(&self) -> usize {
        self.shared.len() + self.rests.iter().map(|rest| rest.len() - 1).sum::<usize>()
    }

    fn sequences(&self) -> usize {
        1 + self.rests.len()
    }
}

fn border(item: &Item, template: Template) -> String {
    format!("item {}: a token of template {template:?} spans prompt and choice", item.id)
}

/// Length of the opening that all choices share; every choice keeps one token at least.
fn shared_opening(choices: &[Vec<Token>]) -> usize {
    let shortest = choices.iter().map(Vec::len).min().unwrap_or(1) - 1;
    (0..shortest)
        .take_while(|at| choices.iter().all(|choice| choice[*at] == choices[0][*at]))
        .count()
}

/// Cells of the cache that one batch of items fills: attention reads all of them for each token,
/// so fewer are quicker, and too few leave the matrix products small.
pub const BATCH: usize = 448;

/// Scores all items: each prompt is read once, its choices branch from it, as many items at a time as
/// fit into `cells` cells of the cache, at least one. Gives back how many tokens were read, too.
///
/// # Errors
/// A token spans the border of prompt and choice, or llama.cpp fails.
pub fn score(
    model: &Model,
    session: &mut Session<'_>,
    items: &[Item],
    (template, cells): (Template, usize),
) -> Result<(Vec<Score>, usize), String> {
    let mut questions = Vec::with_capacity(items.len());
    for item in items {
        questions.push(Question::new(model, item, template)?);
    }
    let mut scores = Vec::with_capacity(items.len());
    let mut start = 0;
    while start < items.len() {
        let end = batch_end(&questions, start, cells)?;
        let sums = batch(session, &questions[start..end])?;
        for (offset, log_likelihoods) in sums.into_iter().enumerate() {
            let question = &questions[start + offset];
            scores.push(Score {
                item: items[start + offset].id.clone(),
                log_likelihoods,
                tokens: question.rests.iter().map(|rest| question.opening + rest.len()).collect(),
            });
        }
        start = end;
    }
    Ok((scores, questions.iter().map(Question::cells).sum()))
}

fn batch_end(questions: &[Question], start: usize, limit: usize) -> Result<usize, String> {
    let (mut cells, mut sequences, mut end) = (0, 0, start);
    for question in &questions[start..] {
        cells += question.cells();
        sequences += question.sequences();
        if end > start && (cells > limit || sequences > SEQUENCES) {
            break;
        }
        end += 1;
    }
    if end == start + 1 && questions[start].cells() > CELLS {
        return Err(format!(
            "an item of {} tokens is longer than {CELLS}",
            questions[start].cells()
        ));
    }
    Ok(end)
}

fn batch(session: &mut Session<'_>, questions: &[Question]) -> Result<Vec<Vec<f64>>, String> {
    session.clear();
    let mut sums = read_prompts(session, questions)?;
    read_rests(session, questions, &mut sums)?;
    Ok(sums)
}

/// Reads the shared parts; the first tokens of the choices are known from them.
fn read_prompts(
    session: &mut Session<'_>,
    questions: &[Question],
) -> Result<Vec<Vec<f64>>, String> {
    let mut inputs = Vec::new();
    let mut lasts = Vec::with_capacity(questions.len());
    for (sequence, question) in questions.iter().enumerate() {
        let length = question.shared.len();
        for (position, token) in question.shared.iter().enumerate() {
            let wanted = position + question.opening + 1 >= length;
            inputs.push(Input { token: *token, position, sequence, wanted });
        }
        lasts.push(inputs.len() - 1);
    }
    session.read(&inputs)?;

    let mut sums = Vec::with_capacity(questions.len());
    for (question, last) in questions.iter().zip(lasts) {
        let mut opening = 0.0;
        for back in 0..question.opening {
            let token = question.shared[question.shared.len() - 1 - back];
            opening += log_probabilities(session.logits(last - 1 - back)?, &[token])[0];
        }
        let firsts: Vec<Token> = question.rests.iter().map(|rest| rest[0]).collect();
        let firsts = log_probabilities(session.logits(last)?, &firsts);
        sums.push(firsts.into_iter().map(|first| opening + first).collect());
    }
    Ok(sums)
}

/// Reads the choices that have more tokens, each as a branch of its prompt.
fn read_rests(
    session: &mut Session<'_>,
    questions: &[Question],
    sums: &mut [Vec<f64>],
) -> Result<(), String> {
    let mut inputs: Vec<Input> = Vec::new();
    let mut followers: Vec<(usize, usize, Token)> = Vec::new();
    let mut sequence = questions.len();
    for (number, question) in questions.iter().enumerate() {
        for (choice, rest) in question.rests.iter().enumerate().filter(|(_, rest)| rest.len() > 1) {
            session.branch(number, sequence);
            for (offset, pair) in rest.windows(2).enumerate() {
                let position = question.shared.len() + offset;
                inputs.push(Input { token: pair[0], position, sequence, wanted: true });
                followers.push((number, choice, pair[1]));
            }
            sequence += 1;
        }
    }
    if inputs.is_empty() {
        return Ok(());
    }
    session.read(&inputs)?;
    for (row, (number, choice, token)) in followers.into_iter().enumerate() {
        sums[number][choice] += log_probabilities(session.logits(row)?, &[token])[0];
    }
    Ok(())
}

/// Logarithms (nats) of the probabilities of `tokens`.
fn log_probabilities(logits: &[f32], tokens: &[Token]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // Eight running sums: a fixed order that the compiler can keep in one register.
    let mut lanes = [0.0_f64; 8];
    for chunk in logits.chunks(8) {
        for (lane, logit) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from((logit - largest).exp());
        }
    }
    let normaliser = f64::from(largest) + lanes.iter().sum::<f64>().ln();
    tokens.iter().map(|token| f64::from(logits[*token as usize]) - normaliser).collect()
}

/// Scores each choice by reading prompt and choice anew, alone: the check of [`score`].
///
/// # Errors
/// As [`score`].
pub fn score_alone(
    model: &Model,
    session: &mut Session<'_>,
    item: &Item,
    template: Template,
) -> Result<Vec<f64>, String> {
    let prompt_text = template.prompt(item);
    let prompt = model.tokens(&prompt_text).len();
    let mut sums = Vec::with_capacity(item.choices.len());
    for index in 0..item.choices.len() {
        let tokens = model.tokens(&format!("{prompt_text}{}", template.choice(item, index)));
        sums.push(continuation(session, &tokens, prompt)?);
    }
    Ok(sums)
}

/// Log-likelihood of the tokens from `start` on, given those before.
fn continuation(session: &mut Session<'_>, tokens: &[Token], start: usize) -> Result<f64, String> {
    session.clear();
    let inputs: Vec<Input> = tokens
        .iter()
        .enumerate()
        .map(|(position, token)| Input {
            token: *token,
            position,
            sequence: 0,
            wanted: position + 1 >= start,
        })
        .collect();
    session.read(&inputs)?;
    let mut sum = 0.0;
    for position in start..tokens.len() {
        sum += log_probabilities(session.logits(position - 1)?, &tokens[position..=position])[0];
    }
    Ok(sum)
}

/// Tokens of one window of running text; the first ones only set the scene.
const WINDOW: usize = 512;
const SCENE: usize = 64;

/// Perplexity of a text, and how many tokens were predicted.
///
/// # Errors
/// llama.cpp fails.
pub fn perplexity(
    model: &Model,
    session: &mut Session<'_>,
    text: &str,
) -> Result<(f64, usize), String> {
    let tokens = model.tokens(text);
    let (mut sum, mut count) = (0.0, 0);
    for window in tokens.chunks(WINDOW).filter(|window| window.len() > SCENE) {
        sum += continuation(session, window, SCENE)?;
        count += window.len() - SCENE;
    }
    Ok(((-sum / count as f64).exp(), count))
}

/// Reads a text for the sake of an observer.
///
/// # Errors
/// llama.cpp fails.
pub fn read_text(model: &Model, session: &mut Session<'_>, text: &str) -> Result<(), String> {
    for window in model.tokens(text).chunks(WINDOW) {
        session.clear();
        let input = |(position, token): (usize, &Token)| Input {
            token: *token,
            position,
            sequence: 0,
            wanted: position + 1 == window.len(),
        };
        let inputs: Vec<Input> = window.iter().enumerate().map(input).collect();
        session.read(&inputs)?;
    }
    Ok(())
}

/// Share of right answers, by task.
pub fn accuracies(items: &[Item], scores: &[Score]) -> BTreeMap<String, f64> {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (item, score) in items.iter().zip(scores) {
        let (right, all) = counts.entry(item.task.clone()).or_default();
        *right += usize::from(score.answer() == item.gold);
        *all += 1;
    }
    counts.into_iter().map(|(task, (right, all))| (task, right as f64 / all as f64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_leave_a_token_to_every_choice() {
        assert_eq!(shared_opening(&[vec![1, 2, 3], vec![1, 2, 4]]), 2);
        assert_eq!(shared_opening(&[vec![1, 2], vec![1, 2, 4]]), 1);
        assert_eq!(shared_opening(&[vec![1], vec![2, 1]]), 0);
    }

    #[test]
    fn log_probabilities_are_those_of_the_softmax() {
        let logits: Vec<f32> = (0..11).map(|index| (index as f32).ln() + 3.0).collect();
        let found = log_probabilities(&logits, &[0, 1, 10]);
        assert_eq!(found[0], f64::NEG_INFINITY);
        assert!((found[1] - (1.0_f64 / 55.0).ln()).abs() < 1e-6);
        assert!((found[2] - (10.0_f64 / 55.0).ln()).abs() < 1e-6);
    }

    #[test]
    fn the_first_of_equally_likely_choices_is_the_answer() {
        let score = Score {
            item: String::new(),
            log_likelihoods: vec![-3.0, -1.0, -1.0],
            tokens: vec![1; 3],
        };
        assert_eq!(score.answer(), 1);
    }
}
