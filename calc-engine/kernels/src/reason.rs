//! Why a billed line has no estimate: the short codes of the `reason` column.
//!
//! A reason of an excluded line names the rule by which the line causes nothing of its own. A reason of an unmapped
//! line names what is missing. `docs/methodology/classification.md` has a paragraph on each.

use airshed_domain::status::LineStatus;
use airshed_emission_factors::FactorError;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident => $text:literal, $status:ident);+ $(;)?) => {
        /// Why a billed line has no estimate.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[$doc])* $name),+ }

        impl Reason {
            /// Every reason, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code as it stands in the ledger.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// The status that goes with the reason.
            pub const fn status(self) -> LineStatus {
                match self { $(Self::$name => LineStatus::$status),+ }
            }
        }
    };
}

reasons! {
    /// A Savings Plan's or reservation's fee; what it covers is estimated on the covered lines.
    CommitmentFee => "commitment_fee", Excluded;
    /// The part of a commitment that nothing used.
    UnusedCommitment => "unused_commitment", Excluded;
    /// The line that takes back the on-demand price of usage under a Savings Plan.
    CommitmentNegation => "commitment_negation", Excluded;
    /// A fee that buys no resource of its own (support, marketplace, one-time fees).
    Fee => "fee", Excluded;
    /// A tax.
    Tax => "tax", Excluded;
    /// A credit or refund in money.
    Credit => "credit", Excluded;
    /// A discount in money.
    Discount => "discount", Excluded;
    /// A change to an earlier bill in money, not in usage.
    Adjustment => "adjustment", Excluded;
    /// A share of a host that has its own line (containers on EC2, by split cost allocation).
    CountedOnHost => "counted_on_host", Excluded;
    /// An instance on a dedicated host; the host has its own line.
    CountedOnDedicatedHost => "counted_on_dedicated_host", Excluded;
    /// A software or management fee on an instance that has its own EC2 line.
    CountedOnInstance => "counted_on_instance", Excluded;
    /// Part of the instance's energy already (EBS optimisation, detailed monitoring of it, licences).
    IncludedInInstance => "included_in_instance", Excluded;
    /// Performance of a volume whose capacity has its own line.
    IncludedInStorage => "included_in_storage", Excluded;
    /// A minimum charge after deletion: nothing is stored any more.
    NothingStored => "nothing_stored", Excluded;
    /// The other end of a transfer, or its other direction, carries the estimate.
    CountedAtSender => "counted_at_sender", Excluded;
    /// A measure of a thing (requests, capacity units) whose energy stands on another line of the same service.
    CountedOnOtherLine => "counted_on_other_line", Excluded;
    /// No physical model exists for this kind of usage.
    NoModel => "no_model", Unmapped;
    /// The usage type is not one that the method knows.
    UnknownUsageType => "unknown_usage_type", Unmapped;
    /// The instance type is not in the factor set.
    UnknownInstanceType => "unknown_instance_type", Unmapped;
    /// A measured power curve holds for a whole machine; the line rents a part of one, or a host of several.
    NoCurveOfPart => "no_curve_of_part", Unmapped;
    /// The parts of the instance type, or the life of its host, give no embodied emissions.
    NoEmbodiedModel => "no_embodied_model", Unmapped;
    /// No power usage effectiveness is published by the provider of the region.
    NoPue => "no_pue", Unmapped;
    /// No water usage effectiveness is published by the provider of the region.
    NoWue => "no_wue", Unmapped;
    /// No area of the region has a grid factor.
    NoGridFactor => "no_grid_factor", Unmapped;
    /// The region is not in the factor set.
    UnknownRegion => "unknown_region", Unmapped;
    /// The line names no region and its usage is not global.
    NoRegion => "no_region", Unmapped;
    /// The unit does not fit the kind of usage.
    UnknownUnit => "unknown_unit", Unmapped;
    /// The hosted model has no published energy per token.
    UnknownAiModel => "unknown_ai_model", Unmapped;
    /// The processor of the instance type has no power figures in the chosen model.
    NoPowerModel => "no_power_model", Unmapped;
    /// The provider is not one that the method knows.
    UnknownProvider => "unknown_provider", Unmapped;
    /// The line type is not one that the ledger knows.
    UnknownLineType => "unknown_line_type", Unmapped;
    /// The line has no amount to multiply.
    NoAmount => "no_amount", Unmapped;
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What stands in the way of an estimate: the code that goes into the ledger, and the cause in words, for `explain`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The code.
    pub reason: Reason,
    /// The cause; `None` where the code says all there is to say.
    pub cause: Option<String>,
}

impl Obstacle {
    /// An obstacle with its cause in words.
    pub fn because(reason: Reason, cause: impl Into<String>) -> Self {
        Self { reason, cause: Some(cause.into()) }
    }

    /// A question that the factor tables have no answer to, with the whole chain of causes.
    pub fn missing(reason: Reason, error: &FactorError) -> Self {
        let mut cause = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            cause.push_str(": ");
            cause.push_str(&inner.to_string());
            source = inner.source();
        }
        Self::because(reason, cause)
    }
}

impl From<Reason> for Obstacle {
    fn from(reason: Reason) -> Self {
        Self { reason, cause: None }
    }
}
