//! `tag(tags, 'team')`: one tag of the JSON object in column `tags`, or null.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, StringViewBuilder},
    compute::cast,
    datatypes::DataType,
};
use datafusion::{
    common::{Result, ScalarValue, exec_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Tag {
    signature: Signature,
}

impl Tag {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Tag {
    fn name(&self) -> &'static str {
        "tag"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let [
            tags,
            ColumnarValue::Scalar(ScalarValue::Utf8(Some(key)) | ScalarValue::Utf8View(Some(key))),
        ] = args.args.as_slice()
        {
            Ok(ColumnarValue::Array(pick(&tags.to_array(args.number_rows)?, key)?))
        } else {
            exec_err!("tag takes a column of tags and a literal key: tag(tags, 'team')")
        }
    }
}

/// The values of a key. A text is read once, however many rows have it.
fn pick(tags: &ArrayRef, key: &str) -> Result<ArrayRef> {
    let tags = cast(tags, &DataType::Utf8View)?;
    let (mut known, mut values) = (HashMap::new(), Vec::new());
    let mut picked = StringViewBuilder::with_capacity(tags.len());
    // Rows of an account stand together and mostly have the same tags.
    let mut last = None;
    for text in tags.as_string_view() {
        let Some(text) = text else {
            picked.append_null();
            continue;
        };
        let place = match last {
            Some((same, place)) if same == text => place,
            _ => *known.entry(text).or_insert_with(|| {
                values.push(value(text, key));
                values.len() - 1
            }),
        };
        last = Some((text, place));
        picked.append_option(values[place].as_deref());
    }
    Ok(Arc::new(picked.finish()))
}

/// The value of a key in a JSON object of texts.
fn value(tags: &str, key: &str) -> Option<String> {
    let object: BTreeMap<String, serde_json::Value> = serde_json::from_str(tags).ok()?;
    Some(object.get(key)?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::StringArray;

    #[test]
    fn one_tag_or_null() {
        let (web, data) = (Some(r#"{"team":"web"}"#), Some(r#"{"env":"prod","team":"data"}"#));
        let tags =
            vec![Some(""), web, web, data, Some("{}"), None, web, Some("no object"), Some(r#"{"team":7}"#)];
        let picked = pick(&(Arc::new(StringArray::from(tags)) as ArrayRef), "team").unwrap();
        let picked: Vec<_> = picked.as_string_view().iter().collect();
        let (web, data) = (Some("web"), Some("data"));
        assert_eq!(picked, [None, web, web, data, None, None, web, None, None]);
    }
}
