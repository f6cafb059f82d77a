//! Reading back: pages, context, relations, redactions, and what a newcomer sees.

use crate::harness::{AMINA, Device, Home, LEYLA, bodies, text};
use serde_json::{Value, json};

#[tokio::test]
async fn a_history_is_paged_back_to_its_beginning_and_forward_again() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let room = amina.create(&json!({})).await;
    for number in 0..25 {
        amina.say(&room, &number.to_string()).await;
    }
    let filter = "filter=%7B%22types%22%3A%5B%22m.room.message%22%5D%7D";
    let mut from = String::new();
    let mut seen = Vec::new();
    loop {
        let at = if from.is_empty() { String::new() } else { format!("&from={from}") };
        let page = amina.get(&format!("/rooms/{room}/messages?dir=b&limit=10&{filter}{at}")).await.good();
        seen.extend(bodies(&page["chunk"]).into_iter().map(str::to_owned));
        match page["end"].as_str() {
            Some(end) => from = end.to_owned(),
            None => break,
        }
    }
    let back: Vec<String> = (0..25).rev().map(|number| number.to_string()).collect();
    assert_eq!(seen, back, "newest first, each once, and no token at the beginning");
    let page = amina.get(&format!("/rooms/{room}/messages?dir=f&limit=30&{filter}")).await.good();
    assert_eq!(bodies(&page["chunk"]).len(), 25, "forward from the beginning");
    assert_eq!(bodies(&page["chunk"])[0], "0", "oldest first");
    amina.get(&format!("/rooms/{room}/messages")).await.refused(400, "M_MISSING_PARAM");
}

#[tokio::test]
async fn an_event_is_found_with_what_stands_around_it() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let room = amina.create(&json!({})).await;
    let mut ids = Vec::new();
    for number in 0..9 {
        ids.push(amina.say(&room, &number.to_string()).await);
    }
    let event = amina.get(&format!("/rooms/{room}/event/{}", ids[4])).await.good();
    assert_eq!((text(&event["room_id"]), text(&event["content"]["body"])), (room.as_str(), "4"), "the event itself");
    let context = amina.get(&format!("/rooms/{room}/context/{}?limit=4", ids[4])).await.good();
    assert_eq!(bodies(&context["events_before"]), ["3", "2"], "going away from it");
    assert_eq!(bodies(&context["events_after"]), ["5", "6"], "on both sides");
    let older = format!("/rooms/{room}/messages?dir=b&limit=2&from={}", text(&context["start"]));
    assert_eq!(bodies(&amina.get(&older).await.good()["chunk"]), ["1", "0"], "its start leads on");
    let newer = format!("/rooms/{room}/messages?dir=f&limit=2&from={}", text(&context["end"]));
    assert_eq!(bodies(&amina.get(&newer).await.good()["chunk"]), ["7", "8"], "and its end");
    amina.get(&format!("/rooms/{room}/event/$none")).await.refused(404, "M_NOT_FOUND");
    let first = amina.newer(&format!("/rooms/{room}/timestamp_to_event?dir=f&ts=0")).await.good();
    let create = amina.get(&format!("/rooms/{room}/state/m.room.create/?format=event")).await.good();
    assert_eq!(first["event_id"], create["event_id"], "the first event after the epoch");
}

#[tokio::test]
async fn edits_and_reactions_are_found_by_what_they_relate_to() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let room = amina.create(&json!({})).await;
    let event = amina.say(&room, "Tubmor").await;
    let edit = json!({
        "msgtype": "m.text", "body": "* Tumor", "m.new_content": { "msgtype": "m.text", "body": "Tumor" },
        "m.relates_to": { "rel_type": "m.replace", "event_id": event },
    });
    let edited = amina.send(&room, "m.room.message", &edit).await.good();
    let like = json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": event, "key": "👍" } });
    amina.send(&room, "m.reaction", &like).await.good();
    let shown = amina.get(&format!("/rooms/{room}/event/{event}")).await.good();
    let bundled = &shown["unsigned"]["m.relations"]["m.replace"];
    assert_eq!(bundled["event_id"], edited["event_id"], "the newest edit comes with the event");
    let count = async |rest: &str| {
        let page = amina.newer(&format!("/rooms/{room}/relations/{event}{rest}")).await.good();
        page["chunk"].as_array().map(Vec::len)
    };
    assert_eq!(count("").await, Some(2), "both");
    assert_eq!(count("/m.annotation").await, Some(1), "by relation");
    assert_eq!(count("/m.replace/m.room.message").await, Some(1), "and by kind");
    assert_eq!(count("/m.replace/m.reaction").await, Some(0), "which has to fit");
}

