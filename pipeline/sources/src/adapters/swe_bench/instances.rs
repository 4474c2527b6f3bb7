//! Files that say which instances there are.

use std::collections::BTreeMap;

use aliquot_tables::foreign::{Format, TextTable};
use serde::Deserialize;

use crate::{
    AdapterError, Place, RawFile,
    adapters::{json::Lines, json_walk::Walk},
};

/// What is known of one instance.
#[derive(Deserialize)]
pub(super) struct Instance {
    #[serde(default)]
    pub(super) repo: Option<String>,
    #[serde(default)]
    pub(super) problem_statement: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    instance_id: String,
    #[serde(default)]
    repo: Option<String>,
    #[serde(default)]
    problem_statement: Option<String>,
}

/// Instances by id.
pub(super) fn read(file: &RawFile<'_>) -> Result<BTreeMap<String, Instance>, AdapterError> {
    let mut instances = BTreeMap::new();
    let mut add = |place, row: Row| {
        let Row { instance_id, repo, problem_statement } = row;
        let problem = format!("instance `{instance_id}` is there twice");
        match instances.insert(instance_id, Instance { repo, problem_statement }) {
            Some(_) => Err(file.error(place, problem)),
            None => Ok(()),
        }
    };
    match Format::from_name(&file.address.to_string()) {
        None => {
            let mut walk = Walk::of(file)?;
            let (mut array, mut record) = (walk.open(b'[')?, 0);
            while walk.more(&mut array)? {
                add(Place::Record(record), walk.value()?)?;
                record += 1;
            }
            walk.end()?;
        }
        Some(Format::Jsonl) => {
            let mut lines = Lines::of(file)?;
            while let Some((number, line)) = lines.next()? {
                let row = serde_json::from_slice(line).map_err(|error| {
                    file.error(Place::Line(number, error.column()), error.to_string())
                })?;
                add(Place::Line(number, 1), row)?;
            }
        }
        Some(format) => {
            for (row, number) in rows(file, format)?.into_iter().zip(1..) {
                let place = Place::Row(number);
                add(place, row.ok_or_else(|| file.error(place, "the instance_id is blank"))?)?;
            }
        }
    }
    if instances.is_empty() {
        return Err(file.error(Place::File, "it lists no instance"));
    }
    Ok(instances)
}

/// Rows of a table; None where the id is blank.
fn rows(file: &RawFile<'_>, format: Format) -> Result<Vec<Option<Row>>, AdapterError> {
    let table = TextTable::read(format, &file.document()?).map_err(|e| file.table_error(&e))?;
    let column = |name: &str| table.column(name).map_err(|error| file.table_error(&error));
    let optional = |name: &str| {
        table.names().iter().any(|there| there == name).then(|| column(name)).transpose()
    };
    let ids = column("instance_id")?;
    let (repos, statements) = (optional("repo")?, optional("problem_statement")?);
    let cell = |cells: &Option<Vec<Option<&str>>>, row: usize| {
        cells.as_ref().and_then(|cells| cells[row]).map(str::to_owned)
    };
    let row = |(at, id): (usize, &Option<&str>)| {
        id.map(|id| Row {
            instance_id: id.to_owned(),
            repo: cell(&repos, at),
            problem_statement: cell(&statements, at),
        })
    };
    Ok(ids.iter().enumerate().map(row).collect())
}
