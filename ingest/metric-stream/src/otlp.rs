//! The OpenTelemetry formats: messages of type `ExportMetricsServiceRequest`, each after its length as a varint.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-opentelemetry-100.html>
//!
//! One message is held at a time, and its fields are walked where they stand ([`message`]): a message of Firehose has
//! thousands of small texts, and owned structs would copy each. A message whose inside is damaged is given up at the
//! damage; one whose length cannot be right takes the rest of the object with it, since nothing tells where the next
//! begins.

mod message;
mod wire;

use std::io::Read;

use crate::{
    decoder::Sink,
    error::Error,
    input::Input,
    reject::{Fault, Reason},
};

/// Longest message, bytes. Firehose delivers no record above 1,000 KiB.
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;
/// Longest varint of 32 bits.
const LENGTH_BYTES: usize = 5;

/// Reads messages until the batch is full; true at the end of the object.
pub(crate) fn read<R: Read>(input: &mut Input<R>, sink: &mut Sink) -> Result<bool, Error> {
    while !sink.is_full() {
        input.fill_to(LENGTH_BYTES)?;
        let offset = input.offset();
        let window = input.window();
        if window.is_empty() {
            return Ok(true);
        }
        let mut rest = window;
        let length = wire::varint(&mut rest).ok().and_then(|length| usize::try_from(length).ok());
        let prefix = window.len() - rest.len();
        let fault = match length {
            Some(1..=MESSAGE_LIMIT) if prefix <= LENGTH_BYTES => None,
            Some(0) => Some(Fault::new(Reason::Damaged, "an empty message")),
            Some(length) => {
                let detail = format!("no length of a message of at most {MESSAGE_LIMIT} bytes");
                Some(Fault::new(Reason::TooLong, detail).with_value(&length))
            }
            None => {
                Some(Fault::new(Reason::Damaged, "the length of a message is damaged").with_bytes(window))
            }
        };
        if let Some(fault) = fault {
            return give_up(input, sink, fault);
        }
        let whole = prefix + length.unwrap_or_default();
        input.fill_to(whole)?;
        let Some(message) = input.window().get(prefix..whole) else {
            let detail = input.take_damage().unwrap_or_else(|| "the object ends within a message".to_owned());
            return give_up(input, sink, Fault::new(Reason::Damaged, detail));
        };
        message::read(message, offset, sink)?;
        input.consume(whole);
    }
    Ok(false)
}

/// Rejects all that is left of the object.
fn give_up<R: Read>(input: &mut Input<R>, sink: &mut Sink, fault: Fault) -> Result<bool, Error> {
    let mut fault = fault;
    let offset = input.offset();
    while {
        input.consume(usize::MAX);
        input.fill()?
    } {}
    if input.offset() > offset {
        fault.detail = format!("{}; the last {} bytes are not read", fault.detail, input.offset() - offset);
    }
    sink.cut_off(offset, fault);
    Ok(true)
}
