//! The price list: regions, instance types and their rates, as far as the samples need them.
//!
//! Regions, usage-type prefixes, sizes, vCPU, memory and processors are facts of AWS's public pages
//! (<https://aws.amazon.com/ec2/instance-types/>); rates are on-demand Linux list prices of us-east-1, rounded, and the
//! same in every region. Weights say how often a benchmark draws an entry. Nothing here feeds an estimate: emissions
//! are computed from the factor set only.

/// A region as billing names it.
#[derive(Debug)]
pub(crate) struct Region {
    /// Code, such as `eu-west-1`.
    pub(crate) code: &'static str,
    /// What its usage types start with.
    pub(crate) prefix: &'static str,
    /// Name in `product_location`.
    pub(crate) location: &'static str,
    /// How often a benchmark draws it.
    pub(crate) weight: f64,
    /// Local time minus UTC in October, whole hours.
    pub(crate) utc_offset_hours: i32,
}

/// A family of instance types with one price per vCPU.
#[derive(Debug)]
pub(crate) struct Family {
    name: &'static str,
    sizes: &'static str,
    gib_per_vcpu: f64,
    usd_per_vcpu_hour: f64,
    weight: f64,
    processor: &'static str,
}

/// An instance type.
#[derive(Debug, Clone)]
pub(crate) struct InstanceType {
    /// Name, such as `m5.large`.
    pub(crate) name: String,
    /// vCPUs.
    pub(crate) vcpu: u32,
    /// Memory, GiB.
    pub(crate) memory_gib: f64,
    /// On-demand Linux rate, USD per hour.
    pub(crate) usd_per_hour: f64,
    /// Processor, as in `product.physical_processor`.
    pub(crate) processor: &'static str,
    /// How often a benchmark draws it.
    pub(crate) weight: f64,
}

impl InstanceType {
    /// The family, `m5` of `m5.large`.
    pub(crate) fn family(&self) -> &str {
        self.name.split('.').next().unwrap_or(&self.name)
    }

    /// AWS's words for what the family is good at, as in `product_instance_family`.
    pub(crate) fn purpose(&self) -> &'static str {
        match (self.name.as_bytes()[0], self.family()) {
            (_, "inf1" | "inf2" | "trn1") => "Machine Learning ASIC Instances",
            (b'p' | b'g', _) => "GPU instance",
            (b'c', _) => "Compute optimized",
            (b'r' | b'x' | b'z', _) => "Memory optimized",
            (b'i' | b'd', _) => "Storage optimized",
            _ => "General purpose",
        }
    }
}

/// Every region.
pub(crate) static REGIONS: [Region; 26] = [
    entry("us-east-1", "", "US East (N. Virginia)", 30.0, -4),
    entry("us-east-2", "USE2-", "US East (Ohio)", 7.0, -4),
    entry("us-west-1", "USW1-", "US West (N. California)", 2.0, -7),
    entry("us-west-2", "USW2-", "US West (Oregon)", 14.0, -7),
    entry("ca-central-1", "CAN1-", "Canada (Central)", 2.0, -4),
    entry("sa-east-1", "SAE1-", "South America (Sao Paulo)", 2.0, -3),
    entry("eu-west-1", "EU-", "EU (Ireland)", 12.0, 1),
    entry("eu-west-2", "EUW2-", "EU (London)", 4.0, 1),
    entry("eu-west-3", "EUW3-", "EU (Paris)", 3.0, 2),
    entry("eu-central-1", "EUC1-", "EU (Frankfurt)", 8.0, 2),
    entry("eu-central-2", "EUC2-", "Europe (Zurich)", 0.5, 2),
    entry("eu-north-1", "EUN1-", "EU (Stockholm)", 2.0, 2),
    entry("eu-south-1", "EUS1-", "EU (Milan)", 0.7, 2),
    entry("eu-south-2", "EUS2-", "Europe (Spain)", 0.5, 2),
    entry("ap-southeast-1", "APS1-", "Asia Pacific (Singapore)", 3.0, 8),
    entry("ap-southeast-2", "APS2-", "Asia Pacific (Sydney)", 3.0, 11),
    entry("ap-southeast-3", "APS4-", "Asia Pacific (Jakarta)", 0.5, 7),
    entry("ap-northeast-1", "APN1-", "Asia Pacific (Tokyo)", 4.0, 9),
    entry("ap-northeast-2", "APN2-", "Asia Pacific (Seoul)", 1.0, 9),
    entry("ap-northeast-3", "APN3-", "Asia Pacific (Osaka)", 0.5, 9),
    entry("ap-south-1", "APS3-", "Asia Pacific (Mumbai)", 3.0, 5),
    entry("ap-east-1", "APE1-", "Asia Pacific (Hong Kong)", 0.7, 8),
    entry("me-south-1", "MES1-", "Middle East (Bahrain)", 0.5, 3),
    entry("me-central-1", "MEC1-", "Middle East (UAE)", 0.5, 4),
    entry("il-central-1", "ILC1-", "Israel (Tel Aviv)", 0.3, 3),
    entry("af-south-1", "AFS1-", "Africa (Cape Town)", 0.5, 2),
];

