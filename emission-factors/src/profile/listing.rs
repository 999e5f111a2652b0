//! The listing form of profile numbers, and tables of named constants.

use std::collections::BTreeMap;

use airshed_domain::id::FactorId;

use crate::{
    FactorError,
    provenance::Sources,
    table,
    value::{Band, Factor},
};

/// Where numbers of one table row were read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Origin {
    pub(super) source_id: String,
    pub(super) page: String,
}

impl Origin {
    /// Reads the columns `source_id` and `page`.
    pub(super) fn read(row: &table::Row<'_>, sources: &Sources) -> Result<Self, FactorError> {
        let source_id = sources.require(row.text("source_id")?)?.to_owned();
        Ok(Self { source_id, page: row.text("page")?.to_owned() })
    }

    /// One number in its listing form. Peers state no bounds, so the value is its own.
    pub(super) fn factor(
        &self,
        kind: &'static str,
        key: &str,
        unit: &'static str,
        value: f64,
        note: &str,
    ) -> Factor {
        Factor {
            id: FactorId::new(format!("{kind}/{key}")),
            kind,
            key: key.to_owned(),
            unit,
            // Table readers accept finite numbers only.
            value: Band::exact(value).unwrap_or(Band::ZERO),
            source_id: self.source_id.clone(),
            page: self.page.clone(),
            valid_from: None,
            valid_to: None,
            note: note.to_owned(),
        }
    }
}

/// Copies of stored data that Cloud Carbon Footprint assumes, and SPRUCE after it, by service and kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replication {
    /// S3.
    pub s3: f64,
    /// S3 One Zone-IA and reduced redundancy.
    pub s3_one_zone: f64,
    /// EBS volumes.
    pub ebs_volume: f64,
    /// EBS snapshots.
    pub ebs_snapshot: f64,
    /// EFS.
    pub efs: f64,
    /// EFS One Zone-IA.
    pub efs_one_zone: f64,
    /// RDS backups.
    pub rds_backup: f64,
    /// Aurora.
    pub aurora: f64,
    /// RDS in several zones.
    pub rds_multi_az: f64,
    /// DocumentDB backups.
    pub documentdb_backup: f64,
    /// DocumentDB.
    pub documentdb: f64,
    /// DynamoDB.
    pub dynamodb: f64,
    /// ECR.
    pub ecr: f64,
    /// ElastiCache backups.
    pub elasticache_backup: f64,
    /// SimpleDB.
    pub simpledb: f64,
    /// Everything else.
    pub other: f64,
}

impl Replication {
    pub(super) fn read(listed: &Constants) -> Result<Self, FactorError> {
        Ok(Self {
            s3: listed.get("replication_s3")?,
            s3_one_zone: listed.get("replication_s3_one_zone_reduced_redundancy")?,
            ebs_volume: listed.get("replication_ec2_ebs_volume")?,
            ebs_snapshot: listed.get("replication_ec2_ebs_snapshot")?,
            efs: listed.get("replication_efs")?,
            efs_one_zone: listed.get("replication_efs_one_zone")?,
            rds_backup: listed.get("replication_rds_backup")?,
            aurora: listed.get("replication_rds_aurora")?,
            rds_multi_az: listed.get("replication_rds_multi_az")?,
            documentdb_backup: listed.get("replication_document_db_backup")?,
            documentdb: listed.get("replication_document_db_storage")?,
            dynamodb: listed.get("replication_dynamo_db")?,
            ecr: listed.get("replication_ecr_storage")?,
            elasticache_backup: listed.get("replication_elasticache_backup")?,
            simpledb: listed.get("replication_simple_db")?,
            other: listed.get("replication_default")?,
        })
    }
}

/// Named constants of one peer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Constants {
    kind: &'static str,
    rows: BTreeMap<String, Constant>,
}

#[derive(Debug, Clone, PartialEq)]
struct Constant {
    value: f64,
    unit: String,
    note: String,
    origin: Origin,
}

/// Every unit that a constant may have.
const UNITS: &[&str] = &[
    "1",
    "W/vCPU",
    "GB/chip",
    "vCPU/chip",
    "kWh/(GB h)",
    "kWh/(vCPU h)",
    "Wh/(TB h)",
    "kWh/GB",
    "h",
    "vCPU/DPU",
    "ACU/vCPU",
];

impl Constants {
    /// Reads a table with the columns `key, value, unit, source_id, page, note`.
    pub(super) fn read(
        kind: &'static str,
        file: &str,
        text: &str,
        sources: &Sources,
    ) -> Result<Self, FactorError> {
        let mut rows = BTreeMap::new();
        for row in table::read(file, text, &["key", "value", "unit", "source_id", "page", "note"])? {
            let constant = Constant {
                value: row.amount("value")?,
                unit: row.text("unit")?.to_owned(),
                note: row.optional_text("note")?.unwrap_or("").to_owned(),
                origin: Origin::read(&row, sources)?,
            };
            if !UNITS.contains(&constant.unit.as_str()) {
                return Err(row.error("unit", "is not a unit of this table"));
            }
            if rows.insert(row.text("key")?.to_owned(), constant).is_some() {
                return Err(row.error("key", "stands twice"));
            }
        }
        Ok(Self { kind, rows })
    }

    /// The constant of this name, in the unit that the table states.
    pub(super) fn get(&self, key: &str) -> Result<f64, FactorError> {
        let found = self.rows.get(key).map(|constant| constant.value);
        found.ok_or_else(|| FactorError::reference(format!("{}: constant `{key}` is missing", self.kind)))
    }

    /// Every constant in its listing form.
    pub(super) fn factors(&self) -> impl Iterator<Item = Factor> {
        self.rows.iter().map(|(key, constant)| {
            let unit = UNITS.iter().copied().find(|unit| *unit == constant.unit).unwrap_or("1");
            constant.origin.factor(self.kind, key, unit, constant.value, &constant.note)
        })
    }
}
