//! Tables whose column names leave no doubt.

use std::collections::BTreeSet;

use aliquot_tables::{
    findings::Finding,
    foreign::{Format, TextTable},
    parquet_file::{ParquetFile, Source},
};

use super::{Declaration, Files, Layout, ScoreColumns, format, read, shard, unit_range};
use crate::{AdapterError, Content, Place, RawFile, Shard, adapters::Wanted};

/// Names that leave no doubt, without regard to case.
const MODEL_NAMES: [&str; 3] = ["model", "model_name", "model_id"];
const ITEM_NAMES: [&str; 3] = ["item", "item_id", "item_uid"];

impl Declaration {
    /// The declaration of a long table that its column names give away: one column of a model, one of an
    /// item and `score`, perhaps `metric`, `benchmark`, `trial` and `log_likelihood`. A column `filter`
    /// or two candidates leave a doubt. The metric is empty if a column names it, else `score`.
    pub fn guess(names: &[String]) -> Option<Self> {
        let find = |candidates: &[&str]| {
            let fits = |name: &&String| candidates.contains(&name.to_lowercase().as_str());
            let found: Vec<&String> = names.iter().filter(fits).collect();
            match found[..] {
                [] => Some(None),
                [one] => Some(Some(one.clone())),
                _ => None,
            }
        };
        if find(&["filter"])?.is_some() {
            return None;
        }
        let item = find(&ITEM_NAMES)??;
        let (item, item_uid) = if item.eq_ignore_ascii_case("item_uid") {
            (None, Some(item))
        } else {
            (Some(item), None)
        };
        let columns = ScoreColumns {
            model: Some(find(&MODEL_NAMES)??),
            item,
            item_uid,
            benchmark: find(&["benchmark"])?,
            score: Some(find(&["score"])??),
            metric: find(&["metric"])?,
            trial: find(&["trial"])?,
            log_likelihood: find(&["log_likelihood"])?,
        };
        let metric = if columns.metric.is_some() { String::new() } else { "score".to_owned() };
        Some(Self {
            layout: Layout::Long,
            metric,
            benchmark: None,
            score_range: unit_range(),
            columns,
            item_columns: None,
            model_columns: None,
        })
    }

    /// With the metric that is wanted: one of the column of metrics, a column of its name, or else what
    /// `score` is said to be. Without a wish the only one of the column of metrics.
    fn with_metric(
        mut self,
        file: &RawFile<'_>,
        table: &TextTable,
        wanted: Option<&str>,
    ) -> Result<Self, AdapterError> {
        let Some(column) = &self.columns.metric else {
            let wanted = wanted.unwrap_or(&self.metric).to_owned();
            if table.names().contains(&wanted) {
                self.columns.score = Some(wanted.clone());
            }
            return Ok(Self { metric: wanted, ..self });
        };
        let cells = table.column(column).map_err(|error| file.table_error(&error))?;
        let metrics: BTreeSet<&str> = cells.into_iter().flatten().collect();
        let metrics: Vec<&str> = metrics.into_iter().collect();
        let metric = match (wanted, &metrics[..]) {
            (Some(wanted), metrics) if metrics.contains(&wanted) => wanted,
            (None, [metric]) => metric,
            (_, metrics) => {
                let problem = format!(
                    "it has {} metrics: {}; name one of them (--metric)",
                    metrics.len(),
                    metrics.join(", ")
                );
                return Err(file.error(Place::File, problem));
            }
        };
        metric.clone_into(&mut self.metric);
        Ok(self)
    }
}

/// Reads a table of scores that nobody declared, if its columns leave no doubt.
pub fn normalize_undeclared(file: &RawFile<'_>, wanted: &Wanted) -> Result<Shard, AdapterError> {
    let refuse = |problem: &str| Err(file.error(Place::File, problem));
    if wanted.model.is_some() {
        return refuse("a table names its models itself: leave out the model (--model)");
    }
    if wanted.filter.is_some() {
        return refuse("a table has no filters: leave out the filter (--filter)");
    }
    let table = read(file)?;
    let declaration = Declaration::guess(table.names()).ok_or_else(|| {
        let problem = format!(
            "its columns do not say how to read it: {}; a table is read without a declaration if it \
             has one column each of a model, an item (item, item_id or item_uid) and a score",
            table.names().join(", ")
        );
        file.error(Place::File, problem)
    })?;
    let mut declaration = declaration.with_metric(file, &table, wanted.metric.as_deref())?;
    if wanted.benchmark.is_some() && declaration.columns.benchmark.is_some() {
        return refuse("a column names its benchmarks: leave out the benchmark (--benchmark)");
    }
    declaration.benchmark.clone_from(&wanted.benchmark);
    let files = Files { scores: *file, items: None, models: None };
    let mut shard = shard(&files, &table, &declaration, false)?;
    shard.findings.extend(unread(file, &table, &declaration.columns));
    Ok(shard)
}

