//! Writing AWS CUR 2.0 exports: the common ground of `airshed demo` and `airshed bench`.
//!
//! Both make billing lines that nobody was ever billed for. They differ in what they draw (a company with a daily
//! rhythm; a random pool for benchmarks), not in what a CUR 2.0 line looks like, so the columns, the price list and the
//! Parquet writer stand here once. Column names and types are those of AWS's public table dictionary
//! (<https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html>), folders and file names those of
//! <https://docs.aws.amazon.com/cur/latest/userguide/dataexports-export-delivery.html>.
//!
//! Same seed, same bytes: the generator is written out here, it uses only `+ - * /` (no `ln`, `exp` or `cos` of the
//! system's mathematics library), and row groups are encoded one by one in a fixed order whatever the thread count.

pub(crate) mod batch;
pub(crate) mod catalog;
pub(crate) mod export;
pub(crate) mod meter;
pub(crate) mod pool;
pub(crate) mod random;
pub(crate) mod schema;
pub(crate) mod services;
