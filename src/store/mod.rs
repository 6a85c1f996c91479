//! History, generated values and the lock: kept with the engine, not with the caller.

pub mod record;
