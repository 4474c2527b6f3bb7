use aliquot_tables::items::Item;

use super::{
    policy::{Alarm, Policy, Refusal, SimilarTexts, SuspectedCopies},
    *,
};

const NAN: f32 = f32::NAN;

/// A leaderboard of models m00, m01, ... on items i00, i01, ...; rows are models.
struct Board {
    scores: Scores,
    items: Vec<Item>,
    models: Vec<Model>,
    gaps: Vec<Gap>,
}

impl Board {
    fn of(rows: &[Vec<f32>]) -> Self {
        let mut scores = Scores::default();
        for (model, row) in rows.iter().enumerate() {
            for (item, score) in row.iter().enumerate() {
                scores.model.push(&format!("m{model:02}"));
                scores.item_uid.push(&format!("i{item:02}"));
                scores.trial.push(0);
                scores.score.push(*score);
                scores.log_likelihood.push(NAN);
            }
        }
        let columns = rows.first().map_or(0, Vec::len);
        Self { scores, items: (0..columns).map(item).collect(), models: vec![], gaps: vec![] }
    }

    fn audit(&self, policy: &AuditPolicy) -> Result<Audited, Error> {
        let Self { scores, items, models, gaps } = self;
        audit(
            policy,
            &Data {
                scores,
                items,
                models,
                gaps,
                runs: &[],
                sources: &[],
                vectors: None,
                published: None,
            },
        )
    }
}

fn item(number: usize) -> Item {
    Item {
        item_uid: format!("i{number:02}"),
        benchmark: "b".to_owned(),
        stem: format!("question {number}"),
        ..Item::default()
    }
}

/// Kind, subject and action of every finding of a kind.
fn told(audited: &Audited, kind: &str) -> Vec<(String, String)> {
    let of_kind = audited.findings.iter().filter(|finding| finding.kind == kind);
    of_kind.map(|finding| (finding.subject.clone(), finding.action.clone())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(subject, action)| ((*subject).into(), (*action).into())).collect()
}

fn names(audited: &Audited) -> Vec<&str> {
    audited.roster.iter().map(|entry| entry.name.as_str()).collect()
}

/// Answers by ability and difficulty, both rising with their number, with some irregularity.
fn staircase(models: usize, items: usize) -> Vec<Vec<f32>> {
    let score = |model: usize, item: usize| {
        let chance = (model * 7919 + item * 104_729 + model * item * 31) % 97;
        let edge = 50 + 60 * model / models;
        f32::from(u8::from(chance + 60 * item / items < edge))
    };
    (0..models).map(|model| (0..items).map(|item| score(model, item)).collect()).collect()
}

#[test]
fn copies_gaps_and_constants_are_found_and_dealt_with() {
    let policy = AuditPolicy { minimum_coverage: 0.75, ..AuditPolicy::default() };
    let board = Board::of(&[
        vec![1.0, 0.0, 1.0, NAN],
        vec![1.0, 0.0, 1.0, NAN],
        vec![1.0, 1.0, 0.0, NAN],
        vec![NAN, NAN, 1.0, 0.0],
    ]);
    let audited = board.audit(&policy).unwrap();
    assert_eq!(told(&audited, "duplicate-model"), pairs(&[("m01", "drop")]));
    assert!(told(&audited, "missing-scores").contains(&("m03".into(), "drop".into())));
    assert_eq!(told(&audited, "constant-item"), pairs(&[("i00", "keep")]));
    assert_eq!(told(&audited, "unanswered-item"), pairs(&[("i03", "drop")]));
    assert_eq!(names(&audited), ["m00", "m02", "i00", "i01", "i02"]);
}

#[test]
fn models_that_score_zero_everywhere_are_no_copies_of_each_other() {
    let rows = [vec![0.0; 4], vec![0.0; 4], vec![1.0, 0.0, 0.0, 0.0], vec![0.0, 1.0, 0.0, 0.0]];
    let audited = Board::of(&rows).audit(&AuditPolicy::default()).unwrap();
    assert!(told(&audited, "duplicate-model").is_empty(), "{audited:?}");
    assert_eq!(audited.roster.len(), 8);
}

#[test]
fn impossible_scores_stop_and_may_cost_the_model_only() {
    let mut rows = staircase(6, 90);
    rows[2][4] = 7.0;
    rows[3][5] = 0.5;
    let board = Board::of(&rows);
    let error = board.audit(&AuditPolicy::default()).unwrap_err().to_string();
    assert!(
        error.contains("impossible-score b `m02`: 1 score is outside [0, 1]: 7 on i04"),
        "{error}"
    );
    let policy = AuditPolicy { impossible_scores: Refusal::Drop, ..AuditPolicy::default() };
    let audited = board.audit(&policy).unwrap();
    assert_eq!(told(&audited, "impossible-score"), pairs(&[("m02", "drop")]));
    assert_eq!(told(&audited, "stray-score"), pairs(&[("m03", "keep")]));
    assert!(names(&audited).contains(&"m03") && !names(&audited).contains(&"m02"));
    let policy = AuditPolicy { stray_scores: Policy::Drop, ..policy };
    assert!(!names(&board.audit(&policy).unwrap()).contains(&"m03"));
}

