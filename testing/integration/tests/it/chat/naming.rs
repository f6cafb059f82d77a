//! Who is named in a conversation, and who hears of it.

use super::desks::{sees_chat, sees_line};
use super::notices::next;
use super::{Device, Home, Pair, found, pair, says, sees};
use crate::{MODERATOR, at_work_on, code};
use contract::{BlockView, ChatStateView, FailureCode, LineView, MessageBodyView, NamedView, Reply, Request};
use sandbox::Options;
use testkit::{PATIENCE, Platform};
use tim::{Body, Conversation, ConversationError, Message, Named, Naming, NewConversation, Typed, Whom};
use tokio::time::timeout;

on_each_homeserver! {
    whoever_is_named_hears_of_it_as_such_and_the_list_counts_it,
    a_change_tells_only_those_whom_it_names_anew,
    whoever_is_answered_is_named_also_after_a_change_of_the_answer,
    everybody_is_named_only_by_whom_the_room_lets,
    what_was_begun_keeps_whom_it_names_over_a_restart,
}

/// A text in which `{}` is the name of the other one in the conversation.
async fn to(conversation: &Conversation, text: &str) -> Typed {
    let mut changes = conversation.changes();
    let other = timeout(PATIENCE, async {
        loop {
            changes.borrow_and_update();
            if let Some(other) = conversation.members().await.into_iter().find(|person| !person.own) {
                return other;
            }
            changes.changed().await.expect("the conversation lives");
        }
    });
    let other = other.await.expect("the other one is known in time");
    let (before, after) = text.split_once("{}").expect("a place for the name");
    let name = format!("@{}", other.name);
    let at = before.len()..before.len() + name.len();
    Typed { text: format!("{before}{name}{after}"), named: vec![Named { at, whom: Whom::Person(other.id) }] }
}

/// Waits until so many messages are unread, so many of which name this person.
async fn counts(device: &Device, room: &str, unread: u64, mentions: u64) {
    let what = format!("{unread} unread, {mentions} of them to this person");
    let row = |rows: &[tim::Row]| {
        rows.iter().any(|row| row.id == room && (row.unread, row.mentions) == (unread, mentions)).then_some(())
    };
    device.sees(&what, row).await;
}

fn source(message: &Message) -> Option<&Typed> {
    match &message.body {
        Body::Text { source, .. } => Some(source),
        Body::Emote(_)
        | Body::File { .. }
        | Body::Form(_)
        | Body::Redacted { .. }
        | Body::Undecryptable(_)
        | Body::Repeated
        | Body::Unsupported { .. } => None,
    }
}

/// An own message that the homeserver has.
fn is_there<'a>(wanted: &'a str) -> impl FnMut(&Message) -> bool + 'a {
    move |message| says(wanted)(message) && message.event.is_some()
}

async fn whoever_is_named_hears_of_it_as_such_and_the_list_counts_it(home: &Home) {
    // Whoever began it was invited to nothing: nothing else arrives there.
    let Pair { one: other, other: one, room, .. } = pair(home, "dr-falkenried", "dr-sonnkaya").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let mut arrivals = other.account.arrivals();
    let text = to(&mine, "Frag {}, bitte").await;
    mine.send(text.clone(), None).await.expect("it is taken");
    let seen = sees(&theirs, "the message", says(&text.text)).await;
    assert_eq!(seen.naming, Naming::Own, "it is to whoever reads it");
    assert_eq!(source(&seen), Some(&text), "and names them in its words");
    assert!(next(&mut arrivals, &room).await.mention, "they are told so");
    counts(&other, &room, 1, 1).await;
    let own = sees(&mine, "the own one", is_there(&text.text)).await;
    assert_eq!((own.naming, source(&own)), (Naming::Others, Some(&text)), "and can be changed as it was typed");

    mine.send("Danke", None).await.expect("it is taken");
    let seen = sees(&theirs, "the next one", says("Danke")).await;
    assert_eq!(seen.naming, Naming::Others, "it names nobody");
    assert!(!next(&mut arrivals, &room).await.mention, "nor is that told");
    counts(&other, &room, 2, 1).await;
    theirs.mark_read().await.expect("the homeserver takes it");
    counts(&other, &room, 0, 0).await;
}

