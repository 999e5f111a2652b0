//! Answers in parts, of the past, and that did not change.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};

use super::{
    figures::total,
    lake,
    server::{Server, token},
};

/// Every browser asks so; the compressor asks a stream once more after its end.
#[tokio::test(flavor = "multi_thread")]
async fn compressed_answers_come_to_their_end() {
    let server = Server::start().await;
    for path in ["/v1/emissions?group_by=service_code", "/v1/lines?limit=50", "/v1/coverage"] {
        let request = Request::get(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", token("root").reveal()))
            .header(header::ACCEPT_ENCODING, "gzip")
            .body(Body::empty())
            .unwrap();
        let answer = server.send(request).await;
        assert_eq!(
            (answer.status, answer.header(header::CONTENT_ENCODING)),
            (StatusCode::OK, "gzip"),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_give_every_row_once() {
    let server = Server::start().await;
    for (path, of) in [
        // All measures of the hours are ties.
        ("/v1/emissions?group_by=account_id,region,service_code,tag.team&order=lines", 4),
        ("/v1/resources?order=-billed_cost", 2),
        ("/v1/lines?x", 50),
    ] {
        let path = path.replace("?x", "?currency=USD");
        let whole = server.get("root", &format!("{path}&limit=10000")).await;
        assert_eq!(whole.json()["next_cursor"], Value::Null);
        let (mut rows, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let answer = server.get("root", &format!("{path}&limit={of}&cursor={cursor}")).await;
            rows.extend(answer.rows());
            pages += 1;
            match answer.json()["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert!(pages > 2, "{path}: {pages} pages");
        assert_eq!(rows, whole.rows(), "{path}");
        let distinct: BTreeSet<String> = rows.iter().map(Value::to_string).collect();
        assert_eq!(distinct.len(), rows.len(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_good_for_its_question_and_its_runs() {
    let server = Server::start().await;
    let path = "/v1/resources?limit=2";
    let next = server.get("root", path).await.json()["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(server.get("root", &format!("{path}&cursor={next}")).await.rows().len(), 2);
    assert_eq!(server.get("root", &format!("/v1/resources?limit=3&cursor={next}")).await.rows().len(), 3);
    for other in
        ["/v1/resources?limit=2&currency=USD", "/v1/resources?limit=2&order=lines", "/v1/lines?limit=2"]
    {
        server.get("root", &format!("{other}&cursor={next}")).await.is_problem(400);
    }
    server.get("ana", &format!("{path}&cursor={next}")).await.is_problem(400);

    let pinned = format!("{path}&as_of=run-oct");
    let of_then = server.get("root", &pinned).await.json()["next_cursor"].as_str().unwrap().to_owned();
    lake::restate(&server.lake, "run-new", 3, 3_000).await;
    assert!(server.snapshots.refresh().await.unwrap());
    server.get("root", &format!("{path}&cursor={next}")).await.is_problem(409);
    let rows = server.get("root", &format!("{pinned}&cursor={of_then}")).await.rows();
    assert_eq!(rows.len(), 2, "what is pinned goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_shown_as_it_was() {
    let server = Server::start().await;
    let october = "from=2026-10-01&to=2026-11-01";
    let energy = async |query: &str| {
        let rows = server.get("root", &format!("/v1/emissions?{october}{query}")).await.rows();
        total(&rows, "energy_kwh", "USD")
    };
    let before = energy("").await;
    assert_eq!(energy("&as_of=run-sep").await, 0, "October was not there yet");
    lake::restate(&server.lake, "run-new", 3, 3_000).await;
    server.snapshots.refresh().await.unwrap();
    assert!(energy("").await > 2 * before);
    assert_eq!(energy("&as_of=run-oct").await, before);

    let runs = |answer: &Value| -> Vec<String> {
        answer["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["run_id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(runs(&server.get("root", "/v1/factors").await.json()), ["run-new", "run-oct", "run-sep"]);
    assert_eq!(runs(&server.get("root", "/v1/factors?as_of=run-oct").await.json()), ["run-oct", "run-sep"]);
    let meta = server.get("root", "/v1/meta?as_of=run-oct").await.json();
    assert_eq!(meta["as_of"], "run-oct");
    assert_eq!(
        meta["periods"],
        json!([
            { "period": "2026-09", "run_id": "run-sep", "published_at": "1970-01-01T00:00:00.001Z" },
            { "period": "2026-10", "run_id": "run-oct", "published_at": "1970-01-01T00:00:00.002Z" },
        ])
    );
    let line = "/v1/lineage/line-2026-10-111111111111-0";
    assert_eq!(server.get("root", line).await.status, StatusCode::OK);
    server.get("root", &format!("{line}?as_of=run-oct")).await.is_problem(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_did_not_change_is_not_sent_again() {
    let server = Server::start().await;
    let ask = async |user: &str, path: &str, known: &str| {
        let request = Request::get(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", token(user).reveal()))
            .header(header::IF_NONE_MATCH, known);
        server.send(request.body(Body::empty()).unwrap()).await
    };
    for path in ["/v1/emissions?group_by=region", "/v1/meta", "/v1/schema", "/v1/factors"] {
        let first = server.get("root", path).await;
        let tag = first.header(header::ETAG).to_owned();
        assert_eq!(first.header(header::CACHE_CONTROL), "private, no-cache");
        let again = ask("root", path, &format!("\"other\", W/{tag}")).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
        assert_eq!(again.header(header::ETAG), tag);
        assert_ne!(ask("vic", path, &tag).await.status, StatusCode::NOT_MODIFIED, "{path} is somebody's own");
        assert_eq!(ask("root", path, "\"other\"").await.status, StatusCode::OK);
    }
    let tag = server.get("root", "/v1/emissions").await.header(header::ETAG).to_owned();
    let csv = server.get_as("root", "/v1/emissions", "text/csv").await;
    assert_ne!(csv.header(header::ETAG), tag);
    lake::restate(&server.lake, "run-new", 3, 3_000).await;
    server.snapshots.refresh().await.unwrap();
    assert_eq!(ask("root", "/v1/emissions", &tag).await.status, StatusCode::OK);
}
