//! Scatters lines into buckets within a memory budget, so that they can be sorted a part at a time.
//!
//! A line goes to one of 256 buckets of its billing period: one of 16 by its account ([`sixteenth`]), and within them one
//! of 16 by its resource (by service and usage type where it has none). So all lines of a resource stand together, those
//! of an account nearly so, and an account of any size is still cut into 16. The bucket depends on the line alone, never
//! on the object, the batch or the thread that brought it. Each worker thread owns one [`Shuffler`] and shares nothing.
//! Strings become codes of the worker's dictionaries, one look-up per dictionary value and not per row; a batch is put in
//! bucket order by one counting sort and kept whole. When the budget is reached everything is written, bucket by bucket,
//! to a temporary file ([`spill`]) and forgotten.
//!
//! The hash is part of the ledger's format, as it fixes the order of lines: XXH3-64 (seed 0) of each value's bytes,
//! folded by [`fold`]; the bucket is the top byte. Changing it makes new files of the same lines.

mod interner;
mod layout;
mod spill;

use std::{collections::BTreeMap, ops::Range, path::PathBuf, sync::Arc};

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, Int32Array, RecordBatch, UInt32Array},
    compute::{concat_batches, take},
    datatypes::{Decimal128Type, Int32Type, UInt32Type},
};

pub(crate) use self::layout::Layout;
use self::{interner::Interner, layout::Hashed, spill::SpillFile};
use crate::error::{Context as _, Error, Result};

/// Top bits of a hash that the account alone decides.
const ACCOUNT_BITS: u32 = 4;
/// Digits of the id of an AWS account.
const ACCOUNT_DIGITS: usize = 12;
/// One more than the largest of them.
const ACCOUNT_IDS: u64 = 1_000_000_000_000;
/// Buckets of a billing period.
pub(crate) const BUCKETS: usize = 256;
/// Billing periods that one delivery may span: a hundred years. More means that its dates are not dates.
const PERIODS_LIMIT: usize = 1200;

/// How a shuffle uses memory and disk.
#[derive(Debug, Clone)]
pub(crate) struct ShuffleSettings {
    /// Bytes that one worker may hold before it spills.
    pub(crate) budget_bytes: usize,
    /// Folder of the temporary files.
    pub(crate) spill_folder: PathBuf,
}

/// Exact sums of billed cost by currency, in steps of the money scale.
pub(crate) type Costs = BTreeMap<String, i128>;

/// Lines in bucket order, as one worker holds them.
struct Held {
    period: i32,
    /// Of [`Layout::stored_schema`]; strings are codes of the worker's dictionaries.
    batch: RecordBatch,
    /// Row at which each bucket starts; the last entry is the number of rows.
    starts: Vec<u32>,
}

/// One bucket of one period in the spill file.
struct Segment {
    period: i32,
    bucket: usize,
    bytes: Range<u64>,
}

/// One worker's side of the shuffle.
pub(crate) struct Shuffler {
    layout: Arc<Layout>,
    settings: ShuffleSettings,
    interners: Vec<Interner>,
    /// For each code column the last dictionary seen and its codes: readers hand the same one to many batches.
    translations: Vec<Option<(ArrayRef, Vec<u32>)>>,
    held: Vec<Held>,
    held_bytes: usize,
    spill: Option<SpillFile>,
    segments: Vec<Segment>,
    counts: BTreeMap<i32, Vec<u64>>,
    costs: BTreeMap<i32, Costs>,
}

/// Everything that a worker holds, in memory and on disk, ready to be read by bucket.
pub(crate) struct Part {
    layout: Arc<Layout>,
    interners: Vec<Interner>,
    held: Vec<Held>,
    spill: Option<SpillFile>,
    segments: Vec<Segment>,
}

