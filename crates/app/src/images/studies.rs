//! Which studies a case shows: what the archive holds under the patient's numbers and what the record
//! lists, each passed through the identity gate before anything of it is opened.

use super::{
    identity::{RecordIdentity, grade},
    part::PartName,
    sealed::sort_series,
    series::{SeriesData, decoded_middle, patient_of},
    source::Origin,
};
use crate::{Desk, failures};
use contract::{Event, Failure, FailureCode, IdentityGrade, ImagesView, SeriesEntryView, StudyView};
use futures_util::{StreamExt, stream};
use imaging::PatientIdentity;
use model::{SeriesUid, StudyUid};
use platform::dicomweb::DicomwebClient;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Studies of one patient that are listed.
const STUDY_CAP: usize = 200;
/// Size of a thumbnail in the strip.
pub(crate) const THUMBNAIL: (u32, u32) = (128, 78);
/// What a study's line shows. "all" is what a server has ready (PS3.18 8.3.4.3), and for some that is not a title: what
/// is needed is asked for by name as well.
const STUDY_FIELDS: [(&str, &str); 3] =
    [("includefield", "all"), ("includefield", "00081030"), ("includefield", "00080080")];
/// The same for a series.
const SERIES_FIELDS: [(&str, &str); 3] =
    [("includefield", "all"), ("includefield", "0008103E"), ("includefield", "00201209")];
/// Series whose metadata is fetched at a time for thumbnails.
const SERIES_AT_A_TIME: usize = 2;

impl Desk {
    pub(crate) fn archive(&self) -> Result<DicomwebClient, Failure> {
        let (taken, _) = self.seated()?;
        taken.dicomweb.ok_or_else(|| Failure::new(FailureCode::NotFound, "the platform has no image archive"))
    }

    pub(crate) fn open_images(&self, patient: &str) -> Result<ImagesView, Failure> {
        let client = self.archive()?;
        let known = self.images_view(patient)?;
        self.0.images.warm();
        // A list that did not come is asked for again.
        if let Some(view) = known.filter(|view| view.loading || view.failure.is_none()) {
            return Ok(view);
        }
        // What came before a failure stays, as does its reason until there is an answer.
        let view = self.with_case(patient, |case| {
            let serial = self.next_serial();
            let (studies, failure) =
                case.images.take().map(|former| (former.studies, former.failure)).unwrap_or_default();
            let view = ImagesView { patient: patient.to_owned(), serial, studies, loading: true, failure };
            case.images = Some(view.clone());
            view
        })?;
        let desk = self.clone();
        let patient = patient.to_owned();
        let task = tokio::spawn(async move { desk.collect_studies(&client, &patient).await }).abort_handle();
        let patient = view.patient.clone();
        self.with_case(&patient, |case| case.own(task))?;
        Ok(view)
    }

    /// The record was read again: studies that it did not list before are looked for. What is shown stays.
    pub(crate) fn list_new_studies(&self, patient: &str) {
        let Ok(client) = self.archive() else { return };
        let begun = self.with_case(patient, |case| {
            let listed = case.listed_studies();
            let Some(view) = case.images.as_mut().filter(|view| !view.loading) else { return false };
            let here: BTreeSet<&str> = view.studies.iter().map(|study| study.study.as_str()).collect();
            let new = listed.iter().any(|study| !here.contains(study.as_str()));
            view.loading |= new;
            new
        });
        if begun != Ok(true) {
            return;
        }
        let (desk, owner) = (self.clone(), patient.to_owned());
        let task = tokio::spawn(async move { desk.collect_studies(&client, &owner).await }).abort_handle();
        let _closed = self.with_case(patient, |case| case.own(task));
    }

    pub(crate) fn confirm_identity(&self, patient: &str, study: &str) -> Result<(), Failure> {
        let client = self.archive()?;
        let changed = self.with_case(patient, |case| {
            let studies = case.images.as_mut().map(|view| view.studies.iter_mut()).into_iter().flatten();
            let mut changed = false;
            for entry in studies.filter(|entry| entry.study == study) {
                if let IdentityGrade::Unclear { confirmed, .. } = &mut entry.identity {
                    *confirmed = true;
                    changed = true;
                }
            }
            changed
        })?;
        if changed {
            tracing::info!("a study with another number was confirmed by the person");
            self.tell_images(patient);
            let desk = self.clone();
            let (patient, study) = (patient.to_owned(), study.to_owned());
            let task = {
                let patient = patient.clone();
                tokio::spawn(async move { desk.collect_series(&client, &patient, &study).await }).abort_handle()
            };
            self.with_case(&patient, |case| case.own(task))?;
        }
        Ok(())
    }

