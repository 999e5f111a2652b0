//! Three workers on loopback give what one process gives, and take nothing with them when they fall.

mod lake;
mod stage;

use arrow::{datatypes::DataType, util::pretty::pretty_format_batches};
use datafusion::logical_expr::{Volatility, create_udf};
use futures::StreamExt as _;
use rustls::{RootCertStore, crypto::aws_lc_rs};
use tokio::net::TcpListener;

use self::stage::{
    Running, all, alone, answer, client_tls, explained, planned, server_tls, spread, stage, worker,
    workers_of,
};
use super::*;
use crate::{ErrorKind, Exceeded, Scope};

const VERSION: &str = "1.2.3";
/// Small enough that every scan of the test lake is worth all workers.
const SPREAD_ALL: usize = 1;

/// Statements with one answer: each names an order that leaves nothing open.
const STATEMENTS: &[&str] = &[
    "SELECT account_id, region, count(*), sum(co2e_location_g), min(billed_cost), max(energy_kwh) FROM emissions \
     GROUP BY account_id, region ORDER BY 1, 2",
    "SELECT count(*), count(DISTINCT resource_id), sum(billed_cost) FROM emissions",
    "SELECT period, count(*) FROM emissions WHERE period >= '2026-10' AND account_id = '000000000003' GROUP BY 1 ORDER BY 1",
    "SELECT line_id, period, account_id, co2e_location_g, usage_start FROM emissions ORDER BY line_id, period LIMIT 50",
    "SELECT a.service_code, sum(a.co2e_location_g), sum(m.lines) FROM \
     (SELECT service_code, sum(co2e_location_g) AS co2e_location_g FROM emissions GROUP BY 1) a \
     JOIN (SELECT service_code, sum(lines) AS lines FROM emissions_monthly GROUP BY 1) m USING (service_code) \
     GROUP BY a.service_code ORDER BY 1",
    "SELECT count(*), sum(a.energy_kwh) FROM emissions a JOIN emissions b ON a.line_id = b.line_id AND a.period <> b.period",
    "SELECT d.region, count(*) FROM emissions d LEFT JOIN accounts x ON x.account_id = d.account_id GROUP BY 1 ORDER BY 1",
    "SELECT line_id, period, rank() OVER (PARTITION BY account_id ORDER BY line_id, period) AS place FROM emissions \
     ORDER BY place DESC, line_id, period LIMIT 40",
    "SELECT period, region, sum(sum(co2e_location_g)) OVER (PARTITION BY region ORDER BY period) FROM emissions_daily \
     GROUP BY period, region ORDER BY region, period",
    "SELECT tag(tags, 'team'), co2e_equivalent(sum(co2e_location_g), 'car_km') FROM emissions_monthly GROUP BY 1 ORDER BY 1",
    "SELECT day, sum(lines) FROM emissions_daily WHERE day IN (SELECT max(day) FROM emissions_daily) GROUP BY day",
    "SELECT region, array_to_string(array_agg(DISTINCT account_id ORDER BY account_id), ',') FROM emissions GROUP BY 1 ORDER BY 1",
    "SELECT account_id, region, count(*) FROM emissions WHERE account_id = '000000000003' GROUP BY CUBE (account_id, region) ORDER BY 1, 2",
    "SELECT region, sum(n) FROM (SELECT region, lines AS n FROM emissions_hourly UNION ALL \
     SELECT region, lines FROM emissions_daily) GROUP BY region ORDER BY 1",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_workers_give_what_one_process_gives() {
    let stage = stage(SPREAD_ALL, |_| {}).await;
    assert_eq!(stage.workers.up(), 3);
    for scope in
        ["", "account=000000000001,account=000000000004", "tag.team=web", "account=000000000002,tag.team=ml"]
    {
        let scope: Scope = scope.parse().unwrap();
        let (spread, alone) =
            (stage.spread.session(&scope).await.unwrap(), stage.alone.session(&scope).await.unwrap());
        for sql in STATEMENTS {
            // In a scope some tables are not there.
            if alone.plan(sql).await.is_err() {
                assert!(!scope.is_everything() && spread.plan(sql).await.is_err(), "{sql}");
                continue;
            }
            assert!(planned(&spread, sql).await.contains("DistributedExec"), "{scope}: {sql}");
            assert_eq!(answer(&spread, sql).await, answer(&alone, sql).await, "{scope}: {sql}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_view_gives_the_same() {
    let stage = stage(SPREAD_ALL, |_| {}).await;
    let everything = Scope::default();
    let spread = stage.spread.session(&everything).await.unwrap();
    let alone = stage.alone.session(&everything).await.unwrap();
    for view in crate::VIEWS {
        let columns =
            all(&alone, &format!("SELECT * FROM {} LIMIT 0", view.name)).await.unwrap().num_columns();
        let order: Vec<String> = (1..=columns).map(|place| place.to_string()).collect();
        let sql = format!("SELECT * FROM {} ORDER BY {}", view.name, order.join(", "));
        assert_eq!(answer(&spread, &sql).await, answer(&alone, &sql).await, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_works_where_the_rows_are_read() {
    let stage = stage(SPREAD_ALL, |_| {}).await;
    let session = stage.spread.session(&"account=000000000001".parse().unwrap()).await.unwrap();
    let plan = planned(&session, "SELECT region, count(*) FROM emissions GROUP BY region").await;
    let (_, sent) = plan.split_once("Stage 1 ──").expect("a stage that is sent");
    assert!(sent.contains("GuardExec"), "{plan}");
    let hidden =
        all(&session, "SELECT count(*) FROM emissions WHERE account_id <> '000000000001'").await.unwrap();
    let text = pretty_format_batches(&[hidden]).unwrap().to_string();
    assert!(text.contains("| 0 "), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_statements_stay_in_the_process() {
    let stage = stage(64 << 20, |_| {}).await;
    let session = stage.spread.session(&Scope::default()).await.unwrap();
    for sql in STATEMENTS {
        assert!(!planned(&session, sql).await.contains("DistributedExec"), "{sql}");
    }
    // Nor goes anything that only this process knows.
    drop(stage.spread);
    let workers = workers_of(&stage.running, worker().trust, SPREAD_ALL).await;
    let session = spread(&stage.lake, &workers).await.session(&Scope::default()).await.unwrap();
    let sql = "SELECT count(*) FROM emissions, information_schema.tables WHERE table_name = 'emissions'";
    assert!(!planned(&session, sql).await.contains("DistributedExec"));
    assert_eq!(all(&session, sql).await.unwrap().num_rows(), 1);
    let own = create_udf(
        "own",
        vec![DataType::Int64],
        DataType::Int64,
        Volatility::Immutable,
        Arc::new(|values| Ok(values[0].clone())),
    );
    session.context().register_udf(own);
    let sql = "SELECT sum(own(lines)) FROM emissions_daily";
    assert!(!planned(&session, sql).await.contains("DistributedExec"));
    assert_eq!(all(&session, sql).await.unwrap().num_rows(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_shows_what_runs_where() {
    let stage = stage(SPREAD_ALL, |_| {}).await;
    let session = stage.spread.session(&Scope::default()).await.unwrap();
    let sql = "SELECT region, count(*) FROM emissions GROUP BY region";
    let plan = explained(&session, "EXPLAIN", sql).await;
    for part in ["DistributedExec", "NetworkShuffleExec", "tasks=3", "DataSourceExec"] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    let plan = explained(&session, "EXPLAIN ANALYZE", sql).await;
    assert!(plan.contains("Stage 1") && plan.contains("output_rows"), "{plan}");
    assert!(!explained(&session, "EXPLAIN", "SELECT 1").await.contains("DistributedExec"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_files_of_the_months_asked_for_are_read() {
    let stage = stage(SPREAD_ALL, |_| {}).await;
    let session = stage.spread.session(&Scope::default()).await.unwrap();
    let plan = planned(&session, "SELECT count(region) FROM emissions WHERE period = '2026-09'").await;
    assert!(plan.contains("run_id=run-2026-09"), "{plan}");
    assert!(!plan.contains("run_id=run-2026-10") && !plan.contains("superseded"), "{plan}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_in_the_midst_is_an_error_and_the_rest_go_on() {
    let mut stage = stage(SPREAD_ALL, |_| {}).await;
    let session = stage.spread.session(&Scope::default()).await.unwrap();
    // Millions of rows, far more than fit between the processes.
    let sql =
        "SELECT a.line_id, a.resource_id, b.line_id AS other, b.tags FROM emissions a CROSS JOIN emissions b";
    assert!(planned(&session, sql).await.contains("DistributedExec"));
    let mut rows = session.query(sql).await.unwrap();
    assert!(rows.next().await.unwrap().unwrap().num_rows() > 0);
    stage.running[0].kill();
    let error = loop {
        match rows.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => break Error::from_engine(error),
            None => panic!("a partial answer went for a whole one"),
        }
    };
    assert_eq!(error.kind(), ErrorKind::Retry, "{}", error.private_message());
    assert!(rows.next().await.is_none());
    drop(rows);
    let alone = stage.alone.session(&Scope::default()).await.unwrap();
    assert_eq!(answer(&session, STATEMENTS[0]).await, answer(&alone, STATEMENTS[0]).await);
    assert_eq!(stage.workers.up(), 2);
    // Without any, the server does the work.
    stage.running.iter_mut().for_each(Running::kill);
    assert_eq!(answer(&session, STATEMENTS[0]).await, answer(&alone, STATEMENTS[0]).await);
    assert_eq!(stage.workers.up(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_nobody_waits_for_ends_on_the_workers() {
    let mut stage = stage(SPREAD_ALL, |_| {}).await;
    let session = stage.spread.session(&Scope::default()).await.unwrap();
    // 10^11 trios of rows that do not fit.
    let sql = "SELECT count(*) FROM emissions a, emissions b, emissions c WHERE a.line_seq + b.line_seq + c.line_seq < -1";
    let plan = planned(&session, sql).await;
    assert!(plan.split_once("── Stage").is_some_and(|(_, sent)| sent.contains("NestedLoopJoin")), "{plan}");
    let mut statement = Box::pin(all(&session, sql));
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut statement).await.is_err());
    // Others are served meanwhile.
    let alone = stage.alone.session(&Scope::default()).await.unwrap();
    assert_eq!(answer(&session, STATEMENTS[0]).await, answer(&alone, STATEMENTS[0]).await);
    drop(statement);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let ended = || stage.running.iter_mut().all(|worker| worker.end(Duration::from_secs(10)));
    assert!(tokio::task::block_in_place(ended));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_holds_a_statement_to_its_memory() {
    let stage = stage(SPREAD_ALL, |options| options.memory_bytes = 1).await;
    let session = stage.spread.session(&Scope::default()).await.unwrap();
    let error = all(&session, STATEMENTS[0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit(Exceeded::Memory), "{}", error.private_message());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_are_bounded_on_workers_too() {
    let stage = stage(SPREAD_ALL, |_| {}).await;
    let session = stage.spread.session(&Scope::default()).await.unwrap();
    let sql = "SELECT max(length(repeat(line_id, 20000))) FROM emissions WHERE line_id = 'line-400'";
    assert!(planned(&session, sql).await.contains("DistributedExec"));
    let error = all(&session, sql).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit(Exceeded::Memory), "{}", error.private_message());
    assert_eq!(all(&session, &sql.replace("20000", "2")).await.unwrap().num_rows(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_a_statement_stay_its_own() {
    let stage = stage(SPREAD_ALL, |_| {}).await;
    let session = stage.spread.session(&Scope::default()).await.unwrap();
    let error = all(&session, "SELECT sum(1 / (lines - lines)) FROM emissions_daily").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Statement, "{}", error.private_message());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_show_the_secret_is_not_let_in() {
    let stage = stage(SPREAD_ALL, |_| {}).await;
    for secret in [None, Some(Secret::presented("s3cre"))] {
        let workers = workers_of(&stage.running, Trust { secret, tls: None }, SPREAD_ALL).await;
        assert_eq!(workers.up(), 0);
        // Even to who believes that they are up.
        workers.0.members.iter().for_each(|member| member.is_up.store(true, Ordering::Relaxed));
        let ledger = spread(&stage.lake, &workers).await;
        let session = ledger.session(&Scope::default()).await.unwrap();
        let plan = session.plan(STATEMENTS[0]).await.unwrap();
        let Err(error) = workers.begin(&session.context().state(), &plan).await else {
            panic!("it was let in")
        };
        assert!(error.to_string().contains("Unauthenticated"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_of_another_version_are_left_alone() {
    let stage = stage(SPREAD_ALL, |options| options.version = "1.2.4").await;
    assert_eq!(stage.workers.up(), 0);
}

#[tokio::test]
async fn a_worker_beyond_this_machine_needs_a_certificate_and_a_secret() {
    let (lake, _folder) = lake::lake().await;
    for options in [worker(), WorkerOptions { trust: Trust::default(), tls: Some(server_tls()), ..worker() }]
    {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let error = serve_worker(listener, &lake, options, &CancellationToken::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Statement, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_talk_over_tls() {
    let (lake, _folder) = lake::lake().await;
    let trust = Trust { tls: Some(client_tls()), ..worker().trust };
    let options = WorkerOptions { trust: trust.clone(), tls: Some(server_tls()), ..worker() };
    let running: Vec<Running> = (0..2).map(|_| Running::start(&lake, options.clone())).collect();
    let workers = workers_of(&running, trust.clone(), SPREAD_ALL).await;
    assert_eq!(workers.up(), 2);
    let ledger = spread(&lake, &workers).await;
    let session = ledger.session(&Scope::default()).await.unwrap();
    let alone = alone(&lake).await.session(&Scope::default()).await.unwrap();
    assert!(planned(&session, STATEMENTS[0]).await.contains("DistributedExec"));
    assert_eq!(answer(&session, STATEMENTS[0]).await, answer(&alone, STATEMENTS[0]).await);
    // Certificates of nobody that is trusted are refused.
    let empty = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let strangers = workers_of(&running, Trust { tls: Some(Arc::new(empty)), ..trust }, SPREAD_ALL).await;
    assert_eq!(strangers.up(), 0);
}
