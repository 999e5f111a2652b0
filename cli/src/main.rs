//! The `airshed` binary: the only place that reads the environment, the clock and the terminal, and that wires the
//! stages together. Results go to standard output, everything else to standard error; how it ended is in the exit code.

mod app;
mod args;
mod bench;
mod command;
mod cur2;
mod demo;
mod factor_files;
mod failure;
mod output;
mod progress;
#[cfg(test)]
mod reference;
mod settings;
mod telemetry;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    app::App,
    args::{Cli, Form},
    failure::Exit,
    telemetry::Telemetry,
};

/// Stages allocate columns of megabytes on many threads and free them on others; the system's allocator keeps most of that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Stack of each thread; pages that are not used cost nothing.
const STACK_BYTES: usize = 16 << 20;
/// What a stack must have left where a plan is walked one level deeper; below it, the walk goes on on a new stack.
const STACK_LEFT_BYTES: usize = 2 << 20;

fn main() -> ExitCode {
    recursive::set_minimum_stack_size(STACK_LEFT_BYTES);
    recursive::set_stack_allocation_size(STACK_BYTES);
    let cli = Cli::parse();
    let form = cli.global.output.unwrap_or_default();
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(error) => report(&error, form),
    }
}

fn run(cli: Cli) -> anyhow::Result<Exit> {
    if let Some(done) = command::without_settings(&cli.command) {
        return done;
    }
    let app = App::new(&cli)?;
    let usage_file = cli.global.usage_file.clone();
    // Plans are walked recursively, and optimisers of nested ones go deep.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().thread_stack_size(STACK_BYTES).enable_all().build()?;
    let ends_in_order = cli.command.ends_in_order();
    let traces = app.settings.collect.otlp_endpoint.as_deref().filter(|_| ends_in_order);
    let telemetry = {
        let _runtime = runtime.enter();
        Telemetry::start(app.log_level, cli.global.verbose > 1, traces)?
    };
    let result = runtime.block_on(async {
        tokio::select! {
            result = command::execute(&app, cli.command) => result,
            signal = tokio::signal::ctrl_c(), if !ends_in_order => {
                signal.map(|()| Exit::Interrupted).map_err(Into::into)
            }
        }
    });
    drop(telemetry);
    // A blocking task that is still at work must not hold up an interrupted process; nothing it does is published.
    runtime.shutdown_background();
    if let Some(file) = usage_file {
        bench::usage::ProcessUsage::write_of_self(&file)?;
    }
    result
}

/// Says once, on standard error, what went wrong; a reader that went away (`| head`) is no error.
fn report(error: &anyhow::Error, form: Form) -> ExitCode {
    if failure::is_broken_pipe(error) {
        return Exit::Done.into();
    }
    let text = if matches!(form, Form::Json | Form::Ndjson) {
        failure::as_json(error)
    } else {
        failure::as_text(error)
    };
    output::to_stderr(&text);
    Exit::of(error).into()
}
