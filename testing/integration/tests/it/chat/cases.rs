//! Which case a conversation belongs to, from one device to another. Only the first device of a person signs itself, so
//! whoever links here appears in no other fact.

use super::Home;
use tim::{CaseLink, ConversationError, NewConversation, Pinned, Presence};

on_each_homeserver! {
    a_link_is_found_by_its_pin_and_read_by_who_is_there,
    who_comes_later_reads_the_link_that_is_sent_again,
    only_who_leads_a_conversation_says_which_case_it_is_about,
}

const SAID: &str = "Dieses Gespräch gehört zu Fall K-2026-0417.";

fn link(reference: &str) -> CaseLink {
    CaseLink {
        base: "https://fhir.eschenland.example/fhir".to_owned(),
        reference: reference.to_owned(),
        number: Some("K-2026-0417".to_owned()),
    }
}

/// Waits until the only pinned event says something.
async fn reads(device: &super::Device, room: &str, event: &str) -> Pinned {
    device.sees("the pin", |_rows| (device.account.pinned(room) == [event]).then_some(())).await;
    device.eventually("what it says", async || device.account.read_case(room, event).await).await
}

async fn a_link_is_found_by_its_pin_and_read_by_who_is_there(home: &Home) {
    let one = home.device(&home.person("prof-wintermoor").await).await;
    let second = home.person("dr-silbertal").await;
    let other = home.device(&second).await;
    let room = one.account.begin(NewConversation::Group { name: "Fall 1" }).await.expect("it may be begun");
    one.account.invite(&room, &home.id(&second)).await.expect("she may be asked");
    assert_eq!(one.account.presence(&room, &home.id(&second)).await, Presence::Awaited, "asked, and not there");
    other.comes_to(&room).await;
    one.eventually("her coming", async || {
        (one.account.presence(&room, &home.id(&second)).await == Presence::There).then_some(())
    })
    .await;
    let event = one.account.link_case(&room, &link("ServiceRequest/sr-0417"), SAID, &[]).await.expect("it is taken");
    assert_eq!(reads(&other, &room, &event).await, Pinned::Case(link("ServiceRequest/sr-0417")), "the same case");
    assert_eq!(
        reads(&one, &room, &event).await,
        Pinned::Case(link("ServiceRequest/sr-0417")),
        "and the own device too"
    );
}

async fn who_comes_later_reads_the_link_that_is_sent_again(home: &Home) {
    let one = home.device(&home.person("taubengruen").await).await;
    let room = one.account.begin(NewConversation::Group { name: "Fall 1" }).await.expect("it may be begun");
    let case = link("ServiceRequest/sr-0417");
    let first = one.account.link_case(&room, &case, SAID, &[]).await.expect("it is taken");
    let second = home.person("dr-silbertal").await;
    let other = home.device(&second).await;
    one.account.invite(&room, &home.id(&second)).await.expect("she may be asked");
    other.comes_to(&room).await;
    // Whoever is not known to have come is given no key.
    one.eventually("that she has come", async || {
        (one.account.presence(&room, &home.id(&second)).await == Presence::There).then_some(())
    })
    .await;
    assert_eq!(other.account.read_case(&room, &first).await, None, "its key is of before her time");
    let again = one.account.link_case(&room, &case, SAID, &[first]).await.expect("it is taken");
    assert_eq!(reads(&other, &room, &again).await, Pinned::Case(case), "in the place of the first");
}

async fn only_who_leads_a_conversation_says_which_case_it_is_about(home: &Home) {
    let one = home.device(&home.person("dr-falkenried").await).await;
    let second = home.person("dr-silbertal").await;
    let other = home.device(&second).await;
    let room = one.account.begin(NewConversation::Group { name: "Fall 1" }).await.expect("it may be begun");
    one.account.invite(&room, &home.id(&second)).await.expect("she may be asked");
    other.comes_to(&room).await;
    // Until the room's state is here, nobody knows who may do what.
    other
        .eventually("that she is refused", async || {
            let refused = other.account.link_case(&room, &link("ServiceRequest/sr-1"), SAID, &[]).await;
            matches!(refused, Err(ConversationError::NotAllowed)).then_some(())
        })
        .await;
    assert!(!other.opens(&room).await.may_link_case().await, "and not offered it");
    assert!(one.opens(&room).await.may_link_case().await, "who began it is");
}
