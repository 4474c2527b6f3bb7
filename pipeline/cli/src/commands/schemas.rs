use std::{
    fs,
    path::{Path, PathBuf},
};

use aliquot_release::{estimator::Estimator, log::Entry, manifest::Manifest, publish::Index};
use aliquot_sources::Lock;
use aliquot_tables::{schema_text, schemas};
use schemars::schema_for;

use crate::{error::Error, recipe::RecipeText};

/// Arguments of `schemas`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder to write to.
    folder: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<(), Error> {
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
        write(&arguments.folder, &format!("{name}.schema.json"), &format!("{text}\n"))?;
    }
    for (name, schema) in schemas() {
        write(&arguments.folder, &format!("{name}.arrow.txt"), &schema_text(&schema))?;
    }
    Ok(())
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Error> {
    let path = folder.join(name);
    fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).map_err(|source| Error::File {
        action: "write",
        path,
        source,
    })
}
