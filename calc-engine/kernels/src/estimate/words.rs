//! Columns of words: status, reason, zone, factors and so on, as dictionaries.
//!
//! The words of a class are coded once, when it is classified; per row a code is copied. The dictionaries are shared by
//! all batches, and those that classes add to are built anew only after a class was added.

use std::{collections::HashMap, sync::Arc};

use airshed_domain::{
    id::FactorSetId,
    schema::column as c,
    status::{GridBasis, LineStatus, Quality, UsageFamily, UtilizationSource},
};
use arrow::{
    array::{Array as _, ArrayRef, DictionaryArray, Int32Array, StringArray},
    buffer::{BooleanBuffer, NullBuffer},
    datatypes::Int32Type,
};

use super::{EstimateError, prepared::Prepared, rows::Rows, runs::Runs};
use crate::{class::Class, method::MethodName, reason::Reason, utilization::Measured};

/// The dictionaries of all columns of words, and each class's place in them.
#[derive(Debug)]
pub(super) struct Names {
    zones: Growing,
    factors: Growing,
    of_class: Vec<ClassCodes>,
    statuses: ArrayRef,
    reasons: ArrayRef,
    families: ArrayRef,
    utilization_sources: ArrayRef,
    grid_bases: ArrayRef,
    qualities: ArrayRef,
    method: Constant,
    factor_set: Constant,
}

/// Words that classes bring along.
#[derive(Debug)]
struct Growing {
    words: Vec<String>,
    codes: HashMap<String, i32>,
    /// The words as an array, when it was last asked for.
    array: ArrayRef,
}

impl Growing {
    fn new() -> Self {
        Self { words: Vec::new(), codes: HashMap::new(), array: dictionary_of([].into_iter()) }
    }

    fn code(&mut self, word: &str) -> i32 {
        if let Some(code) = self.codes.get(word) {
            return *code;
        }
        let code = i32::try_from(self.words.len()).unwrap_or(i32::MAX);
        self.words.push(word.to_owned());
        self.codes.insert(word.to_owned(), code);
        code
    }

    fn refresh(&mut self) {
        if self.array.len() != self.words.len() {
            self.array = dictionary_of(self.words.iter().map(String::as_str));
        }
    }
}

/// A column that is one word throughout, as long as the longest batch so far.
#[derive(Debug)]
struct Constant {
    word: ArrayRef,
    column: ArrayRef,
}

impl Constant {
    fn new(word: &str) -> Self {
        let word = dictionary_of([word].into_iter());
        Self { column: Arc::clone(&word), word }
    }

    fn refresh(&mut self, rows: usize) -> Result<(), EstimateError> {
        if self.column.len() < rows || self.column.data_type() == self.word.data_type() {
            self.column = dictionary(vec![0; rows], &self.word)?;
        }
        Ok(())
    }
}

/// A dictionary column from codes; -1 is null.
fn dictionary(codes: Vec<i32>, words: &ArrayRef) -> Result<ArrayRef, EstimateError> {
    let any_null = codes.iter().fold(0, |signs, code| signs | code) < 0;
    let nulls =
        any_null.then(|| NullBuffer::new(BooleanBuffer::collect_bool(codes.len(), |row| codes[row] >= 0)));
    let array =
        DictionaryArray::<Int32Type>::try_new(Int32Array::new(codes.into(), nulls), Arc::clone(words))
            .map_err(|error| EstimateError::input("words are not in their vocabulary").with_source(error))?;
    Ok(Arc::new(array))
}

fn dictionary_of<'w>(words: impl Iterator<Item = &'w str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(words))
}

#[derive(Debug, Clone, Copy)]
struct ClassCodes {
    status: i32,
    reason: i32,
    family: i32,
    quality: i32,
    zone: i32,
    factors: i32,
}

impl Names {
    pub(super) fn new(method: MethodName, factor_set: &FactorSetId) -> Self {
        Self {
            zones: Growing::new(),
            factors: Growing::new(),
            of_class: Vec::new(),
            statuses: dictionary_of(LineStatus::ALL.iter().map(|word| word.as_str())),
            reasons: dictionary_of(Reason::ALL.iter().map(|word| word.as_str())),
            families: dictionary_of(UsageFamily::ALL.iter().map(|word| word.as_str())),
            utilization_sources: dictionary_of(UtilizationSource::ALL.iter().map(|word| word.as_str())),
            grid_bases: dictionary_of(GridBasis::ALL.iter().map(|word| word.as_str())),
            qualities: dictionary_of(Quality::ALL.iter().map(|word| word.as_str())),
            method: Constant::new(method.as_str()),
            factor_set: Constant::new(factor_set.as_str()),
        }
    }

