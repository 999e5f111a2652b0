//! The threads that a statement is planned for, by the rows that it reads.
//!
//! Most questions of a dashboard read some thousand rows. Planned for all threads they pay for parts that are brought
//! together again, and gain nothing.

use datafusion::{
    catalog::{Session, TableProvider, default_table_source::source_as_provider},
    common::{Result, tree_node::TreeNodeRecursion},
    logical_expr::{Expr, LogicalPlan, expr_rewriter::unnormalize_cols},
};

use crate::{files::FilesTable, scope::Guarded};

/// Rows that are worth a thread: reading them takes about as long as planning.
const ROWS: usize = 200_000;

/// The threads for an optimised plan, of `most`.
pub(crate) fn threads(plan: &LogicalPlan, state: &dyn Session, most: usize) -> Result<usize> {
    let mut rows = Some(0_usize);
    plan.apply_with_subqueries(|step| {
        let read = match step {
            LogicalPlan::TableScan(scan) => {
                let filters = unnormalize_cols(scan.filters.iter().cloned());
                rows_read(source_as_provider(&scan.source)?.as_ref(), state, &filters)?
            }
            // Pairs of rows are more than rows.
            LogicalPlan::Join(join) if join.on.is_empty() => None,
            LogicalPlan::RecursiveQuery(_) | LogicalPlan::Unnest(_) => None,
            _ => Some(0),
        };
        rows = rows.zip(read).map(|(rows, read)| rows.saturating_add(read));
        Ok(if rows.is_some() { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    Ok(rows.map_or(most, |rows| rows.div_ceil(ROWS).clamp(1, most)))
}

/// Rows of the files that are opened for a scan, where the table is of files.
fn rows_read(table: &dyn TableProvider, state: &dyn Session, filters: &[Expr]) -> Result<Option<usize>> {
    if let Some(files) = table.downcast_ref::<FilesTable>() {
        return files.rows_read(state, filters).map(Some);
    }
    match table.downcast_ref::<Guarded>() {
        Some(guarded) => rows_read(guarded.table(), state, &[guarded.conditions(filters)]),
        None => Ok(None),
    }
}
