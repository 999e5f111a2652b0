//! The JSON format: records of one data point each.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-json.html>
//!
//! Records end with a newline, but Firehose puts its own records one after another as they are, so the reader takes
//! values as they come and needs no newline. After a record that cannot be read it goes on behind the next newline, or
//! at the next `}{`, whichever comes first.
//!
//! Fields are read where they stand, in whatever order ([`scan`]): a general JSON reader would take the longest of all
//! steps of the decoder.

mod names;
mod number;
mod record;
mod scan;
#[cfg(test)]
mod tests;

use std::io::Read;

use self::{
    record::{FieldNames, Record},
    scan::{Halt, Scan},
};
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
    names: FieldNames,
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
            let (read, stop) = self.read_window(input.window(), input.offset(), sink, interval_s)?;
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
                        sink.cut_off(input.offset(), fault);
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
    /// Reads records from a window; the bytes that they took, and why it stopped.
    fn read_window(
        &mut self,
        window: &[u8],
        offset: u64,
        sink: &mut Sink,
        interval_s: u32,
    ) -> Result<(usize, Stop), Error> {
        let mut dimensions = Vec::new();
        let mut scan = Scan::new(window);
        loop {
            if sink.is_full() {
                return Ok((scan.at(), Stop::Full));
            }
            if scan.peek().is_none() {
                return Ok((scan.at(), stop(scan.end())));
            }
            let start = scan.at();
            let at = offset + start as u64;
            dimensions.clear();
            match Record::read(&mut scan, &mut self.names, &mut dimensions) {
                Ok(record) => match record.point(interval_s) {
                    Ok(point) => {
                        let pairs = dimensions.iter().map(|(name, value)| (&**name, &**value));
                        let resource = resource_of(point.namespace, pairs);
                        sink.point(at, &point, resource)?;
                    }
                    Err(fault) => sink.reject(at, fault),
                },
                Err(halt) => return Ok((start, stop(halt))),
            }
        }
    }
}

fn stop(halt: Halt) -> Stop {
    match halt {
        Halt::End => Stop::Window,
        Halt::Bad(reason, detail) => Stop::Bad(Fault::new(reason, detail)),
        Halt::Missing(field) => {
            Stop::Bad(Fault::new(Reason::MissingRequired, format!("missing field `{field}`")))
        }
    }
}
