//! Cloud Carbon Footprint's rules for storage, which SPRUCE took over: the medium and the number of copies.

use airshed_emission_factors::profile::Replication;

use super::usage_types::{HDD_USAGE_TYPES, SSD_SERVICES, SSD_USAGE_TYPES};
use crate::profile::peer::{contains_any, ends_with_any};

/// What data lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::profile) enum Medium {
    /// Solid state.
    Ssd,
    /// Disks.
    Hdd,
}

/// The medium of a usage type, or `None` where the lists have no entry. A service whose medium is not known counts as
/// solid state, except for backups.
pub(in crate::profile) fn medium(service: &str, usage_type: &str) -> Option<Medium> {
    let ssd_service = ends_with_any(service, SSD_SERVICES) && !usage_type.contains("Backup");
    if ends_with_any(usage_type, SSD_USAGE_TYPES) || ssd_service {
        Some(Medium::Ssd)
    } else {
        ends_with_any(usage_type, HDD_USAGE_TYPES).then_some(Medium::Hdd)
    }
}

/// Copies kept of the data, and the name of that factor. It applies to whatever line the service and usage type are on.
pub(in crate::profile) fn copies(service: &str, usage_type: &str, r: &Replication) -> (&'static str, f64) {
    let has = |part: &str| usage_type.contains(part);
    let other = ("default", r.other);
    match service {
        "AmazonS3"
            if contains_any(usage_type, &["TimedStorage-ZIA", "EarlyDelete-ZIA", "TimedStorage-RRS"]) =>
        {
            ("s3_one_zone_reduced_redundancy", r.s3_one_zone)
        }
        "AmazonS3" if has("TimedStorage") || has("EarlyDelete") => ("s3", r.s3),
        "AmazonEC2" if has("VolumeUsage") => ("ec2_ebs_volume", r.ebs_volume),
        "AmazonEC2" if has("SnapshotUsage") => ("ec2_ebs_snapshot", r.ebs_snapshot),
        "AmazonEFS" if has("ZIA") => ("efs_one_zone", r.efs_one_zone),
        "AmazonEFS" => ("efs", r.efs),
        "AmazonRDS" if has("BackupUsage") => ("rds_backup", r.rds_backup),
        "AmazonRDS" if has("Aurora") => ("rds_aurora", r.aurora),
        "AmazonRDS" if has("Multi-AZ") => ("rds_multi_az", r.rds_multi_az),
        "AmazonDocDB" if has("BackupUsage") => ("document_db_backup", r.documentdb_backup),
        "AmazonDocDB" => ("document_db_storage", r.documentdb),
        "AmazonDynamoDB" => ("dynamo_db", r.dynamodb),
        "AmazonECR" if has("TimedStorage") => ("ecr_storage", r.ecr),
        "AmazonElastiCache" if has("BackupUsage") => ("elasticache_backup", r.elasticache_backup),
        "AmazonSimpleDB" if has("TimedStorage") => ("simple_db", r.simpledb),
        _ => other,
    }
}
