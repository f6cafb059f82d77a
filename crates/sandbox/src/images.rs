//! The archive's index: studies, series and instances, painted, received, or from a folder of files.
//!
//! It holds the few attributes that queries ask for and the way to each file. Headers are read when
//! they are asked for, pixels never: whoever sends them reads them piece by piece from the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use jiff::civil::{Date, DateTime};

mod folder;
pub mod part10;
mod rewrite;

use crate::phantom::header::{study_date, study_time};
use crate::phantom::recipe::Recipe;
use crate::phantom::{PaintedSeries, uid};
use part10::{Layout, ReadError, trimmed};
use rewrite::Rewrite;

/// Where the archive's images come from and go to.
#[derive(Debug, Clone)]
pub struct ImagesOptions {
    /// The day from which the demonstration's dates count.
    pub today: Date,
    /// The sandbox's folder; none keeps images in a temporary folder that goes with the archive.
    pub folder: Option<PathBuf>,
    /// A folder of Part 10 files that the lung case shows in place of its painted PET/CT.
    pub data: Option<PathBuf>,
}

/// The archive could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The built-in recipe has not the form that this crate knows.
    #[error("recipe: {0}")]
    Recipe(#[from] serde_json::Error),
    /// A folder cannot be used.
    #[error("folder of images: {0}")]
    Folder(#[from] std::io::Error),
}

/// An instance was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// Not a Part 10 file with study, series and instance UID.
    #[error("not a usable DICOM file: {0}")]
    Form(String),
    /// It belongs to another study than the request names.
    #[error("the instance belongs to another study than the request")]
    OtherStudy,
    /// The file system refused.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// A study as a record lists it (FHIR `ImagingStudy`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyListing {
    /// Id of the resource.
    pub id: String,
    /// Id of the patient whose record lists it.
    pub patient: String,
    /// Study Instance UID.
    pub uid: String,
    /// Local start.
    pub started: DateTime,
    /// What it is, in German; the modality where the images have no title.
    pub title: String,
    /// Its series.
    pub series: Vec<SeriesListing>,
}

/// A series as a record lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesListing {
    /// Series Instance UID.
    pub uid: String,
    /// Series Number.
    pub number: u32,
    /// Modality as DICOM code.
    pub modality: String,
    /// Series Description.
    pub description: String,
    /// How many instances it has.
    pub instances: usize,
}

/// The attributes of a study that queries answer.
pub(crate) const STUDY_TAGS: [Tag; 15] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::INSTITUTION_NAME,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::STUDY_DESCRIPTION,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::PATIENT_AGE,
    tags::PATIENT_WEIGHT,
    tags::STUDY_INSTANCE_UID,
    tags::STUDY_ID,
];

/// The attributes of a series that queries answer.
pub(crate) const SERIES_TAGS: [Tag; 12] = [
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::SERIES_DATE,
    tags::SERIES_TIME,
    tags::SERIES_DESCRIPTION,
    tags::BODY_PART_EXAMINED,
    tags::PROTOCOL_NAME,
    tags::LATERALITY,
    tags::SERIES_INSTANCE_UID,
    tags::SERIES_NUMBER,
    tags::FRAME_OF_REFERENCE_UID,
    tags::MANUFACTURER_MODEL_NAME,
];

/// The attributes of an instance that queries answer.
pub(crate) const INSTANCE_TAGS: [Tag; 17] = [
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::IMAGE_TYPE,
    tags::CONTENT_DATE,
    tags::CONTENT_TIME,
    tags::ACQUISITION_NUMBER,
    tags::INSTANCE_NUMBER,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::BITS_ALLOCATED,
    tags::SAMPLES_PER_PIXEL,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::PIXEL_SPACING,
    tags::SLICE_THICKNESS,
    tags::CONCATENATION_UID,
];

/// A study of the index.
#[derive(Debug, Clone)]
pub(crate) struct Study {
    pub(crate) uid: String,
    pub(crate) attributes: InMemDicomObject,
    pub(crate) series: Vec<Series>,
}

/// A series of the index.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) uid: String,
    pub(crate) attributes: InMemDicomObject,
    pub(crate) instances: Vec<Arc<Instance>>,
}

/// An instance of the index.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) uid: String,
    pub(crate) attributes: InMemDicomObject,
    source: Source,
    place: OnceLock<Arc<Place>>,
}

