#![doc = include_str!("../README.md")]
//!
//! This file names what the crate offers; each module holds one part of it.

mod error;
mod frames;
mod identity;
mod journal;
mod keys;
mod lock;
mod root;
mod schema;
mod seal;
mod store;

pub use error::{KeyringError, OpenError, StoreError, Unreadable};
pub use journal::{JournalEntry, Seq};
pub use root::{KeyringRoot, MemoryRoots, Root, RootKeyStore, SERVICE};
pub use store::{Limits, Sound, Table, Vault};
