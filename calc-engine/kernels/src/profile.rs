//! Profiles: one module per method, each with the one function `classify`.
//!
//! A profile decides status and coefficients of a class; the arithmetic per row is the same for all
//! (see [`crate::class::Coefficients`]), so profiles differ only where the published methods differ.

pub mod airshed;
pub mod boavizta;
pub mod ccf;
mod peer;
pub mod spruce;

use crate::{
    class::{Class, ClassKey},
    method::{Context, MethodName},
};

/// What a method decides about all lines of one key.
pub fn classify(method: MethodName, key: &ClassKey<'_>, context: &Context<'_>) -> Class {
    match method {
        MethodName::Airshed => airshed::classify(key, context),
        MethodName::Ccf => ccf::classify(key, context),
        MethodName::Boavizta => boavizta::classify(key, context),
        MethodName::Spruce => spruce::classify(key, context),
    }
}
