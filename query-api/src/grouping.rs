//! `CUBE`, `ROLLUP` and `GROUPING SETS` over columns of one value.
//!
//! Of a column that a condition holds to one value the engine thinks that it has this value in the groups too, though it is
//! null in those of the sets without it. It then leaves the column out of `ORDER BY`, and ends groups before their last row:
//! groups come twice, sums in parts (seen in DataFusion 55.2, of the kind of
//! <https://github.com/apache/datafusion/issues/11291>). So columns that sets are made of go through a function that the
//! engine cannot look through.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::DataType;
use datafusion::{
    common::{
        Column, Result, ScalarValue, plan_err,
        tree_node::{Transformed, TreeNode as _},
    },
    logical_expr::{
        Aggregate, ColumnarValue, Expr, LogicalPlan, Projection, ScalarFunctionArgs, ScalarUDF,
        ScalarUDFImpl, Signature, TypeSignature, Volatility,
    },
    optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule},
};

const NAME: &str = "any_value_of_the_column";
/// What the names of hidden columns begin with.
const HIDDEN: &str = "__hidden_key_";

/// Hides what is known of the columns that grouping sets are made of.
#[derive(Debug)]
pub(crate) struct HiddenKeys {
    hide: Arc<ScalarUDF>,
}

impl HiddenKeys {
    pub(crate) fn new() -> Self {
        Self { hide: Arc::new(function()) }
    }
}

/// The function, for who reads a plan that was written down.
pub(crate) fn function() -> ScalarUDF {
    let arguments = TypeSignature::OneOf(vec![TypeSignature::Any(2), TypeSignature::Nullary]);
    ScalarUDF::from(Hide { signature: Signature::new(arguments, Volatility::Volatile) })
}

impl OptimizerRule for HiddenKeys {
    fn name(&self) -> &'static str {
        "hidden_keys"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = plan else { return Ok(Transformed::no(plan)) };
        let [Expr::GroupingSet(sets)] = aggregate.group_expr.as_slice() else {
            return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
        };
        let keys = sets.distinct_expr();
        if keys.iter().any(|key| key.column_refs().is_empty()) {
            return plan_err!("a constant cannot be a key of GROUPING SETS, CUBE or ROLLUP");
        }
        let mut hidden: BTreeMap<Column, Column> = BTreeMap::new();
        for column in keys.iter().flat_map(|key| key.column_refs()) {
            let name = format!("{HIDDEN}{}", hidden.len());
            hidden.entry(column.clone()).or_insert_with(|| Column::from_name(name));
        }
        if hidden.keys().all(|column| column.name.starts_with(HIDDEN)) {
            return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
        }
        // Conditions that were told to a file know its columns by their names, so hidden ones have others.
        let shown = aggregate.input.schema().columns().into_iter().map(Expr::Column);
        let copies = hidden.iter().map(|(column, name)| {
            let unknown = self.hide.call(vec![]);
            self.hide.call(vec![Expr::Column(column.clone()), unknown]).alias(&name.name)
        });
        let input = Projection::try_new(shown.chain(copies).collect(), aggregate.input)?;
        let replaced = |expr: Expr| {
            let replaced = expr.transform(|part| match part {
                Expr::Column(column) => match hidden.get(&column) {
                    Some(name) => Ok(Transformed::yes(Expr::Column(name.clone()))),
                    None => Ok(Transformed::no(Expr::Column(column))),
                },
                part => Ok(Transformed::no(part)),
            });
            replaced.map(|replaced| replaced.data)
        };
        let groups = aggregate.group_expr.into_iter().map(replaced).collect::<Result<_>>()?;
        let input = Arc::new(LogicalPlan::Projection(input));
        let made = Aggregate::try_new(input, groups, aggregate.aggr_expr)?;
        let before = aggregate.schema.columns();
        let shown = made.schema.columns().into_iter().zip(before);
        let shown = shown.map(|(made, of)| Expr::Column(made).alias_qualified(of.relation, of.name));
        let plan = Projection::try_new(shown.collect(), Arc::new(LogicalPlan::Aggregate(made)))?;
        Ok(Transformed::yes(LogicalPlan::Projection(plan)))
    }
}

/// Gives the first of what it is given, or null. The engine takes a function of constants for one, be it volatile or not; one
/// of nothing it knows nothing of. So a column is hidden with such a one beside it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Hide {
    signature: Signature,
}

