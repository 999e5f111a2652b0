//! `docs/configuration.md`, from the table of settings.

use std::fmt::Write as _;

use crate::{
    command::config_example,
    settings::{Layers, keys},
};

pub(super) fn text() -> String {
    let defaults = Layers::defaults().unwrap();
    let mut text = String::from(
        "# Configuration\n\nThis page is generated from the settings; `make docs` rewrites it.\n\nA value is taken from the \
         flag, else from the environment, else from `airshed.toml`, else it is the default. The file is the one that \
         `--config` or `AIRSHED_CONFIG` names, else `airshed.toml` in the working folder. Relative paths in it are relative \
         to its own folder. Unknown keys are refused. `airshed config show` prints every value with its origin, `airshed \
         config example` a file to start from.\n\n| Setting | Environment | Default | Meaning |\n|---|---|---|---|\n",
    );
    for key in keys() {
        let default =
            defaults.shown(key.name).map_or_else(|| key.absent.to_owned(), |value| format!("`{value}`"));
        writeln!(text, "| `{}` | `{}` | {default} | {} |", key.name, key.env(), key.what).unwrap();
    }
    text.push_str(
        "\nLists are separated by commas in the environment. Other variables: `AIRSHED_CONFIG` (the file), `AIRSHED_LOG` \
         (a log level: error, warn, info, debug or trace), `NO_COLOR`, and the standard `AWS_*` variables for S3. \
         Credentials are never settings, so no command prints them.\n\n## airshed.toml\n\n```toml\n",
    );
    text.push_str(&config_example().unwrap());
    text.push_str("```\n");
    text
}
