use aws_sdk_ec2::types::{
    ArchitectureValues, InstanceState, InstanceStateName, InstanceType, Placement, Tenancy, VolumeType,
};
use aws_sdk_lambda::types::Architecture;

use super::*;

fn scope(region: &str) -> Scope {
    Scope { account: "111122223333".into(), region: region.into() }
}

fn told(entry: &ResourceEntry) -> Vec<(&str, &str)> {
    entry.configuration.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn an_instance_is_told_without_what_changes_by_itself() {
    let instance = |state| {
        let instance = Instance::builder()
            .instance_id("i-1")
            .instance_type(InstanceType::M5Large)
            .architecture(ArchitectureValues::X8664)
            .placement(Placement::builder().availability_zone("eu-west-1a").tenancy(Tenancy::Default).build())
            .cpu_options(CpuOptions::builder().core_count(1).threads_per_core(2).build())
            .state(InstanceState::builder().name(state).build())
            .tags(aws_sdk_ec2::types::Tag::builder().key("team").value("web").build())
            .build();
        instance_entry(&instance, &scope("eu-west-1")).unwrap()
    };
    let running = instance(InstanceStateName::Running);
    assert_eq!(running.arn, "arn:aws:ec2:eu-west-1:111122223333:instance/i-1");
    assert_eq!(resource_type(&running.arn).as_ref(), Some(&running.resource_type));
    assert_eq!(running.tags.as_ref().unwrap()["team"], "web");
    let expected = [
        ("architecture", "x86_64"),
        ("availability_zone", "eu-west-1a"),
        ("cpu_cores", "1"),
        ("cpu_threads_per_core", "2"),
        ("instance_type", "m5.large"),
        ("tenancy", "default"),
    ];
    assert_eq!(told(&running), expected);
    assert_eq!(instance(InstanceStateName::Stopped), running);
    assert_eq!(instance_entry(&Instance::builder().build(), &scope("eu-west-1")), None);
}

#[test]
fn volumes_databases_functions_and_their_types() {
    let volume =
        Volume::builder().volume_id("vol-1").size(100).volume_type(VolumeType::Gp3).iops(3000).build();
    let volume = volume_entry(&volume, &scope("cn-north-1")).unwrap();
    assert_eq!(volume.arn, "arn:aws-cn:ec2:cn-north-1:111122223333:volume/vol-1");
    assert_eq!(told(&volume), [("iops", "3000"), ("size_gib", "100"), ("volume_type", "gp3")]);

    let database = DbInstance::builder()
        .db_instance_arn("arn:aws:rds:eu-west-1:111122223333:db:orders")
        .db_instance_class("db.r6g.large")
        .engine("postgres")
        .multi_az(true)
        .availability_zone("eu-west-1b")
        .build();
    let database = database_entry(&database).unwrap();
    assert_eq!(
        told(&database),
        [("engine", "postgres"), ("instance_type", "db.r6g.large"), ("multi_az", "true")]
    );

    let function = FunctionConfiguration::builder()
        .function_arn("arn:aws:lambda:eu-west-1:111122223333:function:resize")
        .memory_size(512)
        .architectures(Architecture::Arm64)
        .ephemeral_storage(EphemeralStorage::builder().size(512).build().unwrap())
        .last_modified("2026-01-01")
        .build();
    let function = function_entry(&function).unwrap();
    let expected = [("architecture", "arm64"), ("ephemeral_storage_mib", "512"), ("memory_mib", "512")];
    assert_eq!((told(&function).as_slice(), function.tags.is_none()), (expected.as_slice(), true));

    for entry in [volume, database, function] {
        assert_eq!(
            resource_type(&entry.arn).as_ref(),
            Some(&entry.resource_type),
            "the tagging API says the same"
        );
    }
}
