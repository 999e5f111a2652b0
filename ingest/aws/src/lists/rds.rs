//! RDS: database instances.
//!
//! Source: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html>; element names are
//! those of the service model, version 2014-10-31.

use airshed_collect::{
    Scope,
    cloud::{Page, ResourceEntry},
};
use serde::Deserialize;

use super::{
    List, RDS, Service,
    entry::{configuration, text},
    wire::Request,
};
use crate::call::next_page;

const VERSION: &str = "2014-10-31";

/// Most databases that a page may hold.
const A_PAGE: &str = "100";

/// DescribeDBInstances.
#[derive(Debug)]
pub(crate) struct Databases;

/// An answer of DescribeDBInstances.
#[derive(Debug, Deserialize)]
pub(crate) enum DatabasesPage {
    DescribeDBInstancesResponse {
        #[serde(rename = "DescribeDBInstancesResult")]
        result: Described,
    },
}

#[derive(Debug, Deserialize)]
pub(crate) struct Described {
    #[serde(rename = "DBInstances")]
    databases: Listed,
    #[serde(rename = "Marker")]
    marker: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    #[serde(rename = "DBInstance", default)]
    items: Vec<Database>,
}

#[derive(Debug, Deserialize)]
struct Database {
    #[serde(rename = "DBInstanceArn")]
    arn: Option<String>,
    #[serde(rename = "AllocatedStorage")]
    allocated_storage: Option<i64>,
    #[serde(rename = "DBClusterIdentifier")]
    cluster: Option<String>,
    #[serde(rename = "DBInstanceClass")]
    class: Option<String>,
    #[serde(rename = "Engine")]
    engine: Option<String>,
    #[serde(rename = "Iops")]
    iops: Option<i64>,
    #[serde(rename = "MultiAZ")]
    multi_az: Option<bool>,
    #[serde(rename = "StorageType")]
    storage_type: Option<String>,
    #[serde(rename = "TagList", default)]
    tags: Tags,
}

#[derive(Debug, Default, Deserialize)]
struct Tags {
    #[serde(rename = "Tag", default)]
    items: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: Option<String>,
    value: Option<String>,
}

impl List for Databases {
    const CALL: &'static str = "DescribeDBInstances";
    const SERVICE: Service = RDS;
    type Page = DatabasesPage;

    fn request(next: Option<&str>) -> Request {
        Request::query(Self::CALL, VERSION, &[("MaxRecords", Some(A_PAGE)), ("Marker", next)])
    }

    fn read(page: DatabasesPage, _: &Scope) -> Result<Page<ResourceEntry>, &'static str> {
        let DatabasesPage::DescribeDBInstancesResponse { result } = page;
        let databases = result.databases.items.into_iter();
        let items = databases.map(|database| database.into_entry().ok_or("a database without an ARN"));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next: next_page(result.marker.as_deref()) })
    }
}

impl Database {
    fn into_entry(self) -> Option<ResourceEntry> {
        let tags = self.tags.items.into_iter();
        let tags = tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())));
        Some(ResourceEntry {
            resource_type: "AWS::RDS::DBInstance".into(),
            arn: self.arn?,
            tags: Some(tags.collect()),
            configuration: configuration([
                ("cluster", self.cluster),
                ("engine", self.engine),
                ("instance_type", self.class),
                ("iops", text(self.iops)),
                ("multi_az", text(self.multi_az)),
                ("size_gib", text(self.allocated_storage)),
                ("storage_type", self.storage_type),
            ]),
        })
    }
}
