//! A study that came, opened for reading: fetched and checked as ciphertext, its images read and held against each other
//! and against the case of the conversation, and given to the viewer under the name that they carry.

use super::of_file;
use super::zip::{self, MOST_MEMBERS};
use crate::Desk;
use crate::chat::files::TELL;
use crate::images::identity::{self, RecordIdentity, grade};
use crate::images::{
    Origin, PartName, Parts, Place, ReceivedImages, THUMBNAIL, decoded_middle, parts_of, patient_of, read_image, sum,
};
use contract::{
    Event, Failure, FailureCode, IdentityGrade, IdentityView, ImagesView, ReceivedStateView, ReceivedStudyView,
    SeriesEntryView, SeriesView, StudyView,
};
use imaging::{Instance, PatientIdentity};
use model::{SeriesUid, StudyUid};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use tim::{Incoming, Kept, MessageId};
use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;

/// An image of more bytes is not read: it would be in memory whole.
const LARGEST_IMAGE: u64 = 1024 * 1024 * 1024;

/// The study of a message that is open. Dropping this removes what is here of it.
pub(in crate::chat) struct Reading {
    view: ReceivedStudyView,
    ready: Option<Ready>,
    task: AbortHandle,
}

struct Ready {
    origin: Origin,
    series: BTreeMap<SeriesUid, Parts>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What was found in the file of a study.
struct Unpacked {
    images: ReceivedImages,
    study: StudyUid,
    about: Instance,
    patient: PatientIdentity,
    series: Vec<(SeriesUid, Option<i32>, Parts)>,
    left_out: u32,
    damaged: u32,
}

impl Desk {
    pub(crate) fn open_received_study(&self, conversation: &str, message: &str) -> Result<ReceivedStudyView, Failure> {
        let open = self.conversation(conversation)?;
        if let Some(view) = self.reading_of(conversation, message) {
            return Ok(view);
        }
        let incoming = open.conversation.file(&MessageId(message.to_owned())).map_err(|error| of_file(&error))?;
        self.close_received_study();
        self.0.images.warm();
        let view = ReceivedStudyView {
            conversation: conversation.to_owned(),
            message: message.to_owned(),
            serial: self.next_serial(),
            state: ReceivedStateView::Fetching { moved: 0, total: incoming.size() },
            patient: None,
            case: None,
            comparison: None,
            images: ImagesView {
                // No id of FHIR has a colon (R4 2.24.0.1): it can be asked for nowhere.
                patient: format!("message:{message}"),
                serial: 0,
                studies: Vec::new(),
                loading: true,
                failure: None,
            },
            left_out: 0,
            damaged: 0,
        };
        let (desk, whose) = (self.clone(), (conversation.to_owned(), message.to_owned()));
        let (go, start) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            if start.await.is_ok() {
                desk.fetch_study(incoming, &whose.0, &whose.1).await;
            }
        });
        let reading = Reading { view: view.clone(), ready: None, task: task.abort_handle() };
        self.0.chat.state().reading = Some(reading);
        let _task_lives = go.send(());
        Ok(view)
    }

    /// What is here of the study of a message goes.
    pub(crate) fn close_received_study(&self) {
        let left = self.0.chat.state().reading.take();
        drop(left);
    }

    pub(crate) async fn open_received_series(&self, message: &str, series: &str) -> Result<SeriesView, Failure> {
        self.up()?;
        let bad = |error: model::IdError| Failure::new(FailureCode::InvalidInput, error.to_string());
        let name = PartName::parse(series).map_err(bad)?;
        let gone = || Failure::new(FailureCode::NotFound, "the study is not open");
        let (origin, data) = {
            let chat = self.0.chat.state();
            let reading = chat.reading.as_ref().filter(|reading| reading.view.message == message).ok_or_else(gone)?;
            let ready = reading.ready.as_ref().ok_or_else(gone)?;
            let parts = ready.series.get(&name.series).ok_or_else(gone)?;
            (ready.origin.clone(), parts.get(name.part).ok_or_else(gone)?.clone())
        };
        let images = &self.0.images;
        data.settle_window(images, &origin).await;
        let handle = images.open_series(origin, data.clone());
        // The lock may have come meanwhile.
        if let Err(failure) = self.at_work() {
            images.close(handle);
            return Err(failure);
        }
        Ok(data.view(handle))
    }

    fn reading_of(&self, conversation: &str, message: &str) -> Option<ReceivedStudyView> {
        let chat = self.0.chat.state();
        let view = &chat.reading.as_ref()?.view;
        let same = view.conversation == conversation && view.message == message;
        (same && !matches!(view.state, ReceivedStateView::Failed { .. })).then(|| view.clone())
    }

    /// The patient of the conversation's case, where this person may open it.
    fn patient_of_case(&self, conversation: &str) -> Option<(IdentityView, RecordIdentity)> {
        let pinned = self.conversation(conversation).ok()?.conversation.pinned();
        self.0.chat.state().cases.patient(conversation, &pinned)
    }

    async fn fetch_study(&self, incoming: Incoming, conversation: &str, message: &str) {
        let change = |work: &mut dyn FnMut(&mut Reading)| self.change_reading(conversation, message, work);
        let kept = {
            let mut progress = incoming.progress();
            let mut keep = std::pin::pin!(incoming.keep());
            let mut shown = tokio::time::interval(TELL);
            shown.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    kept = &mut keep => break kept,
                    _ = shown.tick() => if progress.has_changed().unwrap_or(false) {
                        let now = *progress.borrow_and_update();
                        change(&mut |reading| {
                            reading.view.state = ReceivedStateView::Fetching { moved: now.moved, total: now.total };
                        });
                    }
                }
            }
        };
        let unpacked = match kept {
            Ok(kept) => {
                let unpacked = tokio::task::spawn_blocking(move || unpack(kept)).await;
                unpacked.unwrap_or_else(|error| Err(Failure::new(FailureCode::Internal, error.to_string())))
            }
            Err(error) => Err(of_file(&error)),
        };
        let unpacked = match unpacked {
            Ok(unpacked) => unpacked,
            Err(failure) => {
                tracing::warn!(code = ?failure.code, "a study that came was not opened");
                return change(&mut |reading| {
                    reading.view.state = ReceivedStateView::Failed { failure: failure.clone() };
                    reading.view.images.loading = false;
                });
            }
        };
        let origin = Origin::Message(Arc::new(unpacked.images));
        let study = study_view(&unpacked.study, &unpacked.about, &unpacked.series);
        let all: Vec<Parts> = unpacked.series.iter().map(|(_, _, parts)| parts.clone()).collect();
        let series: BTreeMap<SeriesUid, Parts> =
            unpacked.series.into_iter().map(|(uid, _, parts)| (uid, parts)).collect();
        change(&mut |reading| {
            let view = &mut reading.view;
            view.state = ReceivedStateView::Ready;
            view.patient = Some(identity::view(&unpacked.patient));
            (view.left_out, view.damaged) = (unpacked.left_out, unpacked.damaged);
            view.images.studies = vec![study.clone()];
            reading.ready = Some(Ready { origin: origin.clone(), series: series.clone() });
        });
        let compare = || {
            let Some((case, record)) = self.patient_of_case(conversation) else { return };
            change(&mut |reading| {
                reading.view.case = Some(case.clone());
                reading.view.comparison = Some(grade(&record, &unpacked.patient, false));
            });
        };
        compare();
        let images = &self.0.images;
        for data in all.iter().flat_map(|parts| parts.iter()) {
            images.nobody_waits().await;
            data.settle_window(images, &origin).await;
            let Some(frame) = decoded_middle(images, &origin, data).await else { continue };
            let handle = images.open_picture(Arc::new(data.thumbnail(&frame, THUMBNAIL)));
            let name = data.name.to_string();
            change(&mut |reading| {
                let entries = reading.view.images.studies.iter_mut().flat_map(|study| &mut study.series);
                for entry in entries.filter(|entry| entry.series == name) {
                    entry.thumbnail = Some(handle);
                }
            });
        }
        // What the conversation's case is about may have been learned meanwhile.
        compare();
        change(&mut |reading| reading.view.images.loading = false);
    }

    fn change_reading(&self, conversation: &str, message: &str, work: &mut dyn FnMut(&mut Reading)) {
        let view = {
            let mut chat = self.0.chat.state();
            let same =
                |reading: &&mut Reading| reading.view.conversation == conversation && reading.view.message == message;
            let Some(reading) = chat.reading.as_mut().filter(same) else { return };
            work(reading);
            reading.view.serial = self.next_serial();
            reading.view.images.serial = reading.view.serial;
            reading.view.clone()
        };
        self.tell(Event::ReceivedStudyChanged(view));
    }
}

