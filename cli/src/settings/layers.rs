//! Layers of settings: default, file, environment, flag; the later wins.

use std::{collections::BTreeMap, fmt, path::Path};

use anyhow::{Context as _, anyhow, bail};
use toml::{Table, Value};

use super::{Key, Kind, Settings, keys};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(String),
    Environment(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => f.write_str(path),
            Self::Environment(name) => write!(f, "${name}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// The value of each key that has one, with its origin.
#[derive(Debug, Clone)]
pub(crate) struct Layers {
    values: BTreeMap<&'static str, (Value, Origin)>,
}

impl Layers {
    /// The defaults.
    pub(crate) fn defaults() -> anyhow::Result<Self> {
        let defaults = Table::try_from(Settings::default()).context("defaults")?;
        let mut layers = Self { values: BTreeMap::new() };
        for key in keys() {
            if let Some(value) = lookup(&defaults, key) {
                layers.values.insert(key.name, (value.clone(), Origin::Default));
            }
        }
        Ok(layers)
    }

    /// Lays a file's text over it. Relative paths in it are relative to its folder.
    pub(crate) fn file(&mut self, path: &Path, text: &str) -> anyhow::Result<()> {
        let name = path.display().to_string();
        // Read into the typed form first: its errors name line, key and what would be allowed.
        toml::from_str::<Settings>(text)
            .map_err(|e| anyhow!("{e}"))
            .with_context(|| format!("configuration file {name}"))?;
        let table: Table = text.parse().with_context(|| format!("configuration file {name}"))?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        for key in keys() {
            if let Some(value) = lookup(&table, key) {
                let value = relative_to(folder, key.kind, value.clone());
                self.values.insert(key.name, (value, Origin::File(name.clone())));
            }
        }
        Ok(())
    }

    /// Lays environment variables over it. Empty ones count as not set; a name that begins like a section and is no
    /// setting is refused, as it is a slip of the pen.
    pub(crate) fn environment<'e>(
        &mut self,
        variables: impl IntoIterator<Item = (&'e str, &'e str)>,
    ) -> anyhow::Result<()> {
        for (name, text) in variables {
            let Some(key) = keys().find(|key| key.env() == name) else {
                if !is_of_a_section(name) {
                    continue;
                }
                bail!("environment variable {name} names no setting; `airshed config show` lists them");
            };
            if text.is_empty() {
                continue;
            }
            let value = parse(key.kind, text)
                .with_context(|| format!("environment variable {name}: bad value `{text}`"))?;
            self.values.insert(key.name, (value, Origin::Environment(name.to_owned())));
        }
        Ok(())
    }

    /// Lays a flag over it, where it was given.
    pub(crate) fn flag(&mut self, name: &'static str, flag: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.values.insert(name, (value.into(), Origin::Flag(flag)));
        }
    }

    /// Where the value of a key came from.
    pub(crate) fn origin(&self, name: &str) -> &Origin {
        self.values.get(name).map_or(&Origin::Default, |(_, origin)| origin)
    }

    /// The value of a key as it would stand in the file, if it has one.
    pub(crate) fn shown(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|(value, _)| value.to_string())
    }

    /// All layers as one table.
    pub(crate) fn merged(&self) -> Table {
        let mut merged = Table::new();
        for key in keys() {
            let Some((value, _)) = self.values.get(key.name) else { continue };
            let (section, name) = key.parts();
            if section.is_empty() {
                merged.insert(name.to_owned(), value.clone());
            } else if let Value::Table(table) =
                merged.entry(section).or_insert_with(|| Value::Table(Table::new()))
            {
                table.insert(name.to_owned(), value.clone());
            }
        }
        merged
    }
}

/// Whether a variable is named like a key of one of our sections.
fn is_of_a_section(name: &str) -> bool {
    let sections = keys().map(|key| key.parts().0).filter(|section| !section.is_empty());
    sections.into_iter().any(|section| name.starts_with(&format!("AIRSHED_{}_", section.to_uppercase())))
}

fn lookup<'t>(table: &'t Table, key: &Key) -> Option<&'t Value> {
    match key.parts() {
        ("", name) => table.get(name),
        (section, name) => table.get(section)?.get(name),
    }
}

fn parse(kind: Kind, text: &str) -> anyhow::Result<Value> {
    let list = || Value::Array(text.split(',').map(|part| Value::String(part.trim().to_owned())).collect());
    Ok(match kind {
        Kind::Text | Kind::Path => Value::String(text.to_owned()),
        Kind::Integer => Value::Integer(text.trim().parse().context("a whole number is expected")?),
        Kind::Number => Value::Float(text.trim().parse().context("a number is expected")?),
        Kind::Flag => Value::Boolean(text.trim().parse().context("true or false is expected")?),
        Kind::List | Kind::Paths => list(),
    })
}

fn relative_to(folder: &Path, kind: Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::Path, Value::String(path)) if !path.contains("://") && !path.is_empty() => {
            Value::String(folder.join(path).display().to_string())
        }
        (Kind::Paths, Value::Array(paths)) => {
            Value::Array(paths.into_iter().map(|path| relative_to(folder, Kind::Path, path)).collect())
        }
        (_, value) => value,
    }
}
