//! `airshed completions`: a script that lets a shell complete commands and options.

use clap::CommandFactory as _;

use crate::{
    args::{Cli, CompletionsArgs},
    failure::Exit,
    output,
};

pub(crate) fn print(args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "airshed", &mut script);
    output::write_text(String::from_utf8(script)?.trim_end())?;
    Ok(Exit::Done)
}
