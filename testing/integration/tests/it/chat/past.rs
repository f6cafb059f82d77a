//! A day of the past, and what was not read: found whether or not the homeserver finds events by their time, and read in both directions.

use super::{Home, Pair, pair, says, sees, text};
use jiff::{Timestamp, ToSpan as _};
use testkit::PATIENCE;
use tim::{Conversation, ConversationError, Earlier, Line};
use tokio::time::timeout;

on_each_homeserver! {
    a_moment_of_the_past_is_found_and_read_on_in_both_directions,
    a_day_after_which_nothing_was_written_is_said_to_be_so,
    what_was_not_read_is_found_where_it_begins_after_an_absence,
    what_was_read_last_is_a_line_although_a_reaction_came_after_it,
}

/// More than one page on either side of the middle.
const MANY: usize = 160;
const ASKED: usize = 80;

fn written(conversation: &Conversation) -> Vec<String> {
    let lines = conversation.lines();
    let messages = lines.iter().filter_map(|line| match line {
        Line::Message(message) => text(message).map(ToOwned::to_owned),
        Line::Day { .. } | Line::Unread { .. } | Line::Changes { .. } => None,
    });
    messages.collect()
}

async fn until(conversation: &Conversation, what: &str, wanted: impl Fn(&Conversation) -> bool) {
    let mut changes = conversation.changes();
    let found = timeout(PATIENCE, async {
        loop {
            changes.borrow_and_update();
            if wanted(conversation) {
                return;
            }
            changes.changed().await.expect("the conversation lives");
        }
    });
    found.await.unwrap_or_else(|_elapsed| panic!("not in time: {what}"));
}

async fn a_moment_of_the_past_is_found_and_read_on_in_both_directions(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-heidekorn").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    for number in 0..MANY {
        theirs.send(&format!("Nr. {number}."), None).await.expect("it is taken");
    }
    let last = format!("Nr. {}.", MANY - 1);
    sees(&mine, "the last", says(&last)).await;
    let wanted = format!("Nr. {ASKED}.");
    let at = sees(&theirs, "the one that is asked for", says(&wanted)).await.at;
    drop(mine);

    let past = one.account.conversation_from(&room, at).await.expect("it is found");
    until(&past, "the message and what stands around it", |past| written(past).contains(&wanted)).await;
    assert_eq!(past.later(), Some(Earlier::More), "more was written since");
    assert!(!written(&past).contains(&last), "which is not here yet");
    for page in 0.. {
        assert!(page < MANY, "it ends");
        past.load_later();
        until(&past, "later messages", |past| past.later() != Some(Earlier::Loading)).await;
        assert_ne!(past.later(), Some(Earlier::Failed), "it can be read");
        if past.later() == Some(Earlier::None) {
            break;
        }
    }
    for page in 0.. {
        assert!(page < MANY, "it begins");
        past.load_earlier();
        until(&past, "earlier messages", |past| past.earlier() != Earlier::Loading).await;
        assert_ne!(past.earlier(), Earlier::Failed, "it can be read");
        if past.earlier() == Earlier::None {
            break;
        }
    }
    let all: Vec<String> = (0..MANY).map(|number| format!("Nr. {number}.")).collect();
    until(&past, "all of them", |past| written(past).len() >= MANY).await;
    until(&past, "each once and in order", |past| written(past) == all).await;
}

async fn a_day_after_which_nothing_was_written_is_said_to_be_so(home: &Home) {
    let Pair { one, room, .. } = pair(home, "dr-falkenried", "dr-heidekorn").await;
    let tomorrow = Timestamp::now() + 24.hours();
    let found = one.account.conversation_from(&room, tomorrow).await;
    assert!(matches!(found, Err(ConversationError::NotFound)), "nothing is found: {:?}", found.err());
}

/// The message after the mark before what is unread.
fn first_unread(conversation: &Conversation) -> Option<String> {
    let lines = conversation.lines();
    let mark = lines.iter().position(|line| matches!(line, Line::Unread { .. }))?;
    lines[mark..].iter().find_map(|line| match line {
        Line::Message(message) => text(message).map(ToOwned::to_owned),
        Line::Day { .. } | Line::Unread { .. } | Line::Changes { .. } => None,
    })
}

async fn what_was_not_read_is_found_where_it_begins_after_an_absence(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-heidekorn").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    theirs.send("Gelesen.", None).await.expect("it is taken");
    sees(&mine, "what is read", says("Gelesen.")).await;
    mine.mark_read().await.expect("the homeserver takes it");
    assert_eq!(mine.unread_before(), None, "all of it is read");
    drop(mine);
    let last = format!("Nr. {}.", MANY - 1);
    let one = one
        .restarted_after(async {
            for number in 0..MANY {
                theirs.send(&format!("Nr. {number}."), None).await.expect("it is taken");
            }
            sees(&theirs, "that the last is sent", |message| says(&last)(message) && message.event.is_some()).await;
        })
        .await;
    let mine = one.opens(&room).await;
    until(&mine, "the last, and that the first unread one is before those that are loaded", |mine| {
        written(mine).contains(&last) && mine.unread_before().is_some()
    })
    .await;
    // Whoever comes to the end has read it, and still finds the beginning.
    mine.mark_read().await.expect("the homeserver takes it");
    let read_to = mine.unread_before().expect("it is remembered");
    let past = one.account.conversation_unread(&room, &read_to).await.expect("it is found");
    until(&past, "the mark before the first", |past| first_unread(past).as_deref() == Some("Nr. 0.")).await;
    assert!(written(&past).contains(&"Gelesen.".to_owned()), "what was read stands before it");
    assert_eq!(past.later(), Some(Earlier::More), "more was written since");
}

async fn what_was_read_last_is_a_line_although_a_reaction_came_after_it(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-heidekorn").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    mine.send("Gelesen.", None).await.expect("it is taken");
    let said = sees(&theirs, "what is read", says("Gelesen.")).await;
    theirs.toggle_reaction(&said.id, "👍").await.expect("it is taken");
    sees(&mine, "the reaction", |message| says("Gelesen.")(message) && !message.reactions.is_empty()).await;
    mine.mark_read().await.expect("the homeserver takes it");
    theirs.send("Neu.", None).await.expect("it is taken");
    until(&mine, "the mark before what is new", |mine| first_unread(mine).as_deref() == Some("Neu.")).await;
}
