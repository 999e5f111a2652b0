//! What the commands do: one file per verb, each from settings to output.

mod bench;
mod collect;
mod completions;
mod config;
mod deliveries;
mod demo;
mod doctor;
mod estimate;
mod explain;
mod factors;
mod import;
mod rollup;
mod run;
mod serve;
mod sql;
mod stages;
mod token;
mod user;
mod verify;
mod worker;

use crate::{
    app::App,
    args::{Command, ConfigCommand},
    failure::Exit,
};

#[cfg(test)]
pub(crate) use config::example_text as config_example;

/// Commands that must work even where the settings are broken; `None` for all others.
pub(crate) fn without_settings(command: &Command) -> Option<anyhow::Result<Exit>> {
    match command {
        Command::Completions(args) => Some(completions::print(args)),
        Command::Config(args) if matches!(args.command, ConfigCommand::Example) => Some(config::example()),
        _ => None,
    }
}

/// Carries out a command.
pub(crate) async fn execute(app: &App, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Run(args) => run::execute(app, &args).await,
        Command::Import(args) => import::execute(app, &args).await,
        Command::Collect(args) => collect::execute(app, &args).await,
        Command::Deliveries(args) => deliveries::execute(app, args.command).await,
        Command::Estimate(args) => estimate::execute(app, &args).await,
        Command::Rollup(args) => rollup::execute(app, &args).await,
        Command::Sql(args) => sql::execute(app, &args).await,
        Command::Serve(_) => serve::execute(app).await,
        Command::Worker(args) => worker::execute(app, &args).await,
        Command::User(args) => user::execute(app, args.command).await,
        Command::Token(args) => token::execute(app, args.command).await,
        Command::Explain(args) => explain::execute(app, &args).await,
        Command::Verify(args) => verify::execute(app, &args).await,
        Command::Factors(args) => factors::execute(app, args.command).await,
        Command::Config(_) => config::show(app),
        Command::Doctor(args) => doctor::check(app, &args).await,
        Command::Demo(args) => demo::execute(app, &args).await,
        Command::Bench(args) => bench::execute(app, args).await,
        Command::Completions(args) => completions::print(&args),
    }
}
