//! Relations of words: opposites, near-synonyms, kinds.

use super::{Draft, others};
use crate::rng::Rng;

/// Opposites, from common to rare.
const OPPOSITES: [(&str, &str); 48] = [
    ("hot", "cold"),
    ("big", "small"),
    ("up", "down"),
    ("day", "night"),
    ("good", "bad"),
    ("open", "closed"),
    ("happy", "sad"),
    ("fast", "slow"),
    ("left", "right"),
    ("young", "old"),
    ("black", "white"),
    ("full", "empty"),
    ("high", "low"),
    ("rich", "poor"),
    ("wet", "dry"),
    ("strong", "weak"),
    ("early", "late"),
    ("hard", "soft"),
    ("light", "dark"),
    ("loud", "quiet"),
    ("love", "hate"),
    ("clean", "dirty"),
    ("push", "pull"),
    ("friend", "enemy"),
    ("deep", "shallow"),
    ("thick", "thin"),
    ("arrive", "depart"),
    ("accept", "refuse"),
    ("ancient", "modern"),
    ("rough", "smooth"),
    ("victory", "defeat"),
    ("increase", "decrease"),
    ("brave", "cowardly"),
    ("sharp", "blunt"),
    ("create", "destroy"),
    ("guilty", "innocent"),
    ("generous", "stingy"),
    ("expand", "contract"),
    ("optimist", "pessimist"),
    ("scarce", "abundant"),
    ("humble", "arrogant"),
    ("transparent", "opaque"),
    ("praise", "blame"),
    ("temporary", "permanent"),
    ("voluntary", "compulsory"),
    ("hostile", "friendly"),
    ("conceal", "reveal"),
    ("ascend", "descend"),
];

/// Words of about the same meaning, from common to rare.
const SYNONYMS: [(&str, &str); 48] = [
    ("big", "large"),
    ("fast", "quick"),
    ("happy", "glad"),
    ("begin", "start"),
    ("small", "little"),
    ("smart", "clever"),
    ("sad", "unhappy"),
    ("end", "finish"),
    ("shout", "yell"),
    ("close", "shut"),
    ("sick", "ill"),
    ("scared", "afraid"),
    ("rich", "wealthy"),
    ("gift", "present"),
    ("quiet", "silent"),
    ("buy", "purchase"),
    ("hard", "difficult"),
    ("angry", "furious"),
    ("brave", "courageous"),
    ("strange", "odd"),
    ("rock", "stone"),
    ("road", "street"),
    ("choose", "select"),
    ("help", "assist"),
    ("tired", "weary"),
    ("answer", "reply"),
    ("error", "mistake"),
    ("damp", "moist"),
    ("kind", "sort"),
    ("need", "require"),
    ("hide", "conceal"),
    ("polite", "courteous"),
    ("thin", "slender"),
    ("famous", "renowned"),
    ("build", "construct"),
    ("leave", "depart"),
    ("stubborn", "obstinate"),
    ("rude", "impolite"),
    ("lazy", "idle"),
    ("fake", "counterfeit"),
    ("fix", "mend"),
    ("brief", "short"),
    ("shy", "timid"),
    ("imitate", "copy"),
    ("ample", "plentiful"),
    ("vanish", "disappear"),
    ("ocean", "sea"),
    ("wander", "roam"),
];

/// A kind and its members, the best known first.
const KINDS: [(&str, [&str; 6]); 16] = [
    ("animal", ["dog", "horse", "lion", "rabbit", "badger", "lynx"]),
    ("fruit", ["apple", "banana", "pear", "plum", "apricot", "quince"]),
    ("colour", ["red", "blue", "purple", "orange", "crimson", "turquoise"]),
    ("tool", ["hammer", "saw", "drill", "wrench", "chisel", "spade"]),
    ("vehicle", ["car", "truck", "bicycle", "tram", "ferry", "scooter"]),
    ("bird", ["eagle", "owl", "sparrow", "robin", "heron", "finch"]),
    ("musical instrument", ["piano", "guitar", "violin", "flute", "cello", "oboe"]),
    ("piece of furniture", ["chair", "table", "sofa", "wardrobe", "stool", "cupboard"]),
    ("vegetable", ["carrot", "potato", "cabbage", "spinach", "leek", "turnip"]),
    ("fish", ["salmon", "shark", "trout", "tuna", "herring", "halibut"]),
    ("tree", ["oak", "pine", "maple", "birch", "willow", "alder"]),
    ("insect", ["ant", "bee", "beetle", "mosquito", "wasp", "moth"]),
    ("metal", ["iron", "gold", "copper", "zinc", "nickel", "cobalt"]),
    ("sport", ["football", "tennis", "swimming", "rowing", "fencing", "archery"]),
    ("profession", ["doctor", "teacher", "lawyer", "plumber", "surgeon", "notary"]),
    ("piece of clothing", ["shirt", "hat", "coat", "sock", "scarf", "apron"]),
];

