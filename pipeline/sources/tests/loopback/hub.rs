//! The Hub's API and files.

use std::{collections::BTreeMap, sync::Arc};

use aliquot_sources::{FetchError, Forbidden, HubProblem, Listed, Lock};

use crate::{
    hub_server::{COMMIT, Repository},
    place::{Place, locked},
    server::{Answer, Request, Server},
};

/// The name of a July-2023 file of the Open LLM Leaderboard.
const AWKWARD: &str = "runs/2023-07-18T15:12/details_harness|hendrycksTest-anatomy|5_1.parquet";

fn large(seed: u8) -> Vec<u8> {
    (0..200_000u32).map(|at| (at % 241) as u8 ^ seed).collect()
}

fn files() -> BTreeMap<&'static str, Vec<u8>> {
    BTreeMap::from([
        (AWKWARD, large(1)),
        ("README.md", b"# Details".to_vec()),
        ("runs/a/results.json", b"{}".to_vec()),
        ("runs/a/samples.parquet", large(2)),
        ("runs/b/samples.parquet", large(3)),
    ])
}

type Fault = fn(&Request, usize) -> Option<Answer>;

/// A Hub and its server of large files.
struct Served {
    hub: Server,
    large_files: Server,
}

impl Served {
    /// `large_host` is the host that large files are redirected to; `fault` answers in the place of
    /// either server.
    fn start(token: Option<&'static str>, large_host: &str, fault: Fault) -> Self {
        let id = "owner/name";
        let base = Repository { id, files: files(), large_files: String::new(), page: 2, token };
        let repository = base.clone();
        let large_files = Server::start(move |request, before| {
            fault(request, before).unwrap_or_else(|| repository.large_file(request))
        });
        let origin = format!("http://{large_host}:{}", large_files.port);
        let repository = Arc::new(Repository { large_files: origin, ..base });
        let hub = Server::start(move |request, before| {
            let origin = format!("http://{}", request.header("host").unwrap());
            fault(request, before).unwrap_or_else(|| repository.answer(request, &origin))
        });
        Self { hub, large_files }
    }

    fn plain(fault: Fault) -> Self {
        Self::start(None, "127.0.0.1", fault)
    }

    fn place(&self, token: Option<&str>) -> Place {
        Place::with_hub(&self.hub.origin, token)
    }
}

fn error_of(served: &Served, token: Option<&str>, pattern: &str) -> FetchError {
    served.place(token).resolve(pattern).unwrap_err()
}

#[test]
fn a_pattern_becomes_files_at_a_commit_which_are_pinned_and_fetched_again() {
    let served = Served::start(Some("hf_secret"), "127.0.0.1", |_, _| None);
    let place = served.place(Some("hf_secret"));
    let listed = place.resolve("hf://datasets/owner/name@main/runs/**/*.parquet").unwrap();
    let expected = [
        (AWKWARD, large(1)),
        ("runs/a/samples.parquet", large(2)),
        ("runs/b/samples.parquet", large(3)),
    ]
    .map(|(path, bytes)| Listed {
        address: format!("hf://datasets/owner/name@{COMMIT}/{path}").parse().unwrap(),
        size: Some(200_000),
        sha256: Some(Repository::digest(&bytes)),
    });
    assert_eq!(listed, expected);
    let pages = served.hub.requests().iter().filter(|r| r.target.contains("/tree/")).count();
    assert_eq!(pages, 3, "a folder and four files in pages of two");

    let pinned = listed.iter().map(|listed| place.pin(listed).unwrap()).collect();
    let lock = Lock::new(pinned);
    assert_eq!(Lock::parse(&lock.to_text()).unwrap(), lock);
    assert_eq!(place.objects().len(), 3);
    let elsewhere = served.place(Some("hf_secret"));
    for file in lock.files() {
        elsewhere.fetch(file).unwrap();
    }
    assert_eq!(elsewhere.objects(), place.objects());

    let tokens = |server: &Server| -> Vec<bool> {
        server.requests().iter().map(|r| r.header("authorization").is_some()).collect()
    };
    assert!(tokens(&served.hub).iter().all(|sent| *sent));
    assert_eq!(tokens(&served.large_files), [false; 6], "the token stays with the Hub");
}

