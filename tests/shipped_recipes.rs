//! The shipped recipes against servers that serve files in the sources' own layouts: as they stand,
//! locked; with made-up models and small subsets, made into a release.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::{
    hub_server::COMMIT,
    s3_server::S3,
    server::{Answer, Server, decoded},
    shipped::{
        MODELS, helm, lm_eval, model, open_llm_v1,
        place::{Repositories, Shipped, hub},
        swe_bench,
    },
    support::{root, stderr},
};

const TOKEN: &str = "hf_accepted";

fn address(repository: &str, path: &str) -> String {
    format!("hf://datasets/{repository}@{COMMIT}/{path}")
}

fn web_of_submissions() -> Server {
    let names: Vec<String> = (0..MODELS).map(swe_bench::submission).collect();
    Server::start(move |request, _| {
        let path = decoded(&request.target);
        let number = names.iter().position(|name| swe_bench::path(name) == path);
        number.map_or(Answer::new("404 Not Found", ""), |number| {
            Answer::file(request, &swe_bench::results(number), "\"tag\"")
        })
    })
}

#[test]
fn every_shipped_recipe_is_read_and_names_its_models_once() {
    let mut seen = 0;
    for entry in fs::read_dir(root().join("manifests/recipes")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        seen += 1;
        let name = path.file_stem().unwrap().to_str().unwrap();
        // Without network and without lock, so that nothing but the recipe is read.
        let output = Shipped::new(name).output("run", &["--offline"]);
        let text = stderr(&output);
        assert!(text.contains("aliquot lock"), "{name}: {text}");
    }
    assert_eq!(seen, 6);
}

#[test]
fn the_models_and_tasks_of_open_llm_leaderboard_v2_are_found() {
    let shipped = Shipped::new("open-llm-leaderboard-v2");
    let (mut repositories, mut expected) = (Repositories::new(), BTreeSet::new());
    for (number, model) in shipped.models().iter().enumerate() {
        let (time, ending) = match number % 2 {
            0 => ("2024-06-17T12-07-04.698905", "json"),
            _ => ("2025-01-27T10-10-36.877664", "jsonl"),
        };
        let mut files = BTreeMap::from([
            ("README.md".to_owned(), Vec::new()),
            (lm_eval::samples(model, "leaderboard_arc_challenge", time, ending), Vec::new()),
        ]);
        let repository = lm_eval::repository(model);
        let task = lm_eval::TASKS[number % lm_eval::TASKS.len()];
        let results = format!("{}/results_{time}.json", model.replace('/', "__"));
        for path in [lm_eval::samples(model, task, time, ending), results] {
            expected.insert(address(&repository, &path));
            files.insert(path, model.clone().into_bytes());
        }
        repositories.insert(repository, files);
    }
    let hub = hub(repositories, Some(TOKEN));
    let shipped = shipped.variable("HF_ENDPOINT", &hub.origin);
    let refused = stderr(&shipped.output("lock", &[]));
    assert!(refused.contains("HF_TOKEN"), "{refused}");
    assert_eq!(shipped.variable("HF_TOKEN", TOKEN).lock(), expected);
}

#[test]
fn the_models_and_tasks_of_open_llm_leaderboard_v1_are_found() {
    let shipped = Shipped::new("open-llm-leaderboard-v1");
    let (mut repositories, mut expected) = (Repositories::new(), BTreeSet::new());
    for (number, model) in shipped.models().iter().enumerate() {
        let time = ["2023-07-19T15:58:12.174583", "2024-01-04T12-13-40.171362"][number % 2];
        let drop = open_llm_v1::details_path("drop|3", time);
        let mut files = BTreeMap::from([(drop, Vec::new())]);
        let repository = open_llm_v1::repository(model);
        let (task, _) = open_llm_v1::TASKS[number % open_llm_v1::TASKS.len()];
        let path = open_llm_v1::details_path(task, time);
        expected.insert(address(&repository, &path));
        files.insert(path, model.clone().into_bytes());
        repositories.insert(repository, files);
    }
    let hub = hub(repositories, None);
    assert_eq!(shipped.variable("HF_ENDPOINT", &hub.origin).lock(), expected);
}