const TO_24: &str = "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge";
const TO_32: &str = "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge";
const TO_48: &str = "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge";
const TO_48_AND_32: &str =
    "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge";
const GRAVITON: &str = "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge";
const GRAVITON_TO_48: &str =
    "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge";

static FAMILIES: [Family; 41] = [
    family(
        "m4",
        "large xlarge 2xlarge 4xlarge 10xlarge 16xlarge",
        4.0,
        0.05,
        3.0,
        "Intel Xeon E5-2676 v3 (Haswell)",
    ),
    family("m5", TO_24, 4.0, 0.048, 16.0, "Intel Xeon Platinum 8175"),
    family("m5a", TO_24, 4.0, 0.043, 3.0, "AMD EPYC 7571"),
    family("m5d", TO_24, 4.0, 0.0565, 2.0, "Intel Xeon Platinum 8175"),
    family("m5n", TO_24, 4.0, 0.0595, 1.0, "Intel Xeon Platinum (Cascade Lake)"),
    family(
        "m5zn",
        "large xlarge 2xlarge 3xlarge 6xlarge 12xlarge",
        4.0,
        0.0826,
        0.3,
        "Intel Xeon Platinum 8252",
    ),
    family("m6g", GRAVITON, 4.0, 0.0385, 8.0, "AWS Graviton2 Processor"),
    family("m6gd", GRAVITON, 4.0, 0.0452, 1.0, "AWS Graviton2 Processor"),
    family("m6i", TO_32, 4.0, 0.048, 8.0, "Intel Xeon 8375C (Ice Lake)"),
    family("m6a", TO_48_AND_32, 4.0, 0.0432, 3.0, "AMD EPYC 7R13 Processor"),
    family("m7g", GRAVITON, 4.0, 0.0408, 6.0, "AWS Graviton3 Processor"),
    family("m7i", TO_48, 4.0, 0.0504, 4.0, "Intel Xeon Scalable (Sapphire Rapids)"),
    family(
        "m7a",
        "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge",
        4.0,
        0.058,
        2.0,
        "AMD EPYC 9R14 Processor",
    ),
    family("m8g", GRAVITON_TO_48, 4.0, 0.0449, 1.5, "AWS Graviton4 Processor"),
    family("c4", "large xlarge 2xlarge 4xlarge", 1.875, 0.05, 1.5, "Intel Xeon E5-2666 v3 (Haswell)"),
    family(
        "c5",
        "large xlarge 2xlarge 4xlarge 9xlarge 12xlarge 18xlarge 24xlarge",
        2.0,
        0.0425,
        10.0,
        "Intel Xeon Platinum 8124M",
    ),
    family("c5a", TO_24, 2.0, 0.0385, 2.0, "AMD EPYC 7R32"),
    family(
        "c5n",
        "large xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
        2.625,
        0.054,
        1.5,
        "Intel Xeon Platinum 8124M",
    ),
    family("c6g", GRAVITON, 2.0, 0.034, 6.0, "AWS Graviton2 Processor"),
    family("c6i", TO_32, 2.0, 0.0425, 5.0, "Intel Xeon 8375C (Ice Lake)"),
    family("c6a", TO_48_AND_32, 2.0, 0.0383, 2.0, "AMD EPYC 7R13 Processor"),
    family("c7g", GRAVITON, 2.0, 0.0363, 5.0, "AWS Graviton3 Processor"),
    family("c7i", TO_48, 2.0, 0.0446, 2.0, "Intel Xeon Scalable (Sapphire Rapids)"),
    family("c8g", GRAVITON_TO_48, 2.0, 0.0399, 1.0, "AWS Graviton4 Processor"),
    family(
        "r4",
        "large xlarge 2xlarge 4xlarge 8xlarge 16xlarge",
        7.625,
        0.0665,
        1.5,
        "Intel Xeon E5-2686 v4 (Broadwell)",
    ),
    family("r5", TO_24, 8.0, 0.063, 9.0, "Intel Xeon Platinum 8175"),
    family("r5a", TO_24, 8.0, 0.0565, 2.0, "AMD EPYC 7571"),
    family("r5d", TO_24, 8.0, 0.072, 1.0, "Intel Xeon Platinum 8175"),
    family("r6g", GRAVITON, 8.0, 0.0504, 6.0, "AWS Graviton2 Processor"),
    family("r6i", TO_32, 8.0, 0.063, 4.0, "Intel Xeon 8375C (Ice Lake)"),
    family("r7g", GRAVITON, 8.0, 0.0536, 3.0, "AWS Graviton3 Processor"),
    family("r7i", TO_48, 8.0, 0.0662, 1.0, "Intel Xeon Scalable (Sapphire Rapids)"),
    family("r8g", GRAVITON_TO_48, 8.0, 0.0589, 0.7, "AWS Graviton4 Processor"),
    family("x1", "16xlarge 32xlarge", 15.25, 0.104, 0.2, "High Frequency Intel Xeon E7-8880 v3 (Haswell)"),
    family("x2idn", "16xlarge 24xlarge 32xlarge", 16.0, 0.104, 0.2, "Intel Xeon Scalable (Icelake)"),
    family(
        "z1d",
        "large xlarge 2xlarge 3xlarge 6xlarge 12xlarge",
        8.0,
        0.093,
        0.3,
        "Intel Xeon Platinum 8151",
    ),
    family(
        "i3",
        "large xlarge 2xlarge 4xlarge 8xlarge 16xlarge",
        7.625,
        0.078,
        1.5,
        "Intel Xeon E5-2686 v4 (Broadwell)",
    ),
    family(
        "i3en",
        "large xlarge 2xlarge 3xlarge 6xlarge 12xlarge 24xlarge",
        8.0,
        0.113,
        0.7,
        "Intel Xeon Platinum 8175",
    ),
    family(
        "i4i",
        "large xlarge 2xlarge 4xlarge 8xlarge 16xlarge 32xlarge",
        8.0,
        0.0858,
        0.8,
        "Intel Xeon 8375C (Ice Lake)",
    ),
    family("d3", "xlarge 2xlarge 4xlarge 8xlarge", 8.0, 0.125, 0.2, "Intel Xeon Scalable (Cascade Lake)"),
    family("a1", "medium large xlarge 2xlarge 4xlarge", 2.0, 0.0255, 0.3, "AWS Graviton Processor"),
];

