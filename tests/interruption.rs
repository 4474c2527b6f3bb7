use std::{fs, process::Stdio, thread, time::Instant};

use crate::support::{Leaderboard, files, stderr};

/// Runs that have to be killed while they run.
const KILLS: u32 = 55;

/// Runs are killed at points spread over their whole length, on stores that hold what earlier killed
/// runs left; after each kill, whatever is visible is whole; every few kills the same command is left
/// alone and has to give the same release.
#[test]
fn kill_9_at_any_moment_leaves_nothing_half_written_and_the_same_command_finishes() {
    let board = Leaderboard::new();
    let start = Instant::now();
    let expected = board.release("reference", &[]);
    let mut length = start.elapsed();

    let (mut kills, mut attempts) = (0, 0);
    while kills < KILLS {
        attempts += 1;
        assert!(attempts < 1000, "only {kills} of {attempts} runs were still running when killed");
        // A low-discrepancy sequence: the multiples of the golden ratio fill the interval evenly.
        let point = (f64::from(attempts) * 0.618_033_988_75).fract();
        let jobs = if attempts % 2 == 0 { "1" } else { "2" };
        let mut run = board
            .command(&["run", "--offline", "--jobs", jobs], "store")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(length.mul_f64(point));
        run.kill().unwrap();
        let status = run.wait().unwrap();
        let ended_by_itself = status.code().is_some();
        assert!(
            status.code().is_none_or(|code| code == 0),
            "a run on what was left behind failed: {status}"
        );

        assert_nothing_half_written(&board);
        if ended_by_itself {
            // The machine is faster than when the length was measured.
            length = length.mul_f64(0.9);
        } else {
            kills += 1;
        }
        if ended_by_itself || kills % 6 == 0 {
            assert_eq!(board.release("store", &[]), expected, "after kill {kills}");
            fs::remove_dir_all(board.store("store")).unwrap();
        }
    }
}

/// Every object hashes to its name; a release that can be found can be verified.
fn assert_nothing_half_written(board: &Leaderboard) {
    for object in files(&board.store("store").join("objects")) {
        let name = object.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(blake3::hash(&fs::read(&object).unwrap()).to_hex().as_str(), name);
    }
    for document in files(&board.store("store").join("cache")) {
        serde_json::from_slice::<serde_json::Value>(&fs::read(&document).unwrap()).unwrap();
    }
    if board.store("store/log/000001.json").exists() {
        let verified = board.on_release(&["verify", "demo@0.1.0"], "store");
        assert!(verified.status.success(), "{}", stderr(&verified));
    }
}

/// Two runs on one store at the same time end with one release.
#[test]
fn two_runs_at_once_agree() {
    let board = Leaderboard::new();
    let spawn = || {
        board
            .command(&["run", "--offline", "--json"], "store")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let outputs = [spawn(), spawn()].map(|run| run.wait_with_output().unwrap());
    let ids = outputs.map(|output| crate::support::json_of(&output)["release"].clone());
    assert_eq!(ids[0], ids[1]);
    assert_eq!(files(&board.store("store/log")).len(), 1);
}
