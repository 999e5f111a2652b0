use super::*;

#[test]
fn a_double_means_its_shortest_decimal() {
    assert_eq!(decimal_from_f64(0.1, 12), Ok(100_000_000_000));
    assert_eq!(decimal_from_f64(0.000_016_666_7, 12), Ok(16_666_700));
    assert_eq!(decimal_from_f64(-1.34e-16, 12), Ok(0));
    assert_eq!(decimal_from_f64(1e15, 12), Ok(10i128.pow(27)));
    assert_eq!(decimal_from_f64(1e40, 12), Err(FixedError::Overflow));
    assert_eq!(decimal_from_f64(f64::NAN, 12), Err(FixedError::NotFinite));
}

#[test]
fn halves_go_to_even() {
    assert_eq!(decimal_from_str("0.5", 0), Ok(0));
    assert_eq!(decimal_from_str("1.5", 0), Ok(2));
    assert_eq!(decimal_from_str("2.5", 0), Ok(2));
    assert_eq!(decimal_from_str("-2.5", 0), Ok(-2));
    assert_eq!(decimal_from_str("2.50001", 0), Ok(3));
}

#[test]
fn text_that_is_no_number_is_refused() {
    for text in ["", ".", "-", "1.2.3", "NaN", "inf", "1e", "1e+x", "0x10", "1,5", "e5"] {
        assert_eq!(decimal_from_str(text, 2), Err(FixedError::NotANumber), "{text:?}");
    }
    assert_eq!(decimal_from_str(" 1.50 ", 2), Ok(150));
    assert_eq!(decimal_from_str("+.5", 2), Ok(50));
}

#[test]
fn quantities_round_once_and_refuse_what_they_cannot_hold() {
    assert_eq!(quantity_from_f64(0.0), Ok(0));
    assert_eq!(quantity_from_f64(-0.000_000_016), Ok(-2));
    assert_eq!(quantity_from_f64(9_999_999_999.0), Ok(999_999_999_900_000_000));
    assert_eq!(quantity_from_f64(1e10), Err(FixedError::Overflow));
    assert_eq!(quantity_from_f64(f64::INFINITY), Err(FixedError::NotFinite));
}
