//! The open versions of an account and region: 32 bytes each.

use airshed_domain::schema::column as c;
use bytes::Bytes;
use parquet::arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder};

use super::{
    entry::{KEY_SHIFT, hash_of_rest, hash_of_tags, key_of, list_of},
    rows::OldRows,
};
use crate::error::{Context as _, Result};

/// The columns that identity and content are made of.
const COLUMNS: [&str; 6] =
    [c::RESOURCE_ARN, c::RESOURCE_TYPE, c::TAGS, c::CONFIGURATION, c::VALID_FROM, c::VALID_TO];
/// Marks that a sweep sets lie below the place of the list.
const LIST_SHIFT: u32 = 12;

/// An open version: identity, marks and content.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version {
    /// The key in the high bits; marks in the low ones.
    key_and_marks: u128,
    pub(super) tags: u64,
    pub(super) rest: u64,
}

impl Version {
    pub(super) fn new(
        arn: &str,
        resource_type: &str,
        tags: Option<&str>,
        configuration: Option<&str>,
    ) -> Self {
        let list = list_of(resource_type).map_or(0, |place| place as u128 + 1);
        Self {
            key_and_marks: key_of(arn) << KEY_SHIFT | list << LIST_SHIFT,
            tags: hash_of_tags(tags),
            rest: hash_of_rest(resource_type, configuration),
        }
    }

    fn key(&self) -> u128 {
        self.key_and_marks >> KEY_SHIFT
    }

    /// The place in [`ServiceList::ALL`](crate::cloud::ServiceList::ALL) of the list that tells of its type.
    pub(super) fn list(&self) -> Option<usize> {
        (usize::from(self.low_bits() >> LIST_SHIFT)).checked_sub(1)
    }

    /// The marks.
    pub(super) fn marks(&self) -> u16 {
        self.low_bits() & ((1 << LIST_SHIFT) - 1)
    }

    /// Sets the marks of `mask` to those of `marks`.
    pub(super) fn mark(&mut self, mask: u16, marks: u16) {
        self.key_and_marks = self.key_and_marks & !u128::from(mask) | u128::from(marks & mask);
    }

    fn low_bits(&self) -> u16 {
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
        let low = self.key_and_marks as u16;
        low
    }
}

/// All open versions of an account and region.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) versions: Vec<Version>,
    /// The newest time of any version, microseconds.
    pub(super) newest_us: Option<i64>,
}

impl Known {
    /// Room for the versions of a table of so many rows.
    pub(super) fn for_rows(rows: u64) -> Self {
        Self { versions: Vec::with_capacity(usize::try_from(rows).unwrap_or(0)), newest_us: None }
    }

    /// Adds the open versions of a file.
    pub(super) fn with_file(mut self, file: Bytes) -> Result<Self> {
        let context = || "cannot read a file of `resources`".to_owned();
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).context(context)?;
        let columns = ProjectionMask::columns(builder.parquet_schema(), COLUMNS);
        for batch in builder.with_projection(columns).build().context(context)? {
            let rows = OldRows::of(&batch.context(context)?)?;
            for row in 0..rows.len() {
                let newest_us = rows.valid_to(row).unwrap_or(rows.valid_from(row));
                self.newest_us = self.newest_us.max(Some(newest_us));
                if rows.valid_to(row).is_none() {
                    let (tags, configuration) = (rows.tags(row), rows.configuration(row));
                    let version = Version::new(rows.arn(row), rows.resource_type(row), tags, configuration);
                    self.versions.push(version);
                }
            }
        }
        Ok(self)
    }

    /// The same in the order in which [`find`](Self::find) looks.
    pub(super) fn sorted(mut self) -> Self {
        self.versions.shrink_to_fit();
        self.versions.sort_unstable_by_key(|version| version.key_and_marks);
        self
    }

    /// The place of the open version of a resource.
    pub(super) fn find(&self, key: u128) -> Option<usize> {
        self.versions.binary_search_by_key(&key, Version::key).ok()
    }

    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.versions.capacity() * size_of::<Version>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_takes_32_bytes_and_its_marks_do_not_touch_its_key() {
        assert_eq!(size_of::<Version>(), 32);
        let mut version = Version::new("arn", "AWS::DynamoDB::Table", None, None);
        let (key, list) = (version.key(), version.list());
        assert_eq!((key, list), (key_of("arn"), Some(4)));
        version.mark(0xfff, 0xabc);
        version.mark(0x00f, 0x001);
        assert_eq!((version.marks(), version.key(), version.list()), (0xab1, key, list));
        assert_eq!(Version::new("arn", "AWS::S3::Bucket", None, None).list(), None);
    }
}