    /// Adds the next class.
    pub(super) fn add(&mut self, class: &Class) {
        let zone = class.coefficients.as_ref().map(|coefficients| coefficients.grid.zone.as_ref());
        let codes = ClassCodes {
            status: place(LineStatus::ALL, &class.status),
            reason: class.reason.map_or(-1, |reason| place(Reason::ALL, &reason)),
            family: place(UsageFamily::ALL, &class.family),
            quality: class.quality.map_or(-1, |quality| place(Quality::ALL, &quality)),
            zone: zone.map_or(-1, |zone| self.zones.code(zone)),
            factors: class.factors_text().map_or(-1, |text| self.factors.code(&text)),
        };
        self.of_class.push(codes);
    }

    /// Brings the dictionaries up to the classes, and the constant columns up to the rows of a batch.
    pub(super) fn refresh(&mut self, rows: usize) -> Result<(), EstimateError> {
        self.zones.refresh();
        self.factors.refresh();
        self.method.refresh(rows)?;
        self.factor_set.refresh(rows)
    }
}

/// Position of a word in its vocabulary, which is its dictionary code; -1 is null.
fn place<T: PartialEq>(vocabulary: &[T], word: &T) -> i32 {
    vocabulary
        .iter()
        .position(|known| known == word)
        .and_then(|place| i32::try_from(place).ok())
        .unwrap_or(-1)
}

/// The columns of words that the estimator makes.
pub(super) struct Words<'a> {
    pub(super) rows: &'a Rows,
    pub(super) runs: &'a Runs,
    pub(super) prepared: &'a [Prepared],
    pub(super) names: &'a Names,
}

impl Words<'_> {
    /// A column of words; `None` for any other column.
    pub(super) fn column(&self, name: &str) -> Result<Option<ArrayRef>, EstimateError> {
        let Self { rows, names, .. } = self;
        let array = match name {
            c::STATUS => {
                let unmapped = place(LineStatus::ALL, &LineStatus::Unmapped);
                dictionary(self.if_lost(self.of_class(|codes| codes.status), unmapped), &names.statuses)
            }
            c::REASON => {
                let no_amount = place(Reason::ALL, &Reason::NoAmount);
                dictionary(self.if_lost(self.of_class(|codes| codes.reason), no_amount), &names.reasons)
            }
            c::USAGE_FAMILY => dictionary(self.of_class(|codes| codes.family), &names.families),
            c::UTILIZATION_SOURCE => {
                let of = |source| place(UtilizationSource::ALL, &source);
                let default = of(UtilizationSource::Default);
                let mut codes = self
                    .runs
                    .spread(|class| if self.prepared[class].utilization.is_nan() { -1 } else { default });
                if !rows.measured.is_empty() {
                    for (row, code) in codes.iter_mut().enumerate() {
                        *code = rows.measured(row).map_or(*code, |measured| of(measured.source()));
                    }
                }
                dictionary(self.if_lost(codes, -1), &names.utilization_sources)
            }
            c::GRID_ZONE => {
                dictionary(self.if_lost(self.of_class(|codes| codes.zone), -1), &names.zones.array)
            }
            c::GRID_BASIS => {
                let [hourly, yearly] =
                    [GridBasis::Hourly, GridBasis::Yearly].map(|basis| place(GridBasis::ALL, &basis));
                let mut codes = self.runs.spread(|class| match self.prepared[class].basis {
                    Some(_) => yearly,
                    None => -1,
                });
                for (code, of_hours) in codes.iter_mut().zip(&rows.hourly) {
                    *code = if *of_hours { hourly } else { *code };
                }
                dictionary(self.if_lost(codes, -1), &names.grid_bases)
            }
            c::METHOD => Ok(names.method.column.slice(0, self.runs.rows())),
            c::FACTOR_SET => Ok(names.factor_set.column.slice(0, self.runs.rows())),
            c::FACTORS => {
                dictionary(self.if_lost(self.of_class(|codes| codes.factors), -1), &names.factors.array)
            }
            c::QUALITY => {
                let [modelled, measured] =
                    [Quality::Modelled, Quality::Measured].map(|quality| place(Quality::ALL, &quality));
                let mut codes = self.if_lost(self.of_class(|codes| codes.quality), -1);
                if !rows.measured.is_empty() {
                    for (row, code) in codes.iter_mut().enumerate() {
                        let source = rows.measured(row).map(Measured::source);
                        if *code == modelled && source == Some(UtilizationSource::Measured) {
                            *code = measured;
                        }
                    }
                }
                dictionary(codes, &names.qualities)
            }
            _ => return Ok(None),
        };
        array.map(Some)
    }

    fn of_class(&self, code: impl Fn(&ClassCodes) -> i32) -> Vec<i32> {
        self.runs.spread(|class| code(&self.names.of_class[class]))
    }

    /// Sets the code of rows whose class has an estimate but whose amount is null.
    fn if_lost(&self, mut codes: Vec<i32>, lost: i32) -> Vec<i32> {
        if self.rows.any_lost {
            let estimated = self.runs.iter().filter(|(class, ..)| self.prepared[*class].basis.is_some());
            for (_, start, rows) in estimated {
                for (row, code) in codes[start..start + rows].iter_mut().enumerate() {
                    *code = if self.rows.estimated.value(start + row) { *code } else { lost };
                }
            }
        }
        codes
    }
}
