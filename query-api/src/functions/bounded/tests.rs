//! Functions give what the engine's own give, and not more than they may.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray},
    util::pretty::pretty_format_batches,
};
use datafusion::{
    datasource::MemTable,
    execution::{
        SessionStateBuilder,
        disk_manager::{DiskManagerBuilder, DiskManagerMode},
        runtime_env::RuntimeEnvBuilder,
    },
    prelude::{SessionConfig, SessionContext},
};

use super::*;
use crate::error::{Error, ErrorKind, Exceeded};

/// A session as [`Session`](crate::Session) sets it up, or one of the engine's own.
fn context(is_confined: bool) -> SessionContext {
    let mut builder = SessionStateBuilder::new().with_config(SessionConfig::new()).with_default_features();
    if is_confined {
        let operators = Arc::new(Operators::new().unwrap());
        builder.expr_planners().get_or_insert_default().insert(0, operators);
    }
    let context = SessionContext::new_with_state(builder.build());
    if is_confined {
        confine(&context);
    }
    let texts: StringArray = (0..8_192).map(|n| (n % 7 > 0).then(|| format!("line-{n}-é"))).collect();
    let numbers: Int64Array = (0..8_192).map(|n| (n % 5 > 0).then_some(n % 11 - 2)).collect();
    let (texts, numbers): (ArrayRef, ArrayRef) = (Arc::new(texts), Arc::new(numbers));
    let rows = RecordBatch::try_from_iter([("s", texts), ("n", numbers)]).unwrap();
    let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap();
    context.register_table("t", Arc::new(table)).unwrap();
    context
}

async fn answer(context: &SessionContext, sql: &str) -> Result<String> {
    let rows = context.sql(sql).await?.collect().await?;
    Ok(pretty_format_batches(&rows)?.to_string())
}

#[tokio::test]
async fn bounded_functions_give_what_the_engines_give() {
    let (bounded, engines) = (context(true), context(false));
    for expression in [
        "s || '-' || n || s",
        "s || NULL",
        "'a' || 1 || 'b'",
        "[1, 2] || 3",
        "0 || [n, 2]",
        "[n] || [1, 2]",
        "concat(s, '-', n, NULL)",
        "concat_ws(', ', s, NULL, n)",
        "repeat(s, n)",
        "repeat('ab', 3)",
        "lpad(s, 12, 'é')",
        "rpad(s, abs(n), '-')",
        "rpad(s, 20)",
        "replace(s, 'n', 'nn')",
        "replace(s, '', '.')",
        "regexp_replace(s, '([0-9])([0-9])', '\\2\\1\\2', 'g')",
        "regexp_replace(s, 'l.', 'x')",
        "regexp_match(s, '(l)(i|x)')",
        "overlay(s PLACING 'xyz' FROM 2 FOR 1)",
        "translate(s, 'ln', 'éü')",
        "encode(s, 'hex')",
        "encode(s, 'base64')",
        "to_char(TIMESTAMP '2025-06-01T10:20:30', '%c %Y')",
        "array_repeat(s, n)",
        "array_repeat(n, 2)",
        "array_resize([1, n], 4, 9)",
        "array_resize([s], 0)",
        "array_replace_all([1, n, 1], 1, 5)",
        "array_union([n], [2])",
        "string_to_array(s, '-')",
        "string_to_array(s, NULL)",
        "array_to_string([n, NULL, 3], '-', '?')",
        "array_to_string(string_to_array(s, '-'), '+')",
        "make_array(s, 'b')",
        "range(n)",
        "range(10, n, -1)",
        "generate_series(n, 5)",
        "generate_series(TIMESTAMP '2025-01-01', TIMESTAMP '2025-01-03', INTERVAL '1 hour')",
        "generate_series(DATE '2025-01-31', DATE '2026-01-31', INTERVAL '1 month')",
        "range(NULL)",
        "arrow_cast(n, 'Utf8View')",
    ] {
        for sql in [
            format!("SELECT {expression} FROM (SELECT * FROM t LIMIT 300) x"),
            format!("SELECT {expression} FROM (SELECT * FROM t LIMIT 9) x WHERE n IS NOT NULL"),
            format!("SELECT {expression} FROM (VALUES (NULL, 1), ('x', NULL)) AS v (s, n)"),
        ] {
            let expected = answer(&engines, &sql).await.map_err(|error| error.strip_backtrace());
            let found = answer(&bounded, &sql).await.map_err(|error| error.strip_backtrace());
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert!(
                    found == expected,
                    "{sql}\n{}\n{}",
                    &found[..800.min(found.len())],
                    &expected[..800.min(expected.len())]
                ),
                (Err(_), Err(_)) => {}
                (found, expected) => panic!("{sql}: {:?} and not {:?}", found.err(), expected.err()),
            }
        }
    }
}

