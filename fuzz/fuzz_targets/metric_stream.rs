//! Any bytes at all as an object of a metric stream: no panic, no endless loop, and every record accounted for.
#![no_main]

use airshed_metric_stream::{Decoder, Options, utilization};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|object: &[u8]| {
    // Small batches, so that their seams are tried too.
    let mut decoder = Decoder::new(object, Options { batch_rows: 3, ..Options::default() });
    while let Some(decoded) = decoder.next_batch().expect("a slice does not fail") {
        let points = decoded.points.num_rows() as u64;
        let converted = utilization::convert(&decoded.points, |_| true).expect("columns of data points");
        let accounted = converted.rows.num_rows() as u64 + converted.rejects.len() as u64 + converted.not_taken + converted.other_accounts;
        assert_eq!(points, accounted);
    }
});
