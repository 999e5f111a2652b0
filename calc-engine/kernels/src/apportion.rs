//! Apportionment: splitting a whole into integer parts that add up to it, exactly.
//!
//! Largest remainder (Hamilton): every part gets the integer part of its share; the steps that are left go, one each,
//! to the largest remainders, ties to the smaller key. All of it is integer arithmetic, so the result does not depend on
//! the order in which parts are given, and no rounding is ever lost or made up.

/// Weights that cannot divide a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApportionError {
    /// No weight is greater than zero, so there is nobody to give the whole to.
    #[error("no weight is greater than zero")]
    NoWeight,
    /// A weight is less than zero.
    #[error("a weight is less than zero")]
    NegativeWeight,
    /// The numbers are too large for exact arithmetic.
    #[error("weights and whole are too large to multiply")]
    Overflow,
}

/// Splits `whole` (in ledger steps, of either sign) in proportion to the weights of `(key, weight)` parts.
///
/// The result stands in the order of `parts`, and its sum is `whole` to the last step.
///
/// # Errors
/// See [`ApportionError`].
///
/// ```
/// use airshed_kernels::apportion::apportion;
/// // SPRUCE's SplitJob: a parent of 10 g, children with usage ratios 0.2 and 0.3; idle is spread over both.
/// assert_eq!(apportion(10, &[("a", 200), ("b", 300)]), Ok(vec![4, 6]));
/// ```
pub fn apportion<K: Ord>(whole: i128, parts: &[(K, i128)]) -> Result<Vec<i128>, ApportionError> {
    let mut total: i128 = 0;
    for (_, weight) in parts {
        if *weight < 0 {
            return Err(ApportionError::NegativeWeight);
        }
        total = total.checked_add(*weight).ok_or(ApportionError::Overflow)?;
    }
    if total == 0 {
        return Err(ApportionError::NoWeight);
    }
    let magnitude = whole.checked_abs().ok_or(ApportionError::Overflow)?;
    let mut shares = Vec::with_capacity(parts.len());
    let mut remainders = Vec::with_capacity(parts.len());
    let mut left = magnitude;
    for (index, (_, weight)) in parts.iter().enumerate() {
        let product = magnitude.checked_mul(*weight).ok_or(ApportionError::Overflow)?;
        let (share, remainder) = (product / total, product % total);
        left -= share;
        shares.push(share);
        remainders.push((remainder, index));
    }
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| parts[a.1].0.cmp(&parts[b.1].0)));
    for (_, index) in remainders {
        if left == 0 {
            break;
        }
        shares[index] += 1;
        left -= 1;
    }
    let sign = whole.signum();
    Ok(shares.into_iter().map(|share| share * sign).collect())
}

#[cfg(test)]
mod tests;
