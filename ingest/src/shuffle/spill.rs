//! A temporary file of bucket segments.
//!
//! A segment is one Arrow IPC stream with one batch: the rows of one bucket, strings as dictionaries of just the values
//! that the bucket uses, with keys as narrow as their number allows (most columns of a bucket need one byte a row).
//! The file has no name on Unix once it is open, so that a killed process leaves nothing behind.

use std::{
    fs::{self, File},
    io::{Cursor, Read as _, Seek as _, SeekFrom, Write as _},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{
    array::{
        Array as _, ArrayRef, ArrowPrimitiveType, AsArray as _, DictionaryArray, PrimitiveArray, RecordBatch,
        StringArray, UInt32Array,
    },
    datatypes::{ArrowDictionaryKeyType, DataType, Field, Schema, UInt8Type, UInt16Type, UInt32Type},
    ipc::{reader::StreamReader, writer::StreamWriter},
};

use super::{Interner, Layout};
use crate::error::{Context as _, Error, Result};

/// Names tried before giving up: each is taken by a process that runs now or, but on Unix, was killed.
const NAMES_LIMIT: u32 = 10_000;

/// A temporary file of segments.
#[derive(Debug)]
pub(super) struct SpillFile {
    path: PathBuf,
    file: Mutex<File>,
    length: u64,
    /// Local code of each code of a dictionary, or nothing; all nothing between two uses.
    local_codes: Vec<Option<u32>>,
}

impl SpillFile {
    pub(super) fn create(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)
            .context(|| format!("cannot make the spill folder `{}`", folder.display()))?;
        for number in 0..NAMES_LIMIT {
            let path = folder.join(format!("airshed-spill-{number}.tmp"));
            match File::options().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => {
                    #[cfg(unix)]
                    fs::remove_file(&path).context(|| format!("cannot unlink `{}`", path.display()))?;
                    return Ok(Self { path, file: Mutex::new(file), length: 0, local_codes: Vec::new() });
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).context(|| format!("cannot create `{}`", path.display())),
            }
        }
        Err(Error::input(format!("the spill folder `{}` is full of old spill files", folder.display())))
    }

    /// Writes the rows of one bucket; returns where they stand.
    pub(super) fn append(
        &mut self,
        layout: &Layout,
        batch: &RecordBatch,
        interners: &[Interner],
    ) -> Result<Range<u64>> {
        let mut fields = Vec::with_capacity(batch.num_columns());
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (index, column) in batch.columns().iter().enumerate() {
            let name = batch.schema_ref().field(index).name();
            let column = match layout.slot(index) {
                Some(slot) => self.compact(column.as_primitive::<UInt32Type>(), &interners[slot])?,
                None => Arc::clone(column),
            };
            fields.push(Field::new(name, column.data_type().clone(), true));
            columns.push(column);
        }
        let schema = Arc::new(Schema::new(fields));
        let context = || "cannot write a bucket to the spill file".to_owned();
        let segment = RecordBatch::try_new(Arc::clone(&schema), columns).context(context)?;
        let mut writer = StreamWriter::try_new(Vec::new(), &schema).context(context)?;
        writer.write(&segment).context(context)?;
        let bytes = writer.into_inner().context(context)?;
        let start = self.length;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start)).and_then(|_| file.write_all(&bytes)).context(context)?;
        self.length += bytes.len() as u64;
        Ok(start..self.length)
    }

    /// Reads the rows of one bucket as a stored batch, and the strings of its code columns (value 0 is null).
    pub(super) fn read(&self, layout: &Layout, bytes: Range<u64>) -> Result<(RecordBatch, Vec<ArrayRef>)> {
        let context = || format!("cannot read a bucket from the spill file `{}`", self.path.display());
        let length =
            usize::try_from(bytes.end - bytes.start).map_err(|e| Error::bug(context()).caused_by(e))?;
        let mut buffer = vec![0; length];
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(bytes.start))
                .and_then(|_| file.read_exact(&mut buffer))
                .context(context)?;
        }
        let mut reader = StreamReader::try_new(Cursor::new(buffer), None).context(context)?;
        let segment = reader.next().ok_or_else(|| Error::bug(context()))?.context(context)?;
        let mut dictionaries = Vec::with_capacity(layout.code_columns().len());
        let mut columns = Vec::with_capacity(segment.num_columns());
        for (index, column) in segment.columns().iter().enumerate() {
            if layout.slot(index).is_some() {
                let (codes, values) = expand(column)?;
                columns.push(codes);
                dictionaries.push(values);
            } else {
                columns.push(Arc::clone(column));
            }
        }
        let batch = RecordBatch::try_new(layout.stored_schema(), columns).context(context)?;
        Ok((batch, dictionaries))
    }

    /// Codes of a worker's dictionary as a dictionary of just the values used; value 0 is null.
    fn compact(&mut self, codes: &UInt32Array, interner: &Interner) -> Result<ArrayRef> {
        self.local_codes.resize(self.local_codes.len().max(interner.len()), None);
        let mut used: Vec<u32> = Vec::new();
        let local: Vec<u32> = codes
            .values()
            .iter()
            .map(|&code| match (code, &mut self.local_codes[code as usize]) {
                (0, _) => 0,
                (_, Some(local)) => *local,
                (_, none) => {
                    used.push(code);
                    #[expect(clippy::cast_possible_truncation, reason = "there are no more codes than rows")]
                    let next = used.len() as u32;
                    *none.insert(next)
                }
            })
            .collect();
        for &code in &used {
            self.local_codes[code as usize] = None;
        }
        let strings = std::iter::once(None).chain(used.iter().map(|&code| Some(interner.value(code))));
        let values: ArrayRef = Arc::new(strings.collect::<StringArray>());
        match values.len() {
            0..=0x100 => dictionary::<UInt8Type>(&local, values),
            0x101..=0x1_0000 => dictionary::<UInt16Type>(&local, values),
            _ => dictionary::<UInt32Type>(&local, values),
        }
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        // On Unix the name is gone already; elsewhere a file that cannot be removed is left to the temporary folder.
        let _ = fs::remove_file(&self.path);
    }
}

