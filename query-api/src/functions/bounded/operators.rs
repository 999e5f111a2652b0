//! `||`, `ARRAY[..]` and `OVERLAY`, planned as bounded functions.

use std::sync::Arc;

use arrow::{
    array::{Array as _, BooleanArray},
    buffer::NullBuffer,
    compute::nullif,
    datatypes::DataType,
};
use datafusion::{
    common::{DFSchema, Result, plan_datafusion_err, plan_err, utils::list_ndims},
    functions::string,
    logical_expr::{
        BinaryExpr, ColumnarValue, Expr, ExprSchemable as _, Operator, ScalarFunctionArgs, ScalarUDF,
        ScalarUDFImpl, Signature, Volatility,
        expr::ScalarFunction,
        planner::{ExprPlanner, PlannerResult, RawBinaryExpr},
        type_coercion::binary::BinaryTypeCoercer,
    },
    scalar::ScalarValue,
    sql::sqlparser::ast::BinaryOperator,
};

use super::all;

/// Name of the function that `||` is planned as.
const JOINED: &str = "joined";

/// `a || b || ..` of texts: null where one of them is, as the engine's operator. All of them are joined at once, as each
/// operator on its own would be a level of the plan.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Joined {
    signature: Signature,
}

impl Joined {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Joined {
    fn name(&self) -> &'static str {
        JOINED
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let names: Vec<_> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(names.join(" || "))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [first, others @ ..] = types else { return plan_err!("|| joins two values") };
        let mut joined = first.clone();
        for other in others {
            joined = BinaryTypeCoercer::new(&joined, &Operator::StringConcat, other).get_result_type()?;
        }
        Ok(vec![joined; types.len()])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        types.first().cloned().ok_or_else(|| plan_datafusion_err!("|| joins two values"))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (mut has_null, mut nulls) = (false, None);
        for arg in &args.args {
            match arg {
                ColumnarValue::Scalar(value) => has_null |= value.is_null(),
                ColumnarValue::Array(array) => {
                    nulls = NullBuffer::union(nulls.as_ref(), array.logical_nulls().as_ref());
                }
            }
        }
        if has_null {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from(args.return_type())?));
        }
        // It leaves nulls out.
        let joined = string::concat().invoke_with_args(args)?;
        Ok(match (joined, nulls) {
            (ColumnarValue::Array(joined), Some(nulls)) => {
                ColumnarValue::Array(nullif(&joined, &BooleanArray::new(!nulls.inner(), None))?)
            }
            (joined, _) => joined,
        })
    }
}

/// Plans what is written as an operator; to be asked before the engine's own planners.
#[derive(Debug)]
pub(crate) struct Operators {
    joined: Arc<ScalarUDF>,
    array_concat: Arc<ScalarUDF>,
    array_append: Arc<ScalarUDF>,
    array_prepend: Arc<ScalarUDF>,
    make_array: Arc<ScalarUDF>,
    overlay: Arc<ScalarUDF>,
}

impl Operators {
    /// # Errors
    /// A defect: the engine has none of the functions.
    pub(crate) fn new() -> Result<Self> {
        let functions = all();
        let named = |name: &str| {
            let found = functions.iter().find(|function| function.name() == name).cloned();
            found.map(Arc::new).ok_or_else(|| plan_datafusion_err!("there is no function {name}"))
        };
        Ok(Self {
            joined: named(JOINED)?,
            array_concat: named("array_concat")?,
            array_append: named("array_append")?,
            array_prepend: named("array_prepend")?,
            make_array: named("make_array")?,
            overlay: named("overlay")?,
        })
    }
}

impl Operators {
    /// Two texts, or one more after those that are joined already.
    fn joined(&self, left: Expr, right: Expr) -> Expr {
        match left {
            Expr::ScalarFunction(ScalarFunction { func, mut args }) if func.name() == JOINED => {
                args.push(right);
                func.call(args)
            }
            left => self.joined.call(vec![left, right]),
        }
    }
}

/// The operands; a parameter without a type has that of the other side, as with every operator.
fn typed(left: Expr, right: Expr, schema: &DFSchema) -> Result<(Expr, Expr)> {
    if !matches!((&left, &right), (Expr::Placeholder(_), _) | (_, Expr::Placeholder(_))) {
        return Ok((left, right));
    }
    let both = BinaryExpr::new(Box::new(left), Operator::StringConcat, Box::new(right));
    let (typed, _) = Expr::BinaryExpr(both).infer_placeholder_types(schema)?;
    let Expr::BinaryExpr(BinaryExpr { left, right, .. }) = typed else {
        return plan_err!("|| joins two values");
    };
    Ok((*left, *right))
}

impl ExprPlanner for Operators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op: BinaryOperator::StringConcat, left, right } = expr else {
            return Ok(PlannerResult::Original(expr));
        };
        let (left, right) = typed(left, right, schema)?;
        let dimensions = |of: &Expr| match of {
            Expr::ScalarFunction(function) if function.name() == JOINED => Ok(0),
            _ => of.get_type(schema).map(|of| list_ndims(&of)),
        };
        let function = match (dimensions(&left)?, dimensions(&right)?) {
            (0, 0) => return Ok(PlannerResult::Planned(self.joined(left, right))),
            (left, right) if left == right => &self.array_concat,
            (left, right) if left > right => &self.array_append,
            _ => &self.array_prepend,
        };
        Ok(PlannerResult::Planned(function.call(vec![left, right])))
    }

    fn plan_array_literal(&self, values: Vec<Expr>, _: &DFSchema) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(PlannerResult::Planned(self.make_array.call(values)))
    }

    fn plan_make_map(&self, _: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        plan_err!("maps are not supported")
    }

    fn plan_overlay(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(PlannerResult::Planned(self.overlay.call(args)))
    }
}
