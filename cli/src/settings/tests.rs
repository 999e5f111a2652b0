use std::{fmt::Write as _, path::Path};

use super::*;

fn layers(file: &str, environment: &[(&str, &str)]) -> anyhow::Result<Layers> {
    let mut layers = Layers::defaults()?;
    layers.file(Path::new("conf/airshed.toml"), file)?;
    layers.environment(environment.iter().copied())?;
    Ok(layers)
}

fn message(result: anyhow::Result<impl std::fmt::Debug>) -> String {
    format!("{:#}", result.unwrap_err())
}

#[test]
fn every_field_has_a_key_and_every_key_a_field() {
    // A file with every key, from the examples, must be accepted and must come back whole.
    let mut text = String::new();
    let mut section = "";
    for key in keys() {
        let (of, name) = key.parts();
        if of != section {
            writeln!(text, "[{of}]").unwrap();
            section = of;
        }
        writeln!(text, "{name} = {}", key.example).unwrap();
    }
    let written: toml::Table = text.parse().unwrap();
    let settings: Settings = toml::from_str(&text).unwrap();
    assert_eq!(toml::Table::try_from(settings).unwrap(), written);
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let mut layers = layers(
        "[method]\nname = \"ccf\"\n[import]\nmemory_mib = 256\n",
        &[("AIRSHED_METHOD_NAME", "spruce")],
    )
    .unwrap();
    layers.flag("lake", "--lake", Some("s3://bucket/ledger"));
    let settings = Settings::resolve(&layers).unwrap();
    assert_eq!(settings.method.name, "spruce");
    assert_eq!(settings.import.memory_mib, 256);
    assert_eq!(settings.lake, "s3://bucket/ledger");
    let origins =
        ["lake", "method.name", "import.memory_mib", "rollup.tags"].map(|key| layers.origin(key).to_string());
    assert_eq!(origins, ["--lake", "$AIRSHED_METHOD_NAME", "conf/airshed.toml", "default"]);
}

#[test]
fn paths_of_the_file_are_relative_to_it() {
    let layers = layers("lake = \"ledger\"\n[factors]\ngrid = [\"de.csv\", \"/abs/fr.csv\"]\n", &[]).unwrap();
    let settings = Settings::resolve(&layers).unwrap();
    assert_eq!(settings.lake, "conf/ledger");
    assert_eq!(settings.factors.grid, ["conf/de.csv", "/abs/fr.csv"]);
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_known_ones() {
    let text = message(layers("[import]\nmemory_mb = 512\n", &[]));
    assert!(text.contains("memory_mb") && text.contains("memory_mib") && text.contains("line 2"), "{text}");
    let text = message(layers("[imports]\n", &[]));
    assert!(text.contains("imports") && text.contains("import"), "{text}");
}

#[test]
fn an_unknown_variable_is_refused() {
    let text = message(layers("", &[("AIRSHED_IMPORT_MEMORY", "512")]));
    assert!(text.contains("AIRSHED_IMPORT_MEMORY"), "{text}");
}

#[test]
fn a_bad_value_names_key_and_origin() {
    let text = message(layers("", &[("AIRSHED_IMPORT_THREADS", "many")]));
    assert!(text.contains("AIRSHED_IMPORT_THREADS") && text.contains("many"), "{text}");
    let text = message(Settings::resolve(&layers("[import]\nmemory_mib = 1\n", &[]).unwrap()));
    assert_eq!(text, "import.memory_mib is 1 (from conf/airshed.toml); at least 64 are needed");
    let text =
        message(Settings::resolve(&layers("", &[("AIRSHED_METHOD_DEFAULT_UTILIZATION", "50")]).unwrap()));
    assert!(
        text.starts_with("method.default_utilization is 50 (from $AIRSHED_METHOD_DEFAULT_UTILIZATION)"),
        "{text}"
    );
}
