//! Table `accounts`: small, one file, replaced as a whole when something changed.

use std::sync::Arc;

use airshed_domain::schema::{self, column as c};
use airshed_lake::{FileEncoder, Lake, LakeTable, PartitionValues};
use arrow::{
    array::{
        Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray,
    },
    compute::cast,
    datatypes::{DataType, TimestampMicrosecondType},
};
use jiff::Timestamp;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{
    Account, Place, in_microseconds,
    versions::{Version, after},
};
use crate::error::{Context as _, Error, ErrorKind, Result};

/// The sequence of its commits.
const SEQUENCE: &str = "accounts";
/// Times that a commit is tried, when others commit at the same time.
const TRIES: u32 = 5;
const COLUMNS: &str = "a column of `accounts` has another type";

/// The accounts as they were last seen, by id.
pub async fn known(lake: &Lake) -> Result<Vec<Account>> {
    let table =
        lake.existing_table(&schema::accounts()).await.context(|| "cannot open `accounts`".to_owned())?;
    let versions = match table {
        Some(table) => read(&table).await?,
        None => Vec::new(),
    };
    Ok(versions.into_iter().filter(|version| version.to.is_none()).map(|version| version.account).collect())
}

/// Writes what changed of the accounts. Nothing is committed when nothing did; says whether something was.
pub async fn publish(lake: &Lake, accounts: &[Account], seen_at: Timestamp) -> Result<bool> {
    let context = || "cannot write `accounts`".to_owned();
    let mut table = lake.table(&schema::accounts()).await.context(context)?;
    for _ in 0..TRIES {
        let old = read(&table).await?;
        let Some(versions) = after(&old, accounts, in_microseconds(seen_at)) else { return Ok(false) };
        let encoded = tokio::task::spawn_blocking(move || encode(&versions)).await.context(context)??;
        let file = table.put(&PartitionValues::new(), "part-00000", encoded).await.context(context)?;
        match table.replace_in_sequence(&|_| true, &[file], SEQUENCE, "collect accounts").await {
            Err(error) if error.kind() == airshed_lake::ErrorKind::Retry => {
                table.refresh().await.context(context)?;
            }
            outcome => return outcome.context(context),
        }
    }
    Err(Error::new(ErrorKind::Retry, format!("other writers of `accounts` were faster {TRIES} times")))
}

async fn read(table: &LakeTable) -> Result<Vec<Version>> {
    let context = || "cannot read `accounts`".to_owned();
    let mut versions = Vec::new();
    for file in table.files().context(context)? {
        let bytes = table.fetch(&file).await.context(context)?;
        let reader =
            ParquetRecordBatchReaderBuilder::try_new(bytes).context(context)?.build().context(context)?;
        for batch in reader {
            decode(&batch.context(context)?, &mut versions)?;
        }
    }
    Ok(versions)
}

fn decode(batch: &RecordBatch, versions: &mut Vec<Version>) -> Result<()> {
    let typed = |name: &str, data_type: &DataType| {
        let column =
            batch.column_by_name(name).ok_or_else(|| Error::bug(format!("`accounts` lacks `{name}`")))?;
        cast(column, data_type).context(|| format!("column `{name}` of `accounts`"))
    };
    let text = |name: &str| typed(name, &DataType::Utf8);
    let instant = |name: &str| typed(name, &schema::timestamp_type());
    let (id, organization, name, status) =
        (text(c::ACCOUNT_ID)?, text(c::ORGANIZATION_ID)?, text(c::ACCOUNT_NAME)?, text(c::ACCOUNT_STATUS)?);
    let (names, ids) = (text(c::ORGANIZATIONAL_UNIT)?, text(c::ORGANIZATIONAL_UNIT_IDS)?);
    let (tags, reason) = (text(c::TAGS)?, text(c::REASON)?);
    let (joined, from, to) = (instant(c::JOINED_AT)?, instant(c::VALID_FROM)?, instant(c::VALID_TO)?);
    for row in 0..batch.num_rows() {
        let text = |array: &ArrayRef| {
            let array = array.as_string::<i32>();
            array.is_valid(row).then(|| array.value(row).to_owned())
        };
        let instant = |array: &ArrayRef| -> Result<Option<Timestamp>> {
            let array = array.as_primitive::<TimestampMicrosecondType>();
            let instant = array.is_valid(row).then(|| Timestamp::from_microsecond(array.value(row)));
            instant.transpose().map_err(|e| Error::bug("a time of `accounts` is out of range").caused_by(e))
        };
        let tags = text(&tags).map(|json| serde_json::from_str(&json)).transpose();
        let missing = || Error::bug(COLUMNS);
        versions.push(Version {
            account: Account {
                id: text(&id).ok_or_else(missing)?,
                organization: text(&organization),
                name: text(&name),
                status: text(&status),
                place: text(&names).zip(text(&ids)).map(|(names, ids)| Place { names, ids }),
                joined_at: instant(&joined)?,
                tags: tags.map_err(|e| Error::bug("tags of `accounts` are not JSON").caused_by(e))?,
                left_out: text(&reason),
            },
            from: instant(&from)?.ok_or_else(missing)?,
            to: instant(&to)?,
        });
    }
    Ok(())
}

fn encode(versions: &[Version]) -> Result<airshed_lake::EncodedFile> {
    let context = || "cannot encode `accounts`".to_owned();
    let text = |of: &dyn Fn(&Version) -> Option<String>| -> ArrayRef {
        Arc::new(versions.iter().map(of).collect::<StringArray>())
    };
    let instant = |of: &dyn Fn(&Version) -> Option<Timestamp>| -> ArrayRef {
        let values = versions.iter().map(|version| of(version).map(Timestamp::as_microsecond));
        Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let tags =
        versions.iter().map(|version| version.account.tags.as_ref().map(serde_json::to_string).transpose());
    let tags: StringArray = tags
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| Error::bug("tags cannot be written").caused_by(e))?
        .into();
    let columns: Vec<ArrayRef> = vec![
        text(&|v| Some(v.account.id.clone())),
        text(&|v| v.account.organization.clone()),
        text(&|v| v.account.name.clone()),
        text(&|v| v.account.status.clone()),
        text(&|v| v.account.place.as_ref().map(|place| place.names.clone())),
        text(&|v| v.account.place.as_ref().map(|place| place.ids.clone())),
        instant(&|v| v.account.joined_at),
        Arc::new(tags),
        Arc::new(versions.iter().map(|v| Some(v.account.left_out.is_none())).collect::<BooleanArray>()),
        text(&|v| v.account.left_out.clone()),
        instant(&|v| Some(v.from)),
        instant(&|v| v.to),
    ];
    let table = schema::accounts();
    let batch = RecordBatch::try_new(table.file_schema(), columns).context(context)?;
    let mut encoder = FileEncoder::new(&table, table.file_schema()).context(context)?;
    encoder.write(&batch).context(context)?;
    encoder.finish().context(context)
}
