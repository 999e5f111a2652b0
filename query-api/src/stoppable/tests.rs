//! Statements that nobody waits for end, and others are served beside them.

use std::time::Duration;

use arrow::array::RecordBatch;
use datafusion::{
    execution::SessionStateBuilder,
    prelude::{SessionConfig, SessionContext},
};
use tokio::{task::JoinSet, time::timeout};

use super::*;

/// Statements that go on for much longer than any test may take.
const FOREVER: [&str; 5] = [
    // Pairs that no condition fits.
    "SELECT count(*) FROM generate_series(1, 1000000) a(x), generate_series(1, 1000000) b(y) WHERE a.x + b.y < 0",
    // Pairs that all fit, with a condition and without.
    "SELECT max(a.x + b.y) FROM generate_series(1, 1000000) a(x), generate_series(1, 1000000) b(y) WHERE a.x + b.y > 0",
    "SELECT max(a.x + b.y) FROM generate_series(1, 1000000) a(x), generate_series(1, 1000000) b(y)",
    // Pairs of equals, that no condition fits and that all fit.
    "SELECT count(*) FROM generate_series(1, 1000000) a(x) JOIN generate_series(1, 1000000) b(x) ON a.x % 2 = b.x % 2 AND a.x + b.x < 0",
    "SELECT max(a.x + b.x) FROM generate_series(1, 1000000) a(x) JOIN generate_series(1, 1000000) b(x) ON a.x % 2 = b.x % 2",
];

async fn begun(sql: &str) -> SendableRecordBatchStream {
    let state = SessionStateBuilder::new()
        .with_config(SessionConfig::new().with_target_partitions(2))
        .with_default_features()
        .with_physical_optimizer_rule(Arc::new(YieldingJoins));
    let context = SessionContext::new_with_state(state.build());
    let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    Stoppable::new(plan).unwrap().run(context.task_ctx()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn others_are_served_and_what_is_dropped_ends() {
    for sql in FOREVER {
        let mut rows = begun(sql).await;
        for _ in 0..10 {
            assert!(timeout(Duration::from_millis(50), rows.next()).await.is_err(), "{sql}");
            let mut others = JoinSet::new();
            others.spawn(async {});
            assert!(timeout(Duration::from_secs(5), others.join_next()).await.is_ok(), "{sql}");
        }
        drop(rows);
    }
    // The runtime would wait for a thread that goes on.
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rows_are_the_same() {
    let sql = "SELECT a.x, b.y FROM generate_series(1, 300) a(x), generate_series(1, 300) b(y) WHERE a.x * b.y < 100";
    let context = SessionContext::new();
    let expected: usize =
        context.sql(sql).await.unwrap().collect().await.unwrap().iter().map(RecordBatch::num_rows).sum();
    let mut rows = begun(sql).await;
    let mut found = 0;
    while let Some(batch) = rows.next().await {
        found += batch.unwrap().num_rows();
    }
    assert_eq!(found, expected);
}
