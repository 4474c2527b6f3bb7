//! Fetching over HTTP, from a server on the loopback address that misbehaves on purpose.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use crate::{
    end_to_end::repeated_trials,
    support::{Leaderboard, assert_refused, edit, json_of, stderr},
};

/// What a server does wrong on the first request of a path.
#[derive(Clone, Copy)]
enum Fault {
    /// Nothing.
    None,
    /// 503 with `Retry-After: 0`.
    Unavailable,
    /// Nothing but taking its time, always.
    Slow,
    /// Promises all bytes, sends half of them.
    HalfBody,
    /// Sends to another host.
    RedirectAway,
    /// Sends to the same server by another name.
    RedirectHome,
    /// 404, always.
    Missing,
}

/// Method line and range of each request, by path.
type Requests = BTreeMap<String, Vec<Option<u64>>>;

struct Server {
    origin: String,
    requests: Arc<Mutex<Requests>>,
}

impl Server {
    /// Serves a folder; `fault` says what is wrong with a path.
    fn start(folder: PathBuf, listener: TcpListener, fault: fn(&str) -> Fault) -> Self {
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Requests::new()));
        let log = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (folder, log) = (folder.clone(), Arc::clone(&log));
                thread::spawn(move || answer(&stream, &folder, fault, &log));
            }
        });
        Self { origin, requests }
    }

    fn ranges(&self, path: &str) -> Vec<Option<u64>> {
        self.requests.lock().unwrap().get(path).cloned().unwrap_or_default()
    }
}

fn answer(
    mut stream: &TcpStream,
    folder: &std::path::Path,
    fault: fn(&str) -> Fault,
    log: &Mutex<Requests>,
) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    let path = request.split(' ').nth(1).unwrap().to_owned();
    let header = lines
        .take_while(|line| !line.is_empty())
        .find(|line| line.to_lowercase().starts_with("range:"));
    let from: Option<u64> =
        header.map(|line| line.split(['=', '-']).nth(1).unwrap().parse().unwrap());
    let first = {
        let mut log = log.lock().unwrap();
        let requests = log.entry(path.clone()).or_default();
        requests.push(from);
        requests.len() == 1
    };
    let there = fs::read(folder.join(&path[1..]));
    let fault = if there.is_ok() { fault(&path) } else { Fault::Missing };
    let body = there.unwrap_or_default();
    let part = &body[from.unwrap_or(0) as usize..];
    let (status, extra, sent) = match fault {
        Fault::Unavailable if first => {
            ("503 Service Unavailable", "Retry-After: 0\r\n".to_owned(), &part[..0])
        }
        Fault::RedirectAway => {
            ("302 Found", "Location: http://localhost:9/x\r\n".to_owned(), &part[..0])
        }
        Fault::RedirectHome if first => {
            let port = stream.local_addr().unwrap().port();
            ("302 Found", format!("Location: http://localhost:{port}{path}\r\n"), &part[..0])
        }
        Fault::Missing => ("404 Not Found", String::new(), &part[..0]),
        Fault::Slow => {
            thread::sleep(Duration::from_millis(150));
            ("200 OK", String::new(), part)
        }
        Fault::HalfBody if first => ("200 OK", String::new(), &part[..part.len() / 2]),
        _ => match from {
            Some(from) => {
                let range =
                    format!("Content-Range: bytes {from}-{}/{}\r\n", body.len() - 1, body.len());
                ("206 Partial Content", range, part)
            }
            None => ("200 OK", String::new(), part),
        },
    };
    let length = if status.starts_with('2') { part.len() } else { 0 };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{extra}\r\n"
    )
    .ok();
    stream.write_all(sent).ok();
}

/// A leaderboard whose addresses are those of a server that serves its files.
fn served(fault: fn(&str) -> Fault) -> (Leaderboard, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let board = Leaderboard::on_host(&origin);
    let server = Server::start(board.mirror().join("127.0.0.1"), listener, fault);
    assert_eq!(server.origin, origin);
    (board, server)
}

/// Runs without the mirror.
fn run(board: &Leaderboard, verb: &[&str]) -> Output {
    let store = board.store("network");
    crate::support::aliquot(verb).arg(board.recipe()).arg("--store").arg(store).output().unwrap()
}

#[test]
fn the_network_gives_the_same_release_as_the_mirror_through_503_and_broken_connections() {
    let (board, server) = served(|path| match path {
        "/results/model-01/annotations.json" => Fault::Unavailable,
        "/results/model-02/annotations.json" => Fault::HalfBody,
        _ => Fault::None,
    });
    let expected = board.release("mirror", &[]);
    let release = json_of(&run(&board, &["run", "--json"]))["release"].as_str().unwrap().to_owned();
    assert_eq!(release, expected);
    assert_eq!(server.ranges("/results/model-01/annotations.json"), [None, None]);
    let half =
        fs::read(board.mirror_file("results/model-02/annotations.json")).unwrap().len() as u64 / 2;
    assert_eq!(
        server.ranges("/results/model-02/annotations.json"),
        [None, Some(half)],
        "the second resumes"
    );
}

#[test]
fn offline_asks_nobody() {
    let (board, server) = served(|_| Fault::None);
    let output = run(&board, &["run", "--offline"]);
    assert_refused(&output, 6, &["the network is off", "--mirror DIR"]);
    assert!(server.requests.lock().unwrap().is_empty());
}

