//! Where one SQL statement ends: at a `;` outside quotes and comments.

/// The statements of a text that are complete, and what is left of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// Without their `;` and without surrounding space; empty ones are left out.
    pub(super) complete: Vec<String>,
    /// What follows the last `;`, without surrounding space and comments.
    pub(super) rest: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Code,
    Quote(char),
    LineComment,
    BlockComment,
}

/// Splits a text. Quotes double to escape themselves, which needs no rule of its own here: it closes and opens again.
pub(super) fn split(text: &str) -> Split {
    let mut complete = Vec::new();
    let mut current = String::new();
    let mut inside = Inside::Code;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        match inside {
            Inside::Code => match (character, next) {
                (';', _) => {
                    push(&mut complete, &current);
                    current.clear();
                    continue;
                }
                ('-', Some('-')) => inside = Inside::LineComment,
                ('/', Some('*')) => inside = Inside::BlockComment,
                ('\'' | '"', _) => inside = Inside::Quote(character),
                _ => {}
            },
            Inside::Quote(quote) if character == quote => inside = Inside::Code,
            Inside::LineComment if character == '\n' => inside = Inside::Code,
            Inside::BlockComment if character == '*' && next == Some('/') => {
                characters.next();
                inside = Inside::Code;
                continue;
            }
            _ => {}
        }
        if !matches!(inside, Inside::LineComment | Inside::BlockComment) {
            current.push(character);
        }
    }
    Split { complete, rest: current.trim().to_owned() }
}

fn push(complete: &mut Vec<String>, statement: &str) {
    let statement = statement.trim();
    if !statement.is_empty() {
        complete.push(statement.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Vec<String>, String) {
        let Split { complete, rest } = split(text);
        (complete, rest)
    }

    #[test]
    fn a_semicolon_ends_a_statement() {
        assert_eq!(
            parts("select 1; select 2;\nselect 3"),
            (vec!["select 1".into(), "select 2".into()], "select 3".into())
        );
        assert_eq!(parts(" ;; \n"), (vec![], String::new()));
    }

    #[test]
    fn quotes_hide_semicolons_and_comment_marks() {
        assert_eq!(parts("select ';', 'it''s; -- ok', \"a;b\";").0, ["select ';', 'it''s; -- ok', \"a;b\""]);
        assert_eq!(parts("select 'open;"), (vec![], "select 'open;".into()));
    }

    #[test]
    fn comments_are_left_out() {
        assert_eq!(
            parts("select 1 -- one; two\n + 1; /* a; b */ select 2;").0,
            ["select 1 \n + 1", "select 2"]
        );
        assert_eq!(parts("-- nothing"), (vec![], String::new()));
    }
}
