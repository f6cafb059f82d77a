//! Files whose sending the end of the program broke off: where they are written down, sealed, and how they go on.
//!
//! The program has no path of a file that the page gives, only its bytes. So a person chooses the file once more, and it
//! goes on at the first part that is not done, if it is the same by size and time of its last change. Where all parts
//! are done only the message is missing, which goes without anybody's help.

use super::files::{Begun, Supply, of_file};
use super::{Up, study};
use crate::Desk;
use bytes::Bytes;
use contract::{Failure, FailureCode, FileDoorView, OutgoingStateView, OutgoingView};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::Arc;
use tim::{
    Conversation, Entries, FileError, InMemory, Interrupted, NewStudy, Outgoing, SyncState, UploadJournal,
    UploadJournalError,
};
use vault::{StoreError, Table, Vault};
use zeroize::Zeroizing;

/// The journal of a person's uploads in the vault.
pub(super) struct SealedUploads {
    pub(super) vault: Arc<Vault>,
    /// Another person at the same profile has entries of their own.
    pub(super) owner: String,
}

impl SealedUploads {
    fn row(&self, id: &str) -> String {
        format!("{}|{id}", self.owner)
    }
}

impl UploadJournal for SealedUploads {
    fn write(&self, id: &str, entry: &[u8]) -> Result<(), UploadJournalError> {
        self.vault.put(Table::Uploads, &self.row(id), entry).map_err(of_store)
    }

    fn remove(&self, id: &str) -> Result<(), UploadJournalError> {
        self.vault.delete(Table::Uploads, &self.row(id)).map(drop).map_err(of_store)
    }

    fn read(&self) -> Result<Entries, UploadJournalError> {
        let found = self.vault.sound(Table::Uploads).map_err(of_store)?;
        let mut entries = Entries { damaged: found.damaged, ..Entries::default() };
        let own = self.row("");
        for (row, value) in found.values {
            if let Some(id) = row.reveal().strip_prefix(&own) {
                entries.sound.insert(id.to_owned(), Zeroizing::new(value.into_revealed()));
            }
        }
        Ok(entries)
    }
}

fn of_store(error: StoreError) -> UploadJournalError {
    match error {
        StoreError::DiskFull => UploadJournalError::DiskFull,
        error @ (StoreError::Unreadable(_) | StoreError::Key | StoreError::Failed(_)) => {
            UploadJournalError::Failed(error.to_string())
        }
    }
}

/// What the end of a former run broke off, by the ids of this one.
#[derive(Default)]
pub(super) struct BrokenOff {
    files: BTreeMap<String, Interrupted>,
    /// Files of which nothing is known any more.
    pub(super) lost: u32,
}

impl BrokenOff {
    pub(super) fn views<'a>(&'a self, conversation: &'a str) -> impl Iterator<Item = OutgoingView> + 'a {
        let of = self.files.iter().filter(move |(_, file)| file.conversation() == conversation);
        of.map(|(id, file)| OutgoingView {
            id: id.clone(),
            name: file.name().to_owned(),
            size: file.size(),
            study: file.study().as_ref().map(study::label_view),
            held: false,
            anew: false,
            state: OutgoingStateView::Interrupted { sent: file.done() },
        })
    }

    fn get(&self, conversation: &str, id: &str) -> Option<Interrupted> {
        self.files.get(id).filter(|file| file.conversation() == conversation).cloned()
    }

    /// The one that fits, in the order in which they were begun.
    fn fitting(&self, conversation: &str, fits: impl Fn(&Interrupted) -> bool) -> Option<(String, Interrupted)> {
        let mut of = self.files.iter().filter(|(_, file)| file.conversation() == conversation);
        of.find(|(_, file)| fits(file)).map(|(id, file)| (id.clone(), file.clone()))
    }
}

/// Whether all of it is at the homeserver but its message.
fn is_whole(file: &Interrupted) -> bool {
    file.done() == file.size()
}

impl Desk {
    /// Offers what a former run has left.
    pub(super) fn offer_uploads(&self, up: &Up) {
        let found = up.account.interruptions();
        let files: BTreeMap<String, Interrupted> =
            found.files.iter().map(|file| (self.outgoing_id(), file.clone())).collect();
        let lost = u32::try_from(found.unreadable).unwrap_or(u32::MAX);
        self.0.chat.state().files.broken_off = BrokenOff { files, lost };
    }

    /// Sends the messages of files whose parts are all done, once the homeserver answers.
    pub(super) async fn finish_uploads(&self, up: &Arc<Up>) {
        let whole: Vec<(String, Interrupted)> = {
            let chat = self.0.chat.state();
            let files = chat.files.broken_off.files.iter().filter(|(_, file)| is_whole(file));
            files.map(|(id, file)| (id.clone(), file.clone())).collect()
        };
        if whole.is_empty() {
            return;
        }
        let mut state = up.account.state();
        let ready = state.wait_for(|state| matches!(state, SyncState::Ready)).await.map(drop);
        if ready.is_err() {
            return;
        }
        for (id, file) in whole {
            if let Err(failure) = self.finish_upload(up, &id, &file).await {
                tracing::warn!(code = ?failure.code, "the message of a file that was uploaded was not sent");
            }
        }
    }

