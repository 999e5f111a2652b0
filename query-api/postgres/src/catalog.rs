//! What clients ask to find their way: the tables and views of the ledger in the shape of Postgres' system catalogue.
//!
//! It begins with that of `datafusion-pg-catalog` and differs where that one would mislead: object numbers are the same
//! on every connection and after every new run (the stock counts as it is asked), comments are those of the schema,
//! people are the one who asks, and no password is shown. Each connection has a context of its own for a pinned state,
//! with tables shared; nothing that a statement can do changes it.

mod comments;
mod format;
mod functions;
mod information;
mod listing;
pub(crate) mod oid;
mod own;
mod types;
mod wider;

use std::sync::{Arc, RwLock};

use airshed_query_api::{CATALOG, SCHEMA, Session};
use datafusion::{
    catalog::{
        CatalogProvider as _, CatalogProviderList as _, MemoryCatalogProvider, MemoryCatalogProviderList,
    },
    common::internal_datafusion_err,
    error::Result,
    execution::SessionStateBuilder,
    prelude::SessionContext,
};
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::{
    PgCatalogSchemaProvider, PgCatalogStaticTables, generate_series_arg_coercion::CoerceIntArgsToBigInt,
    oid_type_planner::PgOidTypePlanner,
};

pub(crate) use self::own::{EMPTY, PG_INDEXES};
use self::{
    comments::Comments,
    information::Information,
    listing::{Listing, Owner},
    own::PgCatalog,
};
use crate::settings::Settings;

/// The system catalogue, as far as it is the same for everybody.
pub(crate) struct Catalogue {
    fixed: Arc<PgCatalogStaticTables>,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Name of the user.
    pub(crate) name: Arc<str>,
    /// Number of the connection.
    pub(crate) number: i32,
    /// What they have set.
    pub(crate) settings: Arc<RwLock<Settings>>,
}

impl Catalogue {
    /// Reads the parts that never change.
    ///
    /// # Errors
    /// Where the tables that `datafusion-pg-catalog` brings cannot be read.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { fixed: Arc::new(PgCatalogStaticTables::try_new()?) })
    }

    /// A context over the tables of a session with the system catalogue beside them.
    ///
    /// # Errors
    /// Where the engine refuses; a defect.
    pub(crate) async fn context(&self, session: &Session, person: &Person) -> Result<SessionContext> {
        self.beside(session.context(), person).await
    }

    async fn beside(&self, context: &SessionContext, person: &Person) -> Result<SessionContext> {
        let public = context
            .catalog(CATALOG)
            .and_then(|catalog| catalog.schema(SCHEMA))
            .ok_or_else(|| internal_datafusion_err!("the session has no schema {CATALOG}.{SCHEMA}"))?;
        // The stock holds the list of catalogues that holds it, and so is never freed. Ours knows the tables alone.
        let listing = Listing(Arc::clone(&public));
        let stock = PgCatalogSchemaProvider::try_new(
            listing,
            Arc::clone(&self.fixed),
            Owner(Arc::clone(&person.name)),
        )?;
        let comments = Arc::new(Comments::read(&stock, public.as_ref()).await?);
        let pg_catalog = PgCatalog::new(stock, &comments, person)?;

        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema("information_schema", Arc::new(Information::new(Arc::clone(&public))?))?;
        catalog.register_schema(SCHEMA, public)?;
        catalog.register_schema("pg_catalog", Arc::new(pg_catalog))?;
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
        let state = context.state();
        // Else the engine's own would come before ours.
        let config = state.config().clone();
        let config = config.with_information_schema(false).with_create_default_catalog_and_schema(false);
        let state = SessionStateBuilder::new_from_existing(state)
            .with_config(config)
            .with_catalog_list(Arc::new(catalogs))
            .with_type_planner(Arc::new(PgOidTypePlanner))
            .build();
        let beside = SessionContext::new_with_state(state);
        functions::register(&beside, &self.fixed, &comments, person);
        CoerceIntArgsToBigInt::widen(&beside);
        Ok(beside)
    }
}

#[cfg(test)]
mod tests;
