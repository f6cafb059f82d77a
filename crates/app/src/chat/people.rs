//! Whom to write to, and the beginning of a conversation.

use super::{Up, of_account, views};
use crate::Desk;
use contract::{BegunView, Failure, FailureCode, FoundPeopleView};
use tim::NewConversation;

/// Letters of a group's name at most.
const NAME: usize = 100;

impl Desk {
    pub(crate) async fn find_people(&self, words: &str) -> Result<FoundPeopleView, Failure> {
        let found = self.up()?.account.find_people(words).await.map_err(|error| of_account(&error))?;
        Ok(FoundPeopleView { people: found.people.iter().map(views::sender).collect(), more: found.more })
    }

    /// One person without a name: the conversation that there is, else a new one. Several, or a name: a group.
    /// That of a case is a group, also with one person.
    pub(crate) async fn begin_conversation(
        &self,
        people: &[String],
        name: Option<&str>,
        case: Option<&str>,
    ) -> Result<BegunView, Failure> {
        let up = self.up()?;
        let name = name.map(str::trim);
        // Before anything is begun: a case that cannot be named has no conversation.
        let link = match case {
            Some(patient) => Some(self.link_of(patient).await?),
            None => None,
        };
        let (conversation, refused) = match (people, name) {
            ([person], None) if link.is_none() => {
                let known = up.account.conversation_with(person);
                let conversation = match known {
                    Some(known) => known,
                    None => {
                        up.account.begin(NewConversation::Direct(person)).await.map_err(|error| of_account(&error))?
                    }
                };
                (conversation, Vec::new())
            }
            ([_, ..], Some(name)) if !name.is_empty() && name.chars().count() <= NAME => {
                let conversation =
                    up.account.begin(NewConversation::Group { name }).await.map_err(|error| of_account(&error))?;
                let refused = invite(&up, &conversation, people).await;
                if let Some(link) = link {
                    let asked = people.iter().filter(|person| !refused.contains(person)).cloned();
                    self.await_them(&conversation, asked);
                    self.want_link(&conversation, link);
                }
                (conversation, refused)
            }
            ([] | [_, ..], Some(_) | None) => {
                return Err(Failure::new(FailureCode::InvalidInput, "a person, or people and a name"));
            }
        };
        Ok(BegunView { conversation, refused })
    }

    /// Who comes later gets what was written from then on, and the link to the case once they have come.
    pub(crate) async fn invite_to_conversation(
        &self,
        conversation: &str,
        people: &[String],
    ) -> Result<BegunView, Failure> {
        let up = self.up()?;
        let refused = invite(&up, conversation, people).await;
        let asked = people.iter().filter(|person| !refused.contains(person)).cloned();
        self.await_them(conversation, asked);
        Ok(BegunView { conversation: conversation.to_owned(), refused })
    }

    pub(crate) async fn remove_from_conversation(&self, conversation: &str, person: &str) -> Result<(), Failure> {
        self.up()?.account.remove(conversation, person).await.map_err(|error| of_account(&error))
    }

    pub(crate) async fn rename_conversation(&self, conversation: &str, name: &str) -> Result<(), Failure> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME {
            return Err(Failure::new(FailureCode::InvalidInput, "a name of one to a hundred letters"));
        }
        self.up()?.account.rename(conversation, name).await.map_err(|error| of_account(&error))
    }

    pub(crate) async fn set_favorite(&self, conversation: &str, favorite: bool) -> Result<(), Failure> {
        self.up()?.account.set_favorite(conversation, favorite).await.map_err(|error| of_account(&error))?;
        // The list tells it by itself; what is open does not.
        self.tell_open_conversation().await;
        Ok(())
    }
}

/// One after the other, as TIM has it: nobody but the first is invited in the creation. Who could not be.
async fn invite(up: &Up, conversation: &str, people: &[String]) -> Vec<String> {
    let mut refused = Vec::new();
    for person in people {
        if let Err(error) = up.account.invite(conversation, person).await {
            tracing::warn!(code = ?of_account(&error).code, "somebody could not be invited");
            refused.push(person.clone());
        }
    }
    refused
}
