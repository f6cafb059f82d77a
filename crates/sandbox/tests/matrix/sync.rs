//! `/sync`: what it tells, when it wakes, and what it leaves out.

use crate::harness::{AMINA, Home, IVO, LEYLA, bodies, kinds, text};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A filter as matrix-rust-sdk sends it: JSON in the query.
fn lazy(limit: u32) -> String {
    format!(
        "filter=%7B%22room%22%3A%7B%22state%22%3A%7B%22lazy_load_members%22%3Atrue%7D%2C\
         %22timeline%22%3A%7B%22limit%22%3A{limit}%7D%7D%7D"
    )
}

#[tokio::test]
async fn a_waiting_request_is_answered_by_the_next_message() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let room = amina.room_with(&leyla, json!({})).await;
    let since = leyla.caught_up().await;
    let begun = Instant::now();
    let query = format!("since={since}&timeout=60000");
    let (news, _) = tokio::join!(leyla.sync(&query), async {
        // The other request is on its way while this one makes some rounds.
        for _ in 0..5 {
            amina.get("/account/whoami").await.good();
        }
        amina.say(&room, "jetzt").await
    });
    assert_eq!(bodies(&news["rooms"]["join"][&room]["timeline"]["events"]), ["jetzt"], "it tells the message");
    assert!(begun.elapsed() < Duration::from_secs(30), "long before the minute is over");
}

#[tokio::test]
async fn a_server_that_stops_keeps_nobody_waiting() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let since = amina.caught_up().await;
    let url = home.url(&format!("/_matrix/client/v3/sync?since={since}&timeout=60000"));
    let waiting = home.client.get(url).bearer_auth(&amina.token).send();
    let begun = Instant::now();
    let (answer, ()) = tokio::join!(waiting, async {
        for _ in 0..5 {
            amina.get("/account/whoami").await.good();
        }
        home.running.matrix().stop_waiting();
    });
    assert_eq!(answer.map(|answer| answer.status().as_u16()).ok(), Some(200), "it is answered as if time were over");
    assert!(begun.elapsed() < Duration::from_secs(30), "long before the minute is over");
}

#[tokio::test]
async fn without_news_a_request_ends_when_its_time_is_over() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let since = amina.caught_up().await;
    let news = amina.sync(&format!("since={since}&timeout=50")).await;
    assert!(news.get("rooms").is_none() && news.get("account_data").is_none(), "nothing is new: {news}");
    assert_eq!(news["to_device"]["events"], json!([]), "for the device as well");
    amina.get("/sync?since=x").await.refused(400, "M_INVALID_PARAM");
}

#[tokio::test]
async fn the_first_answer_is_the_present_and_later_ones_only_what_is_new() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let room = amina.room_with(&leyla, json!({ "name": "Tumorboard" })).await;
    for number in 0..15 {
        amina.say(&room, &number.to_string()).await;
    }
    let first = leyla.sync("").await;
    let joined = &first["rooms"]["join"][&room];
    assert_eq!(bodies(&joined["timeline"]["events"]).len(), 10, "ten by default");
    assert_eq!(joined["timeline"]["limited"], true, "there is more");
    assert_eq!(joined["unread_notifications"]["notification_count"], 15, "she has read none of them");
    assert!(kinds(&joined["state"]["events"]).contains(&"m.room.name"), "state stands before the timeline");
    let older = format!("/rooms/{room}/messages?dir=b&limit=3&from={}", text(&joined["timeline"]["prev_batch"]));
    assert_eq!(bodies(&leyla.get(&older).await.good()["chunk"]), ["4", "3", "2"], "where it leads on");
    assert_eq!(kinds(&first["account_data"]["events"]), ["m.push_rules"], "the predefined rules");
    let since = text(&first["next_batch"]);
    amina.say(&room, "neu").await;
    let next = leyla.sync(&format!("since={since}")).await;
    let joined = &next["rooms"]["join"][&room];
    assert_eq!(bodies(&joined["timeline"]["events"]), ["neu"], "only that");
    assert_eq!(joined["state"]["events"], json!([]), "no state again");
    assert_eq!(joined["timeline"]["limited"], false, "without a gap");
    assert!(joined["timeline"]["events"][0].get("room_id").is_none(), "the room is known");
    let full = leyla.sync(&format!("since={}&full_state=true", text(&next["next_batch"]))).await;
    let state = kinds(&full["rooms"]["join"][&room]["state"]["events"]).len();
    assert!(state >= 8, "all of the state when it is asked for: {state}");
}

