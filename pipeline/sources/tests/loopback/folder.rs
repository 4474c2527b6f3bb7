//! Patterns in folders.

use std::{fs, os::unix::fs::symlink};

use aliquot_sources::{FetchError, Listed};

use crate::place::Place;

fn with_files(files: &[&str]) -> Place {
    let place = Place::new();
    for file in files {
        let path = place.data().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file.as_bytes()).unwrap();
    }
    place
}

fn addresses(listed: &[Listed]) -> Vec<String> {
    listed.iter().map(|listed| listed.address.to_string()).collect()
}

#[test]
fn files_are_found_sorted_each_once_with_their_sizes() {
    let place = with_files(&["m/b/x.json", "m/a/x.json", "m/x.json", "m/a/y.csv", "other/x.json"]);
    let deep = place.resolve("file:m/**/{x,*}.json").unwrap();
    assert_eq!(addresses(&deep), ["file:m/a/x.json", "file:m/b/x.json", "file:m/x.json"]);
    assert_eq!(deep[0].size, Some(10));
    let flat = place.resolve("file:m/*").unwrap();
    assert_eq!(addresses(&flat), ["file:m/x.json"]);
    let exact = place.resolve("file:m/x.json").unwrap();
    assert_eq!(exact, [Listed::from("file:m/x.json".parse::<aliquot_sources::Address>().unwrap())]);
    place.pin(&deep[0]).unwrap();
    assert_eq!(place.objects().len(), 1);
}

#[test]
fn what_grew_since_it_was_listed_is_not_pinned() {
    let place = with_files(&["m/x.json"]);
    let listed = place.resolve("file:m/*").unwrap();
    fs::write(place.data().join("m/x.json"), "more than was there").unwrap();
    let error = place.pin(&listed[0]).unwrap_err();
    assert!(matches!(error, FetchError::NotAsListed { .. }), "{error}");
    assert_eq!(place.objects(), Vec::<String>::new());
}

#[test]
fn nothing_found_and_no_folder_are_errors() {
    let place = with_files(&["m/x.json"]);
    assert!(matches!(place.resolve("file:m/*.csv"), Err(FetchError::NoMatch { .. })));
    assert!(matches!(place.resolve("file:n/*.csv"), Err(FetchError::Read { .. })));
}

#[test]
fn links_lead_neither_out_nor_in_circles() {
    let place = with_files(&["m/x.json"]);
    symlink("..", place.data().join("m/up")).unwrap();
    let error = place.resolve("file:m/**").unwrap_err();
    let FetchError::Read { source, .. } = &error else { panic!("{error}") };
    assert!(source.to_string().contains("circle") || source.raw_os_error().is_some(), "{source}");
    fs::remove_file(place.data().join("m/up")).unwrap();
    symlink(place.folder.path(), place.data().join("m/out")).unwrap();
    let error = place.resolve("file:m/**").unwrap_err();
    assert!(matches!(error, FetchError::Escapes { .. }), "{error}");
}

#[test]
fn too_many_files_are_refused() {
    let mut place = with_files(&["a", "b", "c", "d"]);
    place.network.most_files = 3;
    assert!(matches!(place.resolve("file:*"), Err(FetchError::TooMany { most: 3, .. })));
}
