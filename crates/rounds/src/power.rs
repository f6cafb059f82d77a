//! What somebody with power over a round does to others at the media server itself: two calls of LiveKit's `RoomService`
//! (`livekit_room.proto`) by Twirp over HTTP (Twirp v7, "Routing"), with their own access token.
//!
//! Only few token services give that power (`roomAdmin`); where there is none the programs of those who are meant are asked.

use crate::ticket::Ticket;
use livekit_protocol as lk;
use model::round::MemberId;
use prost::Message;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use rounds_proto::signal::{ServerUrl, Token};
use std::time::Duration;
use thiserror::Error;

/// Whoever has not answered then does not.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why somebody was not muted or sent out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PowerError {
    /// The media server is not reached, or cannot answer at the moment.
    #[error("the media server is not reached")]
    Unreachable,
    /// It does not take the token for one that gives this power.
    #[error("the media server does not allow it")]
    Refused,
    /// Nobody of that name, or no such track, is there.
    #[error("the media server knows nobody of that name")]
    NotThere,
}

/// Power over one round.
#[derive(Debug, Clone)]
pub struct Power {
    http: reqwest::Client,
    server: ServerUrl,
    room: String,
    token: Token,
}

impl Power {
    /// None where the ticket gives no power. A request bears the token, so `http` must follow no redirects and refuse plain HTTP
    /// to other machines.
    #[must_use]
    pub fn of(ticket: &Ticket, http: reqwest::Client) -> Option<Self> {
        let Ticket { server, token, room, .. } = ticket;
        let power = || Self { http, server: server.clone(), room: room.clone(), token: token.clone() };
        ticket.admin.then(power)
    }

    /// Goes on with a newer token.
    pub fn renew(&mut self, token: Token) {
        self.token = token;
    }

    /// Ends somebody's stay at the media server. For good, the token by which they came in lets nobody in any more, where the
    /// server knows that.
    ///
    /// # Errors
    /// [`PowerError`]
    pub async fn send_out(&self, who: &MemberId, for_good: bool) -> Result<(), PowerError> {
        let (room, identity) = (self.room.clone(), who.as_str().to_owned());
        // Left empty it is a minute from now; tokens older than a second of 1970 there are none.
        let revoke_token_ts = i64::from(!for_good);
        let request = lk::RoomParticipantIdentity { room, identity, revoke_token_ts };
        self.ask("RemoveParticipant", &request).await
    }

    /// Lets nothing of somebody's track through until they open it again.
    ///
    /// # Errors
    /// [`PowerError`]
    pub async fn mute(&self, who: &MemberId, track: &str) -> Result<(), PowerError> {
        let (room, identity, track_sid) = (self.room.clone(), who.as_str().to_owned(), track.to_owned());
        self.ask("MutePublishedTrack", &lk::MuteRoomTrackRequest { room, identity, track_sid, muted: true }).await
    }

    async fn ask(&self, act: &str, request: &impl Message) -> Result<(), PowerError> {
        let url = format!("{}/twirp/livekit.RoomService/{act}", self.server.http().trim_end_matches('/'));
        let mut authorization =
            HeaderValue::from_str(&self.token.authorization()).map_err(|_error| PowerError::Refused)?;
        authorization.set_sensitive(true);
        let asked = self
            .http
            .post(url)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/protobuf")
            .timeout(PATIENCE)
            .body(request.encode_to_vec());
        let answer = asked.send().await.map_err(|_error| PowerError::Unreachable)?;
        match answer.status() {
            StatusCode::OK => Ok(()),
            StatusCode::NOT_FOUND => Err(PowerError::NotThere),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(PowerError::Unreachable)
            }
            _ => Err(PowerError::Refused),
        }
    }
}
