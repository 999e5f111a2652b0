//! The collectors' landing, against a lake that dies and against each other.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lake_of_rows;
mod landing;
