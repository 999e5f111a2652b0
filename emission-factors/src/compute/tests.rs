use super::*;
use crate::FactorErrorKind;

fn sources() -> Sources {
    Sources::embedded().unwrap()
}

fn table() -> Table {
    Table::load(&sources()).unwrap()
}

fn near(actual: f64, expected: f64, tolerance: f64) {
    assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected} within {tolerance}");
}

fn instance(table: &Table, name: &str) -> InstanceType {
    table.instance(name).unwrap_or_else(|| panic!("{name}")).clone()
}

#[test]
fn over_a_thousand_types_each_with_power_and_embodied() {
    let table = table();
    assert!(table.instances().count() > 1400);
    for instance in table.instances() {
        for model in [PowerModel::Default, PowerModel::SpecLinear, PowerModel::TdpLog] {
            let power = table.instance_power(instance, model).unwrap();
            let mut previous = 0.0;
            for load in [0.0, 0.1, 0.3, 0.5, 0.8, 1.0] {
                let [low, central, high] = power.at(load);
                assert!(
                    0.0 < low && low <= central && central <= high && high < 50_000.0,
                    "{}",
                    instance.name
                );
                assert!(previous <= central, "{}: power falls with load", instance.name);
                previous = central;
            }
        }
        let embodied = table.embodied_g_per_hour(instance, table.default_lifetime()).unwrap();
        assert!(embodied.low() > 0.0 && embodied.high() < 3000.0, "{}: {embodied:?}", instance.name);
    }
}

#[test]
fn the_types_of_every_generation_are_there() {
    let table = table();
    for name in [
        "m1.small",
        "t1.micro",
        "hs1.8xlarge",
        "cc2.8xlarge",
        "g2.2xlarge",
        "p2.xlarge",
        "p3.16xlarge",
        "g3.4xlarge",
        "g4ad.xlarge",
        "t2.micro",
        "a1.medium",
        "m6g.xlarge",
        "c7g.large",
        "r8g.large",
        "m9g.large",
        "m5.large",
        "m8i.large",
        "m8a.large",
        "inf2.xlarge",
        "trn2.48xlarge",
        "p6-b200.48xlarge",
        "mac2.metal",
        "ra3.4xlarge",
    ] {
        assert!(table.instance(name).is_some(), "{name}");
    }
}

// reference: Cloud Carbon Footprint's published m5.xlarge, one hour at 50 percent with its parameters for Skylake:
// (0.65 + 0.5 * (4.26 - 0.65)) * 4 = 9.82 W, memory (384 - 81.32) / 24 * 0.392 = 4.94 W.
#[test]
fn the_published_cloud_carbon_footprint_vector() {
    let per_thread = PowerCurveBand::exact(PowerCurve::Linear { idle_w: 0.65, full_w: 4.26 });
    near(per_thread.scaled(4.0).at(0.5)[1], 9.82, 1e-12);
    let memory_gib = (384.0 - 81.32) / 24.0;
    near(memory_gib * table().parameters().memory_w_per_gib.central(), 4.94, 0.005);
}

// By hand from the tables: Skylake 0.6129888539040325 and 4.104170352960531 W per thread; 16 GiB less 4 threads' share.
#[test]
fn the_default_of_m5_xlarge_by_hand() {
    let table = table();
    let m5 = instance(&table, "m5.xlarge");
    let power = table.instance_power(&m5, PowerModel::Default).unwrap();
    let cpu = 4.0 * (0.612_988_853_904_032_5 + 4.104_170_352_960_531) / 2.0;
    near(power.cpu.at(0.5)[1], cpu, 1e-9);
    let spec_gib = 4.0 * table.microarchitecture("skylake").unwrap().memory_gib_per_thread;
    near(power.memory.at(0.5)[1], (16.0 - spec_gib) * 0.392, 1e-9);
    assert!(!power.proxy);
    // The high bound is the other model with the high share of the rest of the server: 14.9636 W * 1.6.
    near(power.cpu.at(0.5)[2], 14.9636 * 1.6, 1e-3);
}

