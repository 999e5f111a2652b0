//! The bytes of an object, inflated where they are gzip, through a window that moves.
//!
//! Gzip is told by its magic number. Several gzip members one after another are one stream, as Firehose and `cat` make
//! them. A failing source is an error; damaged gzip is the end of what can be read, with the reason kept, so that
//! everything before it is decoded.

use std::io::{self, BufReader, Chain, Cursor, ErrorKind, Read};

use flate2::bufread::MultiGzDecoder;

use crate::error::Error;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Bytes asked of the source at once.
const SOURCE_BYTES: usize = 64 * 1024;
/// Bytes by which the window grows.
const STEP_BYTES: usize = 256 * 1024;

/// The uncompressed bytes of an object, seen through a window.
pub(crate) struct Input<R: Read> {
    bytes: Bytes<R>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of `start` in the uncompressed object.
    offset: u64,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    More,
    End,
    Damaged(String),
}

enum Bytes<R: Read> {
    /// Not looked at yet, with the first bytes so far.
    New(Source<R>, Vec<u8>),
    Plain(Whole<R>),
    Gzip(Box<MultiGzDecoder<BufReader<Whole<R>>>>),
    /// Only while one of the others is made.
    Changing,
}

/// The first bytes, which were looked at, and the rest.
type Whole<R> = Chain<Cursor<Vec<u8>>, Source<R>>;

/// Remembers that it failed, which tells a failing source from damaged gzip.
struct Source<R> {
    inner: R,
    failed: bool,
}

impl<R: Read> Input<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            bytes: Bytes::New(Source { inner: source, failed: false }, Vec::new()),
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset: 0,
            state: State::More,
        }
    }

    /// What the window holds.
    pub(crate) fn window(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Offset of the window in the uncompressed object.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Moves the window past its first bytes.
    pub(crate) fn consume(&mut self, bytes: usize) {
        let bytes = bytes.min(self.end - self.start);
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Widens the window; false at the end of what can be read.
    ///
    /// # Errors
    /// When the source fails.
    pub(crate) fn fill(&mut self) -> Result<bool, Error> {
        if !matches!(self.state, State::More) {
            return Ok(false);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let wanted = self.end + STEP_BYTES;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        let before = self.end;
        while self.end < wanted && matches!(self.state, State::More) {
            match self.bytes.read(&mut self.buffer[self.end..wanted]) {
                Ok(0) => self.state = State::End,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if self.bytes.source_failed() => return Err(Error::Read(error)),
                Err(error) => self.state = State::Damaged(format!("the gzip data is damaged: {error}")),
            }
        }
        Ok(self.end > before)
    }

    /// Fills the window until it holds so many bytes, or all that is left.
    ///
    /// # Errors
    /// When the source fails.
    pub(crate) fn fill_to(&mut self, bytes: usize) -> Result<(), Error> {
        while self.end - self.start < bytes && self.fill()? {}
        Ok(())
    }

    /// Why nothing more can be read, where that is damage; told once.
    pub(crate) fn take_damage(&mut self) -> Option<String> {
        match std::mem::replace(&mut self.state, State::End) {
            State::Damaged(detail) => Some(detail),
            other => {
                self.state = other;
                None
            }
        }
    }
}

impl<R: Read> Bytes<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self {
                Self::Plain(bytes) => return bytes.read(into),
                Self::Gzip(bytes) => return bytes.read(into),
                Self::Changing => return Ok(0),
                Self::New(source, head) => {
                    let mut byte = [0];
                    if source.read(&mut byte)? == 1 {
                        head.push(byte[0]);
                    } else {
                        self.open();
                        continue;
                    }
                    if head.len() == GZIP_MAGIC.len() {
                        self.open();
                    }
                }
            }
        }
    }

    /// Decides by the first bytes.
    fn open(&mut self) {
        if let Self::New(source, head) = std::mem::replace(self, Self::Changing) {
            let is_gzip = head == GZIP_MAGIC;
            let whole = Cursor::new(head).chain(source);
            *self = if is_gzip {
                let buffered = BufReader::with_capacity(SOURCE_BYTES, whole);
                Self::Gzip(Box::new(MultiGzDecoder::new(buffered)))
            } else {
                Self::Plain(whole)
            };
        }
    }

    fn source_failed(&self) -> bool {
        match self {
            Self::New(source, _) => source.failed,
            Self::Plain(whole) => whole.get_ref().1.failed,
            Self::Gzip(inflate) => inflate.get_ref().get_ref().get_ref().1.failed,
            Self::Changing => false,
        }
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into);
        self.failed = read.as_ref().is_err_and(|error| error.kind() != ErrorKind::Interrupted);
        read
    }
}