/// Columns that nothing is read of: a task or a prompt is worth a declaration.
fn unread(file: &RawFile<'_>, table: &TextTable, columns: &ScoreColumns) -> Option<Finding> {
    let ScoreColumns { model, item, item_uid, benchmark, score, metric, trial, log_likelihood } =
        columns;
    let read = [model, item, item_uid, benchmark, score, metric, trial, log_likelihood];
    let unread = table.names().iter().filter(|&name| !read.contains(&&Some(name.clone())));
    let unread: Vec<&str> = unread.map(String::as_str).collect();
    (!unread.is_empty()).then(|| Finding {
        kind: "unread-columns".to_owned(),
        severity: "info".to_owned(),
        subject: file.address.to_string(),
        evidence: format!("not read: {}; a recipe can declare more", unread.join(", ")),
        action: "drop".to_owned(),
        ..Finding::default()
    })
}

/// Whether the columns of a file leave no doubt; `head` is the beginning of its unpacked text.
pub(crate) fn recognises(file: &RawFile<'_>, head: &[u8]) -> bool {
    names(file, head).is_some_and(|names| Declaration::guess(&names).is_some())
}

/// Names of the columns, without reading rows.
fn names(file: &RawFile<'_>, head: &[u8]) -> Option<Vec<String>> {
    let format = format(file).ok()?;
    if format == Format::Parquet {
        let source = match file.content {
            Content::File(path) => Source::File(path.to_owned()),
            Content::Memory(bytes) => Source::Bytes(bytes.to_vec().into()),
        };
        let file = ParquetFile::open(source).ok()?;
        return Some(file.schema().fields().iter().map(|field| field.name().clone()).collect());
    }
    let first = head.split_inclusive(|&byte| byte == b'\n').next()?;
    Some(TextTable::read(format, first).ok()?.names().to_vec())
}

#[cfg(test)]
mod tests {
    use aliquot_store::ObjectId;

    use super::*;

    fn undeclared(name: &str, bytes: &[u8], wanted: &Wanted) -> Result<Shard, AdapterError> {
        let address = format!("file:{name}").parse().unwrap();
        let (id, content) = (ObjectId::of(bytes), Content::Memory(bytes));
        normalize_undeclared(&RawFile { address: &address, id, content }, wanted)
    }

    #[test]
    fn unmistakable_columns_need_no_declaration() {
        let names = |names: &str| names.split(',').map(str::to_owned).collect::<Vec<_>>();
        let guess = |text: &str| Declaration::guess(&names(text));
        let columns = guess("Model,item_id,score,metric,benchmark,trial,note").unwrap().columns;
        assert_eq!(
            (columns.model.as_deref(), columns.item.as_deref()),
            (Some("Model"), Some("item_id"))
        );
        assert_eq!(
            guess("model,item_uid,score").unwrap().columns.item_uid.as_deref(),
            Some("item_uid")
        );
        for doubtful in [
            "model,score",
            "model,item",
            "model,item,item_id,score",
            "model,item,score,filter",
            "id,A,B",
        ] {
            assert_eq!(guess(doubtful), None, "{doubtful}");
        }
    }

