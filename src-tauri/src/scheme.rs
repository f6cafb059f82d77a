//! Bulk bytes over the program's own URI scheme, as the web view asks for them.

use crate::desk::DeskSlot;
use tauri::http::{Request, Response, StatusCode};

/// Hands the request to the desk.
pub(crate) async fn answer(slot: DeskSlot, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
    match slot.desk().await {
        Ok(desk) => desk.bulk().answer(&request).await,
        Err(_told_at_the_start) => {
            let mut response = Response::new(Vec::new());
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response
        }
    }
}
