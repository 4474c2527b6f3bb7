//! Simple deduction: orders, classes, negation and conditions.

use super::Draft;
use crate::rng::Rng;

const NAMES: [&str; 14] = [
    "Anna", "Ben", "Carla", "David", "Emma", "Frank", "Grace", "Henry", "Ida", "Jack", "Laura",
    "Mark", "Nina", "Paul",
];

/// Comparative, superlative, and the opposite superlative.
const ORDERS: [(&str, &str, &str); 6] = [
    ("taller", "tallest", "shortest"),
    ("older", "oldest", "youngest"),
    ("faster", "fastest", "slowest"),
    ("richer", "richest", "poorest"),
    ("heavier", "heaviest", "lightest"),
    ("stronger", "strongest", "weakest"),
];

/// Things that are all of a kind, and something true of that kind.
const CLASSES: [(&str, &str, &str); 8] = [
    ("wugs", "birds", "can fly"),
    ("blickets", "machines", "need power"),
    ("toves", "fish", "can swim"),
    ("zorbs", "fruits", "grow on trees"),
    ("daxes", "dogs", "can bark"),
    ("feps", "cars", "have wheels"),
    ("glims", "lamps", "give light"),
    ("murks", "cats", "like milk"),
];

pub(super) fn write(rng: &mut Rng, level: u8) -> Draft {
    match (level, rng.below(2)) {
        (0, 0) => order(rng, 2),
        (0, _) => exclusion(rng),
        (1, 0) => class(rng),
        (1, _) => order(rng, 3),
        (2, 0) => condition(rng),
        (2, _) => order(rng, 3),
        (_, _) => order(rng, 4),
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn order(rng: &mut Rng, count: usize) -> Draft {
    let names = rng.sample(&NAMES, count + 2);
    let (comparative, most, least) = *rng.pick(&ORDERS);
    let mut said: Vec<String> = names[..count]
        .windows(2)
        .map(|pair| format!("{} is {comparative} than {}.", pair[0], pair[1]))
        .collect();
    rng.shuffle(&mut said);
    let (word, gold) = if rng.below(2) == 0 { (most, 0) } else { (least, count - 1) };
    let mut distractors = owned(&names);
    distractors.remove(gold);
    // Two people give two answers at least; strangers fill up.
    Draft {
        question: format!("{} Who is the {word}?", said.join(" ")),
        gold: names[gold].to_owned(),
        distractors,
    }
}

fn exclusion(rng: &mut Rng) -> Draft {
    let things = rng.sample(&["red", "blue", "green", "black", "white", "yellow", "brown"], 5);
    let name = rng.pick(&NAMES);
    let thing = rng.pick(&["hat", "car", "bag", "door", "cup"]);
    Draft {
        question: format!(
            "{name}'s {thing} is {} or {}. It is not {}. What colour is it?",
            things[0], things[1], things[0]
        ),
        gold: things[1].to_owned(),
        distractors: owned(&[things[0], things[2], things[3], things[4]]),
    }
}

fn class(rng: &mut Rng) -> Draft {
    let (kind, family, property) = *rng.pick(&CLASSES);
    let name = rng.pick(&NAMES);
    let others: Vec<&str> =
        CLASSES.iter().map(|class| class.1).filter(|other| *other != family).collect();
    Draft {
        question: format!(
            "All {kind} are {family}, and all {family} {property}. {name} owns some {kind}. What are they?"
        ),
        gold: family.to_owned(),
        distractors: owned(&rng.sample(&others, 4)),
    }
}

fn condition(rng: &mut Rng) -> Draft {
    let (cause, yes, no) = *rng.pick(&[
        ("it rains", "stays at home", "goes to the park"),
        ("the light is red", "stops", "drives on"),
        ("the shop is open", "buys bread", "eats rice"),
        ("the bus is late", "walks", "waits inside"),
        ("the water is cold", "reads a book", "swims"),
        ("the phone rings", "gets up", "sleeps on"),
        ("the soup is hot", "blows on it", "eats at once"),
    ]);
    let names = rng.sample(&NAMES, 1);
    let (name, happens) = (names[0], rng.below(2) == 0);
    let (fact, gold, wrong) =
        if happens { (cause.to_owned(), yes, no) } else { (negated(cause), no, yes) };
    let opening = *rng.pick(&["Today", "This morning", "Now"]);
    Draft {
        question: format!(
            "If {cause}, {name} {yes}; otherwise {name} {no}. {opening} {fact}. What does {name} do?"
        ),
        gold: format!("{name} {gold}"),
        distractors: vec![
            format!("{name} {wrong}"),
            format!("{name} does both"),
            format!("{name} calls a friend"),
        ],
    }
}

/// "it rains" and "the light is red" said to be false.
fn negated(clause: &str) -> String {
    match clause.split_once(" is ") {
        Some((subject, rest)) => format!("{subject} is not {rest}"),
        None => match clause.rsplit_once(' ') {
            Some((subject, verb)) => {
                format!("{subject} does not {}", verb.trim_end_matches('s'))
            }
            None => clause.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::negated;

    #[test]
    fn clauses_are_negated() {
        assert_eq!(negated("it rains"), "it does not rain");
        assert_eq!(negated("the light is red"), "the light is not red");
        assert_eq!(negated("the phone rings"), "the phone does not ring");
    }
}
