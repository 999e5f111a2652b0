//! What figures are grouped and filtered by.

use airshed_domain::schema::{DIMENSIONS, column as c};

use super::{identifier, literal};
use crate::problem::Problem;

/// A dimension of the rollups, or a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dimension {
    /// A column.
    Column(&'static str),
    /// The value of a tag.
    Tag(String),
}

impl Dimension {
    /// Those that have a column of their own, in the order of the schema.
    pub(crate) fn columns() -> impl Iterator<Item = &'static str> {
        DIMENSIONS.iter().copied().filter(|name| *name != c::TAGS)
    }

    /// Reads `service_code` or `tag.team`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name.strip_prefix("tag.") {
            Some(key) if !key.is_empty() => Some(Self::Tag(key.to_owned())),
            Some(_) => None,
            None => Self::columns().find(|column| *column == name).map(Self::Column),
        }
    }

    /// Reads a list parted by commas.
    pub(crate) fn parse_all(parameter: &str, names: &str) -> Result<Vec<Self>, Problem> {
        let read = |name: &str| {
            Self::parse(name).ok_or_else(|| {
                let known: Vec<&str> = Self::columns().collect();
                let detail = format!("`{name}` is none of {} or tag.KEY", known.join(", "));
                Problem::parameter(parameter, &detail)
            })
        };
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(read).collect()
    }

    /// Its name in requests and answers.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Column(name) => (*name).to_owned(),
            Self::Tag(key) => format!("tag.{key}"),
        }
    }

    /// Its value in SQL.
    pub(crate) fn expression(&self) -> String {
        match self {
            Self::Column(name) => (*name).to_owned(),
            Self::Tag(key) => format!("tag({}, {})", c::TAGS, literal(key)),
        }
    }

    /// Its name in SQL.
    pub(crate) fn alias(&self) -> String {
        match self {
            Self::Column(name) => (*name).to_owned(),
            Self::Tag(_) => identifier(&self.name()),
        }
    }
}
