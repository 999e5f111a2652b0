//! Damaged, cut off, random and failing input: what was whole is kept, the rest is told, nothing panics.

use std::io::{self, Read};

use airshed_metric_stream::{Decoder, Error, Options, utilization};
use proptest::prelude::*;

use super::{Whole, cpu_point, gzip, instance, messages, otlp, request};

const START_S: u64 = 1_780_281_600;
const START_MS: i64 = 1_780_281_600_000;

fn json_object(records: usize) -> String {
    (0..records).map(|n| instance(&format!("i-{n}"), START_MS, 7.25, 2.0) + "\n").collect()
}

fn otlp_object(requests: u64) -> Vec<u8> {
    let requests: Vec<_> = (0..requests)
        .map(|n| request("m", "%", (0..3).map(|p| cpu_point(&format!("i-{n}-{p}"), START_S, 7.25)).collect()))
        .collect();
    otlp(&requests)
}

#[test]
fn bad_records_are_rejects_with_their_place_and_the_others_stay() {
    let good = instance("i-1", START_MS, 5.0, 1.0);
    let bad = [
        good.replace("\"sum\":5.0,", ""),
        good.replace("\"sum\":5.0", "\"sum\":\"5\""),
        good.replace("\"sum\":5.0", "\"sum\":1e999"),
        good.replace("1780281600000", "1e3"),
        good.replace("1780281600000", "-1"),
        good.replace("1780281600000", "9223372036854775807"),
        good.replace("\"count\":1.0", "\"count\":0.0"),
        good.replace("123456789012", ""),
        good[..good.len() - 20].to_owned(),
        "null".to_owned(),
        "\u{0}\u{1}".to_owned(),
        "]]]".to_owned(),
    ];
    let mut object = Vec::new();
    let mut places = Vec::new();
    for record in &bad {
        places.push(object.len() as u64);
        object.extend(record.as_bytes());
        object.extend(b"\n");
        object.extend(good.as_bytes());
        object.extend(b"\n");
    }
    // The first byte decides the format.
    let whole = Whole::of(object.as_slice(), 1000);
    assert_eq!(whole.points(), bad.len());
    let expected: Vec<_> = [
        "missing_required",
        "wrong_type",
        "damaged",
        "wrong_type",
        "bad_timestamp",
        "bad_timestamp",
        "out_of_range",
        "missing_required",
        "damaged",
        "wrong_type",
        "damaged",
        "damaged",
    ]
    .iter()
    .zip(places)
    .enumerate()
    .map(|(n, (reason, place))| (2 * n as u64, place, *reason))
    .collect();
    assert_eq!(whole.reasons(), expected);
    assert_eq!(Whole::of(object.as_slice(), 1).reasons(), expected);
}

#[test]
fn a_bad_record_among_records_without_newlines_costs_itself_alone() {
    let good = instance("i-1", START_MS, 5.0, 1.0);
    let object = format!("{good}{}{good}{good}", good.replace("5.0", "five"));
    let whole = Whole::of(object.as_bytes(), 1000);
    assert_eq!((whole.points(), whole.is_cut_off), (3, false));
    assert_eq!(whole.reasons(), [(1, good.len() as u64, "damaged")]);
}

#[test]
fn a_record_longer_than_any_that_firehose_delivers_is_passed_over() {
    let good = instance("i-1", START_MS, 5.0, 1.0);
    let long = instance(&"x".repeat(3 << 20), START_MS, 5.0, 1.0);
    let object = format!("{good}\n{long}\n{good}\n{long}");
    let whole = Whole::of(object.as_bytes(), 1000);
    assert_eq!(whole.points(), 2);
    let second = (2 * good.len() + long.len() + 3) as u64;
    assert_eq!(whole.reasons(), [(1, good.len() as u64 + 1, "row_too_long"), (3, second, "row_too_long")]);
    let blank = format!("{good}{}{good}", " ".repeat(3 << 20));
    assert_eq!(Whole::of(blank.as_bytes(), 1000).points(), 2);
}

#[test]
fn an_object_cut_off_anywhere_keeps_what_was_whole() {
    let json = json_object(5).into_bytes();
    let otlp = otlp_object(5);
    for (object, step) in [(&json, 1), (&otlp, 3)] {
        let rows = Whole::of(object.as_slice(), 1000).rows();
        let mut most = 0;
        for length in 0..object.len() {
            let cut = Whole::of(&object[..length], 1000);
            assert!(rows.starts_with(&cut.rows()));
            assert_eq!(cut.points() % step, 0);
            assert!(cut.points() >= most && cut.rejects.len() <= 1);
            most = cut.points();
            // A record is whole without its newline.
            let whole = object.len() / 5 * (cut.points() / step);
            let is_whole = length == whole || (step == 1 && length + 1 == whole);
            assert_eq!(cut.rejects.is_empty(), is_whole, "{length}");
            assert_eq!(cut.is_cut_off, !is_whole, "{length}");
        }
    }
}

