//! Workers against a queue, a bucket and a lander in memory.

mod announced;
mod listed;
mod poison;
mod world;
