//! One line of every usage family by hand.

use airshed_domain::{schema::column as c, status::UsageFamily};

use crate::{
    method::MethodOptions,
    sample::{Line, batch, estimator, quantity, word},
};

// Published figures of us-east-1, as they stand in the factor tables with their sources.
/// AWS, PUE of US East (Northern Virginia), 2024.
const PUE: f64 = 1.15;
/// AWS, WUE of the same, 2024, L/kWh of IT energy.
const WUE: f64 = 0.12;
/// PJM, generation of 2024 by fuel times direct factors, gCO2e/kWh.
const GRID: f64 = 322.97;
/// The same with fuel supply: lifecycle minus direct, gCO2e/kWh.
const UPSTREAM: f64 = 394.69 - 322.97;
/// Share of electricity lost in the United States' grids.
const LOSS: f64 = 0.042;
/// WRI, water behind a kWh in the region, L.
const ELECTRICITY_WATER: f64 = 2.312_704;
/// Hours of October.
const HOURS: f64 = 744.0;
/// Bytes of a billed GB over those of a drive's.
const BILLED_GB: f64 = 1.073_741_824;
/// Hours of a server's life: six years (AWS).
const LIFE_H: f64 = 52_560.0;
/// Hours of a drive's life: five years.
const DRIVE_LIFE_H: f64 = 43_800.0;
/// CCF 2026, whole-server watts per thread: Skylake idle and full, Ice Lake idle and full.
const SKYLAKE_W: [f64; 2] = [0.612_988_853_9, 4.104_170_353];
const ICE_LAKE_W: [f64; 2] = [0.766_796_875, 3.758_203_125];
/// GiB per thread of the SPECpower servers of each.
const SKYLAKE_SPEC_GIB: f64 = 1.7143;
const ICE_LAKE_SPEC_GIB: f64 = 1.6;
/// CCF, watts per GiB of memory.
const MEMORY_W_PER_GIB: f64 = 0.392;
/// Boavizta, kgCO2e: rack server without processors and memory; a processor; a GiB of memory.
const BASE_KG: f64 = 368.08;
const CPU_KG: f64 = 22.81;
const MEMORY_KG_PER_GIB: f64 = 1.923;

/// Watts of threads at half load.
fn half_load(watts: [f64; 2], threads: f64) -> f64 {
    threads * (watts[0] + 0.5 * (watts[1] - watts[0]))
}

struct ByHand {
    cpu_kwh: f64,
    memory_kwh: f64,
    accelerator_kwh: f64,
    storage_kwh: f64,
    network_kwh: f64,
    /// Whether the network is outside the facility.
    external: bool,
    embodied_g: f64,
}

const NOTHING: ByHand = ByHand {
    cpu_kwh: 0.0,
    memory_kwh: 0.0,
    accelerator_kwh: 0.0,
    storage_kwh: 0.0,
    network_kwh: 0.0,
    external: false,
    embodied_g: 0.0,
};

fn check(family: &str, line: Line, hand: &ByHand) {
    let emissions = estimator(MethodOptions::default()).estimate(&batch(&[line], true)).unwrap();
    assert_eq!(word(&emissions, c::USAGE_FAMILY, 0).as_deref(), Some(family));
    assert_eq!(word(&emissions, c::STATUS, 0).as_deref(), Some("estimated"));
    let inside = hand.cpu_kwh
        + hand.memory_kwh
        + hand.accelerator_kwh
        + hand.storage_kwh
        + if hand.external { 0.0 } else { hand.network_kwh };
    let energy = inside * PUE + if hand.external { hand.network_kwh } else { 0.0 };
    let cooling = inside * WUE;
    for (column, expected) in [
        (c::ENERGY_CPU_KWH, hand.cpu_kwh),
        (c::ENERGY_MEMORY_KWH, hand.memory_kwh),
        (c::ENERGY_ACCELERATOR_KWH, hand.accelerator_kwh),
        (c::ENERGY_STORAGE_KWH, hand.storage_kwh),
        (c::ENERGY_NETWORK_KWH, hand.network_kwh),
        (c::ENERGY_PLATFORM_KWH, 0.0),
        (c::ENERGY_KWH, energy),
        (c::CO2E_LOCATION_G, energy * GRID),
        // No residual mix is published for the United States: the location-based figure serves.
        (c::CO2E_MARKET_G, energy * GRID),
        (c::CO2E_EMBODIED_G, hand.embodied_g),
        (c::CO2E_UPSTREAM_G, energy * UPSTREAM),
        (c::CO2E_T_AND_D_G, energy * (LOSS / (1.0 - LOSS)) * GRID),
        (c::WATER_COOLING_L, cooling),
        (c::WATER_L, cooling + energy * ELECTRICITY_WATER),
    ] {
        let found = quantity(&emissions, column, 0).unwrap();
        let tolerance = 0.6e-8 + expected.abs() * 1e-12;
        assert!((found - expected).abs() <= tolerance, "{family}, {column}: {found}, by hand {expected}");
    }
}

