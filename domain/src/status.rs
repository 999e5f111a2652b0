//! What became of a billed line, and how good its figure is.

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word as it stands in the ledger.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

vocabulary!(
    /// What became of a billed line. Rows in = estimated + unmapped + excluded + rejected, always.
    LineStatus {
        /// It has an estimate of energy and emissions.
        Estimated => "estimated",
        /// No physical model fits it; counted by cost in `coverage`.
        Unmapped => "unmapped",
        /// A rule says that it causes nothing of its own (a tax, a discount, energy counted on another line).
        Excluded => "excluded",
    }
);

vocabulary!(
    /// How a line's energy was found, from best to worst.
    Quality {
        /// A physical model driven by measured utilisation.
        Measured => "measured",
        /// A physical model of the very resource that was billed, at a documented default utilisation.
        Modelled => "modelled",
        /// A physical model of a stand-in (a nearby instance family, a generic server).
        Proxy => "proxy",
        /// In proportion to cost; only on request.
        Spend => "spend",
    }
);

vocabulary!(
    /// What kind of physical thing a billed line uses: the unit in which methods, documentation and tests are kept.
    UsageFamily {
        /// A virtual machine or node by the hour, by itself or behind a managed service.
        Instance => "instance",
        /// A dedicated host.
        DedicatedHost => "dedicated_host",
        /// Serverless processor time (Fargate, EMR Serverless, Aurora Serverless, Glue).
        ServerlessCompute => "serverless_compute",
        /// Serverless memory by the GB-hour.
        ServerlessMemory => "serverless_memory",
        /// Functions by the GB-second.
        Function => "function",
        /// Block storage volumes.
        BlockStorage => "block_storage",
        /// Snapshots and backups.
        Backup => "backup",
        /// Object storage.
        ObjectStorage => "object_storage",
        /// File systems.
        FileStorage => "file_storage",
        /// Storage under a managed database.
        DatabaseStorage => "database_storage",
        /// Provisioned or on-demand database throughput.
        DatabaseThroughput => "database_throughput",
        /// Data transfer of any kind.
        DataTransfer => "data_transfer",
        /// Tokens of a hosted AI model.
        AiTokens => "ai_tokens",
        /// Everything else.
        Other => "other",
    }
);

vocabulary!(
    /// Where the processor utilisation of a line came from.
    UtilizationSource {
        /// Measured for this resource, over most of the line's time.
        Measured => "measured",
        /// Measured over a smaller part of it; the default serves for the rest.
        Partly => "partly_measured",
        /// The documented default of the method.
        Default => "default",
    }
);

vocabulary!(
    /// How fine the grid factor of a line was.
    GridBasis {
        /// The factor of the very hour.
        Hourly => "hourly",
        /// The yearly average of the zone or country.
        Yearly => "yearly",
    }
);
