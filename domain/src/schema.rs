//! The tables of the ledger: the only place where a table or column name is spelled.
//!
//! A table is described once by [`Table`]: its columns in order with type, whether they may be null, and a sentence
//! with the unit. Arrow schemas, table comments and the documentation are made from it. Partition columns come last;
//! they stand in the folder names, not in the files.

pub mod column;
mod tables;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

pub use tables::*;

/// One column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name, unit included.
    pub name: &'static str,
    /// Its Arrow type.
    pub data_type: DataType,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it holds, in a sentence, with its unit.
    pub comment: &'static str,
}

/// One table of the ledger.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name, which is also its folder.
    pub name: &'static str,
    /// What one row is.
    pub grain: &'static str,
    /// Every column, partition columns last.
    pub columns: Vec<Column>,
    /// How many of the last columns are partition columns.
    pub partitions: usize,
}

impl Table {
    /// The Arrow schema of every column, partition columns included.
    pub fn schema(&self) -> SchemaRef {
        schema_of(&self.columns)
    }

    /// The Arrow schema of what stands in the files: all but the partition columns.
    pub fn file_schema(&self) -> SchemaRef {
        schema_of(&self.columns[..self.columns.len() - self.partitions])
    }

    /// [`Self::file_schema`] with every string but line ids as `Dictionary(Int32, Utf8)`: how stages hold rows in memory.
    /// Line ids hardly repeat.
    pub fn coded_file_schema(&self) -> SchemaRef {
        let plain = self.file_schema();
        let fields = plain.fields().iter().map(|field| match field.data_type() {
            DataType::Utf8 if field.name() != column::LINE_ID => {
                let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
                Arc::new(Field::new(field.name(), coded, field.is_nullable()))
            }
            _ => Arc::clone(field),
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Whether it has a column of this name.
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|known| known.name == column)
    }

    /// Names of the partition columns, outermost first.
    pub fn partition_columns(&self) -> Vec<&'static str> {
        self.columns[self.columns.len() - self.partitions..].iter().map(|c| c.name).collect()
    }
}

fn schema_of(columns: &[Column]) -> SchemaRef {
    let field = |c: &Column| Field::new(c.name, c.data_type.clone(), c.nullable);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// Arrow type of an instant: microseconds in UTC.
pub fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}
