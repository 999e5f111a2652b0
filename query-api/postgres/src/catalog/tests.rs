use airshed_domain::schema;
use datafusion::{
    arrow::{array::AsArray as _, record_batch::RecordBatch},
    catalog::MemTable,
    prelude::{SessionConfig, SessionContext},
};

use super::*;
use crate::{
    plan,
    sql::{Command, Reader},
};

/// The ledger's tables without rows, and one view.
async fn context() -> SessionContext {
    let config =
        SessionConfig::new().with_default_catalog_and_schema(CATALOG, SCHEMA).with_information_schema(true);
    let context = SessionContext::new_with_config(config);
    for table in schema::all() {
        let rows = MemTable::try_new(table.schema(), vec![vec![]]).unwrap();
        context.register_table(table.name, Arc::new(rows)).unwrap();
    }
    context.sql("CREATE VIEW carbon_daily AS SELECT * FROM emissions_daily").await.unwrap();
    context
}

async fn catalogue() -> SessionContext {
    let person =
        Person { name: "ada".into(), number: 7, settings: Arc::new(RwLock::new(Settings::of("ada"))) };
    Catalogue::new().unwrap().beside(&context().await, &person).await.unwrap()
}

async fn ask(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>, String> {
    let (reader, mut answers) = (Reader::new(), Vec::new());
    for statement in reader.read(sql).map_err(|failure| failure.message)? {
        let Command::Query(query) = Command::of(statement).map_err(|failure| failure.message)? else {
            continue;
        };
        let plan = Box::pin(plan::plan(&reader, context, *query)).await.map_err(|failure| failure.message)?;
        let rows = context.execute_logical_plan(plan).await.map_err(|e| e.to_string())?;
        answers.extend(rows.collect().await.map_err(|e| e.to_string())?);
    }
    Ok(answers)
}

async fn texts(context: &SessionContext, sql: &str) -> Vec<String> {
    let batches = Box::pin(ask(context, sql)).await.unwrap();
    let texts = batches.iter().flat_map(|batch| {
        let column =
            datafusion::arrow::compute::cast(batch.column(0), &datafusion::arrow::datatypes::DataType::Utf8);
        let column = column.unwrap();
        column.as_string::<i32>().iter().map(|text| text.unwrap_or("NULL").to_owned()).collect::<Vec<_>>()
    });
    texts.collect()
}

#[tokio::test]
async fn numbers_are_the_same_on_every_connection() {
    let numbers = "SELECT oid FROM pg_catalog.pg_class ORDER BY relname";
    let (one, other) = (catalogue().await, catalogue().await);
    // Asked in another order.
    texts(&one, "SELECT datname FROM pg_catalog.pg_database").await;
    texts(&other, "SELECT attname FROM pg_catalog.pg_attribute").await;
    assert_eq!(texts(&one, numbers).await, texts(&other, numbers).await);
}

#[tokio::test]
async fn comments_are_those_of_the_schema() {
    let context = catalogue().await;
    let emissions = schema::all().into_iter().find(|table| table.name == "emissions").unwrap();
    let of_table = "SELECT obj_description(oid, 'pg_class') FROM pg_class WHERE relname = 'emissions'";
    assert_eq!(texts(&context, of_table).await, [emissions.grain]);
    let of_columns = "SELECT pg_catalog.col_description(a.attrelid, a.attnum) FROM pg_catalog.pg_attribute a \
        JOIN pg_catalog.pg_class c ON a.attrelid = c.oid WHERE c.relname = 'emissions' ORDER BY a.attnum";
    let comments: Vec<&str> = emissions.columns.iter().map(|column| column.comment).collect();
    assert_eq!(texts(&context, of_columns).await, comments);
    let by_join = "SELECT d.description FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_description d \
        ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass \
        WHERE c.relname = 'carbon_daily'";
    let view = airshed_query_api::VIEWS.iter().find(|view| view.name == "carbon_daily").unwrap();
    assert_eq!(texts(&context, by_join).await, [view.comment()]);
}

#[tokio::test]
async fn people_are_the_one_who_asks() {
    let context = catalogue().await;
    assert_eq!(texts(&context, "SELECT current_user").await, ["ada"]);
    assert_eq!(texts(&context, "SELECT rolname FROM pg_roles").await, ["ada"]);
    assert!(texts(&context, "SELECT rolname FROM pg_authid").await.is_empty());
    assert!(texts(&context, "SELECT rolpassword FROM pg_authid").await.is_empty());
    assert_eq!(texts(&context, "SELECT current_database()").await, ["airshed"]);
    assert_eq!(texts(&context, "SELECT pg_backend_pid()").await, ["7"]);
    assert_eq!(texts(&context, "SELECT current_setting('server_version_num')::int/100").await, ["1600"]);
    assert_eq!(texts(&context, "SELECT has_table_privilege('emissions', 'INSERT')").await, ["false"]);
}

#[tokio::test]
async fn clients_find_their_way() {
    let context = catalogue().await;
    let questions = include_str!("questions.sql").split("\n;\n").map(str::trim);
    let mut failed = Vec::new();
    for question in questions.filter(|question| !question.is_empty()) {
        if let Err(error) = ask(&context, question).await {
            failed.push(format!("{question}\n=> {error}\n"));
        }
    }
    assert!(failed.is_empty(), "{} questions failed:\n{}", failed.len(), failed.join("\n"));
}
