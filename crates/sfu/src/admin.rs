//! What somebody with power over a room may do from outside: two calls of LiveKit's `RoomService`
//! (`livekit_room.proto`), by Twirp over HTTP (Twirp v7, "Routing" and "Errors"), in JSON or protobuf.

use crate::rooms::{AdminError, Moment, Rooms};
use crate::server::{Command as ServerCommand, Refusal, Shared};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use livekit_protocol as lk;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::sync::oneshot;

/// No request is longer, in bytes.
const LONGEST: usize = 16 * 1024;

/// What is asked of the rooms.
pub(crate) enum Command {
    Mute(lk::MuteRoomTrackRequest, oneshot::Sender<Result<lk::TrackInfo, AdminError>>),
    Remove(lk::RoomParticipantIdentity, oneshot::Sender<Result<(), AdminError>>),
}

impl Command {
    pub(crate) fn obey(self, rooms: &mut Rooms, now: Moment) {
        // Who asked may have gone meanwhile; it is done all the same.
        match self {
            Self::Mute(request, reply) => {
                let muted = rooms.mute(&request.room, &request.identity, &request.track_sid, request.muted, now);
                let _ = reply.send(muted);
            }
            Self::Remove(request, reply) => {
                let _ = reply.send(rooms.remove(&request.room, &request.identity, now));
            }
        }
    }
}

/// `MutePublishedTrack`.
pub(crate) async fn mute(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Form::of(&headers);
    let done = async {
        let request: lk::MuteRoomTrackRequest = form.read(&body)?;
        allowed(&shared, &headers, &request.room)?;
        let (reply, muted) = oneshot::channel();
        ask(&shared, Command::Mute(request, reply)).await?;
        let track = muted.await.ok().ok_or_else(Failure::ended)?.map_err(Failure::of)?;
        Ok(form.written(&lk::MuteRoomTrackResponse { track: Some(track) }))
    };
    done.await.unwrap_or_else(|failure: Failure| failure.into_response())
}

/// `RemoveParticipant`.
pub(crate) async fn remove(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Form::of(&headers);
    let done = async {
        let request: lk::RoomParticipantIdentity = form.read(&body)?;
        allowed(&shared, &headers, &request.room)?;
        let (reply, removed) = oneshot::channel();
        ask(&shared, Command::Remove(request, reply)).await?;
        removed.await.ok().ok_or_else(Failure::ended)?.map_err(Failure::of)?;
        Ok(form.written(&lk::RemoveParticipantResponse {}))
    };
    done.await.unwrap_or_else(|failure: Failure| failure.into_response())
}

/// A token with `roomAdmin` for this room (livekit-server, `EnsureAdminPermission`).
fn allowed(shared: &Shared, headers: &HeaderMap, room: &str) -> Result<(), Failure> {
    let grants = shared.grants(headers, None).map_err(|Refusal(status, message)| Failure {
        status,
        code: "unauthenticated",
        message,
    })?;
    if grants.admin && !room.is_empty() && grants.room == room {
        return Ok(());
    }
    // Not 403: so says livekit-server of whoever lacks the power (`twirpAuthError`).
    Err(Failure {
        status: StatusCode::UNAUTHORIZED,
        code: "unauthenticated",
        message: "the token gives no power over this room".to_owned(),
    })
}

async fn ask(shared: &Shared, command: Command) -> Result<(), Failure> {
    shared.command(ServerCommand::Admin(command)).await.ok().ok_or_else(Failure::ended)
}

/// How a request is written, and its answer.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Protobuf,
}

impl Form {
    fn of(headers: &HeaderMap) -> Self {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if kind.starts_with("application/protobuf") { Self::Protobuf } else { Self::Json }
    }

    fn read<T: Message + Default + DeserializeOwned>(self, body: &[u8]) -> Result<T, Failure> {
        let read = match self {
            _ if body.len() > LONGEST => None,
            Self::Json => serde_json::from_slice(body).ok(),
            Self::Protobuf => T::decode(body).ok(),
        };
        read.ok_or_else(|| Failure {
            status: StatusCode::BAD_REQUEST,
            code: "malformed",
            message: "not a request of this service".to_owned(),
        })
    }

    fn written<T: Message + Serialize>(self, answer: &T) -> Response {
        match self {
            Self::Json => {
                let body = serde_json::to_vec(answer).expect("messages of the protocol are JSON");
                ([(header::CONTENT_TYPE, "application/json")], body).into_response()
            }
            Self::Protobuf => {
                ([(header::CONTENT_TYPE, "application/protobuf")], answer.encode_to_vec()).into_response()
            }
        }
    }
}

/// Twirp v7, "Errors": a code and a message as JSON.
struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Failure {
    fn ended() -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, code: "unavailable", message: "ended".to_owned() }
    }

    fn of(error: AdminError) -> Self {
        let (status, code) = match error {
            AdminError::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            AdminError::Unmute => (StatusCode::BAD_REQUEST, "invalid_argument"),
        };
        Self { status, code, message: error.to_string() }
    }

    fn into_response(self) -> Response {
        let body = serde_json::json!({ "code": self.code, "msg": self.message });
        (self.status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    }
}
