//! Patterns come from the statement, not from rows.
//!
//! A pattern that is made anew for each row is compiled for each row: that takes milliseconds and hundreds of kilobytes a
//! row, in no memory pool and without a pause in which the statement could be ended.

use datafusion::{
    common::{
        Result as EngineResult,
        tree_node::{TreeNode as _, TreeNodeRecursion},
    },
    logical_expr::{BinaryExpr, Expr, Like, LogicalPlan, Operator, Volatility, expr::ScalarFunction},
};

use crate::error::{Error, ErrorKind, Result};

/// Refuses a plan that looks for patterns which are not the same for all rows.
///
/// # Errors
/// [`ErrorKind::Statement`], with the expression.
pub(crate) fn check_patterns(plan: &LogicalPlan) -> Result<()> {
    let mut made_of_rows = None;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                Ok(match pattern(part) {
                    Some(pattern) if !is_one(pattern)? => {
                        made_of_rows = Some(part.to_string());
                        TreeNodeRecursion::Stop
                    }
                    _ => TreeNodeRecursion::Continue,
                })
            })
        })
    })
    .map_err(Error::from_engine)?;
    match made_of_rows {
        None => Ok(()),
        Some(expr) => {
            let message =
                format!("a regular expression must be the same for all rows, not made of them: {expr}");
            Err(Error::new(ErrorKind::Statement, message))
        }
    }
}

/// The regular expression that an expression looks for.
fn pattern(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr {
            op:
                Operator::RegexMatch | Operator::RegexIMatch | Operator::RegexNotMatch | Operator::RegexNotIMatch,
            right,
            ..
        }) => Some(right),
        Expr::SimilarTo(Like { pattern, .. }) => Some(pattern),
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name().starts_with("regexp_") => {
            args.get(1)
        }
        _ => None,
    }
}

/// Whether an expression has one value for all rows.
fn is_one(expr: &Expr) -> EngineResult<bool> {
    expr.exists(|part| {
        Ok(match part {
            Expr::Column(_) | Expr::OuterReferenceColumn(..) | Expr::ScalarSubquery(_) => true,
            Expr::ScalarFunction(function) => function.func.signature().volatility == Volatility::Volatile,
            _ => false,
        })
    })
    .map(|varies| !varies)
}
