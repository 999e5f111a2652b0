//! Map columns: work per distinct map, not per row.
//!
//! An export repeats few maps on many rows. Each row's map is reduced to a number (its group); tags become JSON once per
//! group, and an attribute of the product map is looked up once per group. Maps come as Parquet maps (or lists of
//! key-value pairs), as JSON text, or spread over flat columns.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
};

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, StringArray, StructArray},
    buffer::{NullBuffer, OffsetBuffer},
    compute::concat,
    datatypes::DataType,
    error::ArrowError,
};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::text::{Text, is_same, text_at, text_from_keys, text_of};

type Hashed<K, V> = HashMap<K, V, BuildHasherDefault<Xxh3>>;

/// xxh3 in one go: the keys here are one slice each.
#[derive(Default)]
struct Xxh3(u64);

impl Hasher for Xxh3 {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Pairs that are remembered before a column starts anew, so that memory stays bounded.
const PAIR_LIMIT: usize = 1 << 21;
/// JSON text that is remembered before the tags start anew, bytes.
const JSON_LIMIT: usize = 32 * 1024 * 1024;

/// The group of a row without a map.
const NO_GROUP: i32 = -1;
/// The group of a row whose map cannot be read.
pub(super) const BAD_GROUP: i32 = -2;

/// Whether a column of this type can be read as maps.
pub(super) fn is_map(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(entries, _) | DataType::List(entries) => match entries.data_type() {
            DataType::Struct(pair) => pair.len() == 2,
            _ => false,
        },
        other => super::text::is_textual(other),
    }
}

/// A map column across batches: the distinct maps seen since its dictionaries last changed.
#[derive(Default)]
pub(super) struct Maps {
    /// Dictionaries that the pairs point into.
    sources: Vec<ArrayRef>,
    names: Option<ArrayRef>,
    values: Option<ArrayRef>,
    /// Group by its pairs.
    known: Hashed<Box<[i64]>, i32>,
    /// Pairs of every group, as (name, value) positions; value -1 for null.
    pairs: Vec<(i32, i32)>,
    ends: Vec<usize>,
    /// Counts every time that groups start anew.
    generation: u64,
    /// JSON text seen before, parsed.
    json: JsonMaps,
}

#[derive(Default)]
struct JsonMaps {
    bytes: usize,
    groups: HashMap<String, i32>,
    words: HashMap<String, i32>,
    ordered: Vec<String>,
}

impl Maps {
    /// The group of each row of a map column.
    pub(super) fn groups(&mut self, array: &ArrayRef) -> Result<Vec<i32>, ArrowError> {
        match array.data_type() {
            DataType::Map(..) => {
                let map = array.as_map();
                self.of_pairs(map.offsets(), map.entries(), map.nulls())
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                self.of_pairs(list.offsets(), list.values().as_struct(), list.nulls())
            }
            _ => Ok(self.of_json(&text_of(array)?)),
        }
    }

    /// The group of each row of flat columns, one per key.
    pub(super) fn groups_of_flat(
        &mut self,
        columns: &[(String, Text)],
        rows: usize,
    ) -> Result<Vec<i32>, ArrowError> {
        let sources: Vec<ArrayRef> = columns.iter().map(|(_, text)| Arc::clone(text.values())).collect();
        if self.is_other(&sources) {
            let parts: Vec<&dyn arrow::array::Array> = sources.iter().map(AsRef::as_ref).collect();
            let values = concat(&parts)?;
            let names: ArrayRef =
                Arc::new(StringArray::from_iter_values(columns.iter().map(|(name, _)| name)));
            self.restart(sources, names, values);
        }
        let mut offset = 0;
        let starts: Vec<i32> = columns
            .iter()
            .map(|(_, text)| {
                let start = offset;
                offset += i32::try_from(text.values().len()).unwrap_or(0);
                start
            })
            .collect();
        let mut key = Vec::with_capacity(columns.len());
        let mut groups = Vec::with_capacity(rows);
        for row in 0..rows {
            key.clear();
            for (name, (_, text)) in columns.iter().enumerate() {
                if text_at(text, row).is_some() {
                    key.push(pair(i32::try_from(name).unwrap_or(0), starts[name] + text.keys().value(row)));
                }
            }
            groups.push(self.group(&key));
        }
        Ok(groups)
    }

