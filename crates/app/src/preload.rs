//! "alle vorladen": the images of the next board's cases are fetched and sealed before anybody opens them, so that each
//! opens at once, also while the platform is slow or gone.
//!
//! Fetched is what opening the case would show of the studies that its record names, through the same gate between
//! persons and the same frame cache. It goes on while another screen is shown, gives way to whoever waits for an image,
//! and ends with the session; a lock interrupts it.

mod course;
mod progress;

use crate::{
    Desk,
    cases::Surroundings,
    failures,
    images::{
        FrameFailure, KeptImages, KeptSeries, KeptStudy, Metadata, Parts, SeriesData,
        identity::{RecordIdentity, grade},
        images_of, is_shown, listed_series, listed_study, patient_of,
    },
    record::{read::reference_id, record_identity},
    session::{ASK_AGAIN, Seat, Taken},
    shelf::Owner,
};
use contract::{Event, Failure, FailureCode, IdentityGrade, PreloadView, SeriesEntryView};
use course::{Looked, Supply, Wanted};
use jiff::Timestamp;
use model::{SeriesUid, StudyUid};
use platform::{
    dicomweb::{DicomwebClient, DicomwebError},
    fhir::FhirClient,
};
use progress::{CaseProgress, Progress};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::task::AbortHandle;

/// The page is told this often while images come.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// Studies of an agenda that are counted.
const STUDY_CAP: usize = 1000;

/// How far the images of an agenda are. Dropping it ends the fetching.
pub(crate) struct Preload {
    session: String,
    progress: Arc<Mutex<Progress>>,
    task: Option<AbortHandle>,
    /// A lock has interrupted it.
    held: bool,
    told: Option<Instant>,
}

impl Drop for Preload {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Preload {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if it was running.
    fn stop(&mut self) -> bool {
        self.task.take().is_some_and(|task| {
            task.abort();
            true
        })
    }
}

/// The next board's cases in their order, and how many images the record names for each.
struct Agenda {
    session: String,
    cases: Vec<(String, Option<u32>)>,
}

impl Desk {
    pub(crate) async fn open_preload(&self) -> Result<Option<PreloadView>, Failure> {
        let (taken, _) = self.seated()?;
        let Some(Agenda { session, cases }) = self.agenda().filter(|_| taken.dicomweb.is_some()) else {
            return Ok(None);
        };
        // One of another session has no place in the page any longer, and ends with the one that takes its place.
        let runs = |preload: &Option<Preload>| {
            preload.as_ref().is_some_and(|preload| preload.task.is_some() && preload.session == session)
        };
        if !runs(&self.state().preload) {
            let owner = Owner::of(&taken);
            let here = self.lies_here(&owner, cases).await;
            if self.owner() != Some(owner) {
                return Err(Failure::new(FailureCode::SessionEnded, ""));
            }
            let mut state = self.state();
            // It may have begun meanwhile.
            if !runs(&state.preload) {
                let progress = match &state.preload {
                    Some(former) if former.session == session => here.after(&former.progress()),
                    Some(_) | None => here,
                };
                let progress = Arc::new(Mutex::new(progress));
                state.preload = Some(Preload { session, progress, task: None, held: false, told: None });
            }
        }
        Ok(self.preload_view())
    }

    pub(crate) async fn start_preload(&self) -> Result<(), Failure> {
        let client = self.archive()?;
        let (taken, fhir) = self.seated()?;
        // It begins with what lies here by now.
        let none = || Failure::new(FailureCode::NotFound, "there is no agenda");
        self.open_preload().await?.ok_or_else(none)?;
        let named: BTreeMap<String, u32> =
            self.agenda().ok_or_else(none)?.cases.into_iter().filter_map(|(id, named)| Some((id, named?))).collect();
        self.0.images.warm();
        {
            let mut state = self.state();
            // The lock may have come while it was looked what lies here.
            if !matches!(&state.seat, Seat::Taken(taken) if taken.lock.is_none()) {
                return Err(Failure::new(FailureCode::Locked, ""));
            }
            let Some(preload) = state.preload.as_mut().filter(|preload| preload.task.is_none()) else {
                return Ok(());
            };
            let again = preload.progress().again();
            let progress = Arc::new(Mutex::new(again));
            preload.progress = progress.clone();
            preload.held = false;
            let (desk, owner) = (self.clone(), Owner::of(&taken));
            let supply = Platform { desk, owner, taken, fhir, client, named, progress: progress.clone() };
            let task = tokio::spawn(async move {
                course::run(&supply, progress).await;
                supply.desk.end_preload(&supply.progress);
            });
            preload.task = Some(task.abort_handle());
        }
        self.tell_preload(true);
        Ok(())
    }

