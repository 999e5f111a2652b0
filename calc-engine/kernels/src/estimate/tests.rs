use airshed_domain::{
    schema::{self, column as c},
    status::LineStatus,
};
use airshed_emission_factors::grid::HourlyGridBuilder;
use arrow::array::Array as _;
use proptest::prelude::*;

use super::*;
use crate::sample::{HOUR_S, Line, OCTOBER_S, batch, estimator, quantity, word};

/// Lines of every kind: estimated, unmapped and excluded.
fn kinds() -> Vec<Line> {
    let mut lines = vec![
        Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", 1.0),
        Line::new("AmazonEC2", "EBS:VolumeUsage.gp3", "GB-Mo", 0.134_408_602_2),
        Line::new("AmazonEC2", "DataTransfer-Out-Bytes", "GB", 3.5),
        Line::new("AWSLambda", "Lambda-GB-Second", "Lambda-GB-Second", 1234.5),
        Line::new("AWSELB", "LoadBalancerUsage", "Hrs", 1.0),
        Line::new("AmazonEC2", "HostBoxUsage:m5.large", "Hrs", 1.0),
        Line::new("AmazonEC2", "BoxUsage:t3.medium", "Hrs", 1.0),
    ];
    for (line, region) in lines.iter_mut().zip(["us-east-1", "eu-west-1", "eu-north-1", "ap-south-1"]) {
        line.region = Some(region);
    }
    lines
}

fn run(lines: &[Line]) -> RecordBatch {
    estimator(MethodOptions::default()).estimate(&batch(lines, true)).unwrap()
}

#[test]
fn the_schema_is_the_ledgers_with_dictionaries() {
    let lines = batch(&kinds(), true);
    let emissions = run(&kinds());
    assert_eq!(emissions.schema(), emissions_dictionary_schema());
    assert_eq!(emissions.schema(), emissions_schema_for(&lines.schema()));
    let file = schema::emissions().file_schema();
    let names =
        |schema: &Schema| schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    assert_eq!(names(&emissions.schema()), names(&file));
    let plain = batch(&kinds(), false);
    let from_plain = estimator(MethodOptions::default()).estimate(&plain).unwrap();
    assert_eq!(from_plain.schema(), emissions_schema_for(&plain.schema()));
    // Columns that are passed on are the very columns that came in.
    for name in [c::LINE_ID, c::USAGE_AMOUNT, c::TAGS, c::USAGE_START] {
        let (before, after) = (lines.column_by_name(name).unwrap(), emissions.column_by_name(name).unwrap());
        assert_eq!(before.to_data(), after.to_data(), "{name}");
    }
}

#[test]
fn plain_strings_and_dictionaries_give_the_same_figures() {
    let lines = kinds();
    let dictionary = run(&lines);
    let plain = estimator(MethodOptions::default()).estimate(&batch(&lines, false)).unwrap();
    for measure in MEASURES {
        assert_eq!(
            dictionary.column_by_name(measure.column).unwrap(),
            plain.column_by_name(measure.column).unwrap(),
            "{}",
            measure.column
        );
    }
    for row in 0..lines.len() {
        for column in
            [c::STATUS, c::REASON, c::USAGE_FAMILY, c::QUALITY, c::FACTORS, c::GRID_ZONE, c::GRID_BASIS]
        {
            assert_eq!(word(&dictionary, column, row), word(&plain, column, row), "{column} {row}");
        }
    }
}

