//! Events that are sent later (MSC4140): when they come, who puts them off, and which never come.

use crate::harness::{AMINA, Device, Home, IVO, LEYLA, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What a client in a call leaves.
const KIND: &str = "org.matrix.msc3401.call.member";
const WAITING: &str = "/client/unstable/org.matrix.msc4140/delayed_events";

impl Device<'_> {
    /// Sets this state after so many milliseconds.
    async fn sets_later(&self, room: &str, key: &str, delay: &str, content: &Value) -> crate::harness::Reply {
        let path = format!("/rooms/{room}/state/{KIND}/{key}?org.matrix.msc4140.delay={delay}");
        self.put(&path, content).await
    }

    /// The id of a state event that waits.
    async fn leaves(&self, room: &str, key: &str, delay: &str) -> String {
        let waits = self.sets_later(room, key, delay, &json!({ "gone": true })).await.good();
        assert!(waits.get("event_id").is_none(), "it is no event yet: {waits}");
        text(&waits["delay_id"]).to_owned()
    }

    async fn waiting(&self) -> Vec<Value> {
        let listed = self.home.ask(Method::GET, WAITING, Some(&self.token), None).await.good();
        listed["delayed_events"].as_array().expect("a list").clone()
    }

    async fn has_left(&self, room: &str, key: &str) -> bool {
        self.get(&format!("/rooms/{room}/state/{KIND}/{key}")).await.status == 200
    }
}

impl Home {
    /// As MatrixRTC's own token service does it: without a token.
    async fn acts(&self, id: &str, action: &str) -> crate::harness::Reply {
        self.ask(Method::POST, &format!("{WAITING}/{id}"), None, Some(&json!({ "action": action }))).await
    }

    fn passes(&self, seconds: i64) {
        self.running.clock.advance(seconds);
    }
}

#[tokio::test]
async fn a_delayed_state_event_is_set_when_its_time_has_come_and_dated_so() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let room = amina.create(&json!({})).await;
    let id = amina.leaves(&room, "a", "100000").await;
    let waiting = amina.waiting().await;
    let [one] = waiting.as_slice() else { panic!("one waits: {waiting:?}") };
    let expected = json!({ "gone": true });
    assert_eq!(
        (text(&one["delay_id"]), text(&one["room_id"]), text(&one["type"]), text(&one["state_key"]), &one["content"]),
        (id.as_str(), room.as_str(), KIND, "a", &expected),
        "it is listed as it was asked for"
    );
    assert_eq!((&one["delay_ms"], &one["delay"]), (&json!(100_000), &json!(100_000)), "under both names");
    let since = one["delayed_since_ts"].as_i64().expect("a time");
    assert_eq!(one["running_since"], since, "under both names");
    let path = format!("{WAITING}/{id}");
    let alone = home.ask(Method::GET, &path, Some(&amina.token), None).await.good();
    assert_eq!((text(&alone["delay_id"]), alone.get("delay")), (id.as_str(), None), "alone by its newer names");
    home.passes(90);
    assert!(!amina.has_left(&room, "a").await, "not yet");
    home.passes(20);
    assert!(amina.has_left(&room, "a").await, "its time has come");
    assert_eq!(amina.waiting().await, [] as [Value; 0], "it waits no more");
    home.ask(Method::GET, &path, Some(&amina.token), None).await.refused(404, "M_NOT_FOUND");
    let all = amina.get(&format!("/rooms/{room}/state")).await.good();
    let set = all.as_array().into_iter().flatten().find(|event| event["type"] == KIND).expect("it is set");
    assert_eq!(set["origin_server_ts"], since + 100_000, "dated when it was due, not when somebody looked");
    assert_eq!((text(&set["sender"]), &set["content"]), (amina.user.as_str(), &expected), "as it was asked for");
}

#[tokio::test]
async fn a_waiting_request_is_answered_by_a_message_that_is_due() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let room = amina.room_with(&leyla, json!({})).await;
    let since = leyla.caught_up().await;
    let message = json!({ "msgtype": "m.text", "body": "später" });
    let path = format!("/rooms/{room}/send/m.room.message/later?org.matrix.msc4140.delay=300000");
    let first = amina.put(&path, &message).await.good();
    let again = amina.put(&path, &message).await.good();
    assert_eq!(first["delay_id"], again["delay_id"], "the same transaction waits once");
    let begun = Instant::now();
    let query = format!("since={since}&timeout=60000");
    let (news, ()) = tokio::join!(leyla.sync(&query), async {
        // The other request is on its way while this one makes some rounds.
        for _ in 0..5 {
            amina.get("/account/whoami").await.good();
        }
        home.passes(301);
    });
    let events = &news["rooms"]["join"][&room]["timeline"]["events"];
    assert_eq!(crate::harness::bodies(events), ["später"], "it tells the message");
    assert!(begun.elapsed() < Duration::from_secs(30), "long before the minute is over");
}

#[tokio::test]
async fn an_event_comes_by_itself_after_a_short_delay() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let room = amina.create(&json!({})).await;
    let since = amina.caught_up().await;
    amina.leaves(&room, "a", "200").await;
    let news = amina.sync(&format!("since={since}&timeout=60000")).await;
    let events = &news["rooms"]["join"][&room]["timeline"]["events"];
    assert_eq!(crate::harness::kinds(events), [KIND], "nobody has moved a clock or asked for anything else");
}

