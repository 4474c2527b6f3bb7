use aliquot_store::ObjectId;

use super::*;
use crate::{Address, Content};

/// Normalises samples, and results if there are any, of a named model.
fn read(samples: &str, results: Option<&str>, wanted: &Wanted) -> Result<Shard, String> {
    let addresses: [Address; 2] =
        ["file:o__m/samples_t.jsonl", "file:o__m/results.json"].map(|a| a.parse().unwrap());
    let texts = [samples, results.unwrap_or_default()];
    let files: Vec<RawFile<'_>> = addresses
        .iter()
        .zip(texts)
        .take(1 + usize::from(results.is_some()))
        .map(|(address, text)| RawFile {
            address,
            id: ObjectId::of(text.as_bytes()),
            content: Content::Memory(text.as_bytes()),
        })
        .collect();
    normalize(&files, wanted, &Templates::default()).map_err(|error| error.to_string())
}

/// A line as the tool writes it, its fields in the tool's order: two choices, the first right.
fn logged(doc_id: u32, likelihoods: [f64; 2], acc: u32) -> String {
    let [first, second] = likelihoods;
    let pairs = format!(r#"[["{first}", "False"], ["{second}", "False"]]"#);
    format!(
        r#"{{"doc_id": {doc_id}, "doc": {{"question": "q{doc_id}", "choices": ["a", "bb"]}}, "target": "0", "arguments": {{"gen_args_0": {{"arg_0": "c", "arg_1": " a"}}, "gen_args_1": {{"arg_0": "c", "arg_1": " bb"}}}}, "resps": [{pairs}], "filtered_resps": {pairs}, "filter": "none", "metrics": ["acc"], "doc_hash": "d{doc_id}", "prompt_hash": "p{doc_id}", "acc": {acc}}}"#
    )
}

/// Everything that comes of a file, or its error; by templates, and without.
fn both(samples: &str, templates: &Templates) -> [Result<String, String>; 2] {
    use aliquot_tables::{aliases, items, prompts, responses};

    let address: Address = "file:o__m/samples_t.jsonl".parse().unwrap();
    let (id, content) = (ObjectId::of(samples.as_bytes()), Content::Memory(samples.as_bytes()));
    let file = RawFile { address: &address, id, content };
    let outcome = |templates: &Templates| {
        let shard = normalize(&[file], &Wanted::default(), templates);
        let shard = shard.map_err(|error| error.to_string())?;
        let tables = [
            responses::encode(&shard.responses),
            items::encode(&shard.items),
            aliases::encode(&shard.aliases),
            prompts::encode(&shard.prompts),
        ];
        let tables = tables.map(|bytes| ObjectId::of(&bytes.unwrap()).to_string());
        Ok(format!("{tables:?} {:?} {:?} {:?}", shard.models, shard.runs, shard.findings))
    };
    [outcome(templates), outcome(&Templates::default())]
}

#[test]
fn a_template_changes_nothing_but_the_time() {
    let lines = |scores: [[f64; 2]; 3]| -> Vec<String> {
        let line =
            |(at, own): (usize, &[f64; 2])| logged(at as u32, *own, u32::from(own[0] > own[1]));
        scores.iter().enumerate().map(line).collect()
    };
    let templates = Templates::default();
    let first = lines([[-1.0, -2.0], [-3.0, -1.5], [-0.5, -0.7]]).join("\n");
    for _ in 0..2 {
        let [with, without] = both(&first, &templates);
        assert_eq!(with, without);
    }
    let plan = Plan::new("t", Results::default(), &Wanted::default());
    let second = lines([[-2.0, -1.0], [-0.25, -4.0], [-1.0, -9.0]]);
    let template = templates.find(&plan, &second[0]).unwrap();
    assert_eq!((template.lines.len(), template.items.len()), (3, 3));

    let changed = |from: &str, to: &str| {
        let text = second.join("\n");
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let whole = second.join("\n");
    let cases = [
        (whole.clone(), true),
        (format!("\n{}\n\n", second.join("\r\n")), true),
        (second[..2].join("\n"), true),
        (format!("{whole}\n{}", logged(3, [-1.0, -2.0], 1)), true),
        ([&*second[1], &second[0], &second[2]].join("\n"), true),
        (changed("q1", "other"), true),
        (changed(r#""target": "0""#, r#""target": "1""#), false),
        (changed(r#""filter": "none""#, r#""filter": "other""#), false),
        (changed("\"d1\"", "\"d9\""), true),
        (changed("\"d1\"", "\"d0\""), false),
        (changed("\"p2\"", "\"p9\""), true),
        (changed(r#""acc": 0"#, r#""acc": 1"#), false),
        (changed(r#""acc": 0"#, r#""acc": null"#), true),
        (changed(r#""acc": 0"#, r#""acc": NaN"#), true),
        (changed(r#""acc": 0"#, r#""acc": 7"#), false),
        (changed(r#""acc": 0"#, r#""acc": 0, "acc": 0"#), false),
        (changed(r#""acc": 0"#, r#""acc": 0, "doc_id": 0"#), false),
        (changed(r#""acc": 0"#, r#""acc": 0, "f1": 0.5"#), true),
        (changed(r#"[["-0.25", "False"], ["-4", "False"]], "filter""#, r#"[], "filter""#), true),
        (changed(r#""-0.25""#, r#""inf""#), true),
        (changed(r#", "resps": [["#, r#" , "resps": [["#), true),
        (changed("{\"question\"", "{ \"question\""), true),
        (format!("{whole} x"), false),
    ];
    for (text, reads) in cases {
        let [with, without] = both(&text, &templates);
        assert_eq!(with, without, "{text}");
        assert_eq!(with.is_ok(), reads, "{with:?}");
    }
}

fn wanted(metric: Option<&str>, filter: Option<&str>) -> Wanted {
    let own = |text: Option<&str>| text.map(str::to_owned);
    Wanted { metric: own(metric), filter: own(filter), ..Wanted::default() }
}

/// A generated answer, with more fields.
fn answer(doc_id: u32, more: &str) -> String {
    format!(
        r#"{{"doc_id":{doc_id},"doc":{{"question":"q{doc_id}"}},"target":"x","arguments":[["q","u"]],"resps":[["r"]],"filtered_resps":["r"],{more}}}"#
    )
}

/// Two choices of 1 and 10 characters with their log-likelihoods.
fn choice(doc_id: u32, likelihoods: [&str; 2], gold: &str, more: &str) -> String {
    let [first, second] = likelihoods;
    format!(
        r#"{{"doc_id":{doc_id},"doc":{{"question":"q{doc_id}"}},"target":"{gold}",
            "arguments":{{"gen_args_0":{{"arg_0":"c","arg_1":" a"}},"gen_args_1":{{"arg_0":"c","arg_1":" bbbbbbbbbb"}}}},
            "filtered_resps":[["{first}","False"],["{second}","False"]],{more}}}"#
    )
    .replace('\n', " ")
}

const TWO_FILTERS: &str = r#"{"results":{"t":{"alias":"t","exact_match,strict":0.0,"exact_match_stderr,strict":0.1,
    "exact_match,flex":0.5}},"n-samples":{"t":{"original":9,"effective":2}},"lm_eval_version":"0.4.5"}"#;

#[test]
fn filters_without_names_are_told_by_their_order_and_confirmed_by_their_means() {
    let lines = |scores: [u32; 4]| {
        let line =
            |(at, score): (usize, u32)| answer(at as u32 % 2, &format!(r#""exact_match":{score}"#));
        scores.into_iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
    };
    let good = lines([0, 0, 1, 0]);
    let flex = read(&good, Some(TWO_FILTERS), &wanted(None, Some("flex"))).unwrap();
    assert_eq!(flex.responses.score, [1.0, 0.0]);
    assert_eq!((flex.responses.record[0], flex.responses.filter.get(0)), (2, "flex"));
    assert_eq!((flex.runs[0].items, flex.runs[0].population), (2, Some(9)));
    let strict = read(&good, Some(TWO_FILTERS), &wanted(None, Some("strict"))).unwrap();
    assert_eq!(strict.responses.score, [0.0, 0.0]);

    let error =
        |samples: &str, results, filter| read(samples, results, &wanted(None, filter)).unwrap_err();
    let text = error(&good, Some(TWO_FILTERS), None);
    assert!(text.contains("filters `strict`, `flex`, which are never merged"), "{text}");
    let text = error(&lines([1, 0, 0, 0]), Some(TWO_FILTERS), Some("flex"));
    assert!(text.contains("by their order `strict` has mean Some(0.5)"), "{text}");
    let text = error(&good, None, None);
    assert!(text.contains("line 3 column 1: document 0 comes a second time"), "{text}");
    let three = good.lines().take(3).collect::<Vec<_>>().join("\n");
    let text = error(&three, Some(TWO_FILTERS), Some("flex"));
    assert!(text.contains("not every document comes once for each"), "{text}");
}

#[test]
fn lines_arrays_and_lists_of_arguments_give_the_same() {
    let lines = [answer(0, r#""acc":1"#), answer(1, r#""acc":NaN"#), answer(2, r#""acc":false"#)];
    let shard = read(&lines.join("\n"), None, &Wanted::default()).unwrap();
    assert_eq!((shard.responses.score[0], shard.responses.score[2]), (1.0, 0.0));
    assert!(shard.responses.score[1].is_nan());
    assert_eq!(shard.responses.missing_reason.get(1), "unscored");
    let array = read(&format!("[{}]", lines.join(",\n")), None, &Wanted::default()).unwrap();
    assert_eq!(array.aliases, shard.aliases);
    // Without the tool's digest it is computed as the tool does.
    // python3 -c 'import hashlib,json; print(hashlib.sha256(json.dumps({"question":"q0"},indent=2).encode()).hexdigest())'
    let expected = "b45c5c2c6ca86b2ec9bb0cbe8c0755ac3f646a2e4ee43f908ea91b415e126535";
    assert_eq!(shard.aliases[0].doc_hash.as_deref(), Some(expected));
}

#[test]
fn accuracies_that_the_log_likelihoods_do_not_give_are_refused() {
    let good = [
        choice(0, ["-2", "-3"], "1", r#""acc":0.0,"acc_norm":1.0"#),
        choice(1, ["-1", "-1"], "0", r#""acc":1.0,"acc_norm":0.0"#),
    ];
    let shard = read(&good.join("\n"), None, &wanted(Some("acc_norm"), None)).unwrap();
    assert_eq!(shard.responses.score, [1.0, 0.0]);
    assert!((shard.responses.log_likelihood[1] + std::f32::consts::LN_2).abs() < 1e-6);
    assert_eq!(shard.items[0].target.as_deref(), Some("bbbbbbbbbb"));

    let bad = [&*good[0], &choice(1, ["-1", "-1"], "0", r#""acc":0.0,"acc_norm":0.0"#)].join("\n");
    let error = read(&bad, None, &wanted(Some("acc_norm"), None)).unwrap_err();
    assert!(error.contains("line 2 column 1: `acc` is 0, which the log-likelihoods"), "{error}");
    // A task with its own scoring is taken at its word, and has no log-likelihood.
    let own = r#"{"results":{"t":{"alias":"t","acc,none":0.0}},"configs":{"t":{"process_results":"def f(): ..."}}}"#;
    let shard = read(&bad, Some(own), &wanted(Some("acc"), None)).unwrap();
    assert!(shard.responses.log_likelihood.iter().all(|value| value.is_nan()));
    // So is one whose accuracies are shares.
    let share = [&*bad, &choice(2, ["-1", "-1"], "0", r#""acc":0.25,"acc_norm":0.0"#)].join("\n");
    let shard = read(&share, None, &wanted(Some("acc"), None)).unwrap();
    assert!(shard.responses.log_likelihood.iter().all(|value| value.is_nan()));
}

#[test]
fn mistakes_name_line_and_next_step() {
    let error = |samples: &str, metric: Option<&str>| {
        read(samples, None, &wanted(metric, None)).unwrap_err()
    };
    for (samples, metric, expected) in [
        (answer(0, r#""acc":41.5"#), None, "line 1 column 1: `acc` is 41.5, which is not between"),
        (answer(0, r#""f1":["x",["y"]]"#), None, "metric `f1` has no score of its own"),
        (
            answer(0, r#""a":1,"b":1"#),
            None,
            "it has the metrics `a`, `b`: choose one with --metric",
        ),
        (answer(0, r#""a":1"#), None, "nothing says whether more is better in metric `a`"),
        (answer(0, r#""acc":1"#), Some("b"), "metric `b` is absent: it has the metrics `acc`"),
        (answer(0, r#""acc":1,"acc":0"#), None, "field `acc` is one too many"),
        ("{\"doc_id\":0}".to_owned(), None, "line 1 column 1: it has no metric"),
        (answer(0, r#""acc":1"#)[..40].to_owned(), None, "line 1 column 40: EOF"),
        (String::new(), None, "it holds no sample"),
        (format!("[{}", answer(0, r#""acc":1"#)), None, "record 0: the array ends without `]`"),
        (answer(0, r#""acc":1e999"#), None, "`acc` is inf, which is not between"),
    ] {
        let error = error(&samples, metric);
        assert!(error.contains(expected) && error.starts_with("file:o__m/"), "{error}");
    }
    let twice = [answer(0, r#""acc":1,"filter":"none""#), answer(0, r#""acc":1,"filter":"none""#)];
    assert!(error(&twice.join("\n"), None).contains("line 2 column 1: document 0 comes a second"));
}

#[test]
fn depth_takes_no_stack_and_no_memory() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let line = answer(0, &format!(r#""acc":1,"other":{{"x":{deep}}}"#));
    assert_eq!(read(&line, None, &Wanted::default()).unwrap().responses.score, [1.0]);
    // Its digest would be indented, which takes the square of the depth.
    let deep_doc = line.replace(r#""question":"q0""#, &format!(r#""question":"q0","x":{deep}"#));
    let error = read(&deep_doc, None, &Wanted::default()).unwrap_err();
    assert!(error.contains("line 1 column 1: field `doc` is nested more than 128"), "{error}");
    let results = format!(r#"{{"results":{{"t":{{"alias":{deep}}}}}}}"#);
    let error = read(&line, Some(&results), &Wanted::default()).unwrap_err();
    assert!(error.contains("file:o__m/results.json") && error.contains("recursion"), "{error}");
}

#[test]
fn a_mean_that_the_tool_did_not_publish_is_a_finding() {
    let results = r#"{"results":{"t":{"alias":"t","acc,none":0.75}},
        "configs":{"t":{"metric_list":[{"metric":"acc","aggregation":"mean"}]}}}"#;
    let lines = [answer(0, r#""acc":1"#), answer(1, r#""acc":0"#)].join("\n");
    let shard = read(&lines, Some(results), &Wanted::default()).unwrap();
    let [finding] = &shard.findings[..] else { panic!("{:?}", shard.findings) };
    assert_eq!((finding.expected, finding.observed), (Some(0.75), Some(0.5)));
}

#[test]
fn equal_questions_are_told_apart_and_a_digest_of_two_items_is_refused() {
    let line = |id: u32, question: &str, hash: &str| {
        format!(
            r#"{{"doc_id":{id},"doc":{{"question":"{question}"}},"target":"x","arguments":[["q","u"]],
               "filtered_resps":["r"],"doc_hash":"{hash}","acc":1}}"#
        )
        .replace('\n', " ")
    };
    let same = [line(0, "q", "h"), line(1, "q", "h"), line(2, "q", "other")].join("\n");
    let shard = read(&same, None, &Wanted::default()).unwrap();
    let occurrences: Vec<u32> = shard.items.iter().map(|item| item.occurrence).collect();
    assert_eq!(occurrences, [0, 1, 2]);
    assert_eq!(shard.findings[0].kind, "alike-documents");
    let error = read(&[line(0, "q", "h"), line(1, "r", "h")].join("\n"), None, &Wanted::default());
    assert!(error.unwrap_err().contains("doc_hash h stood for another item before"));
}
