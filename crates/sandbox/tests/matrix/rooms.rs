//! Rooms: what is made, who comes in, who may what, and what the TI-Messenger refuses.

use crate::harness::{AMINA, Home, IVO, LEYLA, kinds, text};
use serde_json::{Value, json};

/// The room of a TI-Messenger client.
fn tim_room() -> Value {
    json!({
        "preset": "private_chat",
        "room_version": "10",
        "creation_content": { "type": "de.gematik.tim.roomtype.default.v1" },
        "initial_state": [
            { "type": "m.room.encryption", "content": { "algorithm": "m.megolm.v1.aes-sha2" } },
            { "type": "m.room.history_visibility", "content": { "history_visibility": "invited" } },
            { "type": "de.gematik.tim.room.default.v1", "content": {} },
            { "type": "de.gematik.tim.room.name", "content": { "name": "Tumorboard" } },
            { "type": "m.room.name", "content": { "name": "Tumorboard" } },
        ],
    })
}

#[tokio::test]
async fn a_room_of_the_ti_messenger_is_made_as_it_was_asked_for() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let room = amina.create(&tim_room()).await;
    let get = async |path: &str| amina.get(&format!("/rooms/{room}/state/{path}")).await.good();
    let create = get("m.room.create").await;
    assert_eq!(create["type"], "de.gematik.tim.roomtype.default.v1", "the type");
    assert_eq!((text(&create["room_version"]), text(&create["creator"])), ("10", amina.user.as_str()), "and version");
    assert_eq!(get("m.room.encryption/").await["algorithm"], "m.megolm.v1.aes-sha2", "with a slash at the end");
    let visibility = get("m.room.history_visibility").await;
    assert_eq!(visibility["history_visibility"], "invited", "the initial state overrides the preset");
    assert_eq!(get("m.room.join_rules/").await["join_rule"], "invite", "the preset's rule");
    let levels = get("m.room.power_levels").await;
    assert_eq!((&levels["users"][&amina.user], &levels["invite"]), (&json!(100), &json!(0)), "levels of the preset");
    let member = get(&format!("m.room.member/{}", amina.user)).await;
    assert_eq!(member["displayname"], "Dr. med. Amina Falkenried", "the name of the profile");
    let all = amina.get(&format!("/rooms/{room}/state")).await.good();
    assert_eq!(kinds(&all).iter().filter(|kind| **kind == "m.room.history_visibility").count(), 1, "each state once");
    amina.get(&format!("/rooms/{room}/state/m.room.topic/")).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn what_the_ti_messenger_forbids_at_creation_is_refused() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let make = async |change: Value| {
        let mut body = tim_room();
        for (name, value) in change.as_object().into_iter().flatten() {
            body[name.as_str()] = value.clone();
        }
        amina.post("/createRoom", &body).await
    };
    make(json!({ "room_version": "9" })).await.good();
    for version in ["11", "12", "1"] {
        make(json!({ "room_version": version })).await.refused(400, "M_UNSUPPORTED_ROOM_VERSION");
    }
    make(json!({ "invite": [home.user(LEYLA), home.user(IVO)] })).await.refused(400, "M_FORBIDDEN");
    make(json!({ "invite": ["@nobody:127.0.0.1:1"] })).await.refused(403, "M_FORBIDDEN");
    let readable =
        json!([{ "type": "m.room.history_visibility", "content": { "history_visibility": "world_readable" } }]);
    make(json!({ "initial_state": readable })).await.refused(400, "M_INVALID_ROOM_STATE");
    let public = make(json!({ "preset": "public_chat", "initial_state": [] })).await.good();
    let path = format!("/rooms/{}/state/m.room.create", text(&public["room_id"]));
    assert_eq!(amina.get(&path).await.good()["m.federate"], false, "a public room stays on its server");
}

