use std::collections::HashSet;

use arrow::array::{DictionaryArray, StringArray};

use super::*;

fn plain(texts: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

fn dictionary(texts: &[Option<&str>]) -> ArrayRef {
    Arc::new(texts.iter().copied().collect::<DictionaryArray<Int32Type>>())
}

#[test]
fn null_is_not_the_first_value_and_split_counts() {
    let texts = [Some("a"), None, Some("a"), Some("b"), Some("a")];
    for array in [plain(&texts), dictionary(&texts)] {
        let columns = [KeyColumn::new(&array).unwrap()];
        let packed = pack(&columns, |row| row == 4);
        assert_eq!(packed[0], packed[2]);
        assert_eq!(packed.iter().collect::<HashSet<_>>().len(), 4);
        assert_eq!(columns[0].text(1), None);
        assert_eq!(columns[0].text(3), Some("b"));
    }
}

#[test]
fn more_distinct_values_than_bits_still_tell_rows_apart() {
    // 20 columns of 300 distinct values need 9 bits each, 180 in all.
    let texts: Vec<String> = (0..300).map(|value| value.to_string()).collect();
    let arrays: Vec<ArrayRef> = (0..20usize)
        .map(|column| {
            let rotated: Vec<Option<&str>> =
                (0..300).map(|row| Some(texts[(row * 7 + column) % 300].as_str())).collect();
            plain(&rotated)
        })
        .collect();
    let columns: Vec<KeyColumn<'_>> = arrays.iter().map(|array| KeyColumn::new(array).unwrap()).collect();
    let packed = pack(&columns, |_| false);
    assert_eq!(packed.iter().collect::<HashSet<_>>().len(), 300);
}
