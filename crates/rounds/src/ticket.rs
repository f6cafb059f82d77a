//! How somebody gets into the media server of a conversation's round: a token service takes the homeserver's word for who
//! they are and gives what LiveKit asks for (lk-jwt-service, `POST /sfu/get`).
//!
//! What the token says is read and not verified, since only the media server knows the secret; but somebody who was let in
//! under another name than their own would be taken for that other, so such a token is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use model::round::MemberId;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use rounds_proto::signal::{ServerUrl, Token};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{Duration, SystemTime};
use thiserror::Error;
use url::Url;
use zeroize::Zeroizing;

/// No question and no answer is longer, in bytes: a token has a few hundred.
const LONGEST: usize = 64 * 1024;
/// No round's name is longer, in bytes: LiveKit's `max_room_name_length`.
const LONGEST_ROOM: usize = 256;
/// Whoever has not answered then does not; the client's own limits hold as well.
const PATIENCE: Duration = Duration::from_secs(20);

/// An OpenID token (Matrix client-server API, "OpenID"): whoever has it may pass for this person until it ends.
#[derive(Clone)]
pub struct Proof {
    /// What is shown.
    pub token: Zeroizing<String>,
    /// The homeserver that knows it.
    pub server_name: String,
    /// For how long it was given.
    pub expires_in: Duration,
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof([not shown])")
    }
}

/// Who wants to join, and where.
#[derive(Debug, Clone)]
pub struct Asking {
    /// The conversation's id: `!room:server`.
    pub room: String,
    /// Whose device it is: `@user:server`.
    pub user: String,
    /// The device, in whose name the round is joined.
    pub device: String,
    /// The homeserver's word for the user.
    pub proof: Proof,
}

/// What a round is joined with. The token does not print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The media server.
    pub server: ServerUrl,
    /// What it asks for.
    pub token: Token,
    /// What the round is called there.
    pub room: String,
    /// As whom: `@user:server:DEVICE`.
    pub identity: MemberId,
    /// It gives power over the others (`roomAdmin`).
    pub admin: bool,
    /// Until when one may come in; who is in stays.
    pub expires: SystemTime,
}

/// Why there is no ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TicketError {
    /// The service is not reached, or can not answer at the moment (429, 5xx).
    #[error("the token service of the round is not reached")]
    Unreachable,
    /// The person may not (401 `M_UNAUTHORIZED`, 403 `M_FORBIDDEN`).
    #[error("the token service of the round does not let this person in")]
    Refused,
    /// There is no such service (404).
    #[error("no round is held at this address")]
    NotARound,
    /// What it answers is no ticket, or one in another's name.
    #[error("the answer of the token service is not understood")]
    Answer,
}

/// `SFURequest` of lk-jwt-service.
#[derive(Serialize)]
struct Request<'a> {
    room: &'a str,
    openid_token: Shown<'a>,
    device_id: &'a str,
}

#[derive(Serialize)]
struct Shown<'a> {
    access_token: &'a str,
    /// The specification knows only `Bearer`.
    token_type: &'static str,
    matrix_server_name: &'a str,
    expires_in: u64,
}

#[derive(Deserialize)]
struct Given {
    url: String,
    jwt: String,
}

/// LiveKit's `auth.ClaimGrants`, as far as it is read.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    video: Video,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Video {
    room: String,
    #[serde(default)]
    room_admin: bool,
}

impl Ticket {
    /// Asks the service at `service` (a membership's `livekit_service_url`) once.
    ///
    /// The request's body is somebody's proof, so `http` must follow no redirects and refuse plain HTTP to other machines;
    /// an answer from another origin than the service's is not taken.
    ///
    /// # Errors
    /// [`TicketError`] says what the person can do: try again, ask to be invited, or choose another service.
    pub async fn get(http: &reqwest::Client, service: &Url, asking: &Asking) -> Result<Self, TicketError> {
        let mut url = service.clone();
        url.path_segments_mut().map_err(|()| TicketError::NotARound)?.pop_if_empty().extend(["sfu", "get"]);
        // No room, user or token is so long (Matrix, "Size limits": an id has at most 255 bytes).
        let body = body(asking).ok_or(TicketError::Refused)?;
        let asked = http.post(url).header(CONTENT_TYPE, "application/json").timeout(PATIENCE);
        let answer = asked.body(body).send().await.map_err(unreachable)?;
        if answer.url().origin() != service.origin() {
            return Err(TicketError::Answer);
        }
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(TicketError::Refused),
            StatusCode::NOT_FOUND => return Err(TicketError::NotARound),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                tracing::info!(status = status.as_u16(), "the round's token service can not answer");
                return Err(TicketError::Unreachable);
            }
            _ => return Err(TicketError::Answer),
        }
        let identity = format!("{}:{}", asking.user, asking.device);
        read(&content(answer).await?, &identity).ok_or(TicketError::Answer)
    }
}

/// The request's body, which is wiped when it was sent.
fn body(asking: &Asking) -> Option<Bytes> {
    let request = Request {
        room: &asking.room,
        openid_token: Shown {
            access_token: &asking.proof.token,
            token_type: "Bearer",
            matrix_server_name: &asking.proof.server_name,
            expires_in: asking.proof.expires_in.as_secs(),
        },
        device_id: &asking.device,
    };
    // As long as it may become, so that no copy is left behind while it grows.
    let mut body = Zeroizing::new(Vec::with_capacity(LONGEST));
    serde_json::to_writer(&mut *body, &request).ok()?;
    (body.len() <= LONGEST).then(|| Bytes::from_owner(body))
}

fn unreachable(error: reqwest::Error) -> TicketError {
    tracing::info!(
        connect = error.is_connect(),
        timeout = error.is_timeout(),
        "the round's token service is not reached"
    );
    TicketError::Unreachable
}

async fn content(mut answer: reqwest::Response) -> Result<Zeroizing<Vec<u8>>, TicketError> {
    // As long as it may become, so that no copy is left behind while it grows.
    let mut body = Zeroizing::new(Vec::with_capacity(LONGEST));
    while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + piece.len() > LONGEST {
            return Err(TicketError::Answer);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// A ticket for the one who asked; none where it is not.
fn read(body: &[u8], identity: &str) -> Option<Ticket> {
    let given: Given = serde_json::from_slice(body).ok()?;
    let jwt = Zeroizing::new(given.jwt);
    let claims = claims(&jwt)?;
    let named = (1..=LONGEST_ROOM).contains(&claims.video.room.len()) && !claims.video.room.contains(char::is_control);
    if claims.sub != identity || !named {
        return None;
    }
    Some(Ticket {
        server: ServerUrl::parse(&given.url).ok()?,
        token: Token::parse(jwt.as_str().to_owned()).ok()?,
        room: claims.video.room,
        identity: MemberId::parse(identity).ok()?,
        admin: claims.video.room_admin,
        expires: SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(claims.exp))?,
    })
}

/// The claims of a compact JWS (RFC 7515 §7.1), whoever has signed it.
fn claims(jwt: &str) -> Option<Claims> {
    let mut parts = jwt.split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}
