//! What comes next in a pattern of numbers, letters or words.

use super::{Draft, calendar::MONTHS, near};
use crate::rng::Rng;

const WORDS: [&str; 16] = [
    "red", "blue", "cat", "dog", "up", "down", "sun", "moon", "tea", "milk", "left", "right",
    "one", "two", "fish", "bird",
];

pub(super) fn write(rng: &mut Rng, level: u8) -> Draft {
    match (level, rng.below(2)) {
        (0, 0) => repeated_words(rng, 2),
        (0, _) => steps(rng, &[1, 2, 5, 10], 4),
        (1, 0) => repeated_words(rng, 3),
        (1, _) => letters(rng, 1),
        (2, 0) => steps(rng, &[3, 4, 6, 7, 9, -2, -3, -5], 4),
        (2, _) => letters(rng, 2),
        (_, 0) => growing(rng),
        (_, _) => months(rng),
    }
}

fn question(shown: &[String]) -> String {
    format!("What comes next: {}?", shown.join(", "))
}

fn repeated_words(rng: &mut Rng, period: usize) -> Draft {
    let words = rng.sample(&WORDS, period + 3);
    let length = 2 * period + 1 + rng.below(period);
    let shown: Vec<String> = (0..length).map(|index| words[index % period].to_owned()).collect();
    let gold = words[length % period];
    Draft {
        question: question(&shown),
        gold: gold.to_owned(),
        distractors: words
            .iter()
            .filter(|word| **word != gold)
            .map(|word| (*word).to_owned())
            .collect(),
    }
}

fn steps(rng: &mut Rng, sizes: &[i64], length: i64) -> Draft {
    let step = *rng.pick(sizes);
    let start = rng.between(1, 20) + if step < 0 { 30 } else { 0 };
    let shown: Vec<String> = (0..length).map(|index| (start + index * step).to_string()).collect();
    let gold = start + length * step;
    let mut distractors = near(rng, gold, &[-1, 1, 2, -2, 10]);
    distractors.retain(|wrong| !shown.contains(wrong));
    Draft { question: question(&shown), gold: gold.to_string(), distractors }
}

fn letter(index: i64) -> String {
    char::from(b'A' + index as u8).to_string()
}

fn letters(rng: &mut Rng, step: i64) -> Draft {
    let start = rng.between(0, 25 - 4 * step - 2);
    let shown: Vec<String> = (0..4).map(|index| letter(start + index * step)).collect();
    let gold = start + 4 * step;
    let offsets = if step == 1 { [1, 2, -2, -3] } else { [-1, 1, -3, 2] };
    let offsets = rng.sample(&offsets, 4);
    let distractors = offsets.iter().map(|offset| letter(gold + offset)).collect();
    Draft { question: question(&shown), gold: letter(gold), distractors }
}

fn growing(rng: &mut Rng) -> Draft {
    let start = rng.between(1, 6);
    let (numbers, kind): (Vec<i64>, i64) = match rng.below(3) {
        0 => ((0..5).map(|index| start << index).collect(), 0),
        1 => ((0..5).map(|index| (start + index) * (start + index)).collect(), 1),
        _ => {
            let mut pair = vec![start, start + rng.between(1, 4)];
            while pair.len() < 5 {
                pair.push(pair[pair.len() - 1] + pair[pair.len() - 2]);
            }
            (pair, 2)
        }
    };
    let gold = numbers[4];
    let shown: Vec<String> = numbers[..4].iter().map(ToString::to_string).collect();
    let distractors = near(rng, gold, if kind == 1 { &[-2, 2, 3, 5] } else { &[-3, -1, 1, 2, 4] });
    Draft { question: question(&shown), gold: gold.to_string(), distractors }
}

fn months(rng: &mut Rng) -> Draft {
    let (start, step) = (rng.below(12), *rng.pick(&[1, 2, 3, 11]));
    let at = |index: usize| MONTHS[(start + index * step) % 12];
    let shown: Vec<String> = (0..3).map(|index| at(index).to_owned()).collect();
    let gold = at(3);
    let rest: Vec<String> = MONTHS
        .iter()
        .filter(|month| **month != gold && !shown.iter().any(|other| other == *month))
        .map(|month| (*month).to_owned())
        .collect();
    Draft { question: question(&shown), gold: gold.to_owned(), distractors: rng.sample(&rest, 4) }
}
