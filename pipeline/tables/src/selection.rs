//! The chosen items with their texts, as a file that eval tools and people read: CSV, JSONL or Parquet.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, foreign::Format, items::Item, parquet_bytes, subsets::Member};

/// Columns: those of the subset, then those of the item; `answer` is the reference answer.
pub fn schema() -> SchemaRef {
    let text = |name, null| Field::new(name, DataType::Utf8, null);
    Arc::new(Schema::new(vec![
        text("target", false),
        text("subset", false),
        text("item_uid", false),
        Field::new("weight", DataType::Float64, false),
        text("benchmark", false),
        text("config", false),
        text("split", false),
        text("task", false),
        text("stem", false),
        text("choices", true),
        text("answer", true),
        text("parent", true),
    ]))
}

/// One row a chosen item, in the order given; texts as they are in the table of items.
pub fn encode(rows: &[(&Member, &Item)], format: Format) -> Result<Vec<u8>, TableError> {
    let chosen = |of: fn(&Member) -> &String| {
        Arc::new(rows.iter().map(|(member, _)| Some(of(member))).collect::<StringArray>())
            as ArrayRef
    };
    let text = |of: fn(&Item) -> &String| {
        Arc::new(rows.iter().map(|(_, item)| Some(of(item))).collect::<StringArray>()) as ArrayRef
    };
    let optional = |of: fn(&Item) -> &Option<String>| {
        Arc::new(rows.iter().map(|(_, item)| of(item).as_deref()).collect::<StringArray>())
            as ArrayRef
    };
    let weights = Float64Array::from_iter_values(rows.iter().map(|(member, _)| member.weight));
    let columns = vec![
        chosen(|member| &member.target),
        chosen(|member| &member.subset),
        chosen(|member| &member.item_uid),
        Arc::new(weights) as ArrayRef,
        text(|item| &item.benchmark),
        text(|item| &item.config),
        text(|item| &item.split),
        text(|item| &item.task),
        text(|item| &item.stem),
        optional(|item| &item.choices),
        optional(|item| &item.target),
        optional(|item| &item.parent),
    ];
    let batch = || RecordBatch::try_new(schema(), columns.clone());
    let mut bytes = Vec::new();
    match format {
        Format::Parquet => return parquet_bytes::write(&schema(), columns),
        Format::Csv => arrow_csv::Writer::new(&mut bytes).write(&batch()?)?,
        Format::Jsonl => {
            let mut writer = arrow_json::LineDelimitedWriter::new(&mut bytes);
            writer.write(&batch()?)?;
            writer.finish()?;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::TextTable;

    #[test]
    fn every_format_gives_the_texts_back() {
        let member = Member {
            target: "t".to_owned(),
            subset: "test".to_owned(),
            item_uid: "00".to_owned(),
            weight: 0.25,
            ..Member::default()
        };
        let item = Item {
            benchmark: "b".to_owned(),
            stem: "one, \"two\"\nthree".to_owned(),
            choices: Some("[\"x\",\"y\"]".to_owned()),
            ..Item::default()
        };
        for format in [Format::Csv, Format::Jsonl, Format::Parquet] {
            let bytes = encode(&[(&member, &item)], format).unwrap();
            let table = TextTable::read(format, &bytes).unwrap();
            let cell = |name| table.column(name).unwrap()[0].map(str::to_owned);
            assert_eq!(cell("stem"), Some(item.stem.clone()), "{format:?}");
            assert_eq!(
                (cell("choices"), cell("weight")),
                (item.choices.clone(), Some("0.25".into()))
            );
        }
    }
}
