//! Rooms in the form that the TI-Messenger wants, as another program sees them.

use super::{Home, Pair, pair, says, sees};
use serde_json::{Value, json};
use tim::{Block, Body, Conversation, Membership, Message, NewConversation, Rights};

on_each_homeserver! {
    a_room_is_made_as_the_ti_messenger_wants_it,
    the_name_for_the_ti_messenger_goes_before_the_standard_one,
    a_deletion_takes_every_change_of_the_message_with_it,
    what_a_message_said_before_is_read_by_whoever_reads_it,
    a_group_gets_another_name_and_people_come_and_go,
    a_favorite_is_one_on_every_device,
}

async fn a_room_is_made_as_the_ti_messenger_wants_it(home: &Home) {
    let (first, second) = (home.person("dr-falkenried").await, home.person("dr-ahlefels").await);
    let (one, _other) = (home.device(&first).await, home.device(&second).await);
    let group = one.account.begin(NewConversation::Group { name: "Lungenteam" }).await.expect("it may be begun");
    let direct = one.account.begin(NewConversation::Direct(&home.id(&second))).await.expect("it may be begun");
    for room in [&group, &direct] {
        let state = home.ask(&first, &format!("/_matrix/client/v3/rooms/{room}/state")).await;
        let content = |kind: &str| -> Value {
            let events = state.as_array().expect("events");
            events.iter().find(|event| event["type"] == kind).map_or(Value::Null, |event| event["content"].clone())
        };
        let create = content("m.room.create");
        assert_eq!(create["type"], "de.gematik.tim.roomtype.default.v1", "its type (A_25814-01)");
        assert_eq!(create["room_version"], "10", "its version (A_26202)");
        assert_eq!(content("m.room.encryption")["algorithm"], "m.megolm.v1.aes-sha2", "encrypted (A_25324-01)");
        assert_eq!(content("m.room.history_visibility")["history_visibility"], "invited", "its past (A_25481)");
        assert_eq!(content("m.room.join_rules")["join_rule"], "invite", "nobody comes unasked (A_28271)");
        assert_eq!(content("de.gematik.tim.room.default.v1"), json!({}), "its mark");
        let listed = home.ask(&first, &format!("/_matrix/client/v3/directory/list/room/{room}")).await;
        // A server that has no such list cannot name it there.
        assert_ne!(listed["visibility"], "public", "in no public list");
        let name = if *room == group { json!("Lungenteam") } else { Value::Null };
        let names = (&content("m.room.name")["name"], &content("de.gematik.tim.room.name")["name"]);
        assert_eq!(names, (&name, &name), "both names, or none (A_26338-02)");
    }
}

async fn the_name_for_the_ti_messenger_goes_before_the_standard_one(home: &Home) {
    let user = home.person("dr-falkenried").await;
    let one = home.device(&user).await;
    let room = |kind: Option<&str>| {
        let state = |kind: &str, content: Value| json!({ "type": kind, "state_key": "", "content": content });
        json!({
            "preset": "private_chat", "room_version": "10",
            "creation_content": kind.map_or_else(|| json!({}), |kind| json!({ "type": kind })),
            "initial_state": [
                state("m.room.encryption", json!({ "algorithm": "m.megolm.v1.aes-sha2" })),
                state("m.room.name", json!({ "name": "Standard" })),
                state("de.gematik.tim.room.name", json!({ "name": "Tumorkonferenz" })),
            ],
        })
    };
    let named = home.create(&user, &room(Some("de.gematik.tim.roomtype.default.v1"))).await;
    let plain = home.create(&user, &room(None)).await;
    for (id, name) in [(&named, "Tumorkonferenz"), (&plain, "Standard")] {
        let found = |rows: &[tim::Row]| rows.iter().find(|row| row.id == *id).map(|row| row.name.clone());
        let shown = one.sees("the room", |rows| found(rows).filter(|shown| !shown.is_empty())).await;
        assert_eq!(shown, name, "A_26338-02: of its own rooms only");
        assert_eq!(one.opens(id).await.name().await, name, "where it is open, too");
    }
}