/// What all workers hold, with the rows of each bucket.
pub(crate) struct Shuffled {
    /// The columns of the lines.
    pub(crate) layout: Arc<Layout>,
    /// The workers' parts.
    pub(crate) parts: Vec<Part>,
    /// Rows of each bucket by period.
    pub(crate) counts: BTreeMap<i32, Vec<u64>>,
    /// Billed cost that came in, by period and currency.
    pub(crate) costs: BTreeMap<i32, Costs>,
}

/// Lines of one place (a worker's memory, or one spilled segment) and the dictionaries of their codes.
pub(crate) struct Piece<'a> {
    /// Of [`Layout::stored_schema`].
    pub(crate) batch: RecordBatch,
    /// One dictionary for each code column.
    pub(crate) dictionaries: Vec<Dictionary<'a>>,
}

/// Strings of the codes of one column, from code 1; code 0 is null.
pub(crate) enum Dictionary<'a> {
    /// A worker's.
    Held(&'a Interner),
    /// A spilled segment's; its value 0 is null.
    Loaded(ArrayRef),
}

impl Dictionary<'_> {
    /// The number of codes, null's included.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Held(interner) => interner.len(),
            Self::Loaded(values) => values.len(),
        }
    }

    /// The string of a code other than 0.
    pub(crate) fn value(&self, code: u32) -> &str {
        match self {
            Self::Held(interner) => interner.value(code),
            Self::Loaded(values) => values.as_string::<i32>().value(code as usize),
        }
    }
}

impl Shuffler {
    pub(crate) fn new(layout: Arc<Layout>, settings: ShuffleSettings) -> Self {
        let codes = layout.code_columns().len();
        Self {
            layout,
            settings,
            interners: (0..codes).map(|_| Interner::default()).collect(),
            translations: vec![None; codes],
            held: Vec::new(),
            held_bytes: 0,
            spill: None,
            segments: Vec::new(),
            counts: BTreeMap::new(),
            costs: BTreeMap::new(),
        }
    }

    /// Takes the lines of one normalised batch of the object at `object` in the delivery's list.
    pub(crate) fn push(&mut self, object: u32, lines: &RecordBatch) -> Result<()> {
        if lines.num_rows() == 0 {
            return Ok(());
        }
        self.layout.check(lines)?;
        self.translate(lines)?;
        let hashes = self.row_hashes(lines)?;
        for (period, rows) in rows_by_period(lines.column(0).as_primitive::<Int32Type>()) {
            self.hold(object, lines, period, &rows, &hashes)?;
        }
        let interned: usize = self.interners.iter().map(Interner::size_bytes).sum();
        if self.held_bytes + interned >= self.settings.budget_bytes {
            self.spill()?;
        }
        Ok(())
    }

    /// Ends the shuffle of this worker. What is held goes to disk too where anything did, as sorting and encoding the
    /// buckets needs the memory.
    pub(crate) fn finish(mut self) -> Result<FinishedWorker> {
        if self.spill.is_some() {
            self.spill()?;
        }
        let Self { layout, interners, held, spill, segments, counts, costs, .. } = self;
        Ok(FinishedWorker { part: Part { layout, interners, held, spill, segments }, counts, costs })
    }

    /// Finds the code of every dictionary value of the batch.
    fn translate(&mut self, lines: &RecordBatch) -> Result<()> {
        for (slot, &column) in self.layout.code_columns().iter().enumerate() {
            let values = lines.column(column).as_dictionary::<Int32Type>().values();
            let known = self.translations[slot].as_ref().is_some_and(|(seen, _)| Arc::ptr_eq(seen, values));
            if !known {
                let strings = values.as_string_opt::<i32>().ok_or_else(|| {
                    Error::bug(format!("`{}` is no column of strings", self.layout.name(column)))
                })?;
                let interner = &mut self.interners[slot];
                let codes =
                    strings.iter().map(|value| value.map_or(0, |text| interner.intern(text))).collect();
                self.translations[slot] = Some((Arc::clone(values), codes));
            }
        }
        Ok(())
    }

    fn translation(&self, slot: usize) -> Result<&[u32]> {
        self.translations[slot]
            .as_ref()
            .map(|(_, codes)| codes.as_slice())
            .ok_or_else(|| Error::bug("a batch was scattered before its strings were coded"))
    }

