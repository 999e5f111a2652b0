//! The paths of the API.

mod figures;
mod metadata;
mod operation;
mod request;
mod statement;

pub(crate) use self::{
    figures::{breakdown, coverage, emissions, intensity, lines, resources, timeseries, variance},
    metadata::{factors, lineage, meta, schema},
    operation::{events, measured, metrics, ready, unknown},
    statement::sql,
};