    pub(crate) fn stop_preload(&self) {
        if let Some(preload) = &mut self.state().preload {
            preload.stop();
        }
        self.tell_preload(true);
    }

    /// Nothing is fetched behind a lock.
    pub(crate) fn hold_preload(&self) {
        if let Some(preload) = &mut self.state().preload {
            // Locked, opened and locked again, it may not have gone on yet.
            let stopped = preload.stop();
            preload.held |= stopped;
        }
    }

    /// The lock is open: what it interrupted goes on.
    pub(crate) fn go_on_with_preload(&self) {
        let held = self.state().preload.as_ref().is_some_and(|preload| preload.held);
        if !held {
            return;
        }
        let desk = self.clone();
        tokio::spawn(async move {
            if let Err(failure) = desk.start_preload().await {
                tracing::info!(code = ?failure.code, "fetching ahead does not go on");
            }
        });
    }

    fn end_preload(&self, of: &Arc<Mutex<Progress>>) {
        let ours = |preload: &&mut Preload| Arc::ptr_eq(&preload.progress, of);
        if let Some(preload) = self.state().preload.as_mut().filter(ours) {
            preload.task = None;
        }
        self.tell_preload(true);
    }

    fn tell_preload(&self, at_once: bool) {
        {
            let mut state = self.state();
            let Some(preload) = &mut state.preload else { return };
            let now = Instant::now();
            let soon = preload.told.is_some_and(|told| now.duration_since(told) < TELL_EVERY);
            if soon && !at_once {
                return;
            }
            preload.told = Some(now);
        }
        if let Some(view) = self.preload_view() {
            self.tell(Event::PreloadChanged(view));
        }
    }

    fn preload_view(&self) -> Option<PreloadView> {
        let now = self.0.egress.time().now();
        let state = self.state();
        let preload = state.preload.as_ref()?;
        let serial = self.next_serial();
        Some(preload.progress().view(&preload.session, serial, preload.task.is_some(), now))
    }

    fn agenda(&self) -> Option<Agenda> {
        let (around, _) = self.state().today_from.clone()?;
        let session = around.what.session.as_ref()?.id.clone();
        let rows = around.what.rows("").into_iter().filter(|row| row.slot.is_some());
        let cases = rows.map(|row| {
            let named = around.images.get(&row.patient).copied();
            (row.patient, named)
        });
        Some(Agenda { session, cases: cases.collect() })
    }

