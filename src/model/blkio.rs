//! How much a container may read from and write to the disks of its host.

use super::container::is_default;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Weights and limits of block devices; an engine drops what its kernel does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blkio {
    /// Its weight where a disk is busy, from 10 to 1000.
    #[serde(default, skip_serializing_if = "is_default")]
    pub weight: Option<u16>,
    /// Likewise, of single devices.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, u16>,
    /// Bytes a second that it may read, by device.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub read_bps: BTreeMap<String, i64>,
    /// Bytes a second that it may write.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub write_bps: BTreeMap<String, i64>,
    /// How often a second it may read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub read_iops: BTreeMap<String, i64>,
    /// How often a second it may write.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub write_iops: BTreeMap<String, i64>,
}
