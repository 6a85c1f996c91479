//! What a command does, without a terminal: each operation gathers, plans, runs and tells what came of it.

mod adopt;
pub mod apply;
pub mod compose;
mod converge;
pub mod destroy;
mod error;
pub mod external_ip;
pub mod files;
pub mod folder;
mod fresh;
pub mod gather;
pub mod hold;
mod images;
pub mod import;
pub mod init;
mod left;
mod lost;
pub mod outside;
pub mod product;
pub mod protect;
mod rebuilt;
pub mod recover;
mod root;
pub mod saved;
pub mod secrets;
mod session;
pub mod status;
pub mod temporary;
mod undo;
mod unrecorded;
mod values;
pub mod writing;

pub use error::{Before, Failed, Kept, OpError, Undone};
pub use session::{Session, Who};
