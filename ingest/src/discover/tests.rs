use std::{fs, path::Path as FsPath};

use super::*;

/// Makes the files of `paths` (contents after ` <- `, else a few bytes) below a new folder.
fn folder(paths: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for line in paths {
        let (path, content) = line.split_once(" <- ").unwrap_or((line, "data"));
        write(root.path(), path, content);
    }
    root
}

fn write(root: &FsPath, path: &str, content: &str) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, content).unwrap();
}

async fn discovered(path: &FsPath) -> Discovery {
    let location = open_input(path.to_str().unwrap(), &StoreOptions::new()).unwrap();
    discover(&location).await.unwrap()
}

/// `delivery folder: names` of each delivery, below the root.
fn deliveries(root: &FsPath, discovery: &Discovery) -> Vec<String> {
    let root = format!("file://{}", root.canonicalize().unwrap().display());
    discovery
        .deliveries
        .iter()
        .map(|delivery| {
            let names: Vec<_> = delivery.objects.iter().map(|object| object.name.as_str()).collect();
            let uri = delivery.uri.strip_prefix(&root).unwrap().trim_start_matches('/');
            let missing = if delivery.missing.is_empty() {
                String::new()
            } else {
                format!(" !{}", delivery.missing.join(" "))
            };
            format!("{uri}: {}{missing}", names.join(" "))
        })
        .collect()
}

fn reasons(discovery: &Discovery) -> Vec<(String, IgnoreReason)> {
    let name = |uri: &str| uri.rsplit('/').next().unwrap().to_owned();
    discovery.ignored.iter().map(|ignored| (name(&ignored.uri), ignored.reason)).collect()
}

#[tokio::test]
async fn data_exports_that_overwrite_are_one_delivery_a_period() {
    let root = folder(&[
        "p/x/data/BILLING_PERIOD=2026-10/x-00001.snappy.parquet",
        "p/x/data/BILLING_PERIOD=2026-10/x-00002.snappy.parquet",
        "p/x/data/BILLING_PERIOD=2026-10/x-00003.snappy.parquet",
        "p/x/data/BILLING_PERIOD=2026-09/x-00001.snappy.parquet",
        r#"p/x/metadata/BILLING_PERIOD=2026-10/x-Manifest.json <- {"dataFiles":["s3://b/p/x/data/BILLING_PERIOD=2026-10/x-00001.snappy.parquet","s3://b/p/x/data/BILLING_PERIOD=2026-10/x-00002.snappy.parquet"]}"#,
    ]);
    let discovery = discovered(root.path()).await;
    assert_eq!(
        deliveries(root.path(), &discovery),
        [
            "p/x/data/BILLING_PERIOD=2026-09: x-00001.snappy.parquet",
            "p/x/data/BILLING_PERIOD=2026-10: x-00001.snappy.parquet x-00002.snappy.parquet",
        ]
    );
    assert_eq!(
        reasons(&discovery),
        [
            ("x-00003.snappy.parquet".into(), IgnoreReason::NotInManifest),
            ("x-Manifest.json".into(), IgnoreReason::Manifest)
        ]
    );
}

#[tokio::test]
async fn of_data_exports_that_keep_versions_the_latest_manifest_wins() {
    let root = folder(&[
        "x/data/BILLING_PERIOD=2026-10/20261101T010203Z-aaa/x-1.csv.gz",
        "x/data/BILLING_PERIOD=2026-10/20261102T010203Z-000/x-1.csv.gz",
        "x/data/BILLING_PERIOD=2026-10/20261103T010203Z-bbb/x-1.csv.gz",
        r#"x/metadata/BILLING_PERIOD=2026-10/20261101T010203Z-aaa/x-Manifest.json <- {"dataFiles":["s3://b/x/data/BILLING_PERIOD=2026-10/20261101T010203Z-aaa/x-1.csv.gz"]}"#,
        r#"x/metadata/BILLING_PERIOD=2026-10/20261102T010203Z-000/x-Manifest.json <- {"dataFiles":["s3://b/x/data/BILLING_PERIOD=2026-10/20261102T010203Z-000/x-1.csv.gz"]}"#,
    ]);
    // The third version has no manifest yet: it is still being delivered.
    let discovery = discovered(root.path()).await;
    assert_eq!(
        deliveries(root.path(), &discovery),
        ["x/data/BILLING_PERIOD=2026-10: 20261102T010203Z-000/x-1.csv.gz"]
    );
}

