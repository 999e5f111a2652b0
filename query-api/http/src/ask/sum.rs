//! Sums of measures by dimensions and time, from the coarsest table that has them.

use std::fmt;

use airshed_domain::schema::{Table, column as c};

use super::{Dimension, Filter, Measures, Order};

/// Steps of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grain {
    Hour,
    Day,
    Month,
}

/// Sums by dimensions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sum {
    /// The dimensions, in the order of the answer's columns.
    pub(crate) by: Vec<Dimension>,
    /// Steps of time, where it is a time series.
    pub(crate) grain: Option<Grain>,
    /// Whether each resource is a row of its own.
    pub(crate) by_resource: bool,
    /// What is summed up.
    pub(crate) measures: Measures,
    /// Rollups of few dimensions that may answer, those of fewest rows first.
    pub(crate) summaries: Vec<Table>,
}

impl Grain {
    /// Reads `hour`, `day` or `month`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "hour" => Some(Self::Hour),
            "day" => Some(Self::Day),
            "month" => Some(Self::Month),
            _ => None,
        }
    }
}

impl Sum {
    /// The table, and its column of instants where it has one.
    pub(crate) fn table(&self, filter: &Filter) -> (&'static str, Option<&'static str>) {
        // Resources have days at the finest; their hours are lines.
        if self.by_resource || filter.resource.is_some() {
            return ("emissions_resource_daily", Some(c::DAY));
        }
        let instant = if self.grain == Some(Grain::Hour) { c::HOUR } else { c::DAY };
        let has = |table: &Table, name: &str| table.columns.iter().any(|column| column.name == name);
        let dimensions = self.by.iter().chain(filter.dimensions()).map(|dimension| match dimension {
            Dimension::Column(name) => *name,
            Dimension::Tag(_) => c::TAGS,
        });
        let needed: Vec<&str> = dimensions.chain([instant]).collect();
        let suits = |table: &&Table| needed.iter().all(|name| has(table, name));
        if let Some(summary) = self.summaries.iter().find(suits) {
            return (summary.name, Some(instant));
        }
        let is_whole = filter.span.is_none_or(super::Span::is_whole_months);
        match self.grain {
            Some(Grain::Hour) => ("emissions_hourly", Some(c::HOUR)),
            Some(Grain::Month) | None if is_whole => ("emissions_monthly", None),
            _ => ("emissions_daily", Some(c::DAY)),
        }
    }