#[tokio::test]
async fn tables_of_a_series_are_the_engines() {
    let (bounded, engines) = (context(true), context(false));
    for sql in [
        "SELECT value FROM generate_series(1, 100)",
        "SELECT value FROM range(100, 1, -7)",
        "SELECT value FROM generate_series(TIMESTAMP '2025-01-01', TIMESTAMP '2025-02-01', INTERVAL '1 day')",
        "SELECT value FROM generate_series(DATE '2025-01-01', DATE '2025-02-01', INTERVAL '1 day')",
        "SELECT count(value) FROM range(9999999)",
        "SELECT count(value) FROM generate_series(1, NULL)",
    ] {
        assert_eq!(answer(&bounded, sql).await.unwrap(), answer(&engines, sql).await.unwrap(), "{sql}");
    }
}

#[tokio::test]
async fn arrays_of_groups_are_the_engines() {
    let (bounded, engines) = (context(true), context(false));
    for sql in [
        "SELECT array_agg(s) FROM (SELECT * FROM t LIMIT 9) x",
        "SELECT array_agg(s ORDER BY n, s DESC) FROM (SELECT * FROM t LIMIT 9) x",
        "SELECT array_agg(DISTINCT n ORDER BY n DESC) FROM t",
        "SELECT array_agg(s) FILTER (WHERE n = 3) FROM (SELECT * FROM t LIMIT 99) x",
        "SELECT n, array_agg(arrow_cast(s, 'Utf8View') ORDER BY s) FROM (SELECT * FROM t LIMIT 99) x GROUP BY n ORDER BY n",
        "SELECT array_agg(arrow_cast(s, 'Utf8View')) FROM t WHERE n = -9",
        "SELECT array_agg(make_array(arrow_cast(s, 'Utf8View'), NULL)) FROM (SELECT * FROM t LIMIT 9) x",
        "SELECT array_agg(struct(n, arrow_cast(s, 'Utf8View'))) FROM (SELECT * FROM t LIMIT 9) x",
        "SELECT array_agg(DISTINCT arrow_cast(s, 'Utf8View') ORDER BY arrow_cast(s, 'Utf8View') DESC) FROM (SELECT * FROM t LIMIT 9) x",
        "SELECT array_agg(DISTINCT v ORDER BY v) FROM (SELECT arrow_cast(s, 'Utf8View') AS v FROM t LIMIT 9) x",
        "SELECT array_agg(n) IGNORE NULLS FROM (SELECT * FROM t LIMIT 9) x",
        "SELECT array_agg(n) OVER (ORDER BY s ROWS 2 PRECEDING) FROM (SELECT * FROM t LIMIT 9) x",
    ] {
        assert_eq!(answer(&bounded, sql).await.unwrap(), answer(&engines, sql).await.unwrap(), "{sql}");
    }
    for sql in [
        "SELECT array_agg() FROM t",
        "SELECT array_agg(s, n) FROM t GROUP BY n",
        "SELECT array_agg(DISTINCT s ORDER BY n) FROM t",
    ] {
        let error = Error::from_engine(answer(&bounded, sql).await.unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Statement, "{sql}: {}", error.private_message());
    }
}

#[tokio::test]
async fn arrays_of_groups_take_the_memory_that_they_take() {
    // 8,192 texts of 200 letters, which are 0.1 MB of views and 1.6 MB of text.
    for sql in [
        "SELECT array_length(array_agg(arrow_cast(repeat('long', 50) || s, 'Utf8View'))) FROM t",
        "SELECT n, array_length(array_agg(arrow_cast(repeat('long', 50) || s, 'Utf8View'))) FROM t GROUP BY n",
    ] {
        for (bytes, is_enough) in [(1 << 20, false), (16 << 20, true)] {
            let context = context(true);
            let runtime = RuntimeEnvBuilder::new()
                .with_memory_limit(bytes, 1.0)
                .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
                .build_arc()
                .unwrap();
            let state = SessionStateBuilder::new_from_existing(context.state()).with_runtime_env(runtime);
            let answer = answer(&SessionContext::new_with_state(state.build()), sql).await;
            let kind = answer.map_err(|error| Error::from_engine(error).kind()).err();
            assert_eq!(kind, (!is_enough).then_some(ErrorKind::Limit(Exceeded::Memory)), "{sql}");
        }
    }
}

