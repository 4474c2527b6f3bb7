use std::io::{Cursor, Write};

use aliquot_store::ObjectId;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::*;
use crate::Content;

fn read(name: &str, bytes: &[u8], wanted: &Wanted) -> Result<Shard, AdapterError> {
    let address = name.parse().unwrap();
    let (id, content) = (ObjectId::of(bytes), Content::Memory(bytes));
    normalize(&[RawFile { address: &address, id, content }], wanted)
}

fn archive(entries: &[(&str, &str)], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in entries {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const HEADER: &str = r#"{"version":2,"status":"success","eval":{"task":"pack/toy","task_id":"t","task_version":0,
    "task_args":{"fewshot":3},"created":"2026-11-21","model":"m","model_args":{"revision":"abc"},
    "dataset":{"samples":9,"sample_ids":["b","a"]},"packages":{"inspect_ai":"0.3.285"}},
    "plan":{"steps":[{"solver":"multiple_choice","params":{"template":"{question}"}}],"config":{"max_connections":8}},
    "results":{"scores":[{"name":"choice","scorer":"choice","metrics":{"accuracy":{"value":0.5}}}]}}"#;

fn sample(id: &str, epoch: u32, rest: &str) -> String {
    format!(
        r#"{{"id":"{id}","epoch":{epoch},"input":"Which?","choices":["x","y"],"target":"B",{rest}}}"#
    )
}