    fn of_pairs(
        &mut self,
        offsets: &[i32],
        entries: &StructArray,
        nulls: Option<&NullBuffer>,
    ) -> Result<Vec<i32>, ArrowError> {
        let names = text_of(entries.column(0))?;
        let values = text_of(entries.column(1))?;
        let sources = vec![Arc::clone(names.values()), Arc::clone(values.values())];
        if self.is_other(&sources) {
            self.restart(sources, Arc::clone(names.values()), Arc::clone(values.values()));
        }
        let rows = offsets.len().saturating_sub(1);
        let position = |offset: i32| usize::try_from(offset).unwrap_or(0);
        let mut key: Vec<i64> = Vec::new();
        let mut groups = Vec::with_capacity(rows);
        // Rows that follow each other often share their map: compare before looking up.
        let mut last: (Vec<i64>, i32) = (Vec::new(), NO_GROUP);
        for row in 0..rows {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                groups.push(NO_GROUP);
                continue;
            }
            key.clear();
            for entry in position(offsets[row])..position(offsets[row + 1]) {
                if names.is_valid(entry) {
                    let value = if values.is_valid(entry) { values.keys().value(entry) } else { -1 };
                    key.push(pair(names.keys().value(entry), value));
                }
            }
            if key != last.0 {
                last.1 = self.group(&key);
                last.0.clone_from(&key);
            }
            groups.push(last.1);
        }
        Ok(groups)
    }

    fn of_json(&mut self, text: &Text) -> Vec<i32> {
        let texts = text.values().as_string::<i32>();
        let before = self.json.ordered.len();
        let by_value: Vec<i32> = texts.iter().map(|json| self.json_group(json.unwrap_or_default())).collect();
        if self.json.ordered.len() != before || self.names.is_none() {
            let words: ArrayRef = Arc::new(StringArray::from_iter_values(&self.json.ordered));
            self.names = Some(Arc::clone(&words));
            self.values = Some(words);
        }
        let group = |key: Option<i32>| key.and_then(|key| by_value.get(usize::try_from(key).ok()?)).copied();
        text.keys().iter().map(|key| group(key).unwrap_or(NO_GROUP)).collect()
    }

    fn json_group(&mut self, json: &str) -> i32 {
        if json.trim().is_empty() {
            return NO_GROUP;
        }
        if let Some(group) = self.json.groups.get(json) {
            return *group;
        }
        let group = match serde_json::from_str::<serde_json::Value>(json) {
            Ok(serde_json::Value::Object(object)) => {
                let key: Vec<i64> = object
                    .iter()
                    .map(|(name, value)| {
                        let value = match value {
                            serde_json::Value::Null => -1,
                            serde_json::Value::String(text) => self.json.word(text),
                            other => self.json.word(&other.to_string()),
                        };
                        pair(self.json.word(name), value)
                    })
                    .collect();
                self.group(&key)
            }
            Ok(serde_json::Value::Null) => NO_GROUP,
            _ => BAD_GROUP,
        };
        self.json.bytes += json.len();
        self.json.groups.insert(json.to_owned(), group);
        group
    }

    /// The group of a map given by its pairs; a map without pairs has none.
    fn group(&mut self, key: &[i64]) -> i32 {
        if key.is_empty() {
            return NO_GROUP;
        }
        if let Some(group) = self.known.get(key) {
            return *group;
        }
        let group = i32::try_from(self.ends.len()).unwrap_or(BAD_GROUP);
        #[expect(clippy::cast_possible_truncation, reason = "takes apart what `pair` put together")]
        self.pairs.extend(key.iter().map(|pair| ((pair >> 32) as i32, *pair as i32)));
        self.ends.push(self.pairs.len());
        self.known.insert(key.into(), group);
        group
    }

    fn is_other(&self, sources: &[ArrayRef]) -> bool {
        self.sources.len() != sources.len() || self.sources.iter().zip(sources).any(|(a, b)| !is_same(a, b))
    }

    fn restart(&mut self, sources: Vec<ArrayRef>, names: ArrayRef, values: ArrayRef) {
        self.forget();
        self.sources = sources;
        self.names = Some(names);
        self.values = Some(values);
    }

    fn forget(&mut self) {
        self.sources.clear();
        self.known.clear();
        self.pairs.clear();
        self.ends.clear();
        self.json = JsonMaps::default();
        self.generation += 1;
    }

    /// Starts anew when too much is remembered; to be called between batches.
    pub(super) fn trim(&mut self) {
        if self.pairs.len() > PAIR_LIMIT || self.json.bytes > JSON_LIMIT {
            self.forget();
            (self.names, self.values) = (None, None);
        }
    }

    fn pairs_of(&self, group: i32) -> &[(i32, i32)] {
        let Ok(group) = usize::try_from(group) else { return &[] };
        let start = if group == 0 { 0 } else { self.ends[group - 1] };
        &self.pairs[start..self.ends[group]]
    }

    /// One attribute of each row's map, as a text column.
    pub(super) fn attribute(&self, name: &str, groups: &[i32]) -> Text {
        let (Some(names), Some(values)) = (&self.names, &self.values) else {
            return super::text::nothing(groups.len());
        };
        let names = names.as_string::<i32>();
        let wanted: Vec<i32> = names
            .iter()
            .enumerate()
            .filter(|(_, known)| *known == Some(name))
            .filter_map(|(position, _)| i32::try_from(position).ok())
            .collect();
        let of_group = |group: i32| {
            self.pairs_of(group)
                .iter()
                .find(|(name, _)| wanted.contains(name))
                .map_or(-1, |(_, value)| *value)
        };
        let count = i32::try_from(self.ends.len()).unwrap_or(0);
        let by_group: Vec<i32> = (0..count).map(of_group).collect();
        let value =
            |group: &i32| usize::try_from(*group).ok().and_then(|g| by_group.get(g)).copied().unwrap_or(-1);
        text_from_keys(groups.iter().map(value).collect(), Arc::clone(values))
    }
}

