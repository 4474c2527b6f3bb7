//! Days of the week, months and dates.

use super::{Draft, near, others};
use crate::rng::Rng;

const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Days of the months of a year that is no leap year.
const LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

pub(super) fn write(rng: &mut Rng, level: u8) -> Draft {
    match (level, rng.below(2)) {
        (0, 0) => neighbour(rng, &DAYS, "Which day comes"),
        (0, _) => neighbour(rng, &MONTHS, "Which month comes"),
        (1, 0) => days_ahead(rng, 2, 3),
        (1, _) => months_ahead(rng, 2, 3),
        (2, 0) => length(rng),
        (2, _) => days_ahead(rng, 4, 10),
        (_, 0) => next_date(rng),
        (_, _) => months_ahead(rng, 4, 11),
    }
}

fn neighbour(rng: &mut Rng, cycle: &[&str], opening: &str) -> Draft {
    let start = rng.below(cycle.len());
    let (word, step) = *rng.pick(&[("right after", 1), ("right before", cycle.len() - 1)]);
    let gold = cycle[(start + step) % cycle.len()];
    Draft {
        question: format!("{opening} {word} {}?", cycle[start]),
        gold: gold.to_owned(),
        distractors: others(rng, cycle, gold),
    }
}

fn days_ahead(rng: &mut Rng, low: i64, high: i64) -> Draft {
    let (start, days) = (rng.below(7), rng.between(low, high));
    let gold = DAYS[(start + days as usize) % 7];
    Draft {
        question: format!("Today is {}. Which day is it in {days} days?", DAYS[start]),
        gold: gold.to_owned(),
        distractors: others(rng, &DAYS, gold),
    }
}

fn months_ahead(rng: &mut Rng, low: i64, high: i64) -> Draft {
    let (start, months) = (rng.below(12), rng.between(low, high));
    let gold = MONTHS[(start + months as usize) % 12];
    Draft {
        question: format!("It is {} now. Which month is it in {months} months?", MONTHS[start]),
        gold: gold.to_owned(),
        distractors: others(rng, &MONTHS, gold),
    }
}

fn length(rng: &mut Rng) -> Draft {
    let month = rng.below(12);
    let (question, gold) = if rng.below(2) == 0 {
        let question =
            format!("How many days does {} have in a year that is no leap year?", MONTHS[month]);
        (question, LENGTHS[month])
    } else {
        let question = format!("{} is which month of the year, as a number?", MONTHS[month]);
        (question, month as i64 + 1)
    };
    let distractors = if gold > 12 {
        ["28", "29", "30", "31"]
            .map(str::to_owned)
            .into_iter()
            .filter(|day| *day != gold.to_string())
            .collect()
    } else {
        near(rng, gold, &[-2, -1, 1, 2])
    };
    Draft { question, gold: gold.to_string(), distractors }
}

fn next_date(rng: &mut Rng) -> Draft {
    let (month, days) = (rng.below(12), rng.between(2, 9));
    let start = LENGTHS[month] - rng.between(0, days - 1);
    let next = start + days - LENGTHS[month];
    let following = (month + 1) % 12;
    let gold = format!("{} {next}", MONTHS[following]);
    let distractors = vec![
        format!("{} {}", MONTHS[following], next + 1),
        format!("{} {next}", MONTHS[month]),
        format!("{} {}", MONTHS[following], next + 2),
        format!("{} {}", MONTHS[(month + 2) % 12], next),
    ];
    Draft {
        question: format!(
            "In a year that is no leap year, which date is {days} days after {} {start}?",
            MONTHS[month]
        ),
        gold,
        distractors,
    }
}
