//! Two hospitals, each with its own homeserver.

use super::files::{Shelf, bytes, fetched, file};
use super::verification::{comes_to, shows};
use super::{Device, Home, found, says, sees};
use crate::servers::Servers;
use tim::{Body, Homeserver, NewConversation, Splitting, VerificationState};

impl Home {
    /// One of the two that federate.
    async fn federating(servers: &Servers, name: &str) -> Self {
        let port = servers.address(name).port().expect("it has a port of its own");
        let reached = Self::of(found(&format!("127.0.0.1:{port}")).await, true);
        // Its name is where other homeservers reach it, and not this address.
        let somebody = reached.person("somebody").await;
        let who = reached.ask(&somebody, "/_matrix/client/v3/account/whoami").await;
        let id = who["user_id"].as_str().expect("an id");
        let (_, server_name) = id.split_once(':').expect("it names its homeserver");
        let homeserver = Homeserver { server_name: server_name.to_owned(), ..reached.homeserver };
        Self::of(homeserver, true)
    }
}

/// Two people of two homeservers, in a conversation that the first has begun.
async fn apart() -> Option<(Device, Device, String)> {
    let servers = Servers::with(&["synapse-east", "synapse-west"])?;
    let east = Home::federating(&servers, "synapse-east").await;
    let west = Home::federating(&servers, "synapse-west").await;
    let (first, second) = (east.person("dr-falkenried").await, west.person("dr-heidekorn").await);
    let (one, other) = (east.device(&first).await, west.device(&second).await);
    let room = one.account.begin(NewConversation::Direct(&west.id(&second))).await.expect("it may be begun");
    other.comes_to(&room).await;
    Some((one, other, room))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_two_homeservers_talk_and_send_files() {
    let Some((one, other, room)) = apart().await else { return };
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    one.eventually("that the other one has come", async || (mine.members().await.len() == 2).then_some(())).await;
    mine.send("hin", None).await.expect("it is taken");
    let message = sees(&theirs, "the message", says("hin")).await;
    assert!(!message.in_clear && !message.sender.own, "encrypted, from the other house");
    theirs.send("her", None).await.expect("it is taken");
    sees(&mine, "the answer", says("her")).await;
    let content = bytes(300_007);
    let new = file("CT.zip", "application/zip", 300_007);
    let mut outgoing = mine.attach(new, Splitting::default()).await.expect("it is taken");
    outgoing.send(&mut Shelf::of(&content)).await.expect("it goes");
    let came = sees(&theirs, "the file", |m| matches!(&m.body, Body::File { name, .. } if name == "CT.zip")).await;
    let arrived = fetched(&theirs, &came.id).await.expect("it comes from the other homeserver");
    assert_eq!(arrived, content, "as it was sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_two_homeservers_confirm_each_other() {
    let Some((one, other, room)) = apart().await else { return };
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    one.eventually("that the other one has come", async || (mine.members().await.len() == 2).then_some(())).await;
    one.account.verify_person(&other.account.user()).await.expect("it can be asked");
    comes_to(&other, &VerificationState::Asked).await;
    other.account.accept_verification().await.expect("it is asked");
    assert_eq!(shows(&one).await, shows(&other).await, "nobody sits between the two, nor their homeservers");
    for side in [&one, &other] {
        side.account.compare_verification(true).await.expect("it can be said");
    }
    for side in [&one, &other] {
        comes_to(side, &VerificationState::Done).await;
    }
    let (first, second) = (one.account.user(), other.account.user());
    one.eventually("that the other is confirmed", async || (mine.confirmed() == [second.clone()]).then_some(())).await;
    other.eventually("that the first is", async || (theirs.confirmed() == [first.clone()]).then_some(())).await;
}
