//! Whether a message holds what its own counts and lengths say.
//!
//! The library that decodes messages reads on past the end of those that promise more than they hold, and panics. So each is
//! measured first, by the formats of the protocol:
//! <https://www.postgresql.org/docs/current/protocol-message-formats.html>. As for Postgres, what is left over is wrong too.

use bytes::Buf as _;

/// Whether the body of a message, without type and length, is whole. Those of types that the library reads safely are.
pub(super) fn is_whole(kind: u8, body: &[u8]) -> bool {
    let mut rest = body;
    let read = match kind {
        b'P' => parse(&mut rest),
        b'B' => bind(&mut rest),
        b'D' | b'C' => bytes(&mut rest, 1).and_then(|()| text(&mut rest)),
        b'E' => text(&mut rest).and_then(|()| bytes(&mut rest, 4)),
        b'Q' => text(&mut rest),
        _ => return true,
    };
    read.is_some() && rest.is_empty()
}

/// Whether the first answer of an exchange to sign in is whole: mechanism, length, and as many bytes.
pub(crate) fn is_whole_initial_response(body: &[u8]) -> bool {
    let mut rest = body;
    text(&mut rest).and_then(|()| value(&mut rest)).is_some() && rest.is_empty()
}

/// Name, statement, types of parameters.
fn parse(rest: &mut &[u8]) -> Option<()> {
    text(rest)?;
    text(rest)?;
    let types = count(rest)?;
    bytes(rest, 4 * types)
}

/// Portal, statement, formats of parameters, parameters, formats of results.
fn bind(rest: &mut &[u8]) -> Option<()> {
    text(rest)?;
    text(rest)?;
    let formats = count(rest)?;
    bytes(rest, 2 * formats)?;
    for _ in 0..count(rest)? {
        value(rest)?;
    }
    let formats = count(rest)?;
    bytes(rest, 2 * formats)
}

/// Up to and with its zero byte.
fn text(rest: &mut &[u8]) -> Option<()> {
    let end = rest.iter().position(|byte| *byte == 0)?;
    bytes(rest, end + 1)
}

/// A length, -1 for null, and as many bytes.
fn value(rest: &mut &[u8]) -> Option<()> {
    match rest.try_get_i32().ok()? {
        -1 => Some(()),
        length => bytes(rest, usize::try_from(length).ok()?),
    }
}

fn count(rest: &mut &[u8]) -> Option<usize> {
    rest.try_get_u16().ok().map(usize::from)
}

fn bytes(rest: &mut &[u8], count: usize) -> Option<()> {
    *rest = rest.get(count..)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: [(u8, &[u8]); 9] = [
        (b'Q', b"SELECT 1\0"),
        (b'P', b"s\0SELECT $1\0\0\x01\0\0\0\x19"),
        (b'P', b"\0\0\0\0"),
        (b'B', b"p\0s\0\0\x01\0\0\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\x01\0\x01"),
        (b'B', b"\0\0\0\0\0\0\0\0"),
        (b'D', b"Ss\0"),
        (b'C', b"P\0"),
        (b'E', b"p\0\0\0\0\x05"),
        (b'p', b"SCRAM-SHA-256\0\0\0\0\x03n,,"),
    ];

    fn of(kind: u8, body: &[u8]) -> bool {
        if kind == b'p' { is_whole_initial_response(body) } else { is_whole(kind, body) }
    }

    #[test]
    fn what_is_whole_is_taken_and_no_part_of_it() {
        for (kind, body) in WHOLE {
            assert!(of(kind, body), "{} {body:?}", char::from(kind));
            for length in 0..body.len() {
                assert!(!of(kind, &body[..length]), "{} {:?}", char::from(kind), &body[..length]);
            }
            assert!(!of(kind, &[body, b"\0"].concat()), "{} with a byte more", char::from(kind));
        }
    }

    #[test]
    fn what_promises_more_than_it_holds_is_not() {
        for (kind, body) in [
            (b'P', &b"\0\0\xff\xff"[..]),
            (b'B', b"\0\0\xff\xff\0\0\0\0"),
            (b'B', b"\0\0\0\0\0\x01\x7f\xff\xff\xff\0\0"),
            (b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0"),
            (b'p', b"SCRAM-SHA-256\0\x7f\xff\xff\xff"),
            (b'p', b"SCRAM-SHA-256\0\xff\xff\xff\xf0"),
        ] {
            assert!(!of(kind, body), "{} {body:?}", char::from(kind));
        }
    }
}