#[derive(Debug)]
enum Source {
    Painted { series: Arc<PaintedSeries>, index: usize },
    File { path: PathBuf, rewrite: Option<Arc<Rewrite>> },
}

/// The file of an instance and where its pixels are in it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) layout: Layout,
}

impl Instance {
    fn new(attributes: InMemDicomObject, source: Source) -> Self {
        let uid = text(&attributes, tags::SOP_INSTANCE_UID);
        Self { uid, attributes: only(&attributes, &INSTANCE_TAGS), source, place: OnceLock::new() }
    }

    /// All attributes before Pixel Data as clients may see them. Reads a file: call it where blocking is allowed.
    pub(crate) fn header(&self) -> Result<InMemDicomObject, ReadError> {
        match &self.source {
            Source::Painted { series, index } if !series.needs_pixels() => Ok(series.attributes(*index)),
            Source::Painted { .. } => Ok(part10::read_header(&self.place()?.path)?.into_inner()),
            Source::File { path, rewrite } => {
                let header = part10::read_header(path)?.into_inner();
                Ok(match rewrite {
                    Some(rewrite) => rewrite.apply(header),
                    None => header,
                })
            }
        }
    }

    /// The file and its layout, read once; paints the image if need be. Blocks.
    pub(crate) fn place(&self) -> Result<Arc<Place>, ReadError> {
        if let Some(place) = self.place.get() {
            return Ok(Arc::clone(place));
        }
        let path = match &self.source {
            Source::Painted { series, index } => series.file(*index).map_err(|e| ReadError::Form(e.to_string()))?,
            Source::File { path, .. } => path.clone(),
        };
        let layout = Layout::of(&path)?;
        Ok(Arc::clone(self.place.get_or_init(|| Arc::new(Place { path, layout }))))
    }

    /// Whether clients see another header than the file's.
    pub(crate) fn header_changes(&self) -> bool {
        matches!(&self.source, Source::File { rewrite: Some(_), .. })
    }

    /// Whether the pixels are stored without compression. Blocks.
    pub(crate) fn has_native_pixels(&self) -> Result<bool, ReadError> {
        match &self.source {
            // Painted images are never compressed; asking must not paint them.
            Source::Painted { .. } => Ok(true),
            Source::File { .. } => Ok(self.place()?.layout.native.is_some()),
        }
    }

    /// Number of Frames; 1 where the attribute is absent.
    pub(crate) fn frames(&self) -> usize {
        let frames = self.attributes.get(tags::NUMBER_OF_FRAMES).and_then(|e| e.to_int::<usize>().ok());
        frames.unwrap_or(1).max(1)
    }

    fn number(&self, tag: Tag) -> u64 {
        self.attributes.get(tag).and_then(|e| e.to_int::<u64>().ok()).unwrap_or(0)
    }

    /// Bits of one native frame.
    pub(crate) fn frame_bits(&self) -> u64 {
        self.number(tags::ROWS)
            * self.number(tags::COLUMNS)
            * self.number(tags::SAMPLES_PER_PIXEL).max(1)
            * self.number(tags::BITS_ALLOCATED)
    }
}

/// An instance with its study and series.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) study: Arc<Study>,
    pub(crate) series: usize,
    pub(crate) instance: Arc<Instance>,
}

impl Found {
    pub(crate) fn series(&self) -> &Series {
        &self.study.series[self.series]
    }
}

/// The archive.
#[derive(Debug)]
pub struct Images {
    studies: RwLock<BTreeMap<String, Arc<Study>>>,
    listings: Vec<StudyListing>,
    received: PathBuf,
    /// Removed with the archive.
    temporary: Option<PathBuf>,
}

impl Drop for Images {
    fn drop(&mut self) {
        if let Some(folder) = &self.temporary
            && let Err(error) = std::fs::remove_dir_all(folder)
        {
            tracing::debug!(%error, "the temporary folder of images stays");
        }
    }
}

