//! A meter: one kind of line item, before it belongs to an account, a resource or an hour.

use super::{
    catalog::{InstanceType, Region},
    random::Random,
};

/// What a benchmark draws as the amount of an hour, and the scale on which the sample company builds its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Amount {
    /// 1 for a full hour.
    Hour,
    /// GB (or keys, or zones) held all month, billed as GB-months of one hour.
    PerMonth(f64),
    /// Varying, log-normal around a median per hour.
    LogNormal {
        /// Median per hour, in the meter's unit.
        median: f64,
        /// Deviation of the logarithm.
        sigma: f64,
    },
    /// 1 however long the line.
    One,
}

/// How the id of the metered resource looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// `i-0123456789abcdef0`
    Instance,
    /// `vol-0123456789abcdef0`
    Volume,
    /// Snapshot ARN.
    Snapshot,
    /// Bucket name.
    Bucket,
    /// Task or pod ARN.
    Task,
    /// Any other ARN.
    Arn,
}

/// The `line_item_line_item_type` of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LineType {
    /// Usage at the on-demand or spot rate.
    Usage,
    /// Usage that a reservation covers.
    DiscountedUsage,
    /// Usage that a Savings Plan covers, at the on-demand rate.
    SavingsPlanCoveredUsage,
    /// Takes the on-demand cost of covered usage off again.
    SavingsPlanNegation,
    /// The plan's hourly commitment.
    SavingsPlanRecurringFee,
    /// The reservation's monthly fee.
    RiFee,
    /// A fee, such as support.
    Fee,
    /// Tax.
    Tax,
    /// Credit.
    Credit,
    /// Refund.
    Refund,
    /// Discount of an enterprise agreement.
    EdpDiscount,
}

impl LineType {
    /// The text in the export.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "Usage",
            Self::DiscountedUsage => "DiscountedUsage",
            Self::SavingsPlanCoveredUsage => "SavingsPlanCoveredUsage",
            Self::SavingsPlanNegation => "SavingsPlanNegation",
            Self::SavingsPlanRecurringFee => "SavingsPlanRecurringFee",
            Self::RiFee => "RIFee",
            Self::Fee => "Fee",
            Self::Tax => "Tax",
            Self::Credit => "Credit",
            Self::Refund => "Refund",
            Self::EdpDiscount => "EdpDiscount",
        }
    }

    /// Whether the line meters something that ran.
    pub(crate) fn is_usage(self) -> bool {
        matches!(self, Self::Usage | Self::DiscountedUsage | Self::SavingsPlanCoveredUsage)
    }
}

/// Everything of a line that follows from what is metered and where.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    pub(crate) product_code: &'static str,
    pub(crate) service_code: &'static str,
    pub(crate) operation: String,
    pub(crate) usage_type: String,
    pub(crate) unit: &'static str,
    /// USD per unit.
    pub(crate) price: f64,
    pub(crate) amount: Amount,
    pub(crate) region: &'static Region,
    /// Whether the export states a region; it does not for global services and inbound transfer.
    pub(crate) region_stated: bool,
    pub(crate) family: Option<&'static str>,
    pub(crate) instance_type: Option<String>,
    pub(crate) instance_family: Option<&'static str>,
    /// Entries of the `product` map.
    pub(crate) attributes: Vec<(&'static str, String)>,
    pub(crate) naming: Naming,
    /// Region code, or `External`, that data leaves.
    pub(crate) from: Option<&'static str>,
    /// Region code, or `External`, that data reaches.
    pub(crate) to: Option<&'static str>,
    /// Whether the line names an availability zone.
    pub(crate) zonal: bool,
    /// Normalisation units per hour.
    pub(crate) normalization: f64,
    /// For split cost allocation lines: USD of the parent per unit.
    pub(crate) split_usd_per_unit: Option<f64>,
    /// Spot lines name no pricing term.
    pub(crate) spot: bool,
}

