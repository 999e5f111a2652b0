//! The collectors' landing, against a lake that dies and against each other.

mod lake_of_rows;
mod landing;
