//! What the peers' profiles share: which lines are usage at all, and which column a kind of storage belongs to.
//!
//! The peers look at usage lines only. A line that is not usage is excluded with the reason that its type gives, so that
//! a run of a profile accounts for every line, which the peers do not.

use airshed_domain::status::UsageFamily;

use crate::{
    bounds::Bounds,
    class::{Basis, Class, ClassKey, Coefficients, ComponentCurves, Grid},
    reason::Reason,
};

/// Line types that the peers read as usage.
const USAGE_LINE_TYPES: &[&str] = &["Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"];

/// The class of a line that no profile estimates: another provider's, or not usage. `None` for AWS usage.
pub(super) fn not_usage(key: &ClassKey<'_>) -> Option<Class> {
    if !key.provider.is_some_and(|provider| provider.eq_ignore_ascii_case("aws")) {
        return Some(Class::without_estimate(Reason::UnknownProvider, UsageFamily::Other));
    }
    let line_type = key.line_type.unwrap_or("");
    if USAGE_LINE_TYPES.contains(&line_type) {
        return None;
    }
    let reason = match line_type {
        "Tax" => Reason::Tax,
        "Credit" | "Refund" => Reason::Credit,
        "Fee" => Reason::Fee,
        "RIFee" | "SavingsPlanRecurringFee" | "SavingsPlanUpfrontFee" => Reason::CommitmentFee,
        "SavingsPlanNegation" => Reason::CommitmentNegation,
        other if other.ends_with("Discount") => Reason::Discount,
        _ => Reason::UnknownLineType,
    };
    Some(Class::without_estimate(reason, UsageFamily::Other))
}

/// Coefficients of a peer before it says anything: what a peer does not state stays without a figure.
pub(super) fn nothing_else() -> Coefficients {
    Coefficients {
        basis: Basis::UsageAmount,
        energy_kwh: ComponentCurves::ZERO,
        default_utilization: None,
        accepts_measured_utilization: false,
        network_external_share: 0.0,
        embodied_g: Bounds::ZERO,
        pue: Bounds::exactly(1.0),
        wue_l_per_kwh: None,
        electricity_water_l_per_kwh: None,
        grid: Grid { zone: "".into(), yearly_g_per_kwh: Bounds::ZERO, hourly: None },
        market_g_per_kwh: None,
        upstream_g_per_kwh: None,
        t_and_d_ratio: None,
    }
}

/// The usage family of a storage line.
pub(super) fn storage_family(service: &str, usage_type: &str) -> UsageFamily {
    if usage_type.contains("Backup") || usage_type.contains("Snapshot") {
        return UsageFamily::Backup;
    }
    match service {
        "AmazonS3" | "AmazonGlacier" | "AmazonECR" => UsageFamily::ObjectStorage,
        "AmazonEC2" => UsageFamily::BlockStorage,
        "AmazonEFS" | "AmazonFSx" => UsageFamily::FileStorage,
        "AmazonECS" | "AmazonEKS" => UsageFamily::ServerlessMemory,
        _ => UsageFamily::DatabaseStorage,
    }
}

/// Whether the text ends with one of these.
pub(super) fn ends_with_any(text: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| text.ends_with(ending))
}

/// Whether the text contains one of these.
pub(super) fn contains_any(text: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| text.contains(part))
}
