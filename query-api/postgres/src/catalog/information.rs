//! The schema `information_schema`: what the engine tells of tables, and columns with the types that Postgres has.

use std::sync::Arc;

use airshed_query_api::{CATALOG, SCHEMA};
use async_trait::async_trait;
use datafusion::{
    arrow::{
        array::{ArrayRef, Int32Array, RecordBatch, StringArray, new_null_array},
        datatypes::{DataType, Field, Schema},
    },
    catalog::{
        CatalogProvider as _, CatalogProviderList as _, MemTable, MemoryCatalogProvider,
        MemoryCatalogProviderList, SchemaProvider, TableProvider,
        information_schema::InformationSchemaProvider,
    },
    common::exec_datafusion_err,
    error::Result,
};
use datafusion_postgres::arrow_pg::datatypes::into_pg_type;

use super::types;

/// Tables of keys and what else the ledger does not have, and their columns.
const EMPTY: [(&str, &[&str]); 4] = [
    (
        "constraint_column_usage",
        &[
            "table_catalog",
            "table_schema",
            "table_name",
            "column_name",
            "constraint_schema",
            "constraint_name",
        ],
    ),
    (
        "key_column_usage",
        &[
            "constraint_schema",
            "constraint_name",
            "table_catalog",
            "table_schema",
            "table_name",
            "column_name",
        ],
    ),
    (
        "referential_constraints",
        &["constraint_schema", "constraint_name", "unique_constraint_schema", "unique_constraint_name"],
    ),
    (
        "table_constraints",
        &[
            "constraint_schema",
            "constraint_name",
            "table_catalog",
            "table_schema",
            "table_name",
            "constraint_type",
        ],
    ),
];
/// What the engine has beside it is its own settings and functions.
const STOCK: [&str; 3] = ["schemata", "tables", "views"];
const COLUMNS: &str = "columns";

/// The schema.
#[derive(Debug)]
pub(super) struct Information {
    stock: InformationSchemaProvider,
    public: Arc<dyn SchemaProvider>,
}

impl Information {
    /// Of the tables of the ledger that somebody sees.
    ///
    /// # Errors
    /// Where the engine refuses; a defect.
    pub(super) fn new(public: Arc<dyn SchemaProvider>) -> Result<Self> {
        // A list of its own: one that holds this schema as well would never be freed.
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(SCHEMA, Arc::clone(&public))?;
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
        Ok(Self { stock: InformationSchemaProvider::new(Arc::new(catalogs)), public })
    }

    async fn columns(&self) -> Result<Arc<dyn TableProvider>> {
        let mut rows = Vec::new();
        let mut tables = self.public.table_names();
        tables.sort();
        for table in tables {
            let Some(provider) = self.public.table(&table).await? else { continue };
            for (place, field) in (1..).zip(provider.schema().fields()) {
                rows.push((table.clone(), place, Arc::clone(field)));
            }
        }
        let kinds: Vec<String> = rows
            .iter()
            .map(|(_, _, field)| {
                let kind = into_pg_type(field.data_type());
                Ok(kind.map_err(|e| exec_datafusion_err!("{e}"))?.name().to_owned())
            })
            .collect::<Result<_>>()?;
        let decimal = |pick: fn(u8, i8) -> i32| -> ArrayRef {
            let numbers = rows.iter().map(|(_, _, field)| match field.data_type() {
                DataType::Decimal128(precision, scale) => Some(pick(*precision, *scale)),
                _ => None,
            });
            Arc::new(numbers.collect::<Int32Array>())
        };
        let same = |value: &str| texts(rows.iter().map(|_| value));
        let nullable = |field: &Field| if field.is_nullable() { "YES" } else { "NO" };
        let null = || new_null_array(&DataType::Utf8, rows.len());
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("table_catalog", same(CATALOG)),
            ("table_schema", same(SCHEMA)),
            ("table_name", texts(rows.iter().map(|(table, ..)| table.as_str()))),
            ("column_name", texts(rows.iter().map(|(_, _, field)| field.name().as_str()))),
            (
                "ordinal_position",
                Arc::new(Int32Array::from_iter_values(rows.iter().map(|(_, place, _)| *place))),
            ),
            ("column_default", null()),
            ("is_nullable", texts(rows.iter().map(|(_, _, field)| nullable(field)))),
            ("data_type", texts(kinds.iter().map(|kind| types::standard_name(kind)))),
            ("character_maximum_length", new_null_array(&DataType::Int32, rows.len())),
            ("numeric_precision", decimal(|precision, _| i32::from(precision))),
            ("numeric_scale", decimal(|_, scale| i32::from(scale))),
            ("udt_catalog", same(CATALOG)),
            ("udt_schema", same("pg_catalog")),
            ("udt_name", texts(kinds.iter().map(String::as_str))),
            ("is_identity", same("NO")),
            ("is_generated", same("NEVER")),
            ("generation_expression", null()),
            ("is_updatable", same("NO")),
        ];
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
    }
}

#[async_trait]
impl SchemaProvider for Information {
    fn table_names(&self) -> Vec<String> {
        STOCK
            .iter()
            .chain(&[COLUMNS])
            .chain(EMPTY.iter().map(|(name, _)| name))
            .map(|name| (*name).to_owned())
            .collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if name == COLUMNS {
            return self.columns().await.map(Some);
        }
        if let Some((_, columns)) = EMPTY.iter().find(|(of, _)| *of == name) {
            let fields: Vec<Field> =
                columns.iter().map(|column| Field::new(*column, DataType::Utf8, true)).collect();
            let table = MemTable::try_new(Arc::new(Schema::new(fields)), vec![vec![]])?;
            return Ok(Some(Arc::new(table)));
        }
        if STOCK.contains(&name) { self.stock.table(name).await } else { Ok(None) }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.table_names().iter().any(|known| known == name)
    }
}

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}