    /// What of the cases lies here, without asking anybody.
    async fn lies_here(&self, owner: &Owner, cases: Vec<(String, Option<u32>)>) -> Progress {
        let mut found = Vec::with_capacity(cases.len());
        for (patient, named) in cases {
            let mut case = CaseProgress { patient, named, ..CaseProgress::default() };
            if let Some(kept) = self.kept_images(owner, &case.patient).await {
                // A record that names others by now has to be looked at again.
                case.looked = kept.whole && (kept.named.is_none() || named.is_none() || kept.named == named);
                (case.refused, case.unconfirmed, case.at) = (kept.refused, kept.unconfirmed, kept.at);
                for (metadata, images) in kept.keys() {
                    let keys = std::iter::once(metadata).chain(images.iter().map(|image| image.key.clone()));
                    let mut here = self.0.images.lie_here(keys.collect()).await.into_iter();
                    // Without its metadata a series does not open.
                    let opens = here.next().flatten().is_some();
                    for (image, here) in images.iter().zip(here) {
                        case.wants(image.raw, here.filter(|_| opens));
                    }
                }
            }
            found.push(case);
        }
        Progress::of(found)
    }
}

/// How many images the record names for each patient of the agenda; none of a patient where it does not say so of every
/// study.
pub(crate) async fn named(fhir: &FhirClient, what: &Surroundings) -> BTreeMap<String, u32> {
    let patients: Vec<&str> = what.sources.slots.keys().map(String::as_str).collect();
    if patients.is_empty() {
        return BTreeMap::new();
    }
    let wanted = patients.join(",");
    let found = fhir.search("ImagingStudy", &[("patient", wanted.as_str()), ("_count", "200")], STUDY_CAP).await;
    let Ok(found) = found.inspect_err(|error| tracing::info!(%error, "images are not counted")) else {
        return BTreeMap::new();
    };
    if found.more || found.truncated || found.damaged > 0 {
        return BTreeMap::new();
    }
    let mut named: BTreeMap<String, Option<u32>> =
        patients.into_iter().map(|patient| (patient.to_owned(), Some(0))).collect();
    for study in &found.matches {
        let images = study["numberOfInstances"].as_u64().and_then(|images| u32::try_from(images).ok());
        let Some(patient) = reference_id(&study["subject"], "Patient") else { continue };
        if let Some(so_far) = named.get_mut(&patient) {
            *so_far = so_far.zip(images).and_then(|(so_far, images)| so_far.checked_add(images));
        }
    }
    named.into_iter().filter_map(|(patient, images)| Some((patient, images?))).collect()
}

/// The platform as where images come from, in the name of one person.
struct Platform {
    desk: Desk,
    owner: Owner,
    taken: Taken,
    fhir: FhirClient,
    client: DicomwebClient,
    /// Images that the record names, by patient.
    named: BTreeMap<String, u32>,
    progress: Arc<Mutex<Progress>>,
}

/// An image of a series.
struct Picture {
    data: Arc<SeriesData>,
    index: usize,
}

/// What was found of a case so far.
#[derive(Default)]
struct Found {
    kept: KeptImages,
    images: Vec<Wanted<Picture>>,
    series: usize,
    failure: Option<Failure>,
}

impl Supply for Platform {
    type Image = Picture;

    async fn look(&self, patient: &str) -> Result<Looked<Picture>, Failure> {
        let record = self.desk.read_ahead(&self.fhir, &self.taken, patient).await?;
        let identity = record.patient_resource().map(record_identity).unwrap_or_default();
        let former = self.desk.kept_images(&self.owner, patient).await.unwrap_or_default();
        let mut found = Found::default();
        let mut seen = BTreeSet::new();
        for study in record.listed_studies() {
            if !seen.insert(study.clone()) {
                continue;
            }
            match self.look_at_study(&identity, &study, &former, &mut found).await {
                Ok(kept) => found.kept.studies.extend(kept),
                Err(failure) if failures::is_away(failure.code) => return Err(failure),
                Err(failure) => {
                    found.failure = Some(failure);
                    // What lies here of it stays there.
                    found.kept.studies.extend(former.study(&study).cloned());
                }
            }
        }
        let Found { kept, images, failure, series: _ } = found;
        let (refused, unconfirmed) = (kept.refused, kept.unconfirmed);
        let named = self.named.get(patient).copied();
        let kept = KeptImages { named, whole: failure.is_none(), at: former.at, ..kept };
        self.desk.keep_images(&self.owner, patient, kept).await;
        Ok(Looked { images, refused, unconfirmed, failure })
    }

    async fn lie_here(&self, keys: Vec<String>) -> Vec<Option<u64>> {
        self.desk.0.images.lie_here(keys).await
    }

    async fn fetch(&self, image: &Picture) -> Result<u64, FailureCode> {
        let fetched = self.desk.0.images.preload(&self.client, &image.data, image.index).await;
        fetched.map_err(|FrameFailure(code)| code)
    }

    async fn turn(&self) {
        self.desk.0.images.nobody_waits().await;
    }

    async fn pause(&self) {
        // Whether there is such a study does not matter: any answer will do.
        let nothing = [("StudyInstanceUID", "0")];
        loop {
            tokio::time::sleep(ASK_AGAIN).await;
            if !matches!(self.client.studies(&nothing, 1).await, Err(DicomwebError::Unreachable(_))) {
                return;
            }
        }
    }

    async fn complete(&self, patient: &str, at: Timestamp) {
        if let Some(kept) = self.desk.kept_images(&self.owner, patient).await {
            self.desk.keep_images(&self.owner, patient, KeptImages { at: Some(at), ..kept }).await;
        }
    }

    fn room(&self) -> u64 {
        // What somebody opens meanwhile has an eighth, so that it pushes nothing out that was fetched.
        let room = self.desk.0.images.room();
        room - room / 8
    }

