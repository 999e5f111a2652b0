use std::sync::Arc;

use airshed_emission_factors::grid::HourlyGridBuilder;

use crate::{
    method::{MethodName, MethodOptions},
    sample::{HOUR_S, Line, OCTOBER_S, batch, estimator},
};

use super::*;

fn explained(line: Line) -> Explanation {
    explain(&mut estimator(MethodOptions::default()), &batch(&[line], true)).unwrap()
}

#[test]
fn the_figures_are_the_ledgers_and_the_factors_are_cited() {
    let line = Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", 24.0);
    let explanation = explained(line.clone());
    let emissions = estimator(MethodOptions::default()).estimate(&batch(&[line], true)).unwrap();
    for figure in &explanation.figures {
        let stored =
            emissions.column_by_name(figure.column).unwrap().as_primitive::<Decimal64Type>().value(0);
        assert_eq!(figure.steps, Some(stored), "{}", figure.column);
        let cell = array_value_to_string(emissions.column_by_name(figure.column).unwrap(), 0).unwrap();
        assert_eq!(figure.text, cell, "{}", figure.column);
    }
    assert_eq!(explanation.line_id, "line-0");
    assert_eq!(explanation.figures.len(), MEASURES.len());
    let titles: Vec<&str> = explanation.steps.iter().map(|step| step.title.as_str()).collect();
    assert_eq!(titles.first(), Some(&"classification"));
    assert_eq!(titles.last(), Some(&"rounding"));
    assert!(titles.contains(&"PUE of us-east-1"), "{titles:?}");
    assert!(!explanation.citations.is_empty());
    for citation in &explanation.citations {
        assert!(!citation.licence.is_empty() && citation.source.len() > 2, "{citation:?}");
    }
    // Every factor id of a step is cited: itself, or the numbers of the row that it names.
    for id in explanation.steps.iter().flat_map(|step| &step.factor_ids) {
        let cited = explanation.citations.iter().any(|citation| citation.factor_id.starts_with(id.as_str()));
        assert!(cited, "{id}");
    }
}

#[test]
fn only_factors_that_the_line_used_are_cited() {
    let explanation = explained(Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", 24.0));
    let cited: Vec<&str> = explanation.citations.iter().map(|c| c.factor_id.as_str()).collect();
    let has = |id: &str| cited.contains(&id);
    assert!(
        has("compute/parameter/memory_w_per_gib") && has("compute/parameter/embodied_base_kg"),
        "{cited:?}"
    );
    // An m5 has no disks, and its memory is not counted by the module; the life of servers is an option.
    for unused in
        ["ssd_w_per_drive", "hdd_w_per_drive", "embodied_hdd_kg_per_drive", "dimm_gib", "lifetime_hours"]
    {
        assert!(!has(&format!("compute/parameter/{unused}")), "{unused}");
    }
}

#[test]
fn the_utilisation_that_was_used_is_told() {
    let mut line = Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", 24.0);
    let utilization = |line: &Line| {
        let explanation = explained(line.clone());
        let told = format!("{:?}", explanation.steps);
        let step =
            explanation.steps.into_iter().find(|step| step.title == "utilisation of the line").unwrap();
        let names: Vec<String> = step.inputs.into_iter().map(|input| input.name).collect();
        (step.result.unwrap().value, step.note.unwrap(), names, told)
    };
    let (used, source, inputs, _) = utilization(&line);
    assert_eq!((used, source.as_str(), inputs.len()), (0.5, "default", 0));
    line.utilization = Some(0.25);
    let (used, source, _, told) = utilization(&line);
    assert_eq!((used, source.as_str()), (0.25, "measured"));
    assert!(!told.contains("default utilisation"), "{told}");
    // Half of the time measured at 0.25, the rest at the default of 0.5.
    line.cover = 0.5;
    let (used, source, inputs, _) = utilization(&line);
    assert_eq!((used, source.as_str()), (0.375, "partly_measured"));
    assert_eq!(inputs, ["measured", "cover", "default"]);
    // CCF 2026, Skylake: 4 threads of 0.6129888539 W idle and 4.104170353 W full, at 0.375.
    let explanation = explained(line);
    let energy =
        explanation.steps.iter().find(|step| step.title.starts_with("energy per billed unit")).unwrap();
    let by_hand = 4.0 * (0.612_988_853_9 + 0.375 * (4.104_170_353 - 0.612_988_853_9)) / 1000.0;
    assert!((energy.inputs[0].value - by_hand).abs() < 1e-11, "{energy:?}, by hand {by_hand}");
}

#[test]
fn hours_are_cited_by_lines_that_used_them() {
    let mut hours = HourlyGridBuilder::default();
    hours.push("US-MIDA-PJM", OCTOBER_S, Some(100.0), None, false).unwrap();
    let factors = FactorSet::builder().with_hourly_grid(hours.build().unwrap()).build().unwrap();
    let period = "2026-10".parse().unwrap();
    let mut estimator =
        Estimator::new(MethodName::Airshed, Arc::new(factors), MethodOptions::default(), period);
    let mut line = Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", 1.0);
    let mut cited = |line: &Line| {
        let explanation = explain(&mut estimator, &batch(std::slice::from_ref(line), true)).unwrap();
        let ids: Vec<String> = explanation.citations.into_iter().map(|citation| citation.factor_id).collect();
        ["grid/hourly/", "grid/direct_share/"].map(|start| ids.iter().any(|id| id.starts_with(start)))
    };
    assert_eq!(cited(&line), [true, true]);
    line.start_s += HOUR_S;
    assert_eq!(cited(&line), [false, false]);
}

#[test]
fn a_line_without_an_estimate_gives_its_reason() {
    let explanation = explained(Line::new("AmazonEC2", "HostBoxUsage:m5.large", "Hrs", 1.0));
    assert_eq!(explanation.status, LineStatus::Excluded);
    assert_eq!(explanation.reason, Some(Reason::CountedOnDedicatedHost));
    assert!(explanation.figures.is_empty());
    let mut without_amount = Line::new("AmazonEC2", "BoxUsage:m5.large", "Hrs", 1.0);
    without_amount.amount = None;
    assert_eq!(explained(without_amount).reason, Some(Reason::NoAmount));
}

#[test]
fn only_one_line_is_explained() {
    let lines = vec![Line::new("AmazonEC2", "BoxUsage:m5.large", "Hrs", 1.0); 2];
    assert!(explain(&mut estimator(MethodOptions::default()), &batch(&lines, true)).is_err());
}

#[test]
fn ledger_steps_print_all_their_digits() {
    assert_eq!(text_of_steps(150_000_000), "1.50000000");
    assert_eq!(text_of_steps(-2), "-0.00000002");
}