#[test]
fn the_models_and_runs_of_helm_lite_are_found_by_listing_once() {
    let shipped = Shipped::new("helm-lite");
    let (mut objects, mut expected) = (BTreeMap::new(), BTreeSet::new());
    for (number, model) in shipped.models().iter().enumerate() {
        let behind = ["", ",stop=none"][number % 2];
        for (run, ..) in helm::RUNS {
            let key = helm::key("v1.0.0", run, model, behind, "run_spec.json");
            expected.insert(format!("gs://{}/{key}", helm::BUCKET));
            objects.insert(key, model.clone().into_bytes());
        }
        let other = helm::key("v1.0.0", "mmlu:subject=x,method=y,", model, behind, "stats.json");
        objects.insert(other, Vec::new());
    }
    let bucket = S3::public(helm::BUCKET, objects);
    let shipped = shipped
        .variable("GOOGLE_BASE_URL", &bucket.front.origin)
        .variable("GOOGLE_ALLOW_HTTP", "true");
    assert_eq!(shipped.lock(), expected);
    let listings = bucket.front.requests().into_iter().filter(|r| r.target.contains("list-type"));
    assert_eq!(listings.count(), (83 * 14_usize).div_ceil(1000));
}

#[test]
fn open_llm_leaderboard_v2_is_released() {
    let hub = hub(lm_eval::details(MODELS), Some(TOKEN));
    let models: Vec<String> = (0..MODELS).map(model).collect();
    let shipped = Shipped::new("open-llm-leaderboard-v2")
        .variable("HF_ENDPOINT", &hub.origin)
        .variable("HF_TOKEN", TOKEN);
    shipped.check_release(&models, "acme__model-15", || hub.requests().len());
}

#[test]
fn open_llm_leaderboard_v1_is_released() {
    let hub = hub(open_llm_v1::details(MODELS), None);
    let models: Vec<String> = (0..MODELS).map(model).collect();
    let shipped = Shipped::new("open-llm-leaderboard-v1").variable("HF_ENDPOINT", &hub.origin);
    shipped.check_release(&models, "acme__model-15", || hub.requests().len());
}

#[test]
fn helm_lite_is_released() {
    let bucket = S3::public(helm::BUCKET, helm::objects(MODELS));
    let models: Vec<String> = (0..MODELS).map(helm::folder).collect();
    let shipped = Shipped::new("helm-lite")
        .variable("GOOGLE_BASE_URL", &bucket.front.origin)
        .variable("GOOGLE_ALLOW_HTTP", "true");
    shipped.check_release(&models, "model=acme_model-15", || bucket.front.requests().len());
}

#[test]
fn swe_bench_verified_is_released() {
    let issues = BTreeMap::from([(swe_bench::ISSUES.to_owned(), swe_bench::issues())]);
    let (hub, web) = (hub(issues, None), web_of_submissions());
    let models: Vec<String> = (0..MODELS).map(swe_bench::submission).collect();
    let shipped = Shipped::new("swe-bench-verified")
        .variable("HF_ENDPOINT", &hub.origin)
        .with("https://raw.githubusercontent.com", &web.origin);
    let last = swe_bench::submission(MODELS - 1);
    let requests = || hub.requests().len() + web.requests().len();
    shipped.check_release(&models, &last, requests);
}

#[test]
fn a_file_that_two_parts_read_is_an_error() {
    let bucket = S3::public(helm::BUCKET, helm::objects(1));
    let shipped = Shipped::new("helm-lite")
        .with_models(&[helm::folder(0)])
        .with("natural_qa:mode=closedbook,", "natural_qa:mode=openbook_longans,")
        .variable("GOOGLE_BASE_URL", &bucket.front.origin)
        .variable("GOOGLE_ALLOW_HTTP", "true");
    shipped.lock();
    let text = stderr(&shipped.output("run", &[]));
    assert!(text.contains("is read by two of its entries or parts"), "{text}");
}