    /// The hash of every row: the sixteenth of its account, then its resource, or service and usage type without one.
    fn row_hashes(&self, lines: &RecordBatch) -> Result<Vec<u64>> {
        let Hashed { account, resource, otherwise } = *self.layout.hashed();
        let mut hashes = vec![0u64; lines.num_rows()];
        self.fold_in(lines, account, &mut hashes, |_| true)?;
        let accounts = lines.column(self.layout.code_columns()[account]).as_dictionary::<Int32Type>().keys();
        let sixteenths: Vec<u64> = self
            .translation(account)?
            .iter()
            .map(|&code| sixteenth(&self.interners[account], code))
            .collect();
        let of_none = sixteenth(&self.interners[account], 0);
        let sixteenths: Vec<u64> = (0..lines.num_rows())
            .map(|row| key(accounts, row).map_or(of_none, |key| sixteenths[key]))
            .collect();
        let resource_keys =
            lines.column(self.layout.code_columns()[resource]).as_dictionary::<Int32Type>().keys();
        let resource_codes = self.translation(resource)?;
        let has_resource = |row| key(resource_keys, row).is_some_and(|key| resource_codes[key] != 0);
        self.fold_in(lines, resource, &mut hashes, has_resource)?;
        for slot in otherwise {
            self.fold_in(lines, slot, &mut hashes, |row| !has_resource(row))?;
        }
        let join = |(sixteenth, within): (u64, u64)| {
            (sixteenth << (u64::BITS - ACCOUNT_BITS)) | (within >> ACCOUNT_BITS)
        };
        Ok(sixteenths.into_iter().zip(hashes).map(join).collect())
    }

    /// Folds the values of a column into the hashes of the rows that `which` accepts.
    fn fold_in(
        &self,
        lines: &RecordBatch,
        slot: usize,
        hashes: &mut [u64],
        which: impl Fn(usize) -> bool,
    ) -> Result<()> {
        let keys = lines.column(self.layout.code_columns()[slot]).as_dictionary::<Int32Type>().keys();
        let codes = self.translation(slot)?;
        let of_code: Vec<u64> = codes.iter().map(|&code| self.interners[slot].hash(code)).collect();
        let of_null = self.interners[slot].hash(0);
        for (row, hash) in hashes.iter_mut().enumerate().filter(|(row, _)| which(*row)) {
            *hash = fold(*hash, key(keys, row).map_or(of_null, |key| of_code[key]));
        }
        Ok(())
    }

    /// Keeps the rows of one period in bucket order.
    fn hold(
        &mut self,
        object: u32,
        lines: &RecordBatch,
        period: i32,
        rows: &[u32],
        hashes: &[u64],
    ) -> Result<()> {
        let (order, starts) = counting_sort(rows, hashes);
        let counts = self.counts.entry(period).or_insert_with(|| vec![0; BUCKETS]);
        for (bucket, count) in counts.iter_mut().enumerate() {
            *count += u64::from(starts[bucket + 1] - starts[bucket]);
        }
        if self.counts.len() > PERIODS_LIMIT {
            return Err(Error::input(format!(
                "the delivery spans more than {PERIODS_LIMIT} billing periods"
            )));
        }
        let indices = UInt32Array::from(order);
        let columns = self
            .layout
            .stored_columns()
            .map(|stored| match stored {
                layout::Stored::Code { slot, column } => {
                    let keys = lines.column(column).as_dictionary::<Int32Type>().keys();
                    let codes = self.translation(slot)?;
                    let gather = |&row: &u32| key(keys, row as usize).map_or(0, |key| codes[key]);
                    Ok(Arc::new(UInt32Array::from_iter_values(indices.values().iter().map(gather)))
                        as ArrayRef)
                }
                layout::Stored::Plain { column } => take(lines.column(column), &indices, None)
                    .context(|| format!("cannot order column `{}`", self.layout.name(column))),
                layout::Stored::Object => {
                    Ok(Arc::new(UInt32Array::from_value(object, indices.len())) as ArrayRef)
                }
            })
            .collect::<Result<Vec<_>>>()?;
        let batch = RecordBatch::try_new(self.layout.stored_schema(), columns)
            .context(|| "cannot hold a batch of lines".to_owned())?;
        self.add_costs(period, &batch)?;
        self.held_bytes += batch.get_array_memory_size() + starts.len() * size_of::<u32>();
        self.held.push(Held { period, batch, starts });
        Ok(())
    }