#[test]
fn damaged_gzip_keeps_what_came_before_and_says_so_once() {
    for object in [json_object(3000).into_bytes(), otlp_object(1000)] {
        let rows = Whole::of(object.as_slice(), 100_000).rows();
        let whole = gzip(&object);
        for length in (3..whole.len()).step_by(whole.len() / 50) {
            let cut = Whole::of(&whole[..length], 100_000);
            assert!(rows.starts_with(&cut.rows()));
            assert_eq!(cut.rejects.len(), 1, "{:?}", cut.rejects);
            assert_eq!(cut.rejects[0].reason.as_str(), "damaged");
            assert!(cut.rejects[0].detail.contains("gzip"), "{:?}", cut.rejects);
        }
        assert!(Whole::of(&whole[..whole.len() - 9], 100_000).points() > 0);
        // A wrong checksum shows at the end only.
        let mut wrong = whole.clone();
        let checksum = wrong.len() - 6;
        wrong[checksum] ^= 1;
        let read = Whole::of(wrong.as_slice(), 100_000);
        assert_eq!((read.rows(), read.rejects.len(), read.is_cut_off), (rows, 1, true));
        // Something else after the last member.
        let mut longer = whole.clone();
        longer.extend(b"more");
        assert_eq!(Whole::of(longer.as_slice(), 100_000).rejects.len(), 1);
    }
}

#[test]
fn a_message_damaged_inside_is_given_up_there_and_the_next_is_read() {
    let requests: Vec<_> =
        (0..3).map(|n| request("m", "%", vec![cpu_point(&format!("i-{n}"), START_S, 7.25)])).collect();
    let mut object = otlp(&requests);
    let length = object.len() / 3;
    // The tag of the resource metrics of the second message, to a type that there is none of.
    object[length + 2] = 0x0f;
    let whole = Whole::of(object.as_slice(), 1000);
    assert_eq!(whole.points(), 2);
    assert_eq!(whole.reasons(), [(1, length as u64, "damaged")]);
}

#[test]
fn bad_data_points_are_rejects_and_those_beside_them_stay() {
    let good = || cpu_point("i-1", START_S, 5.0);
    let point = |change: &dyn Fn(&mut messages::DataPoint)| {
        let mut point = good();
        change(&mut point);
        point
    };
    let points = vec![
        good(),
        point(&|p| p.sum = f64::NAN),
        point(&|p| p.quantile_values[0].value = f64::INFINITY),
        point(&|p| p.count = 0),
        point(&|p| p.time_unix_nano = p.start_time_unix_nano),
        point(&|p| p.start_time_unix_nano = 0),
        point(&|p| p.start_time_unix_nano = u64::MAX),
        point(&|p| p.attributes.clear()),
        good(),
    ];
    let mut other = request("m", "%", vec![]);
    let metric = &mut other.resource_metrics[0].scope_metrics[0].metrics[0];
    metric.gauge = metric.summary.take();
    let mut homeless = request("m", "%", vec![good()]);
    homeless.resource_metrics[0].resource = None;
    let whole = Whole::of(otlp(&[request("m", "%", points), other, homeless]).as_slice(), 1000);
    assert_eq!(whole.points(), 2);
    let reasons: Vec<_> = whole.reasons().into_iter().map(|(record, _, reason)| (record, reason)).collect();
    assert_eq!(
        reasons,
        [
            (1, "not_finite"),
            (2, "not_finite"),
            (3, "out_of_range"),
            (4, "bad_interval"),
            (5, "bad_interval"),
            (6, "bad_timestamp"),
            (7, "missing_required"),
            (9, "wrong_type"),
            (10, "missing_required"),
        ]
    );
}

/// Yields a byte at a time, and may fail instead of ending.
struct Drops<'a> {
    bytes: &'a [u8],
    fails: bool,
}

impl Read for Drops<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.bytes.split_first() {
            Some((byte, rest)) if !into.is_empty() => {
                self.bytes = rest;
                into[0] = *byte;
                Ok(1)
            }
            None if self.fails => Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut")),
            _ => Ok(0),
        }
    }
}

#[test]
fn the_size_of_the_reads_changes_nothing() {
    for object in [json_object(50).into_bytes(), otlp_object(20)] {
        let rows = Whole::of(object.as_slice(), 1000).rows();
        for object in [&object, &gzip(&object)] {
            assert_eq!(Whole::of(Drops { bytes: object, fails: false }, 1000).rows(), rows);
        }
    }
}

