//! What of a case's images lies on this computer: which studies and series the archive listed, and which images belong
//! to them. Frames and metadata themselves lie in the frame cache; this list says what they are, for whom, and how old.

use super::{
    identity::{RecordIdentity, grade},
    series::SeriesData,
    source::{frame_key, metadata_key},
    studies::{series_of, shown, study_of},
};
use crate::{
    Desk,
    shelf::{self, Owner},
};
use contract::{SeriesEntryView, StudyView};
use jiff::Timestamp;
use model::{SeriesUid, StudyUid};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A patient's images as the archive listed them when they were fetched ahead. Kept as the archive said it and not as
/// views, so that whose they are is asked again at each opening.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct KeptImages {
    pub(crate) studies: Vec<KeptStudy>,
    /// Images that the record named then, to notice when it names others.
    pub(crate) named: Option<u32>,
    /// Studies that were refused then.
    pub(crate) refused: u32,
    /// Studies that wait for somebody to confirm them.
    pub(crate) unconfirmed: u32,
    /// Everything was listed and read: nothing but frames can be lacking.
    pub(crate) whole: bool,
    /// When the last frame came.
    pub(crate) at: Option<Timestamp>,
}

/// A study.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptStudy {
    /// Its line of the archive's list.
    pub(crate) listed: Value,
    pub(crate) series: Vec<KeptSeries>,
}

/// A series.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptSeries {
    /// Its line of the archive's list.
    pub(crate) listed: Value,
    /// Objects in its metadata, where that was kept.
    pub(crate) objects: Option<u32>,
    pub(crate) images: Vec<KeptImage>,
}

/// An image.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptImage {
    /// Its name in the frame cache.
    pub(crate) key: String,
    /// Bytes of its pixels, not encoded.
    pub(crate) raw: u64,
}

/// What is known of a case's kept images while it is open.
#[derive(Default)]
pub(crate) struct Sealed {
    kept: Option<Arc<KeptImages>>,
    /// Studies whose series the archive has listed since, and how many objects it said that each series has.
    asked: BTreeSet<String>,
    objects: BTreeMap<String, u32>,
}

/// What kept metadata of a series is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worth {
    /// There is none.
    Nothing,
    /// The archive has not said what it holds by now.
    Unasked,
    /// The archive holds as many objects as it did.
    Same,
    /// It does not, or does not tell.
    Old,
}

impl KeptStudy {
    fn view(&self, record: &RecordIdentity) -> Option<StudyView> {
        let (mut view, identity) = study_of(&self.listed)?;
        view.identity = grade(record, &identity, false);
        if shown(&view.identity) {
            view.series = self.series.iter().filter_map(|series| series_of(&series.listed)).collect();
            sort_series(&mut view.series);
        }
        Some(view)
    }

    pub(crate) fn is(&self, study: &str) -> bool {
        study_of(&self.listed).is_some_and(|(view, _)| view.study == study)
    }

    fn find(&self, series: &str) -> Option<&KeptSeries> {
        self.series.iter().find(|kept| series_of(&kept.listed).is_some_and(|entry| entry.series == series))
    }
}

impl KeptImages {
    /// The studies as they are shown under a record's patient, whose they are being asked anew.
    pub(crate) fn views(&self, record: &RecordIdentity) -> Vec<StudyView> {
        self.studies.iter().filter_map(|study| study.view(record)).collect()
    }

    pub(crate) fn study(&self, study: &str) -> Option<&KeptStudy> {
        self.studies.iter().find(|kept| kept.is(study))
    }

    pub(crate) fn series(&self, study: &str, series: &str) -> Option<&KeptSeries> {
        self.study(study)?.find(series)
    }

    /// Names in the frame cache, series by series: of its metadata, and of its images.
    pub(crate) fn keys(&self) -> Vec<(String, &[KeptImage])> {
        let series = |study: &KeptStudy, kept: &KeptSeries| {
            let (view, _) = study_of(&study.listed)?;
            let uids = (StudyUid::parse(&view.study).ok()?, SeriesUid::parse(&series_of(&kept.listed)?.series).ok()?);
            Some(metadata_key(&uids.0, &uids.1))
        };
        let mut keys = Vec::new();
        for study in &self.studies {
            for kept in &study.series {
                if let Some(metadata) = series(study, kept) {
                    keys.push((metadata, kept.images.as_slice()));
                }
            }
        }
        keys
    }
}

impl Sealed {
    pub(crate) fn keep(&mut self, kept: Option<Arc<KeptImages>>) {
        self.kept = kept;
    }

    /// The archive has listed the series of a study.
    pub(crate) fn note(&mut self, study: &str, entries: &[SeriesEntryView]) {
        self.asked.insert(study.to_owned());
        // A server that does not count says nothing.
        let counted = entries.iter().filter(|entry| entry.instances > 0);
        self.objects.extend(counted.map(|entry| (entry.series.clone(), entry.instances)));
    }

    /// Whether the series of a study are known from here alone.
    pub(crate) fn is_only_here(&self, study: &str) -> bool {
        !self.asked.contains(study) && self.kept.as_ref().is_some_and(|kept| kept.study(study).is_some())
    }

