//! Rows as a table for people: numbers to the right, decimals without zeros at their end.

use arrow::{
    array::{Array as _, RecordBatch},
    datatypes::{DataType, SchemaRef},
};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};

use super::TABLE_ROWS;

/// Collects rows of a table.
pub(super) struct TableBuilder {
    table: Table,
    shown: usize,
}

impl TableBuilder {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let headers: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let mut table = text_table(&headers);
        for (column, field) in table.column_iter_mut().zip(schema.fields()) {
            if field.data_type().is_numeric() {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self { table, shown: 0 }
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        let formatters = super::formatters(batch)?;
        for row in 0..batch.num_rows().min(TABLE_ROWS - self.shown) {
            let cells = formatters.iter().zip(batch.columns()).map(|(formatter, array)| {
                let text = formatter.value(row).try_to_string()?;
                let is_decimal =
                    matches!(array.data_type(), DataType::Decimal128(..) | DataType::Decimal256(..));
                Ok(if is_decimal { without_trailing_zeros(&text).to_owned() } else { text })
            });
            self.table.add_row(cells.collect::<anyhow::Result<Vec<_>>>()?);
            self.shown += 1;
        }
        Ok(())
    }

    pub(super) fn shown(&self) -> usize {
        self.shown
    }

    pub(super) fn text(&self) -> String {
        self.table.to_string()
    }
}

/// A table with these headers, in the style of all our tables.
pub(crate) fn text_table(headers: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headers.to_vec());
    table
}

fn without_trailing_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}
