//! A simulated engine. (being written)
