//! Parameters of requests, and the check that there are no others.

use airshed_domain::schema::column as c;
use axum::{
    extract::Query,
    http::{StatusCode, Uri},
};
use serde_json::{Value, json};

use crate::{
    ask::{Dimension, measures},
    problem::Problem,
};

/// How a parameter is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As a part of the path.
    Path,
    /// Once.
    One,
    /// As often as one likes: any of the values.
    Any,
    /// As `tag.KEY=VALUE`, as often as one likes.
    Tags,
}

/// A parameter.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    name: &'static str,
    kind: Kind,
    description: String,
    schema: Value,
}

impl Parameter {
    fn new(name: &'static str, kind: Kind, description: impl Into<String>, schema: Value) -> Self {
        Self { name, kind, description: description.into(), schema }
    }

    pub(super) fn path(name: &'static str, description: &str) -> Self {
        Self::new(name, Kind::Path, description, json!({ "type": "string" }))
    }

    pub(super) fn one(name: &'static str, description: &str, schema: Value) -> Self {
        Self::new(name, Kind::One, description, schema)
    }

    fn takes(&self, name: &str) -> bool {
        match self.kind {
            Kind::Path => false,
            Kind::One | Kind::Any => self.name == name,
            Kind::Tags => name.strip_prefix("tag.").is_some_and(|key| !key.is_empty()),
        }
    }

    /// How it is spelled in a request.
    fn spelled(&self) -> &'static str {
        if self.kind == Kind::Tags { "tag.KEY" } else { self.name }
    }

    /// The parameter object of OpenAPI.
    pub(super) fn described(&self) -> Value {
        let many = json!({ "type": "array", "items": self.schema });
        let (place, schema) = match self.kind {
            Kind::Path => ("path", self.schema.clone()),
            Kind::One => ("query", self.schema.clone()),
            Kind::Any => ("query", many),
            // An exploded object is written as one parameter for each of its properties.
            Kind::Tags => ("query", json!({ "type": "object", "patternProperties": { "^tag\\..+$": many } })),
        };
        let mut described =
            json!({ "name": self.name, "in": place, "description": self.description, "schema": schema });
        match self.kind {
            Kind::Path => described["required"] = true.into(),
            Kind::One => {}
            Kind::Any | Kind::Tags => {
                described["style"] = "form".into();
                described["explode"] = true.into();
            }
        }
        described
    }
}

/// Refuses parameters that a path does not have, or that are given twice: a misspelt condition must not pass for none.
pub(crate) fn check(uri: &Uri, parameters: &[Parameter]) -> Result<(), Problem> {
    let given = Query::<Vec<(String, String)>>::try_from_uri(uri);
    let Query(given) = given.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.body_text()))?;
    for (index, (name, _)) in given.iter().enumerate() {
        let Some(parameter) = parameters.iter().find(|parameter| parameter.takes(name)) else {
            let names: Vec<&str> =
                parameters.iter().filter(|known| known.kind != Kind::Path).map(Parameter::spelled).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(Problem::parameter(name, &format!("the path has no such parameter; it has {known}")));
        };
        if parameter.kind == Kind::One && given[..index].iter().any(|(before, _)| before == name) {
            return Err(Problem::parameter(name, "it is given twice"));
        }
    }
    Ok(())
}

/// `from` and `to`.
pub(super) fn span(detail: &str) -> [Parameter; 2] {
    let day = json!({ "type": "string", "format": "date" });
    [
        Parameter::one("from", &format!("First day, UTC. Comes with `to`. {detail}"), day.clone()),
        Parameter::one("to", "The day after the last, UTC.", day),
    ]
}

/// Conditions on some dimensions.
pub(super) fn dimensions(names: &[&str]) -> Vec<Parameter> {
    let conditions = Dimension::columns().filter(|name| names.contains(name));
    conditions
        .map(|name| {
            let what = super::comment(name).unwrap_or_default();
            let description = format!("{what}. Any of the values; an empty one asks for rows without.");
            Parameter::new(name, Kind::Any, description, json!({ "type": "string" }))
        })
        .collect()
}

/// Conditions on all dimensions and tags.
pub(super) fn filters() -> Vec<Parameter> {
    let names: Vec<&str> = Dimension::columns().collect();
    let mut filters = dimensions(&names);
    let tags =
        "Tags, each as `tag.KEY=VALUE`. Any of a key's values; an empty one asks for rows without the tag.";
    filters.push(Parameter::new("tags", Kind::Tags, tags, json!({ "type": "string" })));
    filters
}

/// One resource.
pub(super) fn resource() -> Parameter {
    Parameter::one(c::RESOURCE_ID, "One resource, by id or ARN.", json!({ "type": "string" }))
}

/// `as_of`.
pub(super) fn as_of() -> Parameter {
    let description = "A run: the ledger is shown as it was when that run became current.";
    Parameter::one("as_of", description, json!({ "type": "string" }))
}

/// Dimensions that rows are told apart by.
pub(super) fn grouping(name: &'static str, description: &str) -> Parameter {
    let known: Vec<&str> = Dimension::columns().collect();
    let description = format!("{description}, separated by commas: {}, tag.KEY.", known.join(", "));
    Parameter::one(name, &description, json!({ "type": "string" }))
}

/// A whole number from 1.
pub(super) fn number(name: &'static str, description: &str, default: u32, most: u32) -> Parameter {
    let schema = json!({ "type": "integer", "minimum": 1, "maximum": most, "default": default });
    Parameter::one(name, description, schema)
}

/// The order of rows.
pub(super) fn order() -> Parameter {
    let names = measures().flat_map(|name| [name.to_owned(), format!("-{name}")]);
    let schema =
        json!({ "type": "string", "enum": names.collect::<Vec<_>>(), "default": "-co2e_location_g" });
    Parameter::one(
        "order",
        "The measure that rows are ordered by; with `-` before it the largest first.",
        schema,
    )
}

/// What is summed up.
pub(super) fn measured() -> Parameter {
    let names: Vec<&str> = measures().collect();
    let description = format!(
        "What is summed up, all of it unless given, separated by commas: {}. The measure that rows are ordered by is always \
         there. Fewer are answered faster.",
        names.join(", ")
    );
    Parameter::one("measures", &description, json!({ "type": "string" }))
}

/// Paging.
pub(super) fn page() -> [Parameter; 2] {
    let limit = "Rows of the answer. CSV and Arrow hold all rows unless it is given.";
    let cursor = "`next_cursor` of the page before. All other parameters but `limit` stay as they were.";
    [
        number("limit", limit, crate::routes::PAGE, crate::routes::PAGE_MOST),
        Parameter::one("cursor", cursor, json!({ "type": "string" })),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(query: &str) -> Result<(), Problem> {
        let parameters: Vec<Parameter> =
            filters().into_iter().chain([as_of(), Parameter::path("id", "An id.")]).collect();
        check(&format!("/v1/x?{query}").parse().unwrap(), &parameters)
    }

    #[test]
    fn what_is_described_is_taken_and_nothing_else() {
        for good in ["", "as_of=run-1", "region=a&region=b&region=", "tag.team=web&tag.team=", "tag.a%20b=c"]
        {
            assert_eq!(checked(good), Ok(()), "{good}");
        }
        for bad in ["regoin=a", "as_of=a&as_of=b", "tag.=x", "tags=x", "id=1", "AS_OF=a"] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }
}