/// Reads the images of the file, one after the other.
fn unpack(file: Kept) -> Result<Unpacked, Failure> {
    let read = |at: u64, length: usize| file.read(at, length).ok();
    let members = zip::members(file.size(), &read).or_else(|_no_list| zip::from_the_beginning(file.size(), &read));
    let (members, lost) = members.map_err(|error| Failure::new(FailureCode::FileAltered, error.to_string()))?;
    let mut damaged = count(lost);
    let mut left_out = 0;
    let mut found: Vec<(Instance, Range<u64>, [u8; 32])> = Vec::new();
    for place in members.into_iter().take(MOST_MEMBERS) {
        if place.end - place.start > LARGEST_IMAGE {
            left_out += 1;
            continue;
        }
        let Some(bytes) = read_image(&file, &place) else {
            damaged += 1;
            continue;
        };
        match Instance::from_part10(&bytes) {
            Ok(instance) => found.push((instance, place, sum(&bytes))),
            Err(_unreadable) => left_out += 1,
        }
    }
    let study = most_of(&found).ok_or_else(|| Failure::new(FailureCode::NotDisplayable, "no image in it"))?;
    let before = found.len();
    let mut known = BTreeSet::new();
    found.retain(|(instance, ..)| instance.study == study && known.insert(instance.sop_instance.as_str().to_owned()));
    left_out += count(before - found.len());
    let shown = || found.iter().map(|(instance, ..)| instance).filter(|instance| instance.is_displayable());
    let about = shown().next().cloned();
    let about = about.ok_or_else(|| Failure::new(FailureCode::NotDisplayable, "no image with pixels"))?;
    // One study is one person's: with two in it nobody knows whose the others are.
    let mixed = || Failure::new(FailureCode::OtherPatient, "the images of the message name different persons");
    if shown().any(|instance| !super::recognize::is_one_person(&about.patient, &instance.patient)) {
        return Err(mixed());
    }
    let mut by_series: BTreeMap<SeriesUid, Vec<Instance>> = BTreeMap::new();
    for instance in shown() {
        by_series.entry(instance.series.clone()).or_default().push(instance.clone());
    }
    let mut series = Vec::new();
    for (uid, instances) in by_series {
        let number = instances.first().and_then(|instance| instance.series_number);
        let parts = parts_of(&study, &uid, instances, damaged > 0)?;
        if patient_of(&parts).is_none() {
            return Err(mixed());
        }
        series.push((uid, number, parts));
    }
    series.sort_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
    let places = found
        .iter()
        .map(|(instance, bytes, sha256)| {
            (instance.sop_instance.as_str().to_owned(), Place { bytes: bytes.clone(), sha256: *sha256 })
        })
        .collect();
    let patient = about.patient.clone();
    Ok(Unpacked { images: ReceivedImages::new(file, places), study, about, patient, series, left_out, damaged })
}