fn dictionary<K>(local: &[u32], values: ArrayRef) -> Result<ArrayRef>
where
    K: ArrowDictionaryKeyType,
    K::Native: TryFrom<u32>,
{
    let keys = local.iter().map(|&code| K::Native::try_from(code)).collect::<Result<Vec<_>, _>>();
    let keys = keys.map_err(|_| Error::bug("a spilled code does not fit its key"))?;
    let array = DictionaryArray::<K>::try_new(PrimitiveArray::<K>::from_iter_values(keys), values)
        .context(|| "cannot make a spilled dictionary".to_owned())?;
    Ok(Arc::new(array))
}

/// Codes and values of a spilled dictionary column.
fn expand(column: &ArrayRef) -> Result<(ArrayRef, ArrayRef)> {
    fn wide<K: ArrowDictionaryKeyType>(column: &ArrayRef) -> (ArrayRef, ArrayRef)
    where
        <K as ArrowPrimitiveType>::Native: Into<u32>,
    {
        let dictionary = column.as_dictionary::<K>();
        let codes = dictionary.keys().values().iter().map(|&key| key.into());
        (Arc::new(UInt32Array::from_iter_values(codes)), Arc::clone(dictionary.values()))
    }
    match column.data_type() {
        DataType::Dictionary(key, _) => match key.as_ref() {
            DataType::UInt8 => Ok(wide::<UInt8Type>(column)),
            DataType::UInt16 => Ok(wide::<UInt16Type>(column)),
            DataType::UInt32 => Ok(wide::<UInt32Type>(column)),
            other => Err(Error::bug(format!("a spilled dictionary has keys of type {other}"))),
        },
        other => Err(Error::bug(format!("a spilled column of strings has type {other}"))),
    }
}