async fn a_change_tells_only_those_whom_it_names_anew(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-silbertal").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let first = to(&mine, "Frag {}").await;
    mine.send(first.clone(), None).await.expect("it is taken");
    counts(&other, &room, 1, 1).await;

    let own = sees(&mine, "the homeserver's answer", is_there(&first.text)).await;
    let second = to(&mine, "Frag bitte {}").await;
    mine.edit(&own.id, second.clone()).await.expect("one's own may be changed");
    let seen = sees(&theirs, "the change", says(&second.text)).await;
    assert_eq!((seen.naming, source(&seen)), (Naming::Own, Some(&second)), "it names them still");
    mine.send("danach", None).await.expect("it is taken");
    counts(&other, &room, 2, 1).await;

    let own = sees(&mine, "the homeserver's answer", is_there("danach")).await;
    let third = to(&mine, "danach {}").await;
    mine.edit(&own.id, third.clone()).await.expect("one's own may be changed");
    let seen = sees(&theirs, "the change", says(&third.text)).await;
    assert_eq!(seen.naming, Naming::Own, "it names them now");
    mine.send("Ende", None).await.expect("it is taken");
    counts(&other, &room, 3, 2).await;

    let own = sees(&mine, "the change", is_there(&third.text)).await;
    mine.edit(&own.id, "danach nichts").await.expect("one's own may be changed");
    let seen = sees(&theirs, "the last change", says("danach nichts")).await;
    assert_eq!(seen.naming, Naming::Others, "whom it no longer names");
}

async fn whoever_is_answered_is_named_also_after_a_change_of_the_answer(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "pd-brunnengold").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    mine.send("MMR?", None).await.expect("it is taken");
    let question = sees(&theirs, "the question", says("MMR?")).await;
    theirs.send("pMMR", question.event.as_deref()).await.expect("it is taken");
    let answer = sees(&mine, "the answer", says("pMMR")).await;
    assert_eq!(answer.naming, Naming::Own, "an answer is to whoever asked");
    counts(&one, &room, 1, 1).await;

    let own = sees(&theirs, "the homeserver's answer", is_there("pMMR")).await;
    theirs.edit(&own.id, "pMMR, alle vier").await.expect("one's own may be changed");
    let answer = sees(&mine, "the change", says("pMMR, alle vier")).await;
    assert_eq!(answer.naming, Naming::Own, "and is so still");
    theirs.send("Ende", None).await.expect("it is taken");
    counts(&one, &room, 2, 1).await;
}

async fn everybody_is_named_only_by_whom_the_room_lets(home: &Home) {
    let (first, second) = (home.person("dr-falkenried").await, home.person("dr-silbertal").await);
    let (one, other) = (home.device(&first).await, home.device(&second).await);
    let room = one.account.begin(NewConversation::Group { name: "Lungenteam" }).await.expect("it may be begun");
    one.account.invite(&room, &home.id(&second)).await.expect("whoever began it may ask");
    other.comes_to(&room).await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let text = "@Alle: Beginn 15 Uhr".to_owned();
    let all = Typed { text, named: vec![Named { at: 0..5, whom: Whom::Everybody }] };
    mine.send(all.clone(), None).await.expect("whoever began it may");
    let seen = sees(&theirs, "the message", says(&all.text)).await;
    assert_eq!((seen.naming, source(&seen)), (Naming::Everybody, Some(&all)), "to all");
    assert!(theirs.loud().await.has(&seen.sender.id), "by somebody who may");
    counts(&other, &room, 1, 1).await;

    assert!(!theirs.loud().await.has(&other.account.user()), "not everybody may");
    let refused = theirs.send(all, None).await;
    assert!(matches!(refused, Err(ConversationError::NotAllowed)), "nothing is sent that reaches nobody: {refused:?}");
    let word = theirs.send("@Alle da?", None).await;
    assert!(word.is_ok(), "the word alone names nobody: {word:?}");
    let seen = sees(&mine, "the word", says("@Alle da?")).await;
    assert_eq!(seen.naming, Naming::Others, "and is read so");
}

