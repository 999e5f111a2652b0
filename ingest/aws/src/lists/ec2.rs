//! EC2: instances and volumes.
//!
//! Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html> and
//! `API_DescribeVolumes.html` beside it; element names are those of the service model, version 2016-11-15.

use airshed_collect::{
    Scope,
    cloud::{Page, ResourceEntry, Tags},
};
use serde::Deserialize;

use super::{
    EC2, List, Service,
    entry::{arn, configuration, text},
    wire::Request,
};
use crate::call::next_page;

const VERSION: &str = "2016-11-15";

/// Resources on a page: at most 1000 and 500; larger pages time out more easily.
const A_PAGE: &str = "500";

/// The filter for states of instances that exist: terminated ones are listed for about another hour.
const EXISTING: [(&str, Option<&str>); 6] = [
    ("Filter.1.Name", Some("instance-state-name")),
    ("Filter.1.Value.1", Some("pending")),
    ("Filter.1.Value.2", Some("running")),
    ("Filter.1.Value.3", Some("shutting-down")),
    ("Filter.1.Value.4", Some("stopping")),
    ("Filter.1.Value.5", Some("stopped")),
];

/// DescribeInstances.
#[derive(Debug)]
pub(crate) struct Instances;

/// An answer of DescribeInstances.
#[derive(Debug, Deserialize)]
pub(crate) enum InstancesPage {
    #[serde(rename_all = "camelCase")]
    DescribeInstancesResponse { reservation_set: Set<Reservation>, next_token: Option<String> },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reservation {
    #[serde(default)]
    instances_set: Set<Instance>,
}

#[expect(clippy::struct_field_names, reason = "the names of the service's model")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instance {
    instance_id: Option<String>,
    architecture: Option<String>,
    cpu_options: Option<CpuOptions>,
    instance_lifecycle: Option<String>,
    instance_type: Option<String>,
    placement: Option<Placement>,
    platform_details: Option<String>,
    #[serde(default)]
    tag_set: Set<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CpuOptions {
    core_count: Option<i64>,
    threads_per_core: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Placement {
    availability_zone: Option<String>,
    tenancy: Option<String>,
}

impl List for Instances {
    const CALL: &'static str = "DescribeInstances";
    const SERVICE: Service = EC2;
    type Page = InstancesPage;

    fn request(next: Option<&str>) -> Request {
        let mut members = EXISTING.to_vec();
        members.extend([("NextToken", next), ("MaxResults", Some(A_PAGE))]);
        Request::query(Self::CALL, VERSION, &members)
    }

    fn read(page: InstancesPage, scope: &Scope) -> Result<Page<ResourceEntry>, &'static str> {
        let InstancesPage::DescribeInstancesResponse { reservation_set, next_token } = page;
        let instances = reservation_set.item.into_iter().flat_map(|found| found.instances_set.item);
        let items = instances.map(|instance| instance.into_entry(scope).ok_or("an instance without an id"));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next: next_page(next_token.as_deref()) })
    }
}

impl Instance {
    fn into_entry(self, scope: &Scope) -> Option<ResourceEntry> {
        let placement = self.placement.unwrap_or_default();
        let cpu = self.cpu_options.unwrap_or_default();
        Some(ResourceEntry {
            resource_type: "AWS::EC2::Instance".into(),
            arn: arn(scope, "ec2", format_args!("instance/{}", self.instance_id?)),
            tags: Some(tags(self.tag_set)),
            configuration: configuration([
                ("architecture", self.architecture),
                ("availability_zone", placement.availability_zone),
                ("cpu_cores", text(cpu.core_count)),
                ("cpu_threads_per_core", text(cpu.threads_per_core)),
                ("instance_type", self.instance_type),
                ("lifecycle", self.instance_lifecycle),
                ("platform", self.platform_details),
                ("tenancy", placement.tenancy),
            ]),
        })
    }
}

/// DescribeVolumes.
#[derive(Debug)]
pub(crate) struct Volumes;

/// An answer of DescribeVolumes.
#[derive(Debug, Deserialize)]
pub(crate) enum VolumesPage {
    #[serde(rename_all = "camelCase")]
    DescribeVolumesResponse { volume_set: Set<Volume>, next_token: Option<String> },
}

#[expect(clippy::struct_field_names, reason = "the names of the service's model")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Volume {
    volume_id: Option<String>,
    availability_zone: Option<String>,
    iops: Option<i64>,
    size: Option<i64>,
    throughput: Option<i64>,
    volume_type: Option<String>,
    #[serde(default)]
    tag_set: Set<Tag>,
}

impl List for Volumes {
    const CALL: &'static str = "DescribeVolumes";
    const SERVICE: Service = EC2;
    type Page = VolumesPage;

    fn request(next: Option<&str>) -> Request {
        Request::query(Self::CALL, VERSION, &[("NextToken", next), ("MaxResults", Some(A_PAGE))])
    }

    fn read(page: VolumesPage, scope: &Scope) -> Result<Page<ResourceEntry>, &'static str> {
        let VolumesPage::DescribeVolumesResponse { volume_set, next_token } = page;
        let volumes = volume_set.item.into_iter();
        let items = volumes.map(|volume| volume.into_entry(scope).ok_or("a volume without an id"));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next: next_page(next_token.as_deref()) })
    }
}

impl Volume {
    fn into_entry(self, scope: &Scope) -> Option<ResourceEntry> {
        Some(ResourceEntry {
            resource_type: "AWS::EC2::Volume".into(),
            arn: arn(scope, "ec2", format_args!("volume/{}", self.volume_id?)),
            tags: Some(tags(self.tag_set)),
            configuration: configuration([
                ("availability_zone", self.availability_zone),
                ("iops", text(self.iops)),
                ("size_gib", text(self.size)),
                ("throughput_mib_per_s", text(self.throughput)),
                ("volume_type", self.volume_type),
            ]),
        })
    }
}

/// A list in EC2's XML.
#[derive(Debug, Deserialize)]
pub(crate) struct Set<T> {
    #[serde(default = "Vec::new")]
    item: Vec<T>,
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self { item: Vec::new() }
    }
}

#[derive(Debug, Deserialize)]
struct Tag {
    key: Option<String>,
    value: Option<String>,
}

fn tags(tags: Set<Tag>) -> Tags {
    tags.item.into_iter().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect()
}
