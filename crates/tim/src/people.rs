//! Finding people to write to: by name among those that the homeserver knows.

use crate::account::{Account, AccountError, of_sdk};
use crate::person::Person;
use matrix_sdk::RoomState;
use ruma::UserId;
use std::sync::PoisonError;

/// People that were found at most; more than that nobody reads.
const MOST: u64 = 20;

/// People whom a homeserver found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPeople {
    /// In the homeserver's order, without the person who asks.
    pub people: Vec<Person>,
    /// Whether there are more than these.
    pub more: bool,
}

impl Account {
    /// People whose name or address has these words. The homeserver decides whom it names; it is asked for no keys of
    /// theirs (TIM servers will answer those only for people who share a room).
    ///
    /// # Errors
    /// [`AccountError`] when the homeserver refuses or does not answer.
    pub async fn find_people(&self, words: &str) -> Result<FoundPeople, AccountError> {
        let words = words.trim();
        let own = self.client.user_id().ok_or(AccountError::Session)?;
        if words.is_empty() {
            return Ok(FoundPeople { people: Vec::new(), more: false });
        }
        let found = self.client.search_users(words, MOST).await.map_err(|error| of_sdk(&error.into()))?;
        let mut people: Vec<Person> = found
            .results
            .iter()
            .filter(|user| user.user_id != own)
            .map(|user| Person::new(&user.user_id, user.display_name.as_deref(), false, own))
            .collect();
        let names: Vec<String> = people.iter().map(|person| person.name.clone()).collect();
        for person in &mut people {
            person.ambiguous = names.iter().filter(|name| **name == person.name).count() > 1;
        }
        Ok(FoundPeople { people, more: found.limited })
    }

    /// The conversation with one person that there is already.
    #[must_use]
    pub fn conversation_with(&self, user: &str) -> Option<String> {
        let user = UserId::parse(user).ok()?;
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).get(&user).cloned();
        // One that was left since is no way to them.
        let begun = begun.and_then(|room| self.client.get_room(&room)).filter(|room| room.state() == RoomState::Joined);
        self.client.get_dm_room(&user).or(begun).map(|room| room.room_id().to_string())
    }
}
