use super::*;

fn embedded() -> FactorSet {
    FactorSet::embedded().unwrap()
}

#[test]
fn every_embedded_factor_has_a_source_and_a_page() {
    let set = embedded();
    assert!(set.factors().count() > 5000);
    for factor in set.factors() {
        assert!(set.source(&factor.source_id).is_some(), "{}", factor.id);
        assert!(!factor.page.is_empty(), "{} has no page", factor.id);
        assert!(!factor.unit.is_empty(), "{} has no unit", factor.id);
    }
}

#[test]
fn the_id_is_that_of_the_content() {
    let set = embedded();
    assert_eq!(set.id(), embedded().id());
    assert!(set.id().as_str().starts_with("fs-") && set.id().as_str().len() == 19);
    let lines = || set.factors().map(Factor::canonical_line);
    let reversed: Vec<String> = lines().collect::<Vec<_>>().into_iter().rev().collect();
    assert_eq!(content_address(lines()), content_address(reversed.into_iter()));
    let mut changed: Vec<Factor> = set.factors().cloned().collect();
    changed[0].note.push('x');
    assert_ne!(content_address(lines()), content_address(changed.iter().map(Factor::canonical_line)));
}

#[test]
fn imports_change_the_id_and_show_in_the_difference() {
    let source = Sources::from_csv(
        "sources.csv",
        "id,publisher,title,url,licence,version,retrieved,note\nlab,We,Our lab,,own,1,2026-01-31,\n",
    );
    let source = source.unwrap().get("lab").unwrap().clone();
    let points = compute::PowerCurvePoints { w: [1.0, 2.0, 3.0, 4.0], source_id: "lab".to_owned() };
    let with = |points: compute::PowerCurvePoints| {
        let curves = BTreeMap::from([("m5.xlarge".to_owned(), points)]);
        FactorSet::builder().with_source(source.clone()).with_power_curves(curves).build().unwrap()
    };
    let (plain, imported) = (embedded(), with(points.clone()));
    assert_ne!(plain.id(), imported.id());
    assert_eq!(imported.id(), with(points).id());
    let changes = plain.diff(&imported);
    assert_eq!(changes.len(), 4);
    assert!(
        changes.iter().all(|change| matches!(change, FactorChange::Added(f) if f.kind == "compute/measured"))
    );
    assert_eq!(imported.diff(&imported), []);
}

#[test]
fn an_unknown_source_is_refused() {
    let points = compute::PowerCurvePoints { w: [1.0, 2.0, 3.0, 4.0], source_id: "nowhere".to_owned() };
    let curves = BTreeMap::from([("m5.xlarge".to_owned(), points)]);
    let error = FactorSet::builder().with_power_curves(curves).build().unwrap_err();
    assert_eq!(error.kind(), crate::FactorErrorKind::Reference);
    assert_eq!(error.to_string(), "no source has the id `nowhere`");
}

#[test]
fn a_row_names_its_numbers() {
    let set = embedded();
    let parts: Vec<&str> = set
        .factors_under("compute/instance/m5.xlarge")
        .map(|f| f.id.as_str().rsplit('/').next().unwrap())
        .collect();
    let expected = [
        "host_memory_gib",
        "host_sockets",
        "host_vcpu",
        "memory_gib",
        "processor",
        "threads_per_vcpu",
        "vcpu",
    ];
    assert_eq!(parts, expected);
    assert_eq!(set.factors_under("compute/instance/m5.x").count(), 0);
}
