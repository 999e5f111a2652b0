//! What the ledger holds after a run: rows, coverage by cost, totals by basis with their range, top services.
//!
//! Every figure is read back from the published tables and not from the stages, so that the summary says what a query
//! would say.

use airshed_domain::fixed::{MONEY_SCALE, QUANTITY_SCALE};
use airshed_estimate::PeriodOutcome;
use airshed_query_api::Ledger;
use arrow::{
    array::{Array as _, AsArray as _, RecordBatch},
    compute::concat_batches,
    datatypes::{Decimal128Type, DecimalType as _, Int64Type},
};
use futures::TryStreamExt as _;
use serde_json::{Value, json};

use crate::{
    app::App,
    output::{count, mass, share, text_table, with_unit},
};

const MEASURES: &[(&str, &str, Unit)] = &[
    ("energy_kwh", "electricity", Unit::Energy),
    ("co2e_location_g", "operational, location-based (provider's scope 2)", Unit::Mass),
    ("co2e_market_g", "operational, market-based (provider's scope 2)", Unit::Mass),
    ("co2e_embodied_g", "embodied in hardware (provider's scope 3)", Unit::Mass),
    ("co2e_upstream_g", "upstream of the electricity (provider's scope 3)", Unit::Mass),
    ("co2e_t_and_d_g", "transmission and distribution (provider's scope 3)", Unit::Mass),
    ("water_l", "water consumed", Unit::Water),
];

/// Those of the measures that have bounds.
const WITH_BOUNDS: &[&str] = &["energy_kwh", "co2e_location_g", "co2e_embodied_g"];

#[derive(Clone, Copy)]
enum Unit {
    Energy,
    Mass,
    Water,
}

impl Unit {
    fn text(self, steps: i128) -> String {
        match self {
            Self::Energy => with_unit(steps, &[("kWh", 1.0), ("MWh", 1e3), ("GWh", 1e6)]),
            Self::Mass => mass(steps),
            Self::Water => with_unit(steps, &[("L", 1.0), ("m3", 1e3)]),
        }
    }
}

/// The summary, exact.
pub(super) struct Summary {
    method: String,
    factor_set: String,
    runs: Vec<(String, String, bool)>,
    rows: Rows,
    cost: Vec<Cost>,
    totals: Vec<Total>,
    services: Vec<Service>,
    /// Seconds by stage.
    pub(super) stages: Vec<(&'static str, f64)>,
    /// Rows that the import read now.
    pub(super) rows_read: u64,
}

#[derive(Default)]
struct Rows {
    estimated: u64,
    unmapped: u64,
    excluded: u64,
    rejected: u64,
}

/// Costs of one currency, in steps of 1e-12.
struct Cost {
    currency: String,
    billed: i128,
    estimated: i128,
    unmapped: i128,
}

/// A measure with its bounds, in steps of 1e-8; nothing where no line has a figure.
struct Total {
    column: &'static str,
    label: &'static str,
    unit: Unit,
    central: Option<i128>,
    bounds: Option<(i128, i128)>,
}

/// A service's figures, in steps of 1e-8.
struct Service {
    code: String,
    energy: i128,
    location: i128,
    low: i128,
    high: i128,
    embodied: i128,
}

impl Summary {
    pub(super) async fn of(app: &App, ledger: &Ledger, outcomes: &[PeriodOutcome]) -> anyhow::Result<Self> {
        let mut rows = Rows { rejected: rejected(ledger).await?, ..Rows::default() };
        for totals in outcomes.iter().map(|outcome| &outcome.run.totals) {
            rows.estimated += totals.rows_estimated;
            rows.unmapped += totals.rows_unmapped;
            rows.excluded += totals.rows_excluded;
        }
        let run = |outcome: &PeriodOutcome| {
            (outcome.run.period.to_string(), outcome.run.run_id.to_string(), outcome.unchanged)
        };
        Ok(Self {
            method: app.settings.method.name.clone(),
            factor_set: outcomes.first().map_or_else(String::new, |outcome| outcome.run.factor_set.clone()),
            runs: outcomes.iter().map(run).collect(),
            rows,
            cost: cost(ledger).await?,
            totals: totals(ledger).await?,
            services: services(ledger).await?,
            stages: Vec::new(),
            rows_read: 0,
        })
    }

    /// The coverage of the first currency that lies below a threshold.
    pub(super) fn coverage_below(&self, threshold: f64) -> Option<String> {
        let low = |cost: &&Cost| cost.coverage().is_some_and(|coverage| coverage < threshold);
        self.cost.iter().find(low).map(|cost| format!("{} ({})", cost.coverage_text(), cost.currency))
    }

