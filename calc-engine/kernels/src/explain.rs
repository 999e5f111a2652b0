//! Explaining one line: the same numbers, written out.
//!
//! An explanation runs the line through the estimator, takes the class that was used with the steps that found its
//! coefficients, and writes down the row's own arithmetic: amount, hour, each quantity with its formula, and the value
//! after rounding. It is data; the command line draws it, and compares it with the row that the ledger holds.

use std::collections::BTreeSet;

use airshed_domain::{
    fixed::QUANTITY_SCALE,
    schema::column as c,
    status::{GridBasis, LineStatus, UsageFamily, UtilizationSource},
};
use airshed_emission_factors::{FactorSet, value::Factor};
use arrow::{
    array::{Array as _, ArrayRef, AsArray as _},
    datatypes::{Decimal64Type, Float64Type, Int32Type},
    record_batch::RecordBatch,
    util::display::array_value_to_string,
};

use crate::{
    class::{Basis, Class, Coefficients, Input, Step},
    estimate::{EstimateError, Estimator, MEASURES},
    place::HOURLY_FACTORS,
    reason::Reason,
};

/// How one line came to its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The line.
    pub line_id: String,
    /// What became of it.
    pub status: LineStatus,
    /// Why it has no estimate.
    pub reason: Option<Reason>,
    /// What kind of thing it uses.
    pub family: UsageFamily,
    /// The columns that the decision rests on, with their values.
    pub key: Vec<(&'static str, String)>,
    /// How the coefficients were found, then the arithmetic of the row, then rounding.
    pub steps: Vec<Step>,
    /// The figures as they stand in the ledger, in the order of its columns.
    pub figures: Vec<Figure>,
    /// The factors that went in.
    pub citations: Vec<Citation>,
}

/// A figure of the row, rounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Column of `emissions`.
    pub column: &'static str,
    /// Unit.
    pub unit: &'static str,
    /// Formula in words of other columns.
    pub formula: &'static str,
    /// The value in ledger steps of 1e-8; `None` where the method states none.
    pub steps: Option<i64>,
    /// The value as the ledger prints it, `null` where there is none.
    pub text: String,
}

/// A factor with its source.
#[derive(Debug, Clone, PartialEq)]
pub struct Citation {
    /// Id of the factor, or of the row that it stands in.
    pub factor_id: String,
    /// Low, central and high value with the unit; empty for the id of a whole row.
    pub value: String,
    /// Publisher and title.
    pub source: String,
    /// Version or edition.
    pub version: String,
    /// Terms of use.
    pub licence: String,
    /// Where to read it.
    pub url: String,
    /// Page, table, column or cell.
    pub page: String,
    /// What a reader should know.
    pub note: String,
}

/// Explains the only row of a batch of `billing_lines`.
///
/// # Errors
/// As [`Estimator::estimate`]; also when the batch does not hold exactly one row.
pub fn explain(estimator: &mut Estimator, line: &RecordBatch) -> Result<Explanation, EstimateError> {
    if line.num_rows() != 1 {
        return Err(EstimateError::input(format!("explain takes one line, not {}", line.num_rows())));
    }
    let emissions = estimator.estimate(line)?;
    let class = estimator.class_of_first(line)?.clone();
    let estimated = text(&emissions, c::STATUS) == LineStatus::Estimated.as_str();
    let reason = Reason::ALL.iter().copied().find(|reason| text(&emissions, c::REASON) == reason.as_str());
    let mut steps = vec![decision(&class)];
    // Hours are in every class of a zone that has some; a line that took the year's figure did not use them.
    let hourly = text(&emissions, c::GRID_BASIS) == GridBasis::Hourly.as_str();
    let is_used = |step: &&Step| hourly || !step.factor_ids.iter().any(|id| id.starts_with(HOURLY_FACTORS));
    steps.extend(class.steps.iter().filter(is_used).cloned());
    let factor_ids: BTreeSet<&str> =
        steps.iter().flat_map(|step| &step.factor_ids).map(String::as_str).collect();
    let citations = factor_ids.into_iter().flat_map(|id| citations(id, estimator.factors())).collect();
    let mut figures = Vec::new();
    if estimated {
        steps.extend(row_steps(&class, line, &emissions));
        figures = figures_of(&emissions);
        steps.push(Step::new("rounding", "each quantity once, half to even, to steps of 1e-8").with_note(
            "quantities of the row are computed in double precision and never used again after rounding",
        ));
    }
    Ok(Explanation {
        line_id: text(line, c::LINE_ID),
        status: if estimated { LineStatus::Estimated } else { reason.map_or(class.status, Reason::status) },
        reason,
        family: class.family,
        key: KEY
            .iter()
            .map(|name| (*name, text(line, name)))
            .filter(|(_, value)| !value.is_empty())
            .collect(),
        steps,
        figures,
        citations,
    })
}