/// The study that most of the images are of.
fn most_of(found: &[(Instance, Range<u64>, [u8; 32])]) -> Option<StudyUid> {
    let mut studies: BTreeMap<&StudyUid, usize> = BTreeMap::new();
    for (instance, ..) in found {
        *studies.entry(&instance.study).or_default() += 1;
    }
    studies.into_iter().max_by_key(|(_, count)| *count).map(|(study, _)| study.clone())
}

fn study_view(study: &StudyUid, about: &Instance, series: &[(SeriesUid, Option<i32>, Parts)]) -> StudyView {
    let entry = |number: Option<i32>, data: &crate::images::SeriesData| SeriesEntryView {
        series: data.name.to_string(),
        modality: data.modality.clone(),
        description: data.title(&data.description),
        number,
        instances: data.count(),
        displayable: true,
        thumbnail: None,
    };
    let at = about.study_date.clone().map(|date| match about.study_time.as_deref().and_then(|time| time.get(..5)) {
        Some(time) => format!("{date}T{time}"),
        None => date,
    });
    StudyView {
        study: study.as_str().to_owned(),
        description: about.study_description.clone().unwrap_or_default(),
        at,
        institution: about.institution.clone(),
        // Shown under the person that the images themselves name.
        identity: IdentityGrade::Same,
        series: series
            .iter()
            .flat_map(|(_, number, parts)| parts.iter().map(move |data| (*number, data)))
            .map(|(number, data)| entry(number, data))
            .collect(),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
