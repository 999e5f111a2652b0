//! Statements at the edge of what is allowed, on the tables of the ledger without rows.

use std::{thread, time::Duration};

use airshed_domain::schema;
use arrow::array::RecordBatch;
use datafusion::{datasource::MemTable, execution::runtime_env::RuntimeEnv};
use futures::TryStreamExt as _;

use super::*;
use crate::error::Exceeded;

/// As the threads of the server.
const STACK_BYTES: usize = 16 << 20;

async fn session(limits: Limits) -> Session {
    let empty = |table: Table| -> (Table, Arc<dyn TableProvider>) {
        let rows = MemTable::try_new(table.schema(), vec![vec![]]).unwrap();
        (table, Arc::new(rows))
    };
    let tables = schema::all().into_iter().map(empty).collect();
    let functions = crate::functions::all();
    Session::new(tables, &functions, &Arc::new(RuntimeEnv::default()), limits, None).await.unwrap()
}

async fn rows(session: &Session, sql: &str) -> Result<Vec<RecordBatch>> {
    session.query(sql).await?.try_collect().await.map_err(Error::from_engine)
}

/// Runs something with the stack that the server has.
fn served(work: impl Future<Output = ()> + Send + 'static) {
    let run = move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.thread_stack_size(STACK_BYTES).enable_all().build().unwrap().block_on(work);
    };
    thread::Builder::new().stack_size(STACK_BYTES).spawn(run).unwrap().join().unwrap();
}

/// The largest statements that are allowed, each of its kind.
fn largest() -> Vec<(&'static str, String)> {
    let doubled = (1..=8).map(|n| format!(", t{n} AS (SELECT a.line_id FROM t{0} a, t{0} b)", n - 1));
    let numbers: Vec<String> = (0..9_000).map(|n| n.to_string()).collect();
    let columns: Vec<String> = (0..4_000).map(|n| format!("{n} AS c{n}")).collect();
    let joins: Vec<String> =
        (1..60).map(|n| format!("JOIN emissions e{n} ON e{n}.line_id = e0.line_id")).collect();
    let keys: Vec<String> = (1..=8).map(|n| format!("line_seq + {n}")).collect();
    let nested = |open: &str, close: &str, of: usize| format!("{}1{}", open.repeat(of), close.repeat(of));
    vec![
        ("sum", format!("SELECT {}1", "line_seq + ".repeat(990)) + " FROM emissions"),
        ("condition", format!("SELECT 1 FROM emissions WHERE {}true", "line_seq = 5 OR ".repeat(490))),
        ("texts", format!("SELECT {}line_id FROM emissions", "line_id || ".repeat(990))),
        ("list", format!("SELECT 1 FROM emissions WHERE line_seq IN ({})", numbers.join(","))),
        ("columns", format!("SELECT {} FROM emissions", columns.join(","))),
        ("union", vec!["SELECT * FROM emissions"; 60].join(" UNION ALL ")),
        ("union of constants", vec!["SELECT 1"; 101].join(" UNION ALL ")),
        ("cases", format!("SELECT {}", nested("CASE WHEN random() > 0.5 THEN ", " END", 40))),
        ("calls", format!("SELECT {}", nested("abs(", ")", 15))),
        ("arrays", format!("SELECT {}", nested("[", "]", 40))),
        ("casts", format!("SELECT 1{}", "::text::int".repeat(490))),
        ("subqueries", format!("SELECT * FROM {}", nested("(SELECT * FROM ", ") t", 10)).replace('1', "emissions")),
        ("joins", format!("SELECT count(*) FROM emissions e0 {}", joins.join(" "))),
        ("cube", format!("SELECT count(*) FROM emissions GROUP BY CUBE ({})", keys.join(","))),
        (
            "common tables",
            format!(
                "WITH t0 AS (SELECT line_id FROM emissions){} SELECT count(*) FROM t8",
                doubled.collect::<String>()
            ),
        ),
        (
            "recursion with a correlated query",
            "WITH RECURSIVE x AS (SELECT min(line_id) AS l FROM emissions UNION ALL SELECT (SELECT min(line_id) \
             FROM emissions WHERE line_id > x.l) FROM x WHERE false) SELECT * FROM x"
                .to_owned(),
        ),
    ]
}

#[test]
fn the_largest_statements_have_stack_enough() {
    served(async {
        let session = session(Limits::new(2, 64 << 20)).await;
        let mut failed = Vec::new();
        for (name, sql) in largest() {
            let found = rows(&session, &sql).await;
            if let Err(error) = found {
                let message: String = error.private_message().chars().take(400).collect();
                failed.push(format!("{name}: {message}"));
            }
        }
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    });
}

