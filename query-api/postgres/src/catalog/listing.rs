//! What the system catalogue lists: one database, its schemas, and the tables that are seen, in the order of their names.

use std::sync::Arc;

use airshed_query_api::{CATALOG, SCHEMA};
use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef, catalog::SchemaProvider, datasource::TableType, error::DataFusionError,
};
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::{
    catalog_info::CatalogInfo,
    context::{PgCatalogContextProvider, Role},
};

/// The tables of the ledger.
#[derive(Debug, Clone)]
pub(super) struct Listing(pub(super) Arc<dyn SchemaProvider>);

#[async_trait]
impl CatalogInfo for Listing {
    async fn catalog_names(&self) -> Result<Vec<String>, DataFusionError> {
        Ok(vec![CATALOG.to_owned()])
    }

    async fn schema_names(&self, _: &str) -> Result<Option<Vec<String>>, DataFusionError> {
        Ok(Some(["information_schema", "pg_catalog", SCHEMA].map(str::to_owned).to_vec()))
    }

    async fn table_names(&self, _: &str, schema: &str) -> Result<Option<Vec<String>>, DataFusionError> {
        let mut names = if schema == SCHEMA { self.0.table_names() } else { Vec::new() };
        names.sort();
        Ok(Some(names))
    }

    async fn table_schema(
        &self,
        _: &str,
        _: &str,
        table: &str,
    ) -> Result<Option<SchemaRef>, DataFusionError> {
        Ok(self.0.table(table).await?.map(|table| table.schema()))
    }

    async fn table_type(&self, _: &str, _: &str, table: &str) -> Result<Option<TableType>, DataFusionError> {
        self.0.table_type(table).await
    }
}

/// The one user that somebody sees: themselves.
#[derive(Debug, Clone)]
pub(super) struct Owner(pub(super) Arc<str>);

#[async_trait]
impl PgCatalogContextProvider for Owner {
    async fn roles(&self) -> Vec<String> {
        vec![self.0.to_string()]
    }

    async fn role(&self, name: &str) -> Option<Role> {
        Some(Role {
            name: name.to_owned(),
            is_superuser: false,
            can_login: true,
            can_create_db: false,
            can_create_role: false,
            can_create_user: false,
            can_replication: false,
            grants: Vec::new(),
            inherited_roles: Vec::new(),
        })
    }
}
