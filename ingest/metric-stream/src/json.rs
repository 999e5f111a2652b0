//! The JSON format: records of one data point each.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-json.html>
//!
//! Records end with a newline, but Firehose puts its own records one after another as they are, so the reader takes
//! values as they come and needs no newline. After a record that cannot be read it goes on behind the next newline, or
//! at the next `}{`, whichever comes first.

mod record;

use std::io::Read;

use serde_json::Deserializer;

use self::record::Record;
use crate::{
    decoder::Sink,
    error::Error,
    input::Input,
    reject::{Fault, Reason},
    resource::resource_of,
};

/// Longest record, bytes. Firehose delivers none above 1,000 KiB.
const RECORD_LIMIT: usize = 1024 * 1024;

/// Reads records.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// A bad record has begun, and its end was not yet in the window.
    skipping: bool,
}

/// Why no more records could be read from the window.
enum Stop {
    /// It ends within a record, or between two.
    Window,
    /// A bad record.
    Bad(Fault),
    /// The batch is full.
    Full,
}

impl Reader {
    /// Reads records until the batch is full; true at the end of the object.
    pub(crate) fn read<R: Read>(
        &mut self,
        input: &mut Input<R>,
        sink: &mut Sink,
        interval_s: u32,
    ) -> Result<bool, Error> {
        while !sink.is_full() {
            if self.skipping {
                self.skip(input)?;
            }
            let (read, stop) = read_window(input.window(), input.offset(), sink, interval_s)?;
            input.consume(read);
            match stop {
                Stop::Full => {}
                Stop::Bad(fault) => self.reject(input, sink, fault),
                Stop::Window if input.window().len() > RECORD_LIMIT => {
                    let detail = format!("the record is longer than {RECORD_LIMIT} bytes");
                    self.reject(input, sink, Fault::new(Reason::TooLong, detail));
                }
                Stop::Window if input.fill()? => {}
                Stop::Window => {
                    if !input.window().is_empty() {
                        let detail = input.take_damage();
                        let detail = detail.unwrap_or_else(|| "the object ends within a record".to_owned());
                        let fault = Fault::new(Reason::Damaged, detail).with_bytes(input.window());
                        sink.reject(input.offset(), fault);
                        input.consume(usize::MAX);
                    }
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Rejects the record at the start of the window.
    fn reject<R: Read>(&mut self, input: &mut Input<R>, sink: &mut Sink, fault: Fault) {
        let fault = if fault.value.is_none() { fault.with_bytes(input.window()) } else { fault };
        sink.reject(input.offset(), fault);
        self.skipping = true;
        // The first byte is of the bad record whatever it is.
        input.consume(1);
    }

    /// Moves on to where the next record may start.
    fn skip<R: Read>(&mut self, input: &mut Input<R>) -> Result<(), Error> {
        loop {
            let window = input.window();
            let next = window.iter().enumerate().find_map(|(place, byte)| match byte {
                b'\n' => Some(place + 1),
                b'}' if window.get(place + 1) == Some(&b'{') => Some(place + 1),
                _ => None,
            });
            if let Some(next) = next {
                input.consume(next);
                self.skipping = false;
                return Ok(());
            }
            // A brace at the end of the window may be the first half of the mark.
            let kept = usize::from(window.last() == Some(&b'}'));
            let passed = window.len() - kept;
            input.consume(passed);
            if !input.fill()? {
                input.consume(kept);
                self.skipping = false;
                return Ok(());
            }
        }
    }
}

/// Reads records from a window; the bytes that they took, and why it stopped.
fn read_window(window: &[u8], offset: u64, sink: &mut Sink, interval_s: u32) -> Result<(usize, Stop), Error> {
    let mut records = Deserializer::from_slice(window).into_iter::<Record<'_>>();
    let mut read = 0;
    loop {
        if sink.is_full() {
            return Ok((read, Stop::Full));
        }
        match records.next() {
            None => return Ok((window.len(), Stop::Window)),
            Some(Ok(record)) => {
                let at = offset + (read + blanks(&window[read..])) as u64;
                match record.point(interval_s) {
                    Ok(point) => {
                        let resource = resource_of(point.namespace, record.dimensions());
                        sink.point(at, &point, resource)?;
                    }
                    Err(fault) => sink.reject(at, fault),
                }
                read = records.byte_offset();
            }
            Some(Err(error)) => {
                read += blanks(&window[read..]);
                let stop = if error.is_eof() { Stop::Window } else { Stop::Bad(fault(&error)) };
                return Ok((read, stop));
            }
        }
    }
}

/// Blank bytes before the next record.
fn blanks(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

fn fault(error: &serde_json::Error) -> Fault {
    let text = error.to_string();
    // The line and column are those of the window; the reject has the offset.
    let detail = text.split(" at line ").next().unwrap_or_default();
    let reason = match error.classify() {
        serde_json::error::Category::Data if detail.starts_with("missing field") => Reason::MissingRequired,
        serde_json::error::Category::Data => Reason::WrongType,
        _ => Reason::Damaged,
    };
    Fault::new(reason, detail)
}