#[test]
fn instance() {
    // m5.xlarge, 4 of 96 threads of a two-socket Skylake host with 384 GiB, for 24 hours at 50 %.
    let hours = 24.0;
    check(
        "instance",
        Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", hours),
        &ByHand {
            cpu_kwh: hours * half_load(SKYLAKE_W, 4.0) / 1000.0,
            memory_kwh: hours * (16.0 - 4.0 * SKYLAKE_SPEC_GIB) * MEMORY_W_PER_GIB / 1000.0,
            embodied_g: hours * 1000.0 * ((BASE_KG + 2.0 * CPU_KG) * 4.0 / 96.0 + 16.0 * MEMORY_KG_PER_GIB)
                / LIFE_H,
            ..NOTHING
        },
    );
}

#[test]
fn instance_with_gpu_and_disk() {
    // g4dn.xlarge for 10 hours at 50 %: 4 of 96 threads of a two-socket Cascade Lake host, 16 GiB, one T4, and 125 GB of
    // the family's drive of 900 GB. CCF 2026: Cascade Lake 0.6902978319 W idle and 4.06319352 W full per thread; T4 8 W
    // and 71 W. Boavizta: 8 W a flash drive. Flash 0.055 kg/GB; CCF: 150 kg a GPU.
    //   accelerator: (8 + 71) / 2 = 39.5 W;  disk: 125 / 900 = 0.1389 of a drive, 1.1112 W
    //   embodied: (368.08 + 2 x 22.81) x 4 / 96 + 16 x 1.923 + 125 x 0.055 + 150 = 204.88 kg
    let hours = 10.0;
    check(
        "instance",
        Line::new("AmazonEC2", "BoxUsage:g4dn.xlarge", "Hrs", hours),
        &ByHand {
            cpu_kwh: hours * half_load([0.690_297_831_9, 4.063_193_52], 4.0) / 1000.0,
            memory_kwh: hours * (16.0 - 4.0 * SKYLAKE_SPEC_GIB) * MEMORY_W_PER_GIB / 1000.0,
            accelerator_kwh: hours * 39.5 / 1000.0,
            storage_kwh: hours * 0.1389 * 8.0 / 1000.0,
            embodied_g: hours
                * 1000.0
                * ((BASE_KG + 2.0 * CPU_KG) * 4.0 / 96.0 + 16.0 * MEMORY_KG_PER_GIB + 125.0 * 0.055 + 150.0)
                / LIFE_H,
            ..NOTHING
        },
    );
}

#[test]
fn bounds_of_a_volume() {
    // 100 GB-months of gp3 in us-east-1, every part low, central or high at once. Flash: 8 W of a drive of 20 TB, CCF's
    // 1.2 Wh/TBh, 8 W of a drive of 4 TB. Copies 2, 2, 3. PUE of Virginia over the published years: 1.15, 1.15, 1.16.
    //   100 x 744 h x 1.073741824 GB = 79,886.3917056 GBh of one copy
    //   low      79.8863917056 TBh x 0.4 Wh x 2 x 1.15 = 0.07349548 kWh
    //   central  79.8863917056 TBh x 1.2 Wh x 2 x 1.15 = 0.22048644 kWh
    //   high     79.8863917056 TBh x 2.0 Wh x 3 x 1.16 = 0.55600929 kWh
    let lines = batch(&[Line::new("AmazonEC2", "EBS:VolumeUsage.gp3", "GB-Mo", 100.0)], true);
    let emissions = estimator(MethodOptions::default()).estimate(&lines).unwrap();
    for (column, by_hand) in
        [(c::ENERGY_KWH_LOW, 0.073_495_48), (c::ENERGY_KWH, 0.220_486_44), (c::ENERGY_KWH_HIGH, 0.556_009_29)]
    {
        let found = quantity(&emissions, column, 0).unwrap();
        assert!((found - by_hand).abs() < 0.6e-8, "{column}: {found}, by hand {by_hand}");
    }
}

