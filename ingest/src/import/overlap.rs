//! Finds a bill that two deliveries hold in other bytes: another export of it, another format, another order of rows.
//!
//! Equal bytes are found by their fingerprint before anything is read. Here the lines themselves are compared, per
//! billing period, provider and billing account, of the delivery at hand and of every other one that is live: all of
//! them, whichever files they stand in. Two signs count: shared line ids, and, as AWS gives other ids in every export,
//! lines of the same content throughout. Sums are no sign: two halves of a month of steady use cost the same. An
//! export of another granularity shares neither ids nor content and is not recognised.
//!
//! A month that arrives in parts must stay cheap. The statistics in the footers of the files tell when the use of
//! their lines starts, and of which accounts they are: deliveries, and row groups, that cannot have a line in common
//! are not read ([`lines`]), so days that follow one another and accounts beside one another cost a footer each. Where
//! they meet, the lines of the time that both cover are compared: of each line one hash for each sign is made, on all
//! threads, a row group each. Of the delivery at hand 8 million lines' hashes are held at a time ([`held`], some 150 MB)
//! and the other delivery's lines are looked up in them as they stream by; a larger delivery takes several such rounds.
//! So memory is bounded whatever the deliveries hold, and a line costs two hashes and two look-ups, which is little
//! beside reading it from its export.
//!
//! Parts of a month share no lines and stand side by side.

mod held;
mod lines;

use std::{collections::BTreeMap, sync::Arc};

use airshed_domain::{id::DeliveryId, schema::column as c};
use airshed_lake::{DataFile, Lake, LakeTable};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use self::{
    held::{HeldLines, Tally},
    lines::{Account, Extent, LineFile, RowGroupLines, Window},
};
use crate::error::{Context as _, Result};

/// Lines of the delivery at hand whose hashes are held at a time.
const HELD_LINES: u64 = 8_000_000;

/// The lines that another delivery holds too.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overlap {
    /// The other delivery.
    pub(super) delivery: DeliveryId,
    /// Billing period, as in the partitions.
    pub(super) period: String,
    /// Provider.
    pub(super) provider: String,
    /// Billing account; empty where the export names none.
    pub(super) billing_account: String,
}

/// Compares deliveries; keeps what the footer of each file says, by path: a path names the content of its file.
pub(super) struct Overlaps {
    lake: Lake,
    threads: usize,
    held_lines: u64,
    extents: BTreeMap<String, Arc<[Extent]>>,
}

/// A row group of a file.
type Place = (Arc<LineFile>, usize);

impl Overlaps {
    pub(super) fn new(lake: &Lake, threads: usize) -> Self {
        Self { lake: lake.clone(), threads, held_lines: HELD_LINES, extents: BTreeMap::new() }
    }

    /// The first overlap of the delivery, whose files are put and not yet published, with what others hold.
    pub(super) async fn find(
        &mut self,
        delivery: &DeliveryId,
        table: &LakeTable,
        files: &[DataFile],
    ) -> Result<Option<Overlap>> {
        let live = table.files().context(|| "cannot list the lines of other deliveries".to_owned())?;
        let others = by_period_and_holder(live.iter());
        for ((period, _), mine) in by_period_and_holder(files.iter()) {
            for ((_, holder), theirs) in others.iter().filter(|((of_other, _), _)| *of_other == period) {
                if *holder == delivery.as_str() {
                    continue;
                }
                if let Some((provider, billing_account)) = self.compare(table, &mine, theirs).await? {
                    return Ok(Some(Overlap {
                        delivery: DeliveryId::new(*holder),
                        period: period.to_owned(),
                        provider,
                        billing_account,
                    }));
                }
            }
        }
        Ok(None)
    }