#[tokio::test]
async fn a_gap_is_told_with_the_state_that_changed_in_it() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let room = amina.room_with(&leyla, json!({})).await;
    let since = leyla.caught_up().await;
    amina.put(&format!("/rooms/{room}/state/m.room.topic"), &json!({ "topic": "Dienstag" })).await.good();
    for number in 0..8 {
        amina.say(&room, &number.to_string()).await;
    }
    let news = leyla.sync(&format!("since={since}&{}", lazy(5))).await;
    let joined = &news["rooms"]["join"][&room];
    assert_eq!(bodies(&joined["timeline"]["events"]), ["3", "4", "5", "6", "7"], "the newest five");
    assert_eq!(joined["timeline"]["limited"], true, "with a gap");
    let state = kinds(&joined["state"]["events"]);
    assert!(state.contains(&"m.room.topic"), "the topic was set in the gap: {state:?}");
    assert!(!state.contains(&"m.room.create"), "what is old is not told again");
}

#[tokio::test]
async fn lazy_loading_sends_only_the_members_that_are_needed() {
    let home = Home::start().await;
    let (amina, leyla, ivo) = (home.device(AMINA).await, home.device(LEYLA).await, home.device(IVO).await);
    let room = amina.room_with(&leyla, json!({ "name": "Tumorboard" })).await;
    amina.post(&format!("/rooms/{room}/invite"), &json!({ "user_id": ivo.user })).await.good();
    ivo.join(&room).await.good();
    for number in 0..3 {
        leyla.say(&room, &number.to_string()).await;
    }
    let members = |joined: &Value| -> Vec<String> {
        let state = joined["state"]["events"].as_array().cloned().unwrap_or_default();
        let members = state.into_iter().filter(|event| event["type"] == "m.room.member");
        members.map(|event| text(&event["state_key"]).to_owned()).collect()
    };
    let first = amina.sync(&lazy(2)).await;
    let joined = &first["rooms"]["join"][&room];
    let mut needed = members(joined);
    needed.sort();
    assert_eq!(needed, [amina.user.clone(), leyla.user.clone()], "herself and who wrote");
    assert_eq!(joined["summary"]["m.joined_member_count"], 3, "how many there are");
    assert!(joined["summary"].get("m.heroes").is_none(), "a room with a name needs no heroes");
    let everybody = amina.sync("filter=%7B%22room%22%3A%7B%22timeline%22%3A%7B%22limit%22%3A2%7D%7D%7D").await;
    assert_eq!(members(&everybody["rooms"]["join"][&room]).len(), 3, "without it all of them");
    assert!(everybody["rooms"]["join"][&room].get("summary").is_none(), "and no summary");
}

#[tokio::test]
async fn a_room_without_a_name_is_called_by_its_members() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let room = amina.create(&json!({ "invite": [leyla.user], "is_direct": true })).await;
    let first = amina.sync(&lazy(10)).await;
    let summary = &first["rooms"]["join"][&room]["summary"];
    assert_eq!(summary["m.heroes"], json!([leyla.user]), "the invited one counts");
    assert_eq!((&summary["m.joined_member_count"], &summary["m.invited_member_count"]), (&json!(1), &json!(1)), "both");
    leyla.join(&room).await.good();
    let next = amina.sync(&format!("since={}&{}", text(&first["next_batch"]), lazy(10))).await;
    assert_eq!(next["rooms"]["join"][&room]["summary"]["m.joined_member_count"], 2, "told again when it changes");
}

#[tokio::test]
async fn an_invitation_shows_what_the_room_is_and_who_invites() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let since = leyla.caught_up().await;
    let encryption = json!([{ "type": "m.room.encryption", "content": { "algorithm": "m.megolm.v1.aes-sha2" } }]);
    let body = json!({ "name": "Fall", "invite": [leyla.user], "is_direct": true, "initial_state": encryption });
    let room = amina.create(&body).await;
    let news = leyla.sync(&format!("since={since}")).await;
    let events = &news["rooms"]["invite"][&room]["invite_state"]["events"];
    for kind in ["m.room.create", "m.room.name", "m.room.encryption", "m.room.join_rules"] {
        assert!(kinds(events).contains(&kind), "{kind} is shown: {events}");
    }
    let own: Vec<&Value> =
        events.as_array().into_iter().flatten().filter(|event| event["state_key"] == leyla.user).collect();
    assert_eq!(
        (text(&own[0]["sender"]), &own[0]["content"]["is_direct"]),
        (amina.user.as_str(), &json!(true)),
        "by whom"
    );
    assert!(events.as_array().into_iter().flatten().any(|event| event["state_key"] == amina.user), "and their name");
    leyla.post(&format!("/rooms/{room}/leave"), &json!({})).await.good();
    let after = leyla.sync(&format!("since={}", text(&news["next_batch"]))).await;
    let left = &after["rooms"]["leave"][&room];
    assert_eq!(left["state"]["events"], json!([]), "who refuses learns nothing of the room");
    assert!(bodies(&left["timeline"]["events"]).is_empty(), "and reads nothing");
}

