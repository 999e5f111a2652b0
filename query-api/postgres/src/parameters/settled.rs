//! Types for parameters that nothing tells the type of, as in `SELECT $1`: columns that they are could not be described.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion},
    error::Result,
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, expr::Placeholder},
};
use datafusion_postgres::pgwire::api::Type;

use super::{Seen, place};
use crate::failure::Failure;

/// A plan with one type for each parameter: what another place of the plan tells, else what the client named, else whole
/// numbers for `LIMIT` and texts, as in Postgres. `given` are the types that the client named.
pub(crate) fn settled(plan: LogicalPlan, given: &[Option<Type>]) -> Result<LogicalPlan, Failure> {
    let Places { told, open, limits } = Places::in_plan(&plan).map_err(Failure::engine)?;
    let Seen { types, numbers } = Seen::in_plan(&plan).map_err(Failure::engine)?;
    let mut fields: BTreeMap<String, FieldRef> = BTreeMap::new();
    for (name, count) in open {
        let field = |arrow: DataType| Arc::new(Field::new("", arrow, true));
        let settled = match (told.get(&name), types.get(&name)) {
            (Some(told), _) => Some(Arc::clone(told)),
            // The one place that there is tells it.
            (None, Some(_)) if count == 1 => None,
            (None, Some(arrow)) => Some(field(arrow.clone())),
            (None, None) if numbers.contains(&name) => None,
            (None, None) => {
                let open = if limits.contains(&name) { DataType::Int64 } else { DataType::Utf8 };
                simple(given.get(place(&name)?).cloned().flatten().as_ref(), open).map(field)
            }
        };
        fields.extend(settled.map(|settled| (name, settled)));
    }
    if fields.is_empty() {
        return Ok(plan);
    }
    let settle = |expr: Expr| match expr {
        Expr::Placeholder(Placeholder { id, field: None }) => {
            let field = fields.get(&id).cloned();
            Ok(Transformed::yes(Expr::Placeholder(Placeholder { id, field })))
        }
        other => Ok(Transformed::no(other)),
    };
    let changed = plan.transform_up_with_subqueries(|step| {
        step.map_expressions(|expr| expr.transform_up(settle))?.map_data(|step| match step {
            LogicalPlan::Values(rows) => LogicalPlanBuilder::values(rows.values)?.build(),
            step => step.recompute_schema(),
        })
    });
    Ok(changed.map_err(Failure::engine)?.data)
}

/// What a value of a type that the client named is read as; where it named none, `open`.
fn simple(given: Option<&Type>, open: DataType) -> Option<DataType> {
    Some(match given {
        None | Some(&Type::UNKNOWN) => open,
        Some(&Type::TEXT | &Type::VARCHAR) => DataType::Utf8,
        Some(&Type::BOOL) => DataType::Boolean,
        Some(&Type::INT2) => DataType::Int16,
        Some(&Type::INT4) => DataType::Int32,
        Some(&Type::INT8) => DataType::Int64,
        Some(&Type::FLOAT4) => DataType::Float32,
        Some(&Type::FLOAT8) => DataType::Float64,
        Some(_) => return None,
    })
}

/// Where a plan has its parameters.
#[derive(Default)]
struct Places {
    /// Types of those that a place tells.
    told: BTreeMap<String, FieldRef>,
    /// How many places tell none, of those that have such.
    open: BTreeMap<String, usize>,
    /// Those that count rows.
    limits: BTreeSet<String>,
}

impl Places {
    fn in_plan(plan: &LogicalPlan) -> Result<Self> {
        let mut places = Self::default();
        plan.apply_with_subqueries(|step| {
            let is_limit = matches!(step, LogicalPlan::Limit(_));
            step.apply_expressions(|expr| {
                expr.apply(|expr| {
                    if let Expr::Placeholder(Placeholder { id, field }) = expr {
                        match field {
                            Some(field) => drop(places.told.insert(id.clone(), Arc::clone(field))),
                            None => *places.open.entry(id.clone()).or_default() += 1,
                        }
                        if is_limit {
                            places.limits.insert(id.clone());
                        }
                    }
                    Ok(TreeNodeRecursion::Continue)
                })
            })
        })?;
        Ok(places)
    }
}
