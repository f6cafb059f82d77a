//! Messages kept in memory, so that `cargo xtask bench` measures the pipes alone: no archive, no decoding. Only in
//! builds with the feature `bench`; nothing that ships has it.

use bytes::Bytes;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

type Kept = BTreeMap<(u32, u32), Vec<Bytes>>;

static KEPT: Mutex<Kept> = Mutex::new(Kept::new());

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn get(handle: u32, frame: u32) -> Option<Vec<Bytes>> {
    kept().get(&(handle, frame)).cloned()
}

pub(super) fn put(handle: u32, frame: u32, messages: &[Bytes]) {
    kept().insert((handle, frame), messages.to_vec());
}
