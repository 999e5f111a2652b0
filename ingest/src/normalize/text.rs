//! Text columns: dictionaries in, dictionaries out, work per dictionary value.
//!
//! Whatever type a file gives a text column, it is read as a dictionary. Empty text means null, as AWS's own writers
//! use both. [`Blend`] makes a ledger column of one or more file columns (the first that is not null wins), with each
//! file value mapped once per dictionary and remembered until the file's dictionary changes.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, DictionaryArray, Int32Array, StringArray},
    buffer::{NullBuffer, ScalarBuffer},
    compute::cast,
    datatypes::{DataType, Int32Type},
    error::ArrowError,
};

/// A text column.
pub(super) type Text = DictionaryArray<Int32Type>;

/// What a file's value becomes; `None` for null.
pub(super) type Map = for<'v> fn(&'v str) -> Option<Cow<'v, str>>;

/// Digits of an AWS account id.
const ACCOUNT_DIGITS: usize = 12;

/// Whether a column of this type can be read as text.
pub(super) fn is_textual(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_textual(value),
        other => !other.is_nested() && !matches!(other, DataType::Interval(_)),
    }
}

/// A column of any flat type as text.
pub(super) fn text_of(array: &ArrayRef) -> Result<Text, ArrowError> {
    if let Some(text) = array.as_dictionary_opt::<Int32Type>()
        && text.values().data_type() == &DataType::Utf8
    {
        return Ok(text.clone());
    }
    let whole = DataType::Int64;
    let array = match array.data_type() {
        // Ids that were read as numbers on the way: 123456789012.0 is 123456789012.
        DataType::Float32 | DataType::Float64 => cast(array, &whole)?,
        _ => Arc::clone(array),
    };
    let array = cast(&array, &DataType::Utf8)?;
    let dictionary =
        cast(&array, &DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)))?;
    Ok(dictionary.as_dictionary::<Int32Type>().clone())
}

/// A text column without any text.
pub(super) fn nothing(rows: usize) -> Text {
    let keys = Int32Array::new(vec![0; rows].into(), Some(NullBuffer::new_null(rows)));
    Text::new(keys, Arc::new(StringArray::from(Vec::<&str>::new())))
}

/// A text column of one word.
pub(super) fn always(word: &str, rows: usize) -> Text {
    Text::new(Int32Array::new(vec![0; rows].into(), None), Arc::new(StringArray::from(vec![word])))
}

/// The text of a row.
pub(super) fn text_at(text: &Text, row: usize) -> Option<&str> {
    let key = usize::try_from(text.keys().value(row)).ok().filter(|_| text.is_valid(row))?;
    let values = text.values().as_string::<i32>();
    values.is_valid(key).then(|| values.value(key)).filter(|value| !value.is_empty())
}

/// An AWS account id with the zeros that a number loses.
pub(super) fn account(id: &str) -> Option<Cow<'_, str>> {
    let is_short_number =
        id.len() < ACCOUNT_DIGITS && !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
    if is_short_number { Some(Cow::Owned(format!("{id:0>ACCOUNT_DIGITS$}"))) } else { present(id) }
}

/// The text itself; null when it is empty.
pub(super) fn present(text: &str) -> Option<Cow<'_, str>> {
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}

/// Whether two dictionaries are one: the same memory. Both are held, so memory is not used again meanwhile.
pub(super) fn is_same(a: &ArrayRef, b: &ArrayRef) -> bool {
    let (Some(a), Some(b)) = (a.as_string_opt::<i32>(), b.as_string_opt::<i32>()) else { return false };
    a.len() == b.len()
        && a.offsets().as_ptr() == b.offsets().as_ptr()
        && a.values().as_ptr() == b.values().as_ptr()
        && a.null_count() == b.null_count()
}

/// Makes one ledger column of one or more file columns.
#[derive(Default)]
pub(super) struct Blend {
    inputs: Vec<ArrayRef>,
    values: Option<ArrayRef>,
    /// Per input: its dictionary keys to ours, -1 for null. `None` when they are the same and none is null.
    keys: Vec<Option<Vec<i32>>>,
}