    fn add_costs(&mut self, period: i32, batch: &RecordBatch) -> Result<()> {
        let slot =
            self.layout.slot(self.layout.currency()).ok_or_else(|| Error::bug("currencies are not coded"))?;
        let by_code = costs_by_code(&self.layout, batch);
        let totals = self.costs.entry(period).or_default();
        for (code, cost) in by_code {
            if code == 0 {
                return Err(Error::bug("a normalised line has no currency"));
            }
            *totals.entry(self.interners[slot].value(code).to_owned()).or_default() += cost;
        }
        Ok(())
    }

    /// Writes everything held to the spill file, period by period and bucket by bucket, and forgets it.
    fn spill(&mut self) -> Result<()> {
        let file = match &mut self.spill {
            Some(file) => file,
            none => none.insert(SpillFile::create(&self.settings.spill_folder)?),
        };
        let periods: std::collections::BTreeSet<i32> = self.held.iter().map(|held| held.period).collect();
        for period in periods {
            for bucket in 0..BUCKETS {
                let batch = bucket_rows(&self.layout, &self.held, period, bucket..bucket + 1)?;
                if batch.num_rows() > 0 {
                    let bytes = file.append(&self.layout, &batch, &self.interners)?;
                    self.segments.push(Segment { period, bucket, bytes });
                }
            }
        }
        self.held.clear();
        self.held_bytes = 0;
        self.interners.iter_mut().for_each(|interner| *interner = Interner::default());
        self.translations.fill(None);
        Ok(())
    }
}

/// What a worker hands over when its input ends.
pub(crate) struct FinishedWorker {
    part: Part,
    counts: BTreeMap<i32, Vec<u64>>,
    costs: BTreeMap<i32, Costs>,
}

impl Shuffled {
    /// Puts the workers' parts together.
    pub(crate) fn new(layout: Arc<Layout>, workers: Vec<FinishedWorker>) -> Self {
        let mut this = Self { layout, parts: Vec::new(), counts: BTreeMap::new(), costs: BTreeMap::new() };
        for FinishedWorker { part, counts, costs } in workers {
            this.parts.push(part);
            for (period, counts) in counts {
                let totals = this.counts.entry(period).or_insert_with(|| vec![0; BUCKETS]);
                totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
            }
            for (period, costs) in costs {
                let totals = this.costs.entry(period).or_default();
                for (currency, cost) in costs {
                    *totals.entry(currency).or_default() += cost;
                }
            }
        }
        this
    }
}

impl Part {
    /// The lines of some consecutive buckets of one period, piece by piece.
    pub(crate) fn pieces(&self, period: i32, buckets: Range<usize>) -> Result<Vec<Piece<'_>>> {
        let mut pieces = Vec::new();
        for segment in &self.segments {
            if let (Some(file), true) =
                (&self.spill, segment.period == period && buckets.contains(&segment.bucket))
            {
                let (batch, values) = file.read(&self.layout, segment.bytes.clone())?;
                let dictionaries = values.into_iter().map(Dictionary::Loaded).collect();
                pieces.push(Piece { batch, dictionaries });
            }
        }
        let batch = bucket_rows(&self.layout, &self.held, period, buckets)?;
        if batch.num_rows() > 0 {
            pieces.push(Piece { batch, dictionaries: self.interners.iter().map(Dictionary::Held).collect() });
        }
        Ok(pieces)
    }
}