    /// Refuses a study that the gate has not let through.
    pub(crate) fn gate(&self, patient: &str, study: &str) -> Result<(), Failure> {
        let identity = self.with_case(patient, |case| {
            let studies = case.images.as_ref().map(|view| view.studies.as_slice()).unwrap_or_default();
            studies.iter().find(|entry| entry.study == study).map(|entry| entry.identity.clone())
        })?;
        match identity {
            Some(
                IdentityGrade::Same | IdentityGrade::Spelling { .. } | IdentityGrade::Unclear { confirmed: true, .. },
            ) => Ok(()),
            Some(IdentityGrade::Unclear { confirmed: false, .. } | IdentityGrade::Other { .. }) => {
                Err(Failure::new(FailureCode::OtherPatient, ""))
            }
            None => Err(Failure::new(FailureCode::NotFound, "the study is not of this case")),
        }
    }

    /// The same gate on what the instances themselves say, which may differ from the study's listing. Another number
    /// than the record's passes only where the person has confirmed it for this study. Every instance must name the
    /// same person: one stray image in any part of a series is refused with all of it.
    pub(crate) fn gate_series(&self, patient: &str, parts: &[Arc<SeriesData>]) -> Result<(), Failure> {
        let refused = || Failure::new(FailureCode::OtherPatient, "");
        let (Some(data), Some(found)) = (parts.first(), patient_of(parts)) else { return Err(refused()) };
        let (record, confirmed) = self.with_case(patient, |case| {
            let studies = case.images.as_ref().map(|view| view.studies.as_slice()).unwrap_or_default();
            let listed = studies.iter().find(|entry| entry.study == data.study.as_str()).map(|entry| &entry.identity);
            (case.record_identity(), matches!(listed, Some(IdentityGrade::Unclear { confirmed: true, .. })))
        })?;
        if shown(&grade(&record, found, confirmed)) { Ok(()) } else { Err(refused()) }
    }

    async fn collect_studies(&self, client: &DicomwebClient, patient: &str) {
        let Ok(wait) = self.with_case(patient, |case| case.identity_known()) else { return };
        wait.await;
        let Ok((record, listed)) = self.with_case(patient, |case| (case.record_identity(), case.listed_studies()))
        else {
            return;
        };
        let here = self.show_kept(patient, &record).await;
        let mut found: BTreeMap<String, (StudyView, PatientIdentity)> = BTreeMap::new();
        let mut failure = None;
        let mut take = |answer: Result<platform::dicomweb::Listed, platform::dicomweb::DicomwebError>| match answer {
            Ok(answer) => {
                for item in &answer.items {
                    if let Some((view, identity)) = study_of(item) {
                        found.entry(view.study.clone()).or_insert((view, identity));
                    }
                }
            }
            Err(error) => failure = Some(failures::of_dicomweb(&error)),
        };
        for number in &record.numbers {
            take(client.studies(&with_fields("PatientID", number.reveal()), STUDY_CAP).await);
        }
        // What was found already is found again and passed over.
        for uid in listed {
            take(client.studies(&with_fields("StudyInstanceUID", &uid), 1).await);
        }
        let mut studies: Vec<StudyView> = found
            .into_values()
            .map(|(mut view, identity)| {
                view.identity = grade(&record, &identity, false);
                view
            })
            .collect();
        if failure.is_some() {
            // What lies here is shown while the archive does not say what it has.
            let listed: BTreeSet<String> = studies.iter().map(|study| study.study.clone()).collect();
            studies.extend(here.into_iter().filter(|study| !listed.contains(&study.study)));
        }
        sort_studies(&mut studies);
        let open = self.with_case(patient, |case| {
            let sealed = &case.sealed;
            let view = case.images.as_mut()?;
            // The series of a study that was listed before are there already.
            for study in studies.iter_mut().filter(|study| shown(&study.identity)) {
                if let Some(former) = view.studies.iter_mut().find(|former| former.study == study.study) {
                    study.series = std::mem::take(&mut former.series);
                }
            }
            view.studies = studies;
            view.failure = failure;
            let lacking = view.studies.iter().filter(|study| {
                shown(&study.identity) && (study.series.is_empty() || sealed.is_only_here(&study.study))
            });
            Some(lacking.map(|study| study.study.clone()).collect::<Vec<String>>())
        });
        let Ok(Some(open)) = open else { return };
        self.tell_images(patient);
        for study in &open {
            self.collect_series(client, patient, study).await;
        }
        let _closed = self.with_case(patient, |case| {
            if let Some(view) = &mut case.images {
                view.loading = false;
            }
        });
        self.tell_images(patient);
        // The record's list of studies now knows which the archive holds and which are another person's.
        self.tell_case(patient);
    }

