//! The calculation: billed lines and factors in, energy, CO2e and water out.
//!
//! A billing export has many rows and few distinct kinds of row. Each distinct kind is a [`class::ClassKey`]; a method
//! ([`profile`]) turns it, once, into a [`class::Class`]: a status, the reason for it, and coefficients per billed
//! unit. What is left per row is arithmetic over columns, and it is the same arithmetic for every method.
//!
//! Nothing here sees a network, a file, a clock or a random number: a figure depends on the line, its utilisation, the
//! factor set, the method with its options, and this code. `docs/methodology` has a page per step.

pub mod apportion;
pub mod bounds;
pub mod class;
pub mod curve;
pub mod estimate;
pub mod explain;
pub mod method;
pub mod place;
pub mod profile;
pub mod reason;
#[cfg(test)]
mod sample;
pub mod usage;
pub mod utilization;
