//! What two people do in a conversation.

use super::{Home, Pair, pair, says, sees, text};
use tim::{Body, ConversationError, LastKind, Membership, NewConversation, Sending};

on_each_homeserver! {
    a_message_is_read_by_the_other_and_by_nobody_on_the_way,
    an_answer_an_edit_a_reaction_and_a_deletion_reach_the_other,
    the_list_shows_the_last_line_and_counts_what_is_unread,
    messages_reach_everybody_of_a_group_and_nobody_who_left,
    who_was_removed_keeps_the_past_in_the_list_until_they_take_it_out,
    what_cannot_be_sent_is_refused_before_it_leaves,
    a_restart_shows_what_was_there_and_keeps_what_was_begun,
    somebody_is_found_by_name_and_the_conversation_with_them_is_found_again,
}

async fn a_message_is_read_by_the_other_and_by_nobody_on_the_way(home: &Home) {
    let Pair { one, other, room, first } = pair(home, "dr-falkenried", "dr-sonnkaya").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    mine.send("Der Herd ist verkalkt.", None).await.expect("it is taken");
    let seen = sees(&theirs, "the message", says("Der Herd ist verkalkt.")).await;
    assert!(!seen.sender.own, "it is the other's");
    assert_eq!(seen.sender.id, home.id(&first), "whoever wrote it");
    assert!(!seen.in_clear, "it came encrypted");
    let sent = sees(&mine, "the homeserver's answer", |m| says("Der Herd ist verkalkt.")(m) && m.event.is_some()).await;
    assert_eq!(sent.sending, Sending::Sent, "the homeserver has it");

    let path = format!("/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=20");
    let raw = home.ask(&first, &path).await;
    let events = raw["chunk"].as_array().expect("events");
    assert!(events.iter().any(|event| event["type"] == "m.room.encrypted"), "what the homeserver has is encrypted");
    assert!(events.iter().all(|event| event["type"] != "m.room.message"), "nothing of it is in clear");
    assert!(!raw.to_string().contains("verkalkt"), "no word of it is readable");
}

pub(super) async fn an_answer_an_edit_a_reaction_and_a_deletion_reach_the_other(home: &Home) {
    let Pair { one, other, room, first } = pair(home, "dr-falkenried", "pd-brunnengold").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    mine.send("MMR?", None).await.expect("it is taken");
    let question = sees(&theirs, "the question", says("MMR?")).await;
    let event = question.event.clone().expect("the homeserver has it");
    theirs.send("pMMR", Some(&event)).await.expect("it is taken");
    let answer = sees(&mine, "the answer", |m| says("pMMR")(m) && m.reply_to.is_some()).await;
    let replied = answer.reply_to.as_ref().expect("it is an answer");
    assert_eq!((replied.event.as_str(), replied.text.as_deref()), (event.as_str(), Some("MMR?")), "to the question");

    let own = sees(&mine, "the own question", |m| says("MMR?")(m) && m.event.is_some()).await;
    assert!(own.may_edit && own.may_redact && !answer.may_edit && !answer.may_redact, "only one's own");
    mine.edit(&own.id, "MMR-Status?").await.expect("one's own may be changed");
    let edited = sees(&theirs, "the edit", says("MMR-Status?")).await;
    assert!(edited.edited, "it says that it was changed");

    mine.toggle_reaction(&answer.id, "👍").await.expect("one emoji");
    let liked = sees(&theirs, "the reaction", |m| !m.reactions.is_empty()).await;
    assert_eq!(liked.reactions[0].key, "👍", "as it was chosen");
    assert_eq!(liked.reactions[0].senders, [home.id(&first)], "by whom");
    let refused = mine.toggle_reaction(&answer.id, "ok").await;
    assert!(matches!(refused, Err(ConversationError::Reaction)), "a word is no reaction");

    let own = sees(&mine, "the own question", |m| m.event.as_deref() == Some(event.as_str())).await;
    mine.redact(&own.id).await.expect("one's own may be deleted");
    let gone = sees(&theirs, "the deletion", |m| matches!(m.body, Body::Redacted { .. })).await;
    let Body::Redacted { by, at } = &gone.body else { panic!("it is deleted") };
    assert_eq!(by.as_ref().map(|by| by.id.clone()), Some(home.id(&first)), "by whom");
    assert!(at.is_some(), "and when");
}