impl ScalarUDFImpl for Hide {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Boolean))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let nothing = ColumnarValue::Scalar(ScalarValue::Boolean(None));
        Ok(args.args.into_iter().next().unwrap_or(nothing))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arrow::{
        array::{ArrayRef, Int64Array, RecordBatch, StringArray},
        util::pretty::pretty_format_batches,
    };
    use datafusion::{
        datasource::MemTable,
        execution::SessionStateBuilder,
        prelude::{SessionConfig, SessionContext},
    };

    use super::*;

    /// Rows in several parts, so that groups meet from all sides.
    fn context(threads: usize) -> SessionContext {
        let state = SessionStateBuilder::new()
            .with_config(SessionConfig::new().with_target_partitions(threads).with_batch_size(64))
            .with_default_features()
            .with_optimizer_rule(Arc::new(HiddenKeys::new()));
        let part = |part: i64| {
            let rows = part * 1_000..(part + 1) * 1_000;
            let text = |of: i64, n: i64| Some(format!("{}", n % of));
            let a: StringArray = rows.clone().map(|n| text(2, n)).collect();
            let b: StringArray = rows.clone().map(|n| text(97, n)).collect();
            let n: Int64Array = rows.map(Some).collect();
            let columns: [(&str, ArrayRef); 3] = [("a", Arc::new(a)), ("b", Arc::new(b)), ("n", Arc::new(n))];
            vec![RecordBatch::try_from_iter(columns).unwrap()]
        };
        let parts: Vec<_> = (0..8).map(part).collect();
        let context = SessionContext::new_with_state(state.build());
        let table = MemTable::try_new(parts[0][0].schema(), parts).unwrap();
        context.register_table("t", Arc::new(table)).unwrap();
        context
    }

    async fn lines(context: &SessionContext, sql: &str) -> Vec<String> {
        let rows = context.sql(sql).await.unwrap().collect().await.unwrap();
        let text = pretty_format_batches(&rows).unwrap().to_string();
        text.lines().map(str::to_owned).filter(|line| line.starts_with("| ")).skip(1).collect()
    }

    #[tokio::test]
    async fn sets_with_a_column_of_one_value_are_their_groups_together() {
        for threads in [1, 4] {
            let context = context(threads);
            for condition in ["a = '1'", "b = '5'", "a = '1' AND b = '5'", "n >= 0"] {
                let of = |a: &str, b: &str, keys: &str| {
                    format!(
                        "SELECT {a} AS a, {b} AS b, count(*) AS rows, sum(n) AS n FROM t WHERE {condition} {keys}"
                    )
                };
                let nothing = "NULL::text";
                let by_hand = [
                    of("a", "b", "GROUP BY a, b"),
                    of("a", nothing, "GROUP BY a"),
                    of(nothing, "b", "GROUP BY b"),
                    of(nothing, nothing, ""),
                ];
                let cube = of("a", "b", "GROUP BY CUBE (a, b)");
                let expected = lines(&context, &by_hand.join(" UNION ALL ")).await;
                let found = lines(&context, &cube).await;
                assert_eq!(found.len(), expected.len(), "{cube}");
                let words = |lines: Vec<String>| -> BTreeSet<String> {
                    lines.iter().map(|line| line.split_whitespace().collect()).collect()
                };
                assert_eq!(words(found), words(expected), "{cube}");

                // What is grouped once more, and in its order.
                let again = format!(
                    "SELECT a, count(*) AS groups, sum(rows) AS rows FROM ({cube}) x GROUP BY a ORDER BY a"
                );
                let again = lines(&context, &again).await;
                assert!(again.len() == if condition.contains('a') { 2 } else { 3 }, "{condition}: {again:?}");
                let ordered = lines(&context, &format!("{cube} ORDER BY 1, 2")).await;
                let keys = ordered.iter().map(|line| {
                    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
                    (cells[1].is_empty(), cells[1], cells[2].is_empty(), cells[2])
                });
                assert!(keys.is_sorted(), "{ordered:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_constant_is_no_key() {
        let error =
            context(2).sql("SELECT count(*) FROM t GROUP BY CUBE ('x', a)").await.unwrap().collect().await;
        assert!(error.unwrap_err().to_string().contains("a constant cannot be a key"));
    }
}
