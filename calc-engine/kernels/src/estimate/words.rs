//! Columns of words: status, reason, zone, factors and so on, as dictionaries.
//!
//! The words of a class are coded once, when it is classified; per row a code is copied.

use std::{collections::HashMap, sync::Arc};

use airshed_domain::{
    id::FactorSetId,
    schema::column as c,
    status::{GridBasis, LineStatus, Quality, UsageFamily, UtilizationSource},
};
use arrow::{
    array::{ArrayRef, DictionaryArray, Int32Array, StringArray},
    buffer::{BooleanBuffer, NullBuffer},
    datatypes::Int32Type,
};

use super::{EstimateError, prepared::Prepared, rows::Rows};
use crate::{class::Class, method::MethodName, reason::Reason, utilization::Measured};

/// Words that classes bring along: zones and factor lists, with each class's place in them.
#[derive(Debug)]
pub(super) struct Names {
    zones: Vec<String>,
    factors: Vec<String>,
    known_zones: HashMap<String, i32>,
    known_factors: HashMap<String, i32>,
    of_class: Vec<ClassCodes>,
    method: MethodName,
    factor_set: String,
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
            zones: Vec::new(),
            factors: Vec::new(),
            known_zones: HashMap::new(),
            known_factors: HashMap::new(),
            of_class: Vec::new(),
            method,
            factor_set: factor_set.as_str().to_owned(),
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
            zone: zone.map_or(-1, |zone| intern(zone, &mut self.zones, &mut self.known_zones)),
            factors: class
                .factors_text()
                .map_or(-1, |text| intern(&text, &mut self.factors, &mut self.known_factors)),
        };
        self.of_class.push(codes);
    }
}

fn intern(text: &str, texts: &mut Vec<String>, known: &mut HashMap<String, i32>) -> i32 {
    if let Some(code) = known.get(text) {
        return *code;
    }
    let code = i32::try_from(texts.len()).unwrap_or(i32::MAX);
    texts.push(text.to_owned());
    known.insert(text.to_owned(), code);
    code
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
    pub(super) classes: &'a [u32],
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
                let codes = self.of_class(|codes| codes.status);
                self.dictionary(
                    self.if_lost(codes, unmapped),
                    LineStatus::ALL.iter().map(|word| word.as_str()),
                )
            }
            c::REASON => {
                let no_amount = place(Reason::ALL, &Reason::NoAmount);
                let codes = self.of_class(|codes| codes.reason);
                self.dictionary(self.if_lost(codes, no_amount), Reason::ALL.iter().map(|word| word.as_str()))
            }
            c::USAGE_FAMILY => {
                let codes = self.of_class(|codes| codes.family);
                self.dictionary(codes, UsageFamily::ALL.iter().map(|word| word.as_str()))
            }
            c::UTILIZATION_SOURCE => {
                let of = |source| place(UtilizationSource::ALL, &source);
                let default = of(UtilizationSource::Default);
                let code = |row: usize| match rows.measured(row) {
                    Some(measured) => of(measured.source()),
                    None if self.prepared[self.classes[row] as usize].utilization.is_nan() => -1,
                    None => default,
                };
                let codes = self.if_lost((0..self.classes.len()).map(code).collect(), -1);
                self.dictionary(codes, UtilizationSource::ALL.iter().map(|word| word.as_str()))
            }
            c::GRID_ZONE => {
                let codes = self.if_lost(self.of_class(|codes| codes.zone), -1);
                self.dictionary(codes, names.zones.iter().map(String::as_str))
            }
            c::GRID_BASIS => {
                let [hourly, yearly] =
                    [GridBasis::Hourly, GridBasis::Yearly].map(|basis| place(GridBasis::ALL, &basis));
                let codes = rows.hourly.iter().zip(rows.estimated.iter());
                let codes = codes.map(|(of_hours, estimated)| match (estimated, of_hours) {
                    (false, _) => -1,
                    (true, true) => hourly,
                    (true, false) => yearly,
                });
                self.dictionary(codes.collect(), GridBasis::ALL.iter().map(|word| word.as_str()))
            }
            c::METHOD => self.dictionary(vec![0; self.classes.len()], [names.method.as_str()].into_iter()),
            c::FACTOR_SET => {
                self.dictionary(vec![0; self.classes.len()], [names.factor_set.as_str()].into_iter())
            }
            c::FACTORS => {
                let codes = self.if_lost(self.of_class(|codes| codes.factors), -1);
                self.dictionary(codes, names.factors.iter().map(String::as_str))
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
                self.dictionary(codes, Quality::ALL.iter().map(|word| word.as_str()))
            }
            _ => return Ok(None),
        };
        array.map(Some)
    }

    fn of_class(&self, code: impl Fn(&ClassCodes) -> i32) -> Vec<i32> {
        let codes: Vec<i32> = self.names.of_class.iter().map(code).collect();
        self.classes.iter().map(|class| codes[*class as usize]).collect()
    }

    /// Sets the code of rows whose class has an estimate but whose amount is null.
    fn if_lost(&self, mut codes: Vec<i32>, lost: i32) -> Vec<i32> {
        if self.rows.any_lost {
            for (row, code) in codes.iter_mut().enumerate() {
                if self.prepared[self.classes[row] as usize].basis.is_some()
                    && !self.rows.estimated.value(row)
                {
                    *code = lost;
                }
            }
        }
        codes
    }

    /// A dictionary column from codes; -1 is null.
    fn dictionary<'w>(
        &self,
        codes: Vec<i32>,
        values: impl Iterator<Item = &'w str>,
    ) -> Result<ArrayRef, EstimateError> {
        let nulls = codes
            .iter()
            .any(|code| *code < 0)
            .then(|| NullBuffer::new(BooleanBuffer::collect_bool(self.classes.len(), |row| codes[row] >= 0)));
        let values: ArrayRef = Arc::new(StringArray::from_iter_values(values));
        let array = DictionaryArray::<Int32Type>::try_new(Int32Array::new(codes.into(), nulls), values)
            .map_err(|error| EstimateError::input("words are not in their vocabulary").with_source(error))?;
        Ok(Arc::new(array))
    }
}
