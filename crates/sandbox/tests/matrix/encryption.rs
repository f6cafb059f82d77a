//! Keys, messages to devices, cross-signing, and the backup of keys.

use crate::harness::{AMINA, Device, Home, IVO, LEYLA, text};
use reqwest::Method;
use sandbox::PASSWORD;
use serde_json::{Value, json};

/// Keys in the shape that the specification gives them. What they mean is the clients' business.
fn device_keys(device: &Device<'_>) -> Value {
    json!({
        "user_id": device.user,
        "device_id": device.id,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "keys": { format!("curve25519:{}", device.id): "c", format!("ed25519:{}", device.id): "e" },
        "signatures": { &device.user: { format!("ed25519:{}", device.id): "s" } },
    })
}

async fn upload(device: &Device<'_>, one_time: Value) -> crate::harness::Reply {
    let fallback = json!({ "signed_curve25519:FALL": { "key": "f", "fallback": true } });
    let body = json!({ "device_keys": device_keys(device), "one_time_keys": one_time, "fallback_keys": fallback });
    device.post("/keys/upload", &body).await
}

#[tokio::test]
async fn a_one_time_key_is_given_once_and_then_the_fallback_key() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let keys = json!({ "signed_curve25519:A": { "key": "a" }, "signed_curve25519:B": { "key": "b" } });
    let counts = upload(&leyla, keys).await.good();
    assert_eq!(counts["one_time_key_counts"]["signed_curve25519"], 2, "two are there");
    let before = leyla.sync("").await;
    assert_eq!(before["device_unused_fallback_key_types"], json!(["signed_curve25519"]), "unused");
    let wish = json!({ "one_time_keys": { &leyla.user: { &leyla.id: "signed_curve25519" } } });
    let mut given = Vec::new();
    for _ in 0..4 {
        let claimed = amina.post("/keys/claim", &wish).await.good();
        let key = claimed["one_time_keys"][&leyla.user][&leyla.id].as_object().expect("a key").clone();
        given.extend(key.into_iter().map(|(id, _)| id));
    }
    let fallback = "signed_curve25519:FALL";
    assert_eq!(given, ["signed_curve25519:A", "signed_curve25519:B", fallback, fallback], "each once, then the last");
    let after = leyla.sync("").await;
    assert_eq!(after["device_one_time_keys_count"]["signed_curve25519"], 0, "she is told to make new ones");
    assert_eq!(after["device_unused_fallback_key_types"], json!([]), "and that the fallback key was used");
}

#[tokio::test]
async fn a_one_time_key_is_not_replaced_by_another_of_its_id() {
    let home = Home::start().await;
    let leyla = home.device(LEYLA).await;
    let keys = json!({ "signed_curve25519:A": { "key": "a" } });
    upload(&leyla, keys.clone()).await.good();
    upload(&leyla, keys).await.good();
    let other = upload(&leyla, json!({ "signed_curve25519:A": { "key": "x" } })).await;
    other.refused(400, "M_UNKNOWN");
    assert!(
        text(&other.body["error"]).starts_with("One time key signed_curve25519:A already exists"),
        "{}",
        other.body
    );
    let mut foreign = device_keys(&leyla);
    foreign["device_id"] = json!("OTHER");
    leyla.post("/keys/upload", &json!({ "device_keys": foreign })).await.refused(400, "M_BAD_JSON");
}

