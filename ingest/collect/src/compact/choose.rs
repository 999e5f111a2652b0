//! Which files become one.

use std::collections::BTreeMap;

use airshed_lake::{DataFile, PartitionValues};

use super::{CompactLimits, STEM};
use crate::land;

/// Files of one partition that become one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) partition: PartitionValues,
    pub(super) files: Vec<DataFile>,
}

/// Where a file comes from, as its name says.
#[derive(Debug, PartialEq, Eq)]
enum Origin<'a> {
    /// A batch of a shard.
    Batch { shard: &'a str, number: u64 },
    /// A compaction.
    Compaction,
    /// An import.
    Other,
}

impl<'a> Origin<'a> {
    fn of(file: &'a DataFile) -> Self {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if name.strip_prefix(STEM).is_some_and(|rest| rest.starts_with('-')) {
            return Self::Compaction;
        }
        let batch = name.strip_prefix(land::STEM).and_then(|rest| {
            let mut parts = rest.split('-');
            let (shard, number) = (parts.next()?, parts.next()?.parse().ok()?);
            Some(Self::Batch { shard, number })
        });
        batch.unwrap_or(Self::Other)
    }
}

/// The groups, in order; what is in none stays as it is.
pub(super) fn groups(files: Vec<DataFile>, limits: &CompactLimits) -> Vec<Group> {
    let mut newest: BTreeMap<String, u64> = BTreeMap::new();
    for file in &files {
        if let Origin::Batch { shard, number } = Origin::of(file) {
            let last = newest.entry(shard.to_owned()).or_insert(number);
            *last = number.max(*last);
        }
    }
    let is_old = |file: &DataFile| match Origin::of(file) {
        Origin::Batch { shard, number } => newest.get(shard).is_some_and(|newest| number < *newest),
        Origin::Compaction => true,
        Origin::Other => false,
    };
    let is_small = |file: &DataFile| file.rows < limits.rows / 2 && file.size < limits.bytes / 2;
    let mut partitions: BTreeMap<PartitionValues, Vec<DataFile>> = BTreeMap::new();
    for file in files.into_iter().filter(|file| is_old(file) && is_small(file)) {
        partitions.entry(file.partition.clone()).or_default().push(file);
    }
    let cut =
        |(partition, files)| cut(files, limits).map(move |files| (PartitionValues::clone(&partition), files));
    partitions
        .into_iter()
        .flat_map(cut)
        .filter(|(_, files)| files.len() >= limits.least_files.max(2))
        .map(|(partition, files)| Group { partition, files })
        .collect()
}

/// Files in order, cut where the next one would be too much. Names begin with the shard, so that a resource's rows come
/// together.
fn cut(mut files: Vec<DataFile>, limits: &CompactLimits) -> impl Iterator<Item = Vec<DataFile>> + use<> {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut cut: Vec<Vec<DataFile>> = Vec::new();
    let (mut rows, mut bytes) = (0, 0);
    for file in files {
        rows += file.rows;
        bytes += file.size;
        match cut.last_mut() {
            Some(last) if rows <= limits.rows && bytes <= limits.bytes => last.push(file),
            _ => {
                (rows, bytes) = (file.rows, file.size);
                cut.push(vec![file]);
            }
        }
    }
    cut.into_iter()
}

#[cfg(test)]
mod tests {
    use airshed_lake::Bounds;

    use super::*;

    const HASH: &str = "0123456789abcdef0123456789abcdef";

    fn file(name: &str, rows: u64) -> DataFile {
        let partition = [("period".to_owned(), "2026-10".to_owned())].into();
        let path = format!("period=2026-10/{name}-{HASH}.parquet");
        DataFile { path, size: rows, rows, partition, bounds: Bounds::default() }
    }

    fn names(names: &[(&str, u64)], limits: &CompactLimits) -> Vec<Vec<String>> {
        let files = names.iter().map(|(name, rows)| file(name, *rows)).collect();
        let name = |file: &DataFile| {
            let name = file.path.rsplit('/').next().unwrap().to_owned();
            name.strip_suffix(&format!("-{HASH}.parquet")).unwrap().to_owned()
        };
        groups(files, limits).iter().map(|group| group.files.iter().map(name).collect()).collect()
    }

    fn limits(rows: u64) -> CompactLimits {
        CompactLimits { rows, bytes: 1_000_000, least_files: 2 }
    }

    #[test]
    fn newest_batches_imports_and_large_files_are_left_alone() {
        let files = [
            ("part-0a1b2c3d4e5f", 1),
            ("part-collect007-0000000001", 1),
            ("part-collect007-0000000002", 60),
            ("part-collect007-0000000009", 1),
            ("part-collect007-0000000010", 1),
            ("part-collect008-0000000003", 1),
            ("part-compact", 49),
            ("part-compactor-1", 1),
        ];
        let expected = ["part-collect007-0000000001", "part-collect007-0000000009", "part-compact"];
        assert_eq!(names(&files, &limits(100)), [expected]);
        assert!(names(&files[1..5], &CompactLimits { least_files: 3, ..limits(100) }).is_empty());
    }

    #[test]
    fn groups_keep_to_rows_and_bytes() {
        let all: Vec<(String, u64)> =
            (1..=10).map(|number| (format!("part-collect000-{number:010}"), 40)).collect();
        let files: Vec<(&str, u64)> = all.iter().map(|(name, rows)| (name.as_str(), *rows)).collect();
        let sizes = |limits: &CompactLimits| names(&files, limits).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(&limits(120)), [3, 3, 3]);
        assert_eq!(sizes(&CompactLimits { bytes: 160, ..limits(1_000) }), [4, 4]);
    }

    #[test]
    fn partitions_are_not_mixed() {
        let mut other = file("part-collect000-0000000002", 1);
        other.partition = [("period".to_owned(), "2026-11".to_owned())].into();
        let files = vec![file("part-collect000-0000000001", 1), other, file("part-collect000-0000000003", 1)];
        assert!(groups(files, &limits(100)).is_empty());
    }
}
