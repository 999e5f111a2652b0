//! A table that shows only some of its rows.
//!
//! The scope is asked of each row before anything of a statement sees it. An optimiser that moves a condition of the
//! statement below that would let its errors and its time speak of hidden rows (`WHERE 1 / (cost - 5) > 0`), so the
//! reading is closed off ([`GuardExec`]): only comparisons of plain columns with literals pass, which cannot fail and
//! are needed to leave files and row groups out. Statistics of the table are not told either.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::{
    catalog::{Session, TableProvider},
    common::{Column, DFSchema, Result},
    logical_expr::{Expr, Operator, TableProviderFilterPushDown, TableType, expr::InList},
    physical_plan::{ExecutionPlan, filter::FilterExec},
};

use super::guard_exec::GuardExec;

/// A table and the condition that its rows must meet to be seen.
#[derive(Debug)]
pub(crate) struct Guarded {
    table: Arc<dyn TableProvider>,
    rows: Expr,
}

impl Guarded {
    pub(super) fn new(table: Arc<dyn TableProvider>, rows: Expr) -> Self {
        Self { table, rows }
    }

    /// The table with all of its rows.
    pub(crate) fn table(&self) -> &dyn TableProvider {
        self.table.as_ref()
    }

    /// The conditions under which it is read: its own and those of a statement that cannot fail.
    pub(crate) fn conditions(&self, filters: &[Expr]) -> Expr {
        let harmless = filters.iter().filter(|filter| cannot_fail(filter)).cloned();
        harmless.fold(self.rows.clone(), Expr::and)
    }
}

#[async_trait]
impl TableProvider for Guarded {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| {
            if cannot_fail(filter) {
                TableProviderFilterPushDown::Inexact
            } else {
                TableProviderFilterPushDown::Unsupported
            }
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        // A limit counts rows that are seen, which reading does not know.
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.table.schema();
        let mut columns = projection.map_or_else(|| (0..schema.fields().len()).collect(), Clone::clone);
        let shown = columns.len();
        let conditions = self.conditions(filters);
        for column in conditions.column_refs() {
            let index = schema.index_of(&column.name)?;
            if !columns.contains(&index) {
                columns.push(index);
            }
        }
        let input = self.table.scan(state, Some(&columns), std::slice::from_ref(&conditions), None).await?;
        let schema = DFSchema::try_from(input.schema())?;
        let rows = state.create_physical_expr(self.rows.clone(), &schema)?;
        // The optimiser moves these into the reading; the guard lets nothing from above join them.
        let conditions = state.create_physical_expr(conditions, &schema)?;
        let input = Arc::new(FilterExec::try_new(conditions, input)?);
        Ok(Arc::new(GuardExec::new(input, rows, shown)))
    }
}

/// Whether a condition only compares columns with literals: it cannot fail on any row.
fn cannot_fail(condition: &Expr) -> bool {
    let is_column = |expr: &Expr| matches!(expr, Expr::Column(Column { .. }));
    let is_literal = |expr: &Expr| matches!(expr, Expr::Literal(..));
    match condition {
        Expr::BinaryExpr(binary) => match binary.op {
            Operator::And | Operator::Or => cannot_fail(&binary.left) && cannot_fail(&binary.right),
            Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq => {
                (is_column(&binary.left) && is_literal(&binary.right))
                    || (is_literal(&binary.left) && is_column(&binary.right))
            }
            _ => false,
        },
        Expr::Between(between) => {
            is_column(&between.expr) && is_literal(&between.low) && is_literal(&between.high)
        }
        Expr::InList(InList { expr, list, .. }) => is_column(expr) && list.iter().all(is_literal),
        Expr::IsNull(inner) | Expr::IsNotNull(inner) => is_column(inner),
        Expr::Not(inner) => cannot_fail(inner),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
