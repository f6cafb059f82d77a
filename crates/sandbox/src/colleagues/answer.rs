//! A colleague who answers: reads what people write into the conversations of the list, and says what the script has for
//! it.

use super::ColleagueError;
use super::colleague::Colleague;
use super::history::Past;
use super::round::{self, Part};
use super::script::Script;
use contract::{
    BlockView, ConversationMembership, ConversationView, LastLineKind, LastLineView, LineView, MessageBodyView, Request,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::timeout;

/// A conversation that was opened shows the line that the list has of it in this time, or never.
const SHOWN: Duration = Duration::from_secs(10);

/// Answers for as long as the task lives. Colleagues talk with people, not with each other: `them`, by user id.
pub(super) async fn answer(
    mut colleague: Colleague,
    mut script: Script,
    past: Past,
    them: &BTreeSet<String>,
) -> Result<(), ColleagueError> {
    let Past { rooms, written: mut seen } = past;
    let mut looked: BTreeMap<String, LastLineView> = BTreeMap::new();
    let mut part = Part::of(script.leads);
    loop {
        for row in colleague.chat().await?.conversations {
            match row.membership {
                ConversationMembership::Invited { .. } => {
                    let join = Request::JoinConversation { conversation: row.id };
                    if let Err(error) = colleague.asks(join).await {
                        tracing::debug!(%error, "an invitation was not taken");
                    }
                }
                ConversationMembership::Joined => {
                    let last = row.last.filter(|last| last.kind != LastLineKind::Undecryptable);
                    let Some(last) = last.filter(|last| looked.get(&row.id) != Some(last)) else { continue };
                    let mut view = look(&mut colleague, &row.id, &last).await?;
                    looked.insert(row.id.clone(), last);
                    let name = rooms.get(&row.id).map_or("", String::as_str);
                    // What comes while somebody writes is answered as well.
                    while let Some(text) = unanswered(&view, &mut seen, them) {
                        if let Some(reply) = script.answer(name, &text) {
                            say(&colleague, &row.id, script.typing, reply).await;
                        }
                        view = colleague.opens(&row.id).await?;
                    }
                    colleague.asks(Request::MarkRead { conversation: row.id }).await?;
                }
                ConversationMembership::Left => {}
            }
        }
        round::attend(&colleague, them, &mut part).await?;
        colleague.hears().await?;
    }
}

/// Opens a conversation and waits for the line that the list has of it.
async fn look(
    colleague: &mut Colleague,
    conversation: &str,
    last: &LastLineView,
) -> Result<ConversationView, ColleagueError> {
    let shown = async {
        loop {
            let view = colleague.opens(conversation).await?;
            if newest(&view).is_some_and(|at| at >= last.at.as_str()) {
                return Ok(());
            }
            colleague.hears().await?;
        }
    };
    // A line that never comes keeps nobody from reading the others.
    timeout(SHOWN, shown).await.unwrap_or(Ok::<_, ColleagueError>(()))?;
    colleague.opens(conversation).await
}

/// When the newest message was written that can be read.
fn newest(view: &ConversationView) -> Option<&str> {
    view.lines.iter().rev().find_map(|line| match line {
        LineView::Message(message) => {
            let readable = !matches!(message.body, MessageBodyView::Undecryptable { .. });
            readable.then_some(message.at.as_str())
        }
        LineView::Day { .. } | LineView::Unread { .. } | LineView::Notice { .. } => None,
    })
}

/// The first text of other people that was not seen before. It is seen by this.
fn unanswered(view: &ConversationView, seen: &mut BTreeSet<String>, but: &BTreeSet<String>) -> Option<String> {
    view.lines.iter().find_map(|line| match line {
        LineView::Message(message) if !message.sender.own && !but.contains(&message.sender.id) => match &message.body {
            MessageBodyView::Text { blocks, .. } => {
                let event = message.event.clone()?;
                seen.insert(event).then(|| words(blocks))
            }
            MessageBodyView::Emote { .. }
            | MessageBodyView::File { .. }
            | MessageBodyView::Form { .. }
            | MessageBodyView::Redacted { .. }
            | MessageBodyView::Undecryptable { .. }
            | MessageBodyView::Repeated
            | MessageBodyView::Unsupported { .. } => None,
        },
        LineView::Message(_) | LineView::Day { .. } | LineView::Unread { .. } | LineView::Notice { .. } => None,
    })
}

/// The words of a message without its marks, block by block.
fn words(blocks: &[BlockView]) -> String {
    let block = |block: &BlockView| match block {
        BlockView::Paragraph { spans } => spans.iter().map(|span| span.text.as_str()).collect(),
        BlockView::Quote { blocks } => words(blocks),
        BlockView::Code { text } => text.clone(),
        BlockView::List { items, .. } => items.iter().map(|item| words(item)).collect::<Vec<_>>().join("\n"),
    };
    blocks.iter().map(block).collect::<Vec<String>>().join("\n")
}

async fn say(colleague: &Colleague, conversation: &str, typing: [u64; 2], reply: Vec<(Duration, String)>) {
    let types = async |typing| {
        // Whether others are told is a setting of theirs; a homeserver that does not take it keeps nobody from writing.
        let told = Request::SetTyping { conversation: conversation.to_owned(), typing };
        let _told = colleague.asks(told).await;
    };
    for (after, text) in reply {
        let [least, most] = typing;
        let pause = Duration::from_millis(rand::Rng::random_range(&mut rand::rng(), least..=most));
        tokio::time::sleep(after).await;
        types(true).await;
        tokio::time::sleep(pause).await;
        types(false).await;
        let said =
            Request::SendMessage { conversation: conversation.to_owned(), text, named: Vec::new(), reply_to: None };
        if let Err(error) = colleague.asks(said).await {
            tracing::debug!(%error, "a colleague could not answer");
        }
    }
}
