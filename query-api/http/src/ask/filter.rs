//! Which rows figures are made of.

use airshed_domain::schema::column as c;
use jiff::civil::Date;

use super::{Dimension, literal};
use crate::problem::Problem;

/// A span of days, the last one exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// First day.
    pub(crate) from: Date,
    /// The day after the last.
    pub(crate) to: Date,
}

impl Span {
    /// As many days right before.
    pub(crate) fn before(self) -> Option<Self> {
        let days = self.from.until(self.to).ok()?;
        Some(Self { from: self.from.checked_sub(days).ok()?, to: self.from })
    }

    /// The condition on the billing periods, which leaves files out, and on a column of instants where there is one. Whole
    /// months are those of the bills, whatever table answers: a bill may have lines of the hours before and after its month.
    fn conditions(self, time: Option<&str>) -> Vec<String> {
        let Self { from, to } = self;
        let last = to.yesterday().unwrap_or(to);
        let mut conditions = vec![format!(
            "{} BETWEEN '{}' AND '{}'",
            c::PERIOD,
            from.strftime("%Y-%m"),
            last.strftime("%Y-%m")
        )];
        if let Some(time) = time.filter(|_| !self.is_whole_months()) {
            conditions.push(format!("{time} >= TIMESTAMP '{from}T00:00:00Z'"));
            conditions.push(format!("{time} < TIMESTAMP '{to}T00:00:00Z'"));
        }
        conditions
    }

    /// Whether it is made of whole months: then the monthly rollup can answer it.
    pub(crate) fn is_whole_months(self) -> bool {
        self.from.day() == 1 && self.to.day() == 1
    }
}

/// Conditions of a request: a row must have one of the values of each dimension that is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// The span, where one was given.
    pub(crate) span: Option<Span>,
    /// One resource, where one was named.
    pub(crate) resource: Option<String>,
    values: Vec<(Dimension, Vec<String>)>,
}

impl Filter {
    /// Reads the parameters of a request that are conditions; returns the others.
    pub(crate) fn parse(parameters: Vec<(String, String)>) -> Result<(Self, Vec<(String, String)>), Problem> {
        let mut filter = Self::default();
        let (mut from, mut to, mut others) = (None, None, Vec::new());
        for (name, value) in parameters {
            match name.as_str() {
                "from" => from = Some(day(&name, &value)?),
                "to" => to = Some(day(&name, &value)?),
                c::RESOURCE_ID => filter.resource = Some(value),
                _ => match Dimension::parse(&name) {
                    Some(dimension) => filter.add(dimension, value),
                    None => others.push((name, value)),
                },
            }
        }
        filter.span = match (from, to) {
            (None, None) => None,
            (Some(from), Some(to)) if from < to => Some(Span { from, to }),
            (Some(_), Some(_)) => {
                return Err(Problem::parameter("to", "it must lie after `from`, and is exclusive"));
            }
            _ => return Err(Problem::parameter("from", "`from` and `to` come together")),
        };
        Ok((filter, others))
    }

    fn add(&mut self, dimension: Dimension, value: String) {
        match self.values.iter_mut().find(|(known, _)| *known == dimension) {
            Some((_, values)) => values.push(value),
            None => self.values.push((dimension, vec![value])),
        }
    }

    /// What it has conditions on, but for time and resource.
    pub(crate) fn dimensions(&self) -> impl Iterator<Item = &Dimension> {
        self.values.iter().map(|(dimension, _)| dimension)
    }

    /// The same with another span.
    pub(crate) fn with_span(&self, span: Option<Span>) -> Self {
        Self { span, ..self.clone() }
    }

    /// `WHERE ...`, or nothing. `time` is the column of instants; without one only billing periods are compared.
    pub(crate) fn condition(&self, time: Option<&str>) -> String {
        let mut conditions = self.span.map(|span| span.conditions(time)).unwrap_or_default();
        for (dimension, values) in &self.values {
            let expression = dimension.expression();
            // An empty value asks for rows without one.
            let named: Vec<String> =
                values.iter().filter(|value| !value.is_empty()).map(|v| literal(v)).collect();
            let is_named = (!named.is_empty()).then(|| format!("{expression} IN ({})", named.join(", ")));
            let is_null = (named.len() < values.len()).then(|| format!("{expression} IS NULL"));
            let either: Vec<String> = is_named.into_iter().chain(is_null).collect();
            conditions.push(format!("({})", either.join(" OR ")));
        }
        if let Some(resource) = &self.resource {
            conditions.push(format!("{} = {}", c::RESOURCE_ID, literal(resource)));
        }
        if conditions.is_empty() { String::new() } else { format!("\nWHERE {}", conditions.join("\n  AND ")) }
    }
}

fn day(name: &str, value: &str) -> Result<Date, Problem> {
    value.parse().map_err(|_| Problem::parameter(name, "a day is written YYYY-MM-DD"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &[(&str, &str)]) -> Result<(Filter, Vec<(String, String)>), Problem> {
        Filter::parse(query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn values_are_alternatives_and_dimensions_all_hold() {
        let query = [
            ("from", "2026-10-01"),
            ("to", "2026-10-31"),
            ("region", "eu-west-1"),
            ("region", ""),
            ("tag.team", "it's"),
            ("limit", "5"),
        ];
        let (filter, others) = parse(&query).unwrap();
        assert_eq!(
            filter.condition(Some("day")),
            "\nWHERE period BETWEEN '2026-10' AND '2026-10'\n  AND day >= TIMESTAMP '2026-10-01T00:00:00Z'\n  \
             AND day < TIMESTAMP '2026-10-31T00:00:00Z'\n  AND (region IN ('eu-west-1') OR region IS NULL)\n  \
             AND (tag(tags, 'team') IN ('it''s'))"
        );
        assert_eq!(others, [("limit".to_owned(), "5".to_owned())]);
        assert!(!filter.span.unwrap().is_whole_months());
    }

    #[test]
    fn whole_months_are_those_of_the_bills() {
        let (filter, _) = parse(&[("from", "2026-10-01"), ("to", "2026-12-01")]).unwrap();
        let expected = "\nWHERE period BETWEEN '2026-10' AND '2026-11'";
        assert_eq!(filter.condition(Some("day")), expected);
        assert_eq!(filter.condition(None), expected);
    }

    #[test]
    fn spans_that_make_no_sense_are_refused() {
        for query in [
            &[("from", "2026-10-01")][..],
            &[("from", "2026-10-02"), ("to", "2026-10-02")],
            &[("from", "yesterday"), ("to", "2026-10-02")],
        ] {
            assert!(parse(query).is_err(), "{query:?}");
        }
    }

    #[test]
    fn the_span_before_has_as_many_days() {
        let span = Span { from: "2026-10-11".parse().unwrap(), to: "2026-10-18".parse().unwrap() };
        let before = span.before().unwrap();
        assert_eq!(
            (before.from.to_string(), before.to.to_string()),
            ("2026-10-04".into(), "2026-10-11".into())
        );
    }
}