impl Images {
    /// Opens the archive: indexes the recipe's studies, what earlier runs received, and the data folder.
    /// Reads files: call it where blocking is allowed.
    ///
    /// # Errors
    /// When the folder cannot be written or the built-in recipe is damaged. Unreadable files of the data
    /// folder are left out with a warning.
    pub fn open(options: &ImagesOptions) -> Result<Self, OpenError> {
        let recipe = Arc::new(Recipe::built_in()?);
        let (root, temporary) = match &options.folder {
            Some(folder) => (folder.join("images"), None),
            None => {
                let folder = std::env::temp_dir().join(format!("konsil-images-{}", uuid::Uuid::new_v4().simple()));
                (folder.clone(), Some(folder))
            }
        };
        let painted = root.join("painted").join(format!("{}-{}", options.today, Recipe::version()));
        let received = root.join("received");
        std::fs::create_dir_all(&received)?;
        forget_others(&painted)?;

        let mut images = Self { studies: RwLock::default(), listings: Vec::new(), received, temporary };
        let data = options.data.as_deref().map(|data| folder::scan(data, &recipe, options.today)).unwrap_or_default();
        for (index, study) in recipe.studies.iter().enumerate() {
            let uid = uid(&[&study.id]);
            let replaced = data.iter().any(|d| d.study.uid == uid);
            let patient = study.identity_trap.as_ref().map_or(&study.patient, |t| &t.listed_under_patient);
            if !replaced {
                let painted = paint(&recipe, index, options.today, &painted);
                let started = study_date(study, options.today).to_datetime(study_time(study));
                images.list(&study.id, patient, started, &painted);
                images.put(painted);
            }
        }
        for found in data {
            images.list(&found.id, "pat-auenwald", found.started, &found.study);
            images.put(found.study);
        }
        for (path, header) in folder::files(&images.received) {
            let instance = Instance::new(header.clone(), Source::File { path, rewrite: None });
            images.insert(&header, instance);
        }
        Ok(images)
    }

    /// What the records list, those of the data folder under the lung case included.
    #[must_use]
    pub fn listings(&self) -> &[StudyListing] {
        &self.listings
    }

    /// Paints what can only be painted as a whole (PET), so that nobody waits for it later. Takes seconds:
    /// call it where blocking is allowed.
    pub fn prepare(&self) {
        for study in self.studies() {
            for first in study.series.iter().filter_map(|s| s.instances.first()) {
                if let Source::Painted { series, .. } = &first.source
                    && series.needs_pixels()
                    && let Err(error) = first.place()
                {
                    tracing::warn!(%error, "a series cannot be painted");
                }
            }
        }
    }

    fn list(&mut self, id: &str, patient: &str, started: DateTime, study: &Study) {
        let series: Vec<SeriesListing> = study
            .series
            .iter()
            .map(|s| SeriesListing {
                uid: s.uid.clone(),
                number: text(&s.attributes, tags::SERIES_NUMBER).parse().unwrap_or(0),
                modality: text(&s.attributes, tags::MODALITY),
                description: text(&s.attributes, tags::SERIES_DESCRIPTION),
                instances: s.instances.len(),
            })
            .collect();
        let title = text(&study.attributes, tags::STUDY_DESCRIPTION);
        let modality = series.first().map(|s| s.modality.clone()).unwrap_or_default();
        self.listings.push(StudyListing {
            id: id.to_owned(),
            patient: patient.to_owned(),
            uid: study.uid.clone(),
            started,
            title: if title.is_empty() { modality } else { title },
            series,
        });
    }

    fn put(&self, study: Study) {
        let mut studies = self.studies.write().unwrap_or_else(PoisonError::into_inner);
        studies.insert(study.uid.clone(), Arc::new(study));
    }

    /// All studies, newest first.
    pub(crate) fn studies(&self) -> Vec<Arc<Study>> {
        let studies = self.studies.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Arc<Study>> = studies.values().cloned().collect();
        all.sort_by_cached_key(|s| std::cmp::Reverse(text(&s.attributes, tags::STUDY_DATE)));
        all
    }

    /// One study.
    pub(crate) fn study(&self, uid: &str) -> Option<Arc<Study>> {
        self.studies.read().unwrap_or_else(PoisonError::into_inner).get(uid).cloned()
    }

    /// The instances of a study, of one of its series, or one instance; empty when there is none.
    pub(crate) fn find(&self, study: &str, series: Option<&str>, instance: Option<&str>) -> Vec<Found> {
        let Some(study) = self.study(study) else { return Vec::new() };
        let mut found = Vec::new();
        for (index, s) in study.series.iter().enumerate().filter(|(_, s)| series.is_none_or(|uid| uid == s.uid)) {
            for i in s.instances.iter().filter(|i| instance.is_none_or(|uid| uid == i.uid)) {
                found.push(Found { study: Arc::clone(&study), series: index, instance: Arc::clone(i) });
            }
        }
        found
    }

