//! Figures for people: three to four significant digits and a unit that fits. Scripts get the exact ones.

use airshed_domain::fixed::QUANTITY_SCALE;

/// A count with a comma every three digits.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A mass of CO2e given in steps of 1e-8 g, in g, kg or t.
pub(crate) fn mass(steps: i128) -> String {
    with_unit(steps, &[("g", 1.0), ("kg", 1e3), ("t", 1e6)])
}

/// A quantity given in steps of 1e-8 of the first unit, in the largest unit of which there is at least one.
pub(crate) fn with_unit(steps: i128, units: &[(&str, f64)]) -> String {
    let value = steps as f64 / 10f64.powi(i32::from(QUANTITY_SCALE));
    let fits = units.iter().rev().find(|(_, size)| value.abs() >= *size);
    match fits.or(units.first()) {
        Some((unit, size)) => format!("{} {unit}", significant(value / size)),
        None => significant(value),
    }
}

/// A share as a percentage with one digit.
pub(crate) fn share(part: f64, whole: f64) -> String {
    if whole == 0.0 { "n/a".to_owned() } else { format!("{:.1} %", part / whole * 100.0) }
}

fn significant(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 1000.0 => 0,
        v if v >= 100.0 => 1,
        v if v >= 10.0 => 2,
        v if v >= 0.1 || v == 0.0 => 3,
        _ => 6,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_follow_the_size() {
        let g = |grams: i128| mass(grams * 100_000_000);
        assert_eq!(g(0), "0.000 g");
        assert_eq!(g(999), "999.0 g");
        assert_eq!(g(1_000), "1.000 kg");
        assert_eq!(g(1_234_567), "1.235 t");
        assert_eq!(g(-2_500), "-2.500 kg");
        assert_eq!(with_unit(1_500 * 100_000_000, &[("kWh", 1.0), ("MWh", 1e3)]), "1.500 MWh");
    }

    #[test]
    fn counts_have_commas() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_share_of_nothing_is_not_a_number() {
        assert_eq!(share(1.0, 4.0), "25.0 %");
        assert_eq!(share(0.0, 0.0), "n/a");
    }
}
