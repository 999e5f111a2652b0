use std::fmt::Write as _;

use airshed_domain::status::LineStatus;
use airshed_emission_factors::{
    FactorSet,
    profile::boavizta::{Boavizta, LOADS_PCT},
};
use airshed_kernels::{class::ClassKey, method::MethodName, reason::Reason};

use crate::{Setup, close, figures, golden, number};

fn key<'a>(service: &'a str, usage_type: &'a str, instance_type: &'a str) -> ClassKey<'a> {
    ClassKey {
        provider: Some("aws"),
        service_code: Some(service),
        usage_type: Some(usage_type),
        instance_type: Some(instance_type),
        usage_unit: Some("Hrs"),
        region: Some("eu-west-1"),
        line_type: Some("Usage"),
        ..ClassKey::default()
    }
}

/// One type, with the power at 50 % of methodology.md's vector: m5.xlarge draws 22.592 W. The other loads are made up.
fn imported() -> Setup {
    let loads = LOADS_PCT.map(|load| format!("power_w_{load}")).join(",");
    let watts = ",5,10,13,17,20,22.592,24,26,28,29,30";
    let instances =
        format!("instance_type,{loads},embodied_g_per_hour,embodied_scope\nm5.xlarge{watts},0.91,whole\n");
    let regions = "region,country,g_per_kwh\neu-west-1,IRL,384\n";
    let tables = Boavizta::from_csv(&instances, regions).expect("two tables");
    Setup::new(FactorSet::builder().with_boavizta(tables))
}

#[test]
fn an_hour_is_power_at_half_load_times_the_country() {
    let setup = imported();
    for (service, usage_type, instance_type) in [
        ("AmazonEC2", "EU-BoxUsage:m5.xlarge", "m5.xlarge"),
        ("AmazonRDS", "EU-InstanceUsage:db.m5.xl", "db.m5.xlarge"),
        ("AmazonES", "EU-ESInstance:m5.xlarge", "m5.xlarge.search"),
    ] {
        let class = setup.classify(MethodName::Boavizta, &key(service, usage_type, instance_type));
        let found = figures(&class, 10.0).unwrap();
        assert!(close(found.energy_kwh, 0.22592), "{found:?}");
        assert!(close(found.location_g, 0.22592 * 384.0), "{found:?}");
        assert!(close(found.embodied_g, 9.1), "{found:?}");
    }
}

/// What BoaviztAPI 2.5.0 answered for 15 types, cited in the file; the same figures that the import is held to.
const ANSWERS: &str = include_str!("../../../../emission-factors/tests/data/boaviztapi.csv");

/// Hours of each type that the API was asked about, at half load and at a measured tenth of it: the API's own watts and
/// grams. Loads that it was not asked about stand on straight lines here.
#[test]
fn hours_of_the_apis_answers_are_reproduced() {
    let answers = golden::rows(ANSWERS);
    assert_eq!(answers.len(), 15);
    let loads = LOADS_PCT.map(|load| format!("power_w_{load}")).join(",");
    let mut instances = format!("instance_type,{loads},embodied_g_per_hour,embodied_scope\n");
    for answer in &answers {
        let watts = [0, 10, 50, 100].map(|load| (load, number(&answer[&format!("power_w_{load}")])));
        let at = |load: u8| {
            let pair = watts.windows(2).find(|pair| load <= pair[1].0).unwrap();
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            y0 + (y1 - y0) * f64::from(load - x0) / f64::from(x1 - x0)
        };
        let row = LOADS_PCT.map(|load| at(load).to_string()).join(",");
        let (name, embodied) = (&answer["instance_type"], &answer["embodied_g_per_hour"]);
        writeln!(instances, "{name},{row},{embodied},whole").unwrap();
    }
    let tables = Boavizta::from_csv(&instances, "region,country,g_per_kwh\neu-west-1,IRL,384\n").unwrap();
    let setup = Setup::new(FactorSet::builder().with_boavizta(tables));
    for answer in &answers {
        let name = answer["instance_type"].as_str();
        let class = setup.classify(MethodName::Boavizta, &key("AmazonEC2", "EU-BoxUsage:any", name));
        let found = figures(&class, 24.0).unwrap();
        let half_load_kwh = 24.0 * number(&answer["power_w_50"]) / 1000.0;
        assert!(close(found.energy_kwh, half_load_kwh), "{name}: {found:?}");
        assert!(close(found.location_g, half_load_kwh * 384.0), "{name}: {found:?}");
        assert!(close(found.embodied_g, 24.0 * number(&answer["embodied_g_per_hour"])), "{name}: {found:?}");
        let tenth = class.coefficients.unwrap().energy_kwh.platform.at(0.1).central;
        assert!(close(tenth, number(&answer["power_w_10"]) / 1000.0), "{name}: {tenth}");
    }
}

#[test]
fn a_measured_load_moves_along_the_curve() {
    let class =
        imported().classify(MethodName::Boavizta, &key("AmazonEC2", "EU-BoxUsage:m5.xlarge", "m5.xlarge"));
    let coefficients = class.coefficients.unwrap();
    assert!(coefficients.accepts_measured_utilization);
    let at = |load: f64| coefficients.energy_kwh.platform.at(load).central;
    assert!(close(at(0.1), 0.010));
    assert!(close(at(0.15), 0.0115));
    assert!(close(at(1.0), 0.030));
}

#[test]
fn without_the_users_copy_every_instance_is_unmapped() {
    let class =
        Setup::shipped().classify(MethodName::Boavizta, &key("AmazonEC2", "BoxUsage:m5.xlarge", "m5.xlarge"));
    assert_eq!((class.status, class.reason), (LineStatus::Unmapped, Some(Reason::UnknownInstanceType)));
}

#[test]
fn hours_that_are_not_a_server_of_their_own_are_excluded() {
    let setup = imported();
    let reason = |service: &str, usage_type: &str| {
        setup.classify(MethodName::Boavizta, &key(service, usage_type, "m5.xlarge")).reason
    };
    assert_eq!(reason("AmazonEC2", "EBSOptimized:m5.xlarge"), Some(Reason::IncludedInInstance));
    assert_eq!(reason("AmazonEC2", "HostBoxUsage:m5.xlarge"), Some(Reason::CountedOnDedicatedHost));
    assert_eq!(reason("ElasticMapReduce", "BoxUsage:m5.xlarge"), Some(Reason::CountedOnInstance));
}