#[test]
fn only_the_folder_of_an_exact_path_is_listed_and_an_encoded_revision_is_understood() {
    let served = Served::plain(|_, _| None);
    let place = served.place(None);
    let listed = place.resolve("hf://datasets/owner/name@refs%2Fpr%2F1/README.md").unwrap();
    assert_eq!((listed.len(), listed[0].size, &listed[0].sha256), (1, Some(9), &None));
    let targets: Vec<String> = served.hub.requests().into_iter().map(|r| r.target).collect();
    let api = "/api/datasets/owner/name";
    assert_eq!(targets, [format!("{api}/revision/refs%2Fpr%2F1"), format!("{api}/tree/{COMMIT}")]);
    place.pin(&listed[0]).unwrap();
}

#[test]
fn refusals_say_what_to_do() {
    let gated = Served::start(Some("hf_good"), "127.0.0.1", |_, _| None);
    let open = Served::plain(|_, _| None);
    let file = "hf://datasets/owner/name@main/README.md";
    let page = format!("{}/datasets/owner/name", gated.hub.origin);
    for (served, token, pattern, parts) in [
        (&gated, None, file, ["accept the terms on", "HF_TOKEN"]),
        (&gated, Some("hf_other"), file, ["accept the terms on", "account of that token"]),
        (&gated, Some("hf_nonsense"), file, ["set HF_TOKEN to a valid token", "unset it"]),
        (
            &open,
            None,
            "hf://datasets/owner/nome@main/x",
            ["check the owner and the name", "HF_TOKEN"],
        ),
        (
            &open,
            None,
            "hf://datasets/owner/name@mian/x",
            ["check the branch, tag or commit", "http"],
        ),
        (&open, None, "hf://datasets/owner/name@main/rans/*", ["check the path", "http"]),
    ] {
        let error = error_of(served, token, pattern);
        let FetchError::Hub { what, problem } = &error else { panic!("{error}") };
        assert_eq!(what, pattern);
        for part in parts {
            assert!(problem.step().contains(part), "{}", problem.step());
        }
        assert!(!format!("{error:?} {}", problem.step()).contains("hf_"), "{error:?}");
    }
    let FetchError::Hub { problem, .. } = error_of(&gated, None, file) else { panic!() };
    assert_eq!(problem, HubProblem::Gated { known: false, page });
}

#[test]
fn a_file_that_is_gone_says_so_when_it_is_fetched() {
    let served = Served::plain(|_, _| None);
    let address = format!("hf://datasets/owner/name@{COMMIT}/gone.json");
    let error = served.place(None).fetch(&locked(&address, b"{}")).unwrap_err();
    let gone = matches!(&error, FetchError::Hub { problem: HubProblem::Entry { .. }, .. });
    assert!(gone, "{error}");
    assert_eq!(served.hub.requests().len(), 1, "it is not asked for twice");
}

#[test]
fn a_branch_cannot_be_pinned_and_the_error_names_the_commit() {
    let served = Served::plain(|_, _| None);
    let error =
        served.place(None).pin_address("hf://datasets/owner/name@main/README.md").unwrap_err();
    assert!(matches!(&error, FetchError::Moving { commit, .. } if commit == COMMIT), "{error}");
}

#[test]
fn links_and_redirects_to_other_hosts_are_not_followed() {
    let away: Fault = |request, _| {
        let next = "<http://localhost:9/api/next>; rel=\"next\"";
        request.target.contains("/tree/").then(|| Answer::ok("[]").with("Link", next))
    };
    let error = error_of(&Served::plain(away), None, "hf://datasets/owner/name@main/*");
    let localhost = Forbidden::Host("localhost".into());
    assert!(matches!(&error, FetchError::Forbidden { forbidden, .. } if *forbidden == localhost));

    let served = Served::start(Some("hf_secret"), "localhost", |_, _| None);
    let place = served.place(Some("hf_secret"));
    let listed = place.resolve("hf://datasets/owner/name@main/runs/a/*.parquet").unwrap();
    let error = place.pin(&listed[0]).unwrap_err();
    assert!(matches!(&error, FetchError::Forbidden { forbidden, .. } if *forbidden == localhost));
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    assert_eq!(served.large_files.requests().len(), 0);
    place.fetcher(&["localhost"]).pin(&listed[0], &place.store).unwrap();
    assert_eq!(served.large_files.requests()[0].header("authorization"), None);
}

