//! Objects and texts of JSON, read where they stand.
//!
//! Strict about the grammar (RFC 8259) and without recursion but for values that are passed over. Texts without escapes
//! are borrowed. Numbers have a file of their own ([`super::number`]).

use std::borrow::Cow;

use super::names::Names;
use crate::reject::Reason;

/// Deepest nesting of a value that is passed over.
const DEPTH_LIMIT: u32 = 128;
const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Why reading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halt {
    /// The bytes end within a value.
    End,
    /// The bytes are wrong, for a reason and with a sentence.
    Bad(Reason, &'static str),
    /// A field that must be there is not.
    Missing(&'static str),
}

pub(super) const fn damaged(detail: &'static str) -> Halt {
    Halt::Bad(Reason::Damaged, detail)
}

/// Reads on from a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan<'a> {
    /// What is UTF-8 of the bytes, from their start on.
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    /// What the end of the text means: that the bytes end, or that they are no UTF-8 there.
    pub(super) end: Halt,
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let (text, end) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, Halt::End),
            Err(error) => {
                let text = bytes.get(..error.valid_up_to()).map(std::str::from_utf8);
                // A character that is cut off may go on behind the end.
                let not_utf8 = Halt::Bad(Reason::NotUtf8, "not UTF-8");
                let end = if error.error_len().is_none() { Halt::End } else { not_utf8 };
                (text.and_then(Result::ok).unwrap_or_default(), end)
            }
        };
        Self { text, bytes: text.as_bytes(), at: 0, end }
    }

    /// Where it is.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What the end of the text means.
    pub(super) fn end(&self) -> Halt {
        self.end
    }

    /// Passes over blanks; the byte after them, if there is one.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// Takes the next byte after blanks when it is this one.
    pub(super) fn takes(&mut self, byte: u8) -> Result<bool, Halt> {
        let is_it = self.peek().ok_or(self.end)? == byte;
        self.at += usize::from(is_it);
        Ok(is_it)
    }

    fn expect(&mut self, byte: u8, otherwise: &'static str) -> Result<(), Halt> {
        if self.takes(byte)? { Ok(()) } else { Err(damaged(otherwise)) }
    }

    /// Calls `f` with the name of each field of an object, to read its value.
    pub(super) fn object(
        &mut self,
        mut f: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        self.fields(|scan, _| {
            let name = scan.name()?;
            f(scan, name)
        })
    }

    /// As [`Self::object`], of objects whose names are known.
    pub(super) fn object_of(
        &mut self,
        names: &mut Names,
        mut f: impl FnMut(&mut Self, &str) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        self.fields(|scan, place| {
            if let Some(name) = names.expected(place)
                && scan.takes_name(name)
            {
                return f(scan, name);
            }
            let name = scan.name()?;
            names.learn(place, &name);
            f(scan, &name)
        })
    }

    /// Calls `f` with the place of each field, to read its name and value.
    fn fields(&mut self, mut f: impl FnMut(&mut Self, usize) -> Result<(), Halt>) -> Result<(), Halt> {
        if !self.takes(b'{')? {
            return Err(self.other_type("an object is expected"));
        }
        if self.takes(b'}')? {
            return Ok(());
        }
        for place in 0.. {
            f(self, place)?;
            if self.takes(b'}')? {
                break;
            }
            self.expect(b',', "there is no comma between two fields")?;
        }
        Ok(())
    }

    /// The name of a field, and the colon after it.
    fn name(&mut self) -> Result<Cow<'a, str>, Halt> {
        if self.peek().ok_or(self.end)? != b'"' {
            return Err(damaged("a name is no text"));
        }
        let name = self.text()?;
        self.expect(b':', "there is no colon after a name")?;
        Ok(name)
    }

    /// Takes a name and the colon after it when they are next, as they are mostly written.
    fn takes_name(&mut self, name: &str) -> bool {
        let rest = self.bytes.get(self.at..).and_then(|rest| rest.strip_prefix(b"\""));
        let rest = rest.and_then(|rest| rest.strip_prefix(name.as_bytes()));
        let is_it = rest.is_some_and(|rest| rest.starts_with(b"\":"));
        if is_it {
            self.at += name.len() + 3;
        }
        is_it
    }

    /// A text.
    #[inline]
    pub(super) fn text(&mut self) -> Result<Cow<'a, str>, Halt> {
        if !self.takes(b'"')? {
            return Err(self.other_type("a text is expected"));
        }
        let (start, length) = (self.at, plain_length(&self.bytes[self.at..]));
        if *self.bytes.get(start + length).ok_or(self.end)? != b'"' {
            return self.text_with_escapes().map(Cow::Owned);
        }
        self.at += length + 1;
        Ok(Cow::Borrowed(&self.text[start..start + length]))
    }

    fn text_with_escapes(&mut self) -> Result<String, Halt> {
        let mut text = String::new();
        loop {
            let (start, length) = (self.at, plain_length(&self.bytes[self.at..]));
            let mark = *self.bytes.get(start + length).ok_or(self.end)?;
            text.push_str(&self.text[start..start + length]);
            self.at += length + 1;
            match mark {
                b'"' => return Ok(text),
                b'\\' => text.push(self.escape()?),
                _ => return Err(damaged("a control character in a text")),
            }
        }
    }

    fn next(&mut self) -> Result<u8, Halt> {
        let byte = *self.bytes.get(self.at).ok_or(self.end)?;
        self.at += 1;
        Ok(byte)
    }

    /// What a backslash stands before.
    fn escape(&mut self) -> Result<char, Halt> {
        Ok(match self.next()? {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            mark @ (b'"' | b'\\' | b'/') => char::from(mark),
            b'u' => {
                let unit = self.hex()?;
                let code = if (0xd800..0xdc00).contains(&unit) {
                    let second = if self.next()? == b'\\' && self.next()? == b'u' { self.hex()? } else { 0 };
                    if !(0xdc00..0xe000).contains(&second) {
                        return Err(damaged("half of a surrogate pair"));
                    }
                    0x1_0000 + ((unit - 0xd800) << 10) + (second - 0xdc00)
                } else {
                    unit
                };
                char::from_u32(code).ok_or(damaged("half of a surrogate pair"))?
            }
            _ => return Err(damaged("an unknown escape")),
        })
    }

    fn hex(&mut self) -> Result<u32, Halt> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.next()?).to_digit(16).ok_or(damaged("no hexadecimal digit"))?;
            unit = unit * 16 + digit;
        }
        Ok(unit)
    }

    /// Takes `null` when it is next.
    pub(super) fn takes_null(&mut self) -> Result<bool, Halt> {
        if self.peek().ok_or(self.end)? != b'n' {
            return Ok(false);
        }
        self.word("null")?;
        Ok(true)
    }

    fn word(&mut self, word: &'static str) -> Result<(), Halt> {
        for byte in word.bytes() {
            if self.next()? != byte {
                return Err(damaged("no JSON value"));
            }
        }
        Ok(())
    }

    /// Passes over a value.
    pub(super) fn skip(&mut self) -> Result<(), Halt> {
        self.skip_at(0)
    }

    fn skip_at(&mut self, depth: u32) -> Result<(), Halt> {
        if depth > DEPTH_LIMIT {
            return Err(damaged("values are nested too deep"));
        }
        match self.peek().ok_or(self.end)? {
            b'"' => self.text().map(drop),
            b'{' => self.object(|scan, _| scan.skip_at(depth + 1)),
            b'[' => {
                self.at += 1;
                if self.takes(b']')? {
                    return Ok(());
                }
                loop {
                    self.skip_at(depth + 1)?;
                    if self.takes(b']')? {
                        return Ok(());
                    }
                    self.expect(b',', "there is no comma between two values")?;
                }
            }
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number().map(drop),
        }
    }

    /// What is next is no value of the type that is expected: one of another type, or none at all.
    pub(super) fn other_type(&mut self, detail: &'static str) -> Halt {
        let is_value = match self.bytes.get(self.at) {
            Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9') => Ok(()),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(_) => Err(damaged("no JSON value")),
            None => Err(self.end),
        };
        is_value.err().unwrap_or(Halt::Bad(Reason::WrongType, detail))
    }
}

/// Bytes before the first quote, backslash or control character, eight at a time.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*chunk);
        let is_zero = |word: u64| word.wrapping_sub(LOW_BITS) & !word;
        let quote = is_zero(word ^ (LOW_BITS * u64::from(b'"')));
        let backslash = is_zero(word ^ (LOW_BITS * u64::from(b'\\')));
        let control = word.wrapping_sub(LOW_BITS * 0x20) & !word;
        // A borrow can mark a byte wrongly, but only after one that is marked rightly.
        let marks = (quote | backslash | control) & HIGH_BITS;
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)).count()
}
