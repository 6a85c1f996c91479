//! What a test asks afterwards: every call with its outcome, and whatever must never have happened.

use crate::engine::{Done, ErrorKind};
use std::fmt;

/// One request that reached the simulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who made it; see [`super::Sim::caller`].
    pub by: String,
    /// What was asked, containers by their names: `start container acme-wiki`.
    pub call: String,
    /// Whether it was a changing one.
    pub changing: bool,
    /// The names of the objects that it is about.
    pub of: Vec<String>,
    /// What came of it; none where it is still under way. Readings are [`Done::Done`].
    pub outcome: Option<Result<Done, ErrorKind>>,
    /// When, in milliseconds of the world's clock.
    pub at: u64,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.call)?;
        match &self.outcome {
            None => f.write_str(" …"),
            Some(Ok(Done::Already)) => f.write_str(": already"),
            Some(Ok(Done::Ran { code, .. })) => write!(f, ": code {code}"),
            Some(Ok(_)) => Ok(()),
            Some(Err(kind)) => write!(f, ": {kind:?}"),
        }
    }
}

/// Something that coasti promises never to let happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Two containers of one resource, or of which one has none, ran with one writable volume or directory.
    Shared {
        /// The volume or directory.
        data: String,
        /// The containers.
        containers: [String; 2],
    },
    /// A volume went that a started container had mounted.
    DataRemoved {
        /// The volume.
        volume: String,
        /// Who removed it.
        by: String,
    },
    /// A changing call touched something that is not the caller's: no labels of coasti's are on it.
    Foreign {
        /// The call.
        call: String,
        /// Who made it.
        by: String,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shared {
                data,
                containers: [first, second],
            } => write!(f, "{first} and {second} ran at once on {data}"),
            Self::DataRemoved { volume, by } => write!(f, "{by} removed the volume {volume}"),
            Self::Foreign { call, by } => write!(f, "{by} touched what is not coasti's: {call}"),
        }
    }
}
