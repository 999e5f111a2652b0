//! What a client may set: how values are written, how long a statement may take at most, and the state that is read.
//!
//! None of it reaches the engine. A setting whose effect we do not have takes only the values that change nothing, so no
//! client is told that something holds which does not.

use std::{collections::BTreeMap, collections::HashMap, sync::Arc, time::Duration};

use datafusion_postgres::pgwire::types::format::FormatOptions;

use crate::failure::{Failure, code};

/// The setting that names a run of the past.
pub(crate) const AS_OF: &str = "airshed.as_of";
/// The release of Postgres whose catalogue we show.
pub(crate) const SERVER_VERSION: &str = concat!("16.6 (Airshed ", env!("CARGO_PKG_VERSION"), ")");
/// Longest value.
const VALUE_MOST: usize = 1_000;

/// What values a setting takes.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// Its own value alone.
    Fixed,
    Any,
    OneOf(&'static [&'static str]),
    Integer(i64, i64),
    /// Milliseconds, or a number with a unit.
    Time,
    Encoding,
    /// Dates are written as ISO 8601 has them; the order of ambiguous input does not matter to us.
    Dates,
    /// Instants are in UTC; other zones are taken as a wish that is not granted.
    Zone,
}

struct Known {
    name: &'static str,
    default: &'static str,
    rule: Rule,
    /// The name under which each change is told to the client, as drivers rely on.
    told: Option<&'static str>,
}

const fn known(name: &'static str, default: &'static str, rule: Rule) -> Known {
    Known { name, default, rule, told: None }
}

const fn told(name: &'static str, default: &'static str, rule: Rule, told: &'static str) -> Known {
    Known { name, default, rule, told: Some(told) }
}

const LEVELS: Rule = Rule::OneOf(&["read committed", "read uncommitted", "repeatable read", "serializable"]);
const MESSAGES: Rule = Rule::OneOf(&["debug", "log", "notice", "info", "warning", "error"]);
const ON_OFF: Rule = Rule::OneOf(&["on", "off"]);

/// Every setting, by name.
const KNOWN: &[Known] = &[
    known(AS_OF, "", Rule::Any),
    told("application_name", "", Rule::Any, "application_name"),
    known("bytea_output", "hex", Rule::OneOf(&["hex", "escape"])),
    told("client_encoding", "UTF8", Rule::Encoding, "client_encoding"),
    known("client_min_messages", "notice", MESSAGES),
    told("datestyle", "ISO, MDY", Rule::Dates, "DateStyle"),
    known("default_transaction_isolation", "repeatable read", LEVELS),
    told("default_transaction_read_only", "on", Rule::Fixed, "default_transaction_read_only"),
    known("extra_float_digits", "1", Rule::Integer(-15, 3)),
    known("idle_in_transaction_session_timeout", "0", Rule::Time),
    known("idle_session_timeout", "0", Rule::Time),
    told("in_hot_standby", "off", Rule::Fixed, "in_hot_standby"),
    told("integer_datetimes", "on", Rule::Fixed, "integer_datetimes"),
    told("intervalstyle", "postgres", Rule::OneOf(&["postgres", "iso_8601"]), "IntervalStyle"),
    told("is_superuser", "off", Rule::Fixed, "is_superuser"),
    known("jit", "off", ON_OFF),
    known("lc_collate", "C", Rule::Fixed),
    known("lc_messages", "C", Rule::Any),
    known("lc_monetary", "C", Rule::Any),
    known("lc_numeric", "C", Rule::Any),
    known("lc_time", "C", Rule::Any),
    known("lock_timeout", "0", Rule::Time),
    known("max_identifier_length", "63", Rule::Fixed),
    known("max_index_keys", "32", Rule::Fixed),
    known("row_security", "on", ON_OFF),
    told("search_path", "\"$user\", public", Rule::Any, "search_path"),
    told("server_encoding", "UTF8", Rule::Fixed, "server_encoding"),
    told("server_version", SERVER_VERSION, Rule::Fixed, "server_version"),
    known("server_version_num", "160006", Rule::Fixed),
    told("session_authorization", "", Rule::Fixed, "session_authorization"),
    told("standard_conforming_strings", "on", Rule::Fixed, "standard_conforming_strings"),
    known("statement_timeout", "0", Rule::Time),
    known("synchronize_seqscans", "on", ON_OFF),
    told("timezone", "UTC", Rule::Zone, "TimeZone"),
    known("transaction_isolation", "repeatable read", LEVELS),
    known("transaction_read_only", "on", Rule::Fixed),
];

