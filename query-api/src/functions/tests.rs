//! The statements of `docs/sql-functions.md` run, and give the answers that are shown.

use std::sync::Arc;

use airshed_domain::schema;
use arrow::util::pretty::pretty_format_batches;
use datafusion::{datasource::MemTable, prelude::SessionContext};

use super::all;

const PAGE: &str = include_str!("../../../docs/sql-functions.md");

/// A session with the tables of the ledger, without rows.
fn session() -> SessionContext {
    let context = SessionContext::new();
    for function in all() {
        context.register_udf(function);
    }
    for table in schema::all() {
        let empty = MemTable::try_new(table.schema(), vec![vec![]]).unwrap();
        context.register_table(table.name, Arc::new(empty)).unwrap();
    }
    context
}

/// Each statement of the page with its answer, where one follows.
fn examples() -> Vec<(&'static str, Option<&'static str>)> {
    PAGE.split("```sql\n")
        .skip(1)
        .map(|rest| {
            let (statement, rest) = rest.split_once("```").unwrap();
            let answer = rest.strip_prefix("\n\n```text\n").map(|rest| rest.split_once("\n```").unwrap().0);
            (statement, answer)
        })
        .collect()
}

#[tokio::test]
async fn the_statements_of_the_page_give_what_it_shows() {
    let session = session();
    let mut compared = 0;
    for (statement, shown) in examples() {
        let rows = session.sql(statement).await.unwrap().collect().await.unwrap();
        if let Some(shown) = shown {
            assert_eq!(pretty_format_batches(&rows).unwrap().to_string(), shown, "{statement}");
            compared += 1;
        }
    }
    assert_eq!(compared, all().len());
}

#[test]
fn the_page_has_every_function() {
    for function in all() {
        let name = function.name();
        assert!(PAGE.contains(&format!("\n## {name}\n")), "{name} has no heading");
        let shown = |(statement, answer): &(&str, Option<&str>)| {
            answer.is_some() && statement.contains(&format!("{name}("))
        };
        assert!(examples().iter().any(shown), "{name} has no example with an answer");
    }
}

/// What a statement is refused with.
async fn refusal(statement: &str) -> String {
    let session = session();
    let refused = match session.sql(statement).await {
        Ok(rows) => rows.collect().await.map(|rows| format!("{rows:?}")),
        Err(error) => Err(error),
    };
    refused.unwrap_err().strip_backtrace()
}

#[tokio::test]
async fn wrong_arguments_are_refused_with_what_is_taken() {
    let intensity = "takes a grid zone or region, a time, and if wanted 'location' or 'market'";
    let power = "takes an instance type, a utilisation from 0 to 1";
    for (statement, says) in [
        ("SELECT grid_intensity('IE')", intensity),
        ("SELECT grid_intensity(1, now())", intensity),
        ("SELECT grid_intensity('IE', 2025)", intensity),
        ("SELECT grid_intensity('IE', '2025-06-01', 'both')", intensity),
        ("SELECT grid_intensity('IE', '2025-06-01', NULL)", intensity),
        (
            "SELECT grid_intensity('IE', '2025-06-01', b) FROM (VALUES ('market'), ('location')) AS t(b)",
            intensity,
        ),
        ("SELECT grid_intensity('IE', 'noon')", "noon"),
        ("SELECT cpu_power_w('m5.xlarge')", power),
        ("SELECT cpu_power_w(5, 0.5)", power),
        ("SELECT cpu_power_w('m5.xlarge', 'half')", power),
        ("SELECT cpu_power_w('m5.xlarge', 0.5, 'measured')", power),
        ("SELECT cpu_power_w('m5.xlarge', 50)", "takes a utilisation from 0 to 1, not 50"),
        ("SELECT cpu_power_w('m5.xlarge', -0.1)", "takes a utilisation from 0 to 1, not -0.1"),
        ("SELECT cpu_power_w('x0.huge', CAST('NaN' AS DOUBLE))", "takes a utilisation from 0 to 1, not NaN"),
    ] {
        let said = refusal(statement).await;
        assert!(said.contains(says), "{statement}: {said}");
    }
}

#[tokio::test]
async fn nulls_give_null() {
    let session = session();
    for call in [
        "grid_intensity(NULL, '2025-06-01')",
        "grid_intensity('IE', NULL)",
        "grid_intensity('IE', NULL, 'market')",
        "grid_intensity('IE', TIMESTAMP '1960-01-01T00:00:00')",
        "grid_intensity('nowhere', '2025-06-01')",
        "cpu_power_w(NULL, 0.5)",
        "cpu_power_w('m5.xlarge', NULL)",
        "cpu_power_w('x0.huge', 0.5)",
    ] {
        let sql = format!("SELECT {call} IS NULL AS nothing");
        let rows = session.sql(&sql).await.unwrap().collect().await.unwrap();
        assert!(pretty_format_batches(&rows).unwrap().to_string().contains("true"), "{call}");
    }
}