#[test]
fn larger_ones_are_refused_and_the_process_lives() {
    served(async {
        let session = session(Limits::new(2, 64 << 20)).await;
        let doubled = (1..=25).map(|n| format!(", t{n} AS (SELECT a.x FROM t{0} a, t{0} b)", n - 1));
        for sql in [
            format!("SELECT {}1", "1 + ".repeat(100_000)),
            format!("SELECT 1 FROM emissions WHERE {}true", "line_seq = 5 OR ".repeat(20_000)),
            vec!["SELECT 1"; 3_000].join(" UNION ALL "),
            format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(3_000), " END".repeat(3_000)),
            format!("SELECT 1 WHERE 1 IN ({})", vec!["1"; 100_000].join(",")),
            format!("{}SELECT 1", "EXPLAIN ".repeat(8_000)),
            format!("WITH t0 AS (SELECT 1 AS x){} SELECT 1 FROM t25", doubled.collect::<String>()),
            "SELECT CAST(NULL AS INT[2000000000])".to_owned(),
        ] {
            let refused = rows(&session, &sql).await.unwrap_err();
            let message = refused.public_message();
            assert_eq!(refused.kind(), ErrorKind::Statement, "{}: {message}", &sql[..40]);
            assert!(
                message.contains("allowed") || message.contains("more than") || message.contains("length"),
                "{message}"
            );
        }
    });
}

#[tokio::test]
async fn who_sees_a_part_of_the_rows_is_shown_no_plan() {
    let all = session(Limits::new(2, 64 << 20)).await;
    let part = all.clone().guarded();
    for form in
        ["EXPLAIN", "EXPLAIN VERBOSE", "EXPLAIN ANALYZE", "EXPLAIN ANALYZE VERBOSE", "EXPLAIN FORMAT TREE"]
    {
        let sql = format!("{form} SELECT count(*) FROM emissions");
        assert!(rows(&all, &sql).await.is_ok(), "{sql}");
        let refused = rows(&part, &sql).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Denied, "{sql}");
    }
    assert!(rows(&part, "SELECT count(*) FROM emissions").await.is_ok());
    assert!(rows(&part, "DESCRIBE emissions").await.is_ok());
}

#[test]
fn planning_counts_as_time() {
    served(async {
        let timeout = Some(Duration::from_millis(5));
        let session = session(Limits { timeout, ..Limits::new(2, 64 << 20) }).await;
        let joins: Vec<String> =
            (1..60).map(|n| format!("JOIN emissions e{n} ON e{n}.line_id = e0.line_id")).collect();
        let sql = format!("SELECT count(*) FROM emissions e0 {}", joins.join(" "));
        assert_eq!(rows(&session, &sql).await.unwrap_err().kind(), ErrorKind::Limit(Exceeded::Time));
        assert_eq!(session.plan(&sql).await.unwrap_err().kind(), ErrorKind::Limit(Exceeded::Time));
    });
}

#[tokio::test]
async fn others_go_on_while_a_statement_is_planned() {
    let session = session(Limits::new(1, 64 << 20)).await;
    let joins: Vec<String> =
        (1..30).map(|n| format!("JOIN emissions e{n} ON e{n}.line_id = e0.line_id")).collect();
    let sql = format!("SELECT count(*) FROM emissions e0 {}", joins.join(" "));
    let mut ticks = 0;
    let planned = session.plan(&sql);
    tokio::pin!(planned);
    let plan = loop {
        tokio::select! {
            plan = &mut planned => break plan,
            () = tokio::time::sleep(Duration::from_millis(1)) => ticks += 1,
        }
    };
    assert!(plan.is_ok(), "{}", plan.unwrap_err().private_message());
    assert!(ticks > 1, "the only thread of the runtime was taken");
}

#[tokio::test]
async fn patterns_come_from_the_statement() {
    let session = session(Limits::new(2, 64 << 20)).await;
    for sql in [
        "SELECT 1 FROM emissions WHERE regexp_like(line_id, '^' || 'a')",
        "SELECT 1 FROM emissions WHERE line_id ~ '^a' OR line_id !~* 'b' OR line_id SIMILAR TO 'a%'",
        "SELECT regexp_replace(line_id, 'a', region) FROM emissions",
    ] {
        rows(&session, sql).await.unwrap();
    }
    for sql in [
        "SELECT 1 FROM emissions WHERE regexp_like(line_id, region)",
        "SELECT regexp_count(line_id, 'a' || random()) FROM emissions",
        "SELECT regexp_match('x', region), regexp_replace(region, region, 'x') FROM emissions",
        "SELECT 1 FROM emissions WHERE line_id ~ region",
        "SELECT 1 FROM emissions WHERE line_id !~* repeat(region, 2)",
        "SELECT 1 FROM emissions WHERE line_id SIMILAR TO region",
        "SELECT 1 FROM emissions WHERE line_id ~ (SELECT max(region) FROM emissions)",
        "WITH p AS (SELECT '(a|' || line_id || ')?' AS of FROM emissions) SELECT regexp_instr('x', of) FROM p",
        "SELECT 1 FROM emissions e WHERE EXISTS (SELECT 1 FROM accounts a WHERE a.account_name ~ e.region)",
        "EXPLAIN ANALYZE SELECT 1 FROM emissions WHERE line_id ~ region",
    ] {
        let error = rows(&session, sql).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Statement, "{sql}: {}", error.public_message());
        assert!(
            error.public_message().contains("regular expression must"),
            "{sql}: {}",
            error.public_message()
        );
    }
}
