//! Workers against a queue, a bucket and a lander in memory.
