//! A study of the open case on its way from the archive into a conversation: its images are fetched one after the other,
//! checked to be this patient's, and wait encrypted until all are there, since only then is it known how long they are.

use super::packed::Packed;
use super::recognize::Piles;
use super::zip::Member;
use super::{Recognized, Supply, of_file};
use crate::images::{identity::grade, is_shown};
use crate::{Desk, failures};
use bytes::Bytes;
use contract::{Failure, FailureCode, IdentityGrade, OutgoingStateView, OutgoingView};
use futures_util::{StreamExt as _, stream};
use imaging::Instance;
use model::{SeriesUid, SopInstanceUid, StudyUid};
use platform::dicomweb::DicomwebClient;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tim::Spool;
use tokio::sync::Mutex as Turn;
use tokio::task::AbortHandle;

/// Images that are asked for at a time.
const AT_A_TIME: usize = 3;
/// Series of a study, and images of a series, that are asked for.
const MOST: usize = 10_000;
/// The page is told after so many images.
const TELL_AFTER: u32 = 8;

/// A study whose images are being fetched.
pub(in crate::chat) struct Gathering {
    conversation: String,
    done: AtomicU32,
    of: AtomicU32,
    failure: Mutex<Option<Failure>>,
    task: Mutex<Option<AbortHandle>>,
}

impl Drop for Gathering {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

impl Gathering {
    /// As the page is told, if it is of this conversation.
    pub(in crate::chat) fn view(&self, id: &str, conversation: &str) -> Option<OutgoingView> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (done, of) = (self.done.load(Ordering::Relaxed), self.of.load(Ordering::Relaxed));
        (self.conversation == conversation).then(|| OutgoingView {
            id: id.to_owned(),
            name: String::new(),
            size: 0,
            study: None,
            held: true,
            anew: false,
            state: match failure {
                Some(failure) => OutgoingStateView::Failed { failure },
                None => OutgoingStateView::Gathering { done, of },
            },
        })
    }
}

/// What the archive has of a study.
struct Listed {
    series: SeriesUid,
    instance: SopInstanceUid,
}

