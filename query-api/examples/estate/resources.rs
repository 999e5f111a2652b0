//! One file of `emissions_resource_daily`.
//!
//! Files are as an import cuts them: 16 groups of accounts by the order of their ids, in each 16 files by resource. All rows
//! of a resource stand in one file; within it rows are in the order of their texts and then of time.

use airshed_domain::schema;
use airshed_lake::EncodedFile;

use crate::{
    Estate, Result,
    figures::{Figures, Size, is_daily},
    month::{HOURS, Month},
    plan::{Account, BLOCK, Pair},
    random::mix,
    rows::Rows,
};

/// Groups of accounts, and files of each.
pub(crate) const GROUPS: u64 = 16;

/// Encodes the file `number` of a group of accounts.
pub(crate) fn file(estate: &Estate, month: &Month, group: u64, number: u64) -> Result<EncodedFile> {
    let mut rows = Rows::new(&schema::emissions_resource_daily(), &estate.texts)?;
    for (place, account) in (0..).zip(&estate.accounts) {
        if (account.order * GROUPS) >> 16 == group {
            for pair in &account.pairs {
                resources(estate, month, (place, account, pair), number, &mut rows)?;
            }
        }
    }
    rows.finish()
}

fn resources(
    estate: &Estate,
    month: &Month,
    (place, account, pair): (i32, &Account, &Pair),
    number: u64,
    rows: &mut Rows<'_>,
) -> Result<()> {
    let service = &estate.names.services[usize::try_from(pair.service)?];
    let place = estate.place(place, account, pair);
    // Ten after another lie in one file, so that the tenth that have days are spread over all files.
    let first = (number + GROUPS - pair.seed % GROUPS) % GROUPS;
    let mine: Vec<u64> = (first * BLOCK..pair.resources)
        .step_by(usize::try_from(GROUPS * BLOCK)?)
        .flat_map(|from| from..(from + BLOCK).min(pair.resources))
        .collect();
    let step = u64::MAX / (mine.len() as u64).max(1);
    for (nth, resource) in (0..).zip(mine) {
        // Ascending, yet of no order that a reader could guess.
        let number = nth * step + mix(pair.seed ^ resource) % step;
        rows.begin(id(estate, account, pair, number));
        if is_daily(pair, resource) {
            let size = Size::hourly(pair, resource);
            for day in 0..month.days {
                let used = size.by_the_hour(24, month.day(pair.course, pair.region, day));
                rows.push(month.time_us(day * HOURS), &place, &Figures::new(pair, service, used))?;
            }
        } else {
            let used = Size::monthly(pair, resource).by_the_month(month.mean(pair.region));
            rows.push(month.start_us, &place, &Figures::new(pair, service, used))?;
        }
    }
    Ok(())
}

fn id(estate: &Estate, account: &Account, pair: &Pair, number: u64) -> String {
    let service = &estate.names.services[usize::try_from(pair.service).unwrap_or_default()];
    let region = usize::try_from(pair.region).map_or("", |place| estate.names.regions[place].0);
    match service.code {
        "AmazonEC2" => format!("i-{number:017x}"),
        code => format!("arn:aws:{}:{region}:{}:{number:016x}", code.to_lowercase(), account.id),
    }
}