async fn a_deletion_takes_every_change_of_the_message_with_it(home: &Home) {
    let Pair { one, other, room, first } = pair(home, "dr-falkenried", "dr-silbertal").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    mine.send("eins", None).await.expect("it is taken");
    for (former, text) in [("eins", "zwei"), ("zwei", "drei")] {
        let own = sees(&mine, former, |m| says(former)(m) && m.event.is_some()).await;
        mine.edit(&own.id, text).await.expect("one's own may be changed");
        sees(&theirs, text, says(text)).await;
    }
    let own = sees(&mine, "the last text", |m| says("drei")(m) && m.event.is_some()).await;
    mine.redact(&own.id).await.expect("one's own may be deleted");
    sees(&theirs, "the deletion", |m| matches!(m.body, Body::Redacted { .. })).await;
    let raw = home.ask(&first, &format!("/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=50")).await;
    let events = raw["chunk"].as_array().expect("events");
    let encrypted: Vec<&Value> = events.iter().filter(|event| event["type"] == "m.room.encrypted").collect();
    assert_eq!(encrypted.len(), 3, "the message and its two changes");
    let kept = encrypted.iter().any(|event| event["content"].get("ciphertext").is_some());
    assert!(!kept, "A_28355: nothing of them is left at the homeserver");
}

async fn what_a_message_said_before_is_read_by_whoever_reads_it(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-silbertal").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    mine.send("eins", None).await.expect("it is taken");
    for (former, text) in [("eins", "zwei"), ("zwei", "drei")] {
        let own = sees(&mine, former, |m| says(former)(m) && m.event.is_some()).await;
        mine.edit(&own.id, text).await.expect("one's own may be changed");
        sees(&theirs, text, says(text)).await;
    }
    let texts = async |conversation: &Conversation, message: &Message| -> Vec<String> {
        let versions = conversation.versions(&message.id).await.expect("the homeserver answers");
        assert!(versions.is_sorted_by_key(|version| version.at), "oldest first");
        let words = |blocks: &[Block]| match blocks {
            [Block::Paragraph(spans)] => spans.iter().map(|span| span.text.as_str()).collect(),
            other => panic!("one paragraph: {}", other.len()),
        };
        versions.iter().map(|version| words(&version.blocks)).collect()
    };
    let seen = sees(&theirs, "the last text", says("drei")).await;
    assert_eq!(texts(&theirs, &seen).await, ["eins", "zwei", "drei"], "by the other one");
    let own = sees(&mine, "the last text", |m| says("drei")(m) && m.event.is_some()).await;
    assert_eq!(texts(&mine, &own).await, ["eins", "zwei", "drei"], "and by whoever wrote it");
    theirs.send("vier", None).await.expect("it is taken");
    let plain = sees(&mine, "another message", says("vier")).await;
    assert_eq!(texts(&mine, &plain).await, ["vier"], "what was never changed has said one thing");
}

async fn a_group_gets_another_name_and_people_come_and_go(home: &Home) {
    let (first, second) = (home.person("dr-falkenried").await, home.person("dr-ahlefels").await);
    let (one, other) = (home.device(&first).await, home.device(&second).await);
    let group = one.account.begin(NewConversation::Group { name: "Lungenteam" }).await.expect("it may be begun");
    one.account.invite(&group, &other.account.user()).await.expect("they may be asked");
    other.comes_to(&group).await;
    let (mine, theirs) = (one.opens(&group).await, other.opens(&group).await);
    assert_eq!(mine.rights().await, Rights { invite: true, rename: true, remove: true }, "whoever began it may");
    let rights = theirs.rights().await;
    assert!(!rights.rename && !rights.remove, "whoever came may not: {rights:?}");
    assert!(other.account.rename(&group, "Meins").await.is_err(), "the homeserver says so as well");

    one.account.rename(&group, "Thoraxteam").await.expect("it may be renamed");
    let named = |rows: &[tim::Row]| rows.iter().any(|row| row.id == group && row.name == "Thoraxteam").then_some(());
    other.sees("the new name", named).await;
    for kind in ["m.room.name", "de.gematik.tim.room.name"] {
        let state = home.ask(&first, &format!("/_matrix/client/v3/rooms/{group}/state/{kind}/")).await;
        assert_eq!(state["name"], "Thoraxteam", "{kind} (A_26338-02)");
    }

    one.account.remove(&group, &other.account.user()).await.expect("they may be sent away");
    let gone = |rows: &[tim::Row]| rows.iter().any(|row| row.id == group && row.membership == Membership::Left);
    other.sees("that it is over", |rows| gone(rows).then_some(())).await;
    one.eventually("that they are gone", async || (mine.members().await.len() == 1).then_some(())).await;
}

async fn a_favorite_is_one_on_every_device(home: &Home) {
    let user = home.person("dr-falkenried").await;
    let (one, second) = (home.device(&user).await, home.device(&user).await);
    let group = one.account.begin(NewConversation::Group { name: "Lungenteam" }).await.expect("it may be begun");
    for favorite in [true, false] {
        one.account.set_favorite(&group, favorite).await.expect("the homeserver takes it");
        let so = |rows: &[tim::Row]| rows.iter().any(|row| row.id == group && row.favorite == favorite).then_some(());
        second.sees("what the other device says", so).await;
    }
}
