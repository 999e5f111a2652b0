//! The schema `pg_catalog`: the stock tables, and ours in place of some.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError},
};

use airshed_query_api::SCHEMA;
use async_trait::async_trait;
use datafusion::{
    arrow::{
        array::{ArrayRef, Int32Array, RecordBatch, StringArray, new_null_array},
        datatypes::{DataType, Field, Schema, SchemaRef},
    },
    catalog::{MemTable, SchemaProvider, TableProvider},
    common::internal_datafusion_err,
    error::Result,
};
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::PgCatalogSchemaProvider;

use super::{
    Person,
    comments::Comments,
    listing::{Listing, Owner},
    oid,
    wider::{is_wider, wider},
};

/// What the ledger does not have: keys, indexes, triggers, rules of rights, partitions, replicas. The stock has those of
/// a fresh Postgres in some, and in `pg_authid` its user.
pub(crate) const EMPTY: [&str; 35] = [
    "pg_attrdef",
    "pg_auth_members",
    "pg_authid",
    "pg_collation",
    "pg_constraint",
    "pg_db_role_setting",
    "pg_default_acl",
    "pg_depend",
    "pg_enum",
    "pg_event_trigger",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_foreign_table",
    "pg_index",
    "pg_inherits",
    "pg_init_privs",
    "pg_largeobject",
    "pg_largeobject_metadata",
    "pg_matviews",
    "pg_partitioned_table",
    "pg_policy",
    "pg_publication",
    "pg_publication_namespace",
    "pg_publication_rel",
    "pg_replication_slots",
    "pg_rewrite",
    "pg_sequence",
    "pg_shdepend",
    "pg_shdescription",
    "pg_stat_user_tables",
    "pg_statistic",
    "pg_statistic_ext",
    "pg_subscription",
    "pg_trigger",
    "pg_user_mapping",
];
const PG_SETTINGS: &str = "pg_settings";
/// What the stock lacks: the view of indexes, of which there are none.
pub(crate) const PG_INDEXES: &str = "pg_indexes";

/// The schema.
#[derive(Debug)]
pub(super) struct PgCatalog {
    stock: PgCatalogSchemaProvider<Listing, Owner>,
    own: BTreeMap<&'static str, Arc<dyn TableProvider>>,
    /// Columns of `pg_settings`, whose rows change.
    settings: SchemaRef,
    person: Person,
}

impl PgCatalog {
    pub(super) fn new(
        stock: PgCatalogSchemaProvider<Listing, Owner>,
        comments: &Comments,
        person: &Person,
    ) -> Result<Self> {
        let columns = |name: &str| -> Result<SchemaRef> {
            let table = stock.build_table_by_name(name)?;
            Ok(table.ok_or_else(|| internal_datafusion_err!("the catalogue has no {name}"))?.schema())
        };
        let mut own: BTreeMap<&'static str, Arc<dyn TableProvider>> = BTreeMap::new();
        for name in EMPTY {
            own.insert(name, Arc::new(MemTable::try_new(columns(name)?, vec![vec![]])?));
        }
        own.insert(PG_INDEXES, indexes()?);
        own.insert("pg_description", descriptions(comments)?);
        let texts = |pick: fn(&(String, String)) -> &String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(comments.views.values().map(pick)))
        };
        let count = comments.views.len();
        let views = HashMap::from([
            ("schemaname", Arc::new(StringArray::from(vec![SCHEMA; count])) as ArrayRef),
            ("viewname", texts(|(name, _)| name)),
            ("viewowner", Arc::new(StringArray::from(vec![person.name.as_ref(); count]))),
            ("definition", texts(|(_, sql)| sql)),
        ]);
        own.insert("pg_views", with_columns(&columns("pg_views")?, &views, count)?);
        let settings = columns(PG_SETTINGS)?;
        Ok(Self { stock, own, settings, person: person.clone() })
    }

    fn pg_settings(&self) -> Result<Arc<dyn TableProvider>> {
        let settings = self.person.settings.read().unwrap_or_else(PoisonError::into_inner);
        let (names, values): (Vec<_>, Vec<_>) = settings.all().unzip();
        let count = names.len();
        let values: ArrayRef = Arc::new(StringArray::from(values));
        let columns = HashMap::from([
            ("name", Arc::new(StringArray::from(names)) as ArrayRef),
            ("setting", Arc::clone(&values)),
            ("reset_val", values),
        ]);
        with_columns(&self.settings, &columns, count)
    }
}

#[async_trait]
impl SchemaProvider for PgCatalog {
    fn table_names(&self) -> Vec<String> {
        let mut names = self.stock.table_names();
        names.push(PG_INDEXES.to_owned());
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let table = if name == PG_SETTINGS {
            Some(self.pg_settings()?)
        } else if let Some(own) = self.own.get(name) {
            Some(Arc::clone(own))
        } else {
            self.stock.table(name).await?
        };
        table.map(|table| if is_wider(name) { wider(name, table) } else { Ok(table) }).transpose()
    }

    fn table_exist(&self, name: &str) -> bool {
        name == PG_INDEXES || self.stock.table_exist(name)
    }
}

fn indexes() -> Result<Arc<dyn TableProvider>> {
    let columns = ["schemaname", "tablename", "indexname", "tablespace", "indexdef"];
    let columns = columns.map(|name| Field::new(name, DataType::Utf8, true));
    Ok(Arc::new(MemTable::try_new(Arc::new(Schema::new(columns.to_vec())), vec![vec![]])?))
}

fn descriptions(comments: &Comments) -> Result<Arc<dyn TableProvider>> {
    let field = |name: &str, data_type| Field::new(name, data_type, false);
    let schema = Arc::new(Schema::new(vec![
        field("objoid", DataType::Int32),
        field("classoid", DataType::Int32),
        field("objsubid", DataType::Int32),
        field("description", DataType::Utf8),
    ]));
    let numbers = |pick: fn(&(i32, i32)) -> i32| -> ArrayRef {
        Arc::new(Int32Array::from_iter_values(comments.of.keys().map(pick)))
    };
    let columns = vec![
        numbers(|(table, _)| *table),
        numbers(|_| oid::PG_CLASS),
        numbers(|(_, column)| *column),
        Arc::new(StringArray::from_iter_values(comments.of.values())),
    ];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
}

/// A table of some columns; those that are not given are null.
fn with_columns(
    schema: &SchemaRef,
    given: &HashMap<&str, ArrayRef>,
    rows: usize,
) -> Result<Arc<dyn TableProvider>> {
    let column = |field: &Arc<Field>| {
        given.get(field.name().as_str()).map_or_else(|| new_null_array(field.data_type(), rows), Arc::clone)
    };
    let batch = RecordBatch::try_new(Arc::clone(schema), schema.fields().iter().map(column).collect())?;
    Ok(Arc::new(MemTable::try_new(Arc::clone(schema), vec![vec![batch]])?))
}
