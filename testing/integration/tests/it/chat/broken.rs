//! A part of the library that ends by a fault of its own: chat begins anew from what is on disk, and nobody has to do
//! anything.

use super::Home;
use super::desks::{sees_chat, sees_line};
use super::doors::{Talk, talk_on};
use crate::MODERATOR;
use contract::{ChatStateView, FailureCode};
use sandbox::Options;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use testkit::{Detour, Spoiled};

/// A conversation in which "eins" was written, and its event as the homeserver has it.
async fn written() -> (Talk, Detour, Value) {
    let (platform, detour) = Detour::start(Options::default()).await.expect("a platform starts");
    let talk = talk_on(platform).await;
    says(&talk, "eins").await;
    sees_line(&talk.desk, "eins").await;
    let path = format!("/_matrix/client/v3/rooms/{}/messages?dir=b&limit=1", talk.room);
    let raw = Home::at(&talk.platform).await.ask(MODERATOR, &path).await;
    let event = raw["chunk"][0].clone();
    assert_eq!(event["type"], "m.room.encrypted", "the newest event");
    (talk, detour, event)
}

async fn says(talk: &Talk, text: &str) {
    talk.other.opens(&talk.room).await.send(text, None).await.expect("it is taken");
}

/// Store and memory of the library disagree from here on about where this line stands. When the line comes again, the
/// part that takes new lines ends (matrix-rust-sdk #6882).
fn displace(folder: &Path, event: &Value) {
    let store = folder.join("profile/chat/matrix-sdk-event-cache.sqlite3");
    let store = rusqlite::Connection::open(store).expect("the library's store");
    store.busy_timeout(Duration::from_secs(10)).expect("it waits for the library");
    let displaced = "UPDATE event_chunks SET position = position + 1000 WHERE event_id = ?1";
    let rows = store.execute(displaced, [event["event_id"].as_str().expect("an id")]).expect("it can be written");
    assert_eq!(rows, 1, "the line is in it");
}

/// The event comes again with the next answers that bring something, so often at most.
fn comes_again(detour: &Detour, event: &Value, times: usize) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let (event, counted) = (event.clone(), count.clone());
    detour.spoil(move |_, path| {
        if !path.starts_with("/_matrix/client/v3/sync") {
            return Spoiled::Not;
        }
        let (event, counted) = (event.clone(), counted.clone());
        Spoiled::Edited(Box::new(move |answer| {
            let rooms = answer.pointer_mut("/rooms/join").and_then(Value::as_object_mut);
            for room in rooms.into_iter().flat_map(|rooms| rooms.values_mut()) {
                let Some(events) = room["timeline"]["events"].as_array_mut() else { continue };
                let new = events.iter().any(|other| other["type"] == event["type"] && *other != event);
                if new && counted.fetch_add(1, Ordering::SeqCst) < times {
                    events.insert(0, event.clone());
                }
            }
        }))
    });
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_ends_is_begun_anew_and_the_open_conversation_goes_on() {
    let (talk, detour, event) = written().await;
    displace(talk.folder.path(), &event);
    // The other program gets it as well, and has no quarrel with it.
    let came = comes_again(&detour, &event, 2);
    for text in ["zwei", "drei"] {
        says(&talk, text).await;
        sees_line(&talk.desk, text).await;
    }
    assert!(came.load(Ordering::SeqCst) > 0, "it came again");
    // And what stood there stands there.
    sees_line(&talk.desk, "eins").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_ends_twice_reads_its_lines_anew_and_one_that_ends_thrice_is_said() {
    let (talk, detour, event) = written().await;
    displace(talk.folder.path(), &event);
    let _always = comes_again(&detour, &event, usize::MAX);
    for text in ["zwei", "drei"] {
        says(&talk, text).await;
        sees_line(&talk.desk, text).await;
    }
    displace(talk.folder.path(), &event);
    says(&talk, "vier").await;
    let stopped = |view: &contract::ChatView| match &view.state {
        ChatStateView::Stopped { failure } => Some(failure.code),
        ChatStateView::Absent | ChatStateView::Connecting | ChatStateView::Ready | ChatStateView::Offline { .. } => {
            None
        }
    };
    let why = sees_chat(&talk.desk, "why there is no chat", stopped).await;
    assert_eq!(why, FailureCode::ChatStoreDamaged, "what helps is a new sign-in");
}