/// Every family is in one of these tests; a new one has to be added.
#[test]
fn no_family_is_left_out() {
    let tests = include_str!("hand.rs");
    for family in UsageFamily::ALL {
        let named = format!("\"{family}\"");
        assert!(tests.contains(&named), "{family}: no line of it is calculated by hand");
    }
}

#[test]
fn dedicated_host() {
    // The whole host of m5: 96 threads, two sockets, 384 GiB.
    check(
        "dedicated_host",
        Line::new("AmazonEC2", "HostUsage:m5", "Hrs", 2.0),
        &ByHand {
            cpu_kwh: 2.0 * half_load(SKYLAKE_W, 96.0) / 1000.0,
            memory_kwh: 2.0 * (384.0 - 96.0 * SKYLAKE_SPEC_GIB) * MEMORY_W_PER_GIB / 1000.0,
            embodied_g: 2.0 * 1000.0 * (BASE_KG + 2.0 * CPU_KG + 384.0 * MEMORY_KG_PER_GIB) / LIFE_H,
            ..NOTHING
        },
    );
}

#[test]
fn serverless_compute() {
    // Fargate, four vCPU-hours of the Ice Lake stand-in: one of 128 threads of a two-socket host each.
    check(
        "serverless_compute",
        Line::new("AmazonECS", "USE1-Fargate-vCPU-Hours:perCPU", "hours", 4.0),
        &ByHand {
            // The memory of the SPECpower servers is on the GB line.
            cpu_kwh: 4.0 * (half_load(ICE_LAKE_W, 1.0) - ICE_LAKE_SPEC_GIB * MEMORY_W_PER_GIB) / 1000.0,
            embodied_g: 4.0 * 1000.0 * (BASE_KG + 2.0 * CPU_KG) / 128.0 / LIFE_H,
            ..NOTHING
        },
    );
}

#[test]
fn serverless_memory() {
    check(
        "serverless_memory",
        Line::new("AmazonECS", "USE1-Fargate-GB-Hours", "hours", 16.0),
        &ByHand {
            memory_kwh: 16.0 * MEMORY_W_PER_GIB / 1000.0,
            embodied_g: 16.0 * 1000.0 * MEMORY_KG_PER_GIB / LIFE_H,
            ..NOTHING
        },
    );
}

#[test]
fn function() {
    // 1,000,000 GB-seconds; AWS gives one vCPU per 1,769 MB.
    let gib_hours = 1e6 / 3600.0;
    let vcpu_hours = gib_hours * 1024.0 / 1769.0;
    check(
        "function",
        Line::new("AWSLambda", "Lambda-GB-Second", "Lambda-GB-Second", 1e6),
        &ByHand {
            cpu_kwh: half_load(ICE_LAKE_W, vcpu_hours) / 1000.0,
            memory_kwh: (gib_hours - vcpu_hours * ICE_LAKE_SPEC_GIB) * MEMORY_W_PER_GIB / 1000.0,
            embodied_g: 1000.0
                * (vcpu_hours * (BASE_KG + 2.0 * CPU_KG) / 128.0 + gib_hours * MEMORY_KG_PER_GIB)
                / LIFE_H,
            ..NOTHING
        },
    );
}