impl Desk {
    pub(crate) async fn send_study(&self, conversation: &str, patient: &str, study: &str) -> Result<(), Failure> {
        let open = self.conversation(conversation)?;
        self.room_for_a_file()?;
        let bad = |error: model::IdError| Failure::new(FailureCode::InvalidInput, error.to_string());
        let study = StudyUid::parse(study).map_err(bad)?;
        self.gate(patient, study.as_str())?;
        let client = self.archive()?;
        let spool = open.conversation.spool().await.map_err(|error| of_file(&error))?;
        let gathering = Arc::new(Gathering {
            conversation: conversation.to_owned(),
            done: AtomicU32::new(0),
            of: AtomicU32::new(0),
            failure: Mutex::default(),
            task: Mutex::default(),
        });
        let id = self.outgoing_id();
        self.0.chat.state().files.gathering.insert(id.clone(), gathering.clone());
        let (desk, patient, conversation) = (self.clone(), patient.to_owned(), conversation.to_owned());
        let (place, room) = (Arc::downgrade(&gathering), conversation.clone());
        let task = tokio::spawn(async move {
            let gathered = desk.gather(&client, &patient, &study, spool, &place).await;
            let begun = match gathered {
                Ok((found, spool)) => desk.send_gathered(&id, &conversation, &found, spool).await,
                Err(failure) => Err(failure),
            };
            if let (Err(failure), Some(gathering)) = (begun, place.upgrade()) {
                tracing::warn!(code = ?failure.code, "a study was not gathered");
                *gathering.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
            }
            desk.tell_files(&conversation).await;
        });
        *gathering.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.abort_handle());
        drop(gathering);
        self.tell_files(&room).await;
        Ok(())
    }

    /// All images of a study, in one spool.
    async fn gather(
        &self,
        client: &DicomwebClient,
        patient: &str,
        study: &StudyUid,
        mut spool: Spool,
        place: &std::sync::Weak<Gathering>,
    ) -> Result<(Recognized, Spool), Failure> {
        let listed = listed(client, study).await?;
        if let Some(gathering) = place.upgrade() {
            gathering.of.store(u32::try_from(listed.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
        }
        // Their order in the archive is that in which they wait here.
        let mut piles = Piles::in_their_order();
        let fetch = |one: Listed| async move { client.instance(study, &one.series, &one.instance).await };
        let mut files = stream::iter(listed).map(fetch).buffered(AT_A_TIME);
        while let Some(file) = files.next().await {
            let file: Bytes = file.map_err(|error| failures::of_dicomweb(&error))?;
            self.is_this_patients(patient, study, &file)?;
            let member = Member { size: file.len() as u64, crc: crc32fast::hash(&file) };
            spool.write(&file).await.map_err(|error| of_file(&error))?;
            piles.add(&file, member);
            let Some(gathering) = place.upgrade() else { continue };
            let done = gathering.done.fetch_add(1, Ordering::Relaxed) + 1;
            let conversation = gathering.conversation.clone();
            drop(gathering);
            if done % TELL_AFTER == 0 {
                self.tell_files(&conversation).await;
            }
        }
        spool.finish().await.map_err(|error| of_file(&error))?;
        let (mut found, left_out) = piles.studies();
        let one = found.pop().filter(|one| found.is_empty() && left_out == 0 && one.is_in_order());
        let one = one.ok_or_else(|| Failure::new(FailureCode::NotDisplayable, "not one study with pictures"))?;
        Ok((one, spool))
    }

    /// The gate once more, on what each image says itself.
    fn is_this_patients(&self, patient: &str, study: &StudyUid, file: &[u8]) -> Result<(), Failure> {
        let unreadable = |error: imaging::ReadError| Failure::new(FailureCode::NotDicom, error.to_string());
        let instance = Instance::from_part10(file).map_err(unreadable)?;
        let (record, confirmed) = self.with_case(patient, |case| {
            let studies = case.images.as_ref().map(|view| view.studies.as_slice()).unwrap_or_default();
            let listed = studies.iter().find(|listed| listed.study == study.as_str()).map(|listed| &listed.identity);
            (case.record_identity(), matches!(listed, Some(IdentityGrade::Unclear { confirmed: true, .. })))
        })?;
        let own = instance.study == *study && is_shown(&grade(&record, &instance.patient, confirmed));
        if own { Ok(()) } else { Err(Failure::new(FailureCode::OtherPatient, "")) }
    }

    async fn send_gathered(
        &self,
        id: &str,
        conversation: &str,
        found: &Recognized,
        spool: Spool,
    ) -> Result<(), Failure> {
        let layout = Arc::new(found.layout());
        let held = Arc::new(Turn::new(Packed::new(layout.clone(), spool)));
        self.begin_recognized(id, conversation, found, &layout, Supply::Held(held)).await?;
        self.send_held_now(id);
        // Dropped in a task of its own: dropping it ends the task that this is.
        let gathering = self.0.chat.state().files.gathering.remove(id);
        if let Some(gathering) = gathering {
            *gathering.task.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Ok(())
    }
}

async fn listed(client: &DicomwebClient, study: &StudyUid) -> Result<Vec<Listed>, Failure> {
    let unanswered = |error: platform::dicomweb::DicomwebError| failures::of_dicomweb(&error);
    let cut = || Failure::new(FailureCode::AnswerUnreadable, "the archive lists only a part of the study");
    let all = client.series(study, &[], MOST).await.map_err(unanswered)?;
    if all.more || all.truncated || all.damaged > 0 {
        return Err(cut());
    }
    let mut listed = Vec::new();
    for item in &all.items {
        let series = uid(item, "0020000E").and_then(|uid| SeriesUid::parse(uid).ok()).ok_or_else(cut)?;
        let images = client.instances(study, &series, &[], MOST).await.map_err(unanswered)?;
        if images.more || images.truncated || images.damaged > 0 {
            return Err(cut());
        }
        for item in &images.items {
            let instance = uid(item, "00080018").and_then(|uid| SopInstanceUid::parse(uid).ok()).ok_or_else(cut)?;
            listed.push(Listed { series: series.clone(), instance });
        }
    }
    Ok(listed)
}

/// An identifier in DICOM JSON (PS3.18 F.2).
fn uid<'a>(item: &'a serde_json::Value, tag: &str) -> Option<&'a str> {
    item.get(tag)?.get("Value")?.get(0)?.as_str()
}