async fn what_was_begun_keeps_whom_it_names_over_a_restart(home: &Home) {
    let Pair { one, other: _other, room, .. } = pair(home, "dr-falkenried", "dr-lerchenhain").await;
    let mine = one.opens(&room).await;
    let begun = to(&mine, "Frag  {},\nund dann").await;
    one.account.keep_draft(&room, begun.clone()).await.expect("it is on disk");
    drop(mine);
    let one = one.restarted().await;
    assert_eq!(one.account.drafts().await.get(&room), Some(&begun), "all of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_the_page_chose_reaches_its_person_and_one_of_theirs_the_page() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (_folder, desk) = at_work_on(&platform, MODERATOR).await;
    sees_chat(&desk, "chat", |view| (view.state == ChatStateView::Ready).then_some(())).await;
    let home = Home::of(found(platform.url.trim_start_matches("http://")).await, false);
    let other = home.device("dr-sonnkaya").await;
    let people = vec![home.id("dr-sonnkaya")];
    let begun = Request::BeginConversation { people, name: Some("Lungenteam".to_owned()), case: None };
    let begun = desk.call(begun).await;
    let Ok(Reply::Begun(begun)) = begun else { panic!("a conversation: {:?}", code(&begun)) };
    let conversation = begun.conversation;
    other.comes_to(&conversation).await;
    let theirs = other.opens(&conversation).await;
    let opened = desk.call(Request::OpenConversation { conversation: conversation.clone() }).await;
    assert!(matches!(opened, Ok(Reply::Conversation(_))), "it opens: {:?}", code(&opened));
    theirs.send("Da bin ich", None).await.expect("it is taken");
    sees_line(&desk, "Da bin ich").await;
    let colleague = desk.eventually("the colleague", |seen| {
        let view = seen.conversation.as_ref()?;
        view.members.iter().find(|member| member.id == home.id("dr-sonnkaya")).cloned()
    });
    let colleague = colleague.await;

    let name = format!("@{}", colleague.name);
    let length = u32::try_from(name.encode_utf16().count()).expect("a name is short");
    let say = |start: u32| Request::SendMessage {
        conversation: conversation.clone(),
        text: format!("👍 {name}, danke"),
        named: vec![NamedView { start, length, person: Some(colleague.id.clone()) }],
        reply_to: None,
    };
    let refused = desk.call(say(1)).await;
    assert_eq!(code(&refused), Some(FailureCode::InvalidInput), "no name begins within a sign");
    // Two code units of UTF-16, and a space.
    let sent = desk.call(say(3)).await;
    assert!(matches!(sent, Ok(Reply::Done)), "it is taken: {:?}", code(&sent));
    let seen = sees(&theirs, "the message", says(&format!("👍 {name}, danke"))).await;
    assert_eq!(seen.naming, Naming::Own, "to whoever was chosen");

    theirs.send(to(&theirs, "{}: gern").await, None).await.expect("it is taken");
    let answer = desk.eventually("what names this person", |seen| {
        seen.conversation.as_ref()?.lines.iter().find_map(|line| match line {
            LineView::Message(message) if message.names_me => Some(message.clone()),
            LineView::Message(_) | LineView::Day { .. } | LineView::Unread { .. } | LineView::Notice { .. } => None,
        })
    });
    let answer = answer.await;
    let MessageBodyView::Text { blocks, .. } = &answer.body else { panic!("a text") };
    let [BlockView::Paragraph { spans }] = blocks.as_slice() else { panic!("one paragraph") };
    let named = spans.iter().find(|span| span.mention.is_some()).expect("a name is set apart");
    assert!(named.mention.as_ref().is_some_and(|who| who.own), "that of this person");
    assert!(named.text.starts_with('@') && named.link.is_none(), "as a name and no link");
    sees_chat(&desk, "it in the list", |view| {
        view.conversations.iter().any(|row| row.id == conversation && row.mentions == 1).then_some(())
    })
    .await;
}