#[test]
fn a_task_billed_on_two_lines_is_one_slice() {
    // Fargate, 4 vCPU and 16 GB for an hour: the same as a Glue DPU, which is billed on one line.
    let lines = [
        Line::new("AmazonECS", "USE1-Fargate-vCPU-Hours:perCPU", "hours", 4000.0),
        Line::new("AmazonECS", "USE1-Fargate-GB-Hours", "hours", 16_000.0),
        Line::new("AWSGlue", "USE1-ETL-DPU-Hour", "DPU-Hour", 1000.0),
        Line::new("AWSGlue", "USE1-ETL-DPU-Hour", "M-DPU-Hour", 1000.0),
    ];
    let emissions = estimator(MethodOptions::default()).estimate(&batch(&lines, true)).unwrap();
    let both = |column| [0, 1].map(|row| quantity(&emissions, column, row).unwrap()).iter().sum::<f64>();
    let slice = |column| quantity(&emissions, column, 2).unwrap();
    for column in [c::ENERGY_KWH, c::CO2E_LOCATION_G, c::WATER_L, c::CO2E_EMBODIED_G] {
        let (both, slice) = (both(column), slice(column));
        assert!((both - slice).abs() < 1e-7, "{column}: {both}, {slice}");
    }
    assert!(both(c::ENERGY_KWH_LOW) <= slice(c::ENERGY_KWH_LOW));
    assert!(both(c::ENERGY_KWH_HIGH) >= slice(c::ENERGY_KWH_HIGH));
    assert!(quantity(&emissions, c::ENERGY_KWH_LOW, 0).unwrap() > 0.0);
    let spec_gib = 4.0 * ICE_LAKE_SPEC_GIB;
    for (row, gib) in [(2, 16.0), (3, 32.0)] {
        // A memory-optimised unit has 32 GB and the same vCPU.
        let by_hand = half_load(ICE_LAKE_W, 4.0) + (gib - spec_gib) * MEMORY_W_PER_GIB;
        let found = quantity(&emissions, c::ENERGY_KWH, row).unwrap() / PUE;
        assert!((found - by_hand).abs() < 1e-6, "{found}, by hand {by_hand}");
    }
}

#[test]
fn a_missing_unit_is_said() {
    let mut line = Line::new("AmazonEC2", "SpotUsage:m5.large", "Hrs", 1.0);
    let stated = estimator(MethodOptions::default()).estimate(&batch(&[line.clone()], true)).unwrap();
    assert_eq!(word(&stated, c::QUALITY, 0).as_deref(), Some("modelled"));
    line.unit = None;
    let lines = batch(&[line], true);
    let mut estimator = estimator(MethodOptions::default());
    let assumed = estimator.estimate(&lines).unwrap();
    assert_eq!(word(&assumed, c::QUALITY, 0).as_deref(), Some("proxy"));
    let class = estimator.class_of_first(&lines).unwrap();
    assert!(class.steps.iter().any(|step| step.title == "unit"), "{:?}", class.steps);
}

/// GB-months on a medium: Wh/TBh and g/GB of the drive, copies.
fn stored(gb_months: f64, wh_per_tbh: f64, g_per_gb: f64, copies: f64) -> ByHand {
    let drive_gb_hours = gb_months * HOURS * BILLED_GB * copies;
    ByHand {
        storage_kwh: drive_gb_hours / 1000.0 * wh_per_tbh / 1000.0,
        embodied_g: drive_gb_hours * g_per_gb / DRIVE_LIFE_H,
        ..NOTHING
    }
}

#[test]
fn block_storage() {
    // CCF: SSD 1.2 Wh/TBh, two copies; SPRUCE: 55 g/GB.
    let line = Line::new("AmazonEC2", "EBS:VolumeUsage.gp3", "GB-Mo", 100.0);
    check("block_storage", line, &stored(100.0, 1.2, 55.0, 2.0));
}

#[test]
fn backup() {
    // CCF: HDD 0.65 Wh/TBh, three copies; SPRUCE: 30 kg a drive of 15 TB, 2 g/GB.
    let line = Line::new("AmazonEC2", "EBS:SnapshotUsage", "GB-Mo", 100.0);
    check("backup", line, &stored(100.0, 0.65, 2.0, 3.0));
}

#[test]
fn object_storage() {
    let line = Line::new("AmazonS3", "TimedStorage-ByteHrs", "GB-Mo", 1024.0);
    check("object_storage", line, &stored(1024.0, 0.65, 2.0, 3.0));
}

#[test]
fn file_storage() {
    let line = Line::new("AmazonEFS", "TimedStorage-ByteHrs", "GB-Mo", 10.0);
    check("file_storage", line, &stored(10.0, 1.2, 55.0, 3.0));
}

