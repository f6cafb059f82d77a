//! The way into a round: where it is held, a ticket, and both of its halves.

use super::{Meeting, MeetingEvent, no_rounds, refused};
use crate::Desk;
use crate::chat::{Up, of_account};
use contract::{Failure, FailureCode};
use model::round::KeyTrust;
use rounds::{Asking, Encryption, Power, Proof, Received, Round, Ticket, TicketError, UnsignedDevices};
use rounds_proto::signal::{self, IceHosts, Sections};
use std::time::Instant;
use tim::{Member, RoundError, RoundEvent};
use tokio::sync::mpsc;
use url::Url;

/// A round that has been found and not been entered.
pub(super) struct Found {
    membership: tim::Round,
    news: mpsc::Receiver<RoundEvent>,
    pub(super) service: Url,
    user: String,
    device: String,
}

/// A round that has been entered.
pub(super) struct Entered {
    pub(super) meeting: Meeting,
    pub(super) told: mpsc::Receiver<MeetingEvent>,
    pub(super) pictures: mpsc::Receiver<rounds::Picture>,
    pub(super) sounds: mpsc::Receiver<rounds::Sound>,
    /// When the round's clock began.
    pub(super) began: Instant,
    /// The media server's host.
    pub(super) server: String,
    /// Over the others at the media server, where its token service gives that.
    pub(super) power: Option<Power>,
}

/// Token services that the homeserver names.
pub(super) async fn services(desk: &Desk, up: &Up) -> Result<Vec<Url>, Failure> {
    let egress = desk.0.egress.clone();
    let http = move |url: &Url| egress.client_for(url);
    up.account().transports(&http).await.map_err(|error| of_account(&error))
}

/// Where the round of a conversation is held: where those are who are in it, else where the homeserver says.
pub(super) async fn find(desk: &Desk, up: &Up, conversation: &str) -> Result<Found, Failure> {
    let (membership, news) = up.account().round(conversation).await.map_err(|error| of_round(&error))?;
    let id = membership.id().ok_or_else(|| no_rounds("the ids are too long"))?;
    let (user, device) = id.as_str().rsplit_once(':').ok_or_else(|| no_rounds("an id without a device"))?;
    let (user, device) = (user.to_owned(), device.to_owned());
    let members = membership.members().await;
    let service = match oldest(&members) {
        Some(service) => service,
        None => services(desk, up).await?.into_iter().next().ok_or_else(|| no_rounds("none is named"))?,
    };
    Ok(Found { membership, news, service, user, device })
}

/// Everybody has to meet at one place, so whoever came first has chosen it.
fn oldest(members: &[Member]) -> Option<Url> {
    let mut others = members.iter().filter(|member| !member.here);
    others.find_map(|member| member.focus.as_ref().map(|focus| focus.service.clone()))
}

/// What the media server asks for.
pub(super) async fn ask(desk: &Desk, up: &Up, conversation: &str, found: &Found) -> Result<Ticket, Failure> {
    let http = desk.0.egress.client_for(&found.service);
    let http = http.ok_or_else(|| Failure::new(FailureCode::NotAllowed, "the token service may not be asked"))?;
    let proof = up.account().openid().token().await.map_err(|error| of_account(&error))?;
    let proof = Proof { token: proof.token, server_name: proof.server_name, expires_in: proof.expires_in };
    let asking =
        Asking { room: conversation.to_owned(), user: found.user.clone(), device: found.device.clone(), proof };
    Ticket::get(&http, &found.service, &asking).await.map_err(of_ticket)
}

/// Joins both halves.
pub(super) async fn enter(desk: &Desk, found: Found, ticket: Ticket) -> Result<Entered, Failure> {
    let address = Url::parse(&ticket.server.http()).map_err(|_error| no_rounds("no address"))?;
    let http = desk.0.egress.signalling_for(&address);
    let http = http.ok_or_else(|| Failure::new(FailureCode::NotAllowed, "the media server may not be asked"))?;
    let server = ticket.server.host().to_owned();
    let power = Power::of(&ticket, http.clone());
    let options = rounds::Options {
        signal: signal::Options {
            ice_hosts: IceHosts::new([ticket.server.host()]),
            servers: vec![ticket.server],
            version: env!("CARGO_PKG_VERSION").to_owned(),
            system: std::env::consts::OS.to_owned(),
            auto_subscribe: true,
            adaptive_stream: true,
            sections: Sections::default(),
        },
        token: ticket.token,
        http,
        encryption: Encryption::OfEach(UnsignedDevices::Ask),
    };
    let Found { membership, news, service, .. } = found;
    membership.join(&service).await.map_err(|error| of_round(&error))?;
    let began = Instant::now();
    let joined = Round::join(options);
    let (media, received) = match joined {
        Ok(joined) => joined,
        Err(error) => {
            if let Err(error) = membership.leave().await {
                tracing::warn!(%error, "a round that was not entered could not be left");
            }
            return Err(Failure::new(FailureCode::Internal, error.to_string()));
        }
    };
    let Received { events, pictures, sounds } = received;
    let (meeting, told) = Meeting::of((membership, news), (media, events), KeyTrust::OwnerSigned);
    Ok(Entered { meeting, told, pictures, sounds, began, server, power })
}

pub(super) fn of_round(error: &RoundError) -> Failure {
    let code = match error {
        RoundError::NotFound => FailureCode::NotFound,
        RoundError::NotEncrypted | RoundError::NotAllowed => FailureCode::RoundRefused,
        RoundError::IdentityChanged => FailureCode::IdentityChanged,
        RoundError::EncryptionUnknown | RoundError::NotThere | RoundError::Failed(_) => {
            FailureCode::PlatformUnreachable
        }
    };
    Failure::new(code, error.to_string())
}

fn of_ticket(error: TicketError) -> Failure {
    match error {
        TicketError::Unreachable => Failure::new(FailureCode::PlatformUnreachable, error.to_string()),
        TicketError::Refused => refused("by the token service"),
        TicketError::NotARound => no_rounds("the token service is not there"),
        TicketError::Answer => Failure::new(FailureCode::AnswerUnreadable, error.to_string()),
    }
}
