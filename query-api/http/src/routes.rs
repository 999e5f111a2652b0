//! The paths of the API.

mod figures;
mod metadata;
mod operation;
mod request;
mod statement;

pub(crate) use self::{
    figures::{
        GROUPS, GROUPS_MOST, PAGE, PAGE_MOST, SERIES, SERIES_MOST, breakdown, coverage, emissions, intensity,
        lines, resources, timeseries, variance,
    },
    metadata::{factors, lineage, meta, schema},
    operation::{events, measured, metrics, no_such_method, openapi, ready, unknown},
    statement::{ROWS, ROWS_MOST, sql},
};