async fn redact(who: &Device<'_>, room: &str, event: &str) -> crate::harness::Reply {
    let path = format!("/rooms/{room}/redact/{event}/{}", who.home.transaction());
    who.put(&path, &json!({ "reason": "vertippt" })).await
}

#[tokio::test]
async fn a_redaction_empties_the_event_and_says_who_and_why() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let room = amina.room_with(&leyla, json!({})).await;
    let event = amina.say(&room, "falscher Fall").await;
    let since = leyla.caught_up().await;
    redact(&leyla, &room, &event).await.refused(403, "M_FORBIDDEN");
    let redaction = redact(&amina, &room, &event).await.good();
    let shown = leyla.get(&format!("/rooms/{room}/event/{event}")).await.good();
    assert_eq!(shown["content"], json!({}), "nothing of it is left");
    let because = &shown["unsigned"]["redacted_because"];
    assert_eq!(because["event_id"], redaction["event_id"], "by which event");
    assert_eq!(
        (text(&because["sender"]), text(&because["content"]["reason"])),
        (amina.user.as_str(), "vertippt"),
        "who"
    );
    let news = leyla.sync(&format!("since={since}")).await;
    let told = &news["rooms"]["join"][&room]["timeline"]["events"][0];
    assert_eq!(told["redacts"], event, "the redaction itself names its target");
    redact(&amina, &room, "$none").await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn a_message_is_not_redacted_after_a_day() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let room = amina.create(&json!({})).await;
    let event = amina.say(&room, "bleibt").await;
    home.running.clock.advance(24 * 3600 + 1);
    redact(&amina, &room, &event).await.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn a_redacted_reaction_may_be_given_again() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let room = amina.create(&json!({})).await;
    let event = amina.say(&room, "x").await;
    let like = json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": event, "key": "👍" } });
    let first = amina.send(&room, "m.reaction", &like).await.good();
    redact(&amina, &room, text(&first["event_id"])).await.good();
    amina.send(&room, "m.reaction", &like).await.good();
}

/// What a newcomer reads who was invited after the first word and joined after the second.
async fn read_by_newcomer(visibility: &str) -> (Vec<String>, Vec<String>) {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let since = leyla.caught_up().await;
    let state = json!([{ "type": "m.room.history_visibility", "content": { "history_visibility": visibility } }]);
    let room = amina.create(&json!({ "initial_state": state })).await;
    amina.say(&room, "vorher").await;
    amina.post(&format!("/rooms/{room}/invite"), &json!({ "user_id": leyla.user })).await.good();
    amina.say(&room, "eingeladen").await;
    leyla.join(&room).await.good();
    amina.say(&room, "dabei").await;
    let owned = |events: &Value| bodies(events).into_iter().map(str::to_owned).collect::<Vec<_>>();
    let page = leyla.get(&format!("/rooms/{room}/messages?dir=f&limit=50")).await.good();
    let news = leyla.sync(&format!("since={since}")).await;
    (owned(&page["chunk"]), owned(&news["rooms"]["join"][&room]["timeline"]["events"]))
}

#[tokio::test]
async fn a_newcomer_reads_as_much_as_the_history_visibility_allows() {
    // Client-server API, "Room history visibility".
    for (visibility, expected) in [
        ("shared", &["vorher", "eingeladen", "dabei"][..]),
        ("invited", &["eingeladen", "dabei"]),
        ("joined", &["dabei"]),
    ] {
        let (paged, synced) = read_by_newcomer(visibility).await;
        assert_eq!(paged, expected, "{visibility}: pages");
        assert_eq!(synced, expected, "{visibility}: /sync");
    }
}

#[tokio::test]
async fn who_has_left_reads_up_to_there_and_no_further() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let room = amina.room_with(&leyla, json!({})).await;
    amina.say(&room, "noch da").await;
    let since = leyla.caught_up().await;
    amina.post(&format!("/rooms/{room}/kick"), &json!({ "user_id": leyla.user })).await.good();
    let later = amina.say(&room, "unter uns").await;
    let page = leyla.get(&format!("/rooms/{room}/messages?dir=b")).await.good();
    assert_eq!(bodies(&page["chunk"]), ["noch da"], "nothing after the end");
    leyla.get(&format!("/rooms/{room}/event/{later}")).await.refused(404, "M_NOT_FOUND");
    let news = leyla.sync(&format!("since={since}")).await;
    let left = &news["rooms"]["leave"][&room]["timeline"]["events"];
    assert_eq!(left.as_array().map(Vec::len), Some(1), "/sync tells of the end alone: {left}");
    assert_eq!(left[0]["content"]["membership"], "leave", "which was a kick");
    let empty = leyla.sync(&format!("since={}", text(&news["next_batch"]))).await;
    assert!(empty.get("rooms").is_none(), "and tells it once");
}
