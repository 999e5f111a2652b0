//! Figures are those of SQL, whatever the path, the form and the page.

use std::collections::{BTreeMap, BTreeSet};

use airshed_domain::schema::MEASURES;
use arrow::{ipc::reader::StreamReader, util::display::array_value_to_string};
use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

use super::server::{Server, token};

/// A decimal in steps of 1e-12.
fn steps(value: &Value) -> i128 {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => return 0,
        other => other.to_string(),
    };
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    format!("{whole}{part:0<12}").parse().unwrap()
}

pub(super) fn total(rows: &[Value], measure: &str, currency: &str) -> i128 {
    rows.iter().filter(|row| row["currency"] == currency).map(|row| steps(&row[measure])).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_adds_up_to_the_lines() {
    let server = Server::start().await;
    let measures = MEASURES.iter().chain(&["billed_cost", "effective_cost"]);
    let sums: Vec<String> = measures.clone().map(|name| format!("sum({name}) AS {name}")).collect();
    let lines = |condition: &str| {
        format!(
            "SELECT currency, count(*) AS lines, {} FROM emissions {condition} GROUP BY currency",
            sums.join(", ")
        )
    };
    for (span, condition, currencies) in [
        ("", String::new(), 2),
        ("&from=2026-10-01&to=2026-11-01", "WHERE period = '2026-10'".to_owned(), 2),
        (
            "&from=2026-10-02&to=2026-10-04",
            "WHERE usage_start >= '2026-10-02T00:00:00Z' AND usage_start < '2026-10-04T00:00:00Z'".to_owned(),
            2,
        ),
        ("&region=eu-west-1&region=", "WHERE region = 'eu-west-1' OR region IS NULL".to_owned(), 2),
        (
            "&tag.team=web&service_code=AmazonS3",
            "WHERE tags LIKE '%web%' AND service_code = 'AmazonS3'".to_owned(),
            // The one account that has such lines is billed in USD.
            1,
        ),
    ] {
        let truth = server.sql("root", &lines(&condition)).await;
        assert_eq!(truth.len(), currencies, "{span}");
        for path in [
            "/v1/emissions?limit=10000",
            "/v1/emissions?limit=10000&group_by=account_id,service_code,tag.team",
            "/v1/emissions?limit=10000&group_by=currency,region",
            "/v1/timeseries?grain=hour&group_by=service_code&top=1",
            "/v1/timeseries?grain=day&group_by=account_id,currency&top=2",
            "/v1/timeseries?grain=month",
            "/v1/breakdown?by=region",
            "/v1/resources?limit=10000",
            "/v1/lines?limit=10000",
        ] {
            let rows = server.get("root", &format!("{path}{span}")).await.rows();
            for row in &truth {
                let currency = row["currency"].as_str().unwrap();
                for name in measures.clone() {
                    let expected = steps(&row[*name]);
                    assert_eq!(
                        total(&rows, name, currency),
                        expected,
                        "{name} in {currency} of {path}{span}"
                    );
                }
                if !path.starts_with("/v1/lines") {
                    let count = total(&rows, "lines", currency);
                    assert_eq!(count, steps(&row["lines"]), "lines of {path}{span}");
                }
            }
        }
    }
}

/// Measures that are named come alone, with the same figures.
#[tokio::test(flavor = "multi_thread")]
async fn measures_that_are_named_come_alone() {
    let server = Server::start().await;
    let span = "from=2026-10-02&to=2026-10-04";
    for (path, named, more) in [
        ("/v1/emissions?group_by=region,account_id", vec!["energy_kwh", "lines"], vec!["co2e_location_g"]),
        ("/v1/emissions?order=billed_cost", vec!["water_l"], vec!["billed_cost"]),
        ("/v1/timeseries?group_by=service_code,tag.team&top=1", vec!["billed_cost"], vec![]),
        ("/v1/timeseries?grain=hour", vec!["co2e_market_g", "co2e_embodied_g"], vec![]),
        ("/v1/resources?limit=3", vec!["effective_cost"], vec!["co2e_location_g"]),
        ("/v1/breakdown?by=region&compare=previous", vec!["energy_kwh"], vec!["co2e_location_g"]),
    ] {
        let joint = if path.contains('?') { '&' } else { '?' };
        let whole = server.get("root", &format!("{path}{joint}{span}")).await.rows();
        let some = format!("{path}{joint}{span}&measures={}", named.join(","));
        let some = server.get("root", &some).await.rows();
        let expected: Vec<Value> = whole
            .into_iter()
            .map(|row| {
                let is_kept = |name: &str| {
                    let name = name.trim_start_matches("previous_");
                    let is_measure = crate::ask::measures().any(|measure| measure == name);
                    !is_measure || named.contains(&name) || more.contains(&name)
                };
                let row = row.as_object().unwrap().clone();
                row.into_iter().filter(|(name, _)| is_kept(name)).collect()
            })
            .collect();
        assert!(!some.is_empty(), "{path}");
        assert_eq!(some, expected, "{path}");
    }
    for wrong in ["co2e", "", "energy_kwh;lines", "energy_kwh&measures=lines"] {
        let answer = server.get("root", &format!("/v1/emissions?measures={wrong}")).await;
        assert_eq!(answer.status, axum::http::StatusCode::BAD_REQUEST, "{wrong}");
    }
}

/// The statement that stands beside rows gives the same rows.
#[tokio::test(flavor = "multi_thread")]
async fn the_sql_beside_rows_gives_them() {
    let server = Server::start().await;
    for path in [
        "/v1/emissions?group_by=region,tag.team&order=-billed_cost&limit=3",
        "/v1/timeseries?grain=day&group_by=tag.team&top=1&from=2026-10-01&to=2026-10-03",
        "/v1/breakdown?by=region,tag.team&from=2026-10-01&to=2026-11-01&compare=previous",
        "/v1/resources?limit=2&account_id=222222222222",
        "/v1/lines?limit=5&status=unmapped&tag.team=data",
        "/v1/coverage?service_code=AWSSupport",
        "/v1/variance",
        "/v1/intensity?from=2026-10-01&to=2026-10-02",
        "/v1/factors",
    ] {
        let answer = server.get("root", path).await;
        let rows = answer.rows();
        assert!(!rows.is_empty(), "{path}");
        let again = server.sql("root", answer.json()["sql"].as_str().unwrap()).await;
        assert_eq!(rows, again, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_of_two_currencies_are_never_one_number() {
    let server = Server::start().await;
    for path in [
        "/v1/emissions",
        "/v1/timeseries?grain=month&group_by=currency&top=1",
        "/v1/breakdown?by=provider",
        "/v1/coverage",
    ] {
        let rows = server.get("root", path).await.rows();
        let currencies: BTreeSet<&str> = rows.iter().map(|row| row["currency"].as_str().unwrap()).collect();
        assert_eq!(currencies, ["EUR", "USD"].into(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breakdown_stands_beside_the_span_before() {
    let server = Server::start().await;
    let path = "/v1/breakdown?by=account_id&from=2026-10-03&to=2026-10-05&compare=previous";
    let rows = server.get("root", path).await.rows();
    let before = server.get("root", "/v1/breakdown?by=account_id&from=2026-10-01&to=2026-10-03").await.rows();
    assert_eq!(rows.len(), 3);
    for row in &rows {
        let other = before.iter().find(|other| other["account_id"] == row["account_id"]).unwrap();
        assert_eq!(row["previous_co2e_location_g"], other["co2e_location_g"]);
        assert_eq!(row["previous_billed_cost"], other["billed_cost"]);
    }
    let first = "/v1/breakdown?by=account_id&from=2026-09-01&to=2026-10-01&compare=previous";
    assert!(server.get("root", first).await.rows().iter().all(|row| row["previous_lines"].is_null()));
}

#[tokio::test(flavor = "multi_thread")]
async fn intensity_is_what_a_kilowatt_hour_emitted() {
    let server = Server::start().await;
    let path = "/v1/intensity?region=eu-west-1&from=2026-10-01&to=2026-10-02";
    let rows = server.get("root", path).await.rows();
    let times: Vec<&str> = rows.iter().map(|row| row["time"].as_str().unwrap()).collect();
    assert_eq!(times, ["2026-10-01T00:00:00Z", "2026-10-01T07:00:00Z", "2026-10-01T13:00:00Z"]);
    // Energy and emissions of the small ledger are the same numbers.
    assert!(
        rows.iter()
            .all(|row| row["grid_intensity_g_per_kwh"] == 1.0 && row["energy_kwh"] == row["co2e_location_g"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_has_the_same_figures() {
    let server = Server::start().await;
    for path in [
        "/v1/emissions?group_by=region,tag.team",
        "/v1/lines?limit=7",
        "/v1/intensity",
        "/v1/lines?region=none",
    ] {
        let json = server.get("root", path).await.json();
        let rows = json["rows"].as_array().unwrap();

        let csv = server.get_as("root", path, "text/csv").await;
        assert_eq!(csv.header(header::CONTENT_TYPE), "text/csv; charset=utf-8");
        let mut lines = csv.text().lines();
        let names: Vec<String> = lines.next().unwrap().split(',').map(str::to_owned).collect();
        assert_eq!(lines.count(), rows.len(), "{path}");

        let arrow = server.get_as("root", path, "application/vnd.apache.arrow.stream").await;
        let reader = StreamReader::try_new(std::io::Cursor::new(arrow.body.as_ref()), None).unwrap();
        let mut from_arrow = Vec::new();
        for batch in reader {
            let batch = batch.unwrap();
            let schema = batch.schema();
            for row in 0..batch.num_rows() {
                let cells = batch.columns().iter().zip(schema.fields());
                let cells = cells.map(|(column, field)| {
                    let text = (!column.is_null(row)).then(|| array_value_to_string(column, row).unwrap());
                    (field.name().clone(), text)
                });
                from_arrow.push(cells.collect::<BTreeMap<_, _>>());
            }
        }
        let from_json: Vec<BTreeMap<String, Option<String>>> = rows
            .iter()
            .map(|row| {
                let text = |value: &Value| match value {
                    Value::Null => None,
                    Value::String(text) => Some(text.clone()),
                    other => Some(other.to_string()),
                };
                row.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect()
            })
            .collect();
        assert_eq!(from_arrow, from_json, "{path}");
        if let Some(first) = from_json.first() {
            let own: BTreeSet<&String> = names.iter().collect();
            assert_eq!(own, first.keys().collect(), "{path}");
        }
    }
    // The other forms hold all rows where JSON is a page.
    let whole = server.get_as("root", "/v1/lines", "text/csv").await;
    assert_eq!(whole.text().lines().count(), 1 + 2 * 4 * 3 * 9);
    let csv = Request::post("/v1/sql")
        .header(header::AUTHORIZATION, format!("Bearer {}", token("root").reveal()))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "text/csv")
        .body(Body::from(json!({ "sql": "SELECT 1 AS a, 'x,y' AS b" }).to_string()))
        .unwrap();
    assert_eq!(server.send(csv).await.text(), "a,b\n1,\"x,y\"\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_cut_where_they_say_and_tell_names_apart() {
    let server = Server::start().await;
    let ask = async |sql: &str, most: u32| {
        server.post(Some("root"), "/v1/sql", &json!({ "sql": sql, "max_rows": most })).await.json()
    };
    let all = ask("SELECT line_seq FROM emissions", 216).await;
    assert_eq!((all["rows"].as_array().unwrap().len(), &all["truncated"]), (216, &json!(false)));
    let some = ask("SELECT line_seq FROM emissions", 215).await;
    assert_eq!((some["rows"].as_array().unwrap().len(), &some["truncated"]), (215, &json!(true)));
    let comment = &some["columns"][0]["comment"];
    assert!(comment.as_str().unwrap().starts_with("Position of the line"), "{comment}");
    let none = ask("SELECT line_seq FROM emissions WHERE false", 5).await;
    assert_eq!((&none["rows"], &none["truncated"]), (&json!([]), &json!(false)));
    let twice =
        ask("SELECT a.period, b.period FROM periods a JOIN periods b ON a.run_id = b.run_id LIMIT 1", 5)
            .await;
    assert_eq!(twice["rows"][0].as_array().unwrap().len(), 2, "two columns of one name");
}

#[tokio::test(flavor = "multi_thread")]
async fn measures_say_their_unit() {
    let server = Server::start().await;
    let meta = server.get("root", "/v1/meta").await.json();
    let unit = |name: &str| {
        let measure = meta["measures"].as_array().unwrap().iter().find(|measure| measure["name"] == name);
        measure.unwrap()["unit"].as_str().unwrap().to_owned()
    };
    for (name, expected) in [
        ("lines", ""),
        ("lines_estimated", ""),
        ("billed_cost", "currency"),
        ("billed_cost_unmapped", "currency"),
        ("energy_kwh_low", "kWh"),
        ("co2e_t_and_d_g", "g"),
        ("water_cooling_l", "l"),
    ] {
        assert_eq!(unit(name), expected, "{name}");
    }
    assert_eq!(meta["first_day"], "2026-09-01");
    assert_eq!(meta["last_day"], "2026-10-04");
    assert_eq!(meta["tags"], json!(["team"]));
    assert_eq!(meta["currencies"], json!(["EUR", "USD"]));
}
