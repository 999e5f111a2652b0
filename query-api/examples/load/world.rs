//! What there is to ask about: days, accounts, regions and so on, read from the server before anything is measured.

use serde_json::Value;

use crate::{Result, client::Client, dates, random::Random};

/// Accounts whose services are looked up, about, for the drill.
const KNOWN: usize = 1_000;

/// Values that requests name, the largest emitter first where there is a choice.
#[derive(Debug)]
pub(crate) struct World {
    /// First day, and the day after the last.
    pub(crate) days: (i64, i64),
    /// First day of the last month.
    pub(crate) month: i64,
    pub(crate) accounts: Vec<String>,
    pub(crate) regions: Vec<String>,
    pub(crate) services: Vec<String>,
    pub(crate) families: Vec<String>,
    pub(crate) teams: Vec<String>,
    /// Account and service.
    pub(crate) pairs: Vec<(String, String)>,
}

impl World {
    pub(crate) async fn look(client: &mut Client) -> Result<Self> {
        let by = |column: &str| {
            format!(
                "SELECT {column} AS v FROM emissions_monthly WHERE {column} IS NOT NULL GROUP BY v \
                 ORDER BY sum(co2e_location_g) DESC NULLS LAST, v"
            )
        };
        let days = "SELECT CAST(CAST(min(day) AS DATE) AS VARCHAR), CAST(CAST(max(day) AS DATE) AS VARCHAR) FROM emissions_daily";
        let days: Vec<i64> = client
            .sql(days)
            .await?
            .first()
            .into_iter()
            .flatten()
            .filter_map(|day| dates::day(day.as_str()?))
            .collect();
        let [first, last] = days.as_slice() else { return Err("the ledger has no days".into()) };
        let accounts = texts(client.sql(&by("account_id")).await?);
        let some: Vec<String> = {
            let step = (accounts.len() / KNOWN).max(1);
            accounts.iter().step_by(step).map(|account| format!("'{account}'")).collect()
        };
        let pairs = format!(
            "SELECT DISTINCT account_id, service_code FROM emissions_monthly WHERE account_id IN ({})",
            some.join(", ")
        );
        let pairs =
            client.sql(&pairs).await?.into_iter().filter_map(|row| {
                Some((row.first()?.as_str()?.to_owned(), row.get(1)?.as_str()?.to_owned()))
            });
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort();
        Ok(Self {
            days: (*first, last + 1),
            month: dates::day(&format!("{}-01", &dates::text(*last)[..7]))
                .ok_or("a month has a first day")?,
            regions: texts(client.sql(&by("region")).await?),
            services: texts(client.sql(&by("service_code")).await?),
            families: texts(client.sql(&by("usage_family")).await?),
            teams: texts(client.sql(&by("tag(tags, 'team')")).await?),
            accounts,
            pairs,
        })
    }

    /// Some days that somebody might look at: mostly in the newest month.
    pub(crate) fn span(&self, random: &mut Random) -> (i64, i64) {
        let (first, end) = self.days;
        let length = match random.below(10) {
            0..4 => return (self.month.max(first), end),
            4 => return (first, end),
            5 | 6 => 7,
            7 => 14,
            8 => 3,
            _ => 1 + i64::try_from(random.below(30)).unwrap_or_default(),
        };
        let latest = usize::try_from((end - length - self.month).max(0)).unwrap_or_default();
        let from = self.month + i64::try_from(random.below(latest + 1)).unwrap_or_default();
        (from, (from + length).min(end))
    }
}

/// One of some texts, the first ones more often.
pub(crate) fn pick<'a>(texts: &'a [String], random: &mut Random) -> &'a str {
    texts.get(random.zipf(texts.len().max(1))).map_or("", String::as_str)
}

fn texts(rows: Vec<Vec<Value>>) -> Vec<String> {
    let text = |row: Vec<Value>| row.first()?.as_str().map(str::to_owned);
    rows.into_iter().filter_map(text).collect()
}