    async fn finish_upload(&self, up: &Arc<Up>, id: &str, file: &Interrupted) -> Result<(), Failure> {
        let room = file.conversation().to_owned();
        let conversation = up.account.conversation(&room).await.map_err(|error| of_file(&FileError::from(error)))?;
        let mut outgoing = conversation.take_up(file).await.map_err(|error| of_file(&error))?;
        outgoing.send(&mut InMemory(Bytes::new())).await.map_err(|error| of_file(&error))?;
        self.0.chat.state().files.broken_off.files.remove(id);
        self.tell_files(&room).await;
        Ok(())
    }

    /// Goes on with a file of which only the message is missing; none when it is no such file.
    pub(super) async fn resume_broken_off(&self, conversation: &str, id: &str) -> Option<Result<(), Failure>> {
        let file = self.0.chat.state().files.broken_off.get(conversation, id)?;
        let up = match self.up() {
            Ok(up) => up,
            Err(failure) => return Some(Err(failure)),
        };
        if !is_whole(&file) {
            return Some(Err(Failure::new(FailureCode::FileUnreadable, "the file has to be chosen again")));
        }
        Some(self.finish_upload(&up, id, &file).await)
    }

    /// A file that the page gives once more.
    pub(crate) fn take_up_attachment<'a>(
        &'a self,
        conversation: &'a str,
        id: &'a str,
        file: Begun,
    ) -> BoxFuture<'a, Result<FileDoorView, Failure>> {
        async move {
            let open = self.conversation(conversation)?;
            let (size, modified) = (file.size, file.modified);
            let broken_off = self.0.chat.state().files.broken_off.get(conversation, id);
            let (former, known) = match broken_off {
                // Images of a study come by the study.
                Some(file) if file.study().is_some() => return Err(Failure::new(FailureCode::InvalidInput, "a study")),
                Some(file) if (file.size(), file.modified()) == (size, modified) => {
                    let outgoing = open.conversation.take_up(&file).await.map_err(|error| of_file(&error))?;
                    self.0.chat.state().files.broken_off.files.remove(id);
                    self.put_outgoing(id, conversation, outgoing, None, Supply::Page, false);
                    return self.given_again(conversation, id).await;
                }
                Some(file) => (file.note(), true),
                None => {
                    let sending = self.sending(conversation, id)?;
                    if !matches!(sending.supply, Supply::Page) {
                        return Err(Failure::new(FailureCode::InvalidInput, "a study"));
                    }
                    if (sending.size, sending.modified) == (size, modified) {
                        sending.stop();
                        return self.given_again(conversation, id).await;
                    }
                    (sending.note.clone(), false)
                }
            };
            // Another file, or the same after a change: nothing that was sent of the former fits it.
            let outgoing = self.new_outgoing(&open.conversation, file).await?;
            if known {
                self.0.chat.state().files.broken_off.files.remove(id);
            }
            self.put_outgoing(id, conversation, outgoing, None, Supply::Page, true);
            if let Err(error) = former.strike().await {
                tracing::warn!(%error, "a file that was begun anew stays in the journal");
            }
            self.given_again(conversation, id).await
        }
        .boxed()
    }

    async fn given_again(&self, conversation: &str, id: &str) -> Result<FileDoorView, Failure> {
        self.tell_files(conversation).await;
        self.upload_door(id)
    }

    /// A file that was attached goes on where the end of the program broke it off, if it is the same.
    pub(super) async fn take_up_file(
        &self,
        conversation: &Conversation,
        file: &Begun,
    ) -> Result<Option<Outgoing>, Failure> {
        let name = file.name.rsplit(['/', '\\']).next().unwrap_or_default();
        let same = |known: &Interrupted| {
            known.study().is_none()
                && file.modified.is_some()
                && (known.name(), known.size(), known.modified()) == (name, file.size, file.modified)
        };
        self.take_up_fitting(conversation, same).await
    }

    /// The same for a study, image for image.
    pub(super) async fn take_up_study(
        &self,
        conversation: &Conversation,
        size: u64,
        study: &NewStudy,
    ) -> Result<Option<Outgoing>, Failure> {
        self.take_up_fitting(conversation, |known| known.size() == size && known.is_study(study)).await
    }

    async fn take_up_fitting(
        &self,
        conversation: &Conversation,
        fits: impl Fn(&Interrupted) -> bool,
    ) -> Result<Option<Outgoing>, Failure> {
        let found = self.0.chat.state().files.broken_off.fitting(&conversation.id(), fits);
        let Some((id, file)) = found else { return Ok(None) };
        let outgoing = conversation.take_up(&file).await.map_err(|error| of_file(&error))?;
        self.0.chat.state().files.broken_off.files.remove(&id);
        Ok(Some(outgoing))
    }

    /// Gives up what the end of a former run broke off; false when it is no such file.
    pub(super) async fn cancel_broken_off(&self, conversation: &str, id: &str) -> Result<bool, Failure> {
        let file = self.0.chat.state().files.broken_off.get(conversation, id);
        let Some(file) = file else { return Ok(false) };
        file.note().strike().await.map_err(|error| of_file(&error))?;
        self.0.chat.state().files.broken_off.files.remove(id);
        Ok(true)
    }
}