    pub(crate) fn worth(&self, study: &StudyUid, series: &SeriesUid) -> Worth {
        let kept = self.kept.as_ref().and_then(|kept| kept.series(study.as_str(), series.as_str())?.objects);
        let Some(objects) = kept else { return Worth::Nothing };
        if !self.asked.contains(study.as_str()) {
            return Worth::Unasked;
        }
        if self.objects.get(series.as_str()) == Some(&objects) { Worth::Same } else { Worth::Old }
    }
}

/// The images of a part of a series, for its list.
pub(crate) fn images_of(data: &SeriesData) -> Vec<KeptImage> {
    let frames = 0..data.stack.frames.len();
    let images = frames.filter_map(|index| {
        let instance = data.stack.instance(index)?;
        let image = instance.image.as_ref()?;
        let bits = u64::from(image.samples_per_pixel) * u64::from(image.bits_allocated);
        let pixels = u64::from(image.rows) * u64::from(image.columns);
        Some(KeptImage { key: frame_key(instance, data.stack.frames[index]), raw: (pixels * bits).div_ceil(8) })
    });
    images.collect()
}

pub(crate) fn sort_series(entries: &mut [SeriesEntryView]) {
    entries.sort_by(|a, b| a.number.cmp(&b.number).then_with(|| a.series.cmp(&b.series)));
}

impl Desk {
    /// What of a patient's images was fetched ahead for this person.
    pub(crate) async fn kept_images(&self, owner: &Owner, patient: &str) -> Option<KeptImages> {
        let (shelf, owner, what) = (self.0.shelf.clone(), owner.clone(), shelf::images(patient));
        let read = tokio::task::spawn_blocking(move || shelf.get::<KeptImages>(&owner, &what, Timestamp::now()));
        read.await.ok().flatten().map(|(_, kept)| kept)
    }

    pub(crate) async fn keep_images(&self, owner: &Owner, patient: &str, kept: KeptImages) {
        let (shelf, owner, what) = (self.0.shelf.clone(), owner.clone(), shelf::images(patient));
        let writing = tokio::task::spawn_blocking(move || shelf.put(&owner, &what, Timestamp::now(), &kept));
        if let Err(error) = writing.await {
            tracing::error!(%error, "what lies here of a case's images is not noted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KeptImages, KeptSeries, KeptStudy, Sealed, Worth, images_of};
    use crate::images::{identity::RecordIdentity, series::testing};
    use contract::IdentityGrade;
    use model::{Phi, SeriesUid, StudyUid};
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn listed(name: &str) -> Value {
        json!({
            "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": name}]},
            "00100020": {"vr": "LO", "Value": ["EF-1"]},
            "00100030": {"vr": "DA", "Value": ["19600211"]},
        })
    }

    fn series(objects: u32) -> Value {
        json!({
            "0020000E": {"vr": "UI", "Value": ["1.2.3.4"]},
            "00080060": {"vr": "CS", "Value": ["CT"]},
            "00201209": {"vr": "IS", "Value": [objects]},
        })
    }

    fn kept(name: &str) -> KeptImages {
        let series = KeptSeries { listed: series(3), objects: Some(3), images: Vec::new() };
        KeptImages { studies: vec![KeptStudy { listed: listed(name), series: vec![series] }], ..KeptImages::default() }
    }

    #[test]
    fn whose_kept_images_are_is_asked_at_each_opening() {
        let record = RecordIdentity {
            names: vec![Phi::new(("Auenwald".to_owned(), "Gernot".to_owned()))],
            birth_date: Some(Phi::new("1960-02-11".to_owned())),
            numbers: vec![Phi::new("EF-1".to_owned())],
        };
        let own = kept("Auenwald^Gernot").views(&record);
        assert_eq!((&own[0].identity, own[0].series.len()), (&IdentityGrade::Same, 1), "the patient's");
        let other = kept("Birkenlicht^Selma").views(&record);
        assert!(
            matches!(other[0].identity, IdentityGrade::Other { .. }),
            "another person's, whatever was thought then"
        );
        assert!(other[0].series.is_empty(), "and nothing of it is offered");
    }

    #[test]
    fn kept_metadata_counts_while_the_archive_holds_as_many_objects() {
        let (study, uid) = (StudyUid::parse("1.2.3").expect("a UID"), SeriesUid::parse("1.2.3.4").expect("a UID"));
        let mut sealed = Sealed::default();
        assert_eq!(sealed.worth(&study, &uid), Worth::Nothing, "nothing was kept");
        sealed.keep(Some(Arc::new(kept("Auenwald^Gernot"))));
        assert_eq!((sealed.worth(&study, &uid), sealed.is_only_here("1.2.3")), (Worth::Unasked, true), "nobody asked");
        for (objects, expected) in [(3, Worth::Same), (4, Worth::Old), (0, Worth::Old)] {
            let mut sealed = Sealed::default();
            sealed.keep(Some(Arc::new(kept("Auenwald^Gernot"))));
            let line = crate::images::studies::series_of(&series(objects)).expect("a line");
            sealed.note("1.2.3", &[line]);
            assert_eq!(sealed.worth(&study, &uid), expected, "the archive says {objects}");
            assert!(!sealed.is_only_here("1.2.3"), "the archive listed it");
        }
    }

    #[test]
    fn an_image_takes_its_rows_times_columns_times_bits() {
        let parts = testing::parts(&[(1, [2, 3])]);
        let images = images_of(&parts[0]);
        assert_eq!((images[0].key.as_str(), images[0].raw), ("1.2.3.4.1/0", 12), "2 × 3 pixels of 16 bits");
    }
}