    /// What lies here is shown before the archive has answered. Gives it, too.
    async fn show_kept(&self, patient: &str, record: &RecordIdentity) -> Vec<StudyView> {
        let Some(owner) = self.owner() else { return Vec::new() };
        let Some(kept) = self.kept_images(&owner, patient).await else { return Vec::new() };
        let mut studies = kept.views(record);
        sort_studies(&mut studies);
        let shown = self.with_case(patient, |case| {
            case.sealed.keep(Some(Arc::new(kept)));
            let view = case.images.as_mut().filter(|view| view.studies.is_empty());
            view.map(|view| view.studies.clone_from(&studies)).is_some()
        });
        if shown == Ok(true) {
            self.tell_images(patient);
        }
        studies
    }

    async fn collect_series(&self, client: &DicomwebClient, patient: &str, study: &str) {
        let Ok(uid) = StudyUid::parse(study) else { return };
        match listed_series(client, &uid).await {
            Ok((lines, _)) => {
                let mut entries: Vec<SeriesEntryView> = lines.into_iter().map(|(_, entry)| entry).collect();
                sort_series(&mut entries);
                let _closed = self.with_case(patient, |case| case.sealed.note(study, &entries));
                self.change_study(patient, study, |view| view.series = entries);
                self.tell_images(patient);
            }
            // What lies here stays.
            Err(failure) => {
                let _closed = self.with_case(patient, |case| {
                    if let Some(view) = &mut case.images {
                        view.failure = Some(failure);
                    }
                });
            }
        }
        let mut wanted: Vec<String> = Vec::new();
        self.change_study(patient, study, |view| {
            let own = view.series.iter().filter(|entry| entry.displayable && SeriesUid::parse(&entry.series).is_ok());
            wanted.extend(own.map(|entry| entry.series.clone()));
        });
        let mut made = stream::iter(wanted)
            .map(|series| {
                let uid = uid.clone();
                async move { (series.clone(), self.prepare(client, patient, &uid, &series).await) }
            })
            .buffer_unordered(SERIES_AT_A_TIME);
        while let Some((series, prepared)) = made.next().await {
            self.change_study(patient, study, |view| match prepared {
                Ok(thumbnails) => {
                    for entry in &mut view.series {
                        if let Some(handle) = thumbnails.get(&entry.series) {
                            entry.thumbnail = Some(*handle);
                        }
                    }
                }
                // It may be there on the click.
                Err(Failure { code: FailureCode::PlatformUnreachable | FailureCode::PlatformFailed, .. }) => {}
                Err(_) => {
                    for entry in view.series.iter_mut().filter(|entry| is_of(entry, &series)) {
                        entry.displayable = false;
                    }
                }
            });
            self.tell_images(patient);
        }
    }

    /// Metadata and thumbnails ahead of the click, or why there is nothing to show. The thumbnails by the names of the
    /// parts that have one.
    async fn prepare(
        &self,
        client: &DicomwebClient,
        patient: &str,
        study: &StudyUid,
        series: &str,
    ) -> Result<BTreeMap<String, u32>, Failure> {
        let bad = |error: model::IdError| Failure::new(FailureCode::AnswerUnreadable, error.to_string());
        let series = SeriesUid::parse(series).map_err(bad)?;
        let images = &self.0.images;
        // The series that somebody has clicked comes before those that somebody may click.
        images.nobody_waits().await;
        let parts = self.parts(client, patient, study, &series).await?;
        self.gate_series(patient, &parts)?;
        // The page is told with the thumbnails.
        self.list_parts(patient, &parts);
        let mut thumbnails = BTreeMap::new();
        let origin = Origin::Archive(client.clone());
        for data in parts.iter() {
            images.nobody_waits().await;
            data.settle_window(images, &origin).await;
            if let Some(frame) = decoded_middle(images, &origin, data).await {
                let picture = Arc::new(data.thumbnail(&frame, THUMBNAIL));
                thumbnails.insert(data.name.to_string(), images.open_picture(picture));
            }
        }
        Ok(thumbnails)
    }

