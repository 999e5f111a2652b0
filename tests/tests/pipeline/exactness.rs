//! Same rows, same bytes: in any order, from any files, on any machine; and sums that agree to the last digit.

use airshed_domain::schema;
use airshed_lake::control;

use crate::{
    company,
    stages::{Machine, content, local_lake, resources, rows, run},
};

#[tokio::test(flavor = "multi_thread")]
async fn shuffled_and_split_input_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let lines = company::lines(48);
    let whole = folder.path().join("whole");
    company::write(&whole, "cur.csv", &lines);
    // A fixed shuffle: multiplication by a number that has no factor in common with the count.
    let stride = (7..).step_by(2).find(|s| !lines.len().is_multiple_of(*s)).unwrap();
    let shuffled: Vec<String> = (0..lines.len()).map(|i| lines[i * stride % lines.len()].clone()).collect();
    let parts = folder.path().join("parts");
    for (i, part) in shuffled.chunks(100).enumerate() {
        company::write(&parts, &format!("cur-{i}.csv"), part);
    }
    let mut contents = Vec::new();
    for (i, (input, machine)) in [
        (&whole, Machine::default()),
        (&parts, Machine { threads: 1, ..Machine::default() }),
        (&parts, Machine { threads: 16, import_memory_bytes: 1, ..Machine::default() }),
    ]
    .into_iter()
    .enumerate()
    {
        let lake = local_lake(&folder.path().join(format!("lake{i}")));
        run(input, &lake, &machine).await.unwrap();
        contents.push(content(&lake).await);
    }
    assert!(contents[0]["emissions"].len() == 1 && contents[0]["emissions_hourly"].len() == 1);
    assert_eq!(contents[0], contents[1]);
    assert_eq!(contents[0], contents[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_and_every_digit_is_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    let lines = company::lines(30);
    company::write(&folder.path().join("in"), "cur.csv", &lines);
    let lake = local_lake(&folder.path().join("lake"));
    run(&folder.path().join("in"), &lake, &Machine::default()).await.unwrap();

    let estimated = rows(&lake, &schema::emissions()).await;
    let rejected = rows(&lake, &schema::rejects()).await;
    assert_eq!(rejected, 2);
    assert_eq!(estimated + rejected, lines.len() as u64);
    let checks = airshed_rollup::check::current_runs(&lake, &resources(2)).await.unwrap();
    assert!(checks.len() > 60);
    let failed: Vec<_> = checks.iter().filter(|check| !check.passed()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_export_twice_changes_nothing_and_a_new_delivery_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in");
    let mut lines = company::lines(4);
    company::write(&input, "cur.csv", &lines);
    let lake = local_lake(&folder.path().join("lake"));
    run(&input, &lake, &Machine::default()).await.unwrap();
    let first = content(&lake).await;
    let runs = rows(&lake, &schema::runs()).await;
    run(&input, &lake, &Machine::default()).await.unwrap();
    assert_eq!(content(&lake).await, first);
    assert_eq!(rows(&lake, &schema::runs()).await, runs);

    lines.truncate(20);
    company::write(&input, "cur.csv", &lines);
    run(&input, &lake, &Machine::default()).await.unwrap();
    assert_eq!(rows(&lake, &schema::billing_lines()).await, 20);
    assert_eq!(rows(&lake, &schema::runs()).await, runs + 1);
    assert_eq!(rows(&lake, &schema::periods()).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_periods_that_are_asked_for_are_estimated() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in");
    let october = company::lines(2);
    let november: Vec<String> = october.iter().map(|line| line.replace("2026-10", "2026-11")).collect();
    company::write(&input, "october.csv", &october);
    company::write(&input, "november.csv", &november);
    let lake = local_lake(&folder.path().join("lake"));
    let periods = vec!["2026-11".parse().unwrap()];
    run(&input, &lake, &Machine { periods, ..Machine::default() }).await.unwrap();
    assert_eq!(rows(&lake, &schema::runs()).await, 1);
    let current = control::current_runs(&lake).await.unwrap();
    assert_eq!(current.keys().map(ToString::to_string).collect::<Vec<_>>(), ["2026-11"]);
    run(&input, &lake, &Machine::default()).await.unwrap();
    assert_eq!(rows(&lake, &schema::runs()).await, 2);
}
