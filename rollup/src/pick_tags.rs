//! The tags that rollups keep as a dimension: those chosen in the configuration, as a JSON object with sorted keys.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, DictionaryArray, StringArray, new_null_array},
    datatypes::Int32Type,
};

use crate::error::{Error, Result};

/// The chosen tags of a dictionary column of JSON objects; null where a row has none of them.
pub(crate) fn pick_tags(tags: &ArrayRef, keys: &[String]) -> Result<ArrayRef> {
    if keys.is_empty() {
        return Ok(new_null_array(tags.data_type(), tags.len()));
    }
    let no_texts = || Error::corrupt(format!("tags come as {}", tags.data_type()));
    let dictionary = tags.as_dictionary_opt::<Int32Type>().ok_or_else(no_texts)?;
    let texts = dictionary.values().as_string_opt::<i32>().ok_or_else(no_texts)?;
    let picked: StringArray = texts.iter().map(|text| text.and_then(|text| pick_one(text, keys))).collect();
    let picked = DictionaryArray::<Int32Type>::try_new(dictionary.keys().clone(), Arc::new(picked))
        .map_err(|e| Error::query("tags are not in their dictionary", e))?;
    Ok(Arc::new(picked))
}

/// The chosen tags of one object; `None` when it has none of them.
fn pick_one(text: &str, keys: &[String]) -> Option<String> {
    let all: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    let chosen: BTreeMap<_, _> = all.into_iter().filter(|(key, _)| keys.contains(key)).collect();
    (!chosen.is_empty()).then(|| serde_json::to_string(&chosen).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_chosen_and_sorted() {
        let keys = ["team".to_owned(), "env".to_owned()];
        let pick = |text| pick_one(text, &keys);
        assert_eq!(pick(r#"{"team":"a","app":"x","env":"p"}"#).as_deref(), Some(r#"{"env":"p","team":"a"}"#));
        assert_eq!(pick(r#"{"app":"x"}"#), None);
        assert_eq!(pick("not json"), None);
    }

    #[test]
    fn columns_keep_their_rows() {
        let rows = [Some(r#"{"team":"a"}"#), None, Some(r#"{"app":"x"}"#), Some(r#"{"team":"a"}"#)];
        let tags: ArrayRef = Arc::new(rows.into_iter().collect::<DictionaryArray<Int32Type>>());
        let texts = |array: &ArrayRef| -> Vec<Option<String>> {
            let strings = arrow::compute::cast(array, &arrow::datatypes::DataType::Utf8).unwrap();
            strings.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
        };
        let team = Some(r#"{"team":"a"}"#.to_owned());
        let picked = pick_tags(&tags, &["team".to_owned()]).unwrap();
        assert_eq!(texts(&picked), [team.clone(), None, None, team]);
        assert_eq!(texts(&pick_tags(&tags, &[]).unwrap()), [None, None, None, None]);
    }
}
