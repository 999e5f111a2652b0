//! The Arrow Flight SQL interface of a ledger.
