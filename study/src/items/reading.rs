//! A short generated paragraph and a question about it.

use super::{Draft, others, with_article};
use crate::rng::Rng;

const NAMES: [&str; 12] = [
    "Alice", "Tom", "Maria", "Peter", "Lucy", "Sam", "Julia", "Oscar", "Ruth", "Karl", "Sara",
    "Leo",
];
const PLACES: [&str; 10] = [
    "kitchen", "garden", "school", "market", "library", "station", "museum", "beach", "farm",
    "office",
];
const THINGS: [&str; 12] = [
    "apple", "book", "hat", "key", "ball", "lamp", "letter", "map", "coat", "cake", "ring", "watch",
];
const COLOURS: [&str; 7] = ["red", "blue", "green", "yellow", "black", "white", "brown"];

pub(super) fn write(rng: &mut Rng, level: u8) -> Draft {
    match (level, rng.below(2)) {
        (0, _) => simple(rng),
        (1, 0) => two_people(rng),
        (1, _) => moved(rng, false),
        (2, 0) => moved(rng, true),
        (2, _) => two_people(rng),
        (_, 0) => handed_on(rng),
        (_, _) => counted(rng),
    }
}

fn simple(rng: &mut Rng) -> Draft {
    let (name, place) = (*rng.pick(&NAMES), *rng.pick(&PLACES));
    let (thing, colour) = (*rng.pick(&THINGS), *rng.pick(&COLOURS));
    let story = format!("{name} went to the {place} and bought a {colour} {thing}.");
    let (question, gold, list): (String, &str, &[&str]) = match rng.below(3) {
        0 => (format!("Where did {name} go?"), place, &PLACES),
        1 => (format!("What did {name} buy?"), thing, &THINGS),
        _ => (format!("What colour was the {thing}?"), colour, &COLOURS),
    };
    let said = |word: &str| match gold {
        _ if gold == place => format!("the {word}"),
        _ if gold == thing => with_article(word),
        _ => word.to_owned(),
    };
    let distractors = others(rng, list, gold).iter().map(|word| said(word)).collect();
    Draft { question: format!("{story} {question}"), gold: said(gold), distractors }
}

fn two_people(rng: &mut Rng) -> Draft {
    let (names, places) = (rng.sample(&NAMES, 5), rng.sample(&PLACES, 5));
    let things = rng.sample(&THINGS, 2);
    let story = format!(
        "{} found the {} in the {}. {} found the {} in the {}.",
        names[0], things[0], places[0], names[1], things[1], places[1]
    );
    let asked = rng.below(2);
    let (question, gold, list) = if rng.below(2) == 0 {
        (format!("Who found the {}?", things[asked]), names[asked], names)
    } else {
        (format!("Where was the {}?", things[asked]), places[asked], places)
    };
    let prefix = if list[0] == gold || list[1] == gold { "" } else { "the " };
    let mut distractors: Vec<String> =
        list.iter().filter(|word| **word != gold).map(|word| format!("{prefix}{word}")).collect();
    distractors.truncate(4);
    Draft { question: format!("{story} {question}"), gold: format!("{prefix}{gold}"), distractors }
}

fn moved(rng: &mut Rng, back: bool) -> Draft {
    let (name, thing) = (*rng.pick(&NAMES), *rng.pick(&THINGS));
    let places = rng.sample(&PLACES, 5);
    let mut story = format!("{name} took the {thing} from the {} to the {}.", places[0], places[1]);
    let gold = if back {
        story.push_str(&format!(" Then {name} took it to the {}.", places[2]));
        places[2]
    } else {
        places[1]
    };
    let distractors =
        places.iter().filter(|place| **place != gold).map(|place| format!("the {place}"));
    Draft {
        distractors: distractors.collect(),
        question: format!("{story} Where is the {thing} now?"),
        gold: format!("the {gold}"),
    }
}

fn handed_on(rng: &mut Rng) -> Draft {
    let (names, thing) = (rng.sample(&NAMES, 5), *rng.pick(&THINGS));
    Draft {
        question: format!(
            "{} gave the {thing} to {}. {} gave it to {}. Who has the {thing} now?",
            names[0], names[1], names[1], names[2]
        ),
        gold: names[2].to_owned(),
        distractors: [names[1], names[0], names[3], names[4]].map(str::to_owned).to_vec(),
    }
}

fn counted(rng: &mut Rng) -> Draft {
    let (name, thing) =
        (*rng.pick(&NAMES), *rng.pick(&["apples", "coins", "books", "eggs", "stamps"]));
    let (start, change) = (rng.between(4, 12), rng.between(2, 9));
    let gains = change >= start || rng.below(2) == 0;
    let (verb, gold) = if gains { ("got", start + change) } else { ("lost", start - change) };
    Draft {
        question: format!(
            "{name} had {start} {thing} and {verb} {change} {}. How many {thing} does {name} have now?",
            if gains { "more" } else { "of them" }
        ),
        gold: gold.to_string(),
        distractors: super::near(rng, gold, &[-2, -1, 1, 2, 3]),
    }
}
