//! From a conversation into its round: the homeserver's word, a ticket for it, and a media server that takes the ticket.

use super::table::{Table, identity, joins};
use crate::chat::pair;
use rounds::{Encryption, Event, TicketError};
use rounds_proto::signal::Fact;

on_each_media_server! {
    in a conversation:
    whoever_is_in_the_conversation_gets_into_its_round_under_the_name_of_their_device,
}

async fn whoever_is_in_the_conversation_gets_into_its_round_under_the_name_of_their_device(table: Table) {
    let pair = pair(&table.home, "dr-falkenried", "dr-heidekorn").await;
    let (first, second) = (identity(&pair.one, &pair.room).await, identity(&pair.other, &pair.room).await);

    let one = table.ticket(&pair.one, &pair.room, &first).await.expect("whoever is in the conversation may join");
    let name = one.room.clone();
    let mut ours = joins(one, Encryption::None);
    let joined = ours.sees("the round", |event| {
        let Event::Fact(Fact::Joined(joined)) = event else { return None };
        Some((joined.room_name.clone(), joined.me.identity.as_str().to_owned()))
    });
    assert_eq!(joined.await, (name.clone(), first.as_str().to_owned()), "in the conversation's round, as the device");

    let other = table.ticket(&pair.other, &pair.room, &second).await.expect("so may the other");
    assert_eq!(other.room, name, "a conversation has one round");
    let mut theirs = joins(other, Encryption::None);
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
    let refused = table.ticket(&pair.other, &pair.room, &second).await;
    assert_eq!(refused, Err(TicketError::Refused), "whoever has left the conversation stays out");
    table.ticket(&pair.one, &pair.room, &first).await.expect("whoever has stayed may come again");
}
