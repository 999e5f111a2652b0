//! `airshed deliveries`: what was imported, and taking it out again.

use airshed_ingest::{HeldDelivery, deliveries, remove_delivery};
use anyhow::bail;

use crate::{
    app::App,
    args::DeliveriesCommand,
    failure::{Exit, Problem},
    output,
};

const COLUMNS: &[&str] = &[
    "delivery_id",
    "state",
    "kind",
    "source",
    "objects",
    "periods",
    "rows_in",
    "rows_held",
    "rejects",
    "imported_at",
];

pub(super) async fn execute(app: &App, command: DeliveriesCommand) -> anyhow::Result<Exit> {
    let lake = app.lake()?;
    let held = deliveries(&lake).await?;
    let DeliveriesCommand::Remove { ids } = command else {
        output::write_rows(app.form, COLUMNS, &held.iter().map(|of| row(of, state(of))).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    };
    let mut chosen = Vec::new();
    for id in &ids {
        let Some(delivery) = held.iter().find(|delivery| delivery.id.as_str() == id) else {
            let problem = Problem::failed(format!("{} holds no delivery {id}", app.settings.lake));
            bail!(problem.hint("`airshed deliveries list` shows their ids; nothing was removed"));
        };
        chosen.push(delivery);
    }
    for delivery in &chosen {
        remove_delivery(&lake, &delivery.id).await?;
    }
    let rows: Vec<_> = chosen.into_iter().map(|delivery| row(delivery, "removed")).collect();
    output::write_rows(app.form, COLUMNS, &rows)?;
    app.progress.say("`airshed estimate` and then `airshed rollup` make the ledger's figures without it");
    Ok(Exit::Done)
}

fn state(delivery: &HeldDelivery) -> &'static str {
    if delivery.objects > 0 { "complete" } else { "broken off" }
}

fn row(delivery: &HeldDelivery, state: &str) -> Vec<Option<String>> {
    let kind = if delivery.is_utilization { "utilization" } else { "billing" };
    let periods: Vec<&str> = delivery.periods.iter().map(String::as_str).collect();
    vec![
        Some(delivery.id.to_string()),
        Some(state.to_owned()),
        Some(kind.to_owned()),
        delivery.source.clone(),
        Some(delivery.objects.to_string()),
        Some(periods.join(" ")),
        Some(delivery.rows.to_string()),
        Some(delivery.held.to_string()),
        Some(delivery.rejects.to_string()),
        delivery.imported_at.clone(),
    ]
}