    fn now(&self) -> Timestamp {
        self.desk.0.egress.time().now()
    }

    fn tell(&self) {
        let waits = self.progress.lock().unwrap_or_else(PoisonError::into_inner).is_waiting();
        self.desk.tell_preload(waits);
    }
}

impl Platform {
    /// A study that the record names, if the archive has it and it is the patient's.
    async fn look_at_study(
        &self,
        identity: &RecordIdentity,
        study: &str,
        former: &KeptImages,
        found: &mut Found,
    ) -> Result<Option<KeptStudy>, Failure> {
        let Some((listed, _, who)) = listed_study(&self.client, study).await? else { return Ok(None) };
        match grade(identity, &who, false) {
            IdentityGrade::Same | IdentityGrade::Spelling { .. } => {}
            IdentityGrade::Unclear { .. } => {
                found.kept.unconfirmed += 1;
                return Ok(None);
            }
            IdentityGrade::Other { .. } => {
                found.kept.refused += 1;
                return Ok(None);
            }
        }
        let uid = StudyUid::parse(study).map_err(|error| unreadable(&error.to_string()))?;
        let (mut lines, all) = listed_series(&self.client, &uid).await?;
        // As in the strip.
        lines.sort_by(|(_, a), (_, b)| a.number.cmp(&b.number).then_with(|| a.series.cmp(&b.series)));
        if !all {
            found.failure = Some(unreadable("not all series were listed"));
        }
        let mut kept = KeptStudy { listed, series: Vec::with_capacity(lines.len()) };
        let mut stray = false;
        for (listed, entry) in lines {
            let mut series = KeptSeries { listed, objects: None, images: Vec::new() };
            if entry.displayable {
                match self.look_at_series(identity, &uid, &entry, former).await {
                    Ok((objects, parts)) => {
                        series.objects = Some(objects);
                        for data in parts.iter() {
                            let images = images_of(data);
                            let wanted = images.iter().enumerate().map(|(index, image)| Wanted {
                                image: Picture { data: data.clone(), index },
                                key: image.key.clone(),
                                raw: image.raw,
                                series: found.series,
                            });
                            found.images.extend(wanted);
                            series.images.extend(images);
                        }
                        found.series += 1;
                    }
                    Err(failure) if failures::is_away(failure.code) => return Err(failure),
                    Err(Failure { code: FailureCode::OtherPatient, .. }) => stray = true,
                    // It has no picture, although its kind may have one.
                    Err(Failure { code: FailureCode::NotDisplayable, .. }) => {}
                    Err(failure) => found.failure = Some(failure),
                }
            }
            kept.series.push(series);
        }
        found.kept.refused += u32::from(stray);
        Ok(Some(kept))
    }

    /// The parts of a series and how many objects it has, with its metadata sealed here. The gate is that of
    /// `Desk::gate_series`: one image of another person refuses the series.
    async fn look_at_series(
        &self,
        identity: &RecordIdentity,
        study: &StudyUid,
        entry: &SeriesEntryView,
        former: &KeptImages,
    ) -> Result<(u32, Parts), Failure> {
        let series = SeriesUid::parse(&entry.series).map_err(|error| unreadable(&error.to_string()))?;
        let images = &self.desk.0.images;
        let known = former.series(study.as_str(), &entry.series).and_then(|kept| kept.objects);
        let sealed = if known == Some(entry.instances) { images.sealed_metadata(study, &series).await } else { None };
        let fresh = sealed.is_none();
        let metadata = match sealed {
            Some(metadata) => Arc::new(metadata),
            None => Arc::new(Metadata::read(&self.client, study, &series).await?),
        };
        if metadata.partial {
            return Err(unreadable("the metadata of a series is cut"));
        }
        let parts = metadata.clone().ordered(study, &series).await?;
        let own = patient_of(&parts).is_some_and(|who| is_shown(&grade(identity, who, false)));
        if !own {
            return Err(Failure::new(FailureCode::OtherPatient, ""));
        }
        if fresh {
            let sealed = images.seal_metadata(study, &series, metadata.clone()).await;
            sealed.map_err(|code| Failure::new(code, "the metadata of a series was not kept"))?;
        }
        Ok((metadata.objects(), parts))
    }
}

fn unreadable(why: &str) -> Failure {
    Failure::new(FailureCode::AnswerUnreadable, why)
}
