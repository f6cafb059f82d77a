//! The one command of the page.

use crate::desk::DeskSlot;
use contract::{Failure, Reply, Request};

/// Takes a request to the desk.
#[tauri::command]
pub(crate) async fn call(slot: tauri::State<'_, DeskSlot>, request: Request) -> Result<Reply, Failure> {
    slot.desk_for(&request).await?.call(request).await
}
