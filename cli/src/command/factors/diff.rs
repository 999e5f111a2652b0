//! `airshed factors diff`: what changed, against the shipped set or a saved listing.

use std::collections::{BTreeMap, BTreeSet};

use airshed_emission_factors::FactorSet;
use anyhow::{Context as _, ensure};

use super::listing;
use crate::{
    app::App,
    factor_files,
    failure::{Exit, Problem},
    output,
};

/// Rows of a listing by id.
type Listing = BTreeMap<String, Vec<Option<String>>>;

pub(super) async fn execute(app: &App, before: Option<&str>) -> anyhow::Result<Exit> {
    let old = match before {
        Some(path) => saved(path)?,
        None => listing_of(&FactorSet::embedded()?),
    };
    let new = listing_of(&factor_files::load(app).await?);
    let rows = changes(&old, &new);
    output::write_rows(app.form, &["change", "id", "unit", "before", "after", "source"], &rows)?;
    app.progress.say(&format!("{} factors differ, {} before, {} after", rows.len(), old.len(), new.len()));
    Ok(Exit::Done)
}

fn changes(old: &Listing, new: &Listing) -> Vec<Vec<Option<String>>> {
    let ids: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut rows = Vec::new();
    for id in ids {
        let (before, after) = (old.get(id), new.get(id));
        let change = match (before, after) {
            (None, _) => "added",
            (_, None) => "removed",
            (Some(before), Some(after)) if before != after => "changed",
            _ => continue,
        };
        let cell = |name: &str| after.or(before).and_then(|row| value(row, name));
        rows.push(vec![
            Some(change.to_owned()),
            Some(id.clone()),
            cell("unit"),
            before.map(|row| band(row)),
            after.map(|row| band(row)),
            cell("source"),
        ]);
    }
    rows
}

fn value(row: &[Option<String>], name: &str) -> Option<String> {
    let place = listing::COLUMNS.iter().position(|column| *column == name)?;
    row.get(place).cloned().flatten()
}

fn band(row: &[Option<String>]) -> String {
    let [low, central, high] = ["low", "central", "high"].map(|name| value(row, name).unwrap_or_default());
    if low == high { central } else { format!("{central} ({low} to {high})") }
}

fn listing_of(set: &FactorSet) -> Listing {
    set.factors().map(|factor| (factor.id.to_string(), listing::row(factor))).collect()
}

fn saved(path: &str) -> anyhow::Result<Listing> {
    let not_a_listing = || {
        Problem::failed(format!("{path} is not a listing"))
            .hint("make one with `airshed factors list -o csv`")
    };
    let text = std::fs::File::open(path).with_context(|| format!("cannot read {path}"))?;
    let mut reader = csv::Reader::from_reader(text);
    let header = reader.headers().with_context(not_a_listing)?;
    ensure!(header.iter().eq(listing::COLUMNS.iter().copied()), not_a_listing());
    let mut listing = Listing::new();
    for record in reader.records() {
        let record = record.with_context(not_a_listing)?;
        let cells = record.iter().map(|cell| (!cell.is_empty()).then(|| cell.to_owned()));
        listing.insert(record[0].to_owned(), cells.collect());
    }
    Ok(listing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, central: &str) -> (String, Vec<Option<String>>) {
        let cells = [id, "W", central, central, central, "source", "page"].map(|cell| Some(cell.to_owned()));
        (id.to_owned(), cells.into_iter().chain([None, None]).collect())
    }

    #[test]
    fn added_removed_and_changed_are_told_apart() {
        let old = Listing::from([row("a", "1"), row("b", "2"), row("c", "3")]);
        let new = Listing::from([row("b", "2"), row("c", "4"), row("d", "5")]);
        let rows = changes(&old, &new);
        let brief: Vec<_> = rows
            .iter()
            .map(|row| [0, 1, 3, 4].map(|place: usize| row[place].clone().unwrap_or_default()).join(" "))
            .collect();
        assert_eq!(brief, ["removed a 1 ", "changed c 3 4", "added d  5"]);
    }
}
