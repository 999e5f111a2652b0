//! Suites that cross crates; each is a file or folder of `tests/tests`. Here is what they share.

pub mod dying_store;