    #[test]
    fn an_undeclared_table_gives_its_metric_and_benchmarks() {
        let csv = "model,item,score,metric,benchmark\nA,1,1,acc,x\nA,1,,acc,y\nB,1,0.5,acc,x\n";
        let shard = undeclared("s.csv", csv.as_bytes(), &Wanted::default()).unwrap();
        assert_eq!((shard.responses.len(), shard.items.len()), (3, 2));
        assert_eq!(shard.responses.metric.get(0), "acc");
        assert_eq!(shard.responses.missing_reason.get(1), "blank");
        let benchmarks: Vec<&str> =
            shard.items.iter().map(|item| item.benchmark.as_str()).collect();
        assert_eq!(benchmarks, ["x", "y"]);

        let two = csv.replace("B,1,0.5,acc", "B,1,0.5,f1");
        let error = undeclared("s.csv", two.as_bytes(), &Wanted::default()).unwrap_err();
        assert!(error.problem.contains("2 metrics: acc, f1; name one"), "{error}");
        let f1 = Wanted { metric: Some("f1".to_owned()), ..Wanted::default() };
        assert_eq!(undeclared("s.csv", two.as_bytes(), &f1).unwrap().responses.score, [0.5]);

        let nosuch = Wanted { metric: Some("nosuch".to_owned()), ..Wanted::default() };
        let error = undeclared("s.csv", csv.as_bytes(), &nosuch).unwrap_err().to_string();
        assert!(error.contains("1 metrics: acc; name one"), "{error}");

        let bare = b"model,item,score\nA,1,1\n";
        let error = undeclared("s.csv", bare, &Wanted::default()).unwrap_err().to_string();
        assert!(error.contains("--benchmark"), "{error}");
        let x = Wanted { benchmark: Some("x".to_owned()), ..Wanted::default() };
        let uid = &undeclared("s.csv", bare, &x).unwrap().items[0].item_uid;
        assert_eq!(*uid, shard.items[0].item_uid);
        for (wanted, problem) in [
            (Wanted { model: Some("A".to_owned()), ..x.clone() }, "leave out the model"),
            (Wanted { filter: Some("f".to_owned()), ..x.clone() }, "leave out the filter"),
        ] {
            let error = undeclared("s.csv", bare, &wanted).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
        let error = undeclared("s.csv", csv.as_bytes(), &x).unwrap_err().to_string();
        assert!(error.contains("leave out the benchmark"), "{error}");
        let unnamed = csv.replace("1,acc,x", "1,,x");
        let error = undeclared("s.csv", unnamed.as_bytes(), &Wanted::default()).unwrap_err();
        assert!(error.to_string().contains("row 1: the metric is blank"), "{error}");

        let error = undeclared("s.csv", b"a,b\n1,2\n", &x).unwrap_err().to_string();
        assert!(error.contains("do not say how to read it: a, b"), "{error}");

        let known = format!("model,item_uid,score\nA,{uid},1\n");
        assert_eq!(undeclared("s.csv", known.as_bytes(), &x).unwrap().items[0].item_uid, *uid);
        let error = undeclared("s.csv", b"model,item_uid,score\nA,7,1\n", &x).unwrap_err();
        assert!(error.to_string().contains("row 1: `7` is no item uid"), "{error}");
    }

    #[test]
    fn a_metric_is_a_column_or_what_the_score_is_and_other_columns_are_told() {
        let csv = b"model,item,benchmark,score,acc,task\nA,1,x,1,0,t\n";
        let read = |metric: &str| {
            let wanted = Wanted { metric: Some(metric.to_owned()), ..Wanted::default() };
            undeclared("s.csv", csv, &wanted).unwrap()
        };
        let (own, other) = (read("acc"), read("f1"));
        assert_eq!((own.responses.score[0], own.responses.metric.get(0)), (0.0, "acc"));
        assert_eq!((other.responses.score[0], other.responses.metric.get(0)), (1.0, "f1"));
        assert_eq!(own.findings[0].evidence, "not read: score, task; a recipe can declare more");
        assert!(other.findings[0].evidence.contains("acc, task"));
    }

    #[test]
    fn packed_tables_are_unpacked() {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(b"model,item,score,benchmark\nA,1,1,x\n").unwrap();
        let packed = encoder.finish().unwrap();
        let shard = undeclared("s.csv.gz", &packed, &Wanted::default()).unwrap();
        assert_eq!(shard.responses.score, [1.0]);
    }

    #[test]
    fn a_file_is_a_table_if_its_columns_say_so() {
        let known = |name: &str, bytes: &[u8]| {
            let address = format!("file:{name}").parse().unwrap();
            let (id, content) = (ObjectId::of(bytes), Content::Memory(bytes));
            recognises(&RawFile { address: &address, id, content }, bytes)
        };
        assert!(known("s.csv", b"model,item,score\nA,1,1\n"));
        assert!(known("s.csv", b"model,item,score"));
        assert!(known("s.jsonl", b"{\"model\":\"A\",\"item_id\":1,\"score\":0.5}\n{"));
        let model = aliquot_tables::models::encode(&[]).unwrap();
        assert!(!known("s.parquet", &model) && !known("s.parquet", b"PAR1"));
        for (name, text) in
            [("s.txt", "model,item,score\n"), ("s.csv", "model,score\n"), ("s.csv", "")]
        {
            assert!(!known(name, text.as_bytes()), "{name} {text}");
        }
    }
}
