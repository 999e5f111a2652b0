//! `co2e_equivalent(grams, 'car_km')`: an amount of CO2e in terms of something that people know.
//!
//! For a sentence in a talk, not for an account: the factors are averages of one country and year.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray as _, Float64Array},
    compute::cast,
    datatypes::{DataType, Float64Type},
};
use datafusion::{
    common::{Result, ScalarValue, exec_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};

/// Grams of CO2e of one unit of each kind. Source: US EPA, Greenhouse Gas Equivalencies Calculator, calculations and
/// references, <https://www.epa.gov/energy/greenhouse-gas-equivalencies-calculator-calculations-and-references>: 3.93e-4 t
/// a mile of an average petrol car (1.609344 km), 8.887e-3 t a gallon of petrol (3.785411784 l), 0.060 t sequestered by a
/// tree seedling grown for ten years, 1.24e-5 t a charged smartphone.
const KINDS: [(&str, f64); 4] = [
    ("car_km", 393.0 / 1.609_344),
    ("petrol_l", 8_887.0 / 3.785_411_784),
    ("tree_decades", 60_000.0),
    ("smartphone_charges", 12.4),
];

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Co2eEquivalent {
    signature: Signature,
}

impl Co2eEquivalent {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Co2eEquivalent {
    fn name(&self) -> &'static str {
        "co2e_equivalent"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let [
            grams,
            ColumnarValue::Scalar(ScalarValue::Utf8(Some(kind)) | ScalarValue::Utf8View(Some(kind))),
        ] = args.args.as_slice()
            && let Some((_, grams_each)) = KINDS.iter().find(|(name, _)| name == kind)
        {
            let grams = cast(&grams.to_array(args.number_rows)?, &DataType::Float64)?;
            let units: Float64Array = grams.as_primitive::<Float64Type>().unary(|grams| grams / grams_each);
            Ok(ColumnarValue::Array(Arc::new(units) as ArrayRef))
        } else {
            let kinds: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            exec_err!("co2e_equivalent takes grams and one of '{}'", kinds.join("', '"))
        }
    }
}
