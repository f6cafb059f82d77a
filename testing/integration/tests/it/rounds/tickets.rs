//! From a conversation into its round: the homeserver's word, a ticket for it, and a media server that takes the ticket.
//! The homeserver is the evaluation platform's, which names the server of these tests.

use super::{Ours, Place};
use crate::chat::{Device, Home, pair};
use crate::client::plain;
use model::round::MemberId;
use rounds::{Asking, Encryption, Event, Proof, Ticket, TicketError};
use rounds_proto::signal::Fact;
use sandbox::{ChatOptions, Options, Sfu};
use serde_json::Value;
use testkit::Platform;
use url::Url;
use zeroize::Zeroizing;

/// The token service that the homeserver names.
async fn service(platform: &Platform) -> Url {
    let document = plain().get(format!("{}/.well-known/matrix/client", platform.url)).send().await;
    let document: Value = document.expect("the platform answers").json().await.expect("JSON");
    let service = document["org.matrix.msc4143.rtc_foci"][0]["livekit_service_url"].as_str().expect("an address");
    Url::parse(service).expect("an address")
}

/// Who a device is in a round.
async fn identity(device: &Device, room: &str) -> MemberId {
    let (round, _events) = device.account.round(room).await.expect("there may be a round");
    round.id().expect("the ids are short")
}

async fn ticket(service: &Url, device: &Device, room: &str, identity: &MemberId) -> Result<Ticket, TicketError> {
    let (user, id) = identity.as_str().rsplit_once(':').expect("user and device");
    let proof = device.account.openid().token().await.expect("the homeserver gives its word");
    let proof = Proof { token: proof.token, server_name: proof.server_name, expires_in: proof.expires_in };
    let asking = Asking { room: room.to_owned(), user: user.to_owned(), device: id.to_owned(), proof };
    Ticket::get(&plain(), service, &asking).await
}

fn joins(place: &Place, ticket: Ticket) -> Ours {
    let mut options = place.options(place.token("nobody"), Encryption::None);
    (options.signal.servers, options.token) = (vec![ticket.server], ticket.token);
    Ours::of(options)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_in_the_conversation_gets_into_its_round_under_the_name_of_their_device() {
    let Some(place) = Place::new() else { return };
    let (url, key, secret) = (place.address.clone(), place.key.clone(), Zeroizing::new(place.secret.clone()));
    let chat = ChatOptions { sfu: Some(Sfu { url, key, secret }), ..ChatOptions::default() };
    let platform = Platform::start(Options { chat, ..Options::default() }).await.expect("a platform starts");
    let home = Home::at(&platform).await;
    let service = service(&platform).await;
    let pair = pair(&home, "dr-falkenried", "dr-heidekorn").await;
    let (first, second) = (identity(&pair.one, &pair.room).await, identity(&pair.other, &pair.room).await);

    let one = ticket(&service, &pair.one, &pair.room, &first).await.expect("whoever is in the conversation may join");
    let name = one.room.clone();
    let mut ours = joins(&place, one);
    let joined = ours.sees("the round", |event| {
        let Event::Fact(Fact::Joined(joined)) = event else { return None };
        Some((joined.room_name.clone(), joined.me.identity.as_str().to_owned()))
    });
    assert_eq!(joined.await, (name.clone(), first.as_str().to_owned()), "in the conversation's round, as the device");

    let other = ticket(&service, &pair.other, &pair.room, &second).await.expect("so may the other");
    assert_eq!(other.room, name, "a conversation has one round");
    let mut theirs = joins(&place, other);
    let there = theirs.sees("the round", |event| {
        let Event::Fact(Fact::Joined(joined)) = event else { return None };
        Some(joined.others.iter().map(|other| other.identity.as_str().to_owned()).collect::<Vec<_>>())
    });
    assert_eq!(there.await, [first.as_str()], "whoever was there before");
    ours.sees("the other", |event| {
        let Event::Fact(Fact::Person(person)) = event else { return None };
        (person.identity.as_str() == second.as_str()).then_some(())
    })
    .await;
    ours.leaves().await;
    theirs.leaves().await;

    pair.other.account.leave(&pair.room).await.expect("nobody has to stay");
    let refused = ticket(&service, &pair.other, &pair.room, &second).await;
    assert_eq!(refused, Err(TicketError::Refused), "whoever has left the conversation stays out");
    ticket(&service, &pair.one, &pair.room, &first).await.expect("whoever has stayed may come again");
}
