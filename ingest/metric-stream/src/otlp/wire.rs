//! The wire format of protocol buffers: fields one after another, each with number and type.
//!
//! <https://protobuf.dev/programming-guides/encoding/>

/// The bytes are no fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damage(pub(super) &'static str);

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    /// A text, bytes or a message.
    Bytes(&'a [u8]),
    /// Eight bytes: a double or a fixed integer.
    Fixed64(u64),
    /// A number of another kind, which no field that is used here has.
    Other,
}

/// The fields of a message, in the order of the bytes. Ends after the first damage.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    #[inline]
    fn read(&mut self) -> Result<(u64, Value<'a>), Damage> {
        let tag = varint(&mut self.rest)?;
        let number = tag >> 3;
        if number == 0 {
            return Err(Damage("a field has the number 0"));
        }
        let value = match tag & 7 {
            0 => {
                varint(&mut self.rest)?;
                Value::Other
            }
            1 => {
                let (bytes, rest) = self.rest.split_first_chunk().ok_or(Damage("a number is cut off"))?;
                self.rest = rest;
                Value::Fixed64(u64::from_le_bytes(*bytes))
            }
            2 => {
                let length = varint(&mut self.rest)?;
                Value::Bytes(self.take(usize::try_from(length).unwrap_or(usize::MAX))?)
            }
            5 => {
                self.take(4)?;
                Value::Other
            }
            _ => return Err(Damage("a field has a type that is not used")),
        };
        Ok((number, value))
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) =
            self.rest.split_at_checked(bytes).ok_or(Damage("a field is longer than its message"))?;
        self.rest = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Damage>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Takes a varint from the start of `bytes`. Tags and most lengths are of one byte.
#[inline]
pub(super) fn varint(bytes: &mut &[u8]) -> Result<u64, Damage> {
    match bytes.split_first() {
        Some((byte, rest)) if byte & 0x80 == 0 => {
            *bytes = rest;
            Ok(u64::from(*byte))
        }
        _ => long_varint(bytes),
    }
}

fn long_varint(bytes: &mut &[u8]) -> Result<u64, Damage> {
    let mut value = 0;
    for (place, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        if place == 9 && bits > 1 {
            break;
        }
        value |= bits << (7 * place);
        if byte & 0x80 == 0 {
            *bytes = &bytes[place + 1..];
            return Ok(value);
        }
    }
    Err(Damage("a number is cut off or longer than 64 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(mut bytes: &[u8]) -> Result<(u64, usize), Damage> {
        varint(&mut bytes).map(|value| (value, bytes.len()))
    }

    /// 150 as 96 01 and "testing" as 12 07 ... are the examples of the encoding's documentation.
    #[test]
    fn the_examples_of_the_documentation_are_read() {
        assert_eq!(number(&[0x96, 0x01, 0xff]), Ok((150, 1)));
        let fields: Vec<_> = Fields::of(b"\x08\x96\x01\x12\x07testing").collect();
        assert_eq!(fields, [Ok((1, Value::Other)), Ok((2, Value::Bytes(b"testing")))]);
    }

    #[test]
    fn numbers_end_at_64_bits() {
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(number(&most), Ok((u64::MAX, 0)));
        let more = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        assert!(number(&more).is_err());
        assert!(number(&[0x80; 11]).is_err());
        assert!(number(&[0x80]).is_err());
        assert!(number(&[]).is_err());
    }

    #[test]
    fn damage_is_told_once_and_ends_the_message() {
        for damaged in [&b"\x12\x08testing"[..], b"\x00\x01", b"\x0b", b"\x09\x01", b"\x0d\x01"] {
            let fields: Vec<_> = Fields::of(damaged).collect();
            assert!(matches!(fields.as_slice(), [Err(_)]), "{damaged:?}: {fields:?}");
        }
    }
}
