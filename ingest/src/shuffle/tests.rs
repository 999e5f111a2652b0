use super::*;
use crate::shard::tests::{random_lines, settings};

#[test]
fn the_bucket_of_a_row_depends_on_its_values_alone() {
    let hashes = |lines: &RecordBatch, warm: bool| {
        let folder = tempfile::tempdir().unwrap();
        let mut shuffler =
            Shuffler::new(Arc::new(Layout::new().unwrap()), settings(folder.path(), usize::MAX));
        if warm {
            // Other codes for the same strings.
            shuffler.push(0, &random_lines(99, 500)).unwrap();
        }
        shuffler.translate(lines).unwrap();
        shuffler.row_hashes(lines).unwrap()
    };
    let lines = random_lines(1, 1_000);
    assert_eq!(hashes(&lines, false), hashes(&lines, true));
    let distinct: std::collections::BTreeSet<u64> =
        hashes(&lines, false).iter().map(|hash| hash >> 56).collect();
    assert!(distinct.len() > 200, "1,000 random rows fill only {} of 256 buckets", distinct.len());
}

#[test]
fn accounts_of_aws_go_by_their_order() {
    let mut accounts = Interner::default();
    let mut of = |text: &str| {
        let code = accounts.intern(text);
        sixteenth(&accounts, code)
    };
    // A sixteenth of a million million is 62,500,000,000.
    for (account, expected) in [
        ("000000000000", 0),
        ("062499999999", 0),
        ("062500000000", 1),
        ("500000000000", 8),
        ("999999999999", 15),
    ] {
        assert_eq!(of(account), expected, "{account}");
    }
    let others: std::collections::BTreeSet<u64> =
        (0..200).map(|number| of(&format!("subscription-{number}"))).collect();
    assert_eq!(others, (0..16).collect());
    assert!(sixteenth(&accounts, 0) < 16);
}

#[test]
fn a_counting_sort_is_stable_and_complete() {
    let hashes: Vec<u64> = [7u64, 3, 7, 255, 0, 3].iter().map(|bucket| bucket << 56).collect();
    let (order, starts) = counting_sort(&[0, 1, 2, 3, 4, 5], &hashes);
    assert_eq!(order, [4, 1, 5, 0, 2, 3]);
    assert_eq!((starts[0], starts[3], starts[4], starts[8], starts[256]), (0, 1, 3, 5, 6));
}

#[test]
fn spilled_rows_come_back_with_their_strings() {
    let folder = tempfile::tempdir().unwrap();
    let lines = random_lines(5, 3_000);
    let rows = |budget: usize| {
        let layout = Arc::new(Layout::new().unwrap());
        let mut worker = Shuffler::new(Arc::clone(&layout), settings(folder.path(), budget));
        for start in (0..3_000).step_by(1_000) {
            worker.push(0, &lines.slice(start, 1_000)).unwrap();
        }
        let finished = worker.finish().unwrap();
        assert_eq!(finished.part.segments.is_empty(), budget > 1);
        let shuffled = Shuffled::new(Arc::clone(&layout), vec![finished]);
        let mut rows = Vec::new();
        for &period in shuffled.counts.keys() {
            for piece in shuffled.parts[0].pieces(period, 0..BUCKETS).unwrap() {
                let resource = layout.stored_index("resource_id").unwrap();
                let slot = layout.slot(resource).unwrap();
                let codes = piece.batch.column(resource).as_primitive::<UInt32Type>().clone();
                let ids =
                    piece.batch.column(layout.stored_index("line_id").unwrap()).as_string::<i32>().clone();
                let dictionary = &piece.dictionaries[slot];
                rows.extend(codes.values().iter().enumerate().map(|(row, &code)| {
                    let resource = (code != 0).then(|| dictionary.value(code).to_owned());
                    (period, ids.value(row).to_owned(), resource)
                }));
            }
        }
        rows.sort();
        rows
    };
    let kept = rows(usize::MAX);
    assert_eq!(kept.len(), 3_000);
    assert_eq!(rows(1), kept);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a spill file was left behind");
}

#[test]
fn dates_that_are_no_dates_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut shuffler = Shuffler::new(Arc::new(Layout::new().unwrap()), settings(folder.path(), usize::MAX));
    let lines = random_lines(3, 2_000);
    let mut columns = lines.columns().to_vec();
    columns[0] = Arc::new(Int32Array::from_iter_values(24_000..26_000));
    let lines = RecordBatch::try_new(lines.schema(), columns).unwrap();
    assert_eq!(shuffler.push(0, &lines).unwrap_err().kind(), crate::ErrorKind::Input);
}