#[tokio::test]
async fn devices_are_told_apart_and_their_changes_reach_who_shares_a_room() {
    let home = Home::start().await;
    let (amina, leyla, ivo) = (home.device(AMINA).await, home.device(LEYLA).await, home.device(IVO).await);
    upload(&leyla, json!({})).await.good();
    let asked = amina.post("/keys/query", &json!({ "device_keys": { &leyla.user: [], &ivo.user: [] } })).await.good();
    let keys = &asked["device_keys"][&leyla.user][&leyla.id];
    assert_eq!(keys["keys"], device_keys(&leyla)["keys"], "as they were uploaded");
    assert!(keys["unsigned"].is_object(), "with the device's name");
    assert_eq!(asked["device_keys"][&ivo.user], json!({}), "a device without keys is not shown");
    let since = amina.caught_up().await;
    upload(&leyla, json!({})).await.good();
    let quiet = amina.sync(&format!("since={since}")).await;
    assert_eq!(quiet["device_lists"]["changed"], json!([]), "a stranger's devices are nobody's business");
    let room = amina.room_with(&leyla, json!({})).await;
    let news = amina.sync(&format!("since={since}")).await;
    assert_eq!(news["device_lists"]["changed"], json!([leyla.user]), "who comes in has to be asked for");
    let since = text(&news["next_batch"]).to_owned();
    let second = home.device(LEYLA).await;
    let news = amina.sync(&format!("since={since}")).await;
    assert_eq!(news["device_lists"]["changed"], json!([leyla.user]), "a new device");
    let changes = format!("/keys/changes?from={since}&to={}", text(&news["next_batch"]));
    assert_eq!(amina.get(&changes).await.good()["changed"], json!([leyla.user]), "the same by its own route");
    let since = text(&news["next_batch"]).to_owned();
    second.post(&format!("/rooms/{room}/leave"), &json!({})).await.good();
    let news = amina.sync(&format!("since={since}")).await;
    assert_eq!(news["device_lists"]["left"], json!([leyla.user]), "nothing is shared any more");
}

#[tokio::test]
async fn a_message_to_a_device_stays_until_it_is_acknowledged() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let other = home.device(LEYLA).await;
    let first = leyla.caught_up().await;
    let body = json!({ "messages": { &leyla.user: { &leyla.id: { "n": 1 } } } });
    for _ in 0..2 {
        amina.put("/sendToDevice/m.room.encrypted/same", &body).await.good();
    }
    let query = format!("since={first}");
    let news = leyla.sync(&query).await;
    let events = &news["to_device"]["events"];
    let expected = json!([{ "type": "m.room.encrypted", "sender": amina.user, "content": { "n": 1 } }]);
    assert_eq!(*events, expected, "once, though it was sent twice");
    assert_eq!(leyla.sync(&query).await["to_device"]["events"], expected, "again, as long as the answer may be lost");
    let after = leyla.sync(&format!("since={}", text(&news["next_batch"]))).await;
    assert_eq!(after["to_device"]["events"], json!([]), "the new token acknowledges it");
    assert_eq!(leyla.sync(&query).await["to_device"]["events"], json!([]), "for good");
    assert_eq!(other.sync("").await["to_device"]["events"], json!([]), "the other device was not meant");
    let all = json!({ "messages": { &leyla.user: { "*": { "n": 2 } } } });
    amina.put("/sendToDevice/m.room.encrypted/all", &all).await.good();
    for device in [&leyla, &other] {
        assert_eq!(device.sync("").await["to_device"]["events"][0]["content"]["n"], 2, "a star is every device");
    }
}

#[tokio::test]
async fn many_messages_to_a_device_come_in_portions_and_none_is_lost() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let mut since = leyla.caught_up().await;
    for number in 0..230 {
        let body = json!({ "messages": { &leyla.user: { &leyla.id: { "n": number } } } });
        amina.put(&format!("/sendToDevice/m.x/{number}"), &body).await.good();
    }
    let mut seen = Vec::new();
    loop {
        let news = leyla.sync(&format!("since={since}")).await;
        let events = news["to_device"]["events"].as_array().cloned().unwrap_or_default();
        if events.is_empty() {
            break;
        }
        assert!(events.len() <= 100, "no answer has more than a hundred");
        seen.extend(events.iter().filter_map(|event| event["content"]["n"].as_i64()));
        since = text(&news["next_batch"]).to_owned();
    }
    assert_eq!(seen, (0..230).collect::<Vec<i64>>(), "in their order");
}

/// Cross-signing keys in their shape.
fn signing_keys(device: &Device<'_>, generation: &str) -> Value {
    let key = |usage: &str| {
        let public = format!("{usage}{generation}");
        json!({ "user_id": device.user, "usage": [usage], "keys": { format!("ed25519:{public}"): public } })
    };
    json!({
        "master_key": key("master"),
        "self_signing_key": key("self_signing"),
        "user_signing_key": key("user_signing"),
    })
}

