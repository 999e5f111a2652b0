use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray as _, Int64Array, StringArray},
    datatypes::Int64Type,
};
use arrow_flight::encode::FlightDataEncoderBuilder;
use datafusion::prelude::SessionContext;
use futures::stream;

use super::*;

#[test]
fn question_marks_are_numbered_and_texts_stay() {
    for (sql, read) in [
        ("SELECT ? + ?", "SELECT $1 + $2"),
        ("SELECT '?', \"?\", 'it''s ?' -- ?\n, ?", "SELECT '?', \"?\", 'it''s ?' -- ?\n, $1"),
        ("SELECT /* ? */ ?", "SELECT /* ? */ $1"),
        ("SELECT $1", "SELECT $1"),
        ("SELECT 'a ? that does not end", "SELECT 'a ? that does not end"),
        (r"SELECT E'\'?' || ?", r"SELECT E'\'?' || $1"),
    ] {
        assert_eq!(numbered(sql).unwrap(), read);
    }
    assert!(numbered("SELECT ?, $1").unwrap_err().private_message().contains("all as $1"));
}

async fn plan(sql: &str) -> LogicalPlan {
    let context = SessionContext::new();
    context.sql("CREATE TABLE t AS SELECT 1::bigint AS n, 'a' AS s").await.unwrap();
    context.state().create_logical_plan(&numbered(sql).unwrap()).await.unwrap()
}

async fn sent(batch: RecordBatch) -> Result<Bytes> {
    let batches = stream::iter([Ok(batch)]);
    received(FlightDataEncoderBuilder::new().build(batches).map_err(Status::from)).await
}

fn row(numbers: Vec<i64>, texts: Vec<&str>) -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from(numbers));
    let texts: ArrayRef = Arc::new(StringArray::from(texts));
    RecordBatch::try_from_iter([("0", numbers), ("1", texts)]).unwrap()
}

#[tokio::test]
async fn values_take_the_places_of_parameters() {
    let plan = plan("SELECT n + ? AS n FROM t WHERE s = ?").await;
    let expected = expected(&plan).unwrap();
    let types: Vec<_> = expected.fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!((types[0].clone(), types[1].is_string()), (DataType::Int64, true));
    let values = sent(row(vec![41], vec!["a"])).await.unwrap();
    let plan = bind(plan, &values).unwrap();
    let rows = SessionContext::new().execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
    assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().value(0), 42);
}

#[tokio::test]
async fn parameters_that_do_not_fit_are_refused() {
    let two = sent(row(vec![1], vec!["a"])).await.unwrap();
    for (sql, values, told) in [
        ("SELECT ? FROM t", two.clone(), "the statement has 1, and 2 were given"),
        ("SELECT ? FROM t", Bytes::new(), "the statement has 1, and 0 were given"),
        ("SELECT n FROM t", two, "the statement has 0, and 2 were given"),
        ("SELECT $2 FROM t", Bytes::new(), "there is no $1"),
        ("SELECT $name FROM t", Bytes::new(), "there is no $1"),
        ("SELECT ? FROM t", Bytes::from_static(b"no arrow"), "cannot be read"),
    ] {
        let error = bind(plan(sql).await, &values).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Statement, "{sql}");
        assert!(error.private_message().contains(told), "{}", error.private_message());
    }
}

#[tokio::test]
async fn one_row_at_a_time() {
    let error = sent(row(vec![1, 2], vec!["a", "b"])).await.unwrap_err();
    assert!(error.private_message().contains("one row"), "{}", error.private_message());
    let error = sent(row(vec![], vec![])).await.unwrap_err();
    assert!(error.private_message().contains("no row"), "{}", error.private_message());
}
