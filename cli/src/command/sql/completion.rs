//! Completion at the prompt: keywords, tables and columns that begin with what was typed.

use rustyline::{Completer, Helper, Highlighter, Hinter, Validator, completion::Pair};

const KEYWORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "HAVING",
    "LIMIT",
    "JOIN",
    "LEFT JOIN",
    "ON",
    "USING",
    "AS",
    "AND",
    "OR",
    "NOT",
    "IN",
    "IS NULL",
    "IS NOT NULL",
    "LIKE",
    "BETWEEN",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "WITH",
    "UNION ALL",
    "DISTINCT",
    "COUNT",
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "DATE_TRUNC",
    "COALESCE",
    "CAST",
    "OVER",
    "PARTITION BY",
    "DESC",
    "ASC",
    "EXPLAIN",
    "DESCRIBE",
    "SHOW TABLES",
];

/// What rustyline asks while a line is typed.
#[derive(Helper, Completer, Hinter, Highlighter, Validator)]
pub(super) struct PromptHelper {
    #[rustyline(Completer)]
    completer: NameCompleter,
}

impl PromptHelper {
    /// Completes keywords and these names.
    pub(super) fn new(names: Vec<String>) -> Self {
        Self { completer: NameCompleter { names } }
    }
}

pub(super) struct NameCompleter {
    names: Vec<String>,
}

impl rustyline::completion::Completer for NameCompleter {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, candidates) = candidates(&self.names, &line[..position]);
        let pair = |text: String| Pair { display: text.clone(), replacement: text };
        Ok((start, candidates.into_iter().map(pair).collect()))
    }
}

/// Where the word before the cursor begins, and what it may become: names first, then keywords.
fn candidates(names: &[String], before: &str) -> (usize, Vec<String>) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let start = before
        .rfind(|c| !is_word(c))
        .map_or(0, |place| place + before[place..].chars().next().map_or(1, char::len_utf8));
    let word = &before[start..];
    if word.is_empty() {
        return (start, Vec::new());
    }
    let lower = word.to_lowercase();
    let mut found: Vec<String> = names.iter().filter(|name| name.starts_with(&lower)).cloned().collect();
    found.extend(KEYWORDS.iter().filter(|k| k.to_lowercase().starts_with(&lower)).map(|k| (*k).to_owned()));
    (start, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_before_the_cursor_is_completed() {
        let names = ["emissions", "emissions_daily", "energy_kwh"].map(str::to_owned);
        assert_eq!(candidates(&names, "select en"), (7, vec!["energy_kwh".to_owned(), "END".to_owned()]));
        assert_eq!(candidates(&names, "SEL"), (0, vec!["SELECT".to_owned()]));
        assert_eq!(candidates(&names, "sum(emissions_").1, ["emissions_daily"]);
        assert_eq!(candidates(&names, "select é en"), (10, vec!["energy_kwh".to_owned(), "END".to_owned()]));
        assert!(candidates(&names, "select ").1.is_empty());
    }
}