/// Sums of billed cost by the code of the currency.
pub(crate) fn costs_by_code(layout: &Layout, batch: &RecordBatch) -> BTreeMap<u32, i128> {
    let costs = batch.column(layout.billed_cost()).as_primitive::<Decimal128Type>();
    let currencies = batch.column(layout.currency()).as_primitive::<UInt32Type>();
    let mut sums: Vec<(u32, i128)> = Vec::new();
    for (&cost, &code) in costs.values().iter().zip(currencies.values()) {
        // A delivery has one or two currencies: a scan is quicker than a map.
        match sums.iter_mut().find(|(known, _)| *known == code) {
            Some((_, sum)) => *sum += cost,
            None => sums.push((code, cost)),
        }
    }
    sums.into_iter().collect()
}

/// Folds the hash of one value into the hash of a row.
pub(crate) fn fold(row: u64, value: u64) -> u64 {
    // The multiplier is the 64-bit golden ratio, as in Fibonacci hashing; the shift brings high bits down.
    let mixed = (row ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}

/// Which sixteenth of the accounts one is in. AWS gives ids out evenly: they go by their order, so that a file holds a
/// stretch of them and readers leave it out by its smallest and largest account. Others go by their hash.
fn sixteenth(accounts: &Interner, code: u32) -> u64 {
    let by_order = || -> Option<u64> {
        let account = (code != 0).then(|| accounts.value(code))?;
        let is_id = account.len() == ACCOUNT_DIGITS && account.bytes().all(|digit| digit.is_ascii_digit());
        let id: u64 = is_id.then(|| account.parse().ok())??;
        Some((id << ACCOUNT_BITS) / ACCOUNT_IDS)
    };
    by_order().unwrap_or_else(|| fold(0, accounts.hash(code)) >> (u64::BITS - ACCOUNT_BITS))
}

/// The dictionary key of a row, or nothing for null.
fn key(keys: &Int32Array, row: usize) -> Option<usize> {
    if keys.is_null(row) { None } else { usize::try_from(keys.value(row)).ok() }
}

/// The rows of each period in a batch. Nearly always there is one.
fn rows_by_period(periods: &Int32Array) -> BTreeMap<i32, Vec<u32>> {
    let mut rows: BTreeMap<i32, Vec<u32>> = BTreeMap::new();
    if let Some((&first, rest)) = periods.values().split_first()
        && rest.iter().all(|&period| period == first)
    {
        rows.insert(first, (0u32..).take(periods.len()).collect());
        return rows;
    }
    for (row, &period) in (0u32..).zip(periods.values()) {
        rows.entry(period).or_default().push(row);
    }
    rows
}

/// Rows in bucket order (stable), and where each bucket starts.
fn counting_sort(rows: &[u32], hashes: &[u64]) -> (Vec<u32>, Vec<u32>) {
    let bucket = |row: u32| (hashes[row as usize] >> 56) as usize;
    let mut starts = vec![0u32; BUCKETS + 1];
    for &row in rows {
        starts[bucket(row) + 1] += 1;
    }
    for i in 0..BUCKETS {
        starts[i + 1] += starts[i];
    }
    let mut next = starts.clone();
    let mut order = vec![0u32; rows.len()];
    for &row in rows {
        let place = &mut next[bucket(row)];
        order[*place as usize] = row;
        *place += 1;
    }
    (order, starts)
}

fn bucket_rows(layout: &Layout, held: &[Held], period: i32, buckets: Range<usize>) -> Result<RecordBatch> {
    let slices: Vec<RecordBatch> = held
        .iter()
        .filter(|held| held.period == period)
        .map(|held| {
            let (start, end) = (held.starts[buckets.start] as usize, held.starts[buckets.end] as usize);
            held.batch.slice(start, end - start)
        })
        .filter(|slice| slice.num_rows() > 0)
        .collect();
    concat_batches(&layout.stored_schema(), &slices).context(|| "cannot join the rows of a bucket".to_owned())
}

#[cfg(test)]
mod tests;
