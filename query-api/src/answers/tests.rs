//! What is asked once, and what again.

use std::sync::atomic::{AtomicUsize, Ordering};

use airshed_domain::schema;
use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use async_trait::async_trait;
use datafusion::{
    catalog::{Session as State, TableProvider},
    datasource::MemTable,
    execution::runtime_env::RuntimeEnv,
    logical_expr::{Expr, TableType},
    physical_plan::ExecutionPlan,
};
use futures::{TryStreamExt as _, future::join_all};

use super::*;
use crate::{error::ErrorKind, limits::Limits};

/// Rows of nulls, and how often they were read.
#[derive(Debug)]
struct Counted(MemTable, Arc<AtomicUsize>);

#[async_trait]
impl TableProvider for Counted {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn State,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        // Long enough for others to ask meanwhile.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        self.0.scan(state, projection, filters, limit).await
    }
}

/// A session on `emissions` of so many rows, and how often they were read.
async fn counted(rows: usize) -> (Session, Arc<AtomicUsize>) {
    let reads = Arc::new(AtomicUsize::new(0));
    let tables = schema::all().into_iter().map(|table| {
        let columns: Vec<ArrayRef> =
            table.schema().fields().iter().map(|field| new_null_array(field.data_type(), rows)).collect();
        let nullable: Vec<_> =
            table.schema().fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let schema = Arc::new(arrow::datatypes::Schema::new(nullable));
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        let memory = MemTable::try_new(schema, vec![vec![batch]]).unwrap();
        (table, Arc::new(Counted(memory, Arc::clone(&reads))) as Arc<dyn TableProvider>)
    });
    let runtime = Arc::new(RuntimeEnv::default());
    let limits = Limits::new(2, 256 << 20);
    let session =
        Session::new(tables.collect(), &crate::functions::all(), &runtime, limits, None).await.unwrap();
    (session, reads)
}

async fn rows(answers: &Answers, revision: &str, scope: &Scope, session: &Session, sql: &str) -> usize {
    let rows = answers.rows(revision, scope, session, sql).await.unwrap();
    rows.try_collect::<Vec<_>>().await.unwrap().iter().map(RecordBatch::num_rows).sum()
}

const SQL: &str = "SELECT account_id FROM emissions";

#[tokio::test(flavor = "multi_thread")]
async fn equal_questions_are_asked_once() {
    let (session, reads) = counted(3).await;
    let (answers, all) = (Answers::new(1 << 20), Scope::default());
    let asked = join_all((0..8).map(|_| rows(&answers, "1", &all, &session, SQL))).await;
    assert_eq!((asked, reads.load(Ordering::Relaxed)), (vec![3; 8], 1));
    assert_eq!(rows(&answers, "1", &all, &session, SQL).await, 3);
    assert_eq!(reads.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_revision_scope_or_statement_is_another_question() {
    let (session, reads) = counted(3).await;
    let (answers, all) = (Answers::new(1 << 20), Scope::default());
    let scope = |text: &str| text.parse::<Scope>().unwrap();
    rows(&answers, "1", &all, &session, SQL).await;
    for (nth, (revision, scope, sql)) in [
        ("2", all.clone(), SQL),
        ("1", scope("account=1"), SQL),
        ("1", scope("account=2"), SQL),
        ("1", scope("tag.account=1"), SQL),
        ("1", all.clone(), "SELECT region FROM emissions"),
    ]
    .into_iter()
    .enumerate()
    {
        rows(&answers, revision, &scope, &session, sql).await;
        assert_eq!(reads.load(Ordering::Relaxed), nth + 2, "{revision} {scope} {sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_answer_comes_whole_to_each_and_is_not_kept() {
    let many = 200_000;
    let (session, reads) = counted(many).await;
    let (answers, all) = (Answers::new(64 << 20), Scope::default());
    let sql = "SELECT account_id, region, service_code, usage_type, CAST(random() AS VARCHAR) FROM emissions";
    let asked = join_all((0..3).map(|_| rows(&answers, "1", &all, &session, sql))).await;
    assert_eq!(asked, [many; 3]);
    assert_eq!(rows(&answers, "1", &all, &session, sql).await, many);
    assert_eq!(reads.load(Ordering::Relaxed), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_told_to_all_who_wait_and_not_kept() {
    let (session, _) = counted(3).await;
    let (answers, all) = (Answers::new(1 << 20), Scope::default());
    let wrong = "SELECT 1 / (lines_wrong) FROM emissions";
    let told = join_all((0..4).map(|_| answers.rows("1", &all, &session, wrong))).await;
    for answer in told {
        let error = answer.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Statement);
        assert!(error.public_message().contains("lines_wrong"), "{}", error.public_message());
    }
    assert_eq!(rows(&answers, "1", &all, &session, SQL).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_served_when_the_first_goes_away() {
    let (session, reads) = counted(3).await;
    let (answers, all) = (Answers::new(1 << 20), Scope::default());
    let first =
        tokio::time::timeout(std::time::Duration::from_millis(10), rows(&answers, "1", &all, &session, SQL));
    let (first, second) = tokio::join!(first, rows(&answers, "1", &all, &session, SQL));
    assert_eq!((first.is_err(), second), (true, 3));
    assert_eq!(reads.load(Ordering::Relaxed), 2);
}
