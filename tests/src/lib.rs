//! Suites that cross crates. The crate itself is empty; each suite is a file or folder of `tests/tests`.
