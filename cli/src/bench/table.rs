//! The report as a table for people.

use comfy_table::{CellAlignment, Table, presets};

use super::{BenchReport, Measurement, SizeReport};

const HEADER: [&str; 8] =
    ["rows", "what", "wall s", "cpu s", "rows/s", "peak memory MB", "written MB", "wall, run / copy"];

/// One row for the copy and one for the run of every size.
pub(crate) fn table(report: &BenchReport) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(HEADER);
    for size in &report.sizes {
        table.add_row(cells(size, "copy", &size.copy, String::new()));
        table.add_row(cells(size, "run", &size.run, format!("{:.2}", size.wall_ratio)));
        for (stage, seconds) in stages(size) {
            table.add_row([String::new(), format!("  {stage}"), format!("{seconds:.2}")]);
        }
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        if at != 1 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// Seconds by stage, as the run reported them under `stages`: `{"name": .., "seconds": ..}` or `{name: seconds}`.
fn stages(size: &SizeReport) -> Vec<(String, f64)> {
    let stages = &size.run.report["stages"];
    if let Some(list) = stages.as_array() {
        let read =
            list.iter().map(|stage| Some((stage["name"].as_str()?.to_owned(), stage["seconds"].as_f64()?)));
        read.flatten().collect()
    } else {
        let entries = stages.as_object().into_iter().flatten();
        entries.filter_map(|(name, seconds)| Some((name.clone(), seconds.as_f64()?))).collect()
    }
}

fn cells(size: &SizeReport, what: &str, measured: &Measurement, ratio: String) -> [String; 8] {
    let known = |value: Option<f64>, digits: usize| value.map_or("-".to_owned(), |v| format!("{v:.digits$}"));
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    [
        size.rows.to_string(),
        what.to_owned(),
        format!("{:.2}", measured.wall_s),
        known(measured.usage.cpu_s(), 2),
        format!("{:.0}", measured.rows_per_s),
        known(measured.usage.peak_rss_bytes.map(megabytes), 0),
        format!("{:.1}", megabytes(measured.written_bytes)),
        ratio,
    ]
}
