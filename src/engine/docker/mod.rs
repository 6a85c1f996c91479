//! Docker through bollard. (being written)
