//! The whole pipeline on small inputs: conservation, exactness, crashes.

mod company;
mod crash;
mod dying_store;
mod exactness;
mod stages;
