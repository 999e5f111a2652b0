//! Arrays as Postgres writes them, `{a,"b, c",NULL}`: of one dimension, as parameters are.

use crate::failure::Failure;

/// The elements of a text.
pub(crate) fn read(text: &str) -> Result<Vec<Option<String>>, Failure> {
    let inner = text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    inner.and_then(elements).ok_or_else(|| {
        Failure::new("22P02", format!("`{text}` is no array: write {{a,b}} or {{\"a, b\",NULL}}"))
    })
}

fn elements(inner: &str) -> Option<Vec<Option<String>>> {
    let mut found = Vec::new();
    let mut rest = inner.trim();
    if rest.is_empty() {
        return Some(found);
    }
    loop {
        let (element, after) = element(rest)?;
        found.push(element);
        match after.trim_start().strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None => return after.trim().is_empty().then_some(found),
        }
    }
}

/// The element that a text begins with, and what comes after it.
fn element(text: &str) -> Option<(Option<String>, &str)> {
    let is_quoted = text.starts_with('"');
    let mut element = String::new();
    let mut characters = text.char_indices().skip(usize::from(is_quoted));
    while let Some((place, character)) = characters.next() {
        match character {
            '\\' => element.push(characters.next()?.1),
            '"' if is_quoted => return Some((Some(element), &text[place + 1..])),
            ',' if !is_quoted => return Some((unquoted(&element)?, &text[place..])),
            '"' | '{' | '}' if !is_quoted => return None,
            other => element.push(other),
        }
    }
    if is_quoted { None } else { Some((unquoted(&element)?, "")) }
}

/// An element without quotes: NULL is none, and nothing at all is a mistake.
#[expect(clippy::option_option, reason = "a mistake, NULL and a text are three things")]
fn unquoted(element: &str) -> Option<Option<String>> {
    let element = element.trim_end();
    if element.is_empty() {
        return None;
    }
    Some((!element.eq_ignore_ascii_case("null")).then(|| element.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_read() {
        let some = |texts: &[&str]| texts.iter().map(|text| Some((*text).to_owned())).collect::<Vec<_>>();
        for (text, expected) in [
            ("{}", some(&[])),
            ("{a}", some(&["a"])),
            (" { a , b c } ", some(&["a", "b c"])),
            (r#"{"a, b","{}","\"\\","NULL",""}"#, some(&["a, b", "{}", "\"\\", "NULL", ""])),
            (r"{a\,b}", some(&["a,b"])),
            ("{NULL,null}", vec![None, None]),
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
        for text in ["", "a", "{", "{a", "a}", "{a,}", "{,a}", "{\"a}", "{\"a\"b}", "{{a},{b}}", "{a\\}"] {
            assert_eq!(read(text).unwrap_err().code, "22P02", "{text}");
        }
    }
}
