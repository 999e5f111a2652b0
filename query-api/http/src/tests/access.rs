//! Who is let in, and to what.

use std::num::NonZeroU32;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::json;

use super::{
    lake::ACCOUNTS,
    server::{PASSWORD, Server, token},
};
use crate::{
    Rates,
    api::{self, Who},
};

/// Paths of figures, with parameters that give rows.
const FIGURES: [&str; 9] = [
    "/v1/emissions?group_by=account_id,region,service_code,tag.team",
    "/v1/timeseries?grain=hour&group_by=account_id&top=3",
    "/v1/breakdown?by=account_id&from=2026-10-01&to=2026-11-01&compare=previous",
    "/v1/resources",
    "/v1/lines?limit=10000",
    "/v1/coverage",
    "/v1/intensity?region=eu-west-1&region=us-east-1",
    "/v1/meta",
    "/v1/schema",
];

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_and_out() {
    let server = Server::start().await;
    let sign_in = json!({ "user": "vic", "password": PASSWORD });
    let answer = server.post(None, "/v1/session", &sign_in).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    let cookie = answer.header(header::SET_COOKIE).to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict;"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();

    let with_cookie = |method: &str| {
        let request = Request::builder().method(method).uri("/v1/session").header(header::COOKIE, &cookie);
        request.header("sec-fetch-site", "same-origin").body(Body::empty()).unwrap()
    };
    let who = server.send(with_cookie("GET")).await.json();
    assert_eq!(who, json!({ "name": "vic", "role": "viewer", "scope": null }));
    assert_eq!(server.send(with_cookie("DELETE")).await.status, StatusCode::NO_CONTENT);
    server.send(with_cookie("GET")).await.is_problem(401);

    let by_token = json!({ "token": token("ana").reveal() });
    assert_eq!(server.post(None, "/v1/session", &by_token).await.status, StatusCode::NO_CONTENT);
    for wrong in [
        json!({ "user": "vic", "password": "incorrect horse battery" }),
        json!({ "user": "nobody", "password": PASSWORD }),
        json!({ "token": "airshed_00" }),
        json!({ "token": "eyJhbGciOiJub25lIn0.e30." }),
    ] {
        let detail = server.post(None, "/v1/session", &wrong).await.is_problem(401);
        assert_eq!(detail, "that is not known here");
    }
    server.post(None, "/v1/session", &json!({ "user": "vic" })).await.is_problem(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_signs_nobody_in_or_out() {
    let server = Server::start().await;
    for method in ["POST", "DELETE"] {
        let request = Request::builder()
            .method(method)
            .uri("/v1/session")
            .header("sec-fetch-site", "cross-site")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(json!({ "token": token("vic").reveal() }).to_string()))
            .unwrap();
        let answer = server.send(request).await;
        answer.is_problem(403);
        assert_eq!(answer.header(header::SET_COOKIE), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_path_says_by_problems_what_is_wrong() {
    let server = Server::start().await;
    for route in api::routes() {
        let path = route.path.replace("{line_id}", "line-1");
        let request = Request::builder().method(route.method.to_uppercase().as_str()).uri(&path);
        let answer = server.send(request.body(Body::empty()).unwrap()).await;
        match route.who {
            Who::Anybody => assert_ne!(answer.status, StatusCode::NOT_FOUND, "{path}"),
            Who::Has(_) => {
                answer.is_problem(401);
                assert_eq!(answer.header(header::WWW_AUTHENTICATE), "Bearer realm=\"airshed\"");
            }
        }
        let request = Request::builder().method(route.method.to_uppercase().as_str());
        let request = request.uri(format!("{path}?nonsense=1")).body(Body::empty()).unwrap();
        assert!(server.send(request).await.is_problem(400).contains("`nonsense`"), "{path}");
    }
    server.get("root", "/v1/nothing").await.is_problem(404);
    server.post(Some("root"), "/v1/emissions", &json!({})).await.is_problem(405);
    server.post(Some("root"), "/v1/sql", &json!({ "sql": "SELECT 1", "nonsense": 1 })).await.is_problem(422);
    server.post(Some("root"), "/v1/sql", &json!({ "sql": "SELECT 1", "max_rows": 0 })).await.is_problem(400);
    server.post(Some("root"), "/v1/sql", &json!({ "sql": "SELECT nonsense" })).await.is_problem(400);
    server
        .post(Some("root"), "/v1/sql", &json!({ "sql": "SELECT 1", "as_of": "run-gone" }))
        .await
        .is_problem(404);
    server.post(Some("vic"), "/v1/sql", &json!({ "sql": "SELECT 1" })).await.is_problem(403);
    for bad in [
        "/v1/emissions?from=2026-10-01",
        "/v1/emissions?group_by=nonsense",
        "/v1/emissions?order=nonsense",
        "/v1/emissions?limit=0",
        "/v1/emissions?limit=5&limit=6",
        "/v1/emissions?cursor=nonsense",
        "/v1/timeseries?grain=week",
        "/v1/timeseries?grain=hour&resource_id=r-111111111111-0",
        "/v1/breakdown?compare=previous",
    ] {
        server.get("root", bad).await.is_problem(400);
    }
    server.get("root", "/v1/emissions?as_of=run-gone").await.is_problem(404);
    server.get("root", "/v1/lineage/line-gone").await.is_problem(404);
    let plain = server.send(Request::get("/metrics").body(Body::empty()).unwrap()).await;
    plain.is_problem(401);
}

/// Every parameter of the description is taken, so that the description promises nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_described_is_taken() {
    let server = Server::start().await;
    let document: serde_json::Value = serde_json::from_str(api::document()).unwrap();
    let mut tried = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for parameter in operations["get"]["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let query = match name {
                "from" | "to" => "from=2026-10-01&to=2026-10-05".to_owned(),
                "tags" => "tag.team=web".to_owned(),
                "as_of" => "as_of=run-oct".to_owned(),
                "limit" | "top" => format!("{name}=3"),
                "group_by" | "by" => format!("{name}=region,tag.team"),
                "order" => "order=billed_cost".to_owned(),
                "measures" => "measures=lines,energy_kwh".to_owned(),
                "grain" => "grain=month".to_owned(),
                "compare" => "compare=none".to_owned(),
                "period" => "period=2026-10".to_owned(),
                "status" => "status=unmapped".to_owned(),
                "line_id" | "cursor" => continue,
                name => format!("{name}=x&{name}=").trim_end_matches("&resource_id=").to_owned(),
            };
            let path = path.replace("{line_id}", "line-2026-10-111111111111-0");
            let answer = server.get("root", &format!("{path}?{query}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}?{query}: {}", answer.text());
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried} parameters");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_rows_beyond_their_scope() {
    let server = Server::start().await;
    for path in FIGURES {
        let all = server.get("root", path).await;
        let own = server.get("ana", path).await;
        assert_eq!(own.status, StatusCode::OK, "{path}: {}", own.text());
        for account in &ACCOUNTS[1..] {
            assert!(!own.text().contains(account), "{path} shows {account}: {}", own.text());
            let is_of_accounts =
                path.contains("account_id") || path.contains("lines") || path.contains("meta");
            assert!(!is_of_accounts || all.text().contains(account), "{path} shows no {account} to anybody");
        }
        let web = server.get("web", path).await;
        assert_eq!(web.status, StatusCode::OK, "{path}: {}", web.text());
        assert!(!web.text().contains("data\""), "{path}: {}", web.text());
    }
    for (user, condition) in [("ana", "account_id = '111111111111'"), ("web", "tags LIKE '%\"web\"%'")] {
        let own = server.sql(user, "SELECT sum(billed_cost) AS c, count(*) AS n FROM emissions").await;
        let sql = format!("SELECT sum(billed_cost) AS c, count(*) AS n FROM emissions WHERE {condition}");
        assert_eq!(own, server.sql("root", &sql).await, "{user}");
        let lines = server.get(user, "/v1/lines?limit=10000").await.rows();
        assert_eq!(json!(lines.len()), own[0]["n"], "{user}");
        let coverage = server.get(user, "/v1/coverage").await.rows();
        let counted: u64 = coverage.iter().map(|row| row["lines"].as_u64().unwrap()).sum();
        assert_eq!(json!(counted), own[0]["n"], "{user}");
        server.get(user, "/v1/factors").await.is_problem(403);
    }
    // Those of others are not even there.
    server.get("ana", "/v1/lineage/line-2026-10-222222222222-3").await.is_problem(404);
    let own = server.get("ana", "/v1/lineage/line-2026-10-111111111111-0").await.json();
    assert_eq!(own["lines"][0]["period"], "2026-10");
    server.get("web", "/v1/variance").await.is_problem(403);
    assert!(!server.get("ana", "/v1/variance").await.text().contains(ACCOUNTS[1]));
    let names = &server.get("ana", "/v1/meta").await.json()["account_names"];
    assert_eq!(*names, json!({ "111111111111": "One" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_too_often_is_told_when_to_come_back() {
    let five = NonZeroU32::new(5).unwrap();
    let rates = Rates { user_per_minute: five, stranger_per_minute: five };
    let server = Server::start_with(rates).await;
    for _ in 0..5 {
        assert_eq!(server.get("root", "/v1/session").await.status, StatusCode::OK);
    }
    let answer = server.get("root", "/v1/session").await;
    answer.is_problem(429);
    let wait: u64 = answer.header(header::RETRY_AFTER).parse().unwrap();
    assert!((1..=12).contains(&wait), "{wait}");
    assert_eq!(server.get("ana", "/v1/session").await.status, StatusCode::OK, "others go on");

    let stranger = || Request::get("/v1/session").body(Body::empty()).unwrap();
    for _ in 0..5 {
        server.send(stranger()).await.is_problem(401);
    }
    server.send(stranger()).await.is_problem(429);
    let guess = json!({ "user": "vic", "password": PASSWORD });
    server.post(None, "/v1/session", &guess).await.is_problem(429);
    assert_eq!(
        server.get("vic", "/v1/session").await.status,
        StatusCode::OK,
        "whoever has a token is no stranger"
    );
}