#[test]
fn a_changed_remote_file_is_reported_with_both_digests_and_lock_update_takes_it() {
    let (board, _server) = served(|_| Fault::None);
    let path = board.annotations_path(4);
    let before = fs::read(board.mirror_file(&path)).unwrap();
    let after =
        String::from_utf8(before.clone()).unwrap().replace("answer of model 4", "changed answer 4");
    board.write_mirror(&path, after.as_bytes());
    let digests =
        [before, after.into_bytes()].map(|bytes| blake3::hash(&bytes).to_hex().to_string());
    assert_refused(
        &run(&board, &["run"]),
        4,
        &["model-04", &digests[0], &digests[1], "lock RECIPE --update"],
    );
    let lock = run(&board, &["lock", "--update"]);
    assert!(String::from_utf8_lossy(&lock.stdout).contains("changed "), "{}", stderr(&lock));
    assert!(run(&board, &["run"]).status.success());
}

#[test]
fn a_redirect_to_a_host_that_the_recipe_does_not_name_is_not_followed() {
    let (board, _server) =
        served(|path| if path.contains("model-00") { Fault::RedirectAway } else { Fault::None });
    assert_refused(
        &run(&board, &["run", "--jobs", "1"]),
        6,
        &["model-00", "localhost, a host that the recipe does not name"],
    );
}

#[test]
fn a_host_that_the_recipe_allows_may_be_redirected_to() {
    let board = |hosts: &str| {
        let (board, server) = served(|path| match path.contains("model-00") {
            true => Fault::RedirectHome,
            false => Fault::None,
        });
        board.edit_recipe("[[target]]", &format!("{hosts}\n[[target]]"));
        (run(&board, &["run"]), server)
    };
    let (refused, _server) = board("");
    assert_refused(&refused, 6, &["model-00", "add \"localhost\" to `hosts` of [allow]"]);
    let (output, _server) = board("[allow]\nhosts = [\"127.0.0.1\", \"localhost\"]\n");
    assert!(output.status.success(), "{}", stderr(&output));
}

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

#[test]
fn a_recipe_on_the_hub_is_locked_at_a_commit_and_run() {
    let folder = tempfile::tempdir().unwrap();
    repeated_trials(folder.path());
    let hub = folder.path().join("hub");
    let files = hub.join("datasets/owner/name/resolve").join(COMMIT);
    let revisions = hub.join("api/datasets/owner/name/revision");
    fs::create_dir_all(&files).unwrap();
    fs::create_dir_all(&revisions).unwrap();
    fs::rename(folder.path().join("scores.csv"), files.join("scores.csv")).unwrap();
    fs::write(revisions.join("main"), format!("{{\"sha\":\"{COMMIT}\"}}")).unwrap();
    let server = Server::start(hub, TcpListener::bind("127.0.0.1:0").unwrap(), |_| Fault::None);
    let recipe = folder.path().join("trials.toml");
    let command = |verb: &[&str]| {
        let mut command = crate::support::aliquot(verb);
        command.arg(&recipe).arg("--store").arg(folder.path().join("store"));
        command.env("HF_ENDPOINT", &server.origin).output().unwrap()
    };
    edit(&recipe, "file:scores.csv", "hf://datasets/owner/name@main/scores.csv");
    assert_refused(&command(&["lock"]), 3, &[COMMIT, "write that commit"]);
    edit(&recipe, "name@main", &format!("name@{COMMIT}"));
    for verb in [&["lock"][..], &["run"]] {
        let output = command(verb);
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let lock = fs::read_to_string(folder.path().join("trials.lock")).unwrap();
    assert!(lock.contains(&format!("hf://datasets/owner/name@{COMMIT}/scores.csv")), "{lock}");
    edit(&recipe, "scores.csv", "gone.csv");
    assert_refused(&command(&["lock"]), 6, &["gone.csv", "404"]);
}

#[test]
fn a_missing_remote_file_is_not_asked_for_twice() {
    let (board, server) =
        served(|path| if path.contains("model-00") { Fault::Missing } else { Fault::None });
    assert_refused(&run(&board, &["run", "--jobs", "1"]), 6, &["model-00", "404"]);
    assert_eq!(server.ranges("/results/model-00/annotations.json").len(), 1);
}

#[test]
fn runs_at_the_same_time_share_what_they_download() {
    let (board, _server) = served(|_| Fault::Slow);
    let runs: Vec<_> = (0..3)
        .map(|_| {
            let store = board.store("network");
            let mut command = crate::support::aliquot(&["run", "--json"]);
            command.arg(board.recipe()).arg("--store").arg(store);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let outputs: Vec<Output> =
        runs.into_iter().map(|run| run.wait_with_output().unwrap()).collect();
    let ids: Vec<_> = outputs.iter().map(|output| json_of(output)["release"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn any_web_server_that_serves_the_store_serves_its_releases() {
    let board = Leaderboard::new();
    let release = board.release("store", &[]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::start(board.store("store"), listener, |_| Fault::None);
    let on_server = |arguments: &[&str]| {
        crate::support::aliquot(arguments).arg("--store").arg(&server.origin).output().unwrap()
    };
    assert_eq!(json_of(&on_server(&["show", "demo@0.1.0", "--json"]))["release"], release.as_str());
    let verified = on_server(&["verify", "demo"]);
    assert!(verified.status.success(), "{}", stderr(&verified));
    assert_refused(
        &on_server(&["show", "other"]),
        8,
        &["`other` is not in the store", "demo@0.1.0"],
    );
}

#[test]
fn lock_never_joins_two_versions_of_a_file() {
    let (board, server) =
        served(|path| if path.contains("model-02") { Fault::HalfBody } else { Fault::None });
    let lock = run(&board, &["lock", "--update"]);
    assert!(lock.status.success(), "{}", stderr(&lock));
    assert_eq!(
        server.ranges("/results/model-02/annotations.json"),
        [None, None],
        "from the start each time"
    );
}
