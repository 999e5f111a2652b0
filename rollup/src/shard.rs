//! The rollups of one file of `emissions`, batch by batch.

use std::sync::Arc;

use airshed_domain::{
    schema::{self, DIMENSIONS, MEASURES, Table, column as c},
    status::LineStatus,
};
use airshed_lake::EncodedFile;
use arrow::{
    array::{ArrayRef, AsArray as _, Decimal128Array, RecordBatch},
    datatypes::{Decimal128Type, Int32Type, TimestampMicrosecondType},
};
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
};

use crate::{
    cells::{
        Cells, DAY_US, HOUR_US, has_time,
        sums::{Rows, Sums},
        texts::Tuples,
    },
    error::{Error, Result},
    pick_tags::pick_tags,
    stretch,
};

/// Lines that are read at a time.
const BATCH_ROWS: usize = 65_536;
/// Columns that tell the rows of `coverage` apart, in its order.
const COVERAGE_KEYS: [&str; 6] =
    [c::STATUS, c::REASON, c::SERVICE_CODE, c::USAGE_FAMILY, c::QUALITY, c::CURRENCY];

/// The rollups of one file.
pub(crate) struct Shard {
    pub(crate) hourly: EncodedFile,
    pub(crate) resource_daily: EncodedFile,
    /// Those of [`stretch::tables`], to be merged with those of files that hold the same accounts.
    pub(crate) by_account: Vec<Grain>,
    /// Those of [`tables_over_all`], to be merged with those of the other files.
    pub(crate) over_all: Vec<Grain>,
    /// To be merged with those of the other files.
    pub(crate) coverage: Grain,
}

/// Cells and the tuples that they refer to.
pub(crate) struct Grain {
    pub(crate) tuples: Tuples,
    pub(crate) cells: Cells,
}

impl Grain {
    /// No cells of a rollup.
    pub(crate) fn of(table: &Table) -> Self {
        Self { tuples: Tuples::new(places(table).len()), cells: Cells::new(measures()) }
    }

    /// No cells of coverage: lines, billed and effective cost.
    pub(crate) fn coverage() -> Self {
        Self { tuples: Tuples::new(COVERAGE_KEYS.len()), cells: Cells::new(Sums::new(1, 2, 0)) }
    }

    /// Takes out the cells of a table where there are as many, and leaves none.
    pub(crate) fn take_of(&mut self, cells: usize, table: &Table) -> Option<Self> {
        (self.cells.len() >= cells).then(|| std::mem::replace(self, Self::of(table)))
    }

    /// The cells as a file of `table`.
    pub(crate) fn encode(&self, table: &Table) -> Result<EncodedFile> {
        self.cells.encode(&self.tuples, table)
    }

    /// Adds the same cells of other lines.
    pub(crate) fn merge(&mut self, other: &Self) {
        let all: Vec<usize> = (0..other.tuples.width()).collect();
        let here = self.tuples.adopt(&other.tuples, &all);
        self.cells.add_cells(&other.cells, |tuple| here[tuple as usize], |time_us| time_us);
    }
}

/// The tables that are merged over all files: months, and the summaries that are not kept by account.
pub(crate) fn tables_over_all() -> Vec<Table> {
    let summaries = schema::summaries().into_iter().filter(|summary| !summary.has(c::ACCOUNT_ID));
    std::iter::once(schema::emissions_monthly()).chain(summaries).collect()
}

/// Which of [`DIMENSIONS`] the dimensions of a rollup are.
fn places(rollup: &Table) -> Vec<usize> {
    (0..).zip(DIMENSIONS).filter(|(_, name)| rollup.has(name)).map(|(place, _)| place).collect()
}

/// The sums of a rollup, in the order of its columns: two counts, four costs, every measure.
fn measures() -> Sums {
    Sums::new(2, 4, MEASURES.len())
}

/// Rolls up one file of `emissions`. CPU work: call it off the I/O threads.
pub(crate) fn roll_up(bytes: bytes::Bytes, path: &str, tags: &[String]) -> Result<Shard> {
    let mut coverage = Grain::coverage();
    let mut all = Tuples::new(DIMENSIONS.len());
    let mut hourly = Cells::new(measures());
    let mut resources = Tuples::new(DIMENSIONS.len() + 1);
    let mut resource_daily = Cells::new(measures());
    for batch in read(bytes, path)? {
        let lines = Lines::new(&batch?, tags)?;
        let rows = lines.rows();
        let tuples = all.of_rows(&lines.dimensions)?;
        hourly.add(&tuples, lines.starts(HOUR_US), &rows);
        let tuples = resources.of_rows(&lines.resource_dimensions)?;
        resource_daily.add(&tuples, lines.starts(DAY_US), &rows);
        let tuples = coverage.tuples.of_rows(&lines.coverage_keys)?;
        let billed = Rows { counted: vec![None], money: rows.money[..2].to_vec(), quantities: Vec::new() };
        coverage.cells.add(&tuples, std::iter::repeat(0), &billed);
    }
    let resource_daily = resource_daily.encode(&resources, &schema::emissions_resource_daily())?;
    drop(resources);
    let mut daily = Cells::new(measures());
    daily.add_cells(&hourly, |tuple| tuple, |time_us| start_of(time_us, DAY_US));
    let coarser = |table: &Table| {
        let mut grain = Grain::of(table);
        let here = grain.tuples.adopt(&all, &places(table));
        let (finer, has_time) = (if table.has(c::HOUR) { &hourly } else { &daily }, has_time(table));
        let time = |time_us| if has_time { time_us } else { 0 };
        grain.cells.add_cells(finer, |tuple| here[tuple as usize], time);
        grain
    };
    let by_account = stretch::tables().iter().map(coarser).collect();
    let over_all = tables_over_all().iter().map(coarser).collect();
    let hourly = hourly.encode(&all, &schema::emissions_hourly())?;
    Ok(Shard { hourly, resource_daily, by_account, over_all, coverage })
}

