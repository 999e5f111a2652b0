use proptest::prelude::*;

use super::*;

#[test]
fn idle_is_spread_over_the_children() {
    // methodology.md section 6, SplitJob: parent 10 g, ratios .2 and .3 -> 4 g and 6 g, at the ledger's scale.
    let gram = 100_000_000;
    assert_eq!(apportion(10 * gram, &[(1, 2), (2, 3)]), Ok(vec![4 * gram, 6 * gram]));
}

#[test]
fn ties_go_to_the_smaller_key() {
    assert_eq!(apportion(1, &[("b", 1), ("a", 1)]), Ok(vec![0, 1]));
    assert_eq!(apportion(2, &[("c", 1), ("b", 1), ("a", 1)]), Ok(vec![0, 1, 1]));
    assert_eq!(apportion(-1, &[("b", 1), ("a", 1)]), Ok(vec![0, -1]));
}

#[test]
fn weights_that_cannot_divide_are_refused() {
    assert_eq!(apportion(1, &[("a", 0)]), Err(ApportionError::NoWeight));
    assert_eq!(apportion::<u8>(1, &[]), Err(ApportionError::NoWeight));
    assert_eq!(apportion(1, &[("a", -1), ("b", 2)]), Err(ApportionError::NegativeWeight));
    assert_eq!(apportion(i128::MAX, &[("a", 2)]), Err(ApportionError::Overflow));
}

proptest! {
    #[test]
    fn the_parts_are_the_whole(
        whole in -1_000_000_000_000_000_000i128..1_000_000_000_000_000_000,
        weights in proptest::collection::vec(0i128..1_000_000_000_000, 1..20),
    ) {
        prop_assume!(weights.iter().sum::<i128>() > 0);
        let parts: Vec<(usize, i128)> = weights.iter().copied().enumerate().collect();
        let shares = apportion(whole, &parts).unwrap();
        prop_assert_eq!(shares.iter().sum::<i128>(), whole);
        let total: i128 = weights.iter().sum();
        for (share, weight) in shares.iter().zip(&weights) {
            // Quota rule of the largest-remainder method: never further than one step from the exact share.
            prop_assert!((share * total - whole * weight).abs() < total);
        }
        let mut reversed = parts.clone();
        reversed.reverse();
        let mut again = apportion(whole, &reversed).unwrap();
        again.reverse();
        prop_assert_eq!(again, shares);
    }
}
