//! `array_agg` whose memory is counted in full.
//!
//! The engine's own counts of a text that is a view, as those of Parquet files are, the sixteen bytes of the view and not
//! the text, and keeps the buffer that the view points into. So texts are made plain ones before they are kept.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::{
    common::{Result, plan_err},
    functions_aggregate::array_agg::array_agg_udaf,
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF,
        Signature, Volatility,
        function::{AccumulatorArgs, StateFieldsArgs},
        utils::AggregateOrderSensitivity,
    },
    physical_expr::{PhysicalSortExpr, expressions::CastExpr},
};

/// The engine's `array_agg`, of values without views.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ArrayAgg {
    inner: Arc<AggregateUDF>,
    signature: Signature,
}

impl ArrayAgg {
    pub(super) fn new() -> Self {
        Self { inner: array_agg_udaf(), signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for ArrayAgg {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![plain(only(types)?)])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        only(types).and_then(|_| self.inner.return_type(types))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        // Distinct values are ordered by themselves alone. The order is not made plain as the values are.
        let kept = args.exprs.first().and_then(|value| Some((value, value.downcast_ref::<CastExpr>()?)));
        if let (true, Some((value, cast)), [order]) = (args.is_distinct, kept, args.order_bys)
            && order.expr.eq(cast.expr())
        {
            let order = PhysicalSortExpr { expr: Arc::clone(value), options: order.options };
            return self.inner.accumulator(AccumulatorArgs { order_bys: &[order], ..args });
        }
        self.inner.accumulator(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(args)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn with_beneficial_ordering(self: Arc<Self>, is_met: bool) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let ordered = self.inner.as_ref().clone().with_beneficial_ordering(is_met)?;
        let signature = self.signature.clone();
        Ok(ordered.map(|inner| Arc::new(Self { inner: Arc::new(inner), signature }) as _))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.inner.reverse_udf()
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.inner.supports_null_handling_clause()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

fn only(types: &[DataType]) -> Result<&DataType> {
    let [of] = types else {
        return plan_err!("array_agg is of one value, and {} are given", types.len());
    };
    Ok(of)
}

/// The type of the same values without views.
fn plain(of: &DataType) -> DataType {
    let field = |field: &FieldRef| Arc::new(Field::clone(field).with_data_type(plain(field.data_type())));
    match of {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::List(of) => DataType::List(field(of)),
        DataType::LargeList(of) => DataType::LargeList(field(of)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect()),
        other => other.clone(),
    }
}