    pub(super) fn text(&self) -> String {
        let rows = &self.rows;
        let mut lines = vec![format!(
            "{} rows in = {} estimated + {} unmapped + {} excluded + {} rejected",
            count(rows.total()),
            count(rows.estimated),
            count(rows.unmapped),
            count(rows.excluded),
            count(rows.rejected)
        )];
        for cost in &self.cost {
            lines.push(format!(
                "{} of mapped cost in {} has an estimate",
                cost.coverage_text(),
                cost.currency
            ));
        }
        lines.push(String::new());
        let mut table = text_table(&["total", "central", "low", "high"]);
        for total in &self.totals {
            let bound = |pick: fn((i128, i128)) -> i128| {
                total.bounds.map_or_else(String::new, |bounds| total.unit.text(pick(bounds)))
            };
            let central = total.central.map_or_else(|| "none".to_owned(), |steps| total.unit.text(steps));
            table.add_row([total.label.to_owned(), central, bound(|b| b.0), bound(|b| b.1)]);
        }
        lines.push(table.to_string());
        lines.push(String::new());
        let mut table = text_table(&["service", "electricity", "location-based", "low to high", "embodied"]);
        for service in &self.services {
            table.add_row([
                service.code.clone(),
                Unit::Energy.text(service.energy),
                mass(service.location),
                format!("{} to {}", mass(service.low), mass(service.high)),
                mass(service.embodied),
            ]);
        }
        lines.push(table.to_string());
        lines.push(String::new());
        for (period, run_id, unchanged) in &self.runs {
            lines.push(format!("{period}  {run_id}{}", if *unchanged { "  (unchanged)" } else { "" }));
        }
        lines.push(format!("method {}, factor set {}", self.method, self.factor_set));
        let stages: Vec<_> =
            self.stages.iter().map(|(name, seconds)| format!("{name} {seconds:.1} s")).collect();
        let rate = self.rows_per_s().map_or_else(String::new, |rate| format!(", {rate:.0} rows/s"));
        lines.push(format!("{}{rate}", stages.join(", ")));
        lines.join("\n")
    }

    pub(super) fn json(
        &self,
        input: Option<&str>,
        lake: &str,
        deliveries: &Value,
        utilization: &Value,
        ignored: &Value,
    ) -> Value {
        let decimal = |steps: i128, scale: i8| Decimal128Type::format_decimal(steps, 38, scale);
        let quantity = |steps: i128| decimal(steps, QUANTITY_SCALE);
        let totals: serde_json::Map<_, _> = self
            .totals
            .iter()
            .map(|total| {
                let bounds = total.bounds.map(|(low, high)| (quantity(low), quantity(high)));
                let (low, high) = bounds.unzip();
                (
                    total.column.to_owned(),
                    json!({ "central": total.central.map(quantity), "low": low, "high": high }),
                )
            })
            .collect();
        let cost = |cost: &Cost| {
            json!({
                "currency": cost.currency,
                "billed": decimal(cost.billed, MONEY_SCALE),
                "estimated": decimal(cost.estimated, MONEY_SCALE),
                "unmapped": decimal(cost.unmapped, MONEY_SCALE),
                "coverage": cost.coverage(),
            })
        };
        let service = |service: &Service| {
            json!({
                "service_code": service.code,
                "energy_kwh": quantity(service.energy),
                "co2e_location_g": quantity(service.location),
                "co2e_location_g_low": quantity(service.low),
                "co2e_location_g_high": quantity(service.high),
                "co2e_embodied_g": quantity(service.embodied),
            })
        };
        let run = |(period, run_id, unchanged): &(String, String, bool)| {
            let state = if *unchanged { "unchanged" } else { "new" };
            json!({ "period": period, "run_id": run_id, "state": state })
        };
        let stage = |(name, seconds): &(&str, f64)| json!({ "name": name, "seconds": seconds });
        json!({
            "input": input,
            "lake": lake,
            "method": self.method,
            "factor_set": self.factor_set,
            "rows": {
                "in": self.rows.total(),
                "estimated": self.rows.estimated,
                "unmapped": self.rows.unmapped,
                "excluded": self.rows.excluded,
                "rejected": self.rows.rejected,
            },
            "cost": self.cost.iter().map(cost).collect::<Vec<_>>(),
            "totals": totals,
            "top_services": self.services.iter().map(service).collect::<Vec<_>>(),
            "runs": self.runs.iter().map(run).collect::<Vec<_>>(),
            "deliveries": deliveries,
            "utilization": utilization,
            "ignored": ignored,
            "stages": self.stages.iter().map(stage).collect::<Vec<_>>(),
            "rows_per_s": self.rows_per_s(),
        })
    }