#[test]
fn a_failing_source_is_an_error_and_no_reject() {
    let json = json_object(5).into_bytes();
    for object in [&[][..], &json[..1], &json[..700], &gzip(&json)[..60], &otlp_object(5)[..50]] {
        let mut decoder = Decoder::new(Drops { bytes: object, fails: true }, Options::default());
        let error = loop {
            match decoder.next_batch() {
                Ok(Some(piece)) => assert_eq!(piece.rejects, []),
                other => break other,
            }
        };
        assert!(matches!(error, Err(Error::Read(_))), "{error:?}");
    }
}

/// Repeats a piece many times and counts what was asked for.
struct Endless<'a> {
    piece: &'a [u8],
    read: usize,
}

impl Read for &mut Endless<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = &self.piece[self.read % self.piece.len()..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        self.read += length;
        Ok(length)
    }
}

#[test]
fn no_more_is_read_than_batches_need() {
    let json = json_object(1).into_bytes();
    let otlp = otlp_object(1);
    for piece in [json, otlp] {
        let mut source = Endless { piece: &piece, read: 0 };
        let mut decoder = Decoder::new(&mut source, Options { batch_rows: 100, ..Options::default() });
        for _ in 0..1000 {
            assert!(decoder.next_batch().unwrap().unwrap().points.num_rows() >= 100);
        }
        drop(decoder);
        let needed = 1000 * 102 * piece.len();
        assert!(source.read < needed + (1 << 20), "{} of {needed}", source.read);
    }
}

/// Decodes and converts; the invariants of `Whole` hold on any bytes.
fn decode_any(object: &[u8]) {
    for batch in Whole::of(object, 16).batches {
        let converted = utilization::convert(&batch, |_| true).expect("columns of data points");
        for value in
            converted.rows.column_by_name("avg").expect("a column").to_data().buffers()[0].typed_data::<f64>()
        {
            assert!(value.is_finite());
        }
    }
}

#[derive(Debug, Clone)]
enum Edit {
    Set(u8),
    Flip(u8),
    Insert(u8),
    Remove(u8),
    Repeat(u8),
}

fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, Edit)>> {
    let edit = prop_oneof![
        any::<u8>().prop_map(Edit::Set),
        (0..8u8).prop_map(Edit::Flip),
        any::<u8>().prop_map(Edit::Insert),
        (1..40u8).prop_map(Edit::Remove),
        (1..40u8).prop_map(Edit::Repeat),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), edit), 1..8)
}

fn edited(mut object: Vec<u8>, edits: &[(prop::sample::Index, Edit)]) -> Vec<u8> {
    for (index, edit) in edits {
        if object.is_empty() {
            break;
        }
        let at = index.index(object.len());
        let end = |length: u8| (at + usize::from(length)).min(object.len());
        match edit {
            Edit::Set(byte) => object[at] = *byte,
            Edit::Flip(bit) => object[at] ^= 1 << bit,
            Edit::Insert(byte) => object.insert(at, *byte),
            Edit::Remove(length) => drop(object.drain(at..end(*length))),
            Edit::Repeat(length) => {
                let piece = object[at..end(*length)].to_vec();
                object.splice(at..at, piece);
            }
        }
    }
    object
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        decode_any(&bytes);
        decode_any(&[b"{\"", bytes.as_slice()].concat());
        decode_any(&[&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0], bytes.as_slice()].concat());
        decode_any(&gzip(&bytes));
        // As a message of its length.
        let length = u8::try_from(bytes.len() % 128).unwrap();
        decode_any(&[&[length], &bytes[..usize::from(length).min(bytes.len())], b"\x00"].concat());
    }

    #[test]
    fn random_json_like_text_does_not_panic(text in r#"[\{\}\[\]",:a-c0-9eE.+\\\n -]{0,300}"#) {
        decode_any(format!("{{\"{text}").as_bytes());
        decode_any(format!("{}{text}{}", json_object(1), json_object(1)).as_bytes());
    }

    #[test]
    fn edited_objects_do_not_panic(edits in edits()) {
        for object in [json_object(4).into_bytes(), otlp_object(4)] {
            decode_any(&edited(object.clone(), &edits));
            decode_any(&gzip(&edited(object.clone(), &edits)));
            decode_any(&edited(gzip(&object), &edits));
        }
    }

    /// Records before the first edited one are as they were.
    #[test]
    fn an_edit_does_no_harm_to_what_stands_before_it(edits in edits()) {
        let object = json_object(8).into_bytes();
        let length = object.len() / 2;
        let (before, after) = object.split_at(length);
        let rows = Whole::of(before, 1000).rows();
        prop_assert_eq!(rows.len(), 4);
        let mixed = [before, &edited(after.to_vec(), &edits)].concat();
        prop_assert!(Whole::of(mixed.as_slice(), 1000).rows().starts_with(&rows));
    }
}
