//! `cpu_power_w(instance_type, utilisation)` and `cpu_power_w(instance_type, utilisation, 'tdp_log')`: watts of processors.
//!
//! By the shipped factor set and the power curves of the estimate (`docs/methodology/compute.md`), central line, before PUE.
//! With `default` and `spec_linear` the figure holds the rest of the server too, as in `energy_cpu_kwh`.

use std::sync::Arc;

use airshed_domain::fixed::{QUANTITY, QUANTITY_PRECISION, QUANTITY_SCALE, quantity_from_f64};
use airshed_emission_factors::{FactorSet, compute::PowerModel};
use airshed_kernels::{
    curve::{PowerCurve, Shape},
    method::power_model_name,
};
use arrow::{
    array::{Array as _, AsArray as _, Decimal128Builder},
    compute::cast,
    datatypes::{DataType, Float64Type},
};
use datafusion::{
    common::{Result, exec_datafusion_err, exec_err, plan_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};

use super::{
    arguments::{Found, is_text, literal},
    factors::shipped,
};

/// The models that need no imported curves.
const MODELS: [PowerModel; 3] = [PowerModel::Default, PowerModel::SpecLinear, PowerModel::TdpLog];
const TAKES: &str = "cpu_power_w takes an instance type, a utilisation from 0 to 1, and if wanted the power model \
                     'default', 'spec_linear' or 'tdp_log': cpu_power_w('m5.xlarge', 0.5)";
/// A curve over this many kWh a watt is one of watts.
const WATTS: f64 = 1.0;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CpuPowerW {
    signature: Signature,
}

impl CpuPowerW {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for CpuPowerW {
    fn name(&self) -> &'static str {
        "cpu_power_w"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let is_number = |of: &DataType| of.is_numeric() || of.is_null();
        match given {
            [name, share] if is_text(name) && is_number(share) => Ok(vec![name.clone(), DataType::Float64]),
            [name, share, model] if is_text(name) && is_number(share) && is_text(model) => {
                Ok(vec![name.clone(), DataType::Float64, model.clone()])
            }
            _ => plan_err!("{TAKES}"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(QUANTITY)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (name, utilization, model) = match args.args.as_slice() {
            [name, utilization] => (name, utilization, Some(PowerModel::Default)),
            [name, utilization, model] => (name, utilization, literal(model).and_then(model_from_name)),
            _ => return exec_err!("{TAKES}"),
        };
        let Some(model) = model else { return exec_err!("{TAKES}") };
        watts(shipped()?, (name, utilization), model, args.number_rows)
    }
}

fn model_from_name(name: &str) -> Option<PowerModel> {
    MODELS.into_iter().find(|model| power_model_name(*model) == name)
}

fn watts(
    factors: &FactorSet,
    (name, utilization): (&ColumnarValue, &ColumnarValue),
    model: PowerModel,
    rows: usize,
) -> Result<ColumnarValue> {
    let mut lines = Found::new(name, rows, |name| line(factors, name, model))?;
    let shares = cast(&utilization.to_array(rows)?, &DataType::Float64)?;
    let shares = shares.as_primitive::<Float64Type>();
    let mut found = Decimal128Builder::with_capacity(rows)
        .with_precision_and_scale(QUANTITY_PRECISION, QUANTITY_SCALE)?;
    for row in 0..rows {
        let share = shares.is_valid(row).then(|| shares.value(row));
        if let Some(share) = share.filter(|share| !(0.0..=1.0).contains(share)) {
            return exec_err!("cpu_power_w takes a utilisation from 0 to 1, not {share}");
        }
        let watts = match (lines.of_row(row), share) {
            (Some(line), Some(share)) => Some(line.at(share)),
            _ => None,
        };
        let steps = watts.map(quantity_from_f64).transpose();
        let steps = steps.map_err(|why| exec_datafusion_err!("the power of an instance is {why}"))?;
        found.append_option(steps.map(i128::from));
    }
    Ok(ColumnarValue::Array(Arc::new(found.finish())))
}

/// Watts over utilisation of the type behind a billed name; `None` for an unknown one.
fn line(factors: &FactorSet, name: &str, model: PowerModel) -> Option<Shape> {
    let table = factors.compute();
    let power = table.instance_power(&table.resolve_instance(name)?.instance, model).ok()?;
    Some(PowerCurve::of_power(power.cpu, WATTS).central)
}

#[cfg(test)]
mod tests;