impl JsonMaps {
    fn word(&mut self, word: &str) -> i32 {
        if let Some(position) = self.words.get(word) {
            return *position;
        }
        let position = i32::try_from(self.ordered.len()).unwrap_or(-1);
        self.ordered.push(word.to_owned());
        self.words.insert(word.to_owned(), position);
        position
    }
}

fn pair(name: i32, value: i32) -> i64 {
    (i64::from(name) << 32) | i64::from(value.cast_unsigned())
}

/// Tags and cost categories as JSON objects with sorted keys, each written once.
#[derive(Default)]
pub(super) struct TagText {
    generations: (u64, u64),
    known: Hashed<(i32, i32), i32>,
    text: Vec<u8>,
    offsets: Vec<i32>,
    values: Option<ArrayRef>,
}

/// Prefix of cost categories among the tags.
const CATEGORY: &str = "cost_category/";

impl TagText {
    /// The tags column of rows with these groups of tags and of cost categories.
    pub(super) fn column(
        &mut self,
        tags: (&Maps, &[i32]),
        categories: (&Maps, &[i32]),
    ) -> Result<Text, ArrowError> {
        let generations = (tags.0.generation, categories.0.generation);
        if generations != self.generations || self.text.len() > JSON_LIMIT || self.offsets.is_empty() {
            *self = Self { generations, offsets: vec![0], ..Self::default() };
        }
        let mut keys = Vec::with_capacity(tags.1.len());
        let mut last = ((NO_GROUP, NO_GROUP), -1);
        for group in tags.1.iter().copied().zip(categories.1.iter().copied()) {
            if group != last.0 {
                last = (group, self.key(group, tags.0, categories.0)?);
            }
            keys.push(last.1);
        }
        let values = if let Some(values) = &self.values {
            Arc::clone(values)
        } else {
            let offsets = OffsetBuffer::new(self.offsets.clone().into());
            let values: ArrayRef = Arc::new(StringArray::try_new(offsets, self.text.clone().into(), None)?);
            self.values = Some(Arc::clone(&values));
            values
        };
        Ok(text_from_keys(keys, values))
    }

    fn key(&mut self, group: (i32, i32), tags: &Maps, categories: &Maps) -> Result<i32, ArrowError> {
        if group.0 < 0 && group.1 < 0 {
            return Ok(NO_GROUP);
        }
        if let Some(key) = self.known.get(&group) {
            return Ok(*key);
        }
        let mut pairs: Vec<(&str, &str, Option<&str>)> = Vec::new();
        pairs.extend(words(tags, group.0).map(|(name, value)| ("", name, value)));
        pairs.extend(words(categories, group.1).map(|(name, value)| (CATEGORY, name, value)));
        let letters =
            |pair: &(&str, &str, Option<&str>)| (pair.0.to_owned() + pair.1, pair.2.map(str::to_owned));
        pairs.sort_by_cached_key(letters);
        pairs.dedup_by_key(|pair| (pair.0, pair.1));
        for (index, (prefix, name, value)) in pairs.into_iter().enumerate() {
            self.text.push(if index == 0 { b'{' } else { b',' });
            write_json(&mut self.text, prefix, name);
            self.text.push(b':');
            match value {
                Some(value) => write_json(&mut self.text, "", value),
                None => self.text.extend_from_slice(b"null"),
            }
        }
        self.text.push(b'}');
        let too_long = |_| ArrowError::OffsetOverflowError(self.text.len());
        let end = i32::try_from(self.text.len()).map_err(too_long)?;
        let key = i32::try_from(self.offsets.len() - 1).map_err(too_long)?;
        self.offsets.push(end);
        self.values = None;
        self.known.insert(group, key);
        Ok(key)
    }
}

fn words(maps: &Maps, group: i32) -> impl Iterator<Item = (&str, Option<&str>)> {
    let both = maps.names.as_ref().zip(maps.values.as_ref());
    both.into_iter().flat_map(move |(names, values)| {
        let (names, values) = (names.as_string::<i32>(), values.as_string::<i32>());
        maps.pairs_of(group).iter().filter_map(move |(name, value)| {
            let name = usize::try_from(*name).ok().filter(|n| names.is_valid(*n)).map(|n| names.value(n))?;
            let value = usize::try_from(*value).ok().filter(|v| values.is_valid(*v)).map(|v| values.value(v));
            Some((name, value))
        })
    })
}

fn write_json(out: &mut Vec<u8>, prefix: &str, text: &str) {
    let plain = |text: &str| text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\');
    if plain(text) {
        out.push(b'"');
        out.extend_from_slice(prefix.as_bytes());
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else if let Ok(json) = serde_json::to_vec(&format!("{prefix}{text}")) {
        out.extend(json);
    }
}