#[test]
fn zero_is_zero_and_null_is_unmapped() {
    let mut lines = vec![Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", 0.0); 2];
    lines[1].amount = None;
    let emissions = run(&lines);
    assert_eq!(quantity(&emissions, c::ENERGY_KWH, 0), Some(0.0));
    assert_eq!(word(&emissions, c::STATUS, 0).as_deref(), Some(LineStatus::Estimated.as_str()));
    assert_eq!(quantity(&emissions, c::ENERGY_KWH, 1), None);
    assert_eq!(word(&emissions, c::STATUS, 1).as_deref(), Some(LineStatus::Unmapped.as_str()));
    assert_eq!(word(&emissions, c::REASON, 1).as_deref(), Some("no_amount"));
}

#[test]
fn a_correction_takes_back_what_it_corrects() {
    let lines = [
        Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", 7.0),
        Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", -7.0),
    ];
    let emissions = run(&lines);
    for measure in MEASURES {
        let [usage, correction] = [0, 1].map(|row| quantity(&emissions, measure.column, row).unwrap());
        assert!((usage + correction).abs() < f64::EPSILON, "{}: {usage} {correction}", measure.column);
    }
}

#[test]
fn measured_utilisation_replaces_the_default_and_says_so() {
    let mut lines = vec![Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", 1000.0); 3];
    lines[1].utilization = Some(0.1);
    lines.push(Line::new("AmazonEC2", "EBS:VolumeUsage.gp3", "GB-Mo", 1.0));
    lines[3].utilization = Some(0.1);
    let emissions = run(&lines);
    // CCF 2026, Skylake: 4 threads of 0.6129888539 W idle and 4.104170353 W full, 1,000 hours.
    let by_hand =
        |utilization: f64| 4.0 * (0.612_988_853_9 + utilization * (4.104_170_353 - 0.612_988_853_9));
    for (row, utilization, source, quality) in
        [(0, 0.5, "default", "modelled"), (1, 0.1, "measured", "measured"), (2, 0.5, "default", "modelled")]
    {
        let cpu = quantity(&emissions, c::ENERGY_CPU_KWH, row).unwrap();
        assert!((cpu - by_hand(utilization)).abs() < 1e-8, "{cpu}, by hand {}", by_hand(utilization));
        assert_eq!(word(&emissions, c::UTILIZATION_SOURCE, row).as_deref(), Some(source));
        assert_eq!(word(&emissions, c::QUALITY, row).as_deref(), Some(quality));
    }
    // A volume has no processor: a measurement joined to it changes nothing.
    assert_eq!(word(&emissions, c::UTILIZATION_SOURCE, 3), None);
    lines[1].utilization = Some(1.5);
    let error = estimator(MethodOptions::default()).estimate(&batch(&lines, true)).unwrap_err();
    assert_eq!(error.kind(), EstimateErrorKind::Row);
    assert!(error.to_string().contains("line_id line-1"), "{error}");
}

#[test]
fn too_large_a_quantity_names_its_row() {
    let lines = [
        Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", 1.0),
        Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", 1e13),
    ];
    let error = estimator(MethodOptions::default()).estimate(&batch(&lines, true)).unwrap_err();
    assert_eq!(error.kind(), EstimateErrorKind::Row);
    let message = error.to_string();
    assert!(message.contains("line_seq 1") && message.contains("line_id line-1"), "{message}");
    assert!(message.contains("too large"), "{message}");
}

#[test]
fn a_missing_column_is_named() {
    let lines = batch(&kinds(), true);
    let place = lines.schema().index_of(c::LINE_TYPE).unwrap();
    let mut without = lines.clone();
    without.remove_column(place);
    let error = estimator(MethodOptions::default()).estimate(&without).unwrap_err();
    assert_eq!(error.kind(), EstimateErrorKind::Input);
    assert!(error.to_string().contains(c::LINE_TYPE), "{error}");
}

#[test]
fn hours_are_used_where_every_hour_of_the_line_is_known() {
    let mut hours = HourlyGridBuilder::default();
    for hour in 0..10 {
        if hour != 5 {
            let intensity = 100.0 + 10.0 * f64::from(hour);
            hours
                .push("US-MIDA-PJM", OCTOBER_S + i64::from(hour) * HOUR_S, Some(intensity), None, false)
                .unwrap();
        }
    }
    let factors = FactorSet::builder().with_hourly_grid(hours.build().unwrap()).build().unwrap();
    let options = MethodOptions::default();
    let mut estimator =
        Estimator::new(MethodName::Airshed, Arc::new(factors), options, "2026-10".parse().unwrap());
    let line = |first: i64, hours: i64| {
        let mut line = Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", 1000.0);
        line.start_s = OCTOBER_S + first * HOUR_S;
        line.hours = hours;
        line
    };
    let emissions = estimator
        .estimate(&batch(&[line(0, 1), line(3, 1), line(1, 4), line(4, 2), line(20, 1)], true))
        .unwrap();
    let expected: [(&str, Option<f64>); 5] = [
        ("hourly", Some(100.0)),
        ("hourly", Some(130.0)),
        // Hours 1 to 4: the mean of 110, 120, 130 and 140.
        ("hourly", Some(125.0)),
        // Hour 5 is not known.
        ("yearly", None),
        ("yearly", None),
    ];
    for (row, (basis, intensity)) in expected.into_iter().enumerate() {
        assert_eq!(word(&emissions, c::GRID_BASIS, row).as_deref(), Some(basis), "{row}");
        let intensity = intensity.unwrap_or(322.97);
        let energy = quantity(&emissions, c::ENERGY_KWH, row).unwrap();
        let location = quantity(&emissions, c::CO2E_LOCATION_G, row).unwrap();
        assert!((location / energy - intensity).abs() < 1e-6, "{row}: {location} / {energy}");
    }
}

#[test]
fn upstream_and_market_are_of_the_same_hours() {
    let mut hours = HourlyGridBuilder::default();
    let mut push = |zone: &str, hour: i64, direct, lifecycle| {
        hours.push(zone, OCTOBER_S + hour * HOUR_S, direct, lifecycle, false).unwrap();
    };
    push("US-MIDA-PJM", 0, Some(100.0), Some(130.0));
    push("US-MIDA-PJM", 1, Some(200.0), Some(260.0));
    push("US-MIDA-PJM", 2, None, Some(300.0));
    push("US-MIDA-PJM", 3, Some(150.0), None);
    push("DE", 0, Some(100.0), Some(130.0));
    let factors = FactorSet::builder().with_hourly_grid(hours.build().unwrap()).build().unwrap();
    let share = factors.grid().direct_share("US");
    let mut estimator = Estimator::new(
        MethodName::Airshed,
        Arc::new(factors),
        MethodOptions::default(),
        "2026-10".parse().unwrap(),
    );
    let line = |first: i64, hours: i64| {
        let mut line = Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", 1000.0);
        line.start_s = OCTOBER_S + first * HOUR_S;
        line.hours = hours;
        line
    };
    let mut frankfurt = line(0, 1);
    frankfurt.region = Some("eu-central-1");
    let emissions = estimator
        .estimate(&batch(&[line(0, 1), line(0, 2), line(2, 1), line(3, 1), line(9, 1), frankfurt], true))
        .unwrap();
    let per_kwh = |column: &str, row: usize| {
        quantity(&emissions, column, row).unwrap() / quantity(&emissions, c::ENERGY_KWH, row).unwrap()
    };
    // Row, upstream, market, g/kWh. Without a residual mix in the United States the market follows the location.
    for (row, upstream, market) in [
        (0, 30.0, 100.0),
        (1, 45.0, 150.0),
        (2, 300.0 * (1.0 - share), 300.0 * share),
        (3, 150.0 / share - 150.0, 150.0),
        // An hour that is not known: the year, 394.69 lifecycle and 322.97 direct.
        (4, 394.69 - 322.97, 322.97),
    ] {
        let found = [per_kwh(c::CO2E_UPSTREAM_G, row), per_kwh(c::CO2E_MARKET_G, row)];
        assert!((found[0] - upstream).abs() < 1e-6 && (found[1] - market).abs() < 1e-6, "{row}: {found:?}");
        let stated = emissions.column_by_name(c::MARKET_INTENSITY_G_PER_KWH).unwrap().to_data().buffers()[0]
            .typed_data::<f64>()[row];
        assert!((stated - market).abs() < 1e-9, "{row}: {stated}");
        let factors = word(&emissions, c::FACTORS, row).unwrap();
        assert!(factors.contains("grid/hourly/US-MIDA-PJM/2026-10"), "{factors}");
        assert!(factors.contains("grid/direct_share/US"), "{factors}");
    }
    // Germany has a residual mix, which is yearly.
    assert!((per_kwh(c::CO2E_UPSTREAM_G, 5) - 30.0).abs() < 1e-6);
    assert!((per_kwh(c::CO2E_MARKET_G, 5) - 100.0).abs() > 100.0);
}

#[test]
fn a_cost_proportional_estimate_multiplies_the_cost() {
    let spend = crate::method::SpendFactor {
        currency: "USD".into(),
        kwh_per_cost: crate::bounds::Bounds::new(0.01, 0.1, 1.0),
        embodied_g_per_cost: crate::bounds::Bounds::exactly(5.0),
    };
    let options = MethodOptions { spend: Some(spend), ..MethodOptions::default() };
    let mut line = Line::new("AWSELB", "LoadBalancerUsage", "Hrs", 744.0);
    line.effective_cost = 16.0;
    let emissions = estimator(options).estimate(&batch(&[line], true)).unwrap();
    assert_eq!(word(&emissions, c::QUALITY, 0).as_deref(), Some("spend"));
    assert_eq!(quantity(&emissions, c::ENERGY_PLATFORM_KWH, 0), Some(1.6));
    assert_eq!(quantity(&emissions, c::CO2E_EMBODIED_G, 0), Some(80.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rows_do_not_depend_on_their_neighbours(
        picks in proptest::collection::vec((0usize..7, 0.0f64..1e6), 2..40),
        cut in 1usize..39,
    ) {
        let kinds = kinds();
        let lines: Vec<Line> = picks
            .iter()
            .map(|(kind, amount)| Line { amount: Some(*amount), ..kinds[*kind].clone() })
            .collect();
        let whole = run(&lines);
        // Cut in two batches, through one estimator.
        let cut = cut.min(lines.len() - 1);
        let mut one = estimator(MethodOptions::default());
        let head = one.estimate(&batch(&lines[..cut], true)).unwrap();
        let tail = one.estimate(&batch(&lines[cut..], true)).unwrap();
        // In reverse order.
        let mut reversed = lines.clone();
        reversed.reverse();
        let backwards = run(&reversed);
        for measure in MEASURES {
            let column = |batch: &RecordBatch| batch.column_by_name(measure.column).unwrap().clone();
            let glued = arrow::compute::concat(&[&column(&head), &column(&tail)]).unwrap();
            prop_assert_eq!(&column(&whole), &glued);
            for row in 0..lines.len() {
                prop_assert_eq!(
                    quantity(&whole, measure.column, row),
                    quantity(&backwards, measure.column, lines.len() - 1 - row)
                );
            }
        }
    }

    #[test]
    fn figures_are_linear_in_the_amount_and_bounds_are_ordered(kind in 0usize..7, amount in 0.001f64..1e5) {
        let kinds = kinds();
        let line = |amount: f64| Line { amount: Some(amount), ..kinds[kind].clone() };
        let emissions = run(&[line(amount), line(amount * 2.0)]);
        for measure in MEASURES {
            let [one, two] = [0, 1].map(|row| quantity(&emissions, measure.column, row));
            if let (Some(one), Some(two)) = (one, two) {
                // Amounts are rounded to 1e-12 and results to 1e-8.
                prop_assert!((two - 2.0 * one).abs() <= 3e-8 + two.abs() * 1e-8, "{}: {one} {two}", measure.column);
            }
        }
        for [low, central, high] in [
            [c::ENERGY_KWH_LOW, c::ENERGY_KWH, c::ENERGY_KWH_HIGH],
            [c::CO2E_LOCATION_G_LOW, c::CO2E_LOCATION_G, c::CO2E_LOCATION_G_HIGH],
            [c::CO2E_EMBODIED_G_LOW, c::CO2E_EMBODIED_G, c::CO2E_EMBODIED_G_HIGH],
        ] {
            let [low, central, high] = [low, central, high].map(|column| quantity(&emissions, column, 0));
            prop_assert!(low <= central && central <= high, "{low:?} {central:?} {high:?}");
        }
    }
}
