//! What CloudWatch metric streams deliver through Firehose to S3, decoded into data points.
//!
//! An object holds one of two formats, gzip or plain; both are told from its content:
//! - JSON: records of one data point each, with or without newlines between them;
//! - OpenTelemetry 1.0 or 0.7: protobuf messages, each after its length as a varint.
//!
//! [`Decoder`] reads an object as a stream, in memory bounded by a batch and a record, and yields Arrow batches of data
//! points of single resources ([`points`]). What cannot be read is a [`Reject`] with its place and reason; what speaks
//! of no single resource is counted ([`LeftOut`]). [`utilization::convert`] turns data points into rows of the
//! ledger's table `utilization`, with resources named as bills name them ([`resource`]). `docs/metric-streams.md` has the tables of both, with sources.
//!
//! Pure: no I/O but the reader that is passed in, no clock, no query engine. Nothing here panics on hostile bytes.

mod decoder;
mod error;
mod input;
mod json;
mod otlp;
pub mod points;
mod reject;
pub mod resource;
mod unit;
pub mod utilization;

pub use decoder::{Decoded, Decoder, Format, Options};
pub use error::Error;
pub use reject::{Reason, Reject};
pub use resource::{LeftOut, billed_id};
