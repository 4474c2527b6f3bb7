//! Row groups that cannot hold a row of the answer.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use aliquot_tables::{
    TableError,
    parquet_file::{ColumnBounds, ParquetFile},
};
use datafusion::{
    arrow::array::{ArrayRef, BooleanArray, UInt64Array},
    common::{Column, pruning::PruningStatistics},
    error::DataFusionError,
    physical_expr::{PhysicalExpr, utils::collect_columns},
    physical_optimizer::pruning::PruningPredicateBuilder,
    scalar::ScalarValue,
};

use crate::QueryError;

/// Row groups of the file that may hold rows for which `filter` is true, in order.
pub(crate) fn row_groups(
    file: &ParquetFile,
    filter: &Arc<dyn PhysicalExpr>,
    table: &str,
) -> Result<Vec<usize>, DataFusionError> {
    let failed = |source| QueryError::Table { table: table.to_owned(), source }.into_plan();
    let predicate = PruningPredicateBuilder::new()
        .with_file_schema(Arc::clone(file.schema()))
        .try_build(Arc::clone(filter))?;
    let bounds = Bounds::of(file, filter).map_err(failed)?;
    let kept = predicate.prune(&bounds)?;
    Ok(kept.iter().enumerate().filter(|(_, kept)| **kept).map(|(group, _)| group).collect())
}

/// What the footer says of the columns in a filter.
struct Bounds {
    columns: BTreeMap<String, ColumnBounds>,
    rows: Vec<u64>,
}

impl Bounds {
    fn of(file: &ParquetFile, filter: &Arc<dyn PhysicalExpr>) -> Result<Self, TableError> {
        let mut columns = BTreeMap::new();
        let mut names: Vec<String> =
            collect_columns(filter).iter().map(|column| column.name().to_owned()).collect();
        names.sort();
        for name in names {
            if let Some(bounds) = file.bounds(&name)? {
                columns.insert(name, bounds);
            }
        }
        Ok(Self { columns, rows: file.rows_of_groups() })
    }

    fn array(&self, column: &Column, of: impl Fn(&ColumnBounds) -> &ArrayRef) -> Option<ArrayRef> {
        self.columns.get(column.name()).map(|bounds| Arc::clone(of(bounds)))
    }
}

impl PruningStatistics for Bounds {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.array(column, |bounds| &bounds.minima)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.array(column, |bounds| &bounds.maxima)
    }

    fn num_containers(&self) -> usize {
        self.rows.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        self.array(column, |bounds| &bounds.nulls)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from(self.rows.clone())))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