// reference: BoaviztAPI 2.5.0, m5.xlarge at 50 percent: processor 14.963 W, memory 2.023 W, times 1.33 = 22.592 W.
// Our own least-squares fit differs from theirs by less than 0.001 W here.
#[test]
fn the_published_boavizta_vector() {
    let table = table();
    let power = table.instance_power(&instance(&table, "m5.xlarge"), PowerModel::TdpLog).unwrap();
    near(power.cpu.at(0.5)[1], 14.963, 0.001);
    near(power.memory.at(0.5)[1], 2.023, 0.0005);
    near(power.at(0.5)[1], 22.592, 0.002);
    // The whole measured curve 5.4, 10.9, 22.6, 30.3 W at 0, 10, 50, 100 percent.
    for (load, w) in [(0.0, 5.4), (0.1, 10.9), (0.5, 22.6), (1.0, 30.3)] {
        near(power.at(load)[1], w, 0.12);
    }
}

#[test]
fn the_fit_passes_near_the_published_shares() {
    let table = table();
    let p = table.parameters();
    for (load, share) in [(0.0, 0.12), (0.1, 0.32), (0.5, 0.75), (1.0, 1.02)] {
        let curve = PowerCurve::TdpLog {
            a: p.tdp_log_a.central(),
            c: p.tdp_log_c.central(),
            d: p.tdp_log_d.central(),
            scale_w: 1.0,
            floor_w: 0.0,
            idle_w: 0.0,
            full_w: 0.0,
        };
        near(curve.at(load).w(), share, 0.002);
    }
}

// reference: BoaviztAPI 2.5.0, m5.xlarge 0.91 g/h over 52,560 h. By hand: (368.08 + 2 * 22.81) / 24 + 16 * 1.923 kg.
#[test]
fn embodied_of_m5_xlarge() {
    let table = table();
    let m5 = instance(&table, "m5.xlarge");
    let kg = (368.08 + 2.0 * 22.81) / 24.0 + 16.0 * 1.923;
    let hourly = table.embodied_g_per_hour(&m5, table.default_lifetime()).unwrap();
    near(hourly.central(), kg * 1000.0 / 52_560.0, 1e-9);
    near(hourly.central(), 0.91, 0.005);
    // Cloud Carbon Footprint by the SCI formula, 1.915 g/h over 4 years, lies inside the bounds.
    assert!(hourly.low() < hourly.central() && hourly.high() > 1.9);
    let nothing =
        Lifetime { longest: airshed_domain::quantity::Duration::from_hours(0.0), ..table.default_lifetime() };
    assert!(table.embodied_g_per_hour(&m5, nothing).is_err());
}

#[test]
fn sizes_of_a_family_share_one_host() {
    let table = table();
    let power =
        |name: &str| table.instance_power(&instance(&table, name), PowerModel::Default).unwrap().at(0.4);
    let (large, big) = (power("m6g.large"), power("m6g.16xlarge"));
    for (small, big) in large.into_iter().zip(big) {
        near(big, small * 32.0, 1e-9);
    }
}

#[test]
fn whole_cores_cost_two_threads() {
    let table = table();
    let m7a = instance(&table, "m7a.xlarge");
    near(m7a.threads(), 8.0, 0.0);
    let power = table.instance_power(&m7a, PowerModel::SpecLinear).unwrap();
    let epyc = table.microarchitecture("epyc-4").unwrap();
    near(power.cpu.at(1.0)[1], 8.0 * epyc.full_w_per_thread.central(), 1e-9);
}

#[test]
fn accelerators_and_disks_count() {
    let table = table();
    let p4d = table.instance_power(&instance(&table, "p4d.24xlarge"), PowerModel::Default).unwrap();
    near(p4d.accelerator.at(0.0)[1], 8.0 * 46.0, 1e-9);
    near(p4d.accelerator.at(1.0)[1], 8.0 * 407.0, 1e-9);
    near(p4d.storage.at(0.5)[1], 8.0 * 8.0, 1e-9);
    let d2 = table.instance_power(&instance(&table, "d2.8xlarge"), PowerModel::Default).unwrap();
    near(d2.storage.at(0.5)[1], 24.0 * 6.4, 1e-9);
}