/// Columns that a decision rests on.
const KEY: [&str; 16] = [
    c::PROVIDER,
    c::SERVICE_CODE,
    c::USAGE_TYPE,
    c::OPERATION,
    c::INSTANCE_TYPE,
    c::PRODUCT_FAMILY,
    c::PRODUCT_VCPU,
    c::LINE_TYPE,
    c::REGION,
    c::TRANSFER_TYPE,
    c::FROM_REGION,
    c::TO_REGION,
    c::SPLIT_PARENT_RESOURCE_ID,
    c::CURRENCY,
    c::USAGE_AMOUNT,
    c::USAGE_UNIT,
];

fn decision(class: &Class) -> Step {
    let verdict = match class.reason {
        None => format!("{}, {}", class.status, class.quality.map_or("", |quality| quality.as_str())),
        Some(reason) => format!("{}: {reason}", class.status),
    };
    Step::new("classification", verdict).with_note(format!("usage family {}", class.family))
}

/// The utilisation that the line was calculated with, and what its parts draw at it.
fn utilization_steps(coefficients: &Coefficients, line: &RecordBatch, emissions: &RecordBatch) -> Vec<Step> {
    let (Some(used), Some(default)) = (number(emissions, c::UTILIZATION), coefficients.default_utilization)
    else {
        return Vec::new();
    };
    let source = text(emissions, c::UTILIZATION_SOURCE);
    let mean = number(line, c::UTILIZATION).filter(|_| source != UtilizationSource::Default.as_str());
    let cover = number(line, c::UTILIZATION_COVER).unwrap_or(1.0);
    let title = "utilisation of the line";
    let utilization = match mean {
        None => Step::new(title, "the default: nothing was measured"),
        Some(mean) if cover < 1.0 => Step::new(title, "measured x cover + default x (1 - cover)")
            .with_input("measured", mean, "1")
            .with_input("cover", cover, "1")
            .with_input("default", default.central, "1"),
        Some(_) => Step::new(title, "measured over all of its time"),
    };
    let curves = &coefficients.energy_kwh;
    let parts = [
        ("processors", &curves.cpu),
        ("memory", &curves.memory),
        ("accelerators", &curves.accelerator),
        ("storage", &curves.storage),
        ("network", &curves.network),
        ("rest of the server", &curves.platform),
    ]
    .map(|(name, curve)| Input::new(name, curve.at(used).central, "kWh"));
    let total = parts.iter().map(|part| part.value).sum();
    let energy = Step::new("energy per billed unit, before PUE", "sum of the parts at that utilisation");
    vec![
        utilization.with_result(c::UTILIZATION, used, "1").with_note(source),
        Step { inputs: parts.into_iter().filter(|part| part.value != 0.0).collect(), ..energy }
            .with_result("it_kwh", total, "kWh"),
    ]
}

/// What is particular to the row: utilisation, hour, amount.
fn row_steps(class: &Class, line: &RecordBatch, emissions: &RecordBatch) -> Vec<Step> {
    let coefficients = class.coefficients.as_deref();
    let mut steps = coefficients.map_or_else(Vec::new, |own| utilization_steps(own, line, emissions));
    let (column, unit) = match coefficients.map(|coefficients| coefficients.basis) {
        Some(Basis::EffectiveCost) => (c::EFFECTIVE_COST, text(line, c::CURRENCY)),
        _ => (c::USAGE_AMOUNT, text(line, c::USAGE_UNIT)),
    };
    let amount: f64 = text(line, column).parse().unwrap_or(f64::NAN);
    steps.push(Step::new("amount", column).with_result(column, amount, "billed unit").with_note(unit));
    if let Some(intensity) = number(emissions, c::GRID_INTENSITY_G_PER_KWH) {
        steps.push(
            Step::new("grid intensity of the line", text(emissions, c::GRID_BASIS))
                .with_result(c::GRID_INTENSITY_G_PER_KWH, intensity, "gCO2e/kWh")
                .with_note(format!(
                    "zone {}, from {} to {}",
                    text(emissions, c::GRID_ZONE),
                    text(line, c::USAGE_START),
                    text(line, c::USAGE_END)
                )),
        );
    }
    steps
}

