//! Types and tables by the names that clients give them, as `to_regtype` and `to_regclass` of Postgres read them.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{AsArray as _, Int32Array},
        compute::cast,
        datatypes::DataType,
    },
    common::{Result, exec_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};
use datafusion_postgres::pgwire::api::Type;

use super::{comments::Comments, oid};

/// The names of the standard for types that Postgres keeps under others.
const STANDARD: [(&str, Type); 16] = [
    ("bigint", Type::INT8),
    ("boolean", Type::BOOL),
    ("character", Type::BPCHAR),
    ("character varying", Type::VARCHAR),
    ("decimal", Type::NUMERIC),
    ("double precision", Type::FLOAT8),
    ("float", Type::FLOAT8),
    ("int", Type::INT4),
    ("integer", Type::INT4),
    ("real", Type::FLOAT4),
    ("smallint", Type::INT2),
    ("time with time zone", Type::TIMETZ),
    ("time without time zone", Type::TIME),
    ("timestamp with time zone", Type::TIMESTAMPTZ),
    ("timestamp without time zone", Type::TIMESTAMP),
    ("\"char\"", Type::CHAR),
];
/// The numbers of built-in types are below.
const NUMBERS: u32 = 5_000;

/// The name that the standard has for a type of Postgres.
pub(super) fn standard_name(name: &str) -> &str {
    let long = |of: &str| !matches!(of, "decimal" | "float" | "int");
    STANDARD.iter().find(|(of, known)| known.name() == name && long(of)).map_or(name, |(of, _)| of)
}

/// The number of a type; nothing where there is none of that name.
fn number(name: &str) -> Option<i32> {
    let name = name.trim().to_lowercase();
    let name = name.strip_prefix("pg_catalog.").unwrap_or(&name);
    let (name, is_array) = match name.strip_suffix("[]") {
        Some(name) => (name.trim_end(), true),
        None => (name, false),
    };
    let standard = STANDARD.iter().find(|(of, _)| *of == name).map(|(_, known)| known.name());
    let name = match (standard.unwrap_or(name), is_array) {
        (name, true) => format!("_{name}"),
        (name, false) => name.to_owned(),
    };
    let found = (1..NUMBERS).find(|number| Type::from_oid(*number).is_some_and(|known| known.name() == name));
    found.and_then(|number| i32::try_from(number).ok())
}

/// A function from names to numbers; null where there is nothing of a name.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Lookup {
    name: &'static str,
    signature: Signature,
    /// Of tables and views. Types have no need of it.
    tables: Option<Arc<Comments>>,
}

/// `to_regtype` and `to_regclass`.
pub(super) fn lookups(comments: &Arc<Comments>) -> [ScalarUDF; 2] {
    let lookup = |name, tables| {
        ScalarUDF::from(Lookup { name, signature: Signature::string(1, Volatility::Immutable), tables })
    };
    [lookup("to_regtype", None), lookup("to_regclass", Some(Arc::clone(comments)))]
}

impl Lookup {
    fn number(&self, name: &str) -> Option<i32> {
        let Some(tables) = &self.tables else { return number(name) };
        let name = name.trim().replace('"', "");
        let own = name.strip_prefix("public.").unwrap_or(&name);
        oid::of_system_table(&name).or_else(|| tables.numbers.get(own).copied())
    }
}

impl ScalarUDFImpl for Lookup {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [names] = args.args.as_slice() else { return exec_err!("{} takes a name", self.name) };
        let names = cast(&names.to_array(args.number_rows)?, &DataType::Utf8)?;
        let found = names.as_string::<i32>().iter().map(|name| name.and_then(|name| self.number(name)));
        Ok(ColumnarValue::Array(Arc::new(found.collect::<Int32Array>())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_names_of_the_standard() {
        for (name, expected) in [
            ("timestamptz", "timestamp with time zone"),
            ("float8", "double precision"),
            ("int8", "bigint"),
            ("int4", "integer"),
            ("numeric", "numeric"),
            ("text", "text"),
        ] {
            assert_eq!(standard_name(name), expected);
        }
    }

    #[test]
    fn types_have_the_numbers_of_postgres() {
        for (name, expected) in [
            ("text", Some(25)),
            ("integer", Some(23)),
            ("pg_catalog.int4", Some(23)),
            ("Double Precision", Some(701)),
            ("timestamp with time zone", Some(1184)),
            ("text[]", Some(1009)),
            ("integer[]", Some(1007)),
            ("hstore", None),
            ("", None),
        ] {
            assert_eq!(number(name), expected, "{name}");
        }
    }
}
