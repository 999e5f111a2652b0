//! How large a statement may be, told by its text before it is parsed.
//!
//! Some work grows with the square of a statement's length, and parser, planner and optimiser call themselves for each of
//! its levels. The tokenizer does neither, so what would exhaust the stack or the processor is refused by its tokens.
//! Parsers limit how deep parentheses go, but a chain (`1 + 1 + ..`) is as deep as it is long. Lists, such as those of
//! `IN`, are flat and only bounded by the number of tokens.

use datafusion::sql::sqlparser::{
    dialect::{Dialect, GenericDialect, PostgreSqlDialect},
    keywords::Keyword,
    tokenizer::{Token, Tokenizer},
};

use crate::error::{Error, ErrorKind, Result};

/// Bytes of a statement.
const BYTES_MOST: usize = 64 * 1024;
/// Words, numbers, texts and signs of a statement.
const TOKENS_MOST: usize = 20_000;
/// Operators of a statement: each can be a level of the tree that they make.
const OPERATORS_MOST: usize = 1_000;
/// `UNION`, `INTERSECT`, `EXCEPT` and `MINUS` of a statement.
const SET_OPERATIONS_MOST: usize = 100;
/// `CASE` of a statement.
const CASES_MOST: usize = 100;
/// How deep parentheses, brackets and braces are nested.
const DEPTH_MOST: usize = 64;
/// `EXPLAIN` of a statement: one can explain another.
const EXPLAINS_MOST: usize = 2;
/// Elements and fields of a value that are taken, `x[1][1]`, and dimensions of types, `INT[][]`: each is a level.
const PARTS_MOST: usize = 1_000;
/// Words and signs, each doubled for every call that it stands in: where an argument can have a name, parsers read it once
/// to see whether it has and then again.
const READINGS_MOST: u64 = 250_000;
/// Full stops of a name, as in `airshed.public.emissions.region`. What follows is a field.
const STOPS_MOST: usize = 3;

/// Refuses a text that is too large or too deep to be parsed and planned with the stack and the time that there is.
/// A text that is none of SQL is left to the parser.
///
/// # Errors
/// [`ErrorKind::Statement`], with the limit that is exceeded.
pub fn check_size(sql: &str) -> Result<()> {
    most(sql.len(), BYTES_MOST, "bytes")?;
    // What is a text in one dialect may be operators in the other.
    let dialects: [&dyn Dialect; 2] = [&GenericDialect {}, &PostgreSqlDialect {}];
    for dialect in dialects {
        if let Ok(tokens) = Tokenizer::new(dialect, sql).tokenize() {
            check_tokens(&tokens)?;
        }
    }
    Ok(())
}

fn check_tokens(tokens: &[Token]) -> Result<()> {
    let (mut all, mut operators, mut sets, mut parts, mut cases, mut explains) = (0, 0, 0, 0, 0, 0);
    let (mut deepest, mut stops, mut readings) = (0_usize, 0, 0_u64);
    // What is open, and whether it is the arguments of a call.
    let mut open: Vec<bool> = Vec::new();
    let mut calls = 0_u32;
    let mut before = &Token::SemiColon;
    for token in tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))) {
        all += 1;
        match token {
            // What follows a comma or an opening bracket is a list.
            Token::LBracket if !matches!(before, Token::Comma | Token::LParen | Token::LBracket) => {
                parts += 1;
            }
            Token::Word(word) => match word.keyword {
                Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::MINUS => sets += 1,
                Keyword::CASE => cases += 1,
                Keyword::EXPLAIN => explains += 1,
                _ => {}
            },
            _ => {}
        }
        operators += usize::from(is_operator(token, before));
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                let is_call = *token == Token::LParen && matches!(before, Token::Word(_));
                calls += u32::from(is_call);
                open.push(is_call);
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                calls -= u32::from(open.pop().unwrap_or_default());
            }
            _ => {}
        }
        readings = readings.saturating_add(1 << calls.min(32));
        deepest = deepest.max(open.len());
        stops = match token {
            Token::Period if matches!(before, Token::RParen | Token::RBracket) => STOPS_MOST + 1,
            Token::Period => stops + 1,
            Token::Word(_) if *before == Token::Period => stops,
            _ => 0,
        };
        parts += usize::from(*token == Token::Period && stops > STOPS_MOST);
        before = token;
    }
    most(all, TOKENS_MOST, "words and signs")?;
    if readings > READINGS_MOST {
        let message = "the statement is too large: it has too much in calls that are within one another; name parts of it by WITH";
        return Err(Error::new(ErrorKind::Statement, message));
    }
    most(deepest, DEPTH_MOST, "levels of parentheses")?;
    most(operators, OPERATORS_MOST, "operators")?;
    most(sets, SET_OPERATIONS_MOST, "UNION, INTERSECT and EXCEPT")?;
    most(parts, PARTS_MOST, "elements and fields that are taken")?;
    most(cases, CASES_MOST, "CASE")?;
    most(explains, EXPLAINS_MOST, "EXPLAIN")
}

