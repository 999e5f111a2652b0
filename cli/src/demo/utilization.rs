//! Hourly processor utilisation of some instances: synthetic, by one formula.
//!
//! `avg = 0.06 + 0.52 x traffic x (0.8 + 0.4 u)` and `max = min(1, 1.6 x avg)`, with `traffic` the relative traffic of
//! the local hour and `u` uniform in `[0, 1)` from the seed; only hours in which the instance ran. A CSV has no room for a note, so
//! the name says it: `synthetic-utilization-YYYY-MM.csv`.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::cur2::random::Random;

use super::{estate::Estate, shape::Moment};

/// Columns of the file.
const HEADER: &str = "resource_id,usage_start,usage_end,metric,avg,max,samples";

/// Writes `synthetic-utilization-YYYY-MM.csv` and says where.
pub(crate) fn write(estate: &Estate, out: &Path) -> Result<PathBuf> {
    let path = out.join(format!("synthetic-utilization-{}.csv", estate.period));
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut file = BufWriter::new(file);
    writeln!(file, "{HEADER}")?;
    for measured in &estate.measured {
        let mut random = Random::stream(estate.seed, &measured.resource_id);
        for hour in 0..estate.hours() {
            let moment = Moment::new(estate.period, hour, measured.utc_offset_hours);
            let u = random.unit();
            if measured.shape.level(moment, 0.0, 0.5) <= 0.0 {
                continue;
            }
            let average = 0.06 + 0.52 * moment.traffic() * (0.8 + 0.4 * u);
            let peak = (average * 1.6).min(1.0);
            let start = estate.period.window().start_s + i64::from(hour) * 3600;
            let [start, end] = [start, start + 3600].map(jiff::Timestamp::from_second);
            let id = &measured.resource_id;
            writeln!(file, "{id},{},{},cpu_utilization,{average:.4},{peak:.4},12", start?, end?)?;
        }
    }
    file.flush()?;
    Ok(path)
}