#[tokio::test]
async fn what_waits_is_put_off_taken_back_or_sent_at_once_by_whoever_has_its_id() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let room = amina.create(&json!({})).await;
    let put_off = amina.leaves(&room, "a", "10000").await;
    for _ in 0..3 {
        home.passes(9);
        home.acts(&put_off, "restart").await.good();
    }
    assert!(!amina.has_left(&room, "a").await, "27 seconds of ten");
    home.passes(10);
    assert!(amina.has_left(&room, "a").await, "nobody has put it off any more");

    let taken_back = amina.leaves(&room, "b", "10000").await;
    home.acts(&taken_back, "cancel").await.good();
    home.passes(11);
    assert!(!amina.has_left(&room, "b").await, "it was taken back");

    let at_once = amina.leaves(&room, "c", "10000").await;
    home.acts(&at_once, "send").await.good();
    assert!(amina.has_left(&room, "c").await, "before its time");

    for (id, action) in [(&put_off, "restart"), (&taken_back, "send"), (&at_once, "cancel")] {
        home.acts(id, action).await.refused(404, "M_NOT_FOUND");
    }
    for action in ["cancel", "restart", "send"] {
        let id = amina.leaves(&room, "d", "10000").await;
        home.ask(Method::POST, &format!("{WAITING}/{id}/{action}"), None, None).await.good();
    }
    home.acts("syd_nothing", "wait").await.refused(400, "M_INVALID_PARAM");
    let path = format!("{WAITING}/syd_nothing");
    home.ask(Method::POST, &path, None, Some(&json!({}))).await.refused(400, "M_MISSING_PARAM");
}

#[tokio::test]
async fn nobody_is_told_what_waits_for_others() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let room = amina.room_with(&leyla, json!({})).await;
    let id = amina.leaves(&room, "a", "10000").await;
    assert_eq!(leyla.waiting().await, [] as [Value; 0], "none of hers");
    let path = format!("{WAITING}/{id}");
    home.ask(Method::GET, &path, Some(&leyla.token), None).await.refused(404, "M_NOT_FOUND");
    home.ask(Method::GET, WAITING, None, None).await.refused(401, "M_MISSING_TOKEN");
}

#[tokio::test]
async fn a_state_that_somebody_else_sets_takes_back_what_waits_for_it() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let levels = json!({ "power_level_content_override": { "events": { KIND: 0 } } });
    let room = amina.room_with(&leyla, levels).await;
    let (own, other) = (amina.leaves(&room, "a", "10000").await, amina.leaves(&room, "b", "10000").await);
    let here = json!({ "here": true });
    amina.put(&format!("/rooms/{room}/state/{KIND}/a"), &here).await.good();
    assert_eq!(amina.waiting().await.len(), 2, "one's own changes nothing");
    leyla.put(&format!("/rooms/{room}/state/{KIND}/b"), &here).await.good();
    let left: Vec<String> = amina.waiting().await.iter().map(|one| text(&one["delay_id"]).to_owned()).collect();
    assert_eq!(left, [own], "the other is taken back");
    home.acts(&other, "send").await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn what_its_sender_may_not_send_when_it_is_due_is_lost() {
    let home = Home::start().await;
    let (amina, ivo) = (home.device(AMINA).await, home.device(IVO).await);
    let room = amina.create(&json!({})).await;
    ivo.leaves(&room, "b", "10000").await;
    home.passes(11);
    assert!(!amina.has_left(&room, "b").await, "he is not in the room");
    assert_eq!(ivo.waiting().await, [] as [Value; 0], "and it waits no more");
    let refused = ivo.leaves(&room, "c", "10000").await;
    home.acts(&refused, "send").await.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn delays_and_their_number_have_limits_that_are_told() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let room = amina.create(&json!({})).await;
    let versions = home.ask(Method::GET, "/client/versions", None, None).await.good();
    assert_eq!(versions["unstable_features"]["org.matrix.msc4140"], true, "clients look here");
    let told = amina.get("/capabilities").await.good()["capabilities"]["org.matrix.msc4140.delayed_events"].clone();
    let day = 24 * 3600 * 1000;
    assert_eq!(told, json!({ "max_delay_ms": day, "max_scheduled": 100 }), "and here");
    let content = json!({});
    let later = async |delay: &str| amina.sets_later(&room, "a", delay, &content).await;
    later(&day.to_string()).await.good();
    later(&(day + 1).to_string()).await.refused(400, "ORG.MATRIX.MSC4140_DELAY_TOO_LARGE");
    for wrong in ["-1", "soon", ""] {
        later(wrong).await.refused(400, "M_INVALID_PARAM");
    }
    amina.sets_later("!nowhere:x", "a", "1000", &content).await.refused(404, "M_NOT_FOUND");
    for _ in 1..100 {
        later("60000").await.good();
    }
    let full = later("60000").await;
    full.refused(429, "M_LIMIT_EXCEEDED");
    let wait = full.body["retry_after_ms"].as_u64().expect("until when");
    assert!((1..=60_000).contains(&wait), "until the first is due: {wait}");
    home.passes(61);
    later("60000").await.good();
}
