//! What a process used: processor time and peak memory, measured by itself just before it ends.
//!
//! The portable call, `wait4`, needs unsafe code; a parent cannot read `/proc/<pid>/status` of a child that has ended,
//! because its memory is gone. So the child reads its own `/proc/self` last thing and leaves it in a file. On systems
//! without `/proc` the numbers are absent, not zero.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

/// `/proc/self/stat` counts in USER_HZ, which Linux fixes at 100 a second for user space (`man 7 time`).
const TICKS_PER_SECOND: f64 = 100.0;

/// What a process used so far; `None` where the system does not say.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct ProcessUsage {
    /// Processor seconds in user space, every thread.
    pub(crate) user_s: Option<f64>,
    /// Processor seconds in the kernel, every thread.
    pub(crate) system_s: Option<f64>,
    /// Highest resident memory, bytes.
    pub(crate) peak_rss_bytes: Option<u64>,
}

impl ProcessUsage {
    /// Of this process, so far.
    pub(crate) fn of_self() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let (user_s, system_s) = cpu_seconds(&stat).unzip();
        Self { user_s, system_s, peak_rss_bytes: peak_rss_bytes(&status) }
    }

    /// Leaves the usage of this process in a file: what the hidden `--usage-file` asks for.
    pub(crate) fn write_of_self(path: &Path) -> Result<()> {
        let text = serde_json::to_string(&Self::of_self())?;
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads what a child left.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("no usage in {}", path.display()))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Processor seconds, user and kernel.
    pub(crate) fn cpu_s(self) -> Option<f64> {
        self.user_s.zip(self.system_s).map(|(user, system)| user + system)
    }
}

/// Fields 14 and 15 of `/proc/self/stat`; the second field is a name that may hold spaces, so counting starts behind it.
fn cpu_seconds(stat: &str) -> Option<(f64, f64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11).map(str::parse::<f64>);
    let user = fields.next()?.ok()?;
    let system = fields.next()?.ok()?;
    Some((user / TICKS_PER_SECOND, system / TICKS_PER_SECOND))
}

/// `VmHWM` of `/proc/self/status`, which counts in units of 1,024 bytes.
fn peak_rss_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_read_by_field() {
        let stat = "7 (a name) with) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0";
        assert_eq!(cpu_seconds(stat), Some((2.5, 0.5)));
        assert_eq!(peak_rss_bytes("VmPeak:\t9 kB\nVmHWM:\t  2048 kB\n"), Some(2 * 1024 * 1024));
        assert_eq!(peak_rss_bytes(""), None);
        assert_eq!(cpu_seconds(""), None);
    }
}
