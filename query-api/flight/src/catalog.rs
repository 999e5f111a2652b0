//! What clients ask to find their way: catalogues, schemas, tables, and what the server is.

use std::sync::Arc;

use airshed_query_api::{CATALOG, Error, ErrorKind, Result, SCHEMA, Session};
use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use arrow_flight::{
    error::FlightError,
    sql::{
        CommandGetCatalogs, CommandGetDbSchemas, CommandGetTableTypes, CommandGetTables, SqlInfo,
        SqlSupportedCaseSensitivity, SqlSupportedTransaction,
        metadata::{SqlInfoData, SqlInfoDataBuilder, XdbcTypeInfoData, XdbcTypeInfoDataBuilder},
    },
};
use datafusion::datasource::TableType;

use crate::wire;

const TABLE: &str = "TABLE";
const VIEW: &str = "VIEW";

/// Types of a key's columns, as Flight SQL lays them down.
const TEXT: DataType = DataType::Utf8;
const NUMBER: DataType = DataType::Int32;
const RULE: DataType = DataType::UInt8;

/// What cannot be written.
pub(crate) fn defect(error: FlightError) -> Error {
    Error::with_source(ErrorKind::Corrupt, "the catalogue cannot be written", error)
}

/// The catalogue that there is.
pub(crate) fn catalogs(command: CommandGetCatalogs) -> Result<RecordBatch> {
    let mut builder = command.into_builder();
    builder.append(CATALOG);
    builder.build().map_err(defect)
}

/// The schema that there is.
pub(crate) fn schemas(command: CommandGetDbSchemas) -> Result<RecordBatch> {
    let mut builder = command.into_builder();
    builder.append(CATALOG, SCHEMA);
    builder.build().map_err(defect)
}

/// The tables and views of a session, which are those that its scope lets be seen.
pub(crate) async fn tables(command: CommandGetTables, session: &Session) -> Result<RecordBatch> {
    let mut builder = command.into_builder();
    let catalog = session.context().catalog(CATALOG);
    let schema = catalog.and_then(|catalog| catalog.schema(SCHEMA));
    let schema =
        schema.ok_or_else(|| Error::with_source(ErrorKind::Corrupt, "the session has no schema", SCHEMA))?;
    for name in schema.table_names() {
        let Some(table) = schema.table(&name).await.map_err(Error::from_engine)? else { continue };
        let kind = if table.table_type() == TableType::View { VIEW } else { TABLE };
        let columns = wire::schema(&table.schema());
        builder.append(CATALOG, SCHEMA, &name, kind, &columns).map_err(defect)?;
    }
    builder.build().map_err(defect)
}

/// The kinds of tables.
pub(crate) fn table_types(command: CommandGetTableTypes) -> Result<RecordBatch> {
    let mut builder = command.into_builder();
    builder.append(TABLE);
    builder.append(VIEW);
    builder.build().map_err(defect)
}

/// What the server is.
///
/// # Errors
/// A defect.
pub(crate) fn server() -> Result<SqlInfoData, FlightError> {
    let mut server = SqlInfoDataBuilder::new();
    server.append(SqlInfo::FlightSqlServerName, "Airshed");
    server.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    server.append(SqlInfo::FlightSqlServerArrowVersion, arrow::ARROW_VERSION);
    server.append(SqlInfo::FlightSqlServerReadOnly, true);
    server.append(SqlInfo::FlightSqlServerSql, true);
    server.append(SqlInfo::FlightSqlServerSubstrait, false);
    server.append(SqlInfo::FlightSqlServerTransaction, SqlSupportedTransaction::None as i32);
    server.append(SqlInfo::FlightSqlServerCancel, false);
    server.append(SqlInfo::FlightSqlServerBulkIngestion, false);
    server.append(SqlInfo::SqlDdlCatalog, false);
    server.append(SqlInfo::SqlDdlSchema, false);
    server.append(SqlInfo::SqlDdlTable, false);
    server
        .append(SqlInfo::SqlIdentifierCase, SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i32);
    server.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    server.append(SqlInfo::SqlAllTablesAreSelectable, true);
    server.build()
}

/// Types by the numbers of ODBC: none are told.
///
/// # Errors
/// A defect.
pub(crate) fn xdbc_types() -> Result<XdbcTypeInfoData, FlightError> {
    XdbcTypeInfoDataBuilder::new().build()
}

/// Primary keys: none are declared, as no table enforces any.
pub(crate) fn primary_keys() -> RecordBatch {
    none(&[
        ("catalog_name", TEXT, true),
        ("db_schema_name", TEXT, true),
        ("table_name", TEXT, false),
        ("column_name", TEXT, false),
        ("key_name", TEXT, true),
        ("key_sequence", NUMBER, false),
    ])
}

/// Foreign keys, by either end: none are declared.
pub(crate) fn foreign_keys() -> RecordBatch {
    none(&[
        ("pk_catalog_name", TEXT, true),
        ("pk_db_schema_name", TEXT, true),
        ("pk_table_name", TEXT, false),
        ("pk_column_name", TEXT, false),
        ("fk_catalog_name", TEXT, true),
        ("fk_db_schema_name", TEXT, true),
        ("fk_table_name", TEXT, false),
        ("fk_column_name", TEXT, false),
        ("key_sequence", NUMBER, false),
        ("fk_key_name", TEXT, true),
        ("pk_key_name", TEXT, true),
        ("update_rule", RULE, false),
        ("delete_rule", RULE, false),
    ])
}

fn none(columns: &[(&str, DataType, bool)]) -> RecordBatch {
    let field = |(name, kind, nullable): &(&str, DataType, bool)| Field::new(*name, kind.clone(), *nullable);
    let schema: SchemaRef = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    RecordBatch::new_empty(schema)
}