    /// Puts the parts of a series into the place of its line in the strip. True if the strip has changed.
    pub(crate) fn list_parts(&self, patient: &str, parts: &[Arc<SeriesData>]) -> bool {
        let Some(first) = parts.first() else { return false };
        let mut changed = false;
        self.change_study(patient, first.study.as_str(), |view| {
            let listed = lines_of(&view.series, parts);
            changed = listed != view.series;
            view.series = listed;
        });
        changed
    }

    fn change_study(&self, patient: &str, study: &str, change: impl FnOnce(&mut StudyView)) {
        let _closed = self.with_case(patient, |case| {
            let studies = case.images.as_mut().map(|view| view.studies.iter_mut()).into_iter().flatten();
            if let Some(view) = studies.into_iter().find(|entry| entry.study == study) {
                change(view);
            }
        });
    }

    fn images_view(&self, patient: &str) -> Result<Option<ImagesView>, Failure> {
        self.with_case(patient, |case| {
            case.images.as_ref().map(|view| ImagesView { serial: self.next_serial(), ..view.clone() })
        })
    }

    pub(crate) fn tell_images(&self, patient: &str) {
        if let Ok(Some(view)) = self.images_view(patient) {
            self.tell(Event::ImagesChanged(view));
        }
    }
}

/// A study by its UID as the archive lists it, with who is on it.
pub(crate) async fn listed_study(
    client: &DicomwebClient,
    study: &str,
) -> Result<Option<(Value, StudyView, PatientIdentity)>, Failure> {
    let listed = client.studies(&with_fields("StudyInstanceUID", study), 1).await;
    let listed = listed.map_err(|error| failures::of_dicomweb(&error))?;
    // A server that does not know the parameter lists others.
    let mut found = listed.items.into_iter().filter_map(|item| {
        let (view, identity) = study_of(&item)?;
        (view.study == study).then_some((item, view, identity))
    });
    Ok(found.next())
}

/// A series' line of the archive's list, and the same for the strip.
pub(crate) type Line = (Value, SeriesEntryView);

/// The series of a study as the archive lists them, and whether these are all.
pub(crate) async fn listed_series(client: &DicomwebClient, study: &StudyUid) -> Result<(Vec<Line>, bool), Failure> {
    let listed = client.series(study, &SERIES_FIELDS, STUDY_CAP).await;
    let listed = listed.map_err(|error| failures::of_dicomweb(&error))?;
    let all = !listed.more && !listed.truncated && listed.damaged == 0;
    let lines = listed.items.into_iter().filter_map(|item| {
        let entry = series_of(&item)?;
        Some((item, entry))
    });
    Ok((lines.collect(), all))
}

fn sort_studies(studies: &mut [StudyView]) {
    studies.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.study.cmp(&b.study)));
}

/// The question for studies of which `key` is `value`.
fn with_fields<'a>(key: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    [(key, value)].into_iter().chain(STUDY_FIELDS).collect()
}

/// The strip with each part of a series in its place, counted, and the pictures that were there already.
fn lines_of(before: &[SeriesEntryView], parts: &[Arc<SeriesData>]) -> Vec<SeriesEntryView> {
    let Some(series) = parts.first().map(|first| first.name.series.as_str()) else { return before.to_vec() };
    let mut lines = Vec::with_capacity(before.len() + parts.len());
    for entry in before {
        if entry.series == series {
            lines.extend(parts.iter().map(|data| {
                let name = data.name.to_string();
                SeriesEntryView {
                    description: data.title(&entry.description),
                    instances: data.count(),
                    thumbnail: before.iter().find(|known| known.series == name).and_then(|known| known.thumbnail),
                    series: name,
                    ..entry.clone()
                }
            }));
        } else if !is_of(entry, series) {
            lines.push(entry.clone());
        }
    }
    lines
}

/// Whether a line is of a series, or of a part of it.
fn is_of(entry: &SeriesEntryView, series: &str) -> bool {
    PartName::parse(&entry.series).is_ok_and(|name| name.series.as_str() == series)
}

/// Whether the pictures of a study are shown under the record's patient.
pub(crate) fn shown(identity: &IdentityGrade) -> bool {
    match identity {
        IdentityGrade::Same | IdentityGrade::Spelling { .. } | IdentityGrade::Unclear { confirmed: true, .. } => true,
        IdentityGrade::Unclear { confirmed: false, .. } | IdentityGrade::Other { .. } => false,
    }
}

/// The first value of an attribute in DICOM JSON (PS3.18 F.2).
fn value<'a>(item: &'a Value, tag: &str) -> Option<&'a Value> {
    item.get(tag)?.get("Value")?.get(0)
}

