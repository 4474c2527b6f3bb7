//! Sums, differences, products and quotients.

use super::{Draft, near};
use crate::rng::Rng;

pub(super) fn write(rng: &mut Rng, level: u8) -> Draft {
    let (question, gold) = match (level, rng.below(3)) {
        (0, 0) => subtraction(rng.between(5, 18), rng.between(1, 5)),
        (0, _) => addition(rng.between(1, 9), rng.between(1, 9)),
        (1, 0) => multiplication(rng.between(2, 5), rng.between(2, 10)),
        (1, 1) => subtraction(rng.between(20, 60), rng.between(2, 19)),
        (1, _) => addition(rng.between(10, 50), rng.between(2, 30)),
        (2, 0) => multiplication(rng.between(6, 12), rng.between(6, 12)),
        (2, 1) => division(rng.between(3, 9), rng.between(4, 12)),
        (2, _) => subtraction(rng.between(60, 190), rng.between(20, 59)),
        (_, 0) => multiplication(rng.between(12, 25), rng.between(3, 19)),
        (_, 1) => addition(rng.between(120, 800), rng.between(120, 800)),
        (_, _) => two_steps(rng.between(2, 9), rng.between(3, 12), rng.between(2, 20)),
    };
    let distractors = near(rng, gold, &[-10, -2, -1, 1, 2, 3, 10]);
    Draft { question, gold: gold.to_string(), distractors }
}

fn addition(a: i64, b: i64) -> (String, i64) {
    (format!("What is {a} + {b}?"), a + b)
}

fn subtraction(a: i64, b: i64) -> (String, i64) {
    (format!("What is {a} - {b}?"), a - b)
}

fn multiplication(a: i64, b: i64) -> (String, i64) {
    (format!("What is {a} times {b}?"), a * b)
}

fn division(divisor: i64, quotient: i64) -> (String, i64) {
    (format!("What is {} divided by {divisor}?", divisor * quotient), quotient)
}

fn two_steps(a: i64, b: i64, c: i64) -> (String, i64) {
    (format!("What is {a} times {b}, plus {c}?"), a * b + c)
}
