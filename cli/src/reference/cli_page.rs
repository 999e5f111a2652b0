//! `docs/cli.md`, from the help of every command.

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _};

pub(super) fn text() -> String {
    let mut text = String::from(
        "# Command line\n\nThis page is generated from `airshed --help`; `make docs` rewrites it.\n\nResults go to standard \
         output, everything else to standard error. Settings may also stand in the environment or in a file, see \
         [configuration](configuration.md).\n",
    );
    let mut root = crate::args::Cli::command();
    root.build();
    section(&mut text, &root, "airshed", true);
    text
}

fn section(text: &mut String, command: &Command, name: &str, with_global: bool) {
    let mut command = command.clone().term_width(100).color(clap::ColorChoice::Never);
    if !with_global {
        // The global options are listed once, on the first help of the page.
        let ids: Vec<_> =
            command.get_arguments().filter(|a| a.is_global_set()).map(|a| a.get_id().clone()).collect();
        for id in ids {
            command = command.mut_arg(id, |arg| arg.hide(true));
        }
    }
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    writeln!(text, "\n## {name}\n\n```text\n{}\n```", help.join("\n").trim_end()).unwrap();
    let subcommands: Vec<_> = command.get_subcommands().filter(|c| c.get_name() != "help").cloned().collect();
    for subcommand in subcommands {
        section(text, &subcommand, &format!("{name} {}", subcommand.get_name()), false);
    }
}
