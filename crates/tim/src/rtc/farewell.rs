//! The leave that a homeserver sends by itself when a device is heard of no more (MSC4140).
//!
//! A TI-Messenger's proxy lets the leave pass and not what puts it off: a program that left one there without asking
//! would throw itself out a few seconds later. So a homeserver is asked first whether it can be put off.

use super::wire::MEMBER;
use matrix_sdk::Client;
use matrix_sdk::config::RequestConfig;
use ruma::OwnedRoomId;
use ruma::api::client::delayed_events::DelayParameters;
use ruma::api::client::delayed_events::{delayed_state_event, update_delayed_event};
use ruma::serde::Raw;
use serde_json::json;
use std::time::Duration;
use update_delayed_event::unstable::UpdateAction;

/// How long after the last word somebody is gone: Element Call's setting.
const AFTER: Duration = Duration::from_secs(10);
/// How often it is put off.
pub(crate) const EVERY: Duration = Duration::from_secs(5);
/// How long an answer to that is awaited.
const ANSWER: Duration = Duration::from_secs(2);

/// What came of putting it off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PutOff {
    Done,
    /// It was sent, or taken back: it is there no more.
    Gone,
    /// The homeserver did not answer.
    Unknown,
}

/// Whether a leave could be put off here.
pub(crate) async fn can_be_put_off(client: &Client) -> bool {
    let named = client.unstable_features().await;
    if !named.is_ok_and(|features| features.iter().any(|feature| feature.as_str() == "org.matrix.msc4140")) {
        return false;
    }
    // Whoever knows of it says that there is no such act; a proxy says that there is no such path.
    let answer = act(client, "none".to_owned(), UpdateAction::from("none")).await;
    answer.is_err_and(|error| errcode(&error).is_some_and(|code| code == "M_INVALID_PARAM"))
}

/// Leaves one. None where the homeserver does not take it; then there is only the end of the membership.
pub(crate) async fn leave_later(client: &Client, room: OwnedRoomId, state_key: String) -> Option<String> {
    let content = Raw::new(&json!({})).ok()?.cast_unchecked();
    let delay = DelayParameters::Timeout { timeout: AFTER };
    let request = delayed_state_event::unstable::Request::new_raw(room, state_key, MEMBER.into(), delay, content);
    match client.send(request).with_request_config(once()).await {
        Ok(answer) => Some(answer.delay_id),
        Err(error) => {
            tracing::info!(code = ?errcode(&error.into()), "no leave was left with the homeserver");
            None
        }
    }
}

/// Puts it off.
pub(crate) async fn put_off(client: &Client, id: &str) -> PutOff {
    match act(client, id.to_owned(), UpdateAction::Restart).await {
        Ok(()) => PutOff::Done,
        Err(error) if errcode(&error).is_some_and(|code| code == "M_NOT_FOUND") => PutOff::Gone,
        Err(_) => PutOff::Unknown,
    }
}

/// Takes it back. One that cannot be taken back says what is true anyhow: that this device has left.
pub(crate) async fn take_back(client: &Client, id: String) {
    if let Err(error) = act(client, id, UpdateAction::Cancel).await {
        tracing::debug!(code = ?errcode(&error), "a leave comes once more");
    }
}

async fn act(client: &Client, id: String, action: UpdateAction) -> Result<(), matrix_sdk::Error> {
    let request = update_delayed_event::unstable::Request::new(id, action);
    client.send(request).with_request_config(once()).await?;
    Ok(())
}

fn once() -> RequestConfig {
    RequestConfig::new().timeout(ANSWER).disable_retry()
}

fn errcode(error: &matrix_sdk::Error) -> Option<String> {
    error.client_api_error_kind().map(|kind| kind.errcode().to_string())
}
