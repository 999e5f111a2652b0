//! Progress on standard error: bars on a terminal, plain lines elsewhere, nothing with `--quiet`.

use std::{
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{args::Global, output};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// A bar that moves.
    Bars,
    /// A line when a stage ends.
    Lines,
    /// Nothing.
    Silent,
}

/// Shows the progress of stages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    mode: Mode,
}

/// One stage at work.
pub(crate) struct Stage {
    mode: Mode,
    name: &'static str,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress as the options ask for it.
    pub(crate) fn new(options: &Global) -> Self {
        let mode = if options.quiet {
            Mode::Silent
        } else if options.no_progress || !std::io::stderr().is_terminal() {
            Mode::Lines
        } else {
            Mode::Bars
        };
        Self { mode }
    }

    /// Begins a stage.
    pub(crate) fn stage(self, name: &'static str) -> Stage {
        let bar = (self.mode == Mode::Bars).then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(style("{spinner} {prefix:<9} {msg} {elapsed}"));
            bar.set_prefix(name);
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Stage { mode: self.mode, name, started: Instant::now(), bar }
    }

    /// Says something beside the result.
    pub(crate) fn say(self, text: &str) {
        if self.mode != Mode::Silent {
            output::to_stderr(text);
        }
    }
}

impl Stage {
    /// Says what the stage is at.
    pub(crate) fn at(&self, text: impl Into<String>) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.into());
        }
    }

    /// Says how far the stage is.
    pub(crate) fn done(&self, done: u64, total: u64) {
        if let Some(bar) = &self.bar {
            if bar.length() != Some(total) {
                bar.set_length(total);
                bar.set_style(style("{spinner} {prefix:<9} {bar:28} {percent:>3}% {msg} {elapsed}"));
            }
            bar.set_position(done);
        }
    }

    /// Ends the stage with what it did; returns how long it took.
    pub(crate) fn finish(self, text: &str) -> Duration {
        let elapsed = self.started.elapsed();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if self.mode != Mode::Silent {
            output::to_stderr(&format!("{:<9} {text} ({:.1} s)", self.name, elapsed.as_secs_f64()));
        }
        elapsed
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_valid() {
        for template in [
            "{spinner} {prefix:<9} {msg} {elapsed}",
            "{spinner} {prefix:<9} {bar:28} {percent:>3}% {msg} {elapsed}",
        ] {
            ProgressStyle::with_template(template).unwrap();
        }
    }

    #[test]
    fn quiet_is_silent_and_no_progress_is_lines() {
        let quiet = Global { quiet: true, ..Global::default() };
        let no_progress = Global { no_progress: true, ..Global::default() };
        assert_eq!(Progress::new(&quiet).mode, Mode::Silent);
        assert_eq!(Progress::new(&no_progress).mode, Mode::Lines);
    }
}
