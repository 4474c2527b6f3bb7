//! The texts of all items to vectors.

use std::collections::BTreeSet;

use aliquot_embed::{Embedded, Embedder, Provenance};
use aliquot_store::{ObjectId, Store, canonical};
use aliquot_tables::{
    embeddings::{self, Embeddings},
    items::{self, Item},
};
use serde::Serialize;

use super::table;
use crate::{
    embedding::{Computation, ModelPlace},
    error::Error,
};

/// Where the vectors come from.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Params {
    /// From a model.
    Computed(Box<Computation>),
    /// From the second input.
    Recorded,
}

/// Inputs: items, recorded vectors if they are. Output: embeddings.
pub fn run(
    params: &Params,
    inputs: &[ObjectId],
    store: &Store,
    place: &ModelPlace,
) -> Result<Vec<ObjectId>, Error> {
    let items = items::decode(&store.get(inputs[0])?).map_err(table("items"))?;

    let embeddings = match params {
        Params::Computed(computation) => computed(&items, computation, place, false)?,
        Params::Recorded => {
            let all = embeddings::decode(&store.get(inputs[1])?)
                .map_err(|source| Error::Vectors { place: "embed.vectors".to_owned(), source })?;
            recorded(&items, &all)?
        }
    };

    Ok(vec![store.put(&embeddings::encode(&embeddings).map_err(table("embeddings"))?)?])
}

/// What a model reads of an item: the question, then each choice on a line of its own.
pub fn text(item: &Item) -> Result<String, Error> {
    let choices: Vec<String> = match &item.choices {
        None => Vec::new(),
        Some(json) => serde_json::from_str(json).map_err(|error| {
            Error::Internal(format!("choices of item {}: {error}", item.item_uid))
        })?,
    };
    Ok(std::iter::once(&item.stem)
        .chain(&choices)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join("\n"))
}

/// The vectors of the items by a model; none is taken from an earlier run if `afresh`.
pub fn computed(
    items: &[Item],
    computation: &Computation,
    place: &ModelPlace,
    afresh: bool,
) -> Result<Embeddings, Error> {
    let texts = items.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    let mut embedder = place.open(computation)?;
    let dimension = embedder.dimension();
    let Embedded { vectors, truncated, .. } = place.embed(&mut embedder, &texts, afresh)?;
    let provenance = provenance(&embedder)?;
    let ids = items.iter().map(|item| item.item_uid.clone()).collect();
    Ok(Embeddings { ids, dimension, values: vectors, truncated, provenance })
}

/// How an embedder makes vectors, as canonical JSON.
pub fn provenance(embedder: &Embedder) -> Result<String, Error> {
    let provenance: &Provenance = embedder.provenance();
    let bytes = canonical::to_bytes(provenance)?;
    String::from_utf8(bytes).map_err(|error| Error::Internal(error.to_string()))
}

/// The vectors of the items out of a recorded table, which may hold others too.
fn recorded(items: &[Item], all: &Embeddings) -> Result<Embeddings, Error> {
    let ids: BTreeSet<&String> = items.iter().map(|item| &item.item_uid).collect();
    let mut values = Vec::with_capacity(ids.len() * all.dimension);
    let mut truncated = Vec::with_capacity(ids.len());
    for id in &ids {
        let row = all.ids.binary_search(id).map_err(|_| {
            Error::Data(format!(
                "the recorded vectors lack item {id}; record them again: `aliquot embed RECIPE -o FILE` \
                 with `model` in place of `vectors`"
            ))
        })?;
        values.extend_from_slice(all.row(row));
        truncated.push(all.truncated[row]);
    }
    Ok(Embeddings {
        ids: ids.into_iter().cloned().collect(),
        dimension: all.dimension,
        values,
        truncated,
        provenance: all.provenance.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(item_uid: &str, choices: Option<&str>) -> Item {
        Item {
            item_uid: item_uid.to_owned(),
            stem: "What?".to_owned(),
            choices: choices.map(str::to_owned),
            ..Item::default()
        }
    }

    #[test]
    fn choices_belong_to_the_text() {
        assert_eq!(text(&item("a", None)).unwrap(), "What?");
        assert_eq!(text(&item("a", Some(r#"["x","y"]"#))).unwrap(), "What?\nx\ny");
    }

    #[test]
    fn recorded_vectors_are_taken_by_item_and_a_missing_one_is_named() {
        let all = Embeddings {
            ids: vec!["a".into(), "b".into(), "c".into()],
            dimension: 1,
            values: vec![1.0, 2.0, 3.0],
            truncated: vec![false, false, true],
            provenance: "p".into(),
        };
        let found = recorded(&[item("c", None), item("a", None)], &all).unwrap();
        assert_eq!((found.ids, found.values), (vec!["a".into(), "c".into()], vec![1.0, 3.0]));
        assert_eq!(found.truncated, [false, true]);
        assert!(recorded(&[item("d", None)], &all).unwrap_err().to_string().contains("item d"));
    }
}