pub(super) fn antonym(rng: &mut Rng, level: u8) -> Draft {
    match level {
        0 | 1 => pair(rng, &OPPOSITES, level, "the opposite of"),
        _ => which_two(rng, &OPPOSITES, level, "Which two words are opposites?"),
    }
}

pub(super) fn synonym(rng: &mut Rng, level: u8) -> Draft {
    match level {
        0 | 1 => pair(rng, &SYNONYMS, level, "another word for"),
        _ => which_two(rng, &SYNONYMS, level, "Which two words mean about the same?"),
    }
}

/// Wrong answers come from the same part of the list, so that they are as common as the right one.
fn pair(rng: &mut Rng, list: &[(&str, &str)], level: u8, relation: &str) -> Draft {
    let half = list.len() / 2;
    let part = if level == 0 { &list[..half] } else { &list[half..] };
    let (left, right) = *rng.pick(part);
    let (asked, gold) = if rng.below(2) == 0 { (left, right) } else { (right, left) };
    let pool: Vec<&str> = part
        .iter()
        .flat_map(|(left, right)| [*left, *right])
        .filter(|word| *word != asked && !related(list, word, asked) && !related(list, word, gold))
        .collect();
    Draft {
        question: format!("What is {relation} \"{asked}\"?"),
        gold: gold.to_owned(),
        distractors: others(rng, &pool, gold),
    }
}

/// A pair of the list, two strangers, and their words combined in other ways. Half of the list each: the
/// common words are level 2.
fn which_two(rng: &mut Rng, list: &[(&str, &str)], level: u8, question: &str) -> Draft {
    let half = list.len() / 2;
    let part = if level == 2 { &list[..half] } else { &list[half..] };
    let pairs = rng.sample(part, 3);
    let ((a, b), (c, d)) = (pairs[0], (pairs[1].0, pairs[2].1));
    let mut words = [a, b, c, d];
    rng.shuffle(&mut words);
    let joined = |left: &str, right: &str| format!("{left} and {right}");
    let mut distractors = vec![joined(a, c), joined(d, b), joined(c, b), joined(a, d)];
    rng.shuffle(&mut distractors);
    Draft { question: format!("{question} {}", words.join(", ")), gold: joined(a, b), distractors }
}

fn related(list: &[(&str, &str)], left: &str, right: &str) -> bool {
    list.contains(&(left, right)) || list.contains(&(right, left))
}

pub(super) fn category(rng: &mut Rng, level: u8) -> Draft {
    let at = rng.below(KINDS.len());
    let (kind, members) = KINDS[at];
    // The hardest level has the rare members, the others the common ones.
    let member = if level >= 2 { *rng.pick(&members[3..]) } else { *rng.pick(&members[..3]) };
    if level.is_multiple_of(2) {
        let kinds: Vec<&str> =
            KINDS.iter().map(|kind| kind.0).filter(|other| differs(kind, other)).collect();
        return Draft {
            question: format!("Which kind does the word \"{member}\" belong to?"),
            gold: kind.to_owned(),
            distractors: others(rng, &kinds, kind),
        };
    }
    let strangers: Vec<&str> = KINDS
        .iter()
        .filter(|other| differs(kind, other.0))
        .map(|other| *rng.pick(if level >= 2 { &other.1[3..] } else { &other.1[..3] }))
        .collect();
    let listed = rng
        .sample(&members.iter().copied().filter(|other| *other != member).collect::<Vec<_>>(), 2);
    Draft {
        question: format!("Which word belongs with {} and {}?", listed[0], listed[1]),
        gold: member.to_owned(),
        distractors: others(rng, &strangers, member),
    }
}

/// Whether a member of one kind is none of the other: a bird, a fish and an insect are animals.
fn differs(kind: &str, other: &str) -> bool {
    const ANIMALS: [&str; 4] = ["animal", "bird", "fish", "insect"];
    const COLOURED: [&str; 3] = ["colour", "fruit", "metal"];
    const PLANTS: [&str; 3] = ["fruit", "vegetable", "tree"];
    let both = |group: &[&str]| group.contains(&kind) && group.contains(&other);
    kind != other && !both(&ANIMALS) && !both(&COLOURED) && !both(&PLANTS)
}
