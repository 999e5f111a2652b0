use super::*;
use crate::import::{
    Outcome,
    tests::{Bench, hours},
};

#[tokio::test]
async fn deliveries_are_listed_with_what_they_hold() {
    let bench = Bench::new();
    assert!(deliveries(&bench.lake()).await.unwrap().is_empty());
    bench.write("x/data/BILLING_PERIOD=2026-09/x-1.csv", &hours("2026-09", 0..10));
    let bad = "bad,999999999999,2026-10-01T00:00:00Z,1,Usage,never,never,AmazonEC2,x,x,x,1,USD,1,Hrs,eu-west-1,name\n";
    bench.write("x/data/BILLING_PERIOD=2026-10/x-1.csv", &format!("{}{bad}", hours("2026-10", 0..20)));
    bench.write("x/data/BILLING_PERIOD=2026-10/x-2.csv", &hours("2026-10", 20..25));
    let report = bench.import("").await;
    let [september, october] = deliveries(&bench.lake()).await.unwrap().try_into().unwrap();
    assert_eq!((&september.id, &october.id), (&report.deliveries[0].id, &report.deliveries[1].id));
    assert!(september.source.unwrap().ends_with("/x/data/BILLING_PERIOD=2026-09/x-1.csv"));
    assert!(october.source.unwrap().ends_with("/x/data/BILLING_PERIOD=2026-10"));
    assert_eq!((september.objects, october.objects), (1, 2));
    assert_eq!((october.rows, october.held, october.rejects), (26, 25, 1));
    assert!(october.periods.contains("2026-10"));
    assert_eq!(october.imported_at.as_deref(), Some("2026-10-26T07:33:20Z"));
}

#[tokio::test]
async fn a_removed_delivery_leaves_nothing_and_may_come_again() {
    let bench = Bench::new();
    bench.write("good/a.csv", &hours("2026-10", 0..50));
    bench.import("").await;
    let counts = "select (select count(*) from billing_lines) as a, (select count(*) from line_sources) as b, \
                  (select count(*) from rejects) as c, (select count(*) from objects) as d";
    let before = bench.query(counts).await;
    bench.write("mistake/b.csv", &hours("2026-10", 100..130));
    let report = bench.import("").await;
    let with_both = bench.lake().table(&schema::billing_lines()).await.unwrap();
    assert_eq!(bench.query("select count(*) from billing_lines").await, [["80"]]);
    let id = &report.deliveries[1].id;
    assert!(remove_delivery(&bench.lake(), id).await.unwrap());
    assert_eq!(bench.query(counts).await, before);
    assert_eq!(deliveries(&bench.lake()).await.unwrap().len(), 1);
    assert!(!remove_delivery(&bench.lake(), id).await.unwrap());
    // The past still holds it.
    let past = bench.lake().table(&schema::billing_lines()).await.unwrap();
    let past = past.at_version(with_both.version()).await.unwrap();
    assert_eq!(past.files().unwrap().iter().map(|file| file.rows).sum::<u64>(), 80);
    let again = bench.import("").await;
    assert!(matches!(again.deliveries[1].outcome, Outcome::Imported), "{again:?}");
    assert_eq!(bench.query("select count(*) from billing_lines").await, [["80"]]);
}

#[test]
fn sources_are_the_folder_of_all_objects() {
    assert_eq!(common_folder("s3://b/x/a-1.csv", "s3://b/x/a-2.csv"), "s3://b/x");
    assert_eq!(common_folder("s3://b/x", "s3://b/x/y/z.csv"), "s3://b/x");
    assert_eq!(common_folder("s3://b/x/y/z.csv", "s3://b/xy/z.csv"), "s3://b");
}
