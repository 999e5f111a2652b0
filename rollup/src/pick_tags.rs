//! `pick_tags(tags, 'team', 'env')`: the tags chosen for rollups, as a JSON object with sorted keys.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, StringBuilder, new_null_array},
    compute::cast,
    datatypes::DataType,
};
use datafusion::{
    common::{Result, ScalarValue, exec_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct PickTags {
    signature: Signature,
}

impl PickTags {
    pub(crate) fn new() -> Self {
        Self { signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for PickTags {
    fn name(&self) -> &'static str {
        "pick_tags"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut arguments = args.args.into_iter();
        let Some(tags) = arguments.next() else {
            return exec_err!("pick_tags needs a column of tags");
        };
        let keys: Vec<String> = arguments
            .map(|key| match key {
                ColumnarValue::Scalar(ScalarValue::Utf8(Some(key)) | ScalarValue::Utf8View(Some(key))) => {
                    Ok(key)
                }
                other => exec_err!("pick_tags needs literal keys, not {other:?}"),
            })
            .collect::<Result<_>>()?;
        let tags = tags.to_array(args.number_rows)?;
        Ok(ColumnarValue::Array(pick(&tags, &keys)?))
    }
}

fn pick(tags: &ArrayRef, keys: &[String]) -> Result<ArrayRef> {
    if keys.is_empty() {
        return Ok(new_null_array(&DataType::Utf8, tags.len()));
    }
    let tags = cast(tags, &DataType::Utf8)?;
    let tags = tags.as_string::<i32>();
    let mut picked = StringBuilder::new();
    // Lines of one resource stand together: the last answer is often the next one.
    let mut last: Option<(&str, Option<String>)> = None;
    for row in 0..tags.len() {
        if tags.is_null(row) {
            picked.append_null();
            continue;
        }
        let text = tags.value(row);
        if last.as_ref().is_none_or(|(of, _)| *of != text) {
            last = Some((text, pick_one(text, keys)));
        }
        picked.append_option(last.as_ref().and_then(|(_, answer)| answer.as_deref()));
    }
    Ok(Arc::new(picked.finish()))
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
}
