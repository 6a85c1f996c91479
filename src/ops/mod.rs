//! What a command does, without a terminal.

pub mod status;
