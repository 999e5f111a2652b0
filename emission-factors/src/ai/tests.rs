use super::*;

fn table() -> Table {
    Table::load(&Sources::embedded().unwrap()).unwrap()
}

#[test]
fn a_usage_type_that_names_its_model_is_mapped() {
    let table = table();
    for (usage_type, model, direction) in [
        ("Mistral7B-output-tokens", "mistralai/Mistral-7B-Instruct-v0.2", TokenDirection::Output),
        ("Mixtral8x7B-input-tokens-batch", "mistralai/Mixtral-8x7B-Instruct-v0.1", TokenDirection::Input),
        ("Claude3Haiku-output-tokens", "claude-3-haiku-20240307", TokenDirection::Output),
        (
            "Claude4.5Sonnet-output-tokens-cross-region-global",
            "claude-sonnet-4-5-20250929",
            TokenDirection::Output,
        ),
        ("Claude4.5Sonnet-cache-read-input-token-count", "claude-sonnet-4-5-20250929", TokenDirection::Input),
        ("openai.gpt-oss-20b-mantle-output-tokens-standard", "openai/gpt-oss-20b", TokenDirection::Output),
        (
            "Llama3-1-405B-output-tokens-batch",
            "meta-llama/Meta-Llama-3.1-405B-Instruct",
            TokenDirection::Output,
        ),
    ] {
        let meter = table.bedrock(usage_type).unwrap();
        assert_eq!((meter.model.name.as_str(), meter.direction), (model, direction), "{usage_type}");
        assert!(!meter.is_stand_in);
    }
    assert!(table.bedrock("MistralLarge-output-tokens").unwrap().is_stand_in);
}

#[test]
fn anything_else_stays_unmapped() {
    let table = table();
    for usage_type in [
        "Claude3.5Sonnet-output-tokens", // size unknown to EcoLogits
        "NovaLite-output-tokens",
        "Claude4.5Sonnet-reserved-1-month-input-tokens-per-minute-cross-region-global",
        "Guardrail-AutomatedReasoningPolicyUnitsConsumed",
        "cohere.rerank-english-v3-search-units",
        "Llama3-1-70B-ProvisionedThroughput-NoCommit-ModelUnits",
        "Mistral7B",
        "",
    ] {
        assert!(table.bedrock(usage_type).is_none(), "{usage_type}");
    }
}

/// EcoLogits: 1.840338e-3 kWh and 3.647679e-5 kg per 1,000 output tokens of Claude 3 Haiku, PUE 1.115 included.
#[test]
fn pue_is_divided_out() {
    let table = table();
    let model = table.bedrock("Claude3Haiku-output-tokens").unwrap().model;
    assert!((model.energy_kwh_per_token.central() * 1000.0 * 1.115 / 1.840_338e-3 - 1.0).abs() < 1e-5);
    assert!((model.embodied_g_per_token.central() * 1000.0 / 3.647_679e-2 - 1.0).abs() < 1e-5);
    for model in table.models() {
        assert!(
            model.energy_kwh_per_token.low() > 0.0 && model.embodied_g_per_token.central() > 1e-8,
            "{}",
            model.name
        );
    }
}

#[test]
fn units_of_tokens() {
    assert_eq!(tokens_per_unit("1K tokens"), Some(1e3));
    assert_eq!(tokens_per_unit("1M tokens"), Some(1e6));
    assert_eq!(tokens_per_unit("Hrs"), None);
}
