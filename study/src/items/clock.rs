//! Times of day and durations.

use super::{Draft, near};
use crate::rng::Rng;

const DAY: i64 = 24 * 60;

pub(super) fn write(rng: &mut Rng, level: u8) -> Draft {
    match (level, rng.below(2)) {
        (0, _) => shifted(rng, 60 * 4, 60),
        (1, 0) => shifted(rng, 55, 15),
        (1, _) => written_out(rng),
        (2, 0) => between(rng),
        (2, _) => shifted(rng, 120, 5),
        (_, 0) => shifted(rng, 300, 1),
        (_, _) => earlier(rng),
    }
}

/// Minutes since midnight as `7:05`, on a clock of 24 hours.
fn shown(minutes: i64) -> String {
    let minutes = minutes.rem_euclid(DAY);
    format!("{}:{:02}", minutes / 60, minutes % 60)
}

fn said(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (1, 0) => "1 hour".to_owned(),
        (hours, 0) => format!("{hours} hours"),
        (0, rest) => format!("{rest} minutes"),
        (1, rest) => format!("1 hour and {rest} minutes"),
        (hours, rest) => format!("{hours} hours and {rest} minutes"),
    }
}

fn times_near(rng: &mut Rng, gold: i64) -> Vec<String> {
    rng.sample(&[-60, -15, -10, 5, 10, 30, 60], 4)
        .into_iter()
        .map(|offset| shown(gold + offset))
        .collect()
}

fn shifted(rng: &mut Rng, longest: i64, grain: i64) -> Draft {
    let start = rng.between(7 * 60 / grain, 17 * 60 / grain) * grain;
    let length = rng.between(1, longest / grain) * grain;
    let gold = start + length;
    let thing = rng.pick(&["A film", "A lesson", "A meeting", "A train ride", "A game"]);
    Draft {
        question: format!(
            "{thing} starts at {} and lasts {}. When does it end?",
            shown(start),
            said(length)
        ),
        gold: shown(gold),
        distractors: times_near(rng, gold),
    }
}

fn written_out(rng: &mut Rng) -> Draft {
    let hour = rng.between(1, 11);
    let (words, minutes) = *rng.pick(&[
        ("half past", 30),
        ("a quarter past", 15),
        ("a quarter to", -15),
        ("ten past", 10),
        ("five to", -5),
        ("twenty past", 20),
        ("ten to", -10),
    ]);
    let gold = hour * 60 + minutes;
    Draft {
        question: format!("Which time is {words} {hour}?"),
        gold: shown(gold),
        distractors: [gold + 60, gold - 2 * minutes, gold + 5, gold - 10].map(shown).to_vec(),
    }
}

fn between(rng: &mut Rng) -> Draft {
    let start = rng.between(7 * 12, 18 * 12) * 5;
    let length = rng.between(2, 20) * 5;
    Draft {
        question: format!(
            "How many minutes are there from {} to {}?",
            shown(start),
            shown(start + length)
        ),
        gold: length.to_string(),
        distractors: near(rng, length, &[-10, -5, 5, 10, 15]),
    }
}

fn earlier(rng: &mut Rng) -> Draft {
    let (end, length) = (rng.between(9 * 12, 22 * 12) * 5, rng.between(5, 30) * 5);
    let gold = end - length;
    Draft {
        question: format!("A walk of {} ended at {}. When did it begin?", said(length), shown(end)),
        gold: shown(gold),
        distractors: times_near(rng, gold),
    }
}