#[tokio::test]
async fn somebody_is_invited_joins_and_leaves() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let room = amina.create(&json!({})).await;
    leyla.join(&room).await.refused(403, "M_FORBIDDEN");
    amina.post(&format!("/rooms/{room}/invite"), &json!({ "user_id": leyla.user })).await.good();
    amina.post(&format!("/rooms/{room}/invite"), &json!({ "user_id": leyla.user })).await.good();
    assert_eq!(leyla.join(&room).await.good()["room_id"], room, "by the room");
    leyla.post(&format!("/join/{room}"), &json!({})).await.good();
    assert_eq!(leyla.get("/joined_rooms").await.good()["joined_rooms"], json!([room]), "she is in");
    let joined = amina.get(&format!("/rooms/{room}/joined_members")).await.good();
    assert_eq!(joined["joined"][&leyla.user]["display_name"], "Dr. med. Leyla Sonnkaya", "with her name");
    let members = amina.get(&format!("/rooms/{room}/members?membership=join")).await.good();
    assert_eq!(members["chunk"].as_array().map(Vec::len), Some(2), "two are in: {members}");
    leyla.post(&format!("/rooms/{room}/forget"), &json!({})).await.refused(400, "M_UNKNOWN");
    leyla.post(&format!("/rooms/{room}/leave"), &json!({ "reason": "Dienstende" })).await.good();
    let member = amina.get(&format!("/rooms/{room}/state/m.room.member/{}", leyla.user)).await.good();
    assert_eq!((text(&member["membership"]), text(&member["reason"])), ("leave", "Dienstende"), "she said why");
    leyla.get(&format!("/rooms/{room}/messages?dir=b")).await.good();
    leyla.post(&format!("/rooms/{room}/forget"), &json!({})).await.good();
    leyla.get(&format!("/rooms/{room}/messages?dir=b")).await.refused(403, "M_FORBIDDEN");
    leyla.join("!none:server").await.refused(404, "M_UNKNOWN");
}

#[tokio::test]
async fn who_has_no_level_for_it_sends_nobody_away() {
    let home = Home::start().await;
    let (amina, leyla, ivo) = (home.device(AMINA).await, home.device(LEYLA).await, home.device(IVO).await);
    let room = amina.room_with(&leyla, json!({})).await;
    let act = async |who: &crate::harness::Device<'_>, what: &str, target: &str| {
        who.post(&format!("/rooms/{room}/{what}"), &json!({ "user_id": target })).await
    };
    leyla.post(&format!("/rooms/{room}/invite"), &json!({ "user_id": ivo.user })).await.good();
    ivo.join(&room).await.good();
    for what in ["kick", "ban"] {
        act(&leyla, what, &ivo.user).await.refused(403, "M_FORBIDDEN");
        act(&leyla, what, &amina.user).await.refused(403, "M_FORBIDDEN");
    }
    act(&amina, "kick", &ivo.user).await.good();
    ivo.say_refused(&room).await;
    act(&amina, "unban", &ivo.user).await.refused(403, "M_FORBIDDEN");
    act(&amina, "ban", &ivo.user).await.good();
    act(&amina, "invite", &ivo.user).await.refused(403, "M_FORBIDDEN");
    ivo.join(&room).await.refused(403, "M_FORBIDDEN");
    act(&amina, "unban", &ivo.user).await.good();
    act(&amina, "invite", &ivo.user).await.good();
    ivo.join(&room).await.good();
}

#[tokio::test]
async fn state_and_levels_change_only_by_who_has_the_level() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let override_ = json!({ "power_level_content_override": { "events": { "org.example.state": 0 } } });
    let room = amina.room_with(&leyla, override_).await;
    let put = async |who: &crate::harness::Device<'_>, kind: &str, content: Value| {
        who.put(&format!("/rooms/{room}/state/{kind}/"), &content).await
    };
    put(&leyla, "m.room.name", json!({ "name": "x" })).await.refused(403, "M_FORBIDDEN");
    put(&leyla, "org.example.state", json!({ "a": 1 })).await.good();
    let first = put(&amina, "m.room.name", json!({ "name": "Fall" })).await.good();
    let second = put(&amina, "m.room.name", json!({ "name": "Fall" })).await.good();
    assert_eq!(first, second, "what is so already is no event of its own");
    let levels = |leyla_level: Value| json!({ "users": { &amina.user: 100, &leyla.user: leyla_level } });
    put(&amina, "m.room.power_levels", levels(json!("50"))).await.refused(400, "M_BAD_JSON");
    put(&amina, "m.room.power_levels", levels(json!(101))).await.refused(403, "M_FORBIDDEN");
    let mut raised = levels(json!(50));
    raised["events"] = json!({ "m.room.power_levels": 50 });
    put(&amina, "m.room.power_levels", raised.clone()).await.good();
    raised["users"][&leyla.user] = json!(100);
    put(&leyla, "m.room.power_levels", raised.clone()).await.refused(403, "M_FORBIDDEN");
    raised["users"][&leyla.user] = json!(50);
    raised["users"][&amina.user] = json!(0);
    put(&leyla, "m.room.power_levels", raised).await.refused(403, "M_FORBIDDEN");
    put(&amina, "m.room.join_rules", json!({ "join_rule": "public" })).await.refused(400, "M_INVALID_ROOM_STATE");
}

