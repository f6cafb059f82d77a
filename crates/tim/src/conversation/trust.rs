//! Whether the people of a conversation are still who they were.
//!
//! Somebody's identity changes when they make new keys, or when somebody else does in their name. Until the signed-in
//! person has decided, nothing is sent to them.

use super::{Conversation, ConversationError, Shared};
use crate::person::Person;
use crate::queue::{self, Queues};
use futures_util::{FutureExt as _, StreamExt as _};
use matrix_sdk::{Room, RoomMemberships};
use matrix_sdk_base::crypto::{IdentityState, IdentityStatusChange};
use ruma::{OwnedUserId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How long sending waits to learn whether somebody has changed: the person waits for it.
const KNOWN: Duration = Duration::from_secs(3);

/// Somebody whose identity has changed, and about whom nothing is decided yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedIdentity {
    /// Who.
    pub person: Person,
    /// Whether the former identity was confirmed by a comparison.
    pub was_confirmed: bool,
}

/// What is known of the people of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trust {
    /// Confirmed by a comparison.
    confirmed: BTreeSet<OwnedUserId>,
    /// Changed, and whether the former identity was confirmed.
    changed: BTreeMap<OwnedUserId, bool>,
}

impl Trust {
    fn take(&mut self, changes: Vec<IdentityStatusChange>) {
        for IdentityStatusChange { user_id, changed_to } in changes {
            self.confirmed.remove(&user_id);
            self.changed.remove(&user_id);
            match changed_to {
                IdentityState::Verified => {
                    self.confirmed.insert(user_id);
                }
                IdentityState::Pinned => {}
                IdentityState::PinViolation => {
                    self.changed.insert(user_id, false);
                }
                IdentityState::VerificationViolation => {
                    self.changed.insert(user_id, true);
                }
            }
        }
    }
}

impl Conversation {
    /// Members whom the signed-in person has confirmed by a comparison, by user id.
    #[must_use]
    pub fn confirmed(&self) -> Vec<String> {
        let trust = self.shared.trust.borrow();
        trust.iter().flat_map(|trust| &trust.confirmed).map(ToString::to_string).collect()
    }

    /// Members whose identity has changed and about whom nothing is decided yet: nothing is sent before.
    pub async fn changed_identities(&self) -> Vec<ChangedIdentity> {
        let changed = self.shared.trust.borrow().clone().unwrap_or_default().changed;
        let mut people = Vec::new();
        for (user, was_confirmed) in changed {
            people.push(ChangedIdentity { person: Person::of_member(&self.room, &user).await, was_confirmed });
        }
        people
    }

    /// Takes somebody's new identity. It is no longer confirmed; [`crate::Account::verify_person`] confirms the new one.
    ///
    /// # Errors
    /// [`ConversationError`].
    pub async fn accept_identity(&self, user: &str) -> Result<(), ConversationError> {
        let user = UserId::parse(user).map_err(|_error| ConversationError::NotFound)?;
        let encryption = self.room.client().encryption();
        let failed = |error: matrix_sdk::encryption::CryptoStoreError| ConversationError::Failed(error.to_string());
        let identity = encryption.get_user_identity(&user).await.map_err(failed)?.ok_or(ConversationError::NotFound)?;
        if identity.has_verification_violation() {
            identity.withdraw_verification().await.map_err(failed)?;
        }
        identity.pin().await.map_err(failed)
    }

    /// Nothing is sent to somebody who may be somebody else.
    pub(super) async fn check_identities(&self) -> Result<(), ConversationError> {
        let mut trust = self.shared.trust.subscribe();
        // What cannot be learned without the homeserver does not keep a message from waiting for it.
        let known = tokio::time::timeout(KNOWN, trust.wait_for(Option::is_some)).await;
        let changed = known
            .is_ok_and(|known| known.is_ok_and(|trust| trust.as_ref().is_some_and(|trust| !trust.changed.is_empty())));
        if changed { Err(ConversationError::IdentityChanged) } else { Ok(()) }
    }
}

/// Follows the identities of a room's members. What waits to be sent stays where it is while one has changed.
pub(super) async fn follow(room: Room, shared: Arc<Shared>, queues: Arc<Queues>) {
    let changes = match room.subscribe_to_identity_status_changes().await {
        Ok(changes) => changes,
        Err(error) => {
            tracing::warn!(%error, "whether somebody's identity changes is not known");
            shared.trust.send_replace(Some(Trust::default()));
            return;
        }
    };
    let mut changes = Box::pin(changes);
    let mut trust = Trust { confirmed: confirmed(&room).await, changed: BTreeMap::new() };
    // What is so already comes first, without waiting.
    if let Some(Some(so_far)) = changes.next().now_or_never() {
        trust.take(so_far);
    }
    loop {
        let held = !trust.changed.is_empty();
        shared.trust.send_replace(Some(trust.clone()));
        shared.changed();
        if held {
            queue::set(&room, false);
        } else {
            queues.look();
        }
        let Some(more) = changes.next().await else { return };
        trust.take(more);
    }
}

async fn confirmed(room: &Room) -> BTreeSet<OwnedUserId> {
    let mut confirmed = BTreeSet::new();
    let encryption = room.client().encryption();
    for member in room.members(RoomMemberships::JOIN).await.unwrap_or_default() {
        if member.user_id() != room.own_user_id()
            && let Ok(Some(identity)) = encryption.get_user_identity(member.user_id()).await
            && identity.is_verified()
        {
            confirmed.insert(member.user_id().to_owned());
        }
    }
    confirmed
}