    fn rows_per_s(&self) -> Option<f64> {
        let seconds: f64 = self.stages.iter().map(|(_, seconds)| seconds).sum();
        (self.rows_read > 0 && seconds > 0.0).then(|| self.rows_read as f64 / seconds)
    }
}

impl Rows {
    fn total(&self) -> u64 {
        self.estimated + self.unmapped + self.excluded + self.rejected
    }
}

impl Cost {
    /// Share of the cost of estimated and unmapped lines that is on estimated ones; none without such cost.
    fn coverage(&self) -> Option<f64> {
        let whole = self.estimated + self.unmapped;
        (whole != 0).then(|| self.estimated as f64 / whole as f64)
    }

    fn coverage_text(&self) -> String {
        share(self.estimated as f64, (self.estimated + self.unmapped) as f64)
    }
}

async fn rejected(ledger: &Ledger) -> anyhow::Result<u64> {
    // Rejects of utilisation files are no billed rows.
    let sql = "SELECT count(*) FROM rejects WHERE delivery_id NOT IN \
               (SELECT delivery_id FROM objects WHERE object_format = 'utilization')";
    let batch = answer(ledger, sql).await?;
    Ok(batch.column(0).as_primitive::<Int64Type>().value(0).unsigned_abs())
}

async fn cost(ledger: &Ledger) -> anyhow::Result<Vec<Cost>> {
    let sql = "SELECT currency, sum(billed_cost), sum(billed_cost_estimated), sum(billed_cost_unmapped) \
               FROM emissions_monthly GROUP BY currency ORDER BY currency";
    let batch = answer(ledger, sql).await?;
    let row = |row: usize| Cost {
        currency: text(&batch, row),
        billed: steps(&batch, 1, row).unwrap_or(0),
        estimated: steps(&batch, 2, row).unwrap_or(0),
        unmapped: steps(&batch, 3, row).unwrap_or(0),
    };
    Ok((0..batch.num_rows()).map(row).collect())
}

async fn totals(ledger: &Ledger) -> anyhow::Result<Vec<Total>> {
    let central = MEASURES.iter().map(|(column, ..)| format!("sum({column})"));
    let bounds = WITH_BOUNDS.iter().flat_map(|c| [format!("sum({c}_low)"), format!("sum({c}_high)")]);
    let columns: Vec<_> = central.chain(bounds).collect();
    let batch = answer(ledger, &format!("SELECT {} FROM emissions_monthly", columns.join(", "))).await?;
    let total = |(index, (column, label, unit)): (usize, &(&'static str, &'static str, Unit))| {
        let bounds = WITH_BOUNDS.iter().position(|bounded| bounded == column).and_then(|place| {
            let low = MEASURES.len() + 2 * place;
            steps(&batch, low, 0).zip(steps(&batch, low + 1, 0))
        });
        Total { column, label, unit: *unit, central: steps(&batch, index, 0), bounds }
    };
    Ok(MEASURES.iter().enumerate().map(total).collect())
}

async fn services(ledger: &Ledger) -> anyhow::Result<Vec<Service>> {
    let sql = "SELECT service_code, sum(energy_kwh), sum(co2e_location_g), sum(co2e_location_g_low), \
               sum(co2e_location_g_high), sum(co2e_embodied_g) FROM emissions_monthly WHERE co2e_location_g IS NOT NULL \
               GROUP BY service_code ORDER BY sum(co2e_location_g) DESC, service_code LIMIT 10";
    let batch = answer(ledger, sql).await?;
    let row = |row: usize| {
        let value = |column: usize| steps(&batch, column, row).unwrap_or(0);
        Service {
            code: text(&batch, row),
            energy: value(1),
            location: value(2),
            low: value(3),
            high: value(4),
            embodied: value(5),
        }
    };
    Ok((0..batch.num_rows()).map(row).collect())
}

async fn answer(ledger: &Ledger, sql: &str) -> anyhow::Result<RecordBatch> {
    let stream = ledger.query(sql).await?;
    let schema = stream.schema();
    let batches: Vec<RecordBatch> = stream.try_collect().await?;
    Ok(concat_batches(&schema, &batches)?)
}

fn steps(batch: &RecordBatch, column: usize, row: usize) -> Option<i128> {
    let values = batch.column(column).as_primitive_opt::<Decimal128Type>()?;
    (row < values.len() && values.is_valid(row)).then(|| values.value(row))
}

fn text(batch: &RecordBatch, row: usize) -> String {
    arrow::util::display::array_value_to_string(batch.column(0), row).unwrap_or_default()
}