#[test]
fn a_busy_hub_is_asked_again_and_a_broken_large_file_is_resumed() {
    let served = Served::plain(|request, before| match before {
        0 if request.target.contains("/tree/") => {
            Some(Answer::new("429 Too Many Requests", "").with("Retry-After", "0"))
        }
        0 if request.target.contains("/revision/") => Some(Answer::new("500 Oops", "")),
        0 if request.target.contains("/lfs/") => Some(Answer::ok(large(2)).stalled(70_000)),
        _ => None,
    });
    let place = served.place(None);
    let listed = place.resolve("hf://datasets/owner/name@main/runs/a/*.parquet").unwrap();
    let pinned = place.pin(&listed[0]).unwrap();
    assert_eq!(place.store.get(pinned.blake3).unwrap(), large(2));
    let ranges: Vec<_> = served.large_files.requests().iter().map(Request::from).collect();
    assert_eq!(ranges, [None, Some(70_000)], "the listed digest checks the whole");
}

#[test]
fn bytes_that_are_not_those_listed_never_reach_the_store() {
    let wrong: Fault = |request, _| match request.target.as_str() {
        target if target.starts_with("/lfs/") => Some(Answer::ok(large(9))),
        target if target.ends_with("/results.json") && target.contains("/resolve/") => {
            Some(Answer::ok("{\"a\":1}"))
        }
        _ => None,
    };
    let served = Served::plain(wrong);
    let place = served.place(None);
    place.store.put(b"kept").unwrap();
    let listed = place.resolve("hf://datasets/owner/name@main/runs/a/*").unwrap();
    assert_eq!(listed.len(), 2);
    for listed in &listed {
        let error = place.pin(listed).unwrap_err();
        let FetchError::NotAsListed { .. } = &error else { panic!("{error}") };
        let size = listed.size.unwrap().to_string();
        assert!(error.to_string().contains(&format!("listed: {size} bytes")), "{error}");
    }
    let digest = place.pin(&listed[1]).unwrap_err().to_string();
    assert!(digest.contains(listed[1].sha256.as_ref().unwrap()), "{digest}");
    assert!(digest.contains(&Repository::digest(&large(9))), "{digest}");
    assert_eq!((place.objects().len(), place.partial_sizes()), (1, vec![]));
}

#[test]
fn a_listing_that_lies_is_refused() {
    let tree = |page: &'static str| -> FetchError {
        let server = Server::start(move |request, _| match request.target.contains("/tree/") {
            true => Answer::ok(page).with("Link", "</api/tree/more>; rel=\"next\""),
            false => Answer::ok(format!(r#"{{"sha":"{COMMIT}"}}"#)),
        });
        let mut place = Place::with_hub(&server.origin, None);
        place.network.most_files = 3;
        place.resolve("hf://datasets/owner/name@main/**").unwrap_err()
    };
    let entry = r#"[{"type":"file","path":"a/../../x","size":1}]"#;
    assert!(tree(entry).to_string().contains("the path \"a/../../x\""));
    assert!(tree("[]").to_string().contains("an empty page of files that is not the last"));
    assert!(tree("<html>").to_string().contains("the list of files"));
    let endless = r#"[{"type":"file","path":"x","size":1},{"type":"file","path":"y","size":1}]"#;
    assert!(matches!(tree(endless), FetchError::TooMany { most: 3, .. }));
}

#[test]
fn a_pattern_that_means_nothing_is_an_error() {
    let served = Served::plain(|_, _| None);
    let error = error_of(&served, None, "hf://datasets/owner/name@main/runs/a/*.csv");
    assert!(matches!(error, FetchError::NoMatch { .. }), "{error}");
}

#[test]
fn offline_asks_nobody() {
    let served = Served::plain(|_, _| None);
    let mut place = served.place(None);
    place.offline = true;
    let port = served.hub.port.to_string();
    place.network.buckets =
        [("aws_endpoint", served.hub.origin.as_str()), ("aws_allow_http", "true")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect();
    let web = format!("http://127.0.0.1:{port}/x");
    let at_commit = format!("hf://datasets/owner/name@{COMMIT}/README.md");
    for pattern in ["hf://datasets/owner/name@main/*", "s3://bucket/*"] {
        assert!(matches!(place.resolve(pattern), Err(FetchError::Offline { .. })), "{pattern}");
    }
    for address in [web.as_str(), at_commit.as_str(), "hf://datasets/o/n@main/x", "s3://bucket/x"] {
        let pinned = place.pin_address(address);
        assert!(matches!(pinned, Err(FetchError::Offline { .. })), "{address}");
        let fetched = place.fetch(&locked(address, b"x"));
        assert!(matches!(fetched, Err(FetchError::Offline { .. })), "{address}");
    }
    assert_eq!(place.resolve(&at_commit).unwrap().len(), 1, "nothing is left to ask");
    assert_eq!((served.hub.requests().len(), served.large_files.requests().len()), (0, 0));
}
