//! What is summed up, and what rows are ordered by.

use std::fmt;

use airshed_domain::schema::{MEASURES, column as c};

use crate::problem::Problem;

/// Sums of costs and counts that rollups have beside [`MEASURES`].
const COUNTS: [&str; 6] = [
    c::LINES,
    c::LINES_ESTIMATED,
    c::BILLED_COST,
    c::EFFECTIVE_COST,
    c::BILLED_COST_ESTIMATED,
    c::BILLED_COST_UNMAPPED,
];

/// Every measure of a row, in order.
pub(crate) fn measures() -> impl Iterator<Item = &'static str> {
    COUNTS.into_iter().chain(MEASURES.iter().copied())
}

/// The measures of an answer, in the order of [`measures`]. Each of them is a column that has to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measures(Vec<&'static str>);

impl Default for Measures {
    /// All of them.
    fn default() -> Self {
        Self(measures().collect())
    }
}

impl Measures {
    /// Reads a list parted by commas.
    pub(crate) fn parse(parameter: &str, names: &str) -> Result<Self, Problem> {
        let wanted: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if let Some(unknown) = wanted.iter().find(|name| !measures().any(|known| known == **name)) {
            let known: Vec<&str> = measures().collect();
            let detail = format!("`{unknown}` is none of {}", known.join(", "));
            return Err(Problem::parameter(parameter, &detail));
        }
        if wanted.is_empty() {
            return Err(Problem::parameter(parameter, "it names no measure"));
        }
        Ok(Self(measures().filter(|name| wanted.contains(name)).collect()))
    }

    /// The same and one more.
    #[must_use]
    pub(crate) fn with(self, one: &'static str) -> Self {
        Self(measures().filter(|name| *name == one || self.0.contains(name)).collect())
    }

    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().copied()
    }
}

/// The measure that rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    measure: &'static str,
    descending: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { measure: c::CO2E_LOCATION_G, descending: true }
    }
}

impl Order {
    /// Reads `co2e_location_g`, or `-co2e_location_g` for the largest first.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let measure = measures().find(|measure| *measure == name)?;
        Some(Self { measure, descending })
    }

    /// What is compared.
    pub(crate) fn measure(self) -> &'static str {
        self.measure
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} NULLS LAST", self.measure, if self.descending { "DESC" } else { "ASC" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_those_that_are_named() {
        let named = Measures::parse("measures", "energy_kwh, lines").unwrap();
        assert_eq!(named.names().collect::<Vec<_>>(), ["lines", "energy_kwh"]);
        let more = named.with("billed_cost").with("lines");
        assert_eq!(more.names().collect::<Vec<_>>(), ["lines", "billed_cost", "energy_kwh"]);
        assert_eq!(Measures::default().names().count(), COUNTS.len() + MEASURES.len());
        for wrong in ["", ",", "lines,co2e", "LINES"] {
            assert!(Measures::parse("measures", wrong).is_err(), "{wrong}");
        }
    }
}
