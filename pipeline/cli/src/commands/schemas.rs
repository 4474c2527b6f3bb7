use std::{
    fs,
    path::{Path, PathBuf},
};

use aliquot_release::{estimator::Estimator, log::Entry, manifest::Manifest, publish::Index};
use aliquot_sources::Lock;
use aliquot_tables::{schema_text, schemas};
use schemars::schema_for;
use serde_json::json;

use super::{print, print_json};
use crate::{args::Global, error::Error, recipe::RecipeText};

/// Arguments of `schemas`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder to write to.
    folder: PathBuf,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let mut written = Vec::new();
    let json = [
        ("recipe", schema_for!(RecipeText)),
        ("lock", schema_for!(Lock)),
        ("manifest", schema_for!(Manifest)),
        ("estimator", schema_for!(Estimator)),
        ("log-entry", schema_for!(Entry)),
        ("index", schema_for!(Index)),
    ];
    for (name, schema) in json {
        let text = serde_json::to_string_pretty(&schema)
            .map_err(|error| Error::Internal(error.to_string()))?;
        written.push(write(
            &arguments.folder,
            &format!("{name}.schema.json"),
            &format!("{text}\n"),
        )?);
    }
    for (name, schema) in schemas() {
        written.push(write(
            &arguments.folder,
            &format!("{name}.arrow.txt"),
            &schema_text(&schema),
        )?);
    }
    if global.json {
        print_json(&json!(written));
    } else {
        print(&format!("{} schemas written to {}\n", written.len(), arguments.folder.display()));
    }
    Ok(())
}

fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Error> {
    let path = folder.join(name);
    match fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)) {
        Ok(()) => Ok(path),
        Err(source) => Err(Error::File { action: "write", path, source }),
    }
}
