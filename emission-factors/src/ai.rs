//! Tokens of hosted AI models: energy and embodied emissions per output token.
//!
//! Figures are EcoLogits', who model a request's energy from the model's parameters and the number of tokens it
//! *writes*; reading the prompt is within that figure. So an output-token line carries the energy and an input-token
//! line carries none of its own ([`TokenDirection`]). EcoLogits' energy is at the facility's meter; the tables here hold
//! IT energy, its PUE divided out, because the ledger applies the region's own PUE.
//!
//! A usage type is mapped only when it names the very model (`data/ai/bedrock.csv`); anything else stays unmapped and
//! is counted in coverage. Parameters of closed models are EcoLogits' guesses: the bounds say how wide.

use std::collections::BTreeMap;

use airshed_domain::id::FactorId;

use crate::{
    FactorError,
    provenance::Sources,
    table,
    value::{Band, Factor},
};

const MODEL_COLUMNS: &[&str] = &[
    "provider",
    "model",
    "low_kwh_per_mtok",
    "kwh_per_mtok",
    "high_kwh_per_mtok",
    "low_embodied_g_per_mtok",
    "embodied_g_per_mtok",
    "high_embodied_g_per_mtok",
    "source_id",
    "page",
    "note",
];
const BEDROCK_COLUMNS: &[&str] = &["key", "provider", "model", "stand_in", "note"];

/// Tokens that the figures are per.
const TOKENS_PER_FIGURE: f64 = 1e6;

/// A hosted model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Who made it, as EcoLogits names them.
    pub provider: String,
    /// The model, as EcoLogits names it.
    pub name: String,
    /// IT energy per output token, before PUE, kWh.
    pub energy_kwh_per_token: Band,
    /// Embodied emissions per output token, gCO2e.
    pub embodied_g_per_token: Band,
    /// Ids of the factors behind it: energy, embodied.
    pub factor_ids: Vec<FactorId>,
    source_id: String,
    page: String,
    note: String,
}

/// Which tokens a line counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenDirection {
    /// Read by the model: their energy is within the output tokens' figure, the line is excluded.
    Input,
    /// Written by the model: the line carries the request's energy.
    Output,
}

/// What a token line counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenMeter<'t> {
    /// The model.
    pub model: &'t Model,
    /// Read or written.
    pub direction: TokenDirection,
    /// The usage type names another release of the model, which is not published: this one stands in for it.
    pub is_stand_in: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Mapping {
    model: (String, String),
    is_stand_in: bool,
}

/// Models and the usage types that name them.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    models: BTreeMap<(String, String), Model>,
    /// By key in lower case.
    bedrock: BTreeMap<String, Mapping>,
}

impl Table {
    /// Reads the embedded tables.
    ///
    /// # Errors
    /// When a table is not readable, names an unknown source or model.
    pub fn load(sources: &Sources) -> Result<Self, FactorError> {
        let mut models = BTreeMap::new();
        for row in table::read("ai/models.csv", include_str!("../data/ai/models.csv"), MODEL_COLUMNS)? {
            let per_token = |low, central, high| {
                let scaled = row.band(low, central, high)?.scaled(1.0 / TOKENS_PER_FIGURE);
                scaled.map_err(|error| row.error(central, &error.to_string()))
            };
            let (provider, name) = (row.text("provider")?.to_owned(), row.text("model")?.to_owned());
            let id = |what: &str| FactorId::new(format!("ai/model/{provider}/{name}/{what}"));
            let model = Model {
                energy_kwh_per_token: per_token("low_kwh_per_mtok", "kwh_per_mtok", "high_kwh_per_mtok")?,
                embodied_g_per_token: per_token(
                    "low_embodied_g_per_mtok",
                    "embodied_g_per_mtok",
                    "high_embodied_g_per_mtok",
                )?,
                factor_ids: vec![id("energy"), id("embodied")],
                source_id: sources.require(row.text("source_id")?)?.to_owned(),
                page: row.text("page")?.to_owned(),
                note: row.optional_text("note")?.unwrap_or("").to_owned(),
                provider: provider.clone(),
                name: name.clone(),
            };
            if models.insert((provider, name), model).is_some() {
                return Err(row.error("model", "stands twice"));
            }
        }
        let mut bedrock = BTreeMap::new();
        for row in table::read("ai/bedrock.csv", include_str!("../data/ai/bedrock.csv"), BEDROCK_COLUMNS)? {
            let model = (row.text("provider")?.to_owned(), row.text("model")?.to_owned());
            if !models.contains_key(&model) {
                return Err(row.error("model", "is not a row of ai/models.csv"));
            }
            let mapping = Mapping { model, is_stand_in: row.parse("stand_in")? };
            if bedrock.insert(row.text("key")?.to_lowercase(), mapping).is_some() {
                return Err(row.error("key", "stands twice"));
            }
        }
        Ok(Self { models, bedrock })
    }

