use std::{io::Write as _, sync::Arc};

use ::parquet::{arrow::ArrowWriter, file::properties::WriterProperties};
use arrow::{
    array::{ArrayRef, AsArray as _, Float64Array, MapBuilder, StringArray, StringBuilder},
    datatypes::DataType,
    record_batch::RecordBatch,
};
use futures::StreamExt as _;
use object_store::{ObjectStore, ObjectStoreExt as _, memory::InMemory, path::Path};
use proptest::prelude::*;

use super::*;
use crate::reject::{Reason, Reject};

/// Every column that a CUR line needs, as Athena spells them.
pub(crate) const CUR_HEADER: &str = "identity_line_item_id,line_item_usage_account_id,line_item_line_item_type,\
    line_item_usage_start_date,line_item_usage_end_date,line_item_product_code,line_item_usage_type,\
    line_item_usage_amount,line_item_currency_code,line_item_unblended_cost";
const ROW: &str =
    "a,123456789012,Usage,2026-10-01T00:00:00Z,2026-10-01T01:00:00Z,AmazonEC2,BoxUsage:m5.large,1,USD,0.096";

/// What became of an object, read whole.
pub(crate) struct Whole {
    pub(crate) format: Format,
    pub(crate) schema: arrow::datatypes::SchemaRef,
    pub(crate) batches: Vec<RawBatch>,
    pub(crate) errors: Vec<ReadError>,
}

pub(crate) async fn open(name: &str, bytes: &[u8]) -> Opened {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let path = Path::from(name);
    store.put(&path, bytes.to_vec().into()).await.unwrap();
    RawReader::open(StoredObject::immutable(store, path, bytes.len() as u64)).await.unwrap()
}

pub(crate) async fn read(name: &str, bytes: &[u8]) -> Whole {
    match open(name, bytes).await {
        Opened::Export(reader) => read_reader(&reader).await,
        Opened::NotBilling(why) => panic!("not billing: {why}"),
        Opened::Rejected(reject) => panic!("rejected: {reject:?}"),
    }
}

pub(crate) async fn read_reader(reader: &RawReader) -> Whole {
    let (mut batches, mut errors) = (Vec::new(), Vec::new());
    for row_group in 0..reader.row_groups() {
        for item in reader.row_group(row_group).collect::<Vec<_>>().await {
            match item {
                Ok(batch) => batches.push(batch),
                Err(error) => errors.push(error),
            }
        }
    }
    Whole { format: reader.format(), schema: Arc::clone(reader.schema()), batches, errors }
}

impl Whole {
    pub(crate) fn rows(&self) -> usize {
        self.batches.iter().map(|raw| raw.batch.num_rows()).sum()
    }

    fn damaged(&self) -> Vec<&Reject> {
        self.batches.iter().flat_map(|raw| &raw.damaged).collect()
    }
}

