//! Statements on a guarded table in memory: what they answer, and what they give away.

use arrow::{
    array::{Array as _, AsArray as _, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Int64Type, Schema},
    util::pretty::pretty_format_batches,
};
use datafusion::{
    datasource::MemTable,
    logical_expr::{col, lit},
    prelude::SessionContext,
};

use super::*;

/// Accounts a, b and none; costs 1 to 6. Account a has 1 and 4. Somebody else has the cost 5.
fn guarded() -> SessionContext {
    let schema = Arc::new(Schema::new(vec![
        Field::new("account_id", DataType::Utf8, true),
        Field::new("cost", DataType::Int64, false),
    ]));
    let accounts = StringArray::from(vec![Some("a"), Some("b"), None, Some("a"), Some("b"), None]);
    let costs = Int64Array::from(vec![1, 2, 3, 4, 5, 6]);
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(accounts), Arc::new(costs)]).unwrap();
    let table = MemTable::try_new(schema, vec![vec![batch]]).unwrap();
    let guarded = Guarded::new(Arc::new(table), col("account_id").in_list(vec![lit("a")], false));
    let context = SessionContext::new();
    context.register_table("lines", Arc::new(guarded)).unwrap();
    context
}

async fn ask(sql: &str) -> Result<Vec<RecordBatch>> {
    guarded().sql(sql).await?.collect().await
}

async fn number(sql: &str) -> Option<i64> {
    let batches = ask(sql).await.unwrap();
    let column = batches[0].column(0).as_primitive::<Int64Type>();
    column.is_valid(0).then(|| column.value(0))
}

#[tokio::test]
async fn only_rows_of_the_scope_count() {
    for (sql, expected) in [
        ("SELECT count(*) FROM lines", Some(2)),
        ("SELECT sum(cost) FROM lines", Some(5)),
        ("SELECT max(cost) FROM lines", Some(4)),
        ("SELECT sum(cost) FROM lines WHERE account_id = 'b'", None),
        ("SELECT count(*) FROM lines WHERE account_id IS NULL", Some(0)),
        ("SELECT count(*) FROM lines WHERE account_id = 'b' OR 1 = 1", Some(2)),
        ("SELECT count(*) FROM lines x JOIN lines y ON x.cost <> y.cost", Some(2)),
        (
            "SELECT count(*) FROM (SELECT cost FROM lines UNION ALL SELECT cost FROM lines) AS both_of_them",
            Some(4),
        ),
        ("SELECT (SELECT max(cost) FROM lines)", Some(4)),
        ("SELECT count(*) FROM lines WHERE EXISTS (SELECT 1 FROM lines y WHERE y.account_id = 'b')", Some(0)),
        ("SELECT cost FROM lines ORDER BY cost DESC LIMIT 1", Some(4)),
        ("SELECT sum(cost) OVER () FROM lines LIMIT 1", Some(5)),
        // Conditions on columns that nothing above needs.
        (
            "SELECT count(account_id) FROM (SELECT account_id, cost FROM lines WHERE cost = 1 OR account_id = 'a') \
             AS some WHERE account_id = 'a'",
            Some(2),
        ),
    ] {
        assert_eq!(number(sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn errors_do_not_speak_of_hidden_rows() {
    // A cost of 5 would divide by zero, and it is somebody else's.
    assert_eq!(number("SELECT count(*) FROM lines WHERE 1 / (cost - 5) < 1").await, Some(2));
    assert_eq!(number("SELECT count(*) FROM lines WHERE cost > 0 AND 1 / (cost - 5) < 1").await, Some(2));
    // One's own does.
    assert!(ask("SELECT count(*) FROM lines WHERE 1 / (cost - 4) < 1").await.is_err());
}

#[tokio::test]
async fn nothing_of_a_statement_goes_below_the_guard_that_could_fail() {
    let plan = ask("EXPLAIN SELECT cost FROM lines WHERE cost > 2 AND 1 / (cost - 5) < 1").await.unwrap();
    let text = pretty_format_batches(&plan).unwrap().to_string();
    let (above, below) = text.split_once("GuardExec").expect("a guard in the plan");
    assert!(above.contains('/'), "{text}");
    assert!(!below.contains('/'), "{text}");
}

#[test]
fn comparisons_of_columns_with_literals_cannot_fail() {
    let cost = || col("cost");
    for condition in [
        cost().gt(lit(1_i64)),
        lit(1_i64).lt(cost()),
        cost().between(lit(1_i64), lit(2_i64)),
        cost().in_list(vec![lit(1_i64)], false),
        cost().is_null().or(cost().not_eq(lit(3_i64))),
    ] {
        assert!(cannot_fail(&condition), "{condition}");
    }
    for condition in [(cost() / lit(0_i64)).gt(lit(1_i64)), cost().gt(cost()), cost().eq(cost() % lit(2_i64))]
    {
        assert!(!cannot_fail(&condition), "{condition}");
    }
}