impl Meter {
    /// A meter of a service in a region, with the region's usage-type prefix and nothing optional.
    pub(crate) fn new(
        product_code: &'static str,
        operation: &str,
        usage_type: &str,
        (unit, price): (&'static str, f64),
        amount: Amount,
        region: &'static Region,
    ) -> Self {
        Self {
            product_code,
            service_code: product_code,
            operation: operation.to_owned(),
            usage_type: format!("{}{usage_type}", region.prefix),
            unit,
            price,
            amount,
            region,
            region_stated: true,
            family: None,
            instance_type: None,
            instance_family: None,
            attributes: Vec::new(),
            naming: Naming::Arn,
            from: None,
            to: None,
            zonal: false,
            normalization: 0.0,
            split_usd_per_unit: None,
            spot: false,
        }
    }

    /// With a product family.
    pub(crate) fn family(mut self, family: &'static str) -> Self {
        self.family = Some(family);
        self
    }

    /// With entries of the `product` map.
    pub(crate) fn with(mut self, attributes: &[(&'static str, &str)]) -> Self {
        self.attributes.extend(attributes.iter().map(|(key, value)| (*key, (*value).to_owned())));
        self
    }

    /// With another kind of resource id.
    pub(crate) fn named(mut self, naming: Naming) -> Self {
        self.naming = naming;
        self
    }

    /// With the instance type `prefix` + its name + `suffix` and what the type says about vCPU and memory.
    pub(crate) fn on(mut self, instance: &InstanceType, prefix: &str, suffix: &str) -> Self {
        self.instance_type = Some(format!("{prefix}{}{suffix}", instance.name));
        self.instance_family = Some(instance.purpose());
        self.hardware(instance)
    }

    /// With what the type says about vCPU and memory, but without naming the type as a column.
    pub(crate) fn hardware(mut self, instance: &InstanceType) -> Self {
        self.attributes.extend([
            ("vcpu", instance.vcpu.to_string()),
            ("memory", format!("{} GiB", instance.memory_gib)),
            ("physical_processor", instance.processor.to_owned()),
            ("processor_architecture", "64-bit".to_owned()),
            ("instance_type_family", instance.family().to_owned()),
        ]);
        self
    }

    /// With a usage type that some services write with `USE1-` even in us-east-1.
    pub(crate) fn prefixed_everywhere(mut self) -> Self {
        if self.region.prefix.is_empty() {
            self.usage_type.insert_str(0, "USE1-");
        }
        self
    }

    /// With a usage type written out, without the region's prefix.
    pub(crate) fn usage_type(mut self, usage_type: String) -> Self {
        self.usage_type = usage_type;
        self
    }

    /// Without a region column, as global services are billed.
    pub(crate) fn without_region(mut self) -> Self {
        self.region_stated = false;
        self
    }

    /// A new id for one resource that this meter measures.
    pub(crate) fn resource_id(&self, random: &mut Random, account_id: &str, name: &str) -> String {
        let region = self.region.code;
        match self.naming {
            Naming::Instance => format!("i-0{}", random.hex(16)),
            Naming::Volume => format!("vol-0{}", random.hex(16)),
            Naming::Snapshot => {
                format!("arn:aws:ec2:{region}:{account_id}:snapshot/snap-0{}", random.hex(16))
            }
            Naming::Bucket => format!("acme-{name}-{}", random.hex(8)),
            Naming::Task if self.product_code == "AmazonECS" => {
                format!("arn:aws:ecs:{region}:{account_id}:task/{name}/{}", random.hex(32))
            }
            Naming::Task => {
                format!("arn:aws:eks:{region}:{account_id}:pod/{name}/default/pod-{}", random.hex(10))
            }
            Naming::Arn => {
                let code = self.product_code;
                let service = code.trim_start_matches("Amazon").trim_start_matches("AWS").to_lowercase();
                format!("arn:aws:{service}:{region}:{account_id}:{name}-{}", random.hex(10))
            }
        }
    }
}
