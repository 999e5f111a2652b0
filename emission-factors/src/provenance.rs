//! Where numbers come from.
//!
//! Every factor names a source of `data/sources.csv` and the page, table or cell in it. A source states its licence:
//! only tables that may be passed on are embedded; single figures are cited.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::{FactorError, table};

const COLUMNS: &[&str] = &["id", "publisher", "title", "url", "licence", "version", "retrieved", "note"];

/// A publication that numbers were taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Short id that factors name, such as `aws-pue-2024`.
    pub id: String,
    /// Who stands behind it.
    pub publisher: String,
    /// Its title.
    pub title: String,
    /// Where to read it; empty where it was never online.
    pub url: String,
    /// Terms of use, an SPDX id where there is one.
    pub licence: String,
    /// Version, commit, edition or year.
    pub version: String,
    /// Day it was read.
    pub retrieved: Date,
    /// What a reader should know.
    pub note: String,
}

/// The sources of a set, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources(BTreeMap<String, Source>);

impl Sources {
    /// The sources that are shipped with this crate.
    ///
    /// # Errors
    /// When the embedded file is not a table of sources.
    pub fn embedded() -> Result<Self, FactorError> {
        Self::from_csv("sources.csv", include_str!("../data/sources.csv"))
    }

    /// Reads a table of sources.
    ///
    /// # Errors
    /// When a row is incomplete or an id stands twice.
    pub fn from_csv(file: &str, text: &str) -> Result<Self, FactorError> {
        let mut sources = Self::default();
        for row in table::read(file, text, COLUMNS)? {
            let optional = |column| Ok::<_, FactorError>(row.optional_text(column)?.unwrap_or("").to_owned());
            sources.insert(Source {
                id: row.text("id")?.to_owned(),
                publisher: row.text("publisher")?.to_owned(),
                title: row.text("title")?.to_owned(),
                url: optional("url")?,
                licence: row.text("licence")?.to_owned(),
                version: row.text("version")?.to_owned(),
                retrieved: row.parse("retrieved")?,
                note: optional("note")?,
            })?;
        }
        Ok(sources)
    }

    /// Adds a source.
    ///
    /// # Errors
    /// When another source has the same id.
    pub fn insert(&mut self, source: Source) -> Result<(), FactorError> {
        match self.0.get(&source.id) {
            Some(known) if *known == source => Ok(()),
            Some(_) => Err(FactorError::reference(format!("source `{}` stands twice", source.id))),
            None => {
                self.0.insert(source.id.clone(), source);
                Ok(())
            }
        }
    }

    /// The source with this id.
    pub fn get(&self, id: &str) -> Option<&Source> {
        self.0.get(id)
    }

    /// The id, if there is such a source.
    ///
    /// # Errors
    /// When no source has the id.
    pub fn require<'s>(&self, id: &'s str) -> Result<&'s str, FactorError> {
        if self.0.contains_key(id) {
            Ok(id)
        } else {
            Err(FactorError::reference(format!("no source has the id `{id}`")))
        }
    }

    /// Every source, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.values()
    }
}

impl Source {
    /// The source as one line of the canonical text that the set's id is the hash of.
    pub fn canonical_line(&self) -> String {
        let retrieved = self.retrieved.to_string();
        let Self { id, publisher, title, url, licence, version, note, .. } = self;
        [id, publisher, title, url, licence, version, &retrieved, note].map(String::as_str).join("\t")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "id,publisher,title,url,licence,version,retrieved,note\n";

    #[test]
    fn the_embedded_sources_are_complete_and_sorted() {
        let sources = Sources::embedded().unwrap();
        let rows = table::read("sources.csv", include_str!("../data/sources.csv"), COLUMNS).unwrap();
        let ids: Vec<&str> = rows.iter().map(|row| row.text("id").unwrap()).collect();
        assert!(ids.is_sorted(), "{ids:?}");
        assert_eq!(ids.len(), sources.iter().count());
    }

    #[test]
    fn an_id_stands_for_one_source() {
        let twice = format!("{HEADING}a,We,One,,MIT,1,2026-01-31,\na,We,Two,,MIT,1,2026-01-31,\n");
        assert_eq!(Sources::from_csv("s.csv", &twice).unwrap_err().to_string(), "source `a` stands twice");
        let undated = format!("{HEADING}a,We,One,,MIT,1,31.1.2026,\n");
        assert!(Sources::from_csv("s.csv", &undated).unwrap_err().to_string().contains("column `retrieved`"));
        let sources = Sources::from_csv("s.csv", &format!("{HEADING}a,We,One,,MIT,1,2026-01-31,\n")).unwrap();
        assert!(sources.require("a").is_ok() && sources.require("b").is_err());
    }
}