#[test]
fn the_most_answered_of_equal_and_of_similar_items_stays() {
    let mut rows = staircase(6, 6);
    rows[0][0] = NAN;
    rows[0][3] = NAN;
    let mut board = Board::of(&rows);
    let words = |different: usize| {
        (0..40).map(move |at| if at == different { "other".into() } else { format!("w{at}") })
    };
    let text = |different: usize| words(different).collect::<Vec<String>>().join(" ");
    // 0 and 2 are equal but for white space, 3, 4 and 5 similar; 2 and 4 are the first with all answers.
    board.items[0].stem = "What is  it?".to_owned();
    board.items[2].stem = "What is it?".to_owned();
    board.items[2].target = Some("it".to_owned());
    for (item, different) in [(3, 99), (4, 0), (5, 39)] {
        board.items[item].stem = text(different);
    }
    let policy = AuditPolicy {
        minimum_coverage: 0.5,
        duplicate_items: Policy::Drop,
        similar_texts: Some(SimilarTexts { action: Policy::Drop, ..SimilarTexts::default() }),
        ..AuditPolicy::default()
    };
    let audited = board.audit(&policy).unwrap();
    assert_eq!(told(&audited, "duplicate-item"), pairs(&[("i00", "drop")]));
    assert_eq!(told(&audited, "similar-item"), pairs(&[("i03", "drop"), ("i05", "drop")]));
    let equal = audited.findings.iter().find(|finding| finding.kind == "duplicate-item").unwrap();
    assert!(
        equal.evidence.ends_with("(2 alike in all), but another reference answer"),
        "{equal:?}"
    );
    let items: Vec<&str> =
        names(&audited).into_iter().filter(|name| name.starts_with('i')).collect();
    assert_eq!(items, ["i01", "i02", "i04"]);
    // By default they are told of and stay.
    let kept =
        board.audit(&AuditPolicy { minimum_coverage: 0.5, ..AuditPolicy::default() }).unwrap();
    assert_eq!(told(&kept, "duplicate-item"), pairs(&[("i00", "keep")]));
    assert!(names(&kept).contains(&"i00"));
    // Other choices make another question, and parts of one question share its text.
    board.items[0].choices = Some("[\"a\"]".to_owned());
    for item in &mut board.items[3..] {
        item.parent = Some("function".to_owned());
    }
    let audited = board.audit(&policy).unwrap();
    assert!(
        told(&audited, "duplicate-item").is_empty() && told(&audited, "similar-item").is_empty()
    );
}

#[test]
fn near_copies_are_told_and_dropped_unless_they_are_declared_relatives() {
    let mut rows = staircase(20, 80);
    for original in [4, 9] {
        let mut copy = rows[original].clone();
        copy[40] = 1.0 - copy[40];
        rows.push(copy);
    }
    let mut board = Board::of(&rows);
    let variant = Model { model: "m20".into(), base_model: Some("m04".into()), ..Model::default() };
    board.models.push(variant);
    let told_by = |action: Policy| {
        let suspected_copies = SuspectedCopies { action, ..SuspectedCopies::default() };
        let audited =
            board.audit(&AuditPolicy { suspected_copies, ..AuditPolicy::default() }).unwrap();
        let severity: Vec<String> = audited
            .findings
            .iter()
            .filter(|finding| finding.kind == "suspected-copy")
            .map(|finding| finding.severity.clone())
            .collect();
        let stays = |name| names(&audited).contains(&name);
        (told(&audited, "suspected-copy"), severity, stays("m20"), stays("m21"))
    };
    let severity = vec!["info".to_owned(), "warning".to_owned()];
    let keep = pairs(&[("m20", "keep"), ("m21", "keep")]);
    assert_eq!(told_by(Policy::Keep), (keep, severity.clone(), true, true));
    let drop = pairs(&[("m20", "keep"), ("m21", "drop")]);
    assert_eq!(told_by(Policy::Drop), (drop, severity, true, false));
}

#[test]
fn turned_items_and_gaps_of_weak_models_are_told() {
    let mut rows = staircase(40, 60);
    for (model, row) in rows.iter_mut().enumerate() {
        row[30] = f32::from(u8::from(model < 20));
        row[..20 - model.min(20)].iter_mut().step_by(3).for_each(|score| *score = NAN);
    }
    let mut board = Board::of(&rows);
    let gap = |reason: &str, count| Gap {
        benchmark: "b".into(),
        model: "m00".into(),
        reason: reason.into(),
        count,
    };
    board.gaps = vec![gap("", 2), gap("error", 5)];
    let policy = AuditPolicy {
        minimum_coverage: 0.5,
        negative_items: Policy::Drop,
        ..AuditPolicy::default()
    };
    let audited = board.audit(&policy).unwrap();
    assert_eq!(told(&audited, "negative-item"), pairs(&[("i30", "drop")]));
    assert!(!names(&audited).contains(&"i30") && names(&audited).contains(&"i31"));
    let gaps = told(&audited, "missing-not-at-random");
    assert!(gaps.contains(&("models".into(), "keep".into())), "{gaps:?}");
    let reasons = [("unknown", "keep"), ("error", "keep"), ("absent", "keep")];
    assert_eq!(told(&audited, "missing-reason"), pairs(&reasons));
    let fail = AuditPolicy { missing_not_at_random: Alarm::Fail, ..policy };
    let error = board.audit(&fail).unwrap_err().to_string();
    assert!(error.contains("weaker models miss more"), "{error}");
}
