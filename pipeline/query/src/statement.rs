//! What may be asked: one statement, and none that writes.

use std::collections::{BTreeSet, VecDeque};

use datafusion::sql::{
    parser::{DFParser, Statement},
    resolve::resolve_table_references,
    sqlparser::ast,
};

use crate::QueryError;

/// Longest SQL in bytes: planning is recursive, and its depth grows with the text.
const LONGEST: usize = 64 << 10;

/// Names of the tables that a query reads, in alphabetical order.
///
/// Fails with [`QueryError::Syntax`] if it is not one statement of SQL, with [`QueryError::Refused`] if
/// it is anything but a `SELECT` or an `EXPLAIN` of one.
pub fn tables_of(sql: &str) -> Result<Vec<String>, QueryError> {
    let statement = read(sql)?;
    let (tables, _) = resolve_table_references(&statement, true)
        .map_err(|error| QueryError::Syntax(error.strip_backtrace()))?;
    let names: BTreeSet<String> = tables.iter().map(|table| table.table().to_owned()).collect();
    Ok(names.into_iter().collect())
}

/// The statement, if it only reads.
pub(crate) fn read(sql: &str) -> Result<Statement, QueryError> {
    if sql.len() > LONGEST {
        return Err(QueryError::Syntax(format!("it is longer than {LONGEST} bytes")));
    }
    let mut statements: VecDeque<Statement> =
        DFParser::parse_sql(sql).map_err(|error| QueryError::from_plan(error, 0))?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(statement), true) => {
            check(&statement)?;
            Ok(statement)
        }
        (None, _) => Err(QueryError::Syntax("it is empty".to_owned())),
        _ => Err(QueryError::Syntax("it holds more than one statement".to_owned())),
    }
}

/// A list of what is allowed, so that statements to come are refused until looked at.
fn check(statement: &Statement) -> Result<(), QueryError> {
    match statement {
        Statement::Statement(inner) => match inner.as_ref() {
            ast::Statement::Query(_) => Ok(()),
            ast::Statement::Explain { statement, .. }
                if matches!(statement.as_ref(), ast::Statement::Query(_)) =>
            {
                Ok(())
            }
            other => Err(refused(&other.to_string())),
        },
        Statement::Explain(explained) => check(&explained.statement),
        other => Err(refused(&other.to_string())),
    }
}

fn refused(text: &str) -> QueryError {
    let first = text.split_whitespace().next().unwrap_or_default();
    QueryError::Refused { statement: first.to_uppercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_those_read_and_no_named_subqueries() {
        let sql = "WITH x AS (SELECT * FROM Items) SELECT * FROM x JOIN \"Odd name\" USING (a) \
                   WHERE b IN (SELECT c FROM models)";
        assert_eq!(tables_of(sql).unwrap(), ["Odd name", "items", "models"]);
        assert_eq!(tables_of("EXPLAIN SELECT 1").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn only_reading_is_allowed() {
        for (sql, word) in [
            ("CREATE TABLE t AS SELECT 1", "CREATE"),
            ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'x'", "CREATE"),
            ("CREATE VIEW v AS SELECT 1", "CREATE"),
            ("DROP TABLE items", "DROP"),
            ("INSERT INTO items VALUES (1)", "INSERT"),
            ("UPDATE items SET a = 1", "UPDATE"),
            ("DELETE FROM items", "DELETE"),
            ("COPY items TO 'x.csv'", "COPY"),
            ("EXPLAIN COPY items TO 'x.csv'", "COPY"),
            ("SET datafusion.execution.batch_size = 1", "SET"),
            ("RESET datafusion.execution.batch_size", "RESET"),
            ("SHOW TABLES", "SHOW"),
            ("PREPARE p AS SELECT 1", "PREPARE"),
            ("BEGIN", "BEGIN"),
            ("TRUNCATE TABLE items", "TRUNCATE"),
        ] {
            let error = tables_of(sql).unwrap_err();
            let QueryError::Refused { statement } = error else { panic!("{sql}: {error}") };
            assert_eq!(statement, word, "{sql}");
        }
    }

    #[test]
    fn one_statement_of_bounded_length() {
        for sql in ["", ";", "SELECT 1; SELECT 2", "PICK 1", "SELECT 'open"] {
            let error = tables_of(sql).unwrap_err();
            assert!(
                matches!(error, QueryError::Syntax(_) | QueryError::Refused { .. }),
                "{sql}: {error}"
            );
        }
        let long = format!("SELECT {}", "1,".repeat(LONGEST));
        assert!(matches!(tables_of(&long), Err(QueryError::Syntax(_))));
        let deep = format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000));
        assert!(matches!(tables_of(&deep), Err(QueryError::Syntax(_))));
    }
}
