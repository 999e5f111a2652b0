//! Functions of Postgres that clients call to find their way. None reads anything but the catalogue.

use std::sync::{Arc, PoisonError};

use airshed_query_api::CATALOG;
use datafusion::{
    arrow::{
        array::{Array as _, AsArray as _, BooleanArray, StringArray},
        compute::cast,
        datatypes::{DataType, Int32Type},
    },
    common::{Result, ScalarValue, exec_err},
    logical_expr::{
        ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
    },
    prelude::SessionContext,
};
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::{
    self as stock, PgCatalogStaticTables, array_bounds_udf, format_type, pg_get_expr_udf, quote_ident_udf,
};

use super::{Person, comments::Comments, format::Format, types::lookups};
use crate::settings::SERVER_VERSION;

/// Registers all of them. Ours come last, in place of those of the same name.
pub(super) fn register(
    context: &SessionContext,
    fixed: &PgCatalogStaticTables,
    comments: &Arc<Comments>,
    person: &Person,
) {
    context.register_udtf("pg_get_keywords", fixed.pg_get_keywords.clone());
    let of_stock = [
        stock::create_current_database_udf(CATALOG),
        stock::create_current_schema_udf(),
        stock::create_current_schemas_udf(),
        stock::create_pg_table_is_visible(),
        stock::create_pg_get_partkeydef_udf(),
        stock::create_pg_relation_is_publishable_udf(),
        stock::create_pg_get_statisticsobjdef_columns_udf(),
        stock::create_pg_encoding_to_char_udf(),
        stock::create_pg_stat_get_numscans(),
        stock::create_pg_get_constraintdef(),
        stock::create_pg_get_partition_ancestors_udf(),
        format_type::create_format_type_udf(),
        pg_get_expr_udf::create_pg_get_expr_udf(),
        quote_ident_udf::create_quote_ident_udf(),
        quote_ident_udf::create_parse_ident_udf(),
        array_bounds_udf::create_array_upper_udf(),
        array_bounds_udf::create_array_lower_udf(),
    ];
    for function in of_stock {
        context.register_udf(function);
    }
    context.register_udf(ScalarUDF::from(Format::new()));
    let text = |text: &str| ScalarValue::from(text);
    let user = text(&person.name);
    let null = ScalarValue::Utf8(None);
    let size = ScalarValue::Int64(None);
    let constants: [(&[&'static str], ScalarValue); 9] = [
        (&["version"], text(&format!("PostgreSQL {SERVER_VERSION}"))),
        (&["session_user", "current_user", "current_role", "user", "pg_get_userbyid"], user),
        (&["pg_backend_pid"], ScalarValue::from(person.number)),
        (&["pg_char_to_encoding"], ScalarValue::from(6_i32)),
        (&["getdatabaseencoding", "pg_client_encoding"], text("UTF8")),
        (
            &[
                "pg_collation_is_visible",
                "pg_conversion_is_visible",
                "pg_function_is_visible",
                "pg_has_role",
                "pg_opclass_is_visible",
                "pg_operator_is_visible",
                "pg_opfamily_is_visible",
                "pg_statistics_obj_is_visible",
                "pg_ts_config_is_visible",
                "pg_ts_dict_is_visible",
                "pg_ts_parser_is_visible",
                "pg_ts_template_is_visible",
                "pg_type_is_visible",
            ],
            ScalarValue::from(true),
        ),
        (
            &[
                "pg_column_is_updatable",
                "pg_is_in_recovery",
                "pg_is_other_temp_schema",
                "row_security_active",
            ],
            ScalarValue::from(false),
        ),
        // How much there is, of whatever scope, is not told.
        (
            &[
                "pg_database_size",
                "pg_indexes_size",
                "pg_relation_size",
                "pg_table_size",
                "pg_tablespace_size",
                "pg_total_relation_size",
            ],
            size,
        ),
        (
            &[
                "inet_client_addr",
                "inet_server_addr",
                "pg_advisory_unlock_all",
                "pg_get_function_arguments",
                "pg_get_function_identity_arguments",
                "pg_get_function_result",
                "pg_get_function_sqlbody",
                "pg_get_functiondef",
                "pg_get_indexdef",
                "pg_get_ruledef",
                "pg_get_serial_sequence",
                "pg_get_statisticsobjdef",
                "pg_get_triggerdef",
                "pg_size_pretty",
                "pg_tablespace_location",
                "shobj_description",
            ],
            null,
        ),
    ];
    for (names, value) in constants {
        for name in names.iter().copied() {
            context.register_udf(Constant::of(name, value.clone()));
        }
    }
    for what in ["any_column", "column", "database", "function", "schema", "sequence", "table", "tablespace"]
    {
        context.register_udf(Privilege::of(format!("has_{what}_privilege")));
    }
    for (name, arguments, told) in [
        ("obj_description", 1..=2, Told::Object),
        ("col_description", 2..=2, Told::Column),
        ("pg_get_viewdef", 1..=2, Told::View),
    ] {
        let of_any = arguments.map(TypeSignature::Any).collect();
        let signature = Signature::one_of(of_any, Volatility::Stable);
        context.register_udf(ScalarUDF::from(Comment {
            name,
            signature,
            told,
            comments: Arc::clone(comments),
        }));
    }
    for lookup in lookups(comments) {
        context.register_udf(lookup);
    }
    for name in ["current_setting", "set_config"] {
        context.register_udf(ScalarUDF::from(Setting {
            name,
            signature: anything(),
            person: person.clone(),
        }));
    }
}

fn anything() -> Signature {
    Signature::one_of(vec![TypeSignature::Nullary, TypeSignature::VariadicAny], Volatility::Stable)
}

/// The same for everybody and everything.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Constant {
    name: &'static str,
    signature: Signature,
    value: ScalarValue,
}

impl Constant {
    fn of(name: &'static str, value: ScalarValue) -> ScalarUDF {
        ScalarUDF::from(Self { name, signature: anything(), value })
    }
}

impl ScalarUDFImpl for Constant {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.value.data_type())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(self.value.clone()))
    }
}

