//! DynamoDB: tables.
//!
//! Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTables.html>.

use std::collections::BTreeMap;

use airshed_collect::{
    Scope,
    cloud::{Page, ResourceEntry},
};
use serde::Deserialize;
use serde_json::json;

use super::{DYNAMODB, List, Service, entry::arn, wire::Request};
use crate::call::next_page;

/// Most tables that a page may hold.
const A_PAGE: i32 = 100;

/// ListTables.
#[derive(Debug)]
pub(crate) struct Tables;

/// An answer of ListTables.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TablesPage {
    table_names: Vec<String>,
    last_evaluated_table_name: Option<String>,
}

impl List for Tables {
    const CALL: &'static str = "ListTables";
    const SERVICE: Service = DYNAMODB;
    type Page = TablesPage;

    fn request(next: Option<&str>) -> Request {
        let mut body = json!({ "Limit": A_PAGE });
        if let Some(next) = next {
            body["ExclusiveStartTableName"] = next.into();
        }
        Request::json("DynamoDB_20120810.ListTables", &body)
    }

    fn read(page: TablesPage, scope: &Scope) -> Result<Page<ResourceEntry>, &'static str> {
        let entry = |name: &String| ResourceEntry {
            resource_type: "AWS::DynamoDB::Table".into(),
            arn: arn(scope, "dynamodb", format_args!("table/{name}")),
            tags: None,
            configuration: BTreeMap::new(),
        };
        Ok(Page {
            items: page.table_names.iter().map(entry).collect(),
            next: next_page(page.last_evaluated_table_name.as_deref()),
        })
    }
}
