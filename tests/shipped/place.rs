//! A shipped recipe in a folder of its own, and the servers it is run against.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    hub_server::Repository,
    server::{Answer, Server},
    support::{aliquot, json_of, root, stderr},
};

/// A copy of a shipped recipe.
pub struct Shipped {
    pub folder: TempDir,
    text: String,
    environment: Vec<(&'static str, String)>,
}

impl Shipped {
    pub fn new(name: &str) -> Self {
        let path = root().join("manifests/recipes").join(name).with_extension("toml");
        let text = fs::read_to_string(path).unwrap();
        let shipped = Self { folder: tempfile::tempdir().unwrap(), text, environment: Vec::new() };
        shipped.write();
        shipped
    }

    fn write(&self) {
        fs::write(self.recipe(), &self.text).unwrap();
    }

    pub fn recipe(&self) -> PathBuf {
        self.folder.path().join("shipped.toml")
    }

    /// The models that the recipe names.
    pub fn models(&self) -> Vec<String> {
        let (_, list) = self.text.split_once("models = [\n").unwrap();
        let (list, _) = list.split_once("]\n").unwrap();
        list.lines().map(|line| line.trim().trim_matches([',', '"']).to_owned()).collect()
    }

    /// Other models in the place of the recipe's.
    pub fn with_models(mut self, models: &[String]) -> Self {
        let (before, list) = self.text.split_once("models = [\n").unwrap();
        let (_, after) = list.split_once("]\n").unwrap();
        let list: String = models.iter().map(|model| format!("    \"{model}\",\n")).collect();
        self.text = format!("{before}models = [\n{list}]\n{after}");
        self.write();
        self
    }

    /// Smaller subsets, measured less often.
    pub fn small(self) -> Self {
        let size = if self.text.contains("test = 50") { 50 } else { 100 };
        self.with(&format!("validation = {size}\ntest = {size}"), "validation = 6\ntest = 6")
            .with("repetitions = 20", "repetitions = 2")
    }

    pub fn with(mut self, from: &str, to: &str) -> Self {
        assert!(self.text.contains(from), "`{from}` is not in the recipe");
        self.text = self.text.replace(from, to);
        self.write();
        self
    }

    pub fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = aliquot(&[verb]);
        command.arg(self.recipe()).arg("--store").arg(self.folder.path().join("store"));
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command
    }

    pub fn output(&self, verb: &str, options: &[&str]) -> Output {
        self.command(verb).args(options).output().unwrap()
    }

    /// Locks, and returns the addresses that are then pinned.
    pub fn lock(&self) -> BTreeSet<String> {
        let output = self.output("lock", &[]);
        assert!(output.status.success(), "{}", stderr(&output));
        let lock = fs::read_to_string(self.folder.path().join("shipped.lock")).unwrap();
        let addresses = lock.lines().filter_map(|line| line.strip_prefix("address = "));
        addresses.map(|text| text.trim_matches(['"', '\'']).to_owned()).collect()
    }

    /// Runs; returns the release id and the names of the nodes that ran.
    pub fn run(&self, options: &[&str]) -> (String, Vec<String>) {
        let output = self.output("run", &[&["--json"], options].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        let json = json_of(&output);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&json["release"]), json["ran"].as_array().unwrap().iter().map(text).collect())
    }

    /// Lock and run make a release; the same run without network makes it again without a request;
    /// another model added, only its own files are read.
    pub fn check_release(self, models: &[String], added: &str, requests: impl Fn() -> usize) {
        let shipped = self.with_models(&models[..models.len() - 1]).small();
        let before = shipped.lock();
        let (release, ran) = shipped.run(&[]);
        assert!(ran.iter().any(|name| name == "package"), "{ran:?}");

        let asked = requests();
        fs::rename(shipped.folder.path().join("store"), shipped.folder.path().join("old")).unwrap();
        let objects = shipped.folder.path().join("store");
        copy(&shipped.folder.path().join("old/objects"), &objects.join("objects"));
        let (again, _) = shipped.run(&["--offline"]);
        assert_eq!((again, requests()), (release.clone(), asked));

        let shipped =
            shipped.with_models(models).with("version = \"0.1.0\"", "version = \"0.2.0\"");
        let after = shipped.lock();
        let new: Vec<&String> = after.difference(&before).collect();
        assert!(!new.is_empty() && new.iter().all(|address| address.contains(added)), "{new:?}");
        let (other, ran) = shipped.run(&[]);
        assert_ne!(other, release);
        let read: Vec<&String> = ran.iter().filter(|name| name.starts_with("normalize/")).collect();
        assert!(!read.is_empty() && read.iter().all(|name| name.contains(added)), "{read:?}");
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// Files by repository and path.
pub type Repositories = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

/// A Hub with these repositories; large files lie on it, too. With a token only who has it may read.
pub fn hub(repositories: Repositories, token: Option<&'static str>) -> Server {
    let leak = |text: String| -> &'static str { text.leak() };
    let repositories: BTreeMap<&'static str, Repository> = repositories
        .into_iter()
        .map(|(id, files)| {
            let files = files.into_iter().map(|(path, bytes)| (leak(path), bytes)).collect();
            let id = leak(id);
            (id, Repository { id, files, large_files: format!("/{id}"), page: 7, token })
        })
        .collect();
    Server::start(move |request, _| {
        let origin = format!("http://{}", request.header("host").unwrap());
        let path = request.target.trim_start_matches("/api").trim_start_matches("/datasets");
        let mut parts = path.trim_start_matches('/').split('/');
        let id = format!("{}/{}", parts.next().unwrap(), parts.next().unwrap_or_default());
        let Some(repository) = repositories.get(id.as_str()) else {
            return Answer::new("404 Not Found", "{}").with("X-Error-Code", "RepoNotFound");
        };
        match request.target.strip_prefix(&format!("/{id}")) {
            Some(large) => {
                let request =
                    crate::server::Request { target: large.to_owned(), ..request.clone() };
                repository.large_file(&request)
            }
            None => repository.answer(request, &origin),
        }
    })
}