    /// Where received files are written before they are taken in.
    pub(crate) fn inbox(&self) -> PathBuf {
        self.received.join(format!("{}.part", uuid::Uuid::new_v4().simple()))
    }

    /// Takes in a file of the inbox; returns its SOP class and instance UID. Blocks.
    pub(crate) fn receive(&self, file: &Path, study: Option<&str>) -> Result<Received, AddError> {
        let header = part10::read_header(file).map_err(|e| AddError::Form(e.to_string()))?.into_inner();
        let received = Received {
            sop_class: text(&header, tags::SOP_CLASS_UID),
            instance: text(&header, tags::SOP_INSTANCE_UID),
            series: text(&header, tags::SERIES_INSTANCE_UID),
            study: text(&header, tags::STUDY_INSTANCE_UID),
        };
        if [&received.instance, &received.series, &received.study].iter().any(|uid| !is_uid(uid)) {
            return Err(AddError::Form("study, series or instance UID is missing".to_owned()));
        }
        if study.is_some_and(|uid| uid != received.study) {
            return Err(AddError::OtherStudy);
        }
        let path = self.received.join(format!("{}.dcm", received.instance));
        std::fs::rename(file, &path)?;
        self.insert(&header, Instance::new(header.clone(), Source::File { path, rewrite: None }));
        Ok(received)
    }

    fn insert(&self, header: &InMemDicomObject, instance: Instance) {
        let (study_uid, series_uid) = (text(header, tags::STUDY_INSTANCE_UID), text(header, tags::SERIES_INSTANCE_UID));
        let mut studies = self.studies.write().unwrap_or_else(PoisonError::into_inner);
        let mut study = studies.get(&study_uid).map_or_else(
            || Study { uid: study_uid.clone(), attributes: only(header, &STUDY_TAGS), series: Vec::new() },
            |s| Study::clone(s),
        );
        if !study.series.iter().any(|s| s.uid == series_uid) {
            let attributes = only(header, &SERIES_TAGS);
            study.series.push(Series { uid: series_uid.clone(), attributes, instances: Vec::new() });
        }
        for series in study.series.iter_mut().filter(|s| s.uid == series_uid) {
            series.instances.retain(|i| i.uid != instance.uid);
        }
        if let Some(series) = study.series.iter_mut().find(|s| s.uid == series_uid) {
            series.instances.push(Arc::new(instance));
        }
        studies.insert(study_uid, Arc::new(study));
    }
}

/// What was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) sop_class: String,
    pub(crate) instance: String,
    pub(crate) series: String,
    pub(crate) study: String,
}

fn paint(recipe: &Arc<Recipe>, study: usize, today: Date, folder: &Path) -> Study {
    let recipe_study = &recipe.studies[study];
    let mut series = Vec::new();
    let mut attributes = InMemDicomObject::new_empty();
    for index in 0..recipe_study.series.len() {
        let painted = Arc::new(PaintedSeries::new(Arc::clone(recipe), study, index, today, folder));
        let first = painted.attributes(0);
        attributes = only(&first, &STUDY_TAGS);
        let instances = (0..painted.len())
            .map(|index| {
                let source = Source::Painted { series: Arc::clone(&painted), index };
                Arc::new(Instance::new(painted.attributes(index), source))
            })
            .collect();
        let uid = text(&first, tags::SERIES_INSTANCE_UID);
        series.push(Series { uid, attributes: only(&first, &SERIES_TAGS), instances });
    }
    Study { uid: uid(&[&recipe_study.id]), attributes, series }
}

/// Removes what was painted on other days or from other recipes.
fn forget_others(keep: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(keep)?;
    let Some(parent) = keep.parent() else { return Ok(()) };
    for entry in std::fs::read_dir(parent)? {
        let path = entry?.path();
        if path != keep {
            std::fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

/// A text attribute without padding; empty when absent.
pub(crate) fn text(object: &InMemDicomObject, tag: Tag) -> String {
    object.get(tag).and_then(|e| e.to_str().ok()).map(|s| trimmed(&s)).unwrap_or_default()
}

fn only(object: &InMemDicomObject, tags: &[Tag]) -> InMemDicomObject {
    InMemDicomObject::from_element_iter(tags.iter().filter_map(|t| object.get(*t)).cloned())
}

/// A UID by PS3.5 §9.1, so that it is also a harmless file name.
fn is_uid(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}
