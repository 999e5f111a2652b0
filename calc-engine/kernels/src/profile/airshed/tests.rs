//! Classification of real usage types, and one line of every usage family calculated by hand.
//!
//! The hand calculations write out published numbers, with their source, and use the code for nothing but the result;
//! they are exact to the ledger's rounding. Region: us-east-1 in 2026-10 (744 hours).

mod hand;

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
