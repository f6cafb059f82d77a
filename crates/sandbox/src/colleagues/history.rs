//! What was written in the days before: the recipe's rooms and lines, each by its author's own client at its own time.

use super::ColleagueError;
use crate::clock::berlin;
use crate::matrix::Homeserver;
use crate::people::people;
use crate::seed::{Language, Plan, recipe};
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tim::{Account, CaseLink, Conversation, Line, Message, NewConversation};
use tokio::time::timeout;

/// Something that the homeserver does at once; a busy computer takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A room of the recipe.
struct Room<'a> {
    id: &'a str,
    entry: &'a Value,
}

fn rooms(recipe: &Value) -> impl Iterator<Item = Room<'_>> {
    // Patients' own conversations come with their own screens.
    list(&recipe["rooms"])
        .filter(|entry| entry["kind"] != "patient")
        .filter_map(|entry| Some(Room { id: entry["id"].as_str()?, entry }))
}

impl<'a> Room<'a> {
    fn members(&self) -> Vec<&'a str> {
        match self.entry["members"].as_str() {
            Some("board.members") => texts(&recipe::network()["board"]["members"]),
            Some(_) | None => texts(&self.entry["members"]),
        }
    }

    /// A room's name is not encrypted, so that of a case has no name of a patient: "Fall 1".
    fn name(&self, language: Language) -> &'a str {
        let key = match language {
            Language::German => "name_de",
            Language::English => "name_en",
        };
        let name = self.entry[key].as_str().unwrap_or_default();
        if self.entry["kind"] == "case" { name.split(':').next().unwrap_or_default() } else { name }
    }

    /// The registration of the case that the agenda has under the room's case.
    fn case(&self, fhir: &str) -> Option<CaseLink> {
        let case = self.entry["case"].as_str()?;
        let slot = list(&recipe::agenda()["slots"]).find(|slot| slot["id"] == case)?;
        let reference = format!("ServiceRequest/{}", slot["registration"].as_str()?);
        Some(CaseLink { base: fhir.to_owned(), reference, number: None })
    }

    fn lines(&self) -> impl Iterator<Item = &'a Value> {
        list(&self.entry["messages"])
    }
}

/// Everybody who wrote something.
pub(super) fn authors(recipe: &Value) -> BTreeSet<&str> {
    rooms(recipe).flat_map(|room| room.lines().filter_map(|line| line["by"].as_str()).collect::<Vec<_>>()).collect()
}

/// What was made.
#[derive(Debug, Default, Clone)]
pub(super) struct Past {
    /// The recipe's ids of rooms by the homeserver's.
    pub(super) rooms: BTreeMap<String, String>,
    /// Event ids of all that was written: whatever else is said waits for an answer, also what is said meanwhile.
    pub(super) written: BTreeSet<String>,
}

/// Makes the rooms and writes the lines.
pub(super) async fn write(
    home: &Homeserver,
    authors: &BTreeMap<String, Account>,
    recipe: &Value,
    plan: Plan,
    fhir: &str,
) -> Result<Past, ColleagueError> {
    let user = people().into_iter().next().map(|person| person.username).unwrap_or_default();
    let mut past = Past::default();
    for room in rooms(recipe) {
        let members = room.members();
        let first = room.lines().find_map(|line| line["by"].as_str().filter(|by| *by != user));
        let Some(founder) = first.and_then(|first| authors.get(first).map(|author| (first, author))) else {
            continue;
        };
        let began = room.lines().next().and_then(|line| moment(line, plan));
        home.stamp(began.and_then(|began| began.checked_sub(5.minutes()).ok()));
        let id = if room.entry["kind"] == "direct" {
            // The person is asked, as by anybody who writes for the first time.
            founder.1.begin(NewConversation::Direct(&home.user_id(&user))).await?
        } else {
            let id = founder.1.begin(NewConversation::Group { name: room.name(plan.language) }).await?;
            for member in members.iter().filter(|member| **member != founder.0) {
                home.seat(&id, member);
            }
            if let Some(link) = room.case(fhir) {
                let said = match plan.language {
                    Language::German => "Dieses Gespräch gehört zu einem Fall. Konsil zeigt, zu welchem.",
                    Language::English => "This conversation belongs to a case. Konsil shows which one.",
                };
                founder.1.link_case(&id, &link, said, &[]).await?;
            }
            id
        };
        past.written.extend(tell(home, authors, &room, &id, plan).await?);
        past.rooms.insert(id, room.id.to_owned());
    }
    home.stamp(None);
    Ok(past)
}

async fn tell(
    home: &Homeserver,
    authors: &BTreeMap<String, Account>,
    room: &Room<'_>,
    id: &str,
    plan: Plan,
) -> Result<Vec<String>, ColleagueError> {
    let mut open: BTreeMap<&str, Conversation> = BTreeMap::new();
    let mut events: Vec<String> = Vec::new();
    for line in room.lines() {
        let (Some(by), Some(text)) = (line["by"].as_str(), line["text"].as_str()) else { continue };
        // Somebody who is only asked has not been here yet.
        let Some(author) = authors.get(by).filter(|_| home.is_member(id, by)) else { continue };
        if !open.contains_key(by) {
            open.insert(by, enter(author, id).await?);
        }
        let conversation = &open[by];
        home.stamp(moment(line, plan));
        let answered = line["reply_to"].as_u64().and_then(|number| events.get(usize::try_from(number).ok()?));
        conversation.send(text, answered.map(String::as_str)).await?;
        if let Some(event) = written(conversation, text).await {
            events.push(event);
        }
    }
    Ok(events)
}

/// Opens the room as soon as the author's client knows it.
async fn enter(account: &Account, id: &str) -> Result<Conversation, ColleagueError> {
    let mut changes = std::pin::pin!(account.list_changes());
    let known = timeout(PATIENCE, async {
        loop {
            if account.rows().await.iter().any(|row| row.id == id && row.membership == tim::Membership::Joined) {
                return;
            }
            if futures_util::StreamExt::next(&mut changes).await.is_none() {
                return;
            }
        }
    });
    // A room that does not come is not found below.
    let _known = known.await;
    Ok(account.conversation(id).await?)
}

/// The event's id, once the homeserver has it.
async fn written(conversation: &Conversation, text: &str) -> Option<String> {
    let mut changes = conversation.changes();
    let seen = timeout(PATIENCE, async {
        loop {
            changes.borrow_and_update();
            let event = conversation.lines().into_iter().rev().find_map(|line| match line {
                Line::Message(message) if message.sender.own && says(&message, text) => message.event.clone(),
                Line::Message(_) | Line::Day { .. } | Line::Unread { .. } | Line::Changes { .. } => None,
            });
            if event.is_some() || changes.changed().await.is_err() {
                return event;
            }
        }
    });
    seen.await.ok().flatten()
}

fn says(message: &Message, text: &str) -> bool {
    matches!(&message.body, tim::Body::Text { source, .. } if source.text == text)
}

/// `d` and `t` of the recipe: days from today, and a time in Europe/Berlin.
fn moment(line: &Value, plan: Plan) -> Option<Timestamp> {
    let day = plan.today.checked_add(line["d"].as_i64()?.days()).ok()?;
    let time: jiff::civil::Time = line["t"].as_str()?.parse().ok()?;
    Some(day.to_datetime(time).to_zoned(berlin()).ok()?.timestamp())
}

pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).filter_map(Value::as_str).collect()
}
