//! Line types: which lines are usage, and what the others are.
//!
//! Energy is estimated on the lines that say what was used, whoever paid for it how: on demand (`Usage`), under a
//! reservation (`DiscountedUsage`) or a Savings Plan (`SavingsPlanCoveredUsage`). Everything else is money about money
//! and is excluded by rule, so that nothing is counted twice. The part of a commitment that nothing used has its own
//! reason: it is paid for, but no machine of the customer ran.

use crate::reason::Reason;

/// Why a line of this type has no estimate; `None` for usage.
pub fn exclusion(line_type: &str) -> Option<Reason> {
    Some(match line_type {
        "Usage" | "DiscountedUsage" | "SavingsPlanCoveredUsage" => return None,
        "SavingsPlanNegation" => Reason::CommitmentNegation,
        "RIFee" | "SavingsPlanRecurringFee" | "SavingsPlanUpfrontFee" | "Purchase" => Reason::CommitmentFee,
        "UnusedCommitment" | "RIUnused" | "SavingsPlanUnused" | "UnusedReservation" | "UnusedSavingsPlan" => {
            Reason::UnusedCommitment
        }
        "Fee" | "SupportFee" | "OCBPremiumSupportFee" => Reason::Fee,
        "Tax" => Reason::Tax,
        "Credit" | "Refund" => Reason::Credit,
        "EdpDiscount"
        | "BundledDiscount"
        | "PrivateRateDiscount"
        | "RiVolumeDiscount"
        | "SppDiscount"
        | "DistributorDiscount"
        | "Discount"
        | "FlatRateDiscount" => Reason::Discount,
        "Adjustment" | "Rounding" => Reason::Adjustment,
        _ => return Some(Reason::UnknownLineType),
    })
}
