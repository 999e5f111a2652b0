//! Parameters of prepared statements: of what type they are, and their values.

mod settled;

use std::collections::BTreeMap;

use datafusion::{
    arrow::datatypes::{DataType, Field},
    common::{
        DFSchema, ParamValues, ScalarValue,
        tree_node::{TreeNode as _, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{Expr, ExprSchemable as _, LogicalPlan, utils::merge_schema},
};
use datafusion_postgres::{
    arrow_pg::datatypes::{PG_OID_ALIAS_KEY, df::deserialize_parameters_with_server_types, into_pg_type},
    pgwire::api::{Type, portal::Portal},
};

pub(crate) use self::settled::settled;
use crate::{
    array,
    failure::{Failure, code},
};

/// Most parameters of a statement.
const MOST: usize = 1_000;

/// The parameters of a plan, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(Vec<Parameter>);

#[derive(Debug, Clone)]
struct Parameter {
    /// What the plan makes of it, where it says.
    arrow: Option<DataType>,
    /// What the client writes.
    wire: Type,
    /// Whether the client left the type to us.
    is_open: bool,
}

impl Parameters {
    /// The parameters of a plan. `given` are the types that the client named.
    pub(crate) fn of(plan: &LogicalPlan, given: &[Option<Type>]) -> Result<Self, Failure> {
        let mut found: BTreeMap<usize, Option<DataType>> = BTreeMap::new();
        for (name, arrow) in plan.get_parameter_types().map_err(Failure::engine)? {
            found.insert(place(&name)?, arrow);
        }
        let Seen { types, numbers } = Seen::in_plan(plan).map_err(Failure::engine)?;
        // A statement that is known to have no rows is planned without them.
        let count = found.keys().next_back().map_or(0, |last| last + 1).max(given.len());
        if count > MOST {
            return Err(Failure::new(code::TOO_MUCH, format!("a statement has at most {MOST} parameters")));
        }
        let parameters = (0..count).map(|number| {
            let name = format!("${}", number + 1);
            let arrow = found.remove(&number).flatten().or_else(|| types.get(&name).cloned());
            let given = given.get(number).cloned().flatten().filter(|given| *given != Type::UNKNOWN);
            let is_open = given.is_none();
            let wire = match (given, &arrow) {
                (Some(given), _) => given,
                (None, _) if numbers.contains(&name) => Type::OID,
                (None, Some(arrow)) => into_pg_type(arrow)?,
                (None, None) => Type::TEXT,
            };
            Ok(Parameter { arrow, wire, is_open })
        });
        Ok(Self(parameters.collect::<Result<_, Failure>>()?))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The numbers of their types, as the client is told.
    pub(crate) fn oids(&self) -> Vec<u32> {
        self.0.iter().map(|parameter| parameter.wire.oid()).collect()
    }

    /// The values that a portal was bound with.
    pub(crate) fn values(&self, portal: &Portal<()>) -> Result<ParamValues, Failure> {
        let as_text = |(place, parameter): (usize, &Parameter)| {
            let is_ours = matches!(
                parameter.arrow,
                Some(
                    DataType::Timestamp(..) | DataType::Date32 | DataType::Decimal128(..) | DataType::List(_)
                )
            );
            parameter.is_open && is_ours && portal.parameter_format.is_text(place)
        };
        let ours: Vec<bool> = self.0.iter().enumerate().map(as_text).collect();
        let places = || self.0.iter().zip(&ours);
        let arrow: Vec<Option<&DataType>> = places()
            .map(|(parameter, is_ours)| match &parameter.arrow {
                // The stock rounds a decimal to the scale of the column that it is compared with.
                Some(DataType::Decimal128(..)) => None,
                _ if *is_ours => None,
                other => other.as_ref(),
            })
            .collect();
        let text = Type::TEXT;
        let wire: Vec<Option<&Type>> = places()
            .map(|(parameter, is_ours)| Some(if *is_ours { &text } else { &parameter.wire }))
            .collect();
        let values = deserialize_parameters_with_server_types(portal, &arrow, &wire)?;
        let ParamValues::List(mut values) = values else { return Ok(values) };
        for ((parameter, is_ours), value) in places().zip(&mut values) {
            if *is_ours && let Some(arrow) = &parameter.arrow {
                value.value = read(&value.value, arrow)?;
            } else if let ScalarValue::Decimal128(number, _, scale) = value.value {
                value.value = ScalarValue::Decimal128(number, 38, scale);
            }
        }
        Ok(ParamValues::List(values))
    }
}

/// Reads a text whose type the client left open.
fn read(value: &ScalarValue, arrow: &DataType) -> Result<ScalarValue, Failure> {
    let text = value.try_as_str().flatten();
    if let (DataType::List(element), Some(text)) = (arrow, text) {
        let texts = array::read(text)?;
        let to = exactly(element.data_type(), texts.iter().flatten())?;
        let values = texts.into_iter().map(|text| cast(&ScalarValue::Utf8(text), &to));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        return Ok(ScalarValue::List(ScalarValue::new_list_nullable(&values, &to)));
    }
    let text = text.map(str::to_owned);
    cast(value, &exactly(arrow, text.iter())?)
}

fn cast(value: &ScalarValue, to: &DataType) -> Result<ScalarValue, Failure> {
    value.cast_to(to).map_err(|_| {
        let message = format!("`{value}` cannot be read as the {} that it is compared with", kind(to));
        Failure::new("22P02", message)
    })
}

/// A type for texts that are compared with another: numbers keep all of their digits.
fn exactly<'a>(arrow: &DataType, texts: impl Iterator<Item = &'a String>) -> Result<DataType, Failure> {
    if !matches!(arrow, DataType::Decimal128(..)) {
        return Ok(arrow.clone());
    }
    let digits = |text: &String| text.split_once('.').map_or(0, |(_, part)| part.trim_end().len());
    let most = texts.map(digits).max().unwrap_or_default();
    match i8::try_from(most) {
        Ok(scale @ ..=38) => Ok(DataType::Decimal128(38, scale)),
        _ => Err(Failure::new(
            "22003",
            format!("{most} digits after the point are more than a number can have"),
        )),
    }
}

fn kind(arrow: &DataType) -> &'static str {
    match arrow {
        DataType::Timestamp(..) => "time",
        DataType::Date32 => "date",
        DataType::Utf8 => "text",
        DataType::Boolean => "truth value",
        _ => "number",
    }
}

/// The place of `$1`, from zero.
fn place(name: &str) -> Result<usize, Failure> {
    let number = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
    match number {
        Some(number @ 1..=MOST) => Ok(number - 1),
        _ => Err(Failure::new(code::SYNTAX, format!("`{name}` is no parameter: they are $1 to ${MOST}"))),
    }
}

/// What the places tell in which a plan has its parameters.
#[derive(Default)]
struct Seen {
    /// Types that they are cast to, or searched for their elements as.
    types: BTreeMap<String, DataType>,
    /// Those that are compared with numbers of the system catalogue.
    numbers: Vec<String>,
}

impl Seen {
    fn in_plan(plan: &LogicalPlan) -> Result<Self> {
        let mut seen = Self::default();
        plan.apply_with_subqueries(|node| {
            let schema = merge_schema(&node.inputs());
            node.apply_expressions(|expr| expr.apply(|expr| seen.look(expr, &schema)))
        })?;
        Ok(seen)
    }

    fn look(&mut self, expr: &Expr, schema: &DFSchema) -> Result<TreeNodeRecursion> {
        match expr {
            Expr::Cast(cast) => {
                if let Expr::Placeholder(parameter) = cast.expr.as_ref() {
                    self.types.insert(parameter.id.clone(), cast.field.data_type().clone());
                }
            }
            // `x = ANY ($1)`
            Expr::ScalarFunction(call) if call.func.name() == "array_has" => {
                if let [Expr::Placeholder(list), element] = call.args.as_slice() {
                    let element = element_type(element.get_type(schema)?);
                    let list_type = DataType::List(Field::new_list_field(element, true).into());
                    self.types.insert(list.id.clone(), list_type);
                }
            }
            Expr::Placeholder(parameter) => {
                let field = parameter.field.as_ref();
                if field.is_some_and(|field| {
                    field.metadata().get(PG_OID_ALIAS_KEY).is_some_and(|kind| kind == "oid")
                }) {
                    self.numbers.push(parameter.id.clone());
                }
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    }
}

/// As lists hold it: texts are kept in several ways in tables.
fn element_type(of: DataType) -> DataType {
    match of {
        DataType::Dictionary(_, value) => element_type(*value),
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Null => DataType::Utf8,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_texts_keep_their_digits() {
        let read = |text: &str, arrow: DataType| read(&ScalarValue::from(text), &arrow);
        let column = DataType::Decimal128(38, 8);
        let exact = ScalarValue::Decimal128(Some(1_234_567_890_123), 38, 12);
        assert_eq!(read("1.234567890123", column.clone()), Ok(exact));
        assert_eq!(read("x", column.clone()).unwrap_err().code, "22P02");
        let list = |element: DataType| DataType::List(Field::new_list_field(element, true).into());
        let numbers = read("{1.5,NULL,0.000000000001}", list(column)).unwrap();
        assert_eq!(numbers.to_string(), "[1.500000000000, , 0.000000000001]");
        let texts = read(r#"{a,"b,\"c"}"#, list(DataType::Utf8)).unwrap();
        assert_eq!(texts.to_string(), r#"[a, b,"c]"#);
        assert_eq!(read("a", list(DataType::Utf8)).unwrap_err().code, "22P02");
        let day = read("2026-10-02", DataType::Date32);
        assert_eq!(day, Ok(ScalarValue::Date32(Some(20_728))));
    }

    #[test]
    fn parameters_are_numbered() {
        assert_eq!(place("$1"), Ok(0));
        for name in ["$0", "$1001", "$x", "1"] {
            assert!(place(name).is_err(), "{name}");
        }
    }
}