#[tokio::test]
async fn cross_signing_keys_are_set_once_and_replaced_only_with_the_password() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let path = "/keys/device_signing/upload";
    amina.post(path, &signing_keys(&amina, "1")).await.good();
    amina.post(path, &signing_keys(&amina, "1")).await.good();
    let mut second = signing_keys(&amina, "2");
    let asked = amina.post(path, &second).await;
    assert_eq!(asked.status, 401, "another identity wants a proof");
    second["auth"] = json!({
        "type": "m.login.password",
        "session": asked.body["session"],
        "identifier": { "type": "m.id.user", "user": amina.user },
        "password": PASSWORD,
    });
    amina.post(path, &second).await.good();
    let query = json!({ "device_keys": { &amina.user: [] } });
    let own = amina.post("/keys/query", &query).await.good();
    assert_eq!(own["master_keys"][&amina.user]["keys"], json!({ "ed25519:master2": "master2" }), "replaced");
    assert!(own["user_signing_keys"][&amina.user].is_object(), "she sees all three");
    let told = leyla.post("/keys/query", &query).await.good();
    assert!(told["self_signing_keys"][&amina.user].is_object(), "others see two");
    assert!(told["user_signing_keys"].get(&amina.user).is_none(), "and not the third");
}

#[tokio::test]
async fn signatures_stand_where_they_belong_and_are_seen_by_whom_they_concern() {
    let home = Home::start().await;
    let (amina, leyla, ivo) = (home.device(AMINA).await, home.device(LEYLA).await, home.device(IVO).await);
    for device in [&amina, &leyla] {
        upload(device, json!({})).await.good();
        device.post("/keys/device_signing/upload", &signing_keys(device, "1")).await.good();
    }
    amina.room_with(&leyla, json!({})).await;
    let since = amina.caught_up().await;
    let mut own = device_keys(&amina);
    own["signatures"] = json!({ &amina.user: { "ed25519:self_signing1": "by-self" } });
    let mut theirs = signing_keys(&leyla, "1")["master_key"].clone();
    theirs["signatures"] = json!({ &amina.user: { "ed25519:user_signing1": "by-user" } });
    let body = json!({
        &amina.user: { &amina.id: own },
        &leyla.user: { "master1": theirs, "unknown": {} },
    });
    let answer = amina.post("/keys/signatures/upload", &body).await.good();
    assert!(answer["failures"][&leyla.user]["unknown"]["errcode"].is_string(), "what is unknown fails alone: {answer}");
    assert_eq!(answer["failures"].as_object().map(serde_json::Map::len), Some(1), "and nothing else");
    let query = json!({ "device_keys": { &amina.user: [], &leyla.user: [] } });
    let seen = amina.post("/keys/query", &query).await.good();
    let device = &seen["device_keys"][&amina.user][&amina.id]["signatures"][&amina.user];
    assert_eq!(device["ed25519:self_signing1"], "by-self", "her device is signed");
    assert_eq!(device[format!("ed25519:{}", amina.id)], "s", "and its own signature is still there");
    let vouched = &seen["master_keys"][&leyla.user]["signatures"][&amina.user];
    assert_eq!(vouched["ed25519:user_signing1"], "by-user", "she has verified Leyla");
    let other = ivo.post("/keys/query", &query).await.good();
    let hidden = &other["master_keys"][&leyla.user]["signatures"];
    assert!(hidden.get(&amina.user).is_none(), "which is nobody else's business: {hidden}");
    let news = amina.sync(&format!("since={since}")).await;
    let mut changed: Vec<&str> = news["device_lists"]["changed"].as_array().into_iter().flatten().map(text).collect();
    changed.sort_unstable();
    assert_eq!(changed, [amina.user.as_str(), leyla.user.as_str()], "both have to be asked for again");
    upload(&amina, json!({})).await.good();
    let seen = amina.post("/keys/query", &query).await.good();
    let device = &seen["device_keys"][&amina.user][&amina.id]["signatures"][&amina.user];
    assert_eq!(device["ed25519:self_signing1"], "by-self", "a second upload does not take the signature away");
}

fn session_key(first: u32, forwarded: u32, verified: bool) -> Value {
    json!({
        "first_message_index": first, "forwarded_count": forwarded, "is_verified": verified,
        "session_data": { "ciphertext": format!("{first} {forwarded} {verified}") },
    })
}

