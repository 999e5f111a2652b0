//! Reading a data file of BoaviztAPI: a CSV table of which only some columns matter.

use crate::FactorError;

/// A CSV table by column name.
pub(super) struct Sheet {
    file: &'static str,
    columns: Vec<String>,
    rows: Vec<csv::StringRecord>,
}

/// One row of a [`Sheet`].
#[derive(Clone, Copy)]
pub(super) struct Row<'s> {
    file: &'static str,
    columns: &'s [String],
    cells: &'s csv::StringRecord,
}

impl Sheet {
    /// Reads a table that must have these columns.
    pub(super) fn read(file: &'static str, text: &str, required: &[&str]) -> Result<Self, FactorError> {
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
        let not_csv = |error| FactorError::table(format!("{file}: not readable as CSV")).with_source(error);
        let columns: Vec<String> = reader.headers().map_err(not_csv)?.iter().map(str::to_owned).collect();
        if let Some(missing) = required.iter().find(|name| !columns.iter().any(|column| column == *name)) {
            return Err(FactorError::table(format!("{file}: column `{missing}` is missing")));
        }
        let rows = reader.records().collect::<Result<Vec<_>, _>>().map_err(not_csv)?;
        Ok(Self { file, columns, rows })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { file: self.file, columns: &self.columns, cells })
    }

    /// The mean of a column.
    pub(super) fn mean(&self, column: &str) -> Result<f64, FactorError> {
        let (mut total, mut count) = (0.0, 0.0);
        for row in self.rows() {
            total += row.number(column)?;
            count += 1.0;
        }
        if count > 0.0 {
            Ok(total / count)
        } else {
            Err(FactorError::table(format!("{}: no rows", self.file)))
        }
    }
}

impl<'s> Row<'s> {
    /// A cell, empty when absent.
    pub(super) fn text(self, column: &str) -> &'s str {
        let place = self.columns.iter().position(|name| name == column);
        place.and_then(|place| self.cells.get(place)).unwrap_or("")
    }

    /// The first number of a cell (`2;1;4` is value, least and most), `None` when empty.
    pub(super) fn optional_number(self, column: &str) -> Result<Option<f64>, FactorError> {
        let text = self.text(column).split(';').next().unwrap_or("").trim();
        if text.is_empty() {
            return Ok(None);
        }
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.map(Some).ok_or_else(|| self.error(column, &format!("`{text}` is not a number")))
    }

    /// The first number of a cell.
    pub(super) fn number(self, column: &str) -> Result<f64, FactorError> {
        self.optional_number(column)?.ok_or_else(|| self.error(column, "is empty"))
    }

    fn error(self, column: &str, problem: &str) -> FactorError {
        let line = self.cells.position().map_or(0, csv::Position::line);
        FactorError::table(format!("{}: line {line}, column `{column}`: {problem}", self.file))
    }
}
