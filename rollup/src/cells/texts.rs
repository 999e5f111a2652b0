//! Tuples of texts as numbers: each distinct text of a column, and each distinct tuple of them, gets the next one.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray as _, DictionaryArray, Int32Array, StringArray},
    buffer::NullBuffer,
    datatypes::Int32Type,
};

use crate::error::{Error, Result};

/// The code of null in every column.
const NULL: u32 = 0;

/// The distinct texts of one column, from code 1; code 0 is null.
#[derive(Debug, Default)]
struct Texts {
    codes: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
}

impl Texts {
    fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        let text: Arc<str> = Arc::from(text);
        self.texts.push(Arc::clone(&text));
        let code = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.codes.insert(text, code);
        code
    }

    /// Place of every code in the order of texts, null first.
    fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (1..).take(self.texts.len()).collect();
        order.sort_unstable_by_key(|&code| &self.texts[code as usize - 1]);
        let mut ranks = vec![0; self.texts.len() + 1];
        for (rank, code) in (1..).zip(order) {
            ranks[code as usize] = rank;
        }
        ranks
    }
}

/// The distinct tuples of some columns of texts.
#[derive(Debug)]
pub(crate) struct Tuples {
    columns: Vec<Texts>,
    /// Codes of the tuples, one after another.
    codes: Vec<u32>,
    numbers: HashMap<Box<[u32]>, u32>,
}

impl Tuples {
    /// No tuples yet, of as many columns.
    pub(crate) fn new(columns: usize) -> Self {
        Self {
            columns: (0..columns).map(|_| Texts::default()).collect(),
            codes: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    /// The tuple of every row. Columns are dictionaries of strings, one for each column of the tuples.
    pub(crate) fn of_rows(&mut self, columns: &[ArrayRef]) -> Result<Vec<u32>> {
        let rows = columns.first().map_or(0, Array::len);
        let mut coded = Vec::with_capacity(columns.len());
        for (column, texts) in columns.iter().zip(&mut self.columns) {
            coded.push(Coded::new(column, texts)?);
        }
        let mut tuples = Vec::with_capacity(rows);
        let mut tuple = vec![NULL; columns.len()];
        let mut last = None;
        for row in 0..rows {
            let mut changed = last.is_none();
            for (own, column) in tuple.iter_mut().zip(&coded) {
                let code = column.code(row);
                changed |= *own != code;
                *own = code;
            }
            // Rows stand in the order of most of these columns: a tuple is often the one before it.
            let number = match last {
                Some(number) if !changed => number,
                _ => self.number(&tuple),
            };
            last = Some(number);
            tuples.push(number);
        }
        Ok(tuples)
    }

    /// The numbers here of another's tuples, which are added where they are not known. `places` says which column of the
    /// other each column here is; the other may have more.
    pub(crate) fn adopt(&mut self, other: &Self, places: &[usize]) -> Vec<u32> {
        let codes: Vec<Vec<u32>> = self
            .columns
            .iter_mut()
            .zip(places)
            .map(|(own, place)| {
                let texts = &other.columns[*place].texts;
                std::iter::once(NULL).chain(texts.iter().map(|text| own.code(text))).collect()
            })
            .collect();
        let tuples = other.codes.chunks_exact(other.columns.len());
        tuples
            .map(|tuple| {
                let here: Vec<u32> =
                    places.iter().zip(&codes).map(|(place, codes)| codes[tuple[*place] as usize]).collect();
                self.number(&here)
            })
            .collect()
    }

    /// Columns of each tuple.
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }

    fn number(&mut self, tuple: &[u32]) -> u32 {
        if let Some(number) = self.numbers.get(tuple) {
            return *number;
        }
        let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.codes.extend(tuple);
        self.numbers.insert(tuple.into(), number);
        number
    }

    /// Place of every tuple in the order of its texts, column by column, null first.
    pub(crate) fn ranks(&self) -> Vec<u32> {
        let by_column: Vec<Vec<u32>> = self.columns.iter().map(Texts::ranks).collect();
        let ranked: Vec<Vec<u32>> = self
            .codes
            .chunks_exact(self.columns.len())
            .map(|tuple| tuple.iter().zip(&by_column).map(|(code, ranks)| ranks[*code as usize]).collect())
            .collect();
        let mut order: Vec<u32> = (0..).take(ranked.len()).collect();
        order.sort_unstable_by_key(|&tuple| &ranked[tuple as usize]);
        let mut ranks = vec![0; order.len()];
        for (rank, tuple) in (0..).zip(order) {
            ranks[tuple as usize] = rank;
        }
        ranks
    }

    /// The distinct texts of each column, for [`Self::column`].
    pub(crate) fn values(&self) -> Vec<ArrayRef> {
        let array = |texts: &Texts| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(texts.texts.iter().map(AsRef::as_ref)))
        };
        self.columns.iter().map(array).collect()
    }

    /// The texts of some tuples in one column.
    pub(crate) fn column(&self, column: usize, values: &ArrayRef, tuples: &[u32]) -> Result<ArrayRef> {
        let width = self.columns.len();
        let codes = || tuples.iter().map(|&tuple| self.codes[tuple as usize * width + column]);
        let nulls = codes().any(|code| code == NULL).then(|| codes().map(|code| code != NULL).collect());
        let keys = codes().map(|code| code.saturating_sub(1).cast_signed()).collect::<Vec<_>>();
        let keys = Int32Array::new(keys.into(), nulls.map(|valid: Vec<bool>| NullBuffer::from(valid)));
        let array = DictionaryArray::<Int32Type>::try_new(keys, Arc::clone(values))
            .map_err(|e| Error::query("texts are not in their dictionary", e))?;
        Ok(Arc::new(array))
    }
}

/// A column of a batch in the codes of its [`Texts`].
struct Coded<'a> {
    keys: &'a Int32Array,
    /// Code of every value of the batch's dictionary.
    codes: Vec<u32>,
}

impl<'a> Coded<'a> {
    fn new(column: &'a ArrayRef, texts: &mut Texts) -> Result<Self> {
        let no_texts = || Error::corrupt(format!("texts come as {}", column.data_type()));
        let dictionary = column.as_dictionary_opt::<Int32Type>().ok_or_else(no_texts)?;
        let values = dictionary.values().as_string_opt::<i32>().ok_or_else(no_texts)?;
        let codes = values.iter().map(|text| text.map_or(NULL, |text| texts.code(text))).collect();
        Ok(Self { keys: dictionary.keys(), codes })
    }

    #[inline]
    fn code(&self, row: usize) -> u32 {
        if self.keys.is_null(row) {
            return NULL;
        }
        usize::try_from(self.keys.value(row))
            .ok()
            .and_then(|key| self.codes.get(key))
            .copied()
            .unwrap_or(NULL)
    }
}
