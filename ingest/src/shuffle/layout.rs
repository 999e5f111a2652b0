//! The columns of a line on its way through the shuffle.
//!
//! A normalised batch has the billing period, the columns of `billing_lines` and the position. A stored batch has codes
//! for strings (line ids aside), everything else as it is, and the object's number in place of the period.

use std::sync::Arc;

use airshed_domain::schema::{self, column as c};
use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Field, Schema, SchemaRef},
};

use crate::{
    error::{Error, Result},
    format::Destination,
    normalize::normalized_schema,
};

/// Name of the stored column that holds the object's number.
const OBJECT: &str = "object";

/// The code columns whose values choose a line's bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hashed {
    pub(crate) account: usize,
    pub(crate) resource: usize,
    /// Service and usage type: for lines without a resource.
    pub(crate) otherwise: [usize; 2],
}

/// Where the columns are.
#[derive(Debug)]
pub(crate) struct Layout {
    normalized: SchemaRef,
    stored: SchemaRef,
    code_columns: Vec<usize>,
    hashed: Hashed,
    currency: usize,
    billed_cost: usize,
}

/// How one stored column comes from a normalised batch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stored {
    /// Codes of the dictionary column `column`; it is the `slot`-th of its kind.
    Code {
        /// Place among the code columns.
        slot: usize,
        /// Place among the normalised columns.
        column: usize,
    },
    /// A column as it is.
    Plain {
        /// Place among the normalised columns.
        column: usize,
    },
    /// The object's number.
    Object,
}

impl Layout {
    pub(crate) fn new() -> Result<Self> {
        let normalized = normalized_schema(Destination::BillingLines);
        let is_code = |field: &Field| matches!(field.data_type(), DataType::Dictionary(_, _));
        let code_columns: Vec<usize> =
            (0..normalized.fields().len()).filter(|&i| is_code(normalized.field(i))).collect();
        let slot = |name: &str| {
            code_columns
                .iter()
                .position(|&i| normalized.field(i).name() == name)
                .ok_or_else(|| Error::bug(format!("`{name}` is no column of strings")))
        };
        let hashed = Hashed {
            account: slot(c::ACCOUNT_ID)?,
            resource: slot(c::RESOURCE_ID)?,
            otherwise: [slot(c::SERVICE_CODE)?, slot(c::USAGE_TYPE)?],
        };
        let stored_field = |field: &Arc<Field>| {
            if is_code(field) {
                Field::new(field.name(), DataType::UInt32, false)
            } else {
                field.as_ref().clone()
            }
        };
        let mut fields: Vec<Field> = normalized.fields().iter().skip(1).map(stored_field).collect();
        fields.push(Field::new(OBJECT, DataType::UInt32, false));
        let stored = Arc::new(Schema::new(fields));
        let index =
            |name: &str| stored.index_of(name).map_err(|e| Error::bug(format!("no `{name}`")).caused_by(e));
        let (currency, billed_cost) = (index(c::CURRENCY)?, index(c::BILLED_COST)?);
        Ok(Self { normalized, stored, code_columns, hashed, currency, billed_cost })
    }

    /// Refuses a batch of another schema.
    pub(crate) fn check(&self, lines: &RecordBatch) -> Result<()> {
        let fits = lines.num_columns() == self.normalized.fields().len()
            && (0..lines.num_columns()).all(|i| {
                let (have, want) = (lines.schema_ref().field(i), self.normalized.field(i));
                have.name() == want.name() && have.data_type() == want.data_type()
            });
        if fits { Ok(()) } else { Err(Error::bug("a normalised batch has other columns than the ledger")) }
    }

    /// Places of the dictionary columns in a normalised batch.
    pub(crate) fn code_columns(&self) -> &[usize] {
        &self.code_columns
    }

    /// Which code columns choose the bucket.
    pub(crate) fn hashed(&self) -> &Hashed {
        &self.hashed
    }

    /// Name of a normalised column.
    pub(crate) fn name(&self, column: usize) -> &str {
        self.normalized.field(column).name()
    }

    /// The schema of stored batches.
    pub(crate) fn stored_schema(&self) -> SchemaRef {
        Arc::clone(&self.stored)
    }

    /// How each stored column is made, in order.
    pub(crate) fn stored_columns(&self) -> impl Iterator<Item = Stored> {
        (1..self.normalized.fields().len())
            .map(|column| match self.code_columns.iter().position(|&c| c == column) {
                Some(slot) => Stored::Code { slot, column },
                None => Stored::Plain { column },
            })
            .chain([Stored::Object])
    }

    /// Place of a column in a stored batch.
    pub(crate) fn stored_index(&self, name: &str) -> Result<usize> {
        self.stored.index_of(name).map_err(|e| Error::bug(format!("`{name}` is not stored")).caused_by(e))
    }

    /// Place of the currency in a stored batch.
    pub(crate) fn currency(&self) -> usize {
        self.currency
    }

    /// Place of the billed cost in a stored batch.
    pub(crate) fn billed_cost(&self) -> usize {
        self.billed_cost
    }

    /// Place of the object's number in a stored batch.
    pub(crate) fn object(&self) -> usize {
        self.stored.fields().len() - 1
    }

    /// Which code column a stored column is.
    pub(crate) fn slot(&self, stored: usize) -> Option<usize> {
        self.code_columns.iter().position(|&column| column == stored + 1)
    }

    /// The columns of `billing_lines` after `line_seq`: the first so many stored columns.
    pub(crate) fn content_columns() -> usize {
        schema::billing_lines().file_schema().fields().len() - 1
    }
}