    /// The first account that both hold lines of.
    async fn compare(
        &mut self,
        table: &LakeTable,
        mine: &[&DataFile],
        theirs: &[&DataFile],
    ) -> Result<Option<Account>> {
        let Some((of_mine, of_theirs)) =
            self.extent(table, mine).await?.zip(self.extent(table, theirs).await?)
        else {
            return Ok(None);
        };
        if !of_mine.meets(&of_theirs) {
            return Ok(None);
        }
        let shared = of_mine.window.and(of_theirs.window);
        let mine = self.places(table, mine, &of_theirs).await?;
        let theirs = self.places(table, theirs, &of_mine).await?;
        let mut tallies: BTreeMap<Account, Tally> = BTreeMap::new();
        for round in rounds(&mine, self.held_lines) {
            let mut held = HeldLines::default();
            let mut reading = self.read(round, shared);
            while let Some(group) = reading.try_next().await? {
                for (account, rows) in &group.runs {
                    tallies.entry(account.clone()).or_default().mine += rows.len() as u64;
                }
                held.extend(&group);
            }
            drop(reading);
            held.sort();
            let is_first = round.first().map(place) == mine.first().map(place);
            let mut reading = self.read(&theirs, shared);
            while let Some(group) = reading.try_next().await? {
                for (account, rows) in &group.runs {
                    let tally = tallies.entry(account.clone()).or_default();
                    // Each round sees all of their lines again.
                    tally.theirs += if is_first { rows.len() as u64 } else { 0 };
                    held.look_up(&group, rows.clone(), tally);
                }
            }
        }
        Ok(tallies.into_iter().find(|(_, tally)| tally.bills_the_same()).map(|(account, _)| account))
    }

    /// What the footers say of some files; nothing when they hold no lines.
    async fn extent(&mut self, table: &LakeTable, files: &[&DataFile]) -> Result<Option<Extent>> {
        let mut whole: Option<Extent> = None;
        for file in files {
            for extent in self.extents(table, file).await?.iter() {
                whole = Some(match whole {
                    Some(whole) => whole.or(extent),
                    None => extent.clone(),
                });
            }
        }
        Ok(whole)
    }

    /// What the footer of a file says of each row group.
    async fn extents(&mut self, table: &LakeTable, file: &DataFile) -> Result<Arc<[Extent]>> {
        if let Some(known) = self.extents.get(&file.path) {
            return Ok(Arc::clone(known));
        }
        let opened = LineFile::open(&self.lake, table.description().name, file).await?;
        let extents: Arc<[Extent]> = opened.extents().into();
        self.extents.insert(file.path.clone(), Arc::clone(&extents));
        Ok(extents)
    }

    /// The row groups with lines that may be of `other` too.
    async fn places(&mut self, table: &LakeTable, files: &[&DataFile], other: &Extent) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        for file in files {
            let extents = self.extents(table, file).await?;
            let meeting: Vec<usize> =
                (0..extents.len()).filter(|&group| extents[group].meets(other)).collect();
            if !meeting.is_empty() {
                let opened = Arc::new(LineFile::open(&self.lake, table.description().name, file).await?);
                places.extend(meeting.into_iter().map(|group| (Arc::clone(&opened), group)));
            }
        }
        Ok(places)
    }

    /// The lines of row groups, in order, read ahead on worker threads.
    fn read<'a>(
        &self,
        places: &'a [Place],
        window: Window,
    ) -> impl stream::Stream<Item = Result<RowGroupLines>> + Unpin + use<'a> {
        let one = move |(file, group): &Place| {
            let (file, group) = (Arc::clone(file), *group);
            let runtime = tokio::runtime::Handle::current();
            async move {
                tokio::task::spawn_blocking(move || file.lines(group, window, &runtime))
                    .await
                    .context(|| "comparing lines was broken off".to_owned())?
            }
        };
        Box::pin(stream::iter(places.iter().map(one)).buffered(self.threads.max(1)))
    }
}

fn place((file, group): &Place) -> (*const LineFile, usize) {
    (Arc::as_ptr(file), *group)
}

/// Cuts row groups into rounds of at most so many lines, or of one row group.
fn rounds(places: &[Place], held_lines: u64) -> Vec<&[Place]> {
    let mut rounds = Vec::new();
    let (mut start, mut lines) = (0, 0);
    for (index, (file, group)) in places.iter().enumerate() {
        let more = file.rows(*group);
        if index > start && lines + more > held_lines {
            rounds.push(&places[start..index]);
            (start, lines) = (index, 0);
        }
        lines += more;
    }
    rounds.extend((start < places.len()).then(|| &places[start..]));
    rounds
}

/// The files of each period and delivery.
fn by_period_and_holder<'a>(
    files: impl Iterator<Item = &'a DataFile>,
) -> BTreeMap<(&'a str, &'a str), Vec<&'a DataFile>> {
    let mut groups: BTreeMap<(&str, &str), Vec<&DataFile>> = BTreeMap::new();
    for file in files {
        let of = |column: &str| file.partition.get(column).map(String::as_str);
        if let Some(key) = of(c::PERIOD).zip(of(c::DELIVERY_ID)) {
            groups.entry(key).or_default().push(file);
        }
    }
    groups
}

#[cfg(test)]
mod tests;
