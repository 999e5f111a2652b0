//! Stock tables with the columns that clients ask for and the stock does not have: all of them null here.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field},
    catalog::TableProvider,
    common::{Column, ScalarValue},
    datasource::{ViewTable, provider_as_source},
    error::Result,
    logical_expr::{Expr, LogicalPlanBuilder, lit},
};

/// What a column holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    /// Rights and options are lists of texts.
    Texts,
    Number,
    /// Keys are lists of numbers of columns.
    Numbers,
}

impl Kind {
    fn null(self) -> Result<Expr> {
        let to = match self {
            Self::Text => DataType::Utf8,
            Self::Texts => DataType::List(Field::new_list_field(DataType::Utf8, true).into()),
            Self::Number => DataType::Int32,
            Self::Numbers => DataType::List(Field::new_list_field(DataType::Int16, true).into()),
        };
        Ok(lit(ScalarValue::try_from(&to)?))
    }
}

/// Table, column and what it holds.
const COLUMNS: [(&str, &str, Kind); 16] = [
    ("pg_am", "amacl", Kind::Texts),
    ("pg_attribute", "attacl", Kind::Texts),
    ("pg_attribute", "attoptions", Kind::Texts),
    ("pg_class", "relacl", Kind::Texts),
    ("pg_class", "reloptions", Kind::Texts),
    ("pg_collation", "colliculocale", Kind::Text),
    ("pg_collation", "collicurules", Kind::Text),
    ("pg_constraint", "conkey", Kind::Numbers),
    ("pg_constraint", "confkey", Kind::Numbers),
    ("pg_database", "datacl", Kind::Texts),
    ("pg_language", "lanacl", Kind::Texts),
    ("pg_language", "tableoid", Kind::Number),
    ("pg_namespace", "nspacl", Kind::Texts),
    ("pg_proc", "proacl", Kind::Texts),
    ("pg_settings", "boot_val", Kind::Text),
    ("pg_type", "typacl", Kind::Texts),
];

/// Whether a table has such columns.
pub(super) fn is_wider(table: &str) -> bool {
    COLUMNS.iter().any(|(of, ..)| *of == table)
}

/// A table of that name with them, in place of those of the same name.
pub(super) fn wider(name: &str, table: Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>> {
    let added = COLUMNS.iter().filter(|(of, ..)| *of == name);
    let schema = table.schema();
    let kept =
        schema.fields().iter().filter(|field| !added.clone().any(|(_, column, _)| column == field.name()));
    let mut columns: Vec<Expr> =
        kept.map(|field| Expr::Column(Column::new_unqualified(field.name()))).collect();
    for (_, column, kind) in added {
        columns.push(kind.null()?.alias(*column));
    }
    let plan = LogicalPlanBuilder::scan(name, provider_as_source(table), None)?.project(columns)?.build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}
