//! A factor as a row of text, and as a page.

use airshed_emission_factors::{FactorSet, value::Factor};

/// Columns of a listing. `factors diff` reads them back, so their names and order are a promise.
pub(super) const COLUMNS: &[&str] =
    &["id", "unit", "low", "central", "high", "source", "page", "valid_from", "valid_to"];

/// A factor as a row of the listing. Numbers stand in their shortest exact form.
pub(super) fn row(factor: &Factor) -> Vec<Option<String>> {
    let value = factor.value;
    vec![
        Some(factor.id.to_string()),
        Some(factor.unit.to_owned()),
        Some(value.low().to_string()),
        Some(value.central().to_string()),
        Some(value.high().to_string()),
        Some(factor.source_id.clone()),
        Some(factor.page.clone()),
        factor.valid_from.map(|day| day.to_string()),
        factor.valid_to.map(|day| day.to_string()),
    ]
}

/// Everything that is known about a factor, field by field.
pub(super) fn details(set: &FactorSet, factor: &Factor) -> Vec<Vec<Option<String>>> {
    let mut rows = Vec::new();
    let mut field = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            rows.push(vec![Some(name.to_owned()), Some(value)]);
        }
    };
    field("id", Some(factor.id.to_string()));
    field("central", Some(format!("{} {}", factor.value.central(), factor.unit)));
    field("low", Some(format!("{} {}", factor.value.low(), factor.unit)));
    field("high", Some(format!("{} {}", factor.value.high(), factor.unit)));
    field("valid from", factor.valid_from.map(|day| day.to_string()));
    field("valid to", factor.valid_to.map(|day| day.to_string()));
    field("note", Some(factor.note.clone()));
    field("page", Some(factor.page.clone()));
    field("source", Some(factor.source_id.clone()));
    if let Some(source) = set.source(&factor.source_id) {
        field("publisher", Some(source.publisher.clone()));
        field("title", Some(source.title.clone()));
        field("url", Some(source.url.clone()));
        field("licence", Some(source.licence.clone()));
        field("version", Some(source.version.clone()));
        field("retrieved", Some(source.retrieved.to_string()));
        field("about the source", Some(source.note.clone()));
    }
    field("factor set", Some(set.id().to_string()));
    rows
}