#[test]
fn burstable_types_know_their_baseline() {
    let table = table();
    assert_eq!(instance(&table, "t3.medium").burst_baseline, Some(0.2));
    assert_eq!(instance(&table, "t2.2xlarge").burst_baseline, Some(0.17));
    assert_eq!(instance(&table, "m5.large").burst_baseline, None);
}

// reference: AWS's table of CPU credits earned an hour; baseline = credits / vCPU / 60.
#[test]
fn burst_baselines_are_the_credits_of_aws() {
    let table = table();
    let t2 = [3.0, 6.0, 12.0, 24.0, 36.0, 54.0, 81.6];
    let later = [6.0, 12.0, 24.0, 24.0, 36.0, 96.0, 192.0];
    let sizes = ["nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"];
    for (family, credits) in [("t2", t2), ("t3", later), ("t3a", later), ("t4g", later)] {
        for (size, credits) in sizes.into_iter().zip(credits) {
            let burstable = instance(&table, &format!("{family}.{size}"));
            near(burstable.burst_baseline.unwrap(), credits / burstable.vcpu / 60.0, 1e-9);
            assert_eq!(burstable.burst_source_id.as_deref(), Some("aws-ec2-credits"));
        }
    }
    assert_eq!(table.instances().filter(|i| i.burst_baseline.is_some()).count(), 28);
}

// reference: AWS's EC2 Instance Types Guide, pages `pg` and `ac`; the announcement of DC2.
#[test]
fn processors_are_those_that_aws_names() {
    let table = table();
    for (name, processor, sockets) in [
        ("i2.xlarge", "intel-xeon-e5-2670-v2", 2.0),
        ("r3.large", "intel-xeon-e5-2670-v2", 2.0),
        ("m3.medium", "intel-xeon-e5-2670-v2", 2.0),
        ("t1.micro", "intel-xeon-e5-2650", 2.0),
        ("p4d.24xlarge", "intel-xeon-platinum-8275cl", 2.0),
        ("inf1.xlarge", "intel-xeon-platinum-8259cl", 2.0),
        ("dc2.large", "intel-xeon-e5-2686-v4", 1.0),
        ("u7i-12tb.224xlarge", "intel-sapphire-rapids-aws-56c", 8.0),
        ("u7inh-32tb.480xlarge", "intel-sapphire-rapids-aws-60c", 16.0),
        ("mac-m4pro.metal", "apple-m4-pro", 1.0),
    ] {
        let type_of = instance(&table, name);
        assert_eq!(type_of.processor, processor, "{name}");
        near(type_of.host.sockets, sockets, 0.0);
        assert!(!type_of.processor_assumed, "{name}");
    }
}

#[test]
fn an_assumed_processor_makes_a_proxy() {
    let table = table();
    let ra3 = instance(&table, "ra3.4xlarge");
    assert!(ra3.processor_assumed);
    assert!(table.instance_power(&ra3, PowerModel::Default).unwrap().proxy);
    assert!(!table.instance_power(&instance(&table, "m5.large"), PowerModel::Default).unwrap().proxy);
    let listed = table.factors();
    let processor =
        listed.iter().find(|f| f.id.as_str() == "compute/instance/ra3.4xlarge/processor").unwrap();
    assert_eq!(processor.source_id, "airshed-estimate");
}

#[test]
fn hosts_have_the_sockets_their_threads_fill() {
    let table = table();
    for instance in table.instances() {
        let per_socket = table.processor(&instance.processor).unwrap().threads_per_socket;
        let filled = instance.host.vcpu * instance.threads_per_vcpu / per_socket;
        let sockets = instance.host.sockets;
        assert!(filled <= sockets + 1e-9 && sockets < filled + 1.0, "{}: {filled}", instance.name);
    }
}

