//! Bytes of each value of a column.

use arrow::{
    array::{Array, ArrayRef, AsArray as _},
    buffer::OffsetBuffer,
    datatypes::DataType,
};

/// What a value of varying length takes beside its bytes. Each element of an array so counts for something.
const BESIDE: u64 = 4;

/// Bytes that each value takes. What is null may count as well.
pub(super) fn sizes(array: &ArrayRef) -> Vec<u64> {
    match array.data_type() {
        DataType::Null => vec![0; array.len()],
        DataType::Boolean => vec![1; array.len()],
        DataType::Utf8 => lengths(array.as_string::<i32>().offsets()),
        DataType::LargeUtf8 => lengths(array.as_string::<i64>().offsets()),
        DataType::Binary => lengths(array.as_binary::<i32>().offsets()),
        DataType::LargeBinary => lengths(array.as_binary::<i64>().offsets()),
        DataType::Utf8View => array.as_string_view().lengths().map(|n| u64::from(n) + BESIDE).collect(),
        DataType::BinaryView => array.as_binary_view().lengths().map(|n| u64::from(n) + BESIDE).collect(),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            spans(&sizes(list.values()), list.offsets())
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            spans(&sizes(list.values()), list.offsets())
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let entries: ArrayRef = std::sync::Arc::new(map.entries().clone());
            spans(&sizes(&entries), map.offsets())
        }
        DataType::FixedSizeList(_, length) => {
            let length = usize::try_from(*length).unwrap_or_default().max(1);
            let elements = sizes(array.as_fixed_size_list().values());
            let mut all: Vec<u64> = elements.chunks(length).map(|chunk| chunk.iter().sum()).collect();
            all.resize(array.len(), 0);
            all
        }
        DataType::Struct(_) => {
            let mut all = vec![BESIDE; array.len()];
            for column in array.as_struct().columns() {
                for (sum, size) in all.iter_mut().zip(sizes(column)) {
                    *sum += size;
                }
            }
            all
        }
        DataType::Dictionary(..) => {
            let coded = array.as_any_dictionary();
            if coded.values().is_empty() {
                return vec![0; array.len()];
            }
            let by_code = sizes(coded.values());
            coded.normalized_keys().into_iter().map(|code| by_code.get(code).copied().unwrap_or(0)).collect()
        }
        other => vec![other.primitive_width().map_or(16, |width| width as u64); array.len()],
    }
}

fn lengths<O: arrow::array::OffsetSizeTrait>(offsets: &OffsetBuffer<O>) -> Vec<u64> {
    offsets.lengths().map(|length| length as u64 + BESIDE).collect()
}

/// Sums of the sizes of elements between offsets.
fn spans<O: arrow::array::OffsetSizeTrait>(elements: &[u64], offsets: &OffsetBuffer<O>) -> Vec<u64> {
    let mut from = offsets.first().map_or(0, |first| first.as_usize());
    let span = |length: usize| {
        let sum: u64 = elements.iter().skip(from).take(length).sum();
        from += length;
        sum + BESIDE
    };
    offsets.lengths().map(span).collect()
}