impl Blend {
    /// The first text of each row that is not null after its mapping (`None`: as it is).
    pub(super) fn first_of(&mut self, inputs: &[(&Text, Option<Map>)], rows: usize) -> Text {
        if inputs.is_empty() {
            return nothing(rows);
        }
        let fresh = self.inputs.len() != inputs.len()
            || self.inputs.iter().zip(inputs).any(|(known, (text, _))| !is_same(known, text.values()));
        if fresh {
            self.learn(inputs);
        }
        let values = self.values.clone().unwrap_or_else(|| Arc::clone(inputs[0].0.values()));
        if let ([(text, _)], [None]) = (inputs, self.keys.as_slice()) {
            return (*text).clone();
        }
        let mut keys = vec![-1i32; rows];
        for ((text, _), map) in inputs.iter().zip(&self.keys) {
            fill(&mut keys, text, map.as_deref());
        }
        text_from_keys(keys, values)
    }

    fn learn(&mut self, inputs: &[(&Text, Option<Map>)]) {
        self.inputs = inputs.iter().map(|(text, _)| Arc::clone(text.values())).collect();
        if let [(text, None)] = inputs {
            let values = text.values().as_string::<i32>();
            let is_clean = values.null_count() == 0 && values.iter().all(|v| v != Some(""));
            let same = |(key, value): (usize, Option<&str>)| {
                value.filter(|v| !v.is_empty()).and_then(|_| i32::try_from(key).ok()).unwrap_or(-1)
            };
            self.values = Some(Arc::clone(text.values()));
            self.keys = vec![(!is_clean).then(|| values.iter().enumerate().map(same).collect())];
            return;
        }
        let mut words: HashMap<String, i32> = HashMap::new();
        let mut ordered: Vec<String> = Vec::new();
        self.keys = inputs
            .iter()
            .map(|(text, map)| {
                let map = map.unwrap_or(present);
                let values = text.values().as_string::<i32>();
                let key = |value: Option<&str>| {
                    let Some(word) = value.and_then(map).filter(|word| !word.is_empty()) else { return -1 };
                    if let Some(key) = words.get(word.as_ref()) {
                        return *key;
                    }
                    let key = i32::try_from(ordered.len()).unwrap_or(-1);
                    ordered.push(word.clone().into_owned());
                    words.insert(word.into_owned(), key);
                    key
                };
                Some(values.iter().map(key).collect())
            })
            .collect();
        self.values = Some(Arc::new(StringArray::from(ordered)));
    }
}

/// A text column of keys, below 0 for null.
pub(super) fn text_from_keys(mut keys: Vec<i32>, values: ArrayRef) -> Text {
    let nulls =
        keys.iter().any(|key| *key < 0).then(|| keys.iter().map(|key| *key >= 0).collect::<NullBuffer>());
    if nulls.is_some() {
        for key in &mut keys {
            *key = (*key).max(0);
        }
    }
    Text::new(Int32Array::new(ScalarBuffer::from(keys), nulls), values)
}

/// Fills the rows that have no key yet.
fn fill(out: &mut [i32], text: &Text, map: Option<&[i32]>) {
    let keys = text.keys();
    let mapped = |key: i32| match map {
        Some(map) => usize::try_from(key).ok().and_then(|key| map.get(key)).copied().unwrap_or(-1),
        None => key,
    };
    match keys.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => {
            for (out, key) in out.iter_mut().zip(keys.values()) {
                if *out < 0 {
                    *out = mapped(*key);
                }
            }
        }
        Some(nulls) => {
            for ((out, key), valid) in out.iter_mut().zip(keys.values()).zip(nulls.iter()) {
                if *out < 0 && valid {
                    *out = mapped(*key);
                }
            }
        }
    }
}

/// Something computed once per dictionary value and remembered until the dictionary changes.
pub(super) struct PerValue<T> {
    values: Option<ArrayRef>,
    computed: Vec<T>,
}

impl<T> Default for PerValue<T> {
    fn default() -> Self {
        Self { values: None, computed: Vec::new() }
    }
}

impl<T> PerValue<T> {
    /// The results for the dictionary of this column, in the order of its values. Null values compute as `""`.
    pub(super) fn of(&mut self, text: &Text, compute: impl Fn(&str) -> T) -> &[T] {
        if !self.values.as_ref().is_some_and(|known| is_same(known, text.values())) {
            self.values = Some(Arc::clone(text.values()));
            let values = text.values().as_string::<i32>();
            self.computed = values.iter().map(|value| compute(value.unwrap_or_default())).collect();
        }
        &self.computed
    }
}