#[tokio::test]
async fn versions_without_a_manifest_the_latest_folder_wins() {
    let root = folder(&[
        "x/data/BILLING_PERIOD=2026-10/x-0.csv",
        "x/data/BILLING_PERIOD=2026-10/20261101T010203Z-aaa/x-1.csv",
        "x/data/BILLING_PERIOD=2026-10/20261102T010203Z-aaa/x-1.csv",
        "x/data/BILLING_PERIOD=2026-10/20261102T010203Z-aaa/x-2.csv",
    ]);
    let discovery = discovered(root.path()).await;
    assert_eq!(
        deliveries(root.path(), &discovery),
        ["x/data/BILLING_PERIOD=2026-10: 20261102T010203Z-aaa/x-1.csv 20261102T010203Z-aaa/x-2.csv"]
    );
    assert!(discovery.ignored.iter().all(|ignored| ignored.reason == IgnoreReason::Superseded));
    assert_eq!(discovery.ignored.len(), 2);
}

#[tokio::test]
async fn legacy_reports_follow_the_manifest_of_the_period() {
    let old = "11111111-2222-3333-4444-555555555555";
    let new = "aaaaaaaa-2222-3333-4444-555555555555";
    let key = |id: &str| format!(r#"{{"reportKeys":["p/r/20230101-20230201/{id}/r-1.csv.gz"]}}"#);
    let root = folder(&[
        &format!("r/20230101-20230201/{old}/r-1.csv.gz"),
        &format!("r/20230101-20230201/{new}/r-1.csv.gz"),
        &format!("r/20230101-20230201/{new}/r-Manifest.json <- {}", key(new)),
        &format!("r/20230101-20230201/r-Manifest.json <- {}", key(new)),
        &format!("r/20230101-20230201/{old}/r-Manifest.json <- {}", key(old)),
    ]);
    let discovery = discovered(root.path()).await;
    assert_eq!(deliveries(root.path(), &discovery), [format!("r/20230101-20230201: {new}/r-1.csv.gz")]);
}

#[tokio::test]
async fn legacy_reports_for_athena_stand_in_year_and_month_folders() {
    let root = folder(&[
        "p/r/r/year=2023/month=1/r-00001.snappy.parquet",
        "p/r/r/year=2023/month=2/r-00001.snappy.parquet",
        r#"p/r/20230101-20230201/r-Manifest.json <- {"reportKeys":["p/r/r/year=2023/month=1/r-00001.snappy.parquet"]}"#,
        "p/r/20230101-20230201/r-create-table.sql",
    ]);
    let discovery = discovered(root.path()).await;
    assert_eq!(
        deliveries(root.path(), &discovery),
        [
            "p/r/r/year=2023/month=1: r-00001.snappy.parquet",
            "p/r/r/year=2023/month=2: r-00001.snappy.parquet"
        ]
    );
}

#[tokio::test]
async fn carbon_emissions_stand_by_model_version_and_month() {
    let root = folder(&[
        "c/data/model_version=v3.0.0/usage_period=2026-08/c-1.parquet",
        "c/data/model_version=v4.0.0/usage_period=2026-08/c-1.parquet",
    ]);
    let discovery = discovered(root.path()).await;
    assert_eq!(discovery.deliveries.len(), 2);
}

#[tokio::test]
async fn a_plain_folder_is_one_delivery_and_other_files_are_named() {
    let root = folder(&[
        "billing/b.csv.gz",
        "billing/a.zstd.parquet",
        "billing/README.md",
        "billing/chart.png",
        "billing/.DS_Store",
        "billing/_SUCCESS",
        r#"billing/other-manifest.json <- {"name":"a web page"}"#,
        "lake/_delta_log/00000000000000000000.json",
        "lake/part-0.parquet",
    ]);
    let discovery = discovered(root.path()).await;
    assert_eq!(deliveries(root.path(), &discovery), ["billing: a.zstd.parquet b.csv.gz"]);
    let reasons = reasons(&discovery);
    for (name, reason) in [
        ("README.md", IgnoreReason::NotData),
        ("chart.png", IgnoreReason::NotData),
        (".DS_Store", IgnoreReason::Hidden),
        ("_SUCCESS", IgnoreReason::Hidden),
        ("other-manifest.json", IgnoreReason::Manifest),
        ("part-0.parquet", IgnoreReason::DeltaTable),
    ] {
        assert!(reasons.contains(&(name.to_owned(), reason)), "{name}: {reasons:?}");
    }
}

#[tokio::test]
async fn a_single_file_is_its_own_delivery() {
    let root = folder(&["BILLING_PERIOD=2026-10/a.csv", "BILLING_PERIOD=2026-10/b.csv"]);
    let discovery = discovered(&root.path().join("BILLING_PERIOD=2026-10/a.csv")).await;
    assert_eq!(discovery.deliveries.len(), 1);
    let delivery = &discovery.deliveries[0];
    assert!(delivery.uri.ends_with("BILLING_PERIOD=2026-10/a.csv"), "{}", delivery.uri);
    assert_eq!(fs::read(delivery.objects[0].local.as_ref().unwrap()).unwrap(), b"data");
}

#[tokio::test]
async fn the_id_of_a_delivery_does_not_depend_on_where_discovery_started() {
    let root = folder(&["x/data/BILLING_PERIOD=2026-10/x-1.csv"]);
    let from_root = discovered(root.path()).await;
    let from_period = discovered(&root.path().join("x/data/BILLING_PERIOD=2026-10")).await;
    assert_eq!(from_root.deliveries, from_period.deliveries);
    assert_eq!(from_root.deliveries[0].id.as_str().len(), 12);
    let by_detour = discovered(&root.path().join("x/../x/data")).await;
    assert_eq!(from_root.deliveries, by_detour.deliveries);
}

#[tokio::test]
async fn a_file_that_the_manifest_lists_and_that_is_not_there_is_said() {
    let root = folder(&[
        "x/data/BILLING_PERIOD=2026-10/x-1.parquet",
        "x/data/BILLING_PERIOD=2026-09/x-2.parquet",
        r#"x/metadata/BILLING_PERIOD=2026-10/x-Manifest.json <- {"dataFiles":["s3://b/x/data/BILLING_PERIOD=2026-10/x-1.parquet","s3://b/x/data/BILLING_PERIOD=2026-10/x-2.parquet"]}"#,
        r#"y/metadata/BILLING_PERIOD=2026-10/y-Manifest.json <- {"dataFiles":["s3://b/y/data/BILLING_PERIOD=2026-10/y-1.parquet"]}"#,
    ]);
    let discovery = discovered(root.path()).await;
    assert_eq!(
        deliveries(root.path(), &discovery),
        [
            "x/data/BILLING_PERIOD=2026-09: x-2.parquet",
            "x/data/BILLING_PERIOD=2026-10: x-1.parquet !x/data/BILLING_PERIOD=2026-10/x-2.parquet",
            "y/data/BILLING_PERIOD=2026-10:  !y/data/BILLING_PERIOD=2026-10/y-1.parquet",
        ]
    );
}

#[tokio::test]
async fn nothing_at_the_input_is_an_error_of_the_input() {
    let root = tempfile::tempdir().unwrap();
    let missing = root.path().join("nowhere");
    let error = open_input(missing.to_str().unwrap(), &StoreOptions::new()).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Input);
    let location = open_input(root.path().to_str().unwrap(), &StoreOptions::new()).unwrap();
    assert_eq!(discover(&location).await.unwrap_err().kind(), crate::ErrorKind::Input);
}

#[test]
fn names_of_version_folders() {
    for name in [
        "20261101T010203Z-aaa",
        "2026-11-01T01:02:03.000Z-x",
        "202611010930",
        "11111111222233334444555555555555",
    ] {
        let place = Place::of(&format!("x/BILLING_PERIOD=2026-10/{name}/f.csv"));
        assert_eq!(place.version_folder(), Some(name));
    }
    for name in ["part", "account=1", "2026"] {
        let place = Place::of(&format!("x/BILLING_PERIOD=2026-10/{name}/f.csv"));
        assert_eq!(place.version_folder(), None, "{name}");
    }
}
