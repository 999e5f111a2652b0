//! Emission factors with provenance, loaded once into an immutable, content-addressed [`set::FactorSet`].
//!
//! Reference data is CSV under `data/`, each row with the id of its source; the code here reads, checks and evaluates
//! it. Nothing here touches network, clock or randomness, so whoever holds a factor set can re-run any number.
//!
//! To add a number: put the source into `data/sources.csv`, the row into its table, and run the tests. To use numbers
//! of your own: import them ([`set::FactorSetBuilder`]); they become part of the set's content address.

pub mod ai;
pub mod compute;
mod error;
pub mod facility;
pub mod grid;
pub mod network;
mod pattern;
pub mod profile;
pub mod provenance;
pub mod set;
pub mod storage;
pub mod table;
pub mod value;

pub use error::{FactorError, FactorErrorKind};
pub use set::{FactorSet, FactorSetBuilder};
