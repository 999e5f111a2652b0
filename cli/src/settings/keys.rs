//! The table of settings: one row per key, from which everything that lists settings is made.

mod collect;
mod serve;

/// What kind of value a key takes, and how the text of an environment variable becomes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Number,
    /// `true` or `false`.
    Flag,
    /// Comma-separated in the environment.
    List,
    /// A local path or URI; one from the file is relative to the folder of the file.
    Path,
    /// Several of those.
    Paths,
}

/// One setting.
#[derive(Debug)]
pub(crate) struct Key {
    /// `section.key`, as in the file.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What it does, in a sentence, with unit.
    pub(crate) what: &'static str,
    /// What happens without it, for keys whose default is to be absent.
    pub(crate) absent: &'static str,
    /// A value as it may stand in the file.
    pub(crate) example: &'static str,
}

impl Key {
    /// The environment variable of the key.
    pub(crate) fn env(&self) -> String {
        format!("AIRSHED_{}", self.name.replace('.', "_").to_uppercase())
    }

    /// Section and key; the section is empty for keys at the top of the file.
    pub(crate) fn parts(&self) -> (&'static str, &'static str) {
        self.name.split_once('.').unwrap_or(("", self.name))
    }
}

/// Every setting, in the order of the file.
pub(crate) fn keys() -> impl Iterator<Item = &'static Key> {
    LEDGER.iter().chain(collect::KEYS).chain(serve::KEYS)
}

/// Settings of the ledger and of runs.
const LEDGER: &[Key] = &[
    Key {
        name: "lake",
        kind: Kind::Path,
        what: "Where the ledger is: a folder or s3://bucket/prefix",
        absent: "",
        example: "\"airshed-data\"",
    },
    Key {
        name: "import.memory_mib",
        kind: Kind::Integer,
        what: "Memory that import and rollup may use for rows, MiB; what does not fit waits in spill_dir",
        absent: "",
        example: "2048",
    },
    Key {
        name: "import.threads",
        kind: Kind::Integer,
        what: "Threads that read and write",
        absent: "one per processor",
        example: "8",
    },
    Key {
        name: "import.spill_dir",
        kind: Kind::Path,
        what: "Folder for rows that do not fit into memory",
        absent: "the system's folder for temporary files",
        example: "\"/var/tmp\"",
    },
    Key {
        name: "method.name",
        kind: Kind::Text,
        what: "Method profile: airshed, ccf, boavizta or spruce; see docs/methodology",
        absent: "",
        example: "\"airshed\"",
    },
    Key {
        name: "method.default_utilization",
        kind: Kind::Number,
        what: "Processor utilisation of lines without a measured one, 0 to 1",
        absent: "the method's documented default",
        example: "0.5",
    },
    Key {
        name: "method.lifetime_years",
        kind: Kind::Number,
        what: "Years over which embodied emissions of servers are spread",
        absent: "the method's documented lifetime",
        example: "6.0",
    },
    Key {
        name: "method.power_model",
        kind: Kind::Text,
        what: "How processor power follows load: default, spec_linear, tdp_log or measured; see docs/methodology",
        absent: "default, the best documented model per processor",
        example: "\"spec_linear\"",
    },
    Key {
        name: "method.spend_currency",
        kind: Kind::Text,
        what: "Estimate lines without a physical model in proportion to cost, when billed in this currency (ISO 4217); \
               such rows have quality = spend",
        absent: "no such estimates; the lines stay unmapped",
        example: "\"USD\"",
    },
    Key {
        name: "method.spend_kwh_per_cost",
        kind: Kind::Number,
        what: "Energy of such a line before PUE, kWh per unit of effective cost",
        absent: "no such estimates",
        example: "0.1",
    },
    Key {
        name: "method.spend_embodied_g_per_cost",
        kind: Kind::Number,
        what: "Embodied emissions of such a line, gCO2e per unit of effective cost",
        absent: "no such estimates",
        example: "10.0",
    },
    Key {
        name: "estimate.workers",
        kind: Kind::List,
        what: "Workers that estimate billing files, as https://host:port; http:// on this machine; they are known by \
               serve.workers_secret_file and serve.workers_ca",
        absent: "none",
        example: "[\"http://127.0.0.1:7001\"]",
    },
    Key {
        name: "rollup.tags",
        kind: Kind::List,
        what: "Keys of the tags that rollups keep as a dimension",
        absent: "",
        example: "[\"team\", \"environment\"]",
    },
    Key {
        name: "rollup.min_coverage",
        kind: Kind::Number,
        what: "Share of cost, 0 to 1, that must have an estimate; below it `run` exits with code 5",
        absent: "no threshold",
        example: "0.9",
    },
    Key {
        name: "factors.grid",
        kind: Kind::Paths,
        what: "Files of hourly grid intensities, beside those imported into the ledger; a later file wins",
        absent: "",
        example: "[\"factors/de_2026.csv\"]",
    },
    Key {
        name: "factors.power",
        kind: Kind::Paths,
        what: "Files of measured power curves, beside those imported into the ledger",
        absent: "",
        example: "[\"factors/curves.csv\"]",
    },
    Key {
        name: "factors.boavizta",
        kind: Kind::Path,
        what: "Folder of an installed boaviztapi package, for method boavizta",
        absent: "only what was imported into the ledger",
        example: "\".venv/lib/python3.12/site-packages/boaviztapi\"",
    },
    Key {
        name: "factors.spruce",
        kind: Kind::Path,
        what: "SPRUCE's instanceTypes.csv, for method spruce",
        absent: "only what was imported into the ledger",
        example: "\"factors/instanceTypes.csv\"",
    },
];