pub(super) async fn the_list_shows_the_last_line_and_counts_what_is_unread(home: &Home) {
    let Pair { one, other, room, first } = pair(home, "dr-falkenried", "dr-ahlefels").await;
    let mine = one.opens(&room).await;
    for line in ["eins", "zwei"] {
        mine.send(line, None).await.expect("it is taken");
    }
    let zwei = LastKind::Text("zwei".to_owned());
    let counted = |rows: &[tim::Row]| {
        let row = rows.iter().find(|row| row.id == room && row.unread == 2)?;
        row.last.clone().filter(|last| last.kind == zwei)
    };
    let last = other.sees("two unread messages and the newest", counted).await;
    assert_eq!(last.sender.id, home.id(&first), "with its sender");
    let theirs = other.opens(&room).await;
    sees(&theirs, "the last line", says("zwei")).await;
    theirs.mark_read().await.expect("the homeserver takes it");
    other.sees("nothing unread", |rows| rows.iter().any(|row| row.id == room && row.unread == 0).then_some(())).await;
}

pub(super) async fn messages_reach_everybody_of_a_group_and_nobody_who_left(home: &Home) {
    let one = home.device(&home.person("dr-falkenried").await).await;
    let room = one.account.begin(NewConversation::Group { name: "Lungenteam" }).await.expect("it may be begun");
    let rows = one.account.rows().await;
    assert!(rows.iter().any(|row| row.id == room && row.name == "Lungenteam"), "known by its name from the first");
    let mut others = Vec::new();
    for user in ["dr-silbertal", "dr-weidenlohe"] {
        let user = home.person(user).await;
        let device = home.device(&user).await;
        one.account.invite(&room, &home.id(&user)).await.expect("one after another");
        device.comes_to(&room).await;
        others.push(device);
    }
    let mine = one.opens(&room).await;
    mine.send("an alle", None).await.expect("it is taken");
    for device in &others {
        sees(&device.opens(&room).await, "the message", says("an alle")).await;
    }
    let gone = others.pop().expect("there are two");
    gone.account.leave(&room).await.expect("whoever is there may leave");
    sees_members(&mine, 2).await;
    mine.send("ohne ihn", None).await.expect("it is taken");
    let theirs = others[0].opens(&room).await;
    sees(&theirs, "the message", says("ohne ihn")).await;
    let without = |rows: &[tim::Row]| rows.iter().all(|row| row.id != room).then_some(());
    gone.sees("the list without what was left (A_28342)", without).await;
    // What comes after it brings nothing back.
    one.account.invite(&room, &gone.account.user()).await.expect("whoever left may be asked again");
    let invited = |rows: &[tim::Row]| {
        rows.iter().any(|row| row.id == room && matches!(row.membership, Membership::Invited { .. })).then_some(())
    };
    gone.sees("the new invitation", invited).await;
    gone.account.leave(&room).await.expect("it may be refused");
    gone.sees("the list without what was refused", without).await;
    let gone = gone.restarted().await;
    gone.ready().await;
    assert!(gone.account.rows().await.iter().all(|row| row.id != room), "nor does a restart");
}