/// Whether a token puts another level on the tree of an expression. A `*`, `+` or `-` after a comma or an opening
/// parenthesis begins one.
fn is_operator(token: &Token, before: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::XOR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::RLIKE
                | Keyword::REGEXP
                | Keyword::SIMILAR
                | Keyword::BETWEEN
                | Keyword::DIV
                | Keyword::COLLATE
                | Keyword::AT
                | Keyword::OVERLAPS
                | Keyword::OPERATOR
        ),
        Token::Mul | Token::Plus | Token::Minus => {
            !matches!(before, Token::Comma | Token::LParen | Token::LBracket | Token::Period)
        }
        Token::CustomBinaryOperator(_) => true,
        // `=>` names an argument, and `?` stands for one.
        Token::RArrow | Token::Placeholder(_) => false,
        other => {
            let text = other.to_string();
            !text.is_empty() && text.chars().all(|sign| "+-*/<>=~!@#%^&|?:".contains(sign))
        }
    }
}

fn most(found: usize, most: usize, what: &str) -> Result<()> {
    if found <= most {
        return Ok(());
    }
    let message = format!("the statement is too large: it has {found} {what}, and {most} are allowed");
    Err(Error::new(ErrorKind::Statement, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a statement is refused with.
    fn refusal(sql: &str) -> String {
        check_size(sql).err().map(|error| error.public_message()).unwrap_or_default()
    }

    #[test]
    fn what_would_exhaust_the_stack_is_refused() {
        let (parts, operators) = ("elements and fields that are taken, and 1000", "operators, and 1000");
        for (sql, says) in [
            (format!("SELECT {}1", "1+".repeat(2_000)), operators),
            (format!("SELECT 1 WHERE {}true", "x=1 OR ".repeat(2_000)), operators),
            (format!("SELECT 'x'{}", "||'x'".repeat(2_000)), operators),
            (format!("SELECT 1{}", "::int".repeat(2_000)), operators),
            (format!("SELECT 1{}", " IS NULL".repeat(2_000)), operators),
            (format!("SELECT {}1", "- ".repeat(2_000)), operators),
            (format!("SELECT {}true", "NOT ".repeat(2_000)), operators),
            (vec!["SELECT 1"; 3_000].join(" UNION ALL "), "UNION, INTERSECT and EXCEPT, and 100"),
            (vec!["SELECT 1"; 3_000].join(" EXCEPT "), "UNION, INTERSECT and EXCEPT, and 100"),
            (format!("SELECT {}1", "1 + ".repeat(100_000)), "bytes, and 65536"),
            (
                format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(1_000), " END".repeat(1_000)),
                "CASE, and 100",
            ),
            (format!("SELECT {}1{}", "(".repeat(65), ")".repeat(65)), "levels of parentheses, and 64"),
            (format!("SELECT {}1{}", "[".repeat(65), "]".repeat(65)), "levels of parentheses, and 64"),
            (format!("SELECT CAST(NULL AS INT{})", "[]".repeat(2_000)), parts),
            (format!("SELECT x{}", "[1]".repeat(2_000)), parts),
            (format!("SELECT x{}", ".a".repeat(2_000)), parts),
            (format!("SELECT (x){}", ".a".repeat(2_000)), parts),
            (format!("{} SELECT 1", "EXPLAIN ".repeat(5_000)), "EXPLAIN, and 2"),
            (format!("SELECT {}", vec!["1"; 20_000].join(",")), "words and signs, and 20000"),
            (
                format!("SELECT {}1{}", "abs(".repeat(17), ")".repeat(17)),
                "in calls that are within one another",
            ),
            (format!("SELECT {}{}1{}", "abs(".repeat(8), "1,".repeat(2_000), ")".repeat(8)), "in calls that"),
        ] {
            assert!(refusal(&sql).contains(says), "{}..: {}", &sql[..60], refusal(&sql));
        }
    }

    #[test]
    fn long_flat_statements_pass() {
        let list = |term: &str, of: usize| vec![term; of].join(",");
        for sql in [
            format!("SELECT 1 FROM t WHERE x IN ({})", list("-1", 6_000)),
            format!("SELECT {}", list("a.b.c.d", 2_000)),
            format!("SELECT {}", list("count(*)", 3_000)),
            format!("SELECT {}", list("[1]", 3_000)),
            format!("SELECT {}", list("round(sum(coalesce(cast(x AS int), 0)), 2)", 400)),
            format!("SELECT {}1{}", "abs(".repeat(12), ")".repeat(12)),
            format!("SELECT 1 WHERE {}true", "x=1 OR ".repeat(450)),
            vec!["SELECT 1"; 101].join(" UNION ALL "),
            format!("SELECT '{}'", "1+".repeat(30_000)),
            format!("SELECT 1 -- {}", "1+".repeat(30_000)),
            "EXPLAIN SELECT 1".to_owned(),
            "not sql '".to_owned(),
        ] {
            assert_eq!(refusal(&sql), "", "{}..", sql.get(..60).unwrap_or(&sql));
        }
    }
}
