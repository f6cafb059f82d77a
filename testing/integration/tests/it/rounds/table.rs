//! A platform whose people hold rounds in their conversations, and how one of their devices gets into one: by the
//! homeserver's word and a ticket for it.

use super::{Ours, Place, Server, options};
use crate::chat::{Device, Home};
use crate::client::plain;
use model::round::MemberId;
use rounds::{Asking, Encryption, Proof, Ticket, TicketError};
use sandbox::{ChatOptions, Options, Rounds, Sfu};
use serde_json::Value;
use testkit::Platform;
use url::Url;
use zeroize::Zeroizing;

/// A platform of the test's own: only somebody's first device signs itself.
pub(super) struct Table {
    pub(super) home: Home,
    /// The token service that the homeserver names.
    pub(super) service: Url,
    _platform: Platform,
}

impl Table {
    /// None, loudly, where the server that is to hold the rounds is missing.
    pub(super) async fn with(server: Server) -> Option<Self> {
        let rounds = match server {
            Server::Own => Rounds::Here,
            Server::LiveKit => {
                let Place { address: url, key, secret, .. } = Place::livekit()?;
                Rounds::On(Sfu { url, key, secret: Zeroizing::new(secret) })
            }
        };
        let chat = ChatOptions { rounds, ..ChatOptions::default() };
        let platform = Platform::start(Options { chat, ..Options::default() }).await.expect("a platform starts");
        let document = plain().get(format!("{}/.well-known/matrix/client", platform.url)).send().await;
        let document: Value = document.expect("the platform answers").json().await.expect("JSON");
        let service = document["org.matrix.msc4143.rtc_foci"][0]["livekit_service_url"].as_str();
        let service = Url::parse(service.expect("it names a service")).expect("an address");
        Some(Self { home: Home::at(&platform).await, service, _platform: platform })
    }

    /// Asks for a ticket in the name of a device.
    pub(super) async fn ticket(&self, device: &Device, room: &str, identity: &MemberId) -> Result<Ticket, TicketError> {
        let (user, id) = identity.as_str().rsplit_once(':').expect("user and device");
        let proof = device.account.openid().token().await.expect("the homeserver gives its word");
        let proof = Proof { token: proof.token, server_name: proof.server_name, expires_in: proof.expires_in };
        let asking = Asking { room: room.to_owned(), user: user.to_owned(), device: id.to_owned(), proof };
        Ticket::get(&plain(), &self.service, &asking).await
    }

    /// A device gets in by a ticket of its own.
    pub(super) async fn joins(&self, device: &Device, room: &str, identity: &MemberId, encryption: Encryption) -> Ours {
        let ticket = self.ticket(device, room, identity).await.expect("whoever is in the conversation may join");
        joins(ticket, encryption)
    }
}

/// Who a device is in a round.
pub(super) async fn identity(device: &Device, room: &str) -> MemberId {
    let (round, _events) = device.account.round(room).await.expect("there may be a round");
    round.id().expect("the ids are short")
}

pub(super) fn joins(ticket: Ticket, encryption: Encryption) -> Ours {
    Ours::of(options(ticket.server, ticket.token, encryption))
}
