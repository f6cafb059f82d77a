//! What others see of a person who reads and writes: nothing, unless the person wants it.

use super::{Home, Pair, pair, says, sees};
use serde_json::Value;
use tim::{Conversation, Signals};
use tokio::time::timeout;

on_each_homeserver! {
    nobody_is_told_who_is_there_who_writes_and_who_has_read,
    who_wants_it_tells_and_sees_writing_and_reading,
}

const BOTH: Signals = Signals { typing: true, receipts: true };

async fn nobody_is_told_who_is_there_who_writes_and_who_has_read(home: &Home) {
    let Pair { one, other, room, first } = pair(home, "dr-rosenpfad", "dr-silbertal").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    // The other would see it.
    other.account.set_signals(BOTH);
    theirs.send("gelesen?", None).await.expect("it is taken");
    sees(&mine, "the question", says("gelesen?")).await;
    mine.set_typing(true).await;
    mine.mark_read().await.expect("the homeserver takes it");
    mine.send("ja", None).await.expect("it is taken");
    sees(&theirs, "the answer", says("ja")).await;
    assert!(theirs.typing().await.is_empty(), "nobody is said to write");
    let question = sees(&theirs, "the question", says("gelesen?")).await;
    assert!(question.read_by.is_empty(), "nor to have read");
    // Client-server API v1.11 §11.7: whoever shares a room may ask.
    let presence = home.ask(&first, &format!("/_matrix/client/v3/presence/{}/status", home.id(&first))).await;
    assert_eq!(presence["presence"], "offline", "nor to be there");
    let others = home.ask(&first, &format!("/_matrix/client/v3/sync?filter={}", receipts_only())).await;
    assert!(!others.to_string().contains("m.read\""), "no public receipt is at the homeserver");
}

async fn who_wants_it_tells_and_sees_writing_and_reading(home: &Home) {
    let Pair { one, other, room, first } = pair(home, "dr-heidekorn", "dr-lerchenhain").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    one.account.set_signals(BOTH);
    other.account.set_signals(BOTH);
    theirs.send("gelesen?", None).await.expect("it is taken");
    sees(&mine, "the question", says("gelesen?")).await;
    // It lasts four seconds at the homeserver, and is said again while somebody writes.
    let writes = async {
        let mut again = tokio::time::interval(std::time::Duration::from_secs(1));
        loop {
            again.tick().await;
            mine.set_typing(true).await;
        }
    };
    let whoever = [home.id(&first)];
    tokio::select! {
        () = sees_typing(&theirs, &whoever) => {}
        () = writes => {}
    }
    mine.set_typing(false).await;
    sees_typing(&theirs, &[]).await;
    mine.mark_read().await.expect("the homeserver takes it");
    let by = home.id(&first);
    sees(&theirs, "who has read", |m| says("gelesen?")(m) && m.read_by.contains(&by)).await;
    other.account.set_signals(Signals::default());
    let question = sees(&theirs, "the question", says("gelesen?")).await;
    assert!(question.read_by.is_empty(), "who wants none of it sees none of it");
}

pub(super) async fn sees_typing(conversation: &Conversation, wanted: &[String]) {
    let mut changes = conversation.changes();
    let seen = timeout(testkit::PATIENCE, async {
        loop {
            changes.borrow_and_update();
            let ids: Vec<String> = conversation.typing().await.into_iter().map(|person| person.id).collect();
            if ids == wanted {
                return;
            }
            changes.changed().await.expect("the conversation lives");
        }
    });
    seen.await.expect("who writes is known in time");
}

fn receipts_only() -> String {
    let filter: Value = serde_json::json!({ "room": { "ephemeral": { "types": ["m.receipt"] } } });
    url::form_urlencoded::byte_serialize(filter.to_string().as_bytes()).collect()
}
