use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::*;

fn published() -> Vec<Item> {
    generate(SEED).unwrap()
}

/// The published items: whoever changes them measures every variant again.
#[test]
fn the_items_are_the_published_ones() {
    let bytes = serde_json::to_vec(&published()).unwrap();
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "dcac995bad66f975a9f3a8d2386f1703312e09ee68c377351f618af9c7bd6b96");
}

#[test]
fn another_seed_gives_other_items() {
    assert_ne!(generate(SEED + 1).unwrap(), published());
}

#[test]
fn questions_and_ids_are_unique_and_choices_differ() {
    let items = published();
    let ids: BTreeSet<_> = items.iter().map(|item| &item.id).collect();
    let questions: BTreeSet<_> = items.iter().map(|item| &item.question).collect();
    assert_eq!((ids.len(), questions.len()), (items.len(), items.len()));
    assert_eq!(items.len(), TASKS.len() * PER_TASK);
    for item in &items {
        let choices: BTreeSet<_> = item.choices.iter().collect();
        assert_eq!(choices.len(), item.choices.len(), "{item:?}");
        assert!((3..=5).contains(&item.choices.len()) && item.gold < item.choices.len());
        assert!(item.choices.iter().all(|choice| choice.trim() == choice && !choice.is_empty()));
    }
}

/// Always answering with one position is worth no more than chance and a few points.
#[test]
fn right_answers_stand_in_every_position_equally_often() {
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut totals: BTreeMap<usize, usize> = BTreeMap::new();
    for item in published() {
        *counts.entry((item.choices.len(), item.gold)).or_default() += 1;
        *totals.entry(item.choices.len()).or_default() += 1;
    }
    for ((choices, position), count) in counts {
        let share = count as f64 / totals[&choices] as f64;
        let chance = 1.0 / choices as f64;
        assert!((share - chance).abs() < 0.04, "{choices} choices, position {position}: {share}");
    }
}

#[test]
fn texts_are_short() {
    for item in published() {
        let words = item.question.split_whitespace().count();
        let choices: usize = item.choices.iter().map(|choice| choice.split(' ').count()).sum();
        assert!(words + choices <= 48, "{item:?}");
    }
}

/// Every sum that is written as `a + b`, `a - b`, `a times b` or `a divided by b` is recomputed.
#[test]
fn sums_are_right() {
    let mut checked = 0;
    for item in published().iter().filter(|item| item.task == "arithmetic") {
        let words: Vec<&str> =
            item.question.trim_start_matches("What is ").trim_end_matches('?').split(' ').collect();
        let number = |index: usize| words[index].trim_end_matches(',').parse::<i64>().unwrap();
        let right = match words[1..] {
            ["+", _] => number(0) + number(2),
            ["-", _] => number(0) - number(2),
            ["times", _] => number(0) * number(2),
            ["divided", "by", _] => number(0) / number(3),
            ["times", _, "plus", _] => number(0) * number(2) + number(4),
            _ => panic!("{words:?}"),
        };
        assert_eq!(item.choices[item.gold], right.to_string(), "{}", item.question);
        checked += 1;
    }
    assert_eq!(checked, PER_TASK);
}

#[test]
fn the_largest_and_the_smallest_are_right() {
    let numbers = |item: &&Item| item.task == "comparison" && item.level > 0;
    for item in published().iter().filter(numbers) {
        let (head, list) = item.question.trim_end_matches('?').split_once(": ").unwrap();
        let mut numbers: Vec<f64> = list.split(", ").map(|text| text.parse().unwrap()).collect();
        numbers.sort_by(f64::total_cmp);
        let right = if head.ends_with("largest") { numbers[numbers.len() - 1] } else { numbers[0] };
        assert_eq!(item.choices[item.gold].parse::<f64>().unwrap(), right, "{}", item.question);
    }
}

#[test]
fn counts_of_letters_are_right() {
    let mut checked = 0;
    for item in published().iter().filter(|item| item.task == "letters") {
        let quoted: Vec<&str> = item.question.split('"').collect();
        let gold = &item.choices[item.gold];
        if item.question.starts_with("How many letters") {
            assert_eq!(gold, &quoted[1].len().to_string());
            checked += 1;
        } else if item.question.starts_with("How many times") {
            assert_eq!(gold, &quoted[3].matches(quoted[1]).count().to_string());
            checked += 1;
        }
    }
    assert!(checked > 10);
}

#[test]
fn a_draft_that_repeats_an_answer_is_refused() {
    let draft = |wrong: &[&str]| Draft {
        question: "q".to_owned(),
        gold: "a".to_owned(),
        distractors: wrong.iter().map(|text| (*text).to_owned()).collect(),
    };
    assert!(usable(&draft(&["b", "c"])));
    assert!(!usable(&draft(&["b", "a"])));
    assert!(!usable(&draft(&["b", "b"])));
    assert!(!usable(&draft(&["b"])));
}
