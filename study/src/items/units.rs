//! Conversion of units.

use super::Draft;
use crate::rng::Rng;

/// Larger unit (one, many), smaller unit (many) and how many of it make one, by level.
const UNITS: [[(&str, &str, &str, i64); 6]; 4] = [
    [
        ("hour", "hours", "minutes", 60),
        ("metre", "metres", "centimetres", 100),
        ("week", "weeks", "days", 7),
        ("minute", "minutes", "seconds", 60),
        ("year", "years", "months", 12),
        ("day", "days", "hours", 24),
    ],
    [
        ("kilogram", "kilograms", "grams", 1000),
        ("kilometre", "kilometres", "metres", 1000),
        ("foot", "feet", "inches", 12),
        ("dozen", "dozens", "pieces", 12),
        ("centimetre", "centimetres", "millimetres", 10),
        ("dollar", "dollars", "cents", 100),
    ],
    [
        ("litre", "litres", "millilitres", 1000),
        ("yard", "yards", "feet", 3),
        ("pound", "pounds", "ounces", 16),
        ("tonne", "tonnes", "kilograms", 1000),
        ("century", "centuries", "years", 100),
        ("decade", "decades", "years", 10),
    ],
    [
        ("gallon", "gallons", "quarts", 4),
        ("square metre", "square metres", "square centimetres", 10_000),
        ("quart", "quarts", "cups", 4),
        ("yard", "yards", "inches", 36),
        ("hour", "hours", "seconds", 3600),
        ("metre", "metres", "millimetres", 1000),
    ],
];

pub(super) fn write(rng: &mut Rng, level: u8) -> Draft {
    let (one, many, smaller, factor) = *rng.pick(&UNITS[usize::from(level)]);
    let count = rng.between(1, 3 + 3 * i64::from(level));
    let large = if count == 1 { format!("1 {one}") } else { format!("{count} {many}") };
    if level > 0 && count > 1 && rng.below(3) == 0 {
        return Draft {
            question: format!("{} {smaller} are how many {many}?", count * factor),
            gold: count.to_string(),
            distractors: [count * 2, count + 1, count * 10, count - 1]
                .iter()
                .map(ToString::to_string)
                .collect(),
        };
    }
    let gold = count * factor;
    let wrong_factors: &[i64] = match factor {
        10 | 100 | 1000 | 10_000 => &[10, 100, 1000, 10_000, 50],
        3 | 4 => &[2, 3, 4, 5, 8],
        7 => &[5, 6, 8, 10],
        _ => &[10, 12, 24, 60, 100, 16, 36],
    };
    let mut distractors: Vec<String> = wrong_factors
        .iter()
        .filter(|wrong| **wrong != factor)
        .map(|wrong| (count * wrong).to_string())
        .collect();
    rng.shuffle(&mut distractors);
    let verb = if count == 1 { "is" } else { "are" };
    let question = if rng.below(2) == 0 {
        format!("How many {smaller} are in {large}?")
    } else {
        format!("{large} {verb} how many {smaller}?")
    };
    Draft { question, gold: gold.to_string(), distractors }
}
