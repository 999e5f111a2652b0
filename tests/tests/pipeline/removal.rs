//! A delivery that is taken out again: the ledger that would be if it had never come, wherever the removal was killed.

use std::path::{Path, PathBuf};

use airshed_domain::{id::DeliveryId, schema};
use airshed_ingest::{deliveries, remove_delivery};
use airshed_lake::{Lake, control};
use airshed_rollup::check;
use airshed_tests::dying_store::{LastWrite, dying_lake};

use crate::{
    company,
    stages::{Machine, local_lake, resources, rows, run},
};

/// More writes than a removal makes.
const WRITES: i64 = 5;

/// Two inputs with different lines of one month. The second is the mistake.
fn inputs(folder: &Path) -> [PathBuf; 2] {
    let lines = company::lines(6);
    let half = lines.len() / 2;
    let places = [folder.join("good"), folder.join("mistake")];
    for (place, lines) in places.iter().zip([&lines[..half], &lines[half..]]) {
        company::write(place, "cur.csv", lines);
    }
    places
}

/// What a reader sees now: the files of the tables of deliveries, and the current run.
async fn seen(lake: &Lake) -> Vec<String> {
    let mut seen = Vec::new();
    for table in [schema::objects(), schema::billing_lines(), schema::line_sources(), schema::rejects()] {
        seen.extend(lake.table(&table).await.unwrap().files().unwrap().into_iter().map(|file| file.path));
    }
    let runs = control::current_runs(lake).await.unwrap();
    seen.extend(runs.into_iter().map(|(period, run)| format!("{period} {run}")));
    seen
}

async fn failures(lake: &Lake) -> Vec<check::Check> {
    let mut checks = check::current_runs(lake, &resources(2)).await.unwrap();
    checks.extend(check::deliveries(lake, &resources(2)).await.unwrap());
    assert!(!checks.is_empty());
    checks.into_iter().filter(|check| !check.passed()).collect()
}

/// The delivery at a place.
async fn delivery(lake: &Lake, place: &Path) -> DeliveryId {
    let held = deliveries(lake).await.unwrap();
    let place = place.to_str().unwrap();
    held.into_iter().find(|held| held.source.as_ref().is_some_and(|s| s.contains(place))).unwrap().id
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_as_if_the_delivery_had_never_come() {
    let folder = tempfile::tempdir().unwrap();
    let [good, mistake] = inputs(folder.path());
    let (lake, machine) = (local_lake(&folder.path().join("lake")), Machine::default());
    run(&good, &lake, &machine).await.unwrap();
    let before = seen(&lake).await;
    run(&mistake, &lake, &machine).await.unwrap();
    assert_ne!(seen(&lake).await, before);
    assert!(failures(&lake).await.is_empty());

    let id = delivery(&lake, &mistake).await;
    assert!(remove_delivery(&lake, &id).await.unwrap());
    run(&good, &lake, &machine).await.unwrap();
    assert_eq!(seen(&lake).await, before);
    assert!(failures(&lake).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_that_lost_its_only_delivery_has_a_run_of_no_lines() {
    let folder = tempfile::tempdir().unwrap();
    let [good, other] = inputs(folder.path());
    let (lake, machine) = (local_lake(&folder.path().join("lake")), Machine::default());
    run(&good, &lake, &machine).await.unwrap();
    let first = control::current_runs(&lake).await.unwrap();
    remove_delivery(&lake, &delivery(&lake, &good).await).await.unwrap();
    assert!(deliveries(&lake).await.unwrap().is_empty());
    // An empty input folder cannot be imported: another month stands for the next run.
    let lines: Vec<String> =
        company::lines(1).iter().map(|line| line.replace("2026-10-", "2026-09-")).collect();
    company::write(&other, "cur.csv", &lines);
    run(&other, &lake, &machine).await.unwrap();
    let now = control::current_runs(&lake).await.unwrap();
    let (october, run_id) = first.into_iter().next().unwrap();
    assert_ne!(now[&october], run_id);
    let record = control::find_run(&lake, &now[&october]).await.unwrap().unwrap();
    assert_eq!(record.totals, airshed_lake::control::RunTotals::default());
    assert!(failures(&lake).await.is_empty(), "{:#?}", failures(&lake).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_removal_is_finished_by_another_or_undone_by_an_import() {
    let folder = tempfile::tempdir().unwrap();
    let [good, mistake] = inputs(folder.path());
    let machine = Machine { threads: 1, ..Machine::default() };
    let whole = folder.path().join("whole");
    let lake = local_lake(&whole);
    run(&good, &lake, &machine).await.unwrap();
    let without = seen(&lake).await;
    run(&mistake, &lake, &machine).await.unwrap();
    let with = seen(&lake).await;
    let id = delivery(&lake, &mistake).await;
    let cases =
        [LastWrite::Lost, LastWrite::Kept].into_iter().flat_map(|kind| (0..WRITES).map(move |at| (kind, at)));
    let mut survived = 0;
    for (last_write, writes) in cases {
        let place = folder.path().join(format!("{last_write:?}-{writes}"));
        copy(&whole, &place);
        let (dying, store) = dying_lake(&place, writes, last_write);
        let is_done = remove_delivery(&dying, &id).await.is_ok();
        assert_eq!(is_done, store.left() >= 0, "write {writes} was survived in silence");
        survived += usize::from(is_done);
        let lake = local_lake(&place);
        if writes % 2 == 0 {
            run(&mistake, &lake, &machine).await.unwrap();
            assert_eq!(seen(&lake).await, with, "{last_write:?} {writes}");
        } else {
            remove_delivery(&lake, &id).await.unwrap();
            run(&good, &lake, &machine).await.unwrap();
            assert_eq!(seen(&lake).await, without, "{last_write:?} {writes}");
        }
        assert!(failures(&lake).await.is_empty());
    }
    assert!(survived > 0, "no case had writes enough");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_a_delivery_lost_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let [good, _] = inputs(folder.path());
    company::write(&good, "cur.csv", &company::lines(2));
    let lake = local_lake(&folder.path().join("lake"));
    run(&good, &lake, &Machine::default()).await.unwrap();
    let in_rejects = rows(&lake, &schema::rejects()).await;
    assert!(in_rejects > 0);
    assert!(check::deliveries(&lake, &resources(2)).await.unwrap().iter().all(check::Check::passed));
    let mut rejects = lake.table(&schema::rejects()).await.unwrap();
    rejects.replace(&|_| true, &[], "test").await.unwrap();
    let [check] = check::deliveries(&lake, &resources(2)).await.unwrap().try_into().unwrap();
    assert!(!check.passed());
    let (expected, actual): (u64, u64) = (check.expected.parse().unwrap(), check.actual.parse().unwrap());
    assert_eq!(expected - actual, in_rejects);
}
