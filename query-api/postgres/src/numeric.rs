//! Decimals as Postgres writes them: exact, with their scale, up to the 38 digits that a column holds.
//!
//! The stock encoder goes through a type of 96 bits and refuses what is larger.

/// As text: all digits of the scale.
pub(crate) fn text(value: i128, scale: i8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = value.unsigned_abs().to_string();
    match usize::try_from(scale) {
        Ok(0) => format!("{sign}{digits}"),
        Ok(scale) => {
            let digits = format!("{digits:0>width$}", width = scale + 1);
            let (whole, part) = digits.split_at(digits.len() - scale);
            format!("{sign}{whole}.{part}")
        }
        // A negative scale counts zeros before the point.
        Err(_) if value == 0 => digits,
        Err(_) => format!("{sign}{digits}{}", "0".repeat(usize::from(scale.unsigned_abs()))),
    }
}

/// As `numeric_send` of Postgres writes it: digits to the base of 10,000, the power of the first, sign and scale.
pub(crate) fn binary(value: i128, scale: i8) -> Vec<u8> {
    let text = text(value.saturating_abs(), scale);
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let part_scale = part.len();
    // Both sides of the point in groups of four.
    let whole = format!("{whole:0>width$}", width = whole.len().div_ceil(4) * 4);
    let part = format!("{part:0<width$}", width = part.len().div_ceil(4) * 4);
    let mut weight = whole.len() / 4;
    let groups = format!("{whole}{part}").into_bytes();
    let mut groups: Vec<u16> = groups
        .chunks(4)
        .map(|group| group.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')))
        .collect();
    while groups.first() == Some(&0) {
        groups.remove(0);
        weight = weight.wrapping_sub(1);
    }
    while groups.last() == Some(&0) {
        groups.pop();
    }
    if groups.is_empty() {
        weight = 1;
    }
    let sign: u16 = if value < 0 { 0x4000 } else { 0 };
    // Few digits each: a number has 38 at most.
    let short = |number: usize| u16::try_from(number & 0xffff).unwrap_or_default();
    let head = [short(groups.len()), short(weight.wrapping_sub(1)), sign, short(part_scale)];
    head.into_iter().chain(groups).flat_map(u16::to_be_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_their_scale() {
        assert_eq!(text(12_345_678, 3), "12345.678");
        assert_eq!(text(-5, 8), "-0.00000005");
        assert_eq!(text(0, 2), "0.00");
        assert_eq!(text(7, 0), "7");
        assert_eq!(text(-7, -3), "-7000");
        assert_eq!(text(i128::MAX, 8), "1701411834604692317316873037158.84105727");
    }

    /// By the layout in `src/backend/utils/adt/numeric.c` of PostgreSQL: number of digits, weight, sign, scale, digits.
    #[test]
    fn bytes_are_those_of_postgres() {
        let hex =
            |bytes: Vec<u8>| bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        assert_eq!(hex(binary(12_345_678, 3)), "0003000100000003000109291a7c");
        assert_eq!(hex(binary(-5, 8)), "0001fffe400000080005");
        assert_eq!(hex(binary(0, 2)), "0000000000000002");
        assert_eq!(hex(binary(10_000, 0)), "00010001000000000001");
        assert_eq!(hex(binary(1, 1)), "0001ffff0000000103e8");
    }
}