// reference: AWS Neuron, Trn2 architecture. DescribeInstanceTypes names no accelerator of trn2u.
#[test]
fn an_ultraserver_node_has_its_sixteen_chips() {
    let share = instance(&table(), "trn2u.48xlarge").accelerators.unwrap();
    assert_eq!((share.accelerator.as_str(), share.count), ("aws-trainium2", 16.0));
}

#[test]
fn measured_points_are_used_when_imported() {
    let mut sources = sources();
    let own = "id,publisher,title,url,licence,version,retrieved,note\nlab,We,Our lab,,own,1,2026-01-31,\n";
    sources.insert(Sources::from_csv("s.csv", own).unwrap().get("lab").unwrap().clone()).unwrap();
    let csv = "instance_type,idle_w,w_10,w_50,w_100,source\nm5.xlarge,6,11,22,30,lab\n";
    let curves = import_power_csv("p.csv", csv, &sources).unwrap();
    let table = table();
    let m5 = instance(&table, "m5.xlarge");
    let missing = table.instance_power(&m5, PowerModel::MeasuredPoints).unwrap_err();
    assert_eq!(missing.kind(), FactorErrorKind::Missing);
    let power = table.with_power_curves(curves).instance_power(&m5, PowerModel::MeasuredPoints).unwrap();
    for (load, w) in [
        (0.0, 6.0),
        (0.05, 8.5),
        (0.1, 11.0),
        (0.3, 16.5),
        (0.5, 22.0),
        (0.75, 26.0),
        (1.0, 30.0),
        (2.0, 30.0),
    ] {
        near(power.at(load)[1], w, 1e-9);
    }
    let falling = "instance_type,idle_w,w_10,w_50,w_100,source\nm5.xlarge,6,5,22,30,lab\n";
    let error = import_power_csv("p.csv", falling, &sources).unwrap_err();
    assert_eq!(error.to_string(), "p.csv: line 2, column `w_100`: power falls with load");
}

#[test]
fn names_of_managed_services_resolve() {
    let table = table();
    let resolve = |name: &str| table.resolve_instance(name).map(|r| (r.instance.name.clone(), r.fit));
    for (billed, ec2) in [
        ("m5.xlarge", "m5.xlarge"),
        ("db.m5.large", "m5.large"),
        ("db.r6gd.xlarge", "r6gd.xlarge"),
        ("cache.r6gd.xlarge", "r6gd.xlarge"),
        ("cache.t1.micro", "t1.micro"),
        ("dax.r5.large", "r5.large"),
        ("dms.c5.large", "c5.large"),
        ("mq.t2.micro", "t2.micro"),
        ("ml.p3.2xlarge", "p3.2xlarge"),
        ("ml.m5.xlarge-Notebook", "m5.xlarge"),
        ("KernelGateway-ml.t3.medium", "t3.medium"),
        ("Kafka.m5.large", "m5.large"),
        ("express.m7g.large", "m7g.large"),
        ("m5.large.search", "m5.large"),
        ("r4.large.elasticsearch", "r4.large"),
        ("dc2.large", "dc2.large"),
        ("ds2.8xlarge", "ds2.8xlarge"),
    ] {
        assert_eq!(resolve(billed), Some((ec2.to_owned(), Fit::Exact)), "{billed}");
    }
    for (billed, ec2) in [
        ("or1.large.search", "r6g.large"),
        ("ds1.xlarge", "ds2.xlarge"),
        ("dw2.8xlarge", "dc1.8xlarge"),
        ("ultrawarm1.medium.search", "i3.large"),
        ("db.x2g.large", "x2gd.large"),
        ("db.m5.3xlarge", "m5.3xlarge"),
        ("z2d.large", "z1d.large"),
    ] {
        assert_eq!(resolve(billed), Some((ec2.to_owned(), Fit::Proxy)), "{billed}");
    }
    for unknown in
        ["", "db.serverless", "nonsense", "m5.", ".large", "zz9.large", "m5.999xlarge", "p4d.xlarge"]
    {
        assert_eq!(resolve(unknown), None, "{unknown}");
    }
}

