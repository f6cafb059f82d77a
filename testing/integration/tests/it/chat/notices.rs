//! What a person is told outside the window, and what not.

use super::{Home, Pair, found, pair, says, sees};
use crate::{MODERATOR, at_work_on, code};
use contract::{ArrivalView, ChatStateView, ConversationKind, Reply, Request, SettingsView};
use sandbox::Options;
use testkit::Platform;
use tim::{Arrival, Attention, Kind};
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

on_each_homeserver! {
    who_mutes_a_conversation_hears_nothing_of_it_on_any_device,
}

/// The next one of a conversation: others write to the same person meanwhile.
pub(super) async fn next(arrivals: &mut Receiver<Arrival>, room: &str) -> Arrival {
    loop {
        let arrival = timeout(testkit::PATIENCE, arrivals.recv()).await.expect("in time").expect("the account lives");
        if arrival.conversation == room {
            return arrival;
        }
    }
}

async fn who_mutes_a_conversation_hears_nothing_of_it_on_any_device(home: &Home) {
    let Pair { one, other, room, first } = pair(home, "dr-rosenpfad", "dr-silbertal").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let mut arrivals = one.account.arrivals();
    theirs.send("erste", None).await.expect("it is taken");
    let arrival = next(&mut arrivals, &room).await;
    assert_eq!((arrival.conversation.as_str(), arrival.kind), (room.as_str(), Kind::Person), "it is told");
    assert_eq!(arrival.sender.map(|sender| sender.id), Some(theirs_id(&other)), "with who wrote");
    mine.send("eigene", None).await.expect("it is taken");
    sees(&theirs, "the own one", says("eigene")).await;

    let second = home.device(&first).await;
    let mut rules = second.account.attention_changes().await;
    one.account.set_attention(&room, Attention::Nothing).await.expect("the homeserver takes it");
    let heard = timeout(testkit::PATIENCE, async {
        while second.account.attention(&room).await != Attention::Nothing {
            rules.recv().await.expect("the account lives");
        }
    });
    heard.await.expect("the other device has it");
    theirs.send("zweite", None).await.expect("it is taken");
    sees(&mine, "the muted one", says("zweite")).await;
    one.account.set_attention(&room, Attention::All).await.expect("the homeserver takes it");
    theirs.send("dritte", None).await.expect("it is taken");
    sees(&mine, "the last one", says("dritte")).await;
    next(&mut arrivals, &room).await;
    while let Ok(more) = arrivals.try_recv() {
        assert_ne!(more.conversation, room, "neither the own one nor the muted one is told");
    }
}

fn theirs_id(other: &super::Device) -> String {
    other.account.user()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_says_that_something_came_and_neither_what_nor_about_whom() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (_folder, desk) = at_work_on(&platform, MODERATOR).await;
    desk.eventually("chat", |seen| (seen.chat.as_ref()?.state == ChatStateView::Ready).then_some(())).await;
    let home = Home::of(found(platform.url.trim_start_matches("http://")).await, false);
    let other = home.device("dr-sonnkaya").await;
    let people = vec![home.id("dr-sonnkaya")];
    let named = Some("Lunge, intern".to_owned());
    let begun = desk.call(Request::BeginConversation { people, name: named, case: Some("pat-auenwald".to_owned()) });
    let begun = begun.await;
    let Ok(Reply::Begun(begun)) = begun else { panic!("a conversation: {:?}", code(&begun)) };
    let conversation = begun.conversation;
    other.comes_to(&conversation).await;
    let theirs = other.opens(&conversation).await;
    // In the list it belongs to its case before anything is told of it.
    desk.eventually("its case", |seen| {
        let row = seen.chat.as_ref()?.conversations.iter().find(|row| row.id == conversation)?;
        (row.kind == ConversationKind::Case).then_some(())
    })
    .await;
    let arrived = async |many: usize| -> ArrivalView {
        desk.eventually("what arrived", |seen| seen.arrivals.get(many - 1).cloned()).await
    };
    let started = desk.call(Request::Start).await;
    let Ok(Reply::Started(start)) = started else { panic!("a start: {:?}", code(&started)) };
    assert!(!start.settings.notice_names, "nobody is named unless the person wants it");

    theirs.send("Auenwald: 1R misst 17 mm", None).await.expect("it is taken");
    let first = arrived(1).await;
    assert_eq!(first.conversation.as_deref(), Some(conversation.as_str()), "a click leads there");
    assert_eq!((first.kind, first.count), (Some(ConversationKind::Case), 1), "one message in a case");
    assert!(!format!("{first:?}").contains("17 mm") && first.sender.is_none(), "and nothing more");

    let named = SettingsView { notice_names: true, ..start.settings };
    let changed = desk.call(Request::ChangeSettings { settings: named.clone() }).await;
    assert!(matches!(changed, Ok(Reply::Settings(_))), "it is kept: {changed:?}");
    theirs.send("Nummer zwei", None).await.expect("it is taken");
    assert_eq!(arrived(2).await.sender.map(|sender| sender.id), Some(home.id("dr-sonnkaya")), "who wants it sees who");

    let quiet = desk.call(Request::SetQuiet { quiet: true }).await;
    assert!(matches!(quiet, Ok(Reply::Done)), "quiet: {quiet:?}");
    desk.eventually("quiet", |seen| seen.chat.as_ref()?.quiet.then_some(())).await;
    theirs.send("in der Stille", None).await.expect("it is taken");
    desk.eventually("the message", |seen| {
        let row = seen.chat.as_ref()?.conversations.iter().find(|row| row.id == conversation)?;
        row.last.as_ref()?.text.as_deref()?.contains("Stille").then_some(())
    })
    .await;
    let loud = desk.call(Request::SetQuiet { quiet: false }).await;
    assert!(matches!(loud, Ok(Reply::Done)), "no longer: {loud:?}");

    let locked = desk.call(Request::Lock).await;
    assert!(matches!(locked, Ok(Reply::Done)), "locked: {locked:?}");
    theirs.send("bei Sperre", None).await.expect("it is taken");
    let last = desk.eventually("what arrives at a locked desk", |seen| {
        seen.arrivals.iter().find(|arrival| arrival.conversation.is_none()).cloned()
    });
    let last = last.await;
    assert_eq!((last.kind, last.sender), (None, None), "behind a lock only that something came");
}