/// Burstable families: USD per hour of the small size, processor, vCPUs of the smallest sizes, weight.
const BURSTABLE: [(&str, u32, f64, &str, f64); 4] = [
    ("t2", 1, 0.0232, "Intel Xeon Family", 4.0),
    ("t3", 2, 0.0208, "Intel Skylake E5 2686 v5", 14.0),
    ("t3a", 2, 0.0188, "AMD EPYC 7571", 4.0),
    ("t4g", 2, 0.0168, "AWS Graviton2 Processor", 7.0),
];

/// Sizes of burstable families: vCPU (0: as the smallest), GiB, share of the weight.
const BURSTABLE_SIZES: [(&str, u32, f64, f64); 7] = [
    ("nano", 0, 0.5, 0.1),
    ("micro", 0, 1.0, 0.175),
    ("small", 0, 2.0, 0.25),
    ("medium", 2, 4.0, 0.35),
    ("large", 2, 8.0, 0.3),
    ("xlarge", 4, 16.0, 0.15),
    ("2xlarge", 8, 32.0, 0.075),
];

/// Types with accelerators: vCPU, GiB, USD per hour, weight.
const ACCELERATED: [(&str, u32, f64, f64, f64); 17] = [
    ("p2.xlarge", 4, 61.0, 0.9, 0.1),
    ("p3.2xlarge", 8, 61.0, 3.06, 0.5),
    ("p3.8xlarge", 32, 244.0, 12.24, 0.2),
    ("p3.16xlarge", 64, 488.0, 24.48, 0.1),
    ("p4d.24xlarge", 96, 1152.0, 32.77, 0.3),
    ("p5.48xlarge", 192, 2048.0, 98.32, 0.2),
    ("g4dn.xlarge", 4, 16.0, 0.526, 1.2),
    ("g4dn.2xlarge", 8, 32.0, 0.752, 0.5),
    ("g4dn.12xlarge", 48, 192.0, 3.912, 0.2),
    ("g5.xlarge", 4, 16.0, 1.006, 0.8),
    ("g5.2xlarge", 8, 32.0, 1.212, 0.4),
    ("g5.12xlarge", 48, 192.0, 5.672, 0.3),
    ("g5.48xlarge", 192, 768.0, 16.288, 0.1),
    ("g6.xlarge", 4, 16.0, 0.8048, 0.4),
    ("inf1.xlarge", 4, 8.0, 0.228, 0.2),
    ("inf2.xlarge", 4, 16.0, 0.7582, 0.1),
    ("trn1.2xlarge", 8, 32.0, 1.3438, 0.1),
];

