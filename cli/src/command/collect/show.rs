//! What a collector shows while it runs, and what it did in the end.

use std::{collections::BTreeMap, sync::Arc};

use airshed_collect::{
    board::{Board, ShardBoard, WorkBoard},
    gate::Gate,
    health::Work,
};

use super::SHOW_EVERY;
use crate::{
    app::App,
    failure::Exit,
    output::{self, count},
    progress::Stage,
};

/// Shows how far the shards are, until it is dropped.
pub(super) async fn progress(stage: Stage, board: Arc<Board>) {
    loop {
        let shards = board.shards();
        let (accounts, done) = shards
            .values()
            .fold((0, 0), |(accounts, done), shard| (accounts + shard.accounts, done + shard.accounts_done));
        if accounts > 0 {
            stage.done(done as u64, accounts as u64);
        }
        stage.at(line(&shards));
        tokio::time::sleep(SHOW_EVERY).await;
    }
}

/// All shards on one line: `3/40 accounts, 12,345 rows; shards 0:1/3 4:2/37`.
fn line(shards: &BTreeMap<airshed_collect::unit::Shard, ShardBoard>) -> String {
    let rows: u64 = shards.values().flat_map(|shard| shard.works.values()).map(|work| work.rows).sum();
    let busy = shards.iter().filter(|(_, shard)| shard.accounts_done < shard.accounts);
    let busy: Vec<String> =
        busy.map(|(shard, at)| format!("{}:{}/{}", shard.0, at.accounts_done, at.accounts)).collect();
    let busy = if busy.is_empty() { String::new() } else { format!("; shards {}", busy.join(" ")) };
    format!("{} rows{busy}", count(rows))
}

/// Prints what was done by kind of work, and says what was not well.
pub(super) fn summary(app: &App, board: &Board, gate: &Gate) -> anyhow::Result<Exit> {
    let shards = board.shards();
    let mut works: BTreeMap<Work, WorkBoard> = BTreeMap::new();
    for (work, of_shard) in shards.values().flat_map(|shard| &shard.works) {
        works.entry(*work).or_default().add(of_shard);
    }
    for problem in shards.values().flat_map(|shard| &shard.problems) {
        app.progress.say(&format!("problem   {problem}"));
    }
    for denied in gate.denied() {
        app.progress.say(&format!("denied    {denied}"));
    }
    let rows: Vec<Vec<Option<String>>> = works
        .iter()
        .map(|(work, did)| {
            let numbers = [did.pieces, did.rows, did.rejected, did.failed, did.denied, did.calls.calls];
            let mut row = vec![Some(work.as_str().to_owned())];
            row.extend(numbers.map(|number| Some(number.to_string())));
            row.push(Some(format!("{:.4}", did.calls.cost_nano_usd as f64 * 1e-9)));
            row
        })
        .collect();
    let columns = ["work", "pieces", "rows", "rejected", "failed", "denied", "calls", "api_cost_usd"];
    output::write_rows(app.form, &columns, &rows)?;
    // The provider's own figures are a comparison: the ledger is whole without them.
    let failed = works.iter().any(|(work, did)| *work != Work::ProviderReported && did.failed > 0);
    Ok(if failed { Exit::Failed } else { Exit::Done })
}
