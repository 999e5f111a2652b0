//! Meters of stored bytes: EBS, S3 and the volumes of managed databases.

use super::super::{
    catalog::Region,
    meter::{Amount, Meter, Naming},
};

/// Kind, usage type, operation, USD per GB-month, name of the volume type.
type VolumeRow = (&'static str, &'static str, &'static str, f64, &'static str);

/// EBS volume types.
pub(crate) const VOLUMES: [VolumeRow; 7] = [
    ("gp3", "EBS:VolumeUsage.gp3", "CreateVolume-Gp3", 0.08, "General Purpose"),
    ("gp2", "EBS:VolumeUsage.gp2", "CreateVolume-Gp2", 0.1, "General Purpose"),
    ("io1", "EBS:VolumeUsage.piops", "CreateVolume-P-IOPS", 0.125, "Provisioned IOPS"),
    ("io2", "EBS:VolumeUsage.io2", "CreateVolume-io2", 0.125, "Provisioned IOPS"),
    ("st1", "EBS:VolumeUsage.st1", "CreateVolume-ST1", 0.045, "Throughput Optimized HDD"),
    ("sc1", "EBS:VolumeUsage.sc1", "CreateVolume-SC1", 0.015, "Cold HDD"),
    ("standard", "EBS:VolumeUsage", "CreateVolume", 0.05, "Magnetic"),
];

/// S3 storage classes: usage type, operation, USD per GB-month, name.
pub(crate) const S3_CLASSES: [(&str, &str, f64, &str); 10] = [
    ("TimedStorage-ByteHrs", "StandardStorage", 0.023, "General Purpose"),
    ("TimedStorage-SIA-ByteHrs", "StandardIAStorage", 0.0125, "Infrequent Access"),
    ("TimedStorage-ZIA-ByteHrs", "OneZoneIAStorage", 0.01, "Infrequent Access"),
    ("TimedStorage-INT-FA-ByteHrs", "IntelligentTieringFAStorage", 0.023, "Intelligent-Tiering"),
    ("TimedStorage-INT-IA-ByteHrs", "IntelligentTieringIAStorage", 0.0125, "Intelligent-Tiering"),
    ("TimedStorage-INT-AIA-ByteHrs", "IntelligentTieringAIAStorage", 0.004, "Intelligent-Tiering"),
    ("TimedStorage-GIR-ByteHrs", "GlacierInstantRetrievalStorage", 0.004, "Archive Instant Retrieval"),
    ("TimedStorage-GlacierByteHrs", "GlacierStorage", 0.0036, "Archive"),
    ("TimedStorage-GDA-ByteHrs", "DeepArchiveStorage", 0.00099, "Archive"),
    ("TimedStorage-RRS-ByteHrs", "ReducedRedundancyStorage", 0.024, "Non-Critical Data"),
];

/// Volumes of RDS and Aurora: usage type, USD per GB-month.
pub(crate) const DATABASE_VOLUMES: [(&str, f64); 9] = [
    ("RDS:GP3-Storage", 0.115),
    ("RDS:GP2-Storage", 0.115),
    ("RDS:Multi-AZ-GP3-Storage", 0.23),
    ("RDS:Multi-AZ-GP2-Storage", 0.23),
    ("RDS:PIOPS-Storage", 0.125),
    ("RDS:StorageUsage", 0.1),
    ("Aurora:StorageUsage", 0.1),
    ("RDS:ChargedBackupUsage", 0.095),
    ("Aurora:BackupUsage", 0.021),
];

/// An EBS volume of `gb` gigabytes; `kind` is an index into [`VOLUMES`].
pub(crate) fn volume(kind: usize, gb: f64, region: &'static Region) -> Meter {
    let (api_name, usage_type, operation, price, name) = VOLUMES[kind];
    let media = if api_name.starts_with(['g', 'i']) { "SSD-backed" } else { "HDD-backed" };
    let amount = Amount::PerMonth(gb);
    let mut meter = Meter::new("AmazonEC2", operation, usage_type, ("GB-Mo", price), amount, region)
        .family("Storage")
        .named(Naming::Volume)
        .with(&[("volume_type", name), ("volume_api_name", api_name), ("storage_media", media)]);
    meter.zonal = true;
    meter
}

/// EBS snapshots.
pub(crate) fn snapshot(gb: f64, region: &'static Region) -> Meter {
    let amount = Amount::PerMonth(gb);
    Meter::new("AmazonEC2", "CreateSnapshot", "EBS:SnapshotUsage", ("GB-Mo", 0.05), amount, region)
        .family("Storage Snapshot")
        .named(Naming::Snapshot)
        .with(&[("storage_media", "Amazon S3")])
}

/// Stored bytes of a bucket; `class` is an index into [`S3_CLASSES`].
pub(crate) fn bucket(class: usize, gb: f64, region: &'static Region) -> Meter {
    let (usage_type, operation, price, name) = S3_CLASSES[class];
    Meter::new("AmazonS3", operation, usage_type, ("GB-Mo", price), Amount::PerMonth(gb), region)
        .family("Storage")
        .named(Naming::Bucket)
        .with(&[("storage_class", name), ("volume_type", "Standard"), ("durability", "99.999999999%")])
}

/// Requests to a bucket: writes are tier 1, reads tier 2.
pub(crate) fn bucket_requests(writes: bool, per_hour: f64, region: &'static Region) -> Meter {
    let (operation, usage_type, price, group) = if writes {
        ("PutObject", "Requests-Tier1", 0.000_005, "S3-API-Tier1")
    } else {
        ("GetObject", "Requests-Tier2", 0.000_000_4, "S3-API-Tier2")
    };
    let amount = Amount::LogNormal { median: per_hour, sigma: 2.0 };
    Meter::new("AmazonS3", operation, usage_type, ("Requests", price), amount, region)
        .family("API Request")
        .named(Naming::Bucket)
        .with(&[("group", group)])
}

/// A volume of a managed database; `kind` is an index into [`DATABASE_VOLUMES`].
pub(crate) fn database_volume(kind: usize, gb: f64, region: &'static Region) -> Meter {
    let (usage_type, price) = DATABASE_VOLUMES[kind];
    let (operation, engine) = if usage_type.starts_with("Aurora") {
        ("CreateDBInstance:0021", "Aurora PostgreSQL")
    } else {
        ("CreateDBInstance:0014", "PostgreSQL")
    };
    let family = if usage_type.contains("Backup") { "Storage Snapshot" } else { "Database Storage" };
    Meter::new("AmazonRDS", operation, usage_type, ("GB-Mo", price), Amount::PerMonth(gb), region)
        .family(family)
        .with(&[("database_engine", engine)])
}
