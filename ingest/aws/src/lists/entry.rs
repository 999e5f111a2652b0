//! What is told of a resource: what an estimate may need and what changes only when somebody changes it. No states, no
//! addresses, no zone of a database that fails over by itself.

use std::{collections::BTreeMap, fmt::Display};

use airshed_collect::Scope;

use crate::partition::Partition;

/// ARN of a resource in a scope.
pub(super) fn arn(Scope { account, region }: &Scope, service: &str, resource: impl Display) -> String {
    format!("arn:{}:{service}:{region}:{account}:{resource}", Partition::of(region).name)
}

pub(super) fn text(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// The values that are there and not empty, by name.
pub(super) fn configuration<const N: usize>(values: [(&str, Option<String>); N]) -> BTreeMap<String, String> {
    let told = values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    told.filter(|(_, value)| !value.is_empty()).collect()
}