/// What a connection has set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// By the start-up message; a reset goes back to these.
    first: BTreeMap<&'static str, String>,
    set: BTreeMap<&'static str, String>,
    /// Until the end of the transaction.
    local: BTreeMap<&'static str, String>,
}

/// What a change has to be followed by.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Name and value to tell the client.
    pub(crate) told: Option<(&'static str, String)>,
    /// What the client should know about it.
    pub(crate) notice: Option<&'static str>,
}

/// How long a value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    Connection,
    Transaction,
}

impl Settings {
    /// The settings of somebody, before they set any.
    pub(crate) fn of(user: &str) -> Self {
        let first = [("session_authorization", user.to_owned())].into();
        Self { first, ..Self::default() }
    }

    /// A setting of the start-up message.
    pub(crate) fn begin_with(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        let (known, (value, _)) = (find(name)?, checked(name, value)?);
        self.first.insert(known.name, value);
        Ok(())
    }

    /// Sets something, or back to what the connection began with.
    pub(crate) fn set(&mut self, name: &str, value: Option<&str>, span: Span) -> Result<Changed, Failure> {
        let known = find(name)?;
        let mut notice = None;
        if let Some(value) = value {
            let (value, said) = checked(name, value)?;
            notice = said;
            let values = if span == Span::Transaction { &mut self.local } else { &mut self.set };
            values.insert(known.name, value);
        } else {
            self.set.remove(known.name);
            self.local.remove(known.name);
        }
        Ok(Changed { told: known.told.map(|told| (told, self.value(known).to_owned())), notice })
    }

    /// Sets everything back. Returns what to tell the client.
    pub(crate) fn reset(&mut self) -> Vec<(&'static str, String)> {
        self.set.clear();
        self.local.clear();
        self.told()
    }

    /// Forgets what was set for a transaction.
    pub(crate) fn end_transaction(&mut self) {
        self.local.clear();
    }

    /// A setting's value.
    pub(crate) fn get(&self, name: &str) -> Result<&str, Failure> {
        Ok(self.value(find(name)?))
    }

    /// Names and values, in the order of the names.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
        KNOWN.iter().map(|known| (known.name, self.value(known)))
    }

    /// What a client is told when it is let in.
    pub(crate) fn told(&self) -> Vec<(&'static str, String)> {
        KNOWN.iter().filter_map(|known| Some((known.told?, self.value(known).to_owned()))).collect()
    }

    /// The longest that the client wants a statement to take.
    pub(crate) fn statement_timeout(&self) -> Option<Duration> {
        let milliseconds = self.get("statement_timeout").ok()?.parse().ok()?;
        (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
    }

    /// How values are written.
    pub(crate) fn format(&self) -> Arc<FormatOptions> {
        let names = ["datestyle", "intervalstyle", "bytea_output", "extra_float_digits"];
        let values: HashMap<String, String> = names
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), self.get(name).ok()?.to_owned())))
            .collect();
        Arc::new(FormatOptions::from_client_metadata(&values))
    }

    fn value(&self, known: &Known) -> &str {
        let set = [&self.local, &self.set, &self.first];
        set.into_iter().find_map(|values| values.get(known.name)).map_or(known.default, String::as_str)
    }
}

fn find(name: &str) -> Result<&'static Known, Failure> {
    let name = name.to_ascii_lowercase();
    KNOWN.iter().find(|known| known.name == name).ok_or_else(|| {
        Failure::new(code::NO_SETTING, format!("`{name}` is no setting of this server that a client may use"))
    })
}

