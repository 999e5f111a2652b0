//! Any bytes at all as a file of hourly grid factors: no panic; what is refused is refused with its line.
#![no_main]

use airshed_emission_factors::grid::{HourlyGridBuilder, read_hourly_csv};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let mut builder = HourlyGridBuilder::default();
    if let Ok(summary) = read_hourly_csv(file, &mut builder) {
        assert!(summary.rows + summary.rows_without_value <= file.len() as u64);
    }
});
