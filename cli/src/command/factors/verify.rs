//! `airshed factors verify`: whether the set keeps its promises.

use std::collections::BTreeSet;

use airshed_emission_factors::FactorSet;

use crate::{app::App, factor_files, failure::Exit, output};

pub(super) async fn execute(app: &App) -> anyhow::Result<Exit> {
    let set = factor_files::load(app).await?;
    let again = factor_files::load(app).await?;
    let checks = [
        ("every factor names a known source", without_source(&set)),
        ("every factor names its page", without_page(&set)),
        ("every source has publisher, title, licence and version", incomplete_sources(&set)),
        ("every validity begins before it ends", backward_validities(&set)),
        ("loading again gives the same set", usize::from(set.id() != again.id())),
    ];
    let failed = checks.iter().any(|(_, wrong)| *wrong > 0);
    let row = |(what, wrong): &(&str, usize)| {
        let state = if *wrong == 0 { "pass" } else { "FAIL" };
        vec![Some((*what).to_owned()), Some(state.to_owned()), Some(wrong.to_string())]
    };
    output::write_rows(
        app.form,
        &["check", "result", "at_fault"],
        &checks.iter().map(row).collect::<Vec<_>>(),
    )?;
    let tables: BTreeSet<_> = set.factors().map(|factor| factor.kind).collect();
    app.progress.say(&format!(
        "set {}: {} factors in {} tables",
        set.id(),
        set.factors().count(),
        tables.len()
    ));
    Ok(if failed { Exit::VerifyFailed } else { Exit::Done })
}

fn without_source(set: &FactorSet) -> usize {
    set.factors().filter(|factor| set.source(&factor.source_id).is_none()).count()
}

fn without_page(set: &FactorSet) -> usize {
    set.factors().filter(|factor| factor.page.trim().is_empty()).count()
}

fn incomplete_sources(set: &FactorSet) -> usize {
    let incomplete = |source: &&airshed_emission_factors::provenance::Source| {
        [&source.publisher, &source.title, &source.licence, &source.version]
            .iter()
            .any(|text| text.trim().is_empty())
    };
    set.sources().iter().filter(incomplete).count()
}

fn backward_validities(set: &FactorSet) -> usize {
    set.factors()
        .filter(|factor| matches!((factor.valid_from, factor.valid_to), (Some(a), Some(b)) if a > b))
        .count()
}
