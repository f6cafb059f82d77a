//! What goes wrong between the client and its homeserver, and what the person sees of it. A TI-Messenger's proxy stands
//! in between and spoils the answers.

use super::{Device, Home, count, reads, says, sees, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use testkit::Spoiled;
use testkit::tim::{Unknown, refusal};
use tim::{
    Account, AccountError, Act, Body, Conversation, LastKind, Line, NewConversation, Pending, Sending, SendingFailed,
    SyncState, Undecryptable,
};
use tokio::time::timeout;

/// Two people in a conversation: the one behind the proxy, the other past it.
struct Apart {
    home: Home,
    one: Device,
    other: Device,
    mine: Conversation,
    theirs: Conversation,
    room: String,
    /// User names.
    first: String,
    second: String,
}

async fn apart() -> Apart {
    let home = Home::behind(Unknown::NotFound).await;
    let past = home.past_the_proxy();
    let (first, second) = (home.person("dr-falkenried").await, home.person("dr-sonnkaya").await);
    let (one, other) = (home.device(&first).await, past.device(&second).await);
    let room = one.account.begin(NewConversation::Direct(&home.id(&second))).await.expect("it may be begun");
    other.comes_to(&room).await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    // Each has the other's keys from here on.
    mine.send("hin", None).await.expect("it is taken");
    sees(&theirs, "the first", says("hin")).await;
    theirs.send("her", None).await.expect("it is taken");
    sees(&mine, "the second", says("her")).await;
    Apart { home, one, other, mine, theirs, room, first, second }
}

impl Apart {
    /// How many encrypted events the homeserver has of the first person.
    async fn sent(&self) -> usize {
        let path = format!("/_matrix/client/v3/rooms/{}/messages?dir=b&limit=100", self.room);
        let raw = self.home.ask(&self.first, &path).await;
        let own = self.home.id(&self.first);
        let events = raw["chunk"].as_array().expect("events");
        events.iter().filter(|event| event["type"] == "m.room.encrypted" && event["sender"] == own.as_str()).count()
    }

    /// Waits until the device knows by the homeserver's clock that its lines are older than a day: a notice is never
    /// changed, and can be deleted as long as it is young.
    async fn knows_that_it_is_too_late(&self, mine: &Conversation) {
        let token = self.home.token(&self.first).await;
        let path =
            format!("/_matrix/client/v3/rooms/{}/send/m.room.message/{:032x}", self.room, rand::random::<u128>());
        let notice = json!({ "msgtype": "m.notice", "body": "Hinweis" });
        let (status, _) = self.home.does(Method::PUT, &token, &path, &notice).await;
        assert_eq!(status, 200, "it is taken");
        sees(mine, "the old notice", |m| says("Hinweis")(m) && m.event.is_some() && !m.may_redact).await;
    }

    async fn comes_to(&self, what: &str, wanted: impl FnMut(&SyncState) -> bool) {
        let mut state = self.one.account.state();
        let come = timeout(testkit::PATIENCE, state.wait_for(wanted));
        come.await.unwrap_or_else(|_elapsed| panic!("not in time: {what}")).expect("the account lives");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_a_newer_version_is_kept_and_not_opened() {
    let home = Home::sandbox().await;
    let one = home.device("dr-falkenried").await;
    let mark = one.folder().join("generation");
    let own: u32 = std::fs::read_to_string(&mark).expect("it is marked").parse().expect("a number");
    let Device { account, folder, shelf } = one;
    drop(account);
    let newer = (own + 1).to_string();
    std::fs::write(&mark, &newer).expect("it can be written");
    let refused = Account::restore(super::options(&folder, &shelf), &shelf.kept()).await;
    assert!(matches!(refused, Err(AccountError::Newer(_))), "it is said: {refused:?}");
    assert_eq!(std::fs::read_to_string(&mark).expect("it is there"), newer, "and left as it is");
    let way = tim::SignIn::Password { user: "dr-falkenried", password: sandbox::PASSWORD };
    let refused = Account::sign_in(super::options(&folder, &shelf), &home.homeserver, way, "a test").await;
    assert!(matches!(refused, Err(AccountError::Newer(_))), "nor is another device begun over it: {refused:?}");
    assert_eq!(std::fs::read_to_string(&mark).expect("it is there"), newer, "it is where it was");
    std::fs::write(&mark, own.to_string()).expect("it can be written");
    let restored = Account::restore(super::options(&folder, &shelf), &shelf.kept()).await;
    assert!(restored.is_ok(), "with its program it goes on: {restored:?}");
}

/// A fault and its name.
type Fault = (&'static str, fn() -> Spoiled);

fn sends(path: &str) -> bool {
    path.contains("/send/m.room.encrypted/")
}

fn syncs(path: &str) -> bool {
    path.starts_with("/_matrix/client/v3/sync")
}

fn too_many(retry_after: Option<u32>) -> Spoiled {
    let body = json!({ "errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests" });
    Spoiled::Instead { status: 429, retry_after, body }
}

fn is_offline(state: &SyncState) -> bool {
    matches!(state, SyncState::Offline { .. })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_homeserver_that_names_a_time_is_asked_no_sooner() {
    let apart = apart().await;
    let asked = Arc::<Mutex<Vec<Instant>>>::default();
    let record = asked.clone();
    apart.home.proxy().spoil(move |_, path| {
        if !sends(path) {
            return Spoiled::Not;
        }
        let mut asked = record.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push(Instant::now());
        // RFC 9110 §10.2.3, as the client-server API v1.11 §4.4 has it.
        if asked.len() == 1 { too_many(Some(3)) } else { Spoiled::Not }
    });
    apart.mine.send("mit Geduld", None).await.expect("it is taken");
    sees(&apart.theirs, "the message", says("mit Geduld")).await;
    let asked = asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(asked[1].duration_since(asked[0]) >= Duration::from_secs(3), "the time was waited for");
    assert_eq!(asked.len(), 2, "and it was asked once more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_refused_for_a_while_is_sent_once_in_the_end_without_the_person() {
    let apart = apart().await;
    let rules: [Fault; 4] = [
        ("429", || too_many(None)),
        ("502", || Spoiled::Status(502)),
        ("500", || refusal(500, "M_UNKNOWN", "Internal server error")),
        ("cut", || Spoiled::Hangup),
    ];
    let before = apart.sent().await;
    for (name, rule) in rules {
        // More than one request tries by itself.
        let left = AtomicUsize::new(5);
        apart.home.proxy().spoil(move |_, path| {
            let spoil =
                sends(path) && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
            if spoil { rule() } else { Spoiled::Not }
        });
        apart.mine.send(name, None).await.expect("it is taken");
        sees(&apart.mine, "that it waits", |m| text(m) == Some(name) && m.sending == Sending::Waiting).await;
        sees(&apart.theirs, name, says(name)).await;
        sees(&apart.mine, "that it is sent", |m| text(m) == Some(name) && m.event.is_some()).await;
    }
    assert_eq!(apart.sent().await - before, rules.len(), "each of them once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_breaks_off_after_the_message_was_taken_sends_it_no_second_time() {
    let apart = apart().await;
    let before = apart.sent().await;
    let first = AtomicUsize::new(0);
    apart.home.proxy().spoil(move |_, path| {
        if sends(path) && first.fetch_add(1, Ordering::SeqCst) == 0 { Spoiled::Half } else { Spoiled::Not }
    });
    apart.mine.send("einmal", None).await.expect("it is taken");
    sees(&apart.mine, "that it is sent", |m| says("einmal")(m) && m.event.is_some()).await;
    sees(&apart.theirs, "the message", says("einmal")).await;
    assert_eq!(apart.sent().await - before, 1, "the same transaction is the same event (client-server API v1.11 §4.3)");
    reads(&apart.mine, "one line", |lines| count(lines, "einmal") == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_the_homeserver_will_never_take_is_said_so_and_can_be_given_up() {
    let apart = apart().await;
    // Client-server API v1.11 §4.2: the request, or what is in it, is too large.
    apart.home.proxy().spoil(
        |_, path| {
            if sends(path) { refusal(413, "M_TOO_LARGE", "event too large") } else { Spoiled::Not }
        },
    );
    apart.mine.send("zu groß", None).await.expect("it is taken");
    let failed = sees(&apart.mine, "that it failed", |m| matches!(m.sending, Sending::Failed(_))).await;
    assert_eq!(failed.sending, Sending::Failed(SendingFailed::TooLarge), "as the homeserver says");
    apart.home.proxy().heal();
    apart.mine.cancel(&failed.id).await.expect("it may be given up");
    apart.mine.send("danach", None).await.expect("it is taken");
    sees(&apart.theirs, "the next", says("danach")).await;
    let gone = apart.theirs.lines().iter().all(|line| !matches!(line, Line::Message(m) if text(m) == Some("zu groß")));
    assert!(gone, "what was given up never arrives");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_fails_in_any_way_is_told_as_offline_and_misses_nothing() {
    let apart = apart().await;
    let rules: [Fault; 5] = [
        ("429", || too_many(Some(1))),
        ("503", || Spoiled::Status(503)),
        ("cut", || Spoiled::Hangup),
        ("half", || Spoiled::Half),
        ("a page", || Spoiled::Bytes(|_| b"<!doctype html><title>Proxy</title>".to_vec())),
    ];
    for (name, rule) in rules {
        apart.home.proxy().spoil(move |_, path| if syncs(path) { rule() } else { Spoiled::Not });
        // Ends the question that is open.
        apart.theirs.send("Weckruf", None).await.expect("it is taken");
        apart.comes_to(name, is_offline).await;
        apart.theirs.send(name, None).await.expect("it is taken");
        sees(&apart.theirs, "that it is sent", |m| text(m) == Some(name) && m.event.is_some()).await;
        apart.home.proxy().heal();
        apart.comes_to("that it is back", |state| *state == SyncState::Ready).await;
        sees(&apart.mine, name, says(name)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_token_is_refreshed_in_mid_sync_and_kept() {
    let apart = apart().await;
    let before = apart.one.kept();
    let (expired, refreshed) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let count = refreshed.clone();
    apart.home.proxy().spoil(move |_, path| {
        if path.ends_with("/refresh") {
            count.fetch_add(1, Ordering::SeqCst);
        }
        // Client-server API v1.11 §5.7.1, soft logout.
        if syncs(path) && expired.fetch_add(1, Ordering::SeqCst) == 0 { expired_token(true) } else { Spoiled::Not }
    });
    apart.theirs.send("Weckruf", None).await.expect("it is taken");
    apart.theirs.send("nach dem Ablauf", None).await.expect("it is taken");
    sees(&apart.mine, "the message", says("nach dem Ablauf")).await;
    assert_eq!(refreshed.load(Ordering::SeqCst), 1, "refreshed once");
    assert_ne!(*apart.one.kept(), *before, "what is kept for the next start is new");
    let Apart { one, mine, room, theirs, other, .. } = apart;
    drop(mine);
    let one = one.restarted().await;
    theirs.send("nach dem Neustart", None).await.expect("it is taken");
    sees(&one.opens(&room).await, "with the new tokens", says("nach dem Neustart")).await;
    drop(other);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_that_is_lost_on_the_way_signs_nobody_out() {
    let apart = apart().await;
    apart.home.proxy().spoil(move |_, path| {
        if path.ends_with("/refresh") {
            Spoiled::Hangup
        } else if syncs(path) {
            // Until everything is well again: what lasts for a moment may be over before it is seen.
            expired_token(true)
        } else {
            Spoiled::Not
        }
    });
    apart.theirs.send("Weckruf", None).await.expect("it is taken");
    apart.comes_to("offline", is_offline).await;
    apart.home.proxy().heal();
    let mut state = apart.one.account.state();
    let settled = timeout(testkit::PATIENCE, state.wait_for(|state| !is_offline(state))).await;
    let settled = *settled.expect("in time").expect("the account lives");
    assert_eq!(settled, SyncState::Ready, "the session goes on");
    apart.theirs.send("wieder da", None).await.expect("it is taken");
    sees(&apart.mine, "the message", says("wieder da")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_the_homeserver_ended_is_over_and_said_so() {
    let apart = apart().await;
    apart
        .home
        .proxy()
        .spoil(|_, path| if path.ends_with("/refresh") || syncs(path) { expired_token(false) } else { Spoiled::Not });
    apart.theirs.send("Weckruf", None).await.expect("it is taken");
    apart.comes_to("the end", |state| *state == SyncState::Ended).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ended_softly_goes_on_as_the_same_device_with_its_keys() {
    let apart = apart().await;
    apart.theirs.send("vorher", None).await.expect("it is taken");
    sees(&apart.mine, "the message", says("vorher")).await;
    let devices = apart.one.account.devices().await.expect("the homeserver answers").len();
    // Client-server API v1.11 §5.7.1: the device and its keys stay.
    let ends = |path: &str| path.ends_with("/refresh") || syncs(path);
    apart.home.proxy().spoil(move |_, path| if ends(path) { expired_token(true) } else { Spoiled::Not });
    apart.theirs.send("Weckruf", None).await.expect("it is taken");
    apart.comes_to("the end", |state| *state == SyncState::Ended).await;
    assert!(apart.one.account.ended_softly(), "it says that the device stays");
    apart.home.proxy().heal();
    let Apart { one, mine, room, theirs, other, first, .. } = apart;
    drop(mine);
    let one = one.signed_in_softly(&first).await;
    let mine = one.opens(&room).await;
    sees(&mine, "what was there", says("vorher")).await;
    theirs.send("nachher", None).await.expect("it is taken");
    sees(&mine, "what comes", says("nachher")).await;
    sees(&mine, "what came meanwhile", says("Weckruf")).await;
    assert_eq!(one.account.devices().await.expect("the homeserver answers").len(), devices, "no device more");
    drop(other);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_under_another_name_is_not_shown_under_it() {
    let apart = apart().await;
    let (real, forged) = (apart.home.id(&apart.second), apart.home.id("chefarzt"));
    let name = forged.clone();
    apart.home.proxy().spoil(move |_, path| {
        let (real, forged) = (real.clone(), forged.clone());
        let reads = syncs(path) || path.contains("/messages") || path.contains("/context/") || path.contains("/event/");
        if !reads {
            return Spoiled::Not;
        }
        Spoiled::Edited(Box::new(move |answer| {
            each_event(answer, &mut |event| {
                if event["type"] == "m.room.encrypted" && event["sender"] == real.as_str() {
                    event["sender"] = json!(forged);
                }
            });
        }))
    });
    // The first is what ends the open question, and comes unforged.
    apart.theirs.send("Weckruf", None).await.expect("it is taken");
    apart.theirs.send("Bitte absetzen.", None).await.expect("it is taken");
    let seen = sees(&apart.mine, "the forged line", |m| m.sender.id == name).await;
    let cause = &seen.body;
    assert!(matches!(cause, Body::Undecryptable(Undecryptable::SenderForged)), "it says that it is not theirs");
    let shown = apart
        .mine
        .lines()
        .iter()
        .any(|line| matches!(line, Line::Message(m) if m.sender.id == name && text(m).is_some()));
    assert!(!shown, "no word is shown under that name");
    let last = |rows: &[tim::Row]| {
        let row = rows.iter().find(|row| row.id == apart.room)?;
        row.last.clone().filter(|last| last.sender.id == name)
    };
    let last = apart.one.sees("the forged last line", last).await;
    assert_eq!(last.kind, LastKind::Undecryptable, "nor in the list");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_comes_twice_is_one_line() {
    let apart = apart().await;
    apart.home.proxy().spoil(|_, path| {
        if !syncs(path) {
            return Spoiled::Not;
        }
        Spoiled::Edited(Box::new(|answer| {
            each_timeline(answer, |events| {
                let again = events.clone();
                events.extend(again);
            });
        }))
    });
    apart.theirs.send("Weckruf", None).await.expect("it is taken");
    for line in ["eins", "zwei"] {
        apart.theirs.send(line, None).await.expect("it is taken");
        sees(&apart.mine, line, says(line)).await;
    }
    reads(&apart.mine, "one line of the same event", |lines| count(lines, "zwei") == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_the_homeserver_gives_out_and_then_denies_is_not_shown_twice() {
    let apart = apart().await;
    apart.theirs.send("einmal", None).await.expect("it is taken");
    sees(&apart.mine, "the message", says("einmal")).await;
    let path = format!("/_matrix/client/v3/rooms/{}/messages?dir=b&limit=5", apart.room);
    let raw = apart.home.ask(&apart.first, &path).await;
    let mut again = raw["chunk"][0].clone();
    assert_eq!(again["type"], "m.room.encrypted", "the newest event");
    again["event_id"] = json!("$again");
    apart.home.proxy().spoil(move |_, path| {
        if !syncs(path) {
            return Spoiled::Not;
        }
        let again = again.clone();
        Spoiled::Edited(Box::new(move |answer| each_timeline(answer, |events| events.push(again.clone()))))
    });
    // The first may come by an answer that was asked for before.
    for line in ["Weckruf", "noch einer"] {
        apart.theirs.send(line, None).await.expect("it is taken");
        sees(&apart.mine, line, says(line)).await;
    }
    sees(&apart.mine, "that it came again", |m| matches!(m.body, Body::Repeated)).await;
    reads(&apart.mine, "it as often as it was written", |lines| count(lines, "einmal") == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contents_of_no_shape_and_of_any_size_break_no_conversation() {
    let apart = apart().await;
    let (sender, count) = (apart.home.id(&apart.second), Arc::new(AtomicUsize::new(0)));
    let added = count.clone();
    apart.home.proxy().spoil(move |_, path| {
        let (sender, count) = (sender.clone(), count.clone());
        if !syncs(path) {
            return Spoiled::Not;
        }
        Spoiled::Edited(Box::new(move |answer| {
            each_timeline(answer, |events| {
                let number = count.fetch_add(1, Ordering::SeqCst);
                for (index, (kind, content)) in hostile().into_iter().enumerate() {
                    let event = json!({
                        "type": kind, "content": content, "sender": sender, "origin_server_ts": -1_i64,
                        "event_id": format!("$hostile-{number}-{index}"),
                    });
                    events.insert(0, event);
                }
            });
        }))
    });
    apart.theirs.send("Weckruf", None).await.expect("it is taken");
    for line in ["davor", "danach"] {
        apart.theirs.send(line, None).await.expect("it is taken");
        sees(&apart.mine, line, says(line)).await;
    }
    assert!(added.load(Ordering::SeqCst) > 0, "they came along");
    assert_eq!(*apart.one.account.state().borrow(), SyncState::Ready, "and chat goes on");
}

/// Contents that no honest client sends.
fn hostile() -> Vec<(&'static str, Value)> {
    // Client-server API v1.11 §8, "size limits": 65,536 bytes, sixteen times over.
    let long = "x".repeat(1 << 20);
    let deep = (0..100).fold(json!("x"), |inner, _| json!([inner]));
    vec![
        ("m.room.message", json!({ "msgtype": "m.text", "body": long })),
        ("m.room.message", json!({ "msgtype": 7, "body": null })),
        (
            "m.room.message",
            json!({ "msgtype": "m.text", "body": "a", "formatted_body": deep, "format": "org.matrix.custom.html" }),
        ),
        (
            "m.room.message",
            json!({ "msgtype": "m.image", "body": "", "url": "file:///etc/passwd", "info": { "size": -1 } }),
        ),
        (
            "m.room.encrypted",
            json!({ "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": long, "session_id": "x", "sender_key": "x" }),
        ),
        ("m.room.encrypted", json!({ "algorithm": "x" })),
        ("m.reaction", json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": "no id", "key": long } })),
        ("m.room.redaction", json!({ "redacts": [] })),
        ("m.poll.start", json!({})),
    ]
}

fn expired_token(soft_logout: bool) -> Spoiled {
    let body = json!({ "errcode": "M_UNKNOWN_TOKEN", "error": "Access token has expired", "soft_logout": soft_logout });
    Spoiled::Instead { status: 401, retry_after: None, body }
}

/// Whatever looks like an event, wherever it stands.
fn each_event(value: &mut Value, change: &mut impl FnMut(&mut Value)) {
    if value["type"].is_string() && value["sender"].is_string() {
        change(value);
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(|member| each_event(member, change)),
        Value::Array(members) => members.iter_mut().for_each(|member| each_event(member, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The new events of each joined room that has some.
fn each_timeline(answer: &mut Value, change: impl Fn(&mut Vec<Value>)) {
    let rooms = answer["rooms"]["join"].as_object_mut();
    for room in rooms.into_iter().flat_map(|rooms| rooms.values_mut()) {
        if let Some(events) = room["timeline"]["events"].as_array_mut().filter(|events| !events.is_empty()) {
            change(events);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_differ_by_a_day_change_no_order_and_lose_nothing() {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    for off in [DAY, -DAY] {
        let apart = apart().await;
        apart.home.proxy().spoil(move |_, path| {
            if !syncs(path) {
                return Spoiled::Not;
            }
            Spoiled::Edited(Box::new(move |answer| {
                each_event(answer, &mut |event| {
                    let at = event["origin_server_ts"].as_i64().unwrap_or_default();
                    event["origin_server_ts"] = json!(at + off);
                });
            }))
        });
        apart.theirs.send("Weckruf", None).await.expect("it is taken");
        sees(&apart.mine, "the end of the open question", says("Weckruf")).await;
        // To and fro: an own line has the time of this computer until the homeserver has it.
        apart.theirs.send("eins", None).await.expect("it is taken");
        sees(&apart.mine, "the first", says("eins")).await;
        apart.mine.send("zwei", None).await.expect("it is taken");
        sees(&apart.theirs, "the second", says("zwei")).await;
        sees(&apart.mine, "that it is sent", |m| says("zwei")(m) && m.event.is_some()).await;
        apart.theirs.send("drei", None).await.expect("it is taken");
        sees(&apart.mine, "the third", says("drei")).await;
        let in_order = |lines: &[Line]| {
            let said = lines.iter().filter_map(|line| match line {
                Line::Message(message) => text(message).filter(|text| ["eins", "zwei", "drei"].contains(text)),
                Line::Day { .. } | Line::Unread { .. } | Line::Changes { .. } => None,
            });
            said.eq(["eins", "zwei", "drei"])
        };
        // What the library has let go of meanwhile is asked for, as by whoever reads.
        let mut look = tokio::time::interval(Duration::from_millis(200));
        let whole = async {
            while !in_order(&apart.mine.lines()) {
                if matches!(apart.mine.earlier(), tim::Earlier::More | tim::Earlier::Failed) {
                    apart.mine.load_earlier();
                }
                look.tick().await;
            }
        };
        let whole = timeout(testkit::PATIENCE, whole).await;
        whole.unwrap_or_else(|_elapsed| panic!("all of it in the homeserver's order, {off} ms off"));
        assert_eq!(*apart.one.account.state().borrow(), SyncState::Ready, "and chat goes on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_to_a_message_and_refused_is_said_so_and_can_be_taken_back() {
    let apart = apart().await;
    let own = sees(&apart.mine, "the own line", |m| says("hin")(m) && m.event.is_some()).await;
    let is_it = |m: &tim::Message| m.event == own.event;
    for (act, refused) in
        [(Act::Change, "/send/m.room.encrypted/"), (Act::Reaction, "/send/m.reaction/"), (Act::Deletion, "/redact/")]
    {
        apart.home.proxy().spoil(
            move |_, path| {
                if path.contains(refused) { refusal(403, "M_FORBIDDEN", "no") } else { Spoiled::Not }
            },
        );
        let done = match act {
            Act::Change => apart.mine.edit(&own.id, "anders").await,
            Act::Reaction => apart.mine.toggle_reaction(&own.id, "👍").await,
            Act::Deletion => apart.mine.redact(&own.id).await,
        };
        done.expect("it is taken");
        let told = Some(Pending { act, sending: Sending::Failed(SendingFailed::NotAllowed) });
        sees(&apart.mine, "that it was refused", |m| is_it(m) && m.pending == told).await;
        apart.home.proxy().heal();
        apart.mine.cancel(&own.id).await.expect("it may be given up");
        let as_it_was = |m: &tim::Message| {
            is_it(m) && m.pending.is_none() && text(m) == Some("hin") && !m.edited && m.reactions.is_empty()
        };
        sees(&apart.mine, "the line as it was", as_it_was).await;
    }
    apart.mine.send("danach", None).await.expect("it is taken");
    sees(&apart.theirs, "that it goes on", says("danach")).await;
    let theirs = sees(&apart.theirs, "the line", is_it).await;
    assert!(
        text(&theirs) == Some("hin") && !theirs.edited && theirs.reactions.is_empty(),
        "nothing of it reached them"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_to_a_message_and_refused_reaches_the_other_when_it_is_tried_again() {
    let apart = apart().await;
    apart.mine.send("weg", None).await.expect("it is taken");
    sees(&apart.theirs, "the second line", says("weg")).await;
    for (act, line) in [(Act::Change, "hin"), (Act::Reaction, "anders"), (Act::Deletion, "weg")] {
        let own = sees(&apart.mine, line, |m| says(line)(m) && m.event.is_some()).await;
        sees(&apart.theirs, line, says(line)).await;
        let is_it = |m: &tim::Message| m.event == own.event;
        apart.home.proxy().spoil(|_, path| {
            let sent = path.contains("/send/") || path.contains("/redact/");
            if sent { refusal(403, "M_FORBIDDEN", "no") } else { Spoiled::Not }
        });
        let done = match act {
            Act::Change => apart.mine.edit(&own.id, "anders").await,
            Act::Reaction => apart.mine.toggle_reaction(&own.id, "👍").await,
            Act::Deletion => apart.mine.redact(&own.id).await,
        };
        done.expect("it is taken");
        let refused = |m: &tim::Message| {
            is_it(m) && m.pending.is_some_and(|it| it.act == act && matches!(it.sending, Sending::Failed(_)))
        };
        sees(&apart.mine, "that it was refused", refused).await;
        apart.home.proxy().heal();
        apart.mine.retry(&own.id).await.expect("it may be tried again");
        let reached = |m: &tim::Message| match act {
            Act::Change => text(m) == Some("anders"),
            Act::Reaction => !m.reactions.is_empty(),
            // A deletion that was refused goes as an empty text (gemSpec_TI-M_Basis A_25577-01).
            Act::Deletion => matches!(m.body, Body::Redacted { at: None, .. }),
        };
        sees(&apart.theirs, "that it reached them", |m| is_it(m) && reached(m)).await;
        sees(&apart.mine, "that nothing waits", |m| is_it(m) && m.pending.is_none() && reached(m)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_to_a_message_without_a_network_is_said_to_wait_also_after_a_restart() {
    let apart = apart().await;
    let own = sees(&apart.mine, "the own line", |m| says("hin")(m) && m.event.is_some()).await;
    let event = own.event.clone();
    let is_it = |m: &tim::Message| m.event == event;
    let waits = |act: Act| Some(Pending { act, sending: Sending::Waiting });
    apart.home.proxy().spoil(|_, _| Spoiled::Hangup);
    apart.mine.edit(&own.id, "anders").await.expect("it is taken");
    sees(&apart.mine, "that the change waits", |m| is_it(m) && m.pending == waits(Act::Change)).await;
    let Apart { home, one, other, mine, theirs, room, first, .. } = apart;
    drop(mine);
    let one = one.restarted().await;
    let mine = one.opens(&room).await;
    let seen = |m: &tim::Message| is_it(m) && m.pending == waits(Act::Change) && text(m) == Some("anders");
    let again = sees(&mine, "that it waits still", seen).await;
    mine.redact(&again.id).await.expect("it is taken");
    let seen =
        |m: &tim::Message| is_it(m) && m.pending == waits(Act::Deletion) && matches!(m.body, Body::Redacted { .. });
    sees(&mine, "that it is not deleted yet", seen).await;
    home.proxy().heal();
    sees(&theirs, "the deletion", |m| is_it(m) && matches!(m.body, Body::Redacted { at: Some(_), .. })).await;
    sees(&mine, "that nothing waits", |m| is_it(m) && m.pending.is_none()).await;
    let path = format!("/_matrix/client/v1/rooms/{room}/relations/{}/m.replace", event.as_deref().expect("it is sent"));
    let changes = home.ask(&first, &path).await;
    assert_eq!(changes["chunk"].as_array().map(Vec::len), Some(0), "the change that waited never left: {changes}");
    drop((one, other));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_old_a_message_is_goes_by_the_homeservers_clock() {
    let apart = apart().await;
    apart.home.proxy().spoil(|_, path| {
        // Its clock is two days ahead of this computer's.
        if path.starts_with("/_matrix/client/versions") { Spoiled::Dated(2 * 24 * 60 * 60) } else { Spoiled::Not }
    });
    let Apart { home, one, other, mine, theirs, room, first, second } = apart;
    drop(mine);
    let one = one.restarted().await;
    let mine = one.opens(&room).await;
    let apart = Apart { home, one, other, mine, theirs, room, first, second };
    apart.knows_that_it_is_too_late(&apart.mine).await;
    let old = sees(&apart.mine, "the own line", |m| says("hin")(m) && m.event.is_some()).await;
    apart.mine.redact(&old.id).await.expect("it can be deleted all the same");
    let is_it = |m: &tim::Message| m.event == old.event;
    // By whom and when is known of what was redacted alone.
    sees(&apart.theirs, "the empty text", |m| is_it(m) && matches!(m.body, Body::Redacted { at: None, .. })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_to_what_another_program_wrote_in_a_thread_is_in_none() {
    let apart = apart().await;
    let root = sees(&apart.mine, "the own line", |m| says("hin")(m) && m.event.is_some()).await;
    let root = root.event.clone().expect("the homeserver has it");
    let real = apart.home.id(&apart.second);
    apart.home.proxy().spoil(move |_, path| {
        let (real, root) = (real.clone(), root.clone());
        if !syncs(path) {
            return Spoiled::Not;
        }
        Spoiled::Edited(Box::new(move |answer| {
            each_event(answer, &mut |event| {
                if event["type"] == "m.room.encrypted" && event["sender"] == real.as_str() {
                    event["content"]["m.relates_to"] = json!({ "rel_type": "m.thread", "event_id": root });
                }
            });
        }))
    });
    apart.theirs.send("Weckruf", None).await.expect("it is taken");
    apart.theirs.send("im Strang", None).await.expect("it is taken");
    let seen = sees(&apart.mine, "what stands in a thread", says("im Strang")).await;
    apart.mine.send("Antwort", seen.event.as_deref()).await.expect("it is taken");
    let answer = sees(&apart.mine, "that it is sent", |m| says("Antwort")(m) && m.event.is_some()).await;
    let id = answer.event.clone().expect("the homeserver has it");
    let raw = apart.home.ask(&apart.first, &format!("/_matrix/client/v3/rooms/{}/event/{id}", apart.room)).await;
    let relation = &raw["content"]["m.relates_to"];
    assert_eq!(relation["rel_type"], Value::Null, "no thread (gemSpec_TI-M_Basis A_25395-02): {relation}");
    assert_eq!(relation["m.in_reply_to"]["event_id"], json!(seen.event), "an answer to it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_programs_say_in_kinds_of_their_own_is_a_line_and_what_they_tell_each_other_is_none() {
    let apart = apart().await;
    let token = apart.home.token(&apart.second).await;
    let text = json!([{ "mimetype": "text/plain", "body": "Befund liegt bereit" }]);
    for (kind, content) in [
        ("m.call.hangup", json!({ "call_id": "1", "party_id": "1", "version": "1" })),
        ("org.matrix.msc4143.rtc.member", json!({ "body": "nicht gesagt" })),
        ("de.konsil.later", json!({ "body": "nicht gesagt" })),
        ("com.example.note", json!({ "de.gematik.text": text })),
        ("com.example.other", json!({ "of": "nothing" })),
        ("m.room.message", json!({ "msgtype": "com.example.card", "body": "Karte" })),
    ] {
        let path = format!("/_matrix/client/v3/rooms/{}/send/{kind}/{:032x}", apart.room, rand::random::<u128>());
        let (status, answer) = apart.home.does(Method::PUT, &token, &path, &content).await;
        assert_eq!(status, 200, "{kind} is taken: {answer}");
    }
    apart.theirs.send("Ende", None).await.expect("it is taken");
    sees(&apart.mine, "the last", says("Ende")).await;
    let foreign = |lines: &[Line]| -> Vec<Option<String>> {
        let foreign = lines.iter().filter_map(|line| match line {
            Line::Message(message) => match &message.body {
                Body::Unsupported { fallback } => Some(fallback.clone()),
                Body::Text { .. }
                | Body::Emote(_)
                | Body::File { .. }
                | Body::Form(_)
                | Body::Redacted { .. }
                | Body::Undecryptable(_)
                | Body::Repeated => None,
            },
            Line::Day { .. } | Line::Unread { .. } | Line::Changes { .. } => None,
        });
        foreign.collect()
    };
    let said = [Some("Befund liegt bereit".to_owned()), None, Some("Karte".to_owned())];
    reads(&apart.mine, "those of people, with their text where they have one", |lines| foreign(lines) == said).await;
}

/// The homeserver says that it is two days old.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_older_than_a_day_is_deleted_by_an_empty_text() {
    let apart = apart().await;
    apart.home.proxy().spoil(|_, path| {
        if !syncs(path) {
            return Spoiled::Not;
        }
        Spoiled::Edited(Box::new(|answer| {
            each_event(answer, &mut |event| {
                let at = event["origin_server_ts"].as_i64().unwrap_or_default();
                event["origin_server_ts"] = json!(at - 2 * 24 * 60 * 60 * 1000);
            });
        }))
    });
    apart.theirs.send("Weckruf", None).await.expect("it is taken");
    sees(&apart.mine, "the end of the open question", says("Weckruf")).await;
    apart.mine.send("überholt", None).await.expect("it is taken");
    let yesterday = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24);
    let old =
        sees(&apart.mine, "the old message", |m| says("überholt")(m) && m.event.is_some() && m.at < yesterday).await;
    assert!(old.may_redact, "it can be deleted all the same (gemSpec_TI-M_Basis A_25577-01)");
    apart.knows_that_it_is_too_late(&apart.mine).await;
    sees(&apart.theirs, "the message", says("überholt")).await;
    apart.mine.redact(&old.id).await.expect("by an empty text");
    let event = old.event.clone();
    let gone =
        sees(&apart.theirs, "the deletion", |m| m.event == event && matches!(m.body, Body::Redacted { .. })).await;
    let Body::Redacted { by, .. } = &gone.body else { panic!("it is deleted") };
    assert_eq!(by.as_ref().map(|by| by.id.clone()), Some(apart.home.id(&apart.first)), "by whom");
    let raw =
        apart.home.ask(&apart.first, &format!("/_matrix/client/v3/rooms/{}/messages?dir=b&limit=50", apart.room)).await;
    assert!(!raw.to_string().contains("m.room.redaction"), "A_28358: no redaction of what is old");
}

/// A message waits for the network, and its reader makes a new identity meanwhile.
async fn waits_while_the_reader_changes() -> Apart {
    let apart = apart().await;
    apart.home.proxy().spoil(|_, _| Spoiled::Hangup);
    apart.comes_to("that the network is away", is_offline).await;
    apart.mine.send("geheim", None).await.expect("nobody can know yet");
    super::verification::gets_a_new_identity(&apart.other).await;
    apart
}

/// The first person hears something new, and has had every occasion to send.
async fn hears(apart: &Apart) {
    apart.theirs.send("noch da?", None).await.expect("it is taken");
    sees(&apart.mine, "what the other writes", says("noch da?")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_for_the_network_is_held_when_its_reader_has_changed_meanwhile() {
    let apart = waits_while_the_reader_changes().await;
    let before = apart.sent().await;
    apart.home.proxy().heal();
    let changed = async || apart.mine.changed_identities().await.into_iter().next();
    let changed = apart.one.eventually("that somebody has changed", changed).await;
    hears(&apart).await;
    assert_eq!(apart.sent().await, before, "nothing left");
    apart.mine.accept_identity(&changed.person.id).await.expect("the person may decide so");
    sees(&apart.theirs, "the message", says("geheim")).await;
    assert_eq!(apart.sent().await, before + 1, "once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_over_a_restart_is_held_when_its_reader_has_changed_meanwhile() {
    let Apart { home, one, other, mine, theirs, room, first, second } = waits_while_the_reader_changes().await;
    drop(mine);
    let one = one.restarted().await;
    let mine = one.opens(&room).await;
    let apart = Apart { home, one, other, mine, theirs, room, first, second };
    let before = apart.sent().await;
    apart.home.proxy().heal();
    apart.comes_to("that the network is back", |state| *state == SyncState::Ready).await;
    let changed = async || apart.mine.changed_identities().await.into_iter().next();
    let changed = apart.one.eventually("that somebody has changed", changed).await;
    hears(&apart).await;
    assert_eq!(apart.sent().await, before, "nothing left");
    apart.mine.accept_identity(&changed.person.id).await.expect("the person may decide so");
    sees(&apart.theirs, "the message", says("geheim")).await;
    assert_eq!(apart.sent().await, before + 1, "once");
}
