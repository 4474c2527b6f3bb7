//! Chemical elements and their symbols.

use super::{Draft, graded};
use crate::rng::Rng;

/// Name, symbol and number, from well known to little known.
const ELEMENTS: [(&str, &str, u8); 48] = [
    ("oxygen", "O", 8),
    ("hydrogen", "H", 1),
    ("carbon", "C", 6),
    ("gold", "Au", 79),
    ("iron", "Fe", 26),
    ("silver", "Ag", 47),
    ("nitrogen", "N", 7),
    ("sodium", "Na", 11),
    ("helium", "He", 2),
    ("calcium", "Ca", 20),
    ("copper", "Cu", 29),
    ("chlorine", "Cl", 17),
    ("potassium", "K", 19),
    ("lead", "Pb", 82),
    ("zinc", "Zn", 30),
    ("sulfur", "S", 16),
    ("neon", "Ne", 10),
    ("aluminium", "Al", 13),
    ("magnesium", "Mg", 12),
    ("mercury", "Hg", 80),
    ("silicon", "Si", 14),
    ("lithium", "Li", 3),
    ("tin", "Sn", 50),
    ("uranium", "U", 92),
    ("phosphorus", "P", 15),
    ("nickel", "Ni", 28),
    ("iodine", "I", 53),
    ("platinum", "Pt", 78),
    ("fluorine", "F", 9),
    ("argon", "Ar", 18),
    ("titanium", "Ti", 22),
    ("chromium", "Cr", 24),
    ("cobalt", "Co", 27),
    ("boron", "B", 5),
    ("barium", "Ba", 56),
    ("manganese", "Mn", 25),
    ("tungsten", "W", 74),
    ("arsenic", "As", 33),
    ("beryllium", "Be", 4),
    ("bromine", "Br", 35),
    ("krypton", "Kr", 36),
    ("xenon", "Xe", 54),
    ("antimony", "Sb", 51),
    ("selenium", "Se", 34),
    ("strontium", "Sr", 38),
    ("bismuth", "Bi", 83),
    ("caesium", "Cs", 55),
    ("vanadium", "V", 23),
];

pub(super) fn write(rng: &mut Rng, level: u8) -> Draft {
    let (name, symbol, number) = *rng.pick(graded(&ELEMENTS, level));
    let rest: Vec<(&str, &str, u8)> = rng
        .sample(&ELEMENTS.iter().copied().filter(|other| other.0 != name).collect::<Vec<_>>(), 4);
    let kind = rng.below(if level < 2 { 2 } else { 3 });
    let (question, gold, distractors): (String, String, Vec<String>) = match kind {
        0 => (
            format!("What is the chemical symbol of {name}?"),
            symbol.to_owned(),
            rest.iter().map(|other| other.1.to_owned()).collect(),
        ),
        1 => (
            format!("Which element has the chemical symbol {symbol}?"),
            name.to_owned(),
            rest.iter().map(|other| other.0.to_owned()).collect(),
        ),
        _ => (
            format!("What is the atomic number of {name}?"),
            number.to_string(),
            rest.iter().map(|other| other.2.to_string()).collect(),
        ),
    };
    Draft { question, gold, distractors }
}
