//! Rooms in the form that the TI-Messenger wants, as another program sees them.

use super::{Home, Pair, pair, says, sees};
use serde_json::{Value, json};
use tim::{Body, NewConversation};

on_each_homeserver! {
    a_room_is_made_as_the_ti_messenger_wants_it,
    the_name_for_the_ti_messenger_goes_before_the_standard_one,
    a_deletion_takes_every_change_of_the_message_with_it,
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