async fn who_was_removed_keeps_the_past_in_the_list_until_they_take_it_out(home: &Home) {
    let (first, second) = (home.person("dr-falkenried").await, home.person("dr-silbertal").await);
    let (one, other) = (home.device(&first).await, home.device(&second).await);
    let room = one.account.begin(NewConversation::Group { name: "Lungenteam" }).await.expect("it may be begun");
    one.account.invite(&room, &home.id(&second)).await.expect("whoever began it may ask");
    other.comes_to(&room).await;
    one.account.remove(&room, &home.id(&second)).await.expect("whoever began it may do so");
    let left =
        |rows: &[tim::Row]| rows.iter().any(|row| row.id == room && row.membership == Membership::Left).then_some(());
    other.sees("it as history (A_28343)", left).await;
    other.account.leave(&room).await.expect("it may be taken out");
    let without = |rows: &[tim::Row]| rows.iter().all(|row| row.id != room).then_some(());
    other.sees("the list without it", without).await;
    let other = other.restarted().await;
    other.ready().await;
    assert!(other.account.rows().await.iter().all(|row| row.id != room), "it stays out");
}

async fn sees_members(conversation: &tim::Conversation, count: usize) {
    let mut changes = conversation.changes();
    let known = tokio::time::timeout(testkit::PATIENCE, async {
        while conversation.members().await.len() != count {
            changes.changed().await.expect("the conversation lives");
        }
    });
    known.await.expect("the members are known in time");
}

async fn what_cannot_be_sent_is_refused_before_it_leaves(home: &Home) {
    let Pair { one, other: _other, room, .. } = pair(home, "dr-falkenried", "dr-rosenpfad").await;
    let mine = one.opens(&room).await;
    assert!(matches!(mine.send("  ", None).await, Err(ConversationError::Empty)), "nothing");
    let long = "x".repeat(40_000);
    assert!(matches!(mine.send(&long, None).await, Err(ConversationError::TooLong)), "too long");
    assert!(matches!(mine.send("a", Some("no event")).await, Err(ConversationError::NotFound)), "no such message");
    let none: Vec<_> = mine.lines().into_iter().filter(|line| matches!(line, tim::Line::Message(_))).collect();
    assert!(none.is_empty(), "nothing stands in the conversation");
}

async fn a_restart_shows_what_was_there_and_keeps_what_was_begun(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-lerchenhain").await;
    let mine = one.opens(&room).await;
    mine.send("vor dem Neustart", None).await.expect("it is taken");
    sees(&mine, "the homeserver's answer", |m| says("vor dem Neustart")(m) && m.event.is_some()).await;
    one.account.keep_draft(&room, "angefangen").await.expect("it is on disk");
    drop(mine);
    let one = one.restarted().await;
    let mine = one.opens(&room).await;
    let seen = sees(&mine, "the message", says("vor dem Neustart")).await;
    assert!(seen.sender.own, "it is one's own");
    assert_eq!(one.account.drafts().await.get(&room), Some(&tim::Typed::from("angefangen")), "and what was begun");
    mine.send("nach dem Neustart", None).await.expect("it is taken");
    let theirs = other.opens(&room).await;
    let seen = sees(&theirs, "the message after it", says("nach dem Neustart")).await;
    assert_eq!(text(&seen), Some("nach dem Neustart"), "the keys are those of before");
}

pub(super) async fn somebody_is_found_by_name_and_the_conversation_with_them_is_found_again(home: &Home) {
    let Pair { one, room, first, .. } = pair(home, "dr-falkenried", "dr-weidenlohe").await;
    let found = one.account.find_people("weidenlohe").await.expect("the homeserver answers");
    let theirs = |person: &&tim::Person| one.account.conversation_with(&person.id).as_ref() == Some(&room);
    let colleague = found.people.iter().find(theirs).expect("there is a conversation with one of them already");
    assert!(colleague.id.starts_with("@dr-weidenlohe") && !colleague.own, "whoever was looked for");
    let own = one.account.find_people("falkenried").await.expect("the homeserver answers");
    assert!(own.people.iter().all(|person| person.id != home.id(&first)), "nobody writes to themselves");
    let nobody = one.account.find_people("zzyzx").await.expect("the homeserver answers");
    assert_eq!((nobody.people.len(), nobody.more), (0, false), "nobody of that name");
    assert_eq!(one.account.conversation_with("no address"), None, "what is no address has none");
}