fn text(item: &Value, tag: &str) -> Option<String> {
    let found = value(item, tag)?;
    let text = found.as_str().or_else(|| found.get("Alphabetic").and_then(Value::as_str))?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn number(item: &Value, tag: &str) -> Option<i64> {
    let found = value(item, tag)?;
    found.as_i64().or_else(|| found.as_str()?.trim().parse().ok())
}

/// `YYYYMMDD` as ISO.
fn iso_date(date: &str) -> Option<String> {
    let (year, month, day) = (date.get(..4)?, date.get(4..6)?, date.get(6..8)?);
    Some(format!("{year}-{month}-{day}"))
}

/// A study and its patient, of its line of the archive's list.
pub(super) fn study_of(item: &Value) -> Option<(StudyView, PatientIdentity)> {
    let study = StudyUid::parse(&text(item, "0020000D")?).ok()?;
    let at = text(item, "00080020").and_then(|date| iso_date(&date)).map(|date| {
        let time = text(item, "00080030").filter(|time| time.len() >= 4 && time.is_char_boundary(4));
        time.map_or(date.clone(), |time| format!("{date}T{}:{}", &time[..2], &time[2..4]))
    });
    let identity = PatientIdentity {
        id: text(item, "00100020").unwrap_or_default().into(),
        issuer: text(item, "00100021").map(Into::into),
        name: text(item, "00100010").unwrap_or_default().into(),
        birth_date: text(item, "00100030").map(|date| iso_date(&date).unwrap_or(date).into()),
        sex: text(item, "00100040"),
    };
    let view = StudyView {
        study: study.as_str().to_owned(),
        description: text(item, "00081030").unwrap_or_default(),
        at,
        institution: text(item, "00080080"),
        identity: IdentityGrade::Same,
        series: Vec::new(),
    };
    Some((view, identity))
}

/// Modalities that hold no picture of their own (PS3.3 C.7.3.1.1.1).
fn has_pictures(modality: &str) -> bool {
    let without: BTreeSet<&str> = [
        "SR",
        "SEG",
        "RWV",
        "PR",
        "KO",
        "ECG",
        "EPS",
        "HD",
        "AU",
        "DOC",
        "PLAN",
        "REG",
        "FID",
        "RTSTRUCT",
        "RTPLAN",
        "RTRECORD",
        "RTDOSE",
        "STAIN",
        "TEXTUREMAP",
        "M3D",
        "OPTENF",
    ]
    .into();
    !without.contains(modality)
}

/// A series for the strip, of its line of the archive's list.
pub(super) fn series_of(item: &Value) -> Option<SeriesEntryView> {
    let series = SeriesUid::parse(&text(item, "0020000E")?).ok()?;
    let modality = text(item, "00080060").unwrap_or_default();
    Some(SeriesEntryView {
        series: series.as_str().to_owned(),
        displayable: has_pictures(&modality),
        description: text(item, "0008103E").unwrap_or_default(),
        number: number(item, "00200011").and_then(|n| i32::try_from(n).ok()),
        instances: number(item, "00201209").and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        thumbnail: None,
        modality,
    })
}

#[cfg(test)]
mod tests {
    use super::{super::series::testing, lines_of};
    use contract::SeriesEntryView;

    fn line(series: &str) -> SeriesEntryView {
        SeriesEntryView {
            series: series.to_owned(),
            modality: "DX".to_owned(),
            description: "Thorax".to_owned(),
            number: Some(1),
            instances: 3,
            displayable: true,
            thumbnail: None,
        }
    }

    #[test]
    fn each_part_of_a_series_has_a_line_and_keeps_its_picture_when_it_is_listed_again() {
        let parts = testing::parts(&[(1, [2, 2]), (2, [2, 4]), (3, [2, 4])]);
        let mut lines = lines_of(&[line("1.2.3.3"), line("1.2.3.4"), line("1.2.3.44")], &parts);
        let said: Vec<_> = lines.iter().map(|l| (l.series.as_str(), l.description.as_str(), l.instances)).collect();
        let expected = [
            ("1.2.3.3", "Thorax", 3),
            ("1.2.3.4", "Thorax", 1),
            ("1.2.3.4~2", "4 × 2, Thorax", 2),
            ("1.2.3.44", "Thorax", 3),
        ];
        assert_eq!(said, expected, "in the place of the series");
        lines[2].thumbnail = Some(7);
        assert_eq!(lines_of(&lines, &parts), lines, "nothing changes the second time");
    }
}