async fn rejected(name: &str, bytes: &[u8]) -> Reject {
    match open(name, bytes).await {
        Opened::Rejected(reject) => *reject,
        Opened::NotBilling(why) => panic!("not billing: {why}"),
        Opened::Export(_) => panic!("it was opened"),
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn parquet(batch: &RecordBatch, row_group_rows: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(row_group_rows)).build();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// A CUR 2.0 batch of the smallest kind, with maps and a column that nobody asks for.
pub(crate) fn cur2(rows: usize) -> RecordBatch {
    let text = |value: &str| Arc::new(StringArray::from(vec![value; rows])) as ArrayRef;
    let number = |value: f64| Arc::new(Float64Array::from(vec![value; rows])) as ArrayRef;
    let mut tags = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for _ in 0..rows {
        tags.keys().append_value("user_team");
        tags.values().append_value("blue");
        tags.append(true).unwrap();
    }
    let ids: Vec<String> = (0..rows).map(|row| format!("id{row}")).collect();
    RecordBatch::try_from_iter([
        ("identity_line_item_id", Arc::new(StringArray::from(ids)) as ArrayRef),
        ("line_item_usage_account_id", text("123456789012")),
        ("line_item_line_item_type", text("Usage")),
        ("line_item_usage_start_date", text("2026-10-01T00:00:00Z")),
        ("line_item_usage_end_date", text("2026-10-01T01:00:00Z")),
        ("line_item_product_code", text("AmazonEC2")),
        ("line_item_usage_type", text("BoxUsage:m5.large")),
        ("line_item_usage_amount", number(1.0)),
        ("line_item_currency_code", text("USD")),
        ("line_item_unblended_cost", number(0.096)),
        ("line_item_blended_cost", number(0.096)),
        ("product_region_code", text("us-east-1")),
        ("resource_tags", Arc::new(tags.finish()) as ArrayRef),
    ])
    .unwrap()
}

fn detected(header: &[&str]) -> Option<&'static str> {
    name::detect(header).map(Format::as_str)
}

#[test]
fn formats_are_told_by_their_columns() {
    let slashes = ["identity/LineItemId", "lineItem/UsageAmount", "lineItem/UnblendedCost", "product/region"];
    assert_eq!(detected(&slashes), Some("cur_legacy"));
    let athena = [
        "line_item_usage_amount",
        "line_item_unblended_cost",
        "line_item_usage_type",
        "product_product_name",
    ];
    assert_eq!(detected(&athena), Some("cur_legacy"));
    let second =
        ["line_item_usage_amount", "line_item_unblended_cost", "line_item_usage_type", "resource_tags"];
    assert_eq!(detected(&second), Some("cur2"));
    let focus = ["BilledCost", "chargecategory", "EffectiveCost"];
    assert_eq!(detected(&focus), Some("focus_1.0"));
    assert_eq!(detected(&[&focus[..], &["SkuMeter"]].concat()), Some("focus_1.1"));
    assert_eq!(detected(&[&focus[..], &["SkuMeter", "InvoiceId"]].concat()), Some("focus_1.2"));
    assert_eq!(detected(&[&focus[..], &["HostProviderName"]].concat()), Some("focus_1.3"));
    let carbon = ["model_version", "usage_account_id", "usage_period_start", "total_mbm_emissions_value"];
    assert_eq!(detected(&carbon), Some("carbon_emissions"));
    for other in [&["id", "name", "email"][..], &["line_item_usage_type"], &[]] {
        assert_eq!(detected(other), None);
    }
}

/// The names that AWS documents for the Athena table of a CUR.
#[test]
fn names_become_those_of_athena() {
    for (name, expected) in [
        ("lineItem/UsageAmount", "line_item_usage_amount"),
        ("identity/LineItemId", "identity_line_item_id"),
        ("savingsPlan/SavingsPlanARN", "savings_plan_savings_plan_a_r_n"),
        ("product/regionCode", "product_region_code"),
        ("product/usagetype", "product_usagetype"),
        ("resourceTags/user:Cost Center", "resource_tags_user_cost_center"),
        ("line_item_usage_amount", "line_item_usage_amount"),
    ] {
        assert_eq!(name::canonical(name), expected);
    }
}

#[tokio::test]
async fn parquet_gives_dictionaries_of_the_used_columns_only() {
    let whole = read("cur.parquet", &parquet(&cur2(250), 100)).await;
    assert_eq!(whole.format, Format::Cur2);
    assert!(whole.errors.is_empty());
    let positions: Vec<(i32, i64, usize)> =
        whole.batches.iter().map(|raw| (raw.row_group, raw.first_row, raw.batch.num_rows())).collect();
    assert_eq!(positions, [(0, 0, 100), (1, 0, 100), (2, 0, 50)]);
    assert!(whole.schema.field_with_name("line_item_blended_cost").is_err());
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    assert_eq!(whole.schema.field_with_name("line_item_usage_type").unwrap().data_type(), &dictionary);
    assert_eq!(whole.schema.field_with_name("identity_line_item_id").unwrap().data_type(), &DataType::Utf8);
    let tags = whole.batches[0].batch.column_by_name("resource_tags").unwrap();
    assert_eq!(tags.as_map().keys().data_type(), &dictionary);
    assert_eq!(tags.as_map().values().data_type(), &dictionary);
}

#[tokio::test]
async fn a_truncated_parquet_object_is_rejected_whole() {
    let bytes = parquet(&cur2(100), 100);
    for length in [4, 5, 11, 12, 100, bytes.len() / 2, bytes.len() - 1] {
        let reject = rejected("cur.parquet", &bytes[..length]).await;
        assert_eq!(
            (reject.reason, reject.row_group, reject.row_number),
            (Reason::Damaged, -1, -1),
            "{length}"
        );
    }
}

#[tokio::test]
async fn a_damaged_row_group_leaves_the_others() {
    let mut bytes = parquet(&cur2(200), 100);
    bytes[4..200].fill(0xff);
    let whole = read("cur.parquet", &bytes).await;
    assert_eq!(whole.errors.len(), 1);
    assert!(matches!(&whole.errors[0], ReadError::Damaged(reject) if reject.is_of_object()));
    assert_eq!(whole.batches.iter().map(|raw| raw.row_group).collect::<Vec<_>>(), [1]);
}

/// Overwritten after it was listed, and again after it was opened: neither reading mixes two versions.
#[tokio::test]
async fn another_version_of_an_object_is_not_read() {
    use crate::discover::DataObject;
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    for (name, bytes) in
        [("a.csv", format!("{CUR_HEADER}\n{ROW}\n").into_bytes()), ("a.parquet", parquet(&cur2(3), 100))]
    {
        let path = Path::from(name);
        store.put(&path, bytes.clone().into()).await.unwrap();
        let listed = async || {
            let meta = store.head(&path).await.unwrap();
            let object = DataObject {
                name: name.to_owned(),
                uri: name.to_owned(),
                path: path.clone(),
                local: None,
                size_bytes: meta.size,
                version_tag: String::new(),
                e_tag: meta.e_tag,
            };
            StoredObject::listed(Arc::clone(&store), &object)
        };
        let before = listed().await;
        store.put(&path, bytes.clone().into()).await.unwrap();
        let changed = RawReader::open(before).await;
        assert!(matches!(changed, Err(object_store::Error::Precondition { .. })), "{name}");

        let Opened::Export(reader) = RawReader::open(listed().await).await.unwrap() else { panic!("{name}") };
        assert!(read_reader(&reader).await.errors.is_empty(), "{name}");
        store.put(&path, bytes.into()).await.unwrap();
        let whole = read_reader(&reader).await;
        let [ReadError::Store(error)] = whole.errors.as_slice() else { panic!("{name}: {:?}", whole.errors) };
        assert!(matches!(error, object_store::Error::Precondition { .. }), "{name}: {error}");
        assert_eq!(whole.rows(), 0, "{name}");
        store.delete(&path).await.unwrap();
        let gone = read_reader(&reader).await;
        assert!(matches!(
            gone.errors.as_slice(),
            [ReadError::Store(object_store::Error::Precondition { .. })]
        ));
    }
}

#[tokio::test]
async fn what_is_not_billing_is_said_not_rejected() {
    let other =
        RecordBatch::try_from_iter([("a", Arc::new(StringArray::from(vec!["b"])) as ArrayRef)]).unwrap();
    let other = parquet(&other, 10);
    let binary: Vec<u8> = (0..5000u32).map(|i| (i * 31 % 251) as u8).collect();
    for (name, bytes) in [
        ("empty.csv", &b""[..]),
        ("manifest.json", b"{\"assemblyId\": \"x\", \"columns\": []}"),
        ("people.csv", b"id,name\n1,Ada\n"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("binary", &binary),
        ("other.parquet", &other),
        ("notes.txt.gz", &gzip(b"just some words")),
        ("archive.zip", b"PK\x03\x04abcdefgh"),
    ] {
        assert!(matches!(open(name, bytes).await, Opened::NotBilling(_)), "{name}");
    }
}

#[tokio::test]
async fn wrong_names_and_missing_columns_are_rejected_by_name() {
    assert_eq!(rejected("cur.parquet", b"this is no Parquet").await.reason, Reason::WrongMagic);
    assert_eq!(rejected("cur.csv.zst", b"\x28\xb5\x2f\xfd0000").await.reason, Reason::UnsupportedCompression);
    let without = CUR_HEADER.replace(",line_item_unblended_cost", "");
    let reject = rejected("cur.csv", without.as_bytes()).await;
    assert_eq!(reject.reason, Reason::MissingRequired);
    assert_eq!(reject.column.as_deref(), Some("line_item_unblended_cost"));
}

#[tokio::test]
async fn text_is_read_with_its_oddities() {
    let text = format!("\u{feff}{CUR_HEADER},note\r\n{ROW},\"two\nlines, \"\"quoted\"\"\"\r\n{ROW},");
    for bytes in [text.clone().into_bytes(), gzip(text.as_bytes())] {
        let whole = read("cur.csv", &bytes).await;
        assert_eq!((whole.rows(), whole.damaged().len(), whole.errors.len()), (2, 0, 0));
        assert!(whole.schema.field_with_name("note").is_err());
        assert!(
            whole.schema.field_with_name("identity_line_item_id").is_ok(),
            "the byte order mark was dropped"
        );
    }
}

#[tokio::test]
async fn rows_that_cannot_be_split_are_rejected_alone() {
    let mut bytes = format!("{CUR_HEADER}\n{ROW}\na,b,c\n{ROW},too,many\n{ROW}\n").into_bytes();
    bytes.extend_from_slice(ROW.replace("AmazonEC2", "Amazon?").as_bytes());
    let place = bytes.iter().rposition(|b| *b == b'?').unwrap();
    bytes[place] = 0xff;
    let whole = read("cur.csv", &bytes).await;
    assert_eq!(whole.rows(), 5);
    let damaged: Vec<(i64, Reason)> = whole.damaged().iter().map(|r| (r.row_number, r.reason)).collect();
    assert_eq!(damaged, [(1, Reason::WrongFieldCount), (2, Reason::WrongFieldCount), (4, Reason::NotUtf8)]);
}

#[tokio::test]
async fn a_truncated_gzip_object_keeps_its_whole_rows() {
    let mut text = format!("{CUR_HEADER}\n");
    for row in 0..20_000 {
        text += &ROW.replacen('a', &format!("id{}", row * 7919 % 20_011), 1);
        text.push('\n');
    }
    let bytes = gzip(text.as_bytes());
    let whole = read("cur.csv.gz", &bytes[..bytes.len() / 2]).await;
    assert!(matches!(&whole.errors[..], [ReadError::Damaged(reject)] if reject.is_of_object()));
    assert!((1_000..20_000).contains(&whole.rows()), "{}", whole.rows());
    assert!(whole.damaged().is_empty());
}

#[tokio::test]
async fn a_cell_of_ten_megabytes_is_read() {
    let tags = format!("{{\"\"a\"\":\"\"{}\"\"}}", "x".repeat(10 << 20));
    let text = format!("{CUR_HEADER},resource_tags\n{ROW},\"{tags}\"\n{ROW},\n");
    let whole = read("cur.csv", text.as_bytes()).await;
    assert_eq!((whole.rows(), whole.damaged().len()), (2, 0));
}

#[tokio::test]
async fn a_row_without_end_is_one_reject() {
    let text = format!("{CUR_HEADER}\n{ROW}\n\"{}", "x,\n".repeat(30 << 20));
    let whole = read("cur.csv", text.as_bytes()).await;
    assert_eq!(whole.rows(), 2);
    assert_eq!(whole.damaged()[0].reason, Reason::RowTooLong);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            open("any.csv", &bytes).await;
            open("any.parquet", &[b"PAR1", bytes.as_slice()].concat()).await;
            open("any.csv.gz", &[&[0x1f, 0x8b], bytes.as_slice()].concat()).await;
            let whole = read("any.csv", &[CUR_HEADER.as_bytes(), b"\n", &bytes].concat()).await;
            prop_assert!(whole.errors.is_empty());
            Ok(())
        })?;
    }

    #[test]
    fn text_is_split_alike_in_pieces(text in "[a,\"\n\r\u{feff}é]{0,60}", cut in 1usize..9) {
        let split = |pieces: Vec<&[u8]>| {
            let mut rows: Vec<Vec<Vec<u8>>> = Vec::new();
            let mut splitter = text::split::Splitter::new(1 << 20);
            let mut take = |row: text::split::Row<'_>| {
                rows.push((0..row.fields()).map(|i| row.field(i).to_vec()).collect());
            };
            for piece in pieces {
                splitter.feed(piece, &mut take);
            }
            splitter.finish(&mut take);
            rows
        };
        prop_assert_eq!(split(vec![text.as_bytes()]), split(text.as_bytes().chunks(cut).collect()));
    }
}
