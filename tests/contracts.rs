//! What is committed is what the code says.

use std::fs;

use crate::support::{aliquot, files, root};

#[test]
fn the_committed_schemas_are_those_of_the_code() {
    let folder = tempfile::tempdir().unwrap();
    assert!(aliquot(&["schemas"]).arg(folder.path()).status().unwrap().success());
    let committed = root().join("schemas/v1");
    let names = |folder: &std::path::Path| -> Vec<String> {
        files(folder)
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(folder.path()), names(&committed), "run `make schemas`");
    for name in names(&committed) {
        let read = |folder: &std::path::Path| fs::read_to_string(folder.join(&name)).unwrap();
        assert!(read(folder.path()) == read(&committed), "{name} differs: run `make schemas`");
    }
}

#[test]
fn no_commit_names_a_path_of_this_machine() {
    let parent = root().parent().unwrap().display().to_string();
    let listed = std::process::Command::new("git")
        .args(["grep", "-lF", &format!("{parent}/")])
        .current_dir(root())
        .output();
    let Ok(listed) = listed else { return };
    assert_eq!(String::from_utf8_lossy(&listed.stdout), "");
}
