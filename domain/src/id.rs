//! Identifiers that cannot be mixed up.

use std::fmt;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as it stands.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text of the identifier.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier!(
    /// One calculation of one billing period: a hash over its inputs, factor set, method, configuration and code
    /// version. Equal ids mean equal bytes.
    RunId
);
identifier!(
    /// A content-addressed set of emission factors.
    FactorSetId
);
identifier!(
    /// One factor of a set, such as `grid/yearly/us-east-1/2024`.
    FactorId
);
identifier!(
    /// A folder (or prefix) of an export that is delivered, and replaced, as one thing.
    DeliveryId
);
identifier!(
    /// One reading of one delivery: a hash over the objects it held.
    BatchId
);