/// The region of a code, if we know it.
pub(crate) fn region(code: &str) -> Option<&'static Region> {
    REGIONS.iter().find(|region| region.code == code)
}

/// Every instance type, in a fixed order.
pub(crate) fn instance_types() -> Vec<InstanceType> {
    let mut types = Vec::new();
    for family in &FAMILIES {
        for (rank, size) in (1u32..).zip(family.sizes.split(' ')) {
            let vcpu = vcpu_of_size(size);
            types.push(InstanceType {
                name: format!("{}.{size}", family.name),
                vcpu,
                memory_gib: f64::from(vcpu) * family.gib_per_vcpu,
                usd_per_hour: round6(f64::from(vcpu) * family.usd_per_vcpu_hour),
                processor: family.processor,
                weight: family.weight / f64::from(rank),
            });
        }
    }
    for (name, smallest, usd, processor, weight) in BURSTABLE {
        for (size, vcpu, memory_gib, share) in BURSTABLE_SIZES {
            types.push(InstanceType {
                name: format!("{name}.{size}"),
                vcpu: if vcpu == 0 { smallest } else { vcpu },
                memory_gib,
                usd_per_hour: round6(usd * memory_gib / 2.0),
                processor,
                weight: weight * share,
            });
        }
    }
    types.extend(ACCELERATED.map(|(name, vcpu, memory_gib, usd_per_hour, weight)| InstanceType {
        name: name.to_owned(),
        vcpu,
        memory_gib,
        usd_per_hour,
        processor: "Intel Xeon Family",
        weight,
    }));
    types
}

/// vCPUs of a size of the families above; metal and unknown sizes have none.
fn vcpu_of_size(size: &str) -> u32 {
    match size {
        "medium" => 1,
        "large" => 2,
        "xlarge" => 4,
        _ => size.strip_suffix("xlarge").and_then(|times| times.parse::<u32>().ok()).map_or(0, |n| n * 4),
    }
}

fn round6(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

const fn entry(
    code: &'static str,
    prefix: &'static str,
    location: &'static str,
    weight: f64,
    utc_offset_hours: i32,
) -> Region {
    Region { code, prefix, location, weight, utc_offset_hours }
}

const fn family(
    name: &'static str,
    sizes: &'static str,
    gib_per_vcpu: f64,
    usd_per_vcpu_hour: f64,
    weight: f64,
    processor: &'static str,
) -> Family {
    Family { name, sizes, gib_per_vcpu, usd_per_vcpu_hour, weight, processor }
}
