//! Classification of real usage types, and one line of every usage family calculated by hand.
//!
//! The hand calculations write out published numbers, with their source, and use the code for nothing but the result;
//! they are exact to the ledger's rounding. Region: us-east-1 in 2026-10 (744 hours).

mod hand;

use airshed_emission_factors::{
    FactorSet,
    compute::{PowerCurvePoints, PowerModel},
};

use super::*;
use crate::{method::MethodOptions, place::Places, sample::FACTORS};

/// Every usage type seen in two real exports, what the public generator makes, and what the documentation names.
const CLASSIFICATION: &str = include_str!("tests/classification.csv");

fn with_context<T>(options: &MethodOptions, test: impl FnOnce(&Context<'_>) -> T) -> T {
    let factors = &**FACTORS;
    let period = "2026-10".parse().unwrap();
    let places = Places::new(factors, period);
    test(&Context { factors, options, period, places: &places })
}

#[test]
fn usage_types_have_their_family_and_status() {
    with_context(&MethodOptions::default(), |context| {
        let mut reader = csv::Reader::from_reader(CLASSIFICATION.as_bytes());
        let mut wrong = Vec::new();
        let mut rows = 0;
        for record in reader.records() {
            let record = record.unwrap();
            let text = |column: usize| Some(&record[column]).filter(|text| !text.is_empty());
            let key = ClassKey {
                provider: Some("aws"),
                service_code: text(0),
                usage_type: text(1),
                operation: text(2),
                usage_unit: text(3),
                line_type: text(4),
                ..ClassKey::default()
            };
            let class = classify(&key, context);
            let found =
                (class.family.as_str(), class.status.as_str(), class.reason.map_or("", Reason::as_str));
            if found != (&record[5], &record[6], &record[7]) {
                wrong.push(format!("{record:?}: {found:?}"));
            }
            rows += 1;
        }
        assert!(rows > 200, "{rows} rows");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn every_family_that_is_estimated_is_in_the_table() {
    for family in UsageFamily::ALL {
        if !matches!(family, UsageFamily::DatabaseThroughput | UsageFamily::Other) {
            let estimated = format!(",{family},estimated,");
            assert!(CLASSIFICATION.contains(&estimated), "{family}");
        }
    }
}

#[test]
fn shares_of_a_host_and_other_providers_are_not_estimated() {
    with_context(&MethodOptions::default(), |context| {
        let line = ClassKey {
            provider: Some("aws"),
            service_code: Some("AmazonECS"),
            usage_type: Some("Fargate-GB-Hours"),
            line_type: Some("Usage"),
            usage_unit: Some("hours"),
            ..ClassKey::default()
        };
        assert_eq!(classify(&line, context).reason, None);
        assert_eq!(classify(&ClassKey { split: true, ..line }, context).reason, Some(Reason::CountedOnHost));
        let azure = ClassKey { provider: Some("azure"), instance_type: Some("Standard_D2s_v3"), ..line };
        assert_eq!(classify(&azure, context).reason, Some(Reason::UnknownInstanceType));
        let other = ClassKey { provider: Some("elsewhere"), ..line };
        assert_eq!(classify(&other, context).reason, Some(Reason::UnknownProvider));
        let mars = ClassKey { region: Some("mars-north-1"), ..line };
        assert_eq!(classify(&mars, context).reason, Some(Reason::UnknownRegion));
    });
}

/// A local zone is a stand-in of its region, however the export names it.
#[test]
fn a_local_zone_is_a_proxy_of_its_region() {
    let factors = &**FACTORS;
    let options = MethodOptions::default();
    with_context(&options, |context| {
        let of = |usage_type, region| {
            let key = ClassKey {
                provider: Some("aws"),
                service_code: Some("AmazonEC2"),
                usage_type: Some(usage_type),
                usage_unit: Some("Hrs"),
                line_type: Some("Usage"),
                region,
                ..ClassKey::default()
            };
            let class = classify(&key, context);
            (class.quality, class.coefficients.map(|own| own.grid.zone.to_string()))
        };
        let oregon = factors.facility().region("aws", "us-west-2").unwrap().grid_zone.clone();
        assert_eq!(of("USW2-BoxUsage:m5.large", None), (Some(Quality::Modelled), Some(oregon.clone())));
        for (usage_type, region) in [
            ("LAX1-BoxUsage:m5.large", None),
            ("LAX1-BoxUsage:m5.large", Some("us-west-2-lax-1")),
            ("LAX1-BoxUsage:m5.large", Some("us-west-2")),
            ("USW2-LAX1-BoxUsage:m5.large", None),
            ("USW2WL1LAS1-BoxUsage:m5.large", Some("us-west-2-wl1-las1")),
        ] {
            let found = of(usage_type, region);
            assert_eq!(found, (Some(Quality::Proxy), Some(oregon.clone())), "{usage_type} {region:?}");
        }
    });
}

/// Measured curves are of whole machines; a part of one has none, whatever the curve of the whole is.
#[test]
fn a_measured_curve_is_not_taken_for_a_part_of_its_machine() {
    let names = ["m6i.large", "m6g.large", "t3.2xlarge", "t3.large", "m5.24xlarge", "m5.metal"];
    let curve = PowerCurvePoints { w: [10.0, 20.0, 30.0, 40.0], source_id: "aws-ccft".into() };
    let curves = names.map(|name| (name.to_owned(), curve.clone())).into();
    let factors = FactorSet::builder().with_power_curves(curves).build().unwrap();
    let options = MethodOptions { power_model: PowerModel::MeasuredPoints, ..MethodOptions::default() };
    let period = "2026-10".parse().unwrap();
    let places = Places::new(&factors, period);
    let context = Context { factors: &factors, options: &options, period, places: &places };
    let of = |service, usage_type, unit| {
        let key = ClassKey {
            provider: Some("aws"),
            service_code: Some(service),
            usage_type: Some(usage_type),
            usage_unit: Some(unit),
            line_type: Some("Usage"),
            ..ClassKey::default()
        };
        classify(&key, &context)
    };
    let whole = of("AmazonEC2", "BoxUsage:m6i.large", "Hrs").coefficients.unwrap();
    let half_load_kwh = whole.energy_kwh.cpu.at(0.5).central;
    assert!((half_load_kwh - 0.030).abs() < 1e-12, "{half_load_kwh}");
    assert!(of("AmazonEC2", "HostUsage:m5", "Hrs").coefficients.is_some());
    for (service, usage_type, unit) in [
        ("AmazonECS", "USE1-Fargate-vCPU-Hours:perCPU", "hours"),
        ("AmazonECS", "USE1-Fargate-GB-Hours", "hours"),
        ("AWSLambda", "Lambda-GB-Second", "Lambda-GB-Second"),
        ("AWSLambda", "Lambda-GB-Second-ARM", "Lambda-GB-Second"),
        ("AmazonEC2", "CPUCredits:t3", "vCPU-Hours"),
    ] {
        let class = of(service, usage_type, unit);
        assert_eq!(class.reason, Some(Reason::NoCurveOfPart), "{usage_type}");
        assert!(class.steps[0].note.as_ref().unwrap().contains("whole machines"), "{usage_type}");
    }
    let without = of("AmazonEC2", "BoxUsage:c5.large", "Hrs");
    assert_eq!(without.reason, Some(Reason::NoPowerModel));
    assert!(without.steps[0].note.as_ref().unwrap().contains("c5.large"), "{:?}", without.steps);
}

#[test]
fn a_life_that_is_none_is_the_reason() {
    let options = MethodOptions { hardware_lifetime_years: [0.0; 3], ..MethodOptions::default() };
    with_context(&options, |context| {
        let key = ClassKey {
            provider: Some("aws"),
            service_code: Some("AmazonEC2"),
            usage_type: Some("BoxUsage:m5.large"),
            usage_unit: Some("Hrs"),
            line_type: Some("Usage"),
            ..ClassKey::default()
        };
        let class = classify(&key, context);
        assert_eq!(class.reason, Some(Reason::NoEmbodiedModel));
        assert!(class.steps[0].note.as_ref().unwrap().contains("lifetime"), "{:?}", class.steps);
    });
}

#[test]
fn spend_is_estimated_only_on_request_and_marked() {
    let line = ClassKey {
        provider: Some("aws"),
        service_code: Some("AmazonVPC"),
        usage_type: Some("VpcEndpoint-Hours"),
        usage_unit: Some("Hrs"),
        line_type: Some("Usage"),
        currency: Some("USD"),
        ..ClassKey::default()
    };
    with_context(&MethodOptions::default(), |context| {
        assert_eq!(classify(&line, context).reason, Some(Reason::NoModel));
    });
    let spend = SpendFactor {
        currency: "USD".into(),
        kwh_per_cost: Bounds::new(0.01, 0.1, 1.0),
        embodied_g_per_cost: Bounds::exactly(5.0),
    };
    let options = MethodOptions { spend: Some(spend), ..MethodOptions::default() };
    with_context(&options, |context| {
        let class = classify(&line, context);
        assert_eq!(class.quality, Some(Quality::Spend));
        assert_eq!(class.coefficients.map(|coefficients| coefficients.basis), Some(Basis::EffectiveCost));
        let euros = ClassKey { currency: Some("EUR"), ..line };
        assert_eq!(classify(&euros, context).reason, Some(Reason::NoModel));
        let tax = ClassKey { line_type: Some("Tax"), ..line };
        assert_eq!(classify(&tax, context).reason, Some(Reason::Tax));
    });
}

#[test]
fn every_coefficient_is_ordered_and_its_factors_exist() {
    with_context(&MethodOptions::default(), |context| {
        let known: Vec<&str> = context.factors.factors().map(|factor| factor.id.as_str()).collect();
        for instance in context.factors.compute().instances() {
            let usage_type = format!("BoxUsage:{}", instance.name);
            let key = ClassKey {
                provider: Some("aws"),
                service_code: Some("AmazonEC2"),
                usage_type: Some(&usage_type),
                usage_unit: Some("Hrs"),
                line_type: Some("Usage"),
                ..ClassKey::default()
            };
            let class = classify(&key, context);
            let coefficients =
                class.coefficients.unwrap_or_else(|| panic!("{usage_type}: {:?}", class.reason));
            let utilization = coefficients.default_utilization.unwrap();
            assert!(utilization.is_ordered(), "{usage_type}: {utilization:?}");
            assert!(coefficients.embodied_g.is_ordered(), "{usage_type}");
            for load in [0.0, 0.1, utilization.central, 1.0] {
                assert!(coefficients.energy_kwh.cpu.at(load).is_ordered(), "{usage_type} at {load}");
            }
            assert!(coefficients.energy_kwh.cpu.over(utilization).is_ordered(), "{usage_type}");
            for id in &class.factor_ids {
                let row = format!("{id}/");
                assert!(
                    known.iter().any(|factor| factor == id || factor.starts_with(&row)),
                    "{usage_type}: {id}"
                );
            }
        }
    });
}