/// Start of the interval of a length that an instant lies in, all in microseconds since 1970.
fn start_of(time_us: i64, length_us: i64) -> i64 {
    time_us.div_euclid(length_us) * length_us
}

/// The columns of a batch of `emissions` as rollups need them.
struct Lines {
    dimensions: Vec<ArrayRef>,
    resource_dimensions: Vec<ArrayRef>,
    coverage_keys: Vec<ArrayRef>,
    start_us: Vec<i64>,
    billed_cost: Decimal128Array,
    effective_cost: Decimal128Array,
    estimated: Vec<bool>,
    unmapped: Vec<bool>,
    quantities: Vec<Decimal128Array>,
}

impl Lines {
    fn new(batch: &RecordBatch, tags: &[String]) -> Result<Self> {
        let column = |name: &str| {
            batch
                .column_by_name(name)
                .ok_or_else(|| Error::corrupt(format!("emissions lack column `{name}`")))
        };
        let wrong = |name: &str| Error::corrupt(format!("column `{name}` of emissions has a wrong type"));
        let decimals = |name: &str| -> Result<Decimal128Array> {
            Ok(column(name)?.as_primitive_opt::<Decimal128Type>().ok_or_else(|| wrong(name))?.clone())
        };
        let start = column(c::USAGE_START)?
            .as_primitive_opt::<TimestampMicrosecondType>()
            .ok_or_else(|| wrong(c::USAGE_START))?;
        let mut dimensions = DIMENSIONS
            .iter()
            .map(|name| match *name {
                c::TAGS => pick_tags(column(name)?, tags),
                name => Ok(Arc::clone(column(name)?)),
            })
            .collect::<Result<Vec<_>>>()?;
        let coverage_keys =
            COVERAGE_KEYS.iter().map(|name| Ok(Arc::clone(column(name)?))).collect::<Result<Vec<_>>>()?;
        let of_dimensions = dimensions.clone();
        dimensions.push(Arc::clone(column(c::RESOURCE_ID)?));
        let status = column(c::STATUS)?;
        let is = |word: LineStatus| with_word(status, word.as_str()).ok_or_else(|| wrong(c::STATUS));
        Ok(Self {
            dimensions: of_dimensions,
            resource_dimensions: dimensions,
            coverage_keys,
            start_us: start.values().to_vec(),
            billed_cost: decimals(c::BILLED_COST)?,
            effective_cost: decimals(c::EFFECTIVE_COST)?,
            estimated: is(LineStatus::Estimated)?,
            unmapped: is(LineStatus::Unmapped)?,
            quantities: MEASURES.iter().map(|name| decimals(name)).collect::<Result<Vec<_>>>()?,
        })
    }

    /// What the lines bring to the cells of [`measures`].
    fn rows(&self) -> Rows<'_> {
        let billed: &[i128] = self.billed_cost.values();
        Rows {
            counted: vec![None, Some(&self.estimated)],
            money: vec![
                (billed, None),
                (self.effective_cost.values(), None),
                (billed, Some(&self.estimated)),
                (billed, Some(&self.unmapped)),
            ],
            quantities: self.quantities.iter().collect(),
        }
    }

    /// Start of the hour or day in which each line begins. A longer line stands where it begins.
    fn starts(&self, length_us: i64) -> impl Iterator<Item = i64> {
        self.start_us.iter().map(move |start| start_of(*start, length_us))
    }
}

/// Which rows of a dictionary column hold a word; `None` when it is no such column.
fn with_word(column: &ArrayRef, word: &str) -> Option<Vec<bool>> {
    let dictionary = column.as_dictionary_opt::<Int32Type>()?;
    let words = dictionary.values().as_string_opt::<i32>()?;
    let is: Vec<bool> = words.iter().map(|value| value == Some(word)).collect();
    let of_row = |key: Option<i32>| key.and_then(|key| usize::try_from(key).ok()).is_some_and(|key| is[key]);
    Some(dictionary.keys().iter().map(of_row).collect())
}

/// The columns of an emissions file that rollups need, strings as dictionaries.
fn read(bytes: bytes::Bytes, path: &str) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
    let path = path.to_owned();
    let failed = move |e: Box<dyn std::error::Error + Send + Sync>| {
        Error::query(format!("`{path}` cannot be read"), e)
    };
    let options = ArrowReaderOptions::new().with_schema(schema::emissions().coded_file_schema());
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)
        .map_err(|e| failed(e.into()))?;
    let used = [c::USAGE_START, c::RESOURCE_ID, c::BILLED_COST, c::EFFECTIVE_COST];
    let columns = used.iter().chain(&COVERAGE_KEYS).chain(DIMENSIONS).chain(MEASURES).copied();
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns);
    let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build();
    let reader = reader.map_err(|e| failed(e.into()))?;
    Ok(reader.map(move |batch| batch.map_err(|e| failed(e.into()))))
}
