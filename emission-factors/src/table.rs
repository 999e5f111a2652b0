//! Reading a small CSV table with errors that name file, line and column.
//!
//! Every table of this crate, embedded or imported, is read here. A table states the columns it knows; a file with
//! another column, a missing column or a repeated one is refused, so a misspelt heading can not turn into missing data.
//! An empty cell is "not stated" and only the `optional_*` readers accept it. Lines that start with `#` are comments.

use std::str::FromStr;

use jiff::civil::Date;

use crate::{FactorError, value::Band};

/// One row of a table; the readers name file, line and column when a cell does not hold what they ask for.
#[derive(Debug)]
pub struct Row<'t> {
    file: &'t str,
    line: u64,
    columns: &'t [&'t str],
    cells: Vec<String>,
}

/// Reads `text` as the CSV table `file` with exactly these columns, in any order.
///
/// # Errors
/// When the text is not CSV, a column is missing, unknown or repeated, or a row has another number of cells.
pub fn read<'t>(file: &'t str, text: &str, columns: &'t [&'t str]) -> Result<Vec<Row<'t>>, FactorError> {
    let mut reader =
        csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(text.as_bytes());
    let not_csv =
        |error: csv::Error| FactorError::table(format!("{file}: not readable as CSV")).with_source(error);
    let headers = reader.headers().map_err(not_csv)?.clone();
    if let Some(unknown) = headers.iter().find(|header| !columns.contains(header)) {
        let expected = columns.join(", ");
        return Err(FactorError::table(format!("{file}: unknown column `{unknown}` (known: {expected})")));
    }
    let mut places = Vec::with_capacity(columns.len());
    for column in columns {
        let mut found =
            headers.iter().enumerate().filter(|(_, header)| header == column).map(|(place, _)| place);
        match (found.next(), found.next()) {
            (Some(place), None) => places.push(place),
            (None, _) => return Err(FactorError::table(format!("{file}: column `{column}` is missing"))),
            (Some(_), Some(_)) => {
                return Err(FactorError::table(format!("{file}: column `{column}` stands twice")));
            }
        }
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(not_csv)?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells = places.iter().map(|place| record[*place].to_owned()).collect();
        rows.push(Row { file, line, columns, cells });
    }
    Ok(rows)
}

impl Row<'_> {
    /// Line of the file, 1 is the heading.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// An error about one cell of this row.
    pub fn error(&self, column: &str, problem: &str) -> FactorError {
        FactorError::table(format!("{}: line {}, column `{column}`: {problem}", self.file, self.line))
    }

    /// The text of a cell; an empty one is an error.
    pub fn text(&self, column: &str) -> Result<&str, FactorError> {
        self.optional_text(column)?.ok_or_else(|| self.error(column, "is empty"))
    }

    /// The text of a cell, `None` when empty.
    pub fn optional_text(&self, column: &str) -> Result<Option<&str>, FactorError> {
        let place = self
            .columns
            .iter()
            .position(|name| *name == column)
            .ok_or_else(|| self.error(column, "is not a column of this table"))?;
        Ok(Some(self.cells[place].as_str()).filter(|cell| !cell.is_empty()))
    }

    /// A finite number.
    pub fn number(&self, column: &str) -> Result<f64, FactorError> {
        self.optional_number(column)?.ok_or_else(|| self.error(column, "is empty"))
    }

    /// A finite number, `None` when the cell is empty.
    pub fn optional_number(&self, column: &str) -> Result<Option<f64>, FactorError> {
        let Some(text) = self.optional_text(column)? else {
            return Ok(None);
        };
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(self.error(column, &format!("`{text}` is not a finite number"))),
        }
    }

    /// A number that must not be negative.
    pub fn amount(&self, column: &str) -> Result<f64, FactorError> {
        let number = self.number(column)?;
        if number < 0.0 { Err(self.error(column, &format!("`{number}` is negative"))) } else { Ok(number) }
    }

    /// A number that must be greater than zero.
    pub fn positive(&self, column: &str) -> Result<f64, FactorError> {
        let number = self.number(column)?;
        if number > 0.0 {
            Ok(number)
        } else {
            Err(self.error(column, &format!("`{number}` is not greater than zero")))
        }
    }

    /// `yes` or `no`.
    pub fn flag(&self, column: &str) -> Result<bool, FactorError> {
        match self.text(column)? {
            "yes" => Ok(true),
            "no" => Ok(false),
            other => Err(self.error(column, &format!("`{other}` is neither `yes` nor `no`"))),
        }
    }

    /// Anything that can be read from text, such as a count or a word of a vocabulary.
    pub fn parse<T: FromStr>(&self, column: &str) -> Result<T, FactorError> {
        let text = self.text(column)?;
        text.parse().map_err(|_| self.error(column, &format!("`{text}` is not a value of this column")))
    }

    /// As [`Row::parse`], `None` when the cell is empty.
    pub fn optional_parse<T: FromStr>(&self, column: &str) -> Result<Option<T>, FactorError> {
        if self.optional_text(column)?.is_none() { Ok(None) } else { self.parse(column).map(Some) }
    }

    /// A date `YYYY-MM-DD`, `None` when the cell is empty.
    pub fn optional_date(&self, column: &str) -> Result<Option<Date>, FactorError> {
        self.optional_parse(column)
    }

    /// A low, central and high value from three columns.
    pub fn band(&self, low: &str, central: &str, high: &str) -> Result<Band, FactorError> {
        let band = Band::new(self.number(low)?, self.number(central)?, self.number(high)?);
        band.map_err(|error| self.error(central, &error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[&str] = &["name", "power_w", "since"];

    fn message(text: &str) -> String {
        read("t.csv", text, COLUMNS).unwrap_err().to_string()
    }

    #[test]
    fn columns_may_stand_in_any_order_and_comments_are_skipped() {
        let rows = read("t.csv", "since,name,power_w\n# note\n2020-01-31, a ,1.5\n,b,\n", COLUMNS).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].text("name").unwrap(), "a");
        assert!((rows[0].number("power_w").unwrap() - 1.5).abs() < f64::EPSILON);
        assert_eq!(rows[0].optional_date("since").unwrap().unwrap().to_string(), "2020-01-31");
        assert_eq!(rows[1].optional_number("power_w").unwrap(), None);
    }

    #[test]
    fn headings_must_be_the_known_ones() {
        assert_eq!(
            message("name,power,since\n"),
            "t.csv: unknown column `power` (known: name, power_w, since)"
        );
        assert_eq!(message("name,power_w\n"), "t.csv: column `since` is missing");
        assert_eq!(message("name,name,power_w,since\n"), "t.csv: column `name` stands twice");
        assert_eq!(message("name,power_w,since\na,1\n"), "t.csv: not readable as CSV");
    }

    #[test]
    fn a_bad_cell_names_file_line_and_column() {
        let rows = read("t.csv", "name,power_w,since\n,NaN,2020-02-30\n", COLUMNS).unwrap();
        let error = |result: FactorError| result.to_string();
        assert_eq!(error(rows[0].text("name").unwrap_err()), "t.csv: line 2, column `name`: is empty");
        let number = error(rows[0].number("power_w").unwrap_err());
        assert_eq!(number, "t.csv: line 2, column `power_w`: `NaN` is not a finite number");
        assert!(rows[0].optional_date("since").is_err());
    }
}