    /// The time of a row, in SQL.
    fn time(&self) -> Option<&'static str> {
        self.grain.map(|grain| match grain {
            Grain::Hour => c::HOUR,
            Grain::Day => c::DAY,
            Grain::Month => c::PERIOD,
        })
    }

    /// Columns that rows are told apart by: expression and name.
    fn keys(&self) -> Vec<(String, String)> {
        let mut keys: Vec<(String, String)> =
            self.time().into_iter().map(|time| (time.to_owned(), "time".to_owned())).collect();
        keys.extend(self.by.iter().map(|dimension| (dimension.expression(), dimension.alias())));
        if self.by_resource {
            keys.push((c::RESOURCE_ID.to_owned(), c::RESOURCE_ID.to_owned()));
        }
        // Costs are never added over currencies.
        let currency = Dimension::Column(c::CURRENCY);
        if !self.by.contains(&currency) {
            keys.push((currency.expression(), currency.alias()));
        }
        keys
    }

    /// The sums, ordered: by time where it is a series, else by a measure, largest first; ties by the keys.
    pub(crate) fn sql(&self, filter: &Filter, order: Order, rows: Rows) -> String {
        let (table, time) = self.table(filter);
        let keys = self.keys();
        let mut order: Vec<String> = if self.grain.is_some() { Vec::new() } else { vec![order.to_string()] };
        order.extend(keys.iter().map(|(_, alias)| alias.clone()));
        let select = select(&keys, &self.measures, table, &filter.condition(time));
        format!("{select}\nORDER BY {}{rows}", order.join(", "))
    }

    /// The sums of the largest groups by location-based emissions, and of all others together, marked by `other`.
    pub(crate) fn sql_of_largest(&self, filter: &Filter, groups: u32) -> String {
        if self.by.is_empty() {
            return self.sql(filter, Order::default(), Rows::default());
        }
        let (table, time) = self.table(filter);
        let condition = filter.condition(time);
        let named: Vec<(String, String)> =
            self.by.iter().map(|dimension| (dimension.expression(), dimension.alias())).collect();
        let columns: Vec<String> =
            named.iter().map(|(expression, alias)| Aliased { expression, alias }.to_string()).collect();
        let expressions: Vec<&str> = named.iter().map(|(expression, _)| expression.as_str()).collect();
        let currency = Dimension::Column(c::CURRENCY);
        let mut others: Vec<(String, String)> =
            self.time().into_iter().map(|time| (format!("rows.{time}"), "time".to_owned())).collect();
        let shown = named.iter().filter(|(_, alias)| *alias != currency.alias());
        others.extend(shown.map(|(_, alias)| (format!("largest.{alias}"), alias.clone())));
        others.push(("largest.is_large IS NULL".to_owned(), "other".to_owned()));
        // Costs of all others are not added over currencies either.
        others.push((format!("rows.{}", c::CURRENCY), currency.alias()));
        let same: Vec<String> = named
            .iter()
            .map(|(_, alias)| format!("(rows.{} IS NOT DISTINCT FROM largest.{alias})", key_name(alias)))
            .collect();
        let keyed: Vec<String> =
            named.iter().map(|(expression, alias)| format!("{expression} AS {}", key_name(alias))).collect();
        let all: Vec<&str> =
            self.time().into_iter().chain([c::CURRENCY]).chain(self.measures.names()).collect();
        let select =
            select(&others, &self.measures, &format!("rows LEFT JOIN largest ON {}", same.join(" AND ")), "");
        let order: Vec<&str> = others.iter().map(|(_, alias)| alias.as_str()).collect();
        format!(
            "WITH largest AS (\n  SELECT {}, true AS is_large FROM {table}{condition}\n  GROUP BY {}\n  \
             ORDER BY sum({}) DESC NULLS LAST, {} LIMIT {groups}\n),\nrows AS (\n  SELECT {}, {} FROM {table}{condition}\n)\n\
             {select}\nORDER BY {}",
            columns.join(", "),
            expressions.join(", "),
            c::CO2E_LOCATION_G,
            expressions.join(", "),
            keyed.join(", "),
            all.join(", "),
            order.join(", "),
        )
    }
}

/// Sums by keys (expression and name), without order.
fn select(keys: &[(String, String)], measures: &Measures, from: &str, condition: &str) -> String {
    let columns = keys.iter().map(|(expression, alias)| Aliased { expression, alias }.to_string());
    let sums = measures.names().map(|name| format!("sum({name}) AS {name}"));
    let columns: Vec<String> = columns.chain(sums).collect();
    let groups: Vec<&str> = keys.iter().map(|(expression, _)| expression.as_str()).collect();
    format!("SELECT\n  {}\nFROM {from}{condition}\nGROUP BY {}", columns.join(",\n  "), groups.join(", "))
}

/// The name of a key beside a measure or currency of the same name.
fn key_name(alias: &str) -> String {
    super::identifier(&format!("key {}", alias.trim_matches('"')))
}

/// `expression AS alias`, or the expression where both are the same.
struct Aliased<'a> {
    expression: &'a str,
    alias: &'a str,
}

impl fmt::Display for Aliased<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.expression == self.alias {
            f.write_str(self.alias)
        } else {
            write!(f, "{} AS {}", self.expression, self.alias)
        }
    }
}

/// A part of the rows; the default is all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Rows {
    pub(crate) limit: Option<u64>,
    pub(crate) offset: u64,
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(limit) = self.limit {
            write!(f, "\nLIMIT {limit}")?;
        }
        if self.offset > 0 {
            write!(f, "\nOFFSET {}", self.offset)?;
        }
        Ok(())
    }
}
