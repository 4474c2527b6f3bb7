//! Spelling, first and last letters, counts of letters, the alphabet.

use super::{Draft, graded, near};
use crate::rng::Rng;

/// Words from short and common to long.
const WORDS: [&str; 64] = [
    "dog",
    "sun",
    "milk",
    "book",
    "fish",
    "tree",
    "house",
    "water",
    "bread",
    "apple",
    "green",
    "chair",
    "table",
    "horse",
    "smile",
    "night",
    "garden",
    "winter",
    "yellow",
    "orange",
    "planet",
    "mother",
    "window",
    "pencil",
    "friend",
    "school",
    "doctor",
    "market",
    "bridge",
    "flower",
    "summer",
    "letter",
    "kitchen",
    "weather",
    "morning",
    "picture",
    "chicken",
    "blanket",
    "station",
    "teacher",
    "holiday",
    "village",
    "history",
    "machine",
    "perfect",
    "science",
    "traffic",
    "whisper",
    "beautiful",
    "different",
    "important",
    "dangerous",
    "chocolate",
    "furniture",
    "knowledge",
    "adventure",
    "necessary",
    "separate",
    "calendar",
    "definitely",
    "government",
    "restaurant",
    "temperature",
    "vegetable",
];

pub(super) fn write(rng: &mut Rng, level: u8) -> Draft {
    let word = *rng.pick(graded(&WORDS, level));
    match rng.below(4) {
        0 => spelling(rng, word),
        1 => edge(rng, word),
        2 => count(rng, word),
        _ if level < 2 => alphabet(rng, level),
        _ => occurrences(rng, word),
    }
}

/// The right spelling among words with one slip.
fn spelling(rng: &mut Rng, word: &str) -> Draft {
    let mut slips: Vec<String> = Vec::new();
    while slips.len() < 4 {
        let slip = misspelt(rng, word);
        if slip != word && !slips.contains(&slip) {
            slips.push(slip);
        }
    }
    let hint = word.chars().next().unwrap_or_default();
    Draft {
        question: format!(
            "Which is the right spelling of the word of {} letters that begins with {hint}?",
            word.len()
        ),
        gold: word.to_owned(),
        distractors: slips,
    }
}

/// One letter doubled, dropped, replaced by a vowel or exchanged with the next one.
fn misspelt(rng: &mut Rng, word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let at = 1 + rng.below(letters.len() - 1);
    match rng.below(4) {
        0 => letters.insert(at, letters[at]),
        1 => letters.swap(at - 1, at),
        2 => letters[at] = *rng.pick(&['a', 'e', 'i', 'o', 'u']),
        _ => {
            letters.remove(at);
        }
    }
    letters.into_iter().collect()
}

fn edge(rng: &mut Rng, word: &str) -> Draft {
    let letters: Vec<char> = word.chars().collect();
    let (place, gold) = if rng.below(2) == 0 {
        ("first", letters[0])
    } else {
        ("last", letters[letters.len() - 1])
    };
    let mut rest: Vec<char> = letters.iter().copied().chain("aeioustrnl".chars()).collect();
    rng.shuffle(&mut rest);
    let mut distractors: Vec<String> = Vec::new();
    for letter in rest.into_iter().filter(|letter| *letter != gold) {
        let letter = letter.to_string();
        if distractors.len() < 4 && !distractors.contains(&letter) {
            distractors.push(letter);
        }
    }
    Draft {
        question: format!("What is the {place} letter of the word \"{word}\"?"),
        gold: gold.to_string(),
        distractors,
    }
}

fn count(rng: &mut Rng, word: &str) -> Draft {
    let gold = word.len() as i64;
    Draft {
        question: format!("How many letters does the word \"{word}\" have?"),
        gold: gold.to_string(),
        distractors: near(rng, gold, &[-2, -1, 1, 2]),
    }
}

fn occurrences(rng: &mut Rng, word: &str) -> Draft {
    let letters: Vec<char> = word.chars().collect();
    let letter = *rng.pick(&letters);
    let gold = letters.iter().filter(|other| **other == letter).count() as i64;
    Draft {
        question: format!("How many times does the letter \"{letter}\" occur in \"{word}\"?"),
        gold: gold.to_string(),
        distractors: near(rng, gold, &[-1, 1, 2, 3]),
    }
}

fn alphabet(rng: &mut Rng, level: u8) -> Draft {
    let index = 2 + rng.below(21);
    let letter = |index: usize| char::from(b'A' + index as u8).to_string();
    let (word, gold) = if level == 0 { ("after", index + 1) } else { ("before", index - 1) };
    let wrong = rng.sample(&[index - 2, index + 2, (index + 9) % 26, (index + 14) % 26, 25], 5);
    let mut distractors: Vec<String> = Vec::new();
    for other in wrong.into_iter().map(letter) {
        if other != letter(gold) && !distractors.contains(&other) {
            distractors.push(other);
        }
    }
    Draft {
        question: format!("Which letter comes right {word} {} in the alphabet?", letter(index)),
        gold: letter(gold),
        distractors,
    }
}
