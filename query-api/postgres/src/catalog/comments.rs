//! What tables, views and columns hold, by their numbers in the system catalogue.

use std::{collections::BTreeMap, sync::Arc};

use airshed_domain::schema;
use airshed_query_api::{VIEWS, View};
use datafusion::{
    arrow::array::AsArray as _, arrow::datatypes::Int32Type, catalog::SchemaProvider,
    common::internal_datafusion_err, error::Result, execution::TaskContext,
};
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::{PgCatalogSchemaProvider, PgCatalogTable};
use futures::TryStreamExt as _;

use super::listing::{Listing, Owner};

/// Comments, and the statements of views.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Comments {
    /// By number of the table and of the column; zero is the table itself.
    pub(super) of: BTreeMap<(i32, i32), String>,
    /// Numbers of tables and views, by their names.
    pub(super) numbers: BTreeMap<String, i32>,
    /// Name and statement of each view, by its number.
    pub(super) views: BTreeMap<i32, (String, String)>,
}

impl Comments {
    /// Looks up the numbers. It is the first question to a new catalogue, and so gives the tables their numbers in the
    /// order of their names: the same on every connection.
    pub(super) async fn read(
        stock: &PgCatalogSchemaProvider<Listing, Owner>,
        public: &dyn SchemaProvider,
    ) -> Result<Self> {
        let Some(PgCatalogTable::Dynamic(pg_class)) = stock.build_table_by_name("pg_class")? else {
            return Err(internal_datafusion_err!("the catalogue has no pg_class"));
        };
        let mut rows = pg_class.execute(Arc::new(TaskContext::default()));
        let mut comments = Self::default();
        while let Some(batch) = rows.try_next().await? {
            let column = |name: &str| {
                batch.column_by_name(name).ok_or_else(|| internal_datafusion_err!("pg_class has no {name}"))
            };
            let numbers = column("oid")?.as_primitive::<Int32Type>();
            let names = column("relname")?.as_string::<i32>();
            for (number, name) in numbers.iter().zip(names.iter()) {
                if let (Some(number), Some(name)) = (number, name)
                    && let Some(table) = public.table(name).await?
                {
                    let fields = table.schema();
                    comments.add(number, name, fields.fields().iter().map(|field| field.name().as_str()));
                }
            }
        }
        Ok(comments)
    }

    fn add<'a>(&mut self, number: i32, name: &str, columns: impl Iterator<Item = &'a str>) {
        self.numbers.insert(name.to_owned(), number);
        let tables = schema::all();
        let table = tables.iter().find(|table| table.name == name);
        let view = VIEWS.iter().find(|view| view.name == name);
        if let Some(comment) = table.map(|table| table.grain).or(view.map(View::comment)) {
            self.of.insert((number, 0), comment.to_owned());
        }
        if let Some(view) = view {
            self.views.insert(number, (name.to_owned(), view.sql().to_owned()));
        }
        for (place, column) in (1..).zip(columns) {
            // A view's column is of the table that first has one of that name: names are spelled for one meaning.
            let mut places = table.into_iter().chain(tables.iter());
            let found = places.find_map(|table| table.columns.iter().find(|known| known.name == column));
            if let Some(known) = found {
                self.of.insert((number, place), known.comment.to_owned());
            }
        }
    }
}
