use crate::{
    method::MethodOptions,
    sample::{Line, batch, estimator},
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
            emissions.column_by_name(figure.column).unwrap().as_primitive::<Decimal128Type>().value(0);
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
