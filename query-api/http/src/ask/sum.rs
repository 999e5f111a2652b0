//! Sums of measures by dimensions and time, from the table of fewest rows that has them.

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
    /// Rollups that may answer, those of fewest rows first.
    pub(crate) rollups: Vec<Table>,
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
        let dimensions = self.by.iter().chain(filter.dimensions()).map(|dimension| match dimension {
            Dimension::Column(name) => *name,
            Dimension::Tag(_) => c::TAGS,
        });
        let needed: Vec<&str> = dimensions.collect();
        let is_whole = filter.span.is_none_or(super::Span::is_whole_months);
        let suits = |table: &Table| {
            if !needed.iter().all(|name| table.has(name)) {
                return None;
            }
            // Finer grains answer for coarser ones; months have no instants.
            match self.grain {
                _ if table.has(c::HOUR) => Some((table.name, Some(c::HOUR))),
                Some(Grain::Hour) => None,
                _ if table.has(c::DAY) => Some((table.name, Some(c::DAY))),
                Some(Grain::Day) => None,
                Some(Grain::Month) | None => is_whole.then_some((table.name, None)),
            }
        };
        self.rollups.iter().find_map(suits).unwrap_or(("emissions_hourly", Some(c::HOUR)))
    }

    /// The time of a row in a table with such instants, in SQL.
    fn time(&self, instant: Option<&str>) -> Option<&'static str> {
        self.grain.map(|grain| match (grain, instant) {
            (Grain::Hour, _) => c::HOUR,
            (Grain::Day, Some(c::HOUR)) => "date_trunc('day', hour)",
            (Grain::Day, _) => c::DAY,
            (Grain::Month, _) => c::PERIOD,
        })
    }

    /// Columns that rows are told apart by: expression and name.
    fn keys(&self, instant: Option<&str>) -> Vec<(String, String)> {
        let mut keys: Vec<(String, String)> =
            self.time(instant).into_iter().map(|time| (time.to_owned(), "time".to_owned())).collect();
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
        let (table, instant) = self.table(filter);
        let keys = self.keys(instant);
        let mut order: Vec<String> = if self.grain.is_some() { Vec::new() } else { vec![order.to_string()] };
        order.extend(keys.iter().map(|(_, alias)| alias.clone()));
        let select = select(&keys, &self.measures, table, &filter.condition(instant));
        format!("{select}\nORDER BY {}{rows}", order.join(", "))
    }

    /// The sums of the largest groups by location-based emissions, and of all others together, marked by `other`.
    pub(crate) fn sql_of_largest(&self, filter: &Filter, groups: u32) -> String {
        if self.by.is_empty() {
            return self.sql(filter, Order::default(), Rows::default());
        }
        let (table, instant) = self.table(filter);
        let condition = filter.condition(instant);
        // Which groups are the largest is told by a table without the time, of fewer rows.
        let (summary, summary_instant) = Self { grain: None, ..self.clone() }.table(filter);
        let summary_condition = filter.condition(summary_instant);
        let named: Vec<(String, String)> =
            self.by.iter().map(|dimension| (dimension.expression(), dimension.alias())).collect();
        let columns: Vec<String> =
            named.iter().map(|(expression, alias)| Aliased { expression, alias }.to_string()).collect();
        let expressions: Vec<&str> = named.iter().map(|(expression, _)| expression.as_str()).collect();
        let currency = Dimension::Column(c::CURRENCY);
        let time = self.time(instant);
        let mut others: Vec<(String, String)> =
            time.iter().map(|_| ("rows.time".to_owned(), "time".to_owned())).collect();
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
        let time = time.map(|time| format!("{time} AS time"));
        let others_of_rows = std::iter::once(c::CURRENCY).chain(self.measures.names()).map(str::to_owned);
        let all: Vec<String> = time.into_iter().chain(others_of_rows).collect();
        let select =
            select(&others, &self.measures, &format!("rows LEFT JOIN largest ON {}", same.join(" AND ")), "");
        let order: Vec<&str> = others.iter().map(|(_, alias)| alias.as_str()).collect();
        format!(
            "WITH largest AS (\n  SELECT {}, true AS is_large FROM {summary}{summary_condition}\n  GROUP BY {}\n  \
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

#[cfg(test)]
mod tests {
    use airshed_domain::schema;

    use super::*;

    fn filter(query: &[(&str, &str)]) -> Filter {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Filter::parse(query.collect()).unwrap().0
    }

    #[test]
    fn the_first_rollup_that_can_answer_does() {
        let rollups = [
            schema::emissions_region_hourly(),
            schema::emissions_tag_daily(),
            schema::emissions_monthly(),
            schema::emissions_account_daily(),
            schema::emissions_daily(),
            schema::emissions_hourly(),
        ];
        let month = &[("from", "2026-10-01"), ("to", "2026-11-01")][..];
        let days = &[("from", "2026-10-02"), ("to", "2026-10-04")][..];
        let of_team = &[("from", "2026-10-02"), ("to", "2026-10-04"), ("tag.team", "web")][..];
        for (by, grain, asked, expected) in [
            ("", None, month, ("emissions_region_hourly", Some(c::HOUR))),
            ("region", Some(Grain::Day), days, ("emissions_region_hourly", Some(c::HOUR))),
            ("tag.team", Some(Grain::Day), days, ("emissions_tag_daily", Some(c::DAY))),
            ("tag.team", Some(Grain::Hour), days, ("emissions_hourly", Some(c::HOUR))),
            ("", None, of_team, ("emissions_tag_daily", Some(c::DAY))),
            // Months are for whole months, and have no days.
            ("account_id", None, month, ("emissions_monthly", None)),
            ("account_id", Some(Grain::Month), &[], ("emissions_monthly", None)),
            ("account_id", None, days, ("emissions_account_daily", Some(c::DAY))),
            ("account_id", Some(Grain::Day), month, ("emissions_account_daily", Some(c::DAY))),
            ("account_id", None, of_team, ("emissions_daily", Some(c::DAY))),
            ("account_id", Some(Grain::Hour), month, ("emissions_hourly", Some(c::HOUR))),
        ] {
            let by = Dimension::parse_all("group_by", by).unwrap();
            let sum = Sum { by, grain, rollups: rollups.to_vec(), ..Sum::default() };
            assert_eq!(sum.table(&filter(asked)), expected, "{:?} {grain:?} {asked:?}", sum.by);
        }
    }

    #[test]
    fn the_largest_groups_are_found_without_the_time() {
        let rollups =
            vec![schema::emissions_monthly(), schema::emissions_daily(), schema::emissions_hourly()];
        let by = Dimension::parse_all("group_by", "account_id").unwrap();
        let sum = Sum { by, grain: Some(Grain::Hour), rollups, ..Sum::default() };
        let tables = |asked| {
            let sql = sum.sql_of_largest(&filter(asked), 8);
            let tables =
                sql.split("FROM emissions_").skip(1).map(|rest| rest.split_whitespace().next().unwrap());
            tables.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(tables(&[("from", "2026-10-01"), ("to", "2026-11-01")]), ["monthly", "hourly"]);
        assert_eq!(tables(&[("from", "2026-10-02"), ("to", "2026-10-04")]), ["daily", "hourly"]);
    }

    #[test]
    fn hours_are_added_up_to_days() {
        let rollups = vec![schema::emissions_region_hourly()];
        let measures = Measures::parse("measures", "energy_kwh").unwrap();
        let sum = Sum { grain: Some(Grain::Day), measures, rollups, ..Sum::default() };
        assert_eq!(
            sum.sql(&Filter::default(), Order::default(), Rows::default()),
            "SELECT\n  date_trunc('day', hour) AS time,\n  currency,\n  sum(energy_kwh) AS energy_kwh\n\
             FROM emissions_region_hourly\nGROUP BY date_trunc('day', hour), currency\nORDER BY time, currency"
        );
    }
}