#[test]
fn a_scaled_size_is_in_proportion() {
    let table = table();
    let made = table.resolve_instance("db.m5.3xlarge").unwrap().instance.into_owned();
    near(made.vcpu, 12.0, 1e-9);
    near(made.memory_gib, 48.0, 1e-9);
    let doubled = table.resolve_instance("db.r5.large.tpc1.mem2x").unwrap();
    near(doubled.instance.memory_gib, 32.0, 1e-9);
    assert_eq!(doubled.fit, Fit::Proxy);
}

#[test]
fn every_factor_id_of_an_instance_leads_somewhere() {
    let table = table();
    let factors = table.factors();
    for name in ["m5.xlarge", "p4d.24xlarge"] {
        for model in [PowerModel::Default, PowerModel::TdpLog, PowerModel::SpecLinear] {
            let instance = instance(&table, name);
            let ids = table.power_factor_ids(&instance, model);
            for id in ids.iter().chain(&table.embodied_factor_ids(&instance)) {
                let row = format!("{id}/");
                let found = |known: &str| known == id.as_str() || known.starts_with(&row);
                assert!(factors.iter().any(|factor| found(factor.id.as_str())), "{id}");
            }
        }
    }
}

/// By hand from `model.rs`: what the model of an instance does not read is not cited.
#[test]
fn only_parameters_of_the_model_are_cited() {
    let table = table();
    let cited = |name: &str, model: PowerModel| -> Vec<String> {
        let ids = table.power_factor_ids(&instance(&table, name), model);
        let parameters = ids.iter().filter_map(|id| id.as_str().strip_prefix("compute/parameter/"));
        parameters.map(str::to_owned).collect()
    };
    assert_eq!(cited("m5.xlarge", PowerModel::SpecLinear), ["memory_w_per_gib"]);
    assert_eq!(cited("m5d.xlarge", PowerModel::SpecLinear), ["memory_w_per_gib", "ssd_w_per_drive"]);
    assert_eq!(cited("m5.xlarge", PowerModel::MeasuredPoints), [""; 0]);
    let of_disks = |name: &str| {
        let ids = table.embodied_factor_ids(&instance(&table, name));
        ids.iter().filter(|id| id.as_str().contains("ssd") || id.as_str().contains("hdd")).count()
    };
    assert_eq!((of_disks("m5.xlarge"), of_disks("m5d.xlarge")), (0, 1));
}

#[test]
fn a_table_that_names_an_unknown_processor_is_refused() {
    let heading = include_str!("../../data/compute/instances.csv").lines().next().unwrap();
    let row = "x1.big,4,16,nothing,moto-ec2,no,1,x86_64,,,no,,,,,,96,384,2,yes,moto-ec2";
    let text = Texts {
        instances: &format!("{heading}\n{row}\n"),
        processors: include_str!("../../data/compute/processors.csv"),
        microarchitectures: include_str!("../../data/compute/microarchitectures.csv"),
        accelerators: include_str!("../../data/compute/accelerators.csv"),
        parameters: include_str!("../../data/compute/parameters.csv"),
        aliases: include_str!("../../data/compute/aliases.csv"),
    };
    let error = Table::from_texts(&text, &sources()).unwrap_err();
    assert_eq!(error.to_string(), "processor `nothing`, named by `x1.big`, is unknown");
    let small = row.replace("nothing", "aws-graviton").replace("96,384", "2,384");
    let text = Texts { instances: &format!("{heading}\n{small}\n"), ..text };
    let error = Table::from_texts(&text, &sources()).unwrap_err().to_string();
    assert_eq!(
        error,
        "compute/instances.csv: line 2, column `host_vcpu`: the host is smaller than the instance"
    );
}