/// Whether somebody may: reading, on all that they see.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Privilege {
    name: String,
    signature: Signature,
}

impl Privilege {
    fn of(name: String) -> ScalarUDF {
        let counts = (2..=4).map(TypeSignature::Any).collect();
        ScalarUDF::from(Self { name, signature: Signature::one_of(counts, Volatility::Stable) })
    }
}

impl ScalarUDFImpl for Privilege {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(asked) = args.args.last() else { return exec_err!("{} takes a privilege", self.name) };
        let asked = cast(&asked.to_array(args.number_rows)?, &DataType::Utf8)?;
        let reads = |asked: &str| {
            let mut asked = asked.split(',').map(|one| one.trim().to_ascii_lowercase());
            asked.any(|one| ["select", "usage", "connect", "execute"].contains(&one.as_str()))
        };
        let may: BooleanArray = asked.as_string::<i32>().iter().map(|asked| asked.map(reads)).collect();
        Ok(ColumnarValue::Array(Arc::new(may)))
    }
}

/// Which of the comments a function tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Told {
    Object,
    Column,
    View,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Comment {
    name: &'static str,
    signature: Signature,
    told: Told,
    comments: Arc<Comments>,
}

impl ScalarUDFImpl for Comment {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let number = |place: usize| {
            let Some(value) = args.args.get(place) else { return exec_err!("{} takes a number", self.name) };
            Ok(cast(&value.to_array(args.number_rows)?, &DataType::Int32)?)
        };
        let objects = number(0)?;
        let objects = objects.as_primitive::<Int32Type>();
        let columns = if self.told == Told::Column { Some(number(1)?) } else { None };
        let tell = |row: usize| {
            let object = objects.is_valid(row).then(|| objects.value(row))?;
            let column = columns.as_ref().map(|columns| columns.as_primitive::<Int32Type>().value(row));
            match self.told {
                Told::View => self.comments.views.get(&object).map(|(_, sql)| sql.as_str()),
                _ => self.comments.of.get(&(object, column.unwrap_or_default())).map(String::as_str),
            }
        };
        let told: StringArray = (0..objects.len()).map(tell).collect();
        Ok(ColumnarValue::Array(Arc::new(told)))
    }
}

/// `current_setting` and `set_config`. The latter only gives back what it was asked: SET changes settings.
#[derive(Debug)]
struct Setting {
    name: &'static str,
    signature: Signature,
    person: Person,
}

impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.person.settings, &other.person.settings)
    }
}

impl Eq for Setting {}

impl std::hash::Hash for Setting {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Setting {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let text = |place: usize| match args.args.get(place) {
            Some(ColumnarValue::Scalar(value)) => value.try_as_str().flatten(),
            _ => None,
        };
        let Some(name) = text(0) else { return exec_err!("{} takes the name of a setting", self.name) };
        if self.name == "set_config" {
            let ("jit", Some(value)) = (name, text(1)) else {
                return exec_err!("set_config changes nothing here: use SET");
            };
            return Ok(ColumnarValue::Scalar(ScalarValue::from(value)));
        }
        let is_lenient =
            matches!(args.args.get(1), Some(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true)))));
        let settings = self.person.settings.read().unwrap_or_else(PoisonError::into_inner);
        match settings.get(name) {
            Ok(value) => Ok(ColumnarValue::Scalar(ScalarValue::from(value))),
            Err(_) if is_lenient => Ok(ColumnarValue::Scalar(ScalarValue::Utf8(None))),
            Err(failure) => exec_err!("{}", failure.message),
        }
    }
}