#[tokio::test]
async fn a_transaction_that_comes_twice_is_one_event() {
    let home = Home::start().await;
    let (amina, other) = (home.device(AMINA).await, home.device(AMINA).await);
    let room = amina.create(&json!({})).await;
    let path = format!("/rooms/{room}/send/m.room.message/once");
    let content = json!({ "msgtype": "m.text", "body": "einmal" });
    let first = amina.put(&path, &content).await.good();
    assert_eq!(amina.put(&path, &content).await.good(), first, "the same device, the same event");
    assert_ne!(other.put(&path, &content).await.good(), first, "another device has its own transactions");
}

#[tokio::test]
async fn threads_and_reactions_that_are_no_emoji_are_refused() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let room = amina.create(&json!({})).await;
    let event = amina.say(&room, "Befund liegt vor").await;
    let relates = |relation: &str| json!({ "rel_type": relation, "event_id": event });
    let thread = json!({ "msgtype": "m.text", "body": "x", "m.relates_to": relates("m.thread") });
    amina.send(&room, "m.room.message", &thread).await.refused(400, "M_FORBIDDEN");
    let react = async |key: &str| {
        let mut relation = relates("m.annotation");
        relation["key"] = json!(key);
        amina.send(&room, "m.reaction", &json!({ "m.relates_to": relation })).await
    };
    react("👍🏽").await.good();
    react("👍🏽").await.refused(400, "M_DUPLICATE_ANNOTATION");
    react("❤️").await.good();
    for key in ["👍👍", "ok", "1"] {
        react(key).await.refused(400, "M_BAD_JSON");
    }
}

#[tokio::test]
async fn an_event_that_is_too_large_is_refused() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let room = amina.create(&json!({})).await;
    let long = json!({ "msgtype": "m.text", "body": "x".repeat(66_000) });
    amina.send(&room, "m.room.message", &long).await.refused(413, "M_TOO_LARGE");
}

#[tokio::test]
async fn nobody_is_invited_who_has_blocked_it_and_no_third_person_into_a_pair() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let kind = "de.gematik.tim.account.permissionconfig.pro.v1";
    assert_eq!(leyla.data(kind).await.good(), json!({ "defaultSetting": "allow all" }), "the default");
    let set = async |content: Value| {
        leyla.put(&format!("/user/{}/account_data/{kind}", leyla.user), &content).await.good();
    };
    set(json!({ "defaultSetting": "block all" })).await;
    let invite = json!({ "invite": [leyla.user] });
    amina.post("/createRoom", &invite).await.refused(403, "M_FORBIDDEN");
    set(json!({ "defaultSetting": "block all", "userExceptions": { &amina.user: {} } })).await;
    let room = amina.create(&invite).await;
    leyla.join(&room).await.good();
    let direct = json!({ &leyla.user: [room] });
    amina.put(&format!("/user/{}/account_data/m.direct", amina.user), &direct).await.good();
    let third = json!({ "user_id": home.user(IVO) });
    amina.post(&format!("/rooms/{room}/invite"), &third).await.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn a_stranger_reads_nothing_of_a_room_and_does_not_learn_that_it_exists() {
    let home = Home::start().await;
    let (amina, leyla, ivo) = (home.device(AMINA).await, home.device(LEYLA).await, home.device(IVO).await);
    let room = amina.create(&json!({ "invite": [leyla.user] })).await;
    let event = amina.say(&room, "nicht für jeden").await;
    for room in [room.as_str(), "!none:server"] {
        for path in ["messages?dir=b", "state", "state/m.room.create/", "members", "joined_members"] {
            ivo.get(&format!("/rooms/{room}/{path}")).await.refused(403, "M_FORBIDDEN");
        }
        ivo.get(&format!("/rooms/{room}/event/{event}")).await.refused(403, "M_FORBIDDEN");
        ivo.get(&format!("/rooms/{room}/context/{event}")).await.refused(403, "M_FORBIDDEN");
        ivo.newer(&format!("/rooms/{room}/relations/{event}")).await.refused(403, "M_FORBIDDEN");
        ivo.say_refused(room).await;
        let (redact, typing) =
            (format!("/rooms/{room}/redact/{event}/1"), format!("/rooms/{room}/typing/{}", ivo.user));
        ivo.put(&redact, &json!({})).await.refused(403, "M_FORBIDDEN");
        ivo.put(&typing, &json!({ "typing": true })).await.refused(403, "M_FORBIDDEN");
    }
    assert!(ivo.sync("").await.get("rooms").is_none(), "nor by /sync");
    leyla.get(&format!("/rooms/{room}/messages?dir=b")).await.refused(403, "M_FORBIDDEN");
}
