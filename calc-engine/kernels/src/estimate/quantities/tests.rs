use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn rounding_is_the_ledgers(values in proptest::collection::vec(-3e7f64..3e7, 1..50)) {
        let mut steps = Vec::new();
        round_into(&values, false, &mut steps).unwrap();
        let expected: Vec<i64> = values.iter().map(|value| quantity_from_f64(*value).unwrap()).collect();
        prop_assert_eq!(steps, expected);
    }
}

#[test]
fn halves_go_to_even_and_bad_numbers_are_named() {
    let mut steps = Vec::new();
    // 0.5, 2.5 and 4.5 steps are exact products in doubles; 1.5e-8 x 1e8 is not.
    round_into(&[0.5e-8, 4.5e-8, -2.5e-8, 0.0, -0.0], false, &mut steps).unwrap();
    assert_eq!(steps, [0, 4, -2, 0, 0]);
    assert_eq!(round_into(&[1.0, 1e11], false, &mut steps).unwrap_err().0, 1);
    assert_eq!(round_into(&[f64::NAN], false, &mut steps).unwrap_err().0, 0);
    assert!(round_into(&[f64::NAN, 1e9], true, &mut steps).is_ok());
}