    /// What a Bedrock usage type (without its region prefix, such as `MistralLarge-output-tokens-batch`) counts; `None`
    /// when it is not a token meter of a known model.
    pub fn bedrock(&self, usage_type: &str) -> Option<TokenMeter<'_>> {
        let (key, direction) = split_token_usage_type(usage_type)?;
        let mapping = self.bedrock.get(&key.to_lowercase())?;
        let model = self.models.get(&mapping.model)?;
        Some(TokenMeter { model, direction, is_stand_in: mapping.is_stand_in })
    }

    /// Every model, by provider and name.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.values()
    }

    /// Every number in its listing form.
    pub fn factors(&self) -> Vec<Factor> {
        let mut factors = Vec::new();
        for ((provider, name), model) in &self.models {
            let figures =
                [("kWh/token", model.energy_kwh_per_token), ("gCO2e/token", model.embodied_g_per_token)];
            for (id, (unit, value)) in model.factor_ids.iter().zip(figures) {
                factors.push(Factor {
                    id: id.clone(),
                    kind: "ai/model",
                    key: format!("{provider}/{name}"),
                    unit,
                    value,
                    source_id: model.source_id.clone(),
                    page: model.page.clone(),
                    valid_from: None,
                    valid_to: None,
                    note: model.note.clone(),
                });
            }
        }
        factors
    }

    /// The mapping as lines of the canonical text that the set's id is the hash of.
    pub fn canonical_lines(&self) -> impl Iterator<Item = String> + '_ {
        self.bedrock.iter().map(|(key, Mapping { model: (provider, model), is_stand_in })| {
            format!("ai/bedrock\t{key}\t{provider}\t{model}\t{is_stand_in}")
        })
    }
}

/// Model key and direction of a token meter such as `Nova2.0Lite-input-tokens-cross-region-global-batch`.
fn split_token_usage_type(usage_type: &str) -> Option<(&str, TokenDirection)> {
    for (marker, direction) in [
        ("-output-tokens", TokenDirection::Output),
        ("-input-tokens", TokenDirection::Input),
        ("-cache-read-input-token-count", TokenDirection::Input),
        ("-cache-write-input-token-count", TokenDirection::Input),
    ] {
        if let Some((key, tail)) = usage_type.split_once(marker)
            && (tail.is_empty() || tail.starts_with('-'))
            && !tail.contains("custom-model")
        {
            let key = key.strip_suffix("-text").or_else(|| key.strip_suffix("-mantle")).unwrap_or(key);
            return Some((key, direction));
        }
    }
    None
}

/// Tokens of one billed unit, `None` when the unit does not count tokens.
pub fn tokens_per_unit(usage_unit: &str) -> Option<f64> {
    match usage_unit {
        "1K tokens" | "1K Tokens" | "1000 tokens" => Some(1e3),
        "1M tokens" | "1M Tokens" | "Million tokens" => Some(1e6),
        "tokens" | "Tokens" | "token" => Some(1.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