fn scored(value: &str) -> String {
    format!(r#""scores":{{"choice":{{"value":{value}}}}},"events":[1,[2]]"#)
}

fn document(samples: &[String]) -> Vec<u8> {
    let header = HEADER.strip_suffix('}').unwrap();
    format!("{header},\"samples\":[{}]}}", samples.join(",")).into_bytes()
}

#[test]
fn archives_of_every_packing_give_what_the_document_gives() {
    let samples = [sample("a", 1, &scored("\"C\"")), sample("b", 1, &scored("\"I\""))];
    let plain = read("file:a.json", &document(&samples), &Wanted::default()).unwrap();
    let methods = [CompressionMethod::Stored, CompressionMethod::Deflated, CompressionMethod::Zstd];
    for method in methods {
        let entries = [
            ("_journal/start.json", "{"),
            ("samples/a_epoch_1.json", samples[0].as_str()),
            ("samples/b_epoch_1.json", samples[1].as_str()),
            ("header.json", HEADER),
        ];
        let packed = archive(&entries, method);
        assert!(recognises("file:a.eval", &packed));
        let shard = read("file:a.eval", &packed, &Wanted::default()).unwrap();
        assert_eq!(shard.items, plain.items, "{method}");
        assert_eq!(shard.responses.score, plain.responses.score, "{method}");
        assert_eq!(shard.aliases, plain.aliases, "{method}");
    }
    // In the order of the data set, `b` first; the second of two equal questions is another item.
    assert_eq!(plain.responses.score, [0.0, 1.0]);
    assert_eq!(plain.aliases[0].native_id.as_deref(), Some("b"));
    assert_eq!(plain.items[1].occurrence, 1);
    assert_eq!(plain.items[0].target.as_deref(), Some("y"));
    let run = &plain.runs[0];
    assert_eq!((run.benchmark.as_str(), run.task.as_str()), ("toy", "pack/toy"));
    assert_eq!((run.shots, run.items, run.population), (Some(3), 2, Some(9)));
    assert_eq!((run.model_revision.as_str(), run.tool_version.as_str()), ("abc", "0.3.285"));
    assert!(!run.template.is_empty() && plain.findings.is_empty());
}

#[test]
fn what_is_not_scored_is_missing_with_its_reason() {
    let failed = format!(r#"{},"error":{{"message":"boom"}}"#, scored("\"C\""));
    let samples = [
        sample("a", 1, &scored("NaN")),
        sample("a", 2, &scored("\"odd\"")),
        sample("b", 1, &failed),
        sample("b", 2, r#""scores":{}"#),
        sample("b", 3, &scored("\"P\"")),
    ];
    let shard = read("file:a.json", &document(&samples), &Wanted::default()).unwrap();
    let responses = &shard.responses;
    let reasons: Vec<&str> = (0..5).map(|at| responses.missing_reason.get(at)).collect();
    assert_eq!(reasons, ["error", "unscored", "", "unscored", "not a number"]);
    assert_eq!((responses.score[2], responses.trial[2]), (0.5, 2));
    let kinds: Vec<&str> = shard.findings.iter().map(|finding| finding.kind.as_str()).collect();
    assert_eq!(kinds, ["score-value"]);
    assert!(shard.findings[0].evidence.contains("`odd`, of record 1"), "{:?}", shard.findings);
}

#[test]
fn the_tools_mean_is_compared_and_bad_scores_refused() {
    let mean = |value: &str| {
        let samples = [sample("a", 1, &scored(value))];
        read("file:a.json", &document(&samples), &Wanted::default())
    };
    let finding = mean("1").unwrap().findings.remove(0);
    assert_eq!((finding.kind.as_str(), finding.expected), ("aggregate", Some(0.5)));
    let error = mean("7").unwrap_err().to_string();
    assert!(error.starts_with("file:a.json, record 0: the score `choice` is 7"), "{error}");
    let error = mean("\"odd\"").unwrap_err().to_string();
    assert!(error.contains("never a number"), "{error}");
}

#[test]
fn ids_have_one_question_and_one_sample_an_epoch() {
    let other = sample("a", 2, &scored("1")).replace("Which?", "What?");
    for (second, expected) in
        [(sample("a", 1, &scored("1")), "epoch 1 twice"), (other, "names two questions")]
    {
        let samples = [sample("a", 1, &scored("1")), second];
        let error = read("file:a.json", &document(&samples), &Wanted::default()).unwrap_err();
        assert!(error.to_string().starts_with("file:a.json, record 1: "), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn samples_in_chunks_have_their_long_texts_put_back() {
    let shell = sample("a", 1, &scored("1")).replace("Which?", "attachment://3");
    let entries = [
        ("_journal/start.json", HEADER),
        ("samples/a_epoch_1/sample.json", shell.as_str()),
        ("samples/a_epoch_1/events/0.json", "[]"),
        ("samples/a_epoch_1/attachments/0.json", r#"["p","q"]"#),
        ("samples/a_epoch_1/attachments/2.json", r#"["r","Long?"]"#),
        ("samples/b_epoch_1.json", &sample("b", 1, &scored("0"))),
    ];
    let wanted = Wanted::default();
    let shard = read("file:a.eval", &archive(&entries, CompressionMethod::Zstd), &wanted).unwrap();
    assert_eq!((shard.items[1].stem.as_str(), shard.items.len()), ("Long?", 2));
    let error =
        read("file:a.eval", &archive(&entries[..4], CompressionMethod::Zstd), &wanted).unwrap_err();
    assert!(error.to_string().contains("there is no text 3"), "{error}");
}

#[test]
fn hostile_archives_are_refused() {
    let wanted = Wanted::default();
    let refused = |bytes: &[u8], part: &str| {
        let error = read("file:a.eval", bytes, &wanted).unwrap_err().to_string();
        assert!(error.starts_with("file:a.eval") && error.contains(part), "{error}");
    };
    let stored = CompressionMethod::Stored;
    for name in ["../x.json", "samples/../../x.json", "/etc/x", "a\\..\\..\\x"] {
        refused(&archive(&[(name, "{}")], stored), "leads out of it");
    }
    let two = archive(&[("header.json", HEADER), ("headex.json", HEADER)], stored);
    let mut twice = two.clone();
    for at in 0..twice.len() - 6 {
        if twice[at..].starts_with(b"headex") {
            twice[at..at + 6].copy_from_slice(b"header");
        }
    }
    refused(&twice, "one name");
    let bomb = "x".repeat(80 << 20);
    refused(&archive(&[("samples/a_epoch_1.json", &bomb)], CompressionMethod::Zstd), "refused");
    refused(&archive(&[("samples/a_epoch_1.json", "{}")], stored), "neither `header.json`");
    refused(&archive(&[("header.json", HEADER)], stored), "no samples");
    refused(&two[..two.len() - 10], "as a zip archive");
    let broken = [("header.json", HEADER), ("samples/a_epoch_1.json", "{\"id\":")];
    refused(&archive(&broken, stored), "samples/a_epoch_1.json: , line 1");
}

#[test]
fn settings_change_the_digest_and_transport_does_not() {
    let digest = |header: &str| {
        let entries =
            [("header.json", header), ("samples/a_epoch_1.json", &sample("a", 1, &scored("1")))];
        let bytes = archive(&entries, CompressionMethod::Stored);
        read("file:a.eval", &bytes, &Wanted::default()).unwrap().runs[0].config_digest.clone()
    };
    assert_eq!(digest(HEADER), digest(&HEADER.replace(":8}", ":1}")));
    assert_ne!(digest(HEADER), digest(&HEADER.replace("\"fewshot\":3", "\"fewshot\":4")));
    assert_ne!(digest(HEADER), digest(&HEADER.replace("{question}", "Q: {question}")));
}