#[tokio::test]
async fn a_backup_has_versions_and_only_the_newest_is_written() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    amina.get("/room_keys/version").await.refused(404, "M_NOT_FOUND");
    let version = |key: &str| json!({ "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": { "public_key": key } });
    let first = amina.post("/room_keys/version", &version("one")).await.good();
    let second = amina.post("/room_keys/version", &version("two")).await.good();
    let (first, second) = (text(&first["version"]), text(&second["version"]));
    assert_eq!(amina.get("/room_keys/version").await.good()["auth_data"]["public_key"], "two", "the newest");
    let key = session_key(0, 0, true);
    let old = amina.put(&format!("/room_keys/keys/!r/s?version={first}"), &key).await;
    old.refused(403, "M_WRONG_ROOM_KEYS_VERSION");
    assert_eq!(old.body["current_version"], second, "it says which one is in use");
    amina.put("/room_keys/keys/!r/s", &key).await.refused(400, "M_MISSING_PARAM");
    let mut signed = version("two");
    signed["auth_data"]["signatures"] = json!({ "a": {} });
    amina.put(&format!("/room_keys/version/{second}"), &signed).await.good();
    let told = amina.get(&format!("/room_keys/version/{second}")).await.good();
    assert_eq!(told["auth_data"], signed["auth_data"], "its data may be signed later");
    signed["algorithm"] = json!("other");
    amina.put(&format!("/room_keys/version/{second}"), &signed).await.refused(400, "M_INVALID_PARAM");
    amina.ask(Method::DELETE, &format!("/room_keys/version/{second}"), None).await.good();
    assert_eq!(amina.get("/room_keys/version").await.good()["version"], first, "the older one is the newest again");
    amina.get(&format!("/room_keys/keys?version={second}")).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn keys_are_put_read_and_deleted_on_all_three_levels() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let body = json!({ "algorithm": "a", "auth_data": {} });
    let version = text(&amina.post("/room_keys/version", &body).await.good()["version"]).to_owned();
    let path = |part: &str| format!("/room_keys/keys{part}?version={version}");
    let key = session_key(5, 0, false);
    let one = amina.put(&path("/!r1/s1"), &key).await.good();
    assert_eq!(one["count"], 1, "one session");
    amina.put(&path("/!r1"), &json!({ "sessions": { "s2": key } })).await.good();
    let rooms = json!({ "rooms": { "!r1": { "sessions": { "s1": key } }, "!r2": { "sessions": { "s3": key } } } });
    let three = amina.put(&path(""), &rooms).await.good();
    assert_eq!(three["count"], 3, "one was there already");
    assert_ne!(one["etag"], three["etag"], "what changes has another tag");
    assert_eq!(amina.put(&path(""), &rooms).await.good(), three, "what changes nothing has the same");
    assert_eq!(amina.get(&path("/!r1/s1")).await.good(), key, "a session");
    let room = amina.get(&path("/!r1")).await.good();
    assert_eq!(room["sessions"].as_object().map(serde_json::Map::len), Some(2), "a room");
    let all = amina.get(&path("")).await.good();
    assert_eq!(all["rooms"]["!r2"]["sessions"]["s3"], key, "everything");
    assert_eq!(amina.get(&path("/!none")).await.good(), json!({ "sessions": {} }), "a room without any");
    amina.get(&path("/!r1/none")).await.refused(404, "M_NOT_FOUND");
    let count = async |part: &str| amina.ask(Method::DELETE, &path(part), None).await.good()["count"].clone();
    assert_eq!(count("/!r1/s1").await, 2, "a session less");
    assert_eq!(count("/!r1").await, 1, "a room less");
    assert_eq!(count("").await, 0, "nothing");
}

#[tokio::test]
async fn a_better_key_replaces_a_worse_one_and_never_the_other_way_round() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let body = json!({ "algorithm": "a", "auth_data": {} });
    let version = text(&amina.post("/room_keys/version", &body).await.good()["version"]).to_owned();
    let path = format!("/room_keys/keys/!r/s?version={version}");
    // Client-server API, PUT /room_keys/keys/{roomId}/{sessionId}: the three comparisons in their order.
    for (put, kept) in [
        (session_key(5, 2, false), session_key(5, 2, false)),
        (session_key(5, 3, false), session_key(5, 2, false)),
        (session_key(5, 1, false), session_key(5, 1, false)),
        (session_key(6, 0, false), session_key(5, 1, false)),
        (session_key(4, 9, false), session_key(4, 9, false)),
        (session_key(9, 9, true), session_key(9, 9, true)),
        (session_key(0, 0, false), session_key(9, 9, true)),
    ] {
        amina.put(&path, &put).await.good();
        assert_eq!(amina.get(&path).await.good(), kept, "after {put}");
    }
}
