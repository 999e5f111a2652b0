//! The services: one function per kind of meter, with AWS's own usage types, operations and units.
//!
//! Codes and units are those of AWS's public price list
//! (<https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html>); rates as in
//! [`super::catalog`].

pub(crate) mod compute;
pub(crate) mod managed;
pub(crate) mod network;
pub(crate) mod other;
pub(crate) mod storage;