#[test]
fn database_storage() {
    // Aurora keeps six copies (AWS).
    let line = Line::new("AmazonRDS", "Aurora:StorageUsage", "GB-Mo", 10.0);
    check("database_storage", line, &stored(10.0, 1.2, 55.0, 6.0));
}

#[test]
fn data_transfer() {
    // To the internet: 0.06 kWh/GB of 2015, halved every two years to 2023 (Aslan et al. 2018); outside the facility.
    let line = Line::new("AmazonEC2", "DataTransfer-Out-Bytes", "GB", 10.0);
    let network_kwh = 10.0 * 0.06 / 2f64.powi(4);
    check("data_transfer", line, &ByHand { network_kwh, external: true, ..NOTHING });
    // Between zones, counted at the sender: 0.001 kWh/GB (CCF, SPRUCE), inside.
    let mut line = Line::new("AmazonEC2", "DataTransfer-Regional-Bytes", "GB", 200.0);
    line.operation = Some("InterZone-Out");
    check("data_transfer", line, &ByHand { network_kwh: 0.2, ..NOTHING });
}

#[test]
fn ai_tokens() {
    // EcoLogits, Mistral Large 2407: 0.451277 kWh (IT) and 79.8368 g embodied per million output tokens.
    let line = Line::new("AmazonBedrock", "USE1-MistralLarge2407-output-tokens", "1K tokens", 20.0);
    check(
        "ai_tokens",
        line,
        &ByHand { accelerator_kwh: 0.02 * 0.451_277, embodied_g: 0.02 * 79.8368, ..NOTHING },
    );
}

#[test]
fn families_without_a_model_stay_empty() {
    let throughput = Line::new("AmazonDynamoDB", "ReadCapacityUnit-Hrs", "ReadCapacityUnit-Hrs", 50.0);
    let other = Line::new("AWSELB", "LoadBalancerUsage", "Hrs", 1.0);
    let emissions = estimator(MethodOptions::default()).estimate(&batch(&[throughput, other], true)).unwrap();
    for (row, family) in ["database_throughput", "other"].into_iter().enumerate() {
        assert_eq!(word(&emissions, c::USAGE_FAMILY, row).as_deref(), Some(family));
        assert_eq!(word(&emissions, c::REASON, row).as_deref(), Some("no_model"));
        assert_eq!(quantity(&emissions, c::ENERGY_KWH, row), None);
        assert_eq!(quantity(&emissions, c::CO2E_EMBODIED_G, row), None);
    }
}

#[test]
fn burstable_credits_and_multi_az() {
    let mut estimator = estimator(MethodOptions::default());
    let mut cpu_kwh = |usage_type: &'static str, unit: &'static str, service: &'static str| {
        let emissions =
            estimator.estimate(&batch(&[Line::new(service, usage_type, unit, 100.0)], true)).unwrap();
        quantity(&emissions, c::ENERGY_CPU_KWH, 0).unwrap()
    };
    let near =
        |found: f64, expected: f64| assert!((found - expected).abs() < 1e-8, "{found}, by hand {expected}");
    let [idle, full] = SKYLAKE_W;
    // t3.medium: 2 vCPU at its baseline of 20 % (EC2 user guide).
    near(cpu_kwh("BoxUsage:t3.medium", "Hrs", "AmazonEC2"), 0.1 * 2.0 * (idle + 0.2 * (full - idle)));
    // A surplus credit-hour is a vCPU at full use, above the rest that the instance's own line holds.
    near(cpu_kwh("CPUCredits:t3", "vCPU-Hours", "AmazonEC2"), 0.1 * (full - idle));
    // A reservation held unused draws what the machine draws at rest.
    near(cpu_kwh("UnusedBox:m5.large", "Hrs", "AmazonEC2"), 0.1 * 2.0 * idle);
    // Multi-AZ is two instances.
    let single = cpu_kwh("InstanceUsage:db.m5.large", "Hrs", "AmazonRDS");
    near(single, 0.1 * half_load(SKYLAKE_W, 2.0));
    near(cpu_kwh("Multi-AZUsage:db.m5.large", "Hrs", "AmazonRDS"), 2.0 * single);
}
