//! The scanner against readers of others: `str::parse` for numbers, `serde_json` for texts and the grammar.

use proptest::prelude::*;
use serde_json::Value;

use super::{
    names::Names,
    scan::{Halt, Scan},
};
use crate::reject::Reason;

fn double(text: &str) -> Result<f64, Halt> {
    // A number ends where something else begins.
    let text = format!(" {text}}}");
    Scan::new(text.as_bytes()).number()?.double()
}

fn check_double(text: &str) -> Result<(), TestCaseError> {
    let expected: f64 = text.parse().expect("a number");
    match double(text) {
        Ok(read) => prop_assert_eq!(read.to_bits(), expected.to_bits(), "{}", text),
        Err(_) => prop_assert!(expected.is_infinite(), "{}", text),
    }
    Ok(())
}

/// Reads a value and what follows it; whether that is all of the text.
fn accepts(text: &str) -> bool {
    let text = format!("{text} ");
    let mut scan = Scan::new(text.as_bytes());
    scan.skip().is_ok() && scan.peek().is_none()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn numbers_are_the_nearest_double(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
        for text in [format!("{value}"), format!("{value:?}"), format!("{value:e}"), format!("{value:.3}")] {
            check_double(&text)?;
        }
    }

    #[test]
    fn numbers_of_any_length_are_the_nearest_double(
        text in "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,24})?([eE][+-]?[0-9]{1,4})?"
    ) {
        check_double(&text)?;
    }

    #[test]
    fn texts_are_what_was_written(text in any::<String>(), from in 0..4usize) {
        let plain = serde_json::to_string(&text).expect("a text");
        let units: Vec<_> = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let escaped = units.concat();
        for written in [format!("{}{plain},", " ".repeat(from)), format!("\"{escaped}\",")] {
            let mut scan = Scan::new(written.as_bytes());
            let read = scan.text();
            prop_assert_eq!(read.as_deref(), Ok(text.as_str()));
            prop_assert_eq!(scan.at(), written.len() - 1);
        }
    }

    #[test]
    fn values_are_passed_over_by_the_grammar(text in r#"[\{\}\[\]",:0-2eE.+truefalsn\\\n -]{1,12}"#) {
        prop_assert_eq!(accepts(&text), serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
    }

    #[test]
    fn whole_values_are_passed_over(numbers in prop::collection::vec(any::<i32>(), 0..5), text in any::<String>()) {
        let value = serde_json::json!({"a": numbers, "b": {"c": [text, null, true, [false, {}], []]}, "d": 1.5e-3});
        for written in [value.to_string(), serde_json::to_string_pretty(&value).expect("a value")] {
            prop_assert!(accepts(&written));
            for end in 0..written.len() {
                if let Some(cut) = written.get(..end) {
                    prop_assert_eq!(Scan::new(cut.as_bytes()).skip(), Err(Halt::End), "{}", cut);
                }
            }
        }
    }
}

#[test]
fn integers_have_no_point_and_no_power() {
    let integer = |text: &str| {
        let text = format!("{text},");
        Scan::new(text.as_bytes()).number().and_then(|number| number.integer())
    };
    assert_eq!(integer("1780281600000"), Ok(1_780_281_600_000));
    assert_eq!(integer("-9223372036854775807"), Ok(-i64::MAX));
    for text in ["1e3", "1.0", "9223372036854775808", "99999999999999999999999"] {
        assert!(matches!(integer(text), Err(Halt::Bad(Reason::WrongType, _))), "{text}");
    }
    for text in ["01", "-", "1.", "1e", "1e+", "+1", ".5"] {
        assert!(matches!(integer(text), Err(Halt::Bad(Reason::Damaged, _))), "{text}");
    }
}

#[test]
fn what_is_no_text_says_why() {
    let text = |bytes: &[u8]| Scan::new(bytes).text().map(drop);
    assert_eq!(text(b"\"\xff\""), Err(Halt::Bad(Reason::NotUtf8, "not UTF-8")));
    for bytes in [&b"12"[..], b"{}", b"[", b"null", b" true", b"false"] {
        assert!(matches!(text(bytes), Err(Halt::Bad(Reason::WrongType, _))), "{bytes:?}");
    }
    for bytes in [
        &b"\"a\nb\""[..],
        b"\"\\x\"",
        b"\"\\ud800\"",
        b"\"\\ud800\\u0041\"",
        b"\"\\udc00\"",
        b"\"\\u00g0\"",
        b"five",
    ] {
        assert!(matches!(text(bytes), Err(Halt::Bad(Reason::Damaged, _))), "{bytes:?}");
    }
    for bytes in [&b""[..], b"\"", b"\"abc", b"\"a\\", b"\"\\u00", b"\"\\ud800"] {
        assert_eq!(text(bytes), Err(Halt::End), "{bytes:?}");
    }
}

#[test]
fn nesting_has_an_end() {
    assert!(accepts(&format!("{}{}", "[".repeat(100), "]".repeat(100))));
    assert!(!accepts(&"[".repeat(100_000)));
}

#[test]
fn the_order_of_names_is_learned_and_none_is_needed() {
    let mut names = Names::new(&["a", "b"]);
    for (written, expected) in [
        (r#"{"a":1,"b":2}"#, "a1b2"),
        (r#"{"a":1,"b":2}"#, "a1b2"),
        (r#"{"b":1,"a":2}"#, "b1a2"),
        (r#"{ "b" : 1 , "c":7,"\u0061":2,"bb":3,"a":4,"a":5,"b":6}"#, "b1c7a2bb3a4a5b6"),
        (r#"{"b":1,"c":7,"a":2,"bb":3}"#, "b1c7a2bb3"),
        (r#"{"a\"":1,"a":2}"#, "a\"1a2"),
        ("{}", ""),
    ] {
        let mut read = String::new();
        let mut scan = Scan::new(written.as_bytes());
        let end = scan.object_of(&mut names, |scan, name| {
            read += name;
            read += &scan.number()?.integer()?.to_string();
            Ok(())
        });
        assert_eq!((end, read.as_str()), (Ok(()), expected));
    }
}

#[test]
fn a_character_that_is_cut_off_may_go_on_and_one_that_is_wrong_may_not() {
    let text = "{\"k\":\"\u{20ac}\"}";
    for end in 0..text.len() {
        assert_eq!(Scan::new(&text.as_bytes()[..end]).skip(), Err(Halt::End), "{end}");
    }
    assert_eq!(Scan::new(text.as_bytes()).skip(), Ok(()));
    let wrong = b"{\"k\":\"\xe2\x82\"}";
    assert_eq!(Scan::new(wrong).skip(), Err(Halt::Bad(Reason::NotUtf8, "not UTF-8")));
}
