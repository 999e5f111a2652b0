//! How long answers took, by kind of request.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::asks::{Ask, Mix};

/// Errors of a kind that are named.
const NAMED: usize = 3;

/// What one round of some clients came to.
#[derive(Debug, Default)]
pub(crate) struct Round {
    kinds: BTreeMap<&'static str, Kind>,
}

#[derive(Debug, Default)]
struct Kind {
    /// Milliseconds, and what was asked.
    answers: Vec<(f64, String)>,
    bytes: usize,
    errors: Vec<String>,
}

impl Round {
    /// Notes an answer: its size, or what went wrong.
    pub(crate) fn note(&mut self, ask: Ask, took: Duration, answer: Result<usize, String>) {
        let kind = self.kinds.entry(ask.kind).or_default();
        match answer {
            Ok(bytes) => {
                kind.answers.push((took.as_secs_f64() * 1_000.0, ask.path));
                kind.bytes += bytes;
            }
            Err(error) => kind.errors.push(format!("{}: {error}", ask.path)),
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (name, kind) in other.kinds {
            self.kinds.entry(name).or_default().add(kind);
        }
    }

    /// The round as JSON, sorted by kind; the last one is all of them.
    pub(crate) fn json(self, mix: Mix, clients: usize, seconds: f64) -> Value {
        let mut rows = Vec::new();
        let mut all = Kind::default();
        for (name, kind) in self.kinds {
            let (row, kind) = kind.json(name, seconds);
            rows.push(row);
            all.add(kind);
        }
        rows.push(all.json("all", seconds).0);
        json!({ "mix": mix.name(), "clients": clients, "seconds": seconds, "kinds": rows })
    }
}

impl Kind {
    fn add(&mut self, other: Self) {
        self.answers.extend(other.answers);
        self.bytes += other.bytes;
        self.errors.extend(other.errors);
    }

    fn json(mut self, name: &str, seconds: f64) -> (Value, Self) {
        self.answers.sort_by(|a, b| a.0.total_cmp(&b.0));
        let at = |percent: usize| nearest_rank(&self.answers, percent);
        let took = |percent: usize| at(percent).map(|(took, _)| took);
        let path = |percent: usize| at(percent).map(|(_, path)| path);
        let count = self.answers.len();
        let row = json!({
            "kind": name,
            "count": count,
            "per_second": count as f64 / seconds,
            "p50_ms": took(50),
            "p95_ms": took(95),
            "p99_ms": took(99),
            "longest_ms": took(100),
            "mean_bytes": self.bytes.checked_div(count),
            "typical": path(50),
            "slowest": path(100),
            "errors": self.errors.len(),
            "first_errors": self.errors.iter().take(NAMED).collect::<Vec<_>>(),
        });
        (row, self)
    }
}

/// The smallest value that so many percent do not exceed.
fn nearest_rank<T>(sorted: &[T], percent: usize) -> Option<&T> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.max(1) - 1)
}

/// A round as a table.
pub(crate) fn table(round: &Value) -> String {
    let number = |value: &Value| value.as_f64().map_or_else(|| "-".to_owned(), |value| format!("{value:.0}"));
    let mix = round["mix"].as_str().unwrap_or_default();
    let mut lines = vec![
        format!("{mix}, {} clients, {} s\n", round["clients"], number(&round["seconds"])),
        "| request | count | a second | p50 ms | p95 ms | p99 ms | longest ms | errors |".to_owned(),
        "|---|---:|---:|---:|---:|---:|---:|---:|".to_owned(),
    ];
    for kind in round["kinds"].as_array().into_iter().flatten() {
        let name = kind["kind"].as_str().unwrap_or_default();
        let rate = kind["per_second"].as_f64().unwrap_or_default();
        let cells = [&kind["p50_ms"], &kind["p95_ms"], &kind["p99_ms"], &kind["longest_ms"], &kind["errors"]]
            .map(number);
        lines.push(format!("| {name} | {} | {rate:.1} | {} |", kind["count"], cells.join(" | ")));
    }
    lines.join("\n")
}
