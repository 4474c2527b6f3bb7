//! Which thing or number is the largest or the smallest.

use super::Draft;
use crate::rng::Rng;

/// Things from small to large.
const THINGS: [&str; 16] = [
    "an ant",
    "a mouse",
    "a cat",
    "a sheep",
    "a horse",
    "a car",
    "an elephant",
    "a house",
    "a church",
    "a village",
    "a city",
    "an island",
    "a country",
    "the Moon",
    "the Earth",
    "the Sun",
];

pub(super) fn write(rng: &mut Rng, level: u8) -> Draft {
    if level == 0 { things(rng) } else { numbers(rng, level) }
}

fn things(rng: &mut Rng) -> Draft {
    let mut chosen = rng.sample(&(0..THINGS.len()).collect::<Vec<_>>(), 4);
    let listed: Vec<&str> = chosen.iter().map(|index| THINGS[*index]).collect();
    chosen.sort_unstable();
    let word = if rng.below(2) == 0 {
        chosen.reverse();
        "largest"
    } else {
        "smallest"
    };
    Draft {
        question: format!("Which of these things is the {word}: {}?", listed.join(", ")),
        gold: THINGS[chosen[0]].to_owned(),
        distractors: chosen[1..].iter().map(|index| THINGS[*index].to_owned()).collect(),
    }
}

fn numbers(rng: &mut Rng, level: u8) -> Draft {
    let numbers = match level {
        1 => distinct(rng, |rng| rng.between(1, 99) * 10_i64.pow(rng.below(3) as u32) * 1000),
        2 => distinct(rng, |rng| rng.between(1, 99) * 10 * 10_i64.pow(rng.below(2) as u32)),
        _ => distinct(rng, |rng| rng.between(-60, 60) * 500),
    };
    let largest = rng.below(2) == 0;
    // The numbers are thousandths, sorted so that the nearest ones tempt first.
    let mut numbers = numbers;
    numbers.sort_unstable();
    if largest {
        numbers.reverse();
    }
    let word = if largest { "largest" } else { "smallest" };
    let mut listed = numbers.clone();
    rng.shuffle(&mut listed);
    let listed: Vec<String> = listed.into_iter().map(shown).collect();
    Draft {
        question: format!("Which of these numbers is the {word}: {}?", listed.join(", ")),
        gold: shown(numbers[0]),
        distractors: numbers[1..].iter().map(|number| shown(*number)).collect(),
    }
}

fn distinct(rng: &mut Rng, draw: impl Fn(&mut Rng) -> i64) -> Vec<i64> {
    let mut numbers = Vec::new();
    while numbers.len() < 5 {
        let number = draw(rng);
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    numbers
}

/// Thousandths as a decimal number without trailing zeros.
fn shown(thousandths: i64) -> String {
    let sign = if thousandths < 0 { "-" } else { "" };
    let (whole, rest) = (thousandths.abs() / 1000, thousandths.abs() % 1000);
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{}", format!("{rest:03}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn thousandths_are_shown_as_decimals() {
        assert_eq!(
            [2_000, -1_500, 70, 650, -500].map(shown),
            ["2", "-1.5", "0.07", "0.65", "-0.5"]
        );
    }
}
