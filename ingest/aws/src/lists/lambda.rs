//! Lambda: functions.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html>.

use airshed_collect::{
    Scope,
    cloud::{Page, ResourceEntry},
};
use serde::Deserialize;

use super::{
    LAMBDA, List, Service,
    entry::{configuration, text},
    wire::Request,
};
use crate::call::next_page;

/// ListFunctions. A page holds 50, the most that there may be.
#[derive(Debug)]
pub(crate) struct Functions;

/// An answer of ListFunctions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct FunctionsPage {
    functions: Vec<Function>,
    next_marker: Option<String>,
}

#[expect(clippy::struct_field_names, reason = "the names of the service's model")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Function {
    function_arn: Option<String>,
    architectures: Option<Vec<String>>,
    ephemeral_storage: Option<EphemeralStorage>,
    memory_size: Option<i64>,
    package_type: Option<String>,
    runtime: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EphemeralStorage {
    size: Option<i64>,
}

impl List for Functions {
    const CALL: &'static str = "ListFunctions";
    const SERVICE: Service = LAMBDA;
    type Page = FunctionsPage;

    fn request(next: Option<&str>) -> Request {
        Request::get("/2015-03-31/functions", &[("Marker", next)])
    }

    fn read(page: FunctionsPage, _: &Scope) -> Result<Page<ResourceEntry>, &'static str> {
        let functions = page.functions.into_iter();
        let items = functions.map(|function| function.into_entry().ok_or("a function without an ARN"));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next: next_page(page.next_marker.as_deref()) })
    }
}

impl Function {
    fn into_entry(self) -> Option<ResourceEntry> {
        let architecture = self.architectures.and_then(|all| all.into_iter().next());
        let storage = self.ephemeral_storage.and_then(|storage| storage.size);
        Some(ResourceEntry {
            resource_type: "AWS::Lambda::Function".into(),
            arn: self.function_arn?,
            tags: None,
            configuration: configuration([
                ("architecture", architecture),
                ("ephemeral_storage_mib", text(storage)),
                ("memory_mib", text(self.memory_size)),
                ("package_type", self.package_type),
                ("runtime", self.runtime),
            ]),
        })
    }
}