fn figures_of(emissions: &RecordBatch) -> Vec<Figure> {
    MEASURES
        .iter()
        .map(|measure| {
            let array = emissions.column_by_name(measure.column);
            let decimals = array.and_then(|array| array.as_primitive_opt::<Decimal64Type>());
            let steps = decimals.filter(|decimals| decimals.is_valid(0)).map(|decimals| decimals.value(0));
            Figure {
                column: measure.column,
                unit: measure.unit,
                formula: measure.formula,
                steps,
                text: steps.map_or_else(|| "null".to_owned(), text_of_steps),
            }
        })
        .collect()
}

/// Ledger steps as decimal text with all its digits.
fn text_of_steps(steps: i64) -> String {
    let digits = usize::from(QUANTITY_SCALE.unsigned_abs());
    let scale = 10u64.pow(u32::from(QUANTITY_SCALE.unsigned_abs()));
    let (whole, rest) = (steps.unsigned_abs() / scale, steps.unsigned_abs() % scale);
    let sign = if steps < 0 { "-" } else { "" };
    format!("{sign}{whole}.{rest:0digits$}")
}

/// A factor, or every number of the row that the id names, or the imported hours that it names.
fn citations(id: &str, factors: &FactorSet) -> Vec<Citation> {
    if id.starts_with(HOURLY_FACTORS) {
        return vec![Citation {
            factor_id: id.to_owned(),
            value: String::new(),
            source: "hours imported with `airshed factors import-grid`".to_owned(),
            version: factors
                .grid()
                .hourly_digest()
                .map(|digest| format!("sha256 {digest}"))
                .unwrap_or_default(),
            licence: "the terms of their publisher".to_owned(),
            url: String::new(),
            page: String::new(),
            note: "direct and lifecycle gCO2e/kWh of every hour; all imported hours share the digest"
                .to_owned(),
        }];
    }
    let cite = |factor: &Factor| {
        let source = factors.source(&factor.source_id);
        let of_source = |get: fn(&airshed_emission_factors::provenance::Source) -> &str| {
            source.map_or_else(String::new, |source| get(source).to_owned())
        };
        Citation {
            factor_id: factor.id.as_str().to_owned(),
            value: format!(
                "{} ({} to {}) {}",
                factor.value.central(),
                factor.value.low(),
                factor.value.high(),
                factor.unit
            ),
            source: format!("{}: {}", of_source(|s| &s.publisher), of_source(|s| &s.title)),
            version: of_source(|s| &s.version),
            licence: of_source(|s| &s.licence),
            url: of_source(|s| &s.url),
            page: factor.page.clone(),
            note: factor.note.clone(),
        }
    };
    let row = format!("{id}/");
    factors
        .factors()
        .filter(|factor| factor.id.as_str() == id || factor.id.as_str().starts_with(&row))
        .map(cite)
        .collect()
}

/// A cell of the first row as text; empty for null and for a column that is not there.
fn text(batch: &RecordBatch, name: &str) -> String {
    let cell = |array: &ArrayRef| match array.as_dictionary_opt::<Int32Type>() {
        Some(dictionary) if dictionary.is_null(0) => String::new(),
        Some(dictionary) => {
            let key = usize::try_from(dictionary.keys().value(0)).unwrap_or(0);
            array_value_to_string(dictionary.values(), key).unwrap_or_default()
        }
        None => array_value_to_string(array, 0).unwrap_or_default(),
    };
    batch.column_by_name(name).map(cell).unwrap_or_default()
}

fn number(batch: &RecordBatch, name: &str) -> Option<f64> {
    let array = batch.column_by_name(name)?.as_primitive_opt::<Float64Type>()?;
    array.is_valid(0).then(|| array.value(0))
}

#[cfg(test)]
mod tests;
