//! `airshed config`: the settings in force with their origins, and an example of the file.
//!
//! Both are made from the table of keys. Secrets are not settings (credentials for S3 come from the standard AWS
//! variables), so there is none to leak.

use std::fmt::Write as _;

use crate::{
    app::App,
    failure::Exit,
    output,
    settings::{Layers, keys},
};

pub(crate) fn show(app: &App) -> anyhow::Result<Exit> {
    let row = |key: &crate::settings::Key| {
        let value = app.layers.shown(key.name);
        let origin = app.layers.origin(key.name).to_string();
        let absent = (!key.absent.is_empty()).then(|| format!("({})", key.absent));
        vec![Some(key.name.to_owned()), value.or(absent), Some(origin)]
    };
    let rows: Vec<_> = keys().map(row).collect();
    output::write_rows(app.form, &["setting", "value", "from"], &rows)?;
    Ok(Exit::Done)
}

pub(crate) fn example() -> anyhow::Result<Exit> {
    output::write_text(example_text()?.trim_end())?;
    Ok(Exit::Done)
}

/// `airshed.toml` with every key: those with a default show it, those without are commented out.
pub(crate) fn example_text() -> anyhow::Result<String> {
    let defaults = Layers::defaults()?;
    let mut text = String::from("# Settings of airshed. Every key may be left out.\n");
    let mut section = "";
    for key in keys() {
        let (of, name) = key.parts();
        if of != section {
            write!(text, "\n[{of}]")?;
            text.push('\n');
            section = of;
        }
        writeln!(text, "# {}", key.what)?;
        match defaults.shown(key.name) {
            Some(value) => writeln!(text, "{name} = {value}")?,
            None => writeln!(text, "# (default: {})\n# {name} = {}", key.absent, key.example)?,
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn the_example_is_the_default() {
        let settings: Settings = toml::from_str(&example_text().unwrap()).unwrap();
        assert_eq!(settings, Settings::default());
    }
}
