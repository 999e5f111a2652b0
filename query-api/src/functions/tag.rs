//! `tag(tags, 'team')`: one tag of the JSON object in column `tags`, or null.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray as _, StringBuilder},
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
        Ok(DataType::Utf8)
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

fn pick(tags: &ArrayRef, key: &str) -> Result<ArrayRef> {
    let tags = cast(tags, &DataType::Utf8)?;
    let mut picked = StringBuilder::new();
    for text in tags.as_string::<i32>() {
        let object: Option<BTreeMap<String, serde_json::Value>> =
            text.and_then(|t| serde_json::from_str(t).ok());
        let value = object.as_ref().and_then(|object| object.get(key)).and_then(serde_json::Value::as_str);
        picked.append_option(value);
    }
    Ok(Arc::new(picked.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::StringArray;

    #[test]
    fn one_tag_or_null() {
        let tags: ArrayRef = Arc::new(StringArray::from(vec![Some(r#"{"team":"web"}"#), Some("{}"), None]));
        let picked = pick(&tags, "team").unwrap();
        let picked: Vec<_> = picked.as_string::<i32>().iter().collect();
        assert_eq!(picked, [Some("web"), None, None]);
    }
}