#[tokio::test]
async fn what_would_take_the_memory_of_all_is_refused() {
    let context = context(true);
    let memory = ErrorKind::Limit(Exceeded::Memory);
    for expression in [
        "repeat('x', 1000000000)",
        "repeat(s, 100000000)",
        "repeat(s, 100000)",
        "repeat(s || random(), 2000000000)",
        "lpad('x', 2000000000, 'y')",
        "rpad(s, 100000000, 'y')",
        "replace(repeat('x', 100000), 'x', repeat('y', 100000))",
        "regexp_replace(repeat('x', 100000), 'x', repeat('y', 100000), 'g')",
        "regexp_match(repeat('x', 100000), repeat('(', 2000) || '.*' || repeat(')', 2000))",
        "overlay(repeat('x', 100000) PLACING repeat('x', 100000) FROM 1 FOR 0)",
        "concat(repeat('x', 100000), repeat('x', 100000))",
        "concat_ws(repeat('x', 100000), 'a', 'b', 'c')",
        "repeat('x', 100000) || repeat('x', 100000)",
        "encode(repeat('x', 100000), 'hex')",
        "to_char(now(), repeat('%c', 20000))",
        "range(0, 300000000)",
        "range(0, 1000000000000)",
        "range(n, 1000000000000)",
        "generate_series(TIMESTAMP '2000-01-01', TIMESTAMP '2020-01-01', INTERVAL '1 microsecond')",
        "generate_series(DATE '2000-01-01', DATE '2020-01-01', INTERVAL '1 month -30 days')",
        "array_repeat(1, 100000000000)",
        "array_repeat(s, 1000000)",
        "array_resize([1], 100000000000, 0)",
        "array_concat(array_repeat(1, 10000), array_repeat(1, 10000))",
        "array_repeat(1, 10000) || array_repeat(1, 10000)",
        "[repeat('x', 100000), repeat('x', 100000)]",
        "array_to_string(array_repeat('a', 10000), repeat('x', 1000))",
    ] {
        let refused = answer(&context, &format!("SELECT {expression} FROM t")).await.unwrap_err();
        assert_eq!(Error::from_engine(refused).kind(), memory, "{expression}");
    }
}

#[tokio::test]
async fn long_series_and_fixed_lengths_are_refused_when_planned() {
    let context = context(true);
    for (sql, says) in [
        ("SELECT count(value) FROM generate_series(1, 1000000000000)", "10000000 rows"),
        ("SELECT value FROM range(10000001)", "10000000 rows"),
        (
            "SELECT value FROM generate_series(TIMESTAMP '2000-01-01', TIMESTAMP '2020-01-01', INTERVAL '1 microsecond')",
            "10000000 rows",
        ),
        ("SELECT arrow_cast(NULL, 'FixedSizeList(2000000000, Int64)')", "fixed length"),
        ("SELECT arrow_cast('x', 'FixedSizeBinary(2000000000)')", "fixed length"),
    ] {
        let refused = Error::from_engine(context.sql(sql).await.unwrap_err());
        assert_eq!(refused.kind(), ErrorKind::Statement, "{sql}");
        assert!(refused.public_message().contains(says), "{}", refused.public_message());
    }
}

#[tokio::test]
async fn functions_without_a_bound_are_not_there() {
    let context = context(true);
    for name in DROPPED.iter().chain(&DROPPED_HIGHER) {
        let refused = context.sql(&format!("SELECT {name}('x', 'y')")).await.unwrap_err();
        assert_eq!(Error::from_engine(refused).kind(), ErrorKind::Statement, "{name}");
    }
    let engines = SessionStateDefaults::default_scalar_functions();
    let higher = SessionStateDefaults::default_higher_order_functions();
    for name in DROPPED {
        assert!(engines.iter().any(|function| function.name() == name), "the engine has no {name}");
    }
    assert_eq!(higher.len(), DROPPED_HIGHER.len(), "the engine has others");
}

#[test]
fn parts_fit_and_miss_no_row() {
    let half = BATCH_BYTES_MOST / 2;
    assert_eq!(fitting(&[half, half, 1, half, half]), Some(vec![(0, 2), (2, 2), (4, 1)]));
    assert_eq!(fitting(&[0, 0]), Some(vec![(0, 2)]));
    assert_eq!(fitting(&[1, BATCH_BYTES_MOST + 1]), None);
}

#[tokio::test]
async fn a_loose_bound_refuses_nothing_that_fits() {
    // By its lengths alone this could give 8192 times 4 MB; it gives 40 letters for each row.
    let sql =
        "SELECT max(length(regexp_replace(rpad(s, 1000, ' '), ' +', repeat('-', 2000), 'g'))) AS n FROM t";
    let found = answer(&context(true), sql).await.unwrap();
    assert!(found.contains("2011"), "{found}");
}
