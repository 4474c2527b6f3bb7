//! What a line or two of Python prints.

use super::{Draft, near};
use crate::rng::Rng;

const WORDS: [&str; 12] = [
    "cat", "tree", "house", "apple", "green", "stone", "river", "table", "lemon", "train", "cloud",
    "bread",
];

pub(super) fn write(rng: &mut Rng, level: u8) -> Draft {
    match (level, rng.below(3)) {
        (0, 0) => text_result(rng, Text::Shout),
        (0, 1) => text_result(rng, Text::Join),
        (0, _) => text_result(rng, Text::Echo),
        (1, 0) => length(rng),
        (1, 1) => {
            if rng.below(2) == 0 {
                variable(rng)
            } else {
                sum(rng)
            }
        }
        (1, _) => extreme(rng),
        (2, 0) => text_result(rng, Text::Reverse),
        (2, 1) => index(rng),
        (2, _) => condition(rng),
        (_, 0) => remainder(rng),
        (_, 1) => count_loop(rng),
        (_, _) => text_result(rng, Text::Slice),
    }
}

fn asks(code: &str) -> String {
    format!("What does this Python code print? {code}")
}

fn number(rng: &mut Rng, code: &str, gold: i64) -> Draft {
    let distractors = near(rng, gold, &[-2, -1, 1, 2, 3]);
    Draft { question: asks(code), gold: gold.to_string(), distractors }
}

fn sum(rng: &mut Rng) -> Draft {
    let (a, b) = (rng.between(1, 9), rng.between(1, 9));
    number(rng, &format!("print({a} + {b})"), a + b)
}

fn length(rng: &mut Rng) -> Draft {
    let word = *rng.pick(&WORDS);
    if rng.below(2) == 0 {
        return number(rng, &format!("print(len(\"{word}\"))"), word.len() as i64);
    }
    let count = rng.between(2, 6);
    let list: Vec<String> = (0..count).map(|_| rng.between(1, 9).to_string()).collect();
    number(rng, &format!("print(len([{}]))", list.join(", ")), count)
}

fn variable(rng: &mut Rng) -> Draft {
    let (a, b) = (rng.between(1, 9), rng.between(2, 5));
    if rng.below(2) == 0 {
        number(rng, &format!("x = {a}; x = x + {b}; print(x)"), a + b)
    } else {
        number(rng, &format!("x = {a}; y = x * {b}; print(y)"), a * b)
    }
}

fn extreme(rng: &mut Rng) -> Draft {
    let mut list = rng.sample(&[1, 2, 3, 4, 5, 6, 7, 8, 9], 4);
    let shown: Vec<String> = list.iter().map(i64::to_string).collect();
    list.sort_unstable();
    let (name, gold) = *rng.pick(&[("max", list[3]), ("min", list[0]), ("sum", list.iter().sum())]);
    number(rng, &format!("print({name}([{}]))", shown.join(", ")), gold)
}

fn index(rng: &mut Rng) -> Draft {
    let list = rng.sample(&[1, 2, 3, 4, 5, 6, 7, 8, 9], 4);
    let shown: Vec<String> = list.iter().map(i64::to_string).collect();
    let at = rng.between(-1, 3);
    let gold = if at < 0 { 3 } else { at as usize };
    let distractors =
        (0..4).filter(|other| *other != gold).map(|other| shown[other].clone()).collect();
    Draft {
        question: asks(&format!("a = [{}]; print(a[{at}])", shown.join(", "))),
        gold: shown[gold].clone(),
        distractors,
    }
}

fn condition(rng: &mut Rng) -> Draft {
    let (a, b) = (rng.between(1, 20), rng.between(1, 20));
    let words = rng.sample(&WORDS, 4);
    let gold = usize::from(a <= b);
    let rest = words.iter().filter(|word| **word != words[gold]).map(|word| (*word).to_owned());
    Draft {
        question: asks(&format!("print(\"{}\" if {a} > {b} else \"{}\")", words[0], words[1])),
        gold: words[gold].to_owned(),
        distractors: rest.collect(),
    }
}

fn remainder(rng: &mut Rng) -> Draft {
    let (a, b) = (rng.between(7, 40), rng.between(2, 6));
    if rng.below(2) == 0 {
        number(rng, &format!("print({a} % {b})"), a % b)
    } else {
        number(rng, &format!("print({a} // {b})"), a / b)
    }
}

fn count_loop(rng: &mut Rng) -> Draft {
    let (count, step) = (rng.between(2, 6), rng.between(1, 5));
    let start = rng.between(0, 4);
    let code = format!("x = {start}\nfor i in range({count}):\n    x += {step}\nprint(x)");
    number(rng, &code, start + count * step)
}

#[derive(Clone, Copy)]
enum Text {
    Echo,
    Shout,
    Join,
    Reverse,
    Slice,
}

fn text_result(rng: &mut Rng, kind: Text) -> Draft {
    let words = rng.sample(&WORDS, 2);
    let (word, other) = (words[0], words[1]);
    let reversed: String = word.chars().rev().collect();
    let (upper, both) = (word.to_uppercase(), format!("{word}{other}"));
    let (code, gold, wrong) = match kind {
        Text::Echo => (
            format!("x = \"{word}\"; y = \"{other}\"; print(x)"),
            word.to_owned(),
            [other.to_owned(), reversed, upper, swapped(other)],
        ),
        Text::Shout => (
            format!("print(\"{word}\".upper())"),
            upper,
            [word.to_owned(), other.to_uppercase(), reversed, word.len().to_string()],
        ),
        Text::Join => (
            format!("print(\"{word}\" + \"{other}\")"),
            both,
            [
                format!("{word} + {other}"),
                format!("{other}{word}"),
                format!("{word} {other}"),
                word.to_owned(),
            ],
        ),
        Text::Reverse => (
            format!("print(\"{word}\"[::-1])"),
            reversed,
            [word.to_owned(), swapped(word), upper, word[1..].to_owned()],
        ),
        Text::Slice => (
            format!("print(\"{word}\"[:2])"),
            word[..2].to_owned(),
            [
                word[..3].to_owned(),
                word[1..3].to_owned(),
                word[2..].to_owned(),
                word[..1].to_owned(),
            ],
        ),
    };
    Draft { question: asks(&code), gold, distractors: wrong.to_vec() }
}

/// The word with its first and last letters exchanged.
fn swapped(word: &str) -> String {
    let last = word.len() - 1;
    format!("{}{}{}", &word[last..], &word[1..last], &word[..1])
}
