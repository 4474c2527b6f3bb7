use aliquot_store::ObjectId;

use super::*;
use crate::Content;

fn read(samples: &str, aggregate: Option<&str>, wanted: &Wanted) -> Result<Shard, AdapterError> {
    let addresses = ["file:u_samples.jsonl", "file:u.json"].map(|name| name.parse().unwrap());
    let texts = [Some(samples), aggregate];
    let files: Vec<RawFile<'_>> = texts
        .into_iter()
        .flatten()
        .zip(&addresses)
        .map(|(text, address)| {
            let (id, content) = (ObjectId::of(text.as_bytes()), Content::Memory(text.as_bytes()));
            RawFile { address, id, content }
        })
        .collect();
    normalize(&files, wanted)
}

fn row(id: &str, result: &str, question: &str, score: &str) -> String {
    format!(
        r#"{{"schema_version":"0.3.0","evaluation_id":"e","model_id":"acme/m","evaluation_name":"quiz","evaluation_result_id":"{result}","sample_id":"{id}","sample_hash":"ff","interaction_type":"single_turn","input":{{"raw":"{question}","reference":["x"]}},"output":{{"raw":["x"]}},"answer_attribution":[],"evaluation":{{"score":{score},"is_correct":{}}}}}"#,
        score == "1.0"
    ) + "\n"
}

fn aggregate(lower_is_better: bool, bounds: &str) -> String {
    format!(
        r#"{{"schema_version":"0.3.0","eval_library":{{"name":"lib","version":"2"}},"evaluation_timestamp":"7","evaluation_results":[
        {{"evaluation_result_id":"a","evaluation_name":"quiz","source_data":{{"samples_number":9}},"metric_config":{{"metric_name":"acc","lower_is_better":{lower_is_better}{bounds}}},"score_details":{{"score":0.5}}}},
        {{"evaluation_result_id":"b","evaluation_name":"quiz","metric_config":{{"metric_id":"f1","lower_is_better":false}},"score_details":{{"score":0.1}}}}]}}"#
    )
}

fn by(metric: &str) -> Wanted {
    Wanted { metric: Some(metric.to_owned()), ..Wanted::default() }
}

#[test]
fn a_metric_is_chosen_and_its_orientation_and_range_are_kept() {
    let rows = [row("1", "a", "q1", "1.0"), row("1", "b", "q1", "0.1"), row("2", "a", "q2", "0.0")];
    let (rows, plain) = (rows.concat(), aggregate(false, ""));
    let error = read(&rows, Some(&plain), &Wanted::default()).unwrap_err().to_string();
    assert!(
        error.ends_with("`quiz` has the metrics acc, f1: name the metric (--metric)"),
        "{error}"
    );
    let shard = read(&rows, Some(&plain), &by("acc")).unwrap();
    assert_eq!((&shard.responses.score, &shard.responses.record), (&vec![1.0, 0.0], &vec![0, 2]));
    assert!(shard.findings.is_empty());
    let run = &shard.runs[0];
    assert_eq!((run.tool.as_str(), run.items, run.population), ("lib", 2, Some(9)));
    assert_eq!(read(&rows, Some(&plain), &by("b")).unwrap().responses.metric.get(0), "f1");
    let error = read(&rows, Some(&plain), &by("bleu")).unwrap_err().to_string();
    assert!(error.contains("metrics: acc, f1; filters: "), "{error}");

    let shard = read(&rows, Some(&aggregate(true, "")), &by("acc")).unwrap();
    assert_eq!(shard.responses.score, [0.0, 1.0]);
    let percent = aggregate(false, r#","min_score":0,"max_score":100"#);
    let shard = read(&row("1", "a", "q", "25"), Some(&percent), &by("acc")).unwrap();
    assert_eq!(shard.responses.score, [0.25]);
    assert_eq!(
        (&shard.findings[0].kind[..], shard.findings[0].observed),
        ("aggregate", Some(25.0))
    );
    let error = read(&row("1", "a", "q", "25"), Some(&plain), &by("acc")).unwrap_err().to_string();
    assert!(
        error.contains("line 1 column 1: score 25 of `acc` is outside its range 0 to 1"),
        "{error}"
    );
    let endless = aggregate(false, r#","max_score":"Infinity""#);
    let error = read(&rows, Some(&endless), &by("acc")).unwrap_err().to_string();
    assert!(error.contains("its scores are no shares"), "{error}");
    let error = read(&row("1", "z", "q", "1"), Some(&plain), &by("acc")).unwrap_err().to_string();
    assert!(error.contains("no result of name `quiz` and id `z`"), "{error}");
}

#[test]
fn without_an_aggregate_correctness_is_the_score_and_the_results_are_the_metrics() {
    let one = [row("1", "a", "q", "1.0"), row("1", "a", "q", "0.3")].concat();
    let shard = read(&one, None, &Wanted::default()).unwrap();
    assert_eq!((&shard.responses.score, &shard.responses.trial), (&vec![1.0, 0.0], &vec![0, 1]));
    assert_eq!((shard.items.len(), shard.findings[0].kind.as_str()), (1, "no-aggregate"));
    let two = [row("1", "a", "q", "1.0"), row("1", "b", "q", "0.3")].concat();
    let error = read(&two, None, &Wanted::default()).unwrap_err().to_string();
    assert!(error.contains("has the metrics a, b"), "{error}");
    assert_eq!(read(&two, None, &by("b")).unwrap().responses.score, [0.0]);
}

#[test]
fn samples_that_are_two_questions_errors_and_nan() {
    let two = [row("1", "a", "q", "1.0"), row("1", "a", "other", "1.0")].concat();
    let error = read(&two, None, &Wanted::default()).unwrap_err().to_string();
    assert!(error.contains("line 2 column 1: sample `1` of `quiz` is two questions"), "{error}");
    let same = [row("1", "a", "q", "1.0"), row("2", "a", "q", "1.0")].concat();
    let shard = read(&same, None, &Wanted::default()).unwrap();
    assert_eq!((shard.items.len(), shard.items[1].occurrence), (2, 1));
    let failed = row("1", "a", "q", "NaN")
        + &row("2", "a", "p", "0.0").replace("\"sample_hash\":\"ff\"", "\"error\":\"timeout\"");
    let shard = read(&failed, None, &Wanted::default()).unwrap();
    let reasons: Vec<&str> = (0..2).map(|at| shard.responses.missing_reason.get(at)).collect();
    assert_eq!(reasons, ["unscored", "error"]);
    let error = |text: &str| read(text, None, &Wanted::default()).unwrap_err().to_string();
    assert!(
        error(&row("1", "a", "q", "1").replace("0.3.0", "0.2.0")).contains("`0.2.0` is not read")
    );
    assert!(error("").contains("it holds no row"));
    assert!(error("{}\n").contains("line 1 column 2: missing field"));
    let other = row("1", "a", "q", "1") + &row("1", "a", "q", "1").replace("acme/m", "acme/n");
    assert!(error(&other).contains("line 2 column 1: it is of the model `acme/n`"));
}

#[test]
fn a_unit_is_the_samples_and_their_aggregate() {
    let names = ["d/u.json", "d/u_samples.jsonl", "d/v_samples.jsonl.gz", "e/v.json"];
    let addresses = names.map(|name| format!("file:{name}").parse::<Address>().unwrap());
    assert_eq!(units(&addresses.iter().collect::<Vec<_>>()), [vec![1, 0], vec![2]]);
    assert!(recognises("", row("1", "a", "q", "1").as_bytes()));
    assert!(!recognises("", b"{\"schema_version\": 2}"));
}