#[tokio::test]
async fn ones_own_events_carry_their_transaction_on_the_device_that_sent_them() {
    let home = Home::start().await;
    let (one, two) = (home.device(AMINA).await, home.device(AMINA).await);
    let room = one.create(&json!({})).await;
    let (here, there) = (one.caught_up().await, two.caught_up().await);
    one.put(&format!("/rooms/{room}/send/m.room.message/mine"), &json!({ "body": "x" })).await.good();
    let told = one.sync(&format!("since={here}")).await;
    let event = &told["rooms"]["join"][&room]["timeline"]["events"][0];
    assert_eq!(event["unsigned"]["transaction_id"], "mine", "its local echo is recognized");
    let told = two.sync(&format!("since={there}")).await;
    let event = &told["rooms"]["join"][&room]["timeline"]["events"][0];
    assert!(event["unsigned"].get("transaction_id").is_none(), "the other device has no echo");
}

#[tokio::test]
async fn receipts_and_typing_are_told_and_private_receipts_to_oneself() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let room = amina.room_with(&leyla, json!({})).await;
    let event = amina.say(&room, "gelesen?").await;
    let (hers, mine) = (leyla.caught_up().await, amina.caught_up().await);
    let receipt = async |kind: &str| {
        leyla.post(&format!("/rooms/{room}/receipt/{kind}/{event}"), &json!({})).await.good();
    };
    receipt("m.read.private").await;
    let news = leyla.sync(&format!("since={hers}")).await;
    let joined = &news["rooms"]["join"][&room];
    let own = &joined["ephemeral"]["events"][0]["content"][&event]["m.read.private"][&leyla.user];
    assert!(own["ts"].is_i64(), "her own is told to her: {joined}");
    assert_eq!(joined["unread_notifications"]["notification_count"], 0, "it is read");
    let news = amina.sync(&format!("since={mine}")).await;
    assert!(news.get("rooms").is_none(), "nobody else learns of it: {news}");
    receipt("m.read").await;
    leyla
        .put(&format!("/rooms/{room}/typing/{}", leyla.user), &json!({ "typing": true, "timeout": 30000 }))
        .await
        .good();
    let news = amina.sync(&format!("since={mine}")).await;
    let ephemeral = &news["rooms"]["join"][&room]["ephemeral"]["events"];
    assert_eq!(kinds(ephemeral), ["m.receipt", "m.typing"], "both are told: {ephemeral}");
    assert!(ephemeral[0]["content"][&event]["m.read"][&leyla.user]["ts"].is_i64(), "the public receipt");
    assert_eq!(ephemeral[1]["content"]["user_ids"], json!([leyla.user]), "who types");
    home.running.clock.advance(31);
    let news = amina.sync(&format!("since={}", text(&news["next_batch"]))).await;
    let ephemeral = &news["rooms"]["join"][&room]["ephemeral"]["events"];
    assert_eq!(ephemeral[0]["content"]["user_ids"], json!([]), "who does not repeat it has stopped");
    leyla.post(&format!("/rooms/{room}/receipt/m.seen/{event}"), &json!({})).await.refused(400, "M_INVALID_PARAM");
}

#[tokio::test]
async fn a_stored_filter_is_the_same_as_one_in_the_query() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let room = amina.create(&json!({})).await;
    for number in 0..5 {
        amina.say(&room, &number.to_string()).await;
    }
    let filter = json!({ "room": { "timeline": { "limit": 2 }, "state": { "lazy_load_members": true } } });
    let path = format!("/user/{}/filter", amina.user);
    let stored = amina.post(&path, &filter).await.good();
    let id = text(&stored["filter_id"]);
    assert_eq!(amina.get(&format!("{path}/{id}")).await.good(), filter, "it comes back");
    let by_id = amina.sync(&format!("filter={id}")).await;
    let by_query = amina.sync(&lazy(2)).await;
    let timeline = |answer: &Value| answer["rooms"]["join"][&room]["timeline"]["events"].as_array().map(Vec::len);
    assert_eq!((timeline(&by_id), timeline(&by_query)), (Some(2), Some(2)), "two events in both");
    amina.get("/sync?filter=99").await.refused(404, "M_NOT_FOUND");
}