/// The value in the form that it is kept in, or why it cannot be taken.
fn checked(name: &str, value: &str) -> Result<(String, Option<&'static str>), Failure> {
    let known = find(name)?;
    let value = value.trim();
    let lower = value.to_ascii_lowercase();
    let refused = |takes: &str| {
        let message = format!("`{}` cannot be set to `{value}`: it takes {takes}", known.name);
        Err(Failure::new(code::BAD_VALUE, message))
    };
    if value.len() > VALUE_MOST || value.chars().any(char::is_control) {
        return refused("a short text");
    }
    match known.rule {
        Rule::Any => Ok((value.to_owned(), None)),
        Rule::Fixed if lower == known.default || (known.default == "on" && is_on(&lower)) => {
            Ok((known.default.to_owned(), None))
        }
        Rule::Fixed => refused(&format!("`{}` alone", known.default)),
        Rule::OneOf(values) => match values.iter().find(|one| lower == **one || switched(&lower) == **one) {
            Some(one) => Ok(((*one).to_owned(), None)),
            None => refused(&values.join(", ")),
        },
        Rule::Integer(least, most) => match value.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok((number.to_string(), None)),
            _ => refused(&format!("a number from {least} to {most}")),
        },
        Rule::Time => match milliseconds(&lower) {
            Some(number) => Ok((number.to_string(), None)),
            None => refused("milliseconds, or a number and one of us, ms, s, min, h, d"),
        },
        Rule::Encoding => match lower.replace(['-', '_'], "").as_str() {
            "utf8" | "unicode" | "" => Ok(("UTF8".to_owned(), None)),
            _ => refused("UTF8 alone"),
        },
        Rule::Dates if lower.is_empty() || lower.starts_with("iso") => Ok(("ISO, MDY".to_owned(), None)),
        Rule::Dates => refused("ISO alone"),
        Rule::Zone => {
            let is_utc = ["", "utc", "etc/utc", "gmt", "z", "0", "+00:00", "default", "local"];
            let notice = "the ledger's times are in UTC, whatever the time zone is set to";
            Ok(("UTC".to_owned(), (!is_utc.contains(&lower.as_str())).then_some(notice)))
        }
    }
}

fn is_on(lower: &str) -> bool {
    switched(lower) == "on"
}

fn switched(lower: &str) -> &str {
    match lower {
        "true" | "yes" | "1" => "on",
        "false" | "no" | "0" => "off",
        other => other,
    }
}

/// A time as Postgres takes it.
fn milliseconds(lower: &str) -> Option<u64> {
    let end = lower.find(|c: char| !c.is_ascii_digit()).unwrap_or(lower.len());
    let (number, unit) = lower.split_at(end);
    let number: u64 = number.parse().ok()?;
    match unit.trim() {
        "us" => Some(number.div_ceil(1_000)),
        "" | "ms" => Some(number),
        "s" => number.checked_mul(1_000),
        "min" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        "d" => number.checked_mul(86_400_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_lower_case() {
        assert!(KNOWN.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(KNOWN.iter().all(|known| known.name == known.name.to_ascii_lowercase()));
    }

    #[test]
    fn values_are_taken_or_refused() {
        let mut settings = Settings::of("ada");
        for (name, value, kept) in [
            ("application_name", "psql", "psql"),
            ("Client_Encoding", "utf-8", "UTF8"),
            ("datestyle", "ISO, DMY", "ISO, MDY"),
            ("extra_float_digits", "3", "3"),
            ("statement_timeout", "2min", "120000"),
            ("timezone", "Europe/Berlin", "UTC"),
            ("standard_conforming_strings", "true", "on"),
            ("default_transaction_isolation", "SERIALIZABLE", "serializable"),
        ] {
            settings.set(name, Some(value), Span::Connection).unwrap();
            assert_eq!(settings.get(name).unwrap(), kept, "{name}");
        }
        for (name, value) in [
            ("client_encoding", "LATIN1"),
            ("datestyle", "German"),
            ("extra_float_digits", "4"),
            ("standard_conforming_strings", "off"),
            ("default_transaction_read_only", "off"),
            ("is_superuser", "on"),
            ("session_authorization", "admin"),
            ("server_version", "9"),
            ("statement_timeout", "-1"),
            ("datafusion.execution.target_partitions", "1"),
            ("datafusion.runtime.memory_limit", "100G"),
            ("work_mem", "1GB"),
            ("role", "admin"),
        ] {
            assert!(settings.set(name, Some(value), Span::Connection).is_err(), "{name} = {value}");
        }
    }

    #[test]
    fn a_transaction_forgets_its_own() {
        let mut settings = Settings::of("ada");
        settings.begin_with("statement_timeout", "5s").unwrap();
        settings.set("statement_timeout", Some("3s"), Span::Connection).unwrap();
        settings.set("statement_timeout", Some("1s"), Span::Transaction).unwrap();
        assert_eq!(settings.statement_timeout(), Some(Duration::from_secs(1)));
        settings.end_transaction();
        assert_eq!(settings.statement_timeout(), Some(Duration::from_secs(3)));
        settings.reset();
        assert_eq!(settings.statement_timeout(), Some(Duration::from_secs(5)));
    }
}
