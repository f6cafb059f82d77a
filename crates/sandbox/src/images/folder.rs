//! Reads a folder of Part 10 files into studies of the lung case, identity rewritten.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use jiff::civil::{Date, DateTime};

use super::rewrite::{Rewrite, SeriesNames, parse_date};
use super::{INSTANCE_TAGS, Instance, SERIES_TAGS, STUDY_TAGS, Series, Source, Study, only, part10, text};
use crate::phantom::header::{Identity, accession, study_date, study_time};
use crate::phantom::recipe::{Recipe, StudyRecipe};
use crate::phantom::uid;

/// The study of the recipe that a PET/CT of the folder replaces.
const LUNG: &str = "study-auenwald-petct";

/// A study of the folder.
#[derive(Debug)]
pub(crate) struct FolderStudy {
    /// FHIR id under which the record lists it.
    pub(crate) id: String,
    /// Local start.
    pub(crate) started: DateTime,
    /// Its index.
    pub(crate) study: Study,
}

/// All readable Part 10 files below a folder with what the index needs of their headers, in the order
/// of their paths. What cannot be read is left out with a warning.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, InMemDicomObject)> {
    let mut paths = Vec::new();
    collect(folder, &mut paths);
    paths.sort();
    let mut wanted: Vec<_> = [&STUDY_TAGS[..], &SERIES_TAGS, &INSTANCE_TAGS].concat();
    wanted.push(tags::CORRECTED_IMAGE);
    let mut read = Vec::with_capacity(paths.len());
    for path in paths {
        match part10::read_header(&path) {
            Ok(header) => read.push((path, only(&header, &wanted))),
            // The path may hold a name; its position in the folder is enough to find it.
            Err(error) => tracing::warn!(number = read.len(), %error, "left out: not a readable DICOM file"),
        }
    }
    read
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        tracing::warn!("a folder of images cannot be read");
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, into);
        } else if part10_file(&path) {
            into.push(path);
        }
    }
}

/// Whether `DICM` follows the preamble (PS3.10 §7.1), whatever the file is called.
fn part10_file(path: &Path) -> bool {
    use std::io::Read;
    let mut start = [0; 132];
    std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut start)).is_ok() && start.ends_with(b"DICM")
}

type File = (PathBuf, InMemDicomObject);

/// Reads a folder: the largest study with CT and PET takes the place of the recipe's, the others follow
/// as further studies of the same patient.
pub(crate) fn scan(folder: &Path, recipe: &Recipe, today: Date) -> Vec<FolderStudy> {
    let mut studies: BTreeMap<String, Vec<File>> = BTreeMap::new();
    for (path, header) in files(folder) {
        let study = text(&header, tags::STUDY_INSTANCE_UID);
        if !study.is_empty() && !text(&header, tags::SOP_INSTANCE_UID).is_empty() {
            studies.entry(study).or_default().push((path, header));
        }
    }
    let Some(record) = recipe.studies.iter().find(|s| s.id == LUNG) else { return Vec::new() };
    let has = |files: &[File], modality: &str| files.iter().any(|(_, h)| text(h, tags::MODALITY) == modality);
    let main = studies
        .iter()
        .filter(|(_, files)| has(files, "CT") && has(files, "PT"))
        .max_by_key(|(_, files)| files.len())
        .map(|(uid, _)| uid.clone());
    if main.is_none() {
        tracing::warn!("the data folder holds no PET/CT: the painted one stays");
    }

    let mut uids = BTreeMap::new();
    let mut names = BTreeMap::new();
    if let Some(main) = &main {
        uids.insert(main.clone(), uid(&[LUNG]));
        adopt(record, &studies[main], &mut uids, &mut names);
    }
    let (uids, names) = (Arc::new(uids), Arc::new(names));

    let mut further = 0_u32;
    let mut found = Vec::new();
    for (original, files) in studies {
        let is_main = main.as_ref() == Some(&original);
        let (id, date, title) = if is_main {
            (LUNG.to_owned(), study_date(record, today), Some(record.title.de.clone()))
        } else {
            further += 1;
            // The others get days of their own before the record's, so that the list has an order.
            let days = i64::from(further) * 9 + 21;
            (format!("study-data-{further}"), today.saturating_sub(jiff::Span::new().days(days)), None)
        };
        let Some(patient) = recipe.patients.get(&record.patient) else { continue };
        let identity = Identity::of(patient, &record.organization, today);
        let first = &files[0].1;
        let rewrite = Arc::new(Rewrite {
            uids: Arc::clone(&uids),
            names: Arc::clone(&names),
            identity,
            date,
            shift_days: parse_date(&text(first, tags::STUDY_DATE)).map(|from| i64::from((date - from).get_days())),
            accession: accession(&id),
            institution: recipe.organizations.get(&record.organization).cloned().unwrap_or_default(),
            title,
            secrets: secrets(first),
        });
        // Times stay, since uptake times follow from their differences; so the record takes over the file's.
        let time = jiff::civil::Time::strptime("%H%M%S", text(first, tags::STUDY_TIME).get(..6).unwrap_or(""));
        let started = date.to_datetime(time.unwrap_or_else(|_| study_time(record)));
        found.push(FolderStudy { id, started, study: study(&rewrite, files) });
    }
    found
}

/// Texts that identify the original patient wherever they stand, longest first.
fn secrets(header: &InMemDicomObject) -> Vec<String> {
    let mut secrets: Vec<String> = [tags::PATIENT_ID, tags::PATIENT_NAME, tags::ACCESSION_NUMBER]
        .iter()
        .map(|tag| text(header, *tag))
        .filter(|t| t.len() >= 5)
        .collect();
    secrets.sort_by_key(|s| std::cmp::Reverse(s.len()));
    secrets.dedup();
    secrets
}

/// Gives the recipe's series UIDs, numbers and names to the CT and the attenuation-corrected PET with
/// the most images.
fn adopt(
    record: &StudyRecipe,
    files: &[File],
    uids: &mut BTreeMap<String, String>,
    names: &mut BTreeMap<String, SeriesNames>,
) {
    let mut series: BTreeMap<String, Vec<&InMemDicomObject>> = BTreeMap::new();
    for (_, header) in files {
        series.entry(text(header, tags::SERIES_INSTANCE_UID)).or_default().push(header);
    }
    for recipe in &record.series {
        let corrected = |h: &InMemDicomObject| {
            h.get(tags::CORRECTED_IMAGE)
                .and_then(|e| e.to_multi_str().ok())
                .is_some_and(|v| v.iter().any(|s| s.trim() == "ATTN"))
        };
        let best = series
            .iter()
            .filter(|(_, images)| images.iter().all(|h| text(h, tags::MODALITY) == recipe.modality))
            .max_by_key(|(_, images)| (images.iter().all(|h| corrected(h)), images.len()));
        let Some((original, images)) = best else { continue };
        let number = recipe.no.to_string();
        uids.insert(original.clone(), uid(&[&record.id, &number]));
        names.insert(original.clone(), SeriesNames { number: recipe.no, description: recipe.description.clone() });
        let mut images = images.clone();
        sort(&mut images, |h| *h);
        for (index, header) in images.iter().enumerate() {
            let new = uid(&[&record.id, &number, &(index + 1).to_string()]);
            uids.insert(text(header, tags::SOP_INSTANCE_UID), new);
        }
    }
}

/// From head to feet where images have a position, else by number.
fn sort<T>(images: &mut [T], header: impl Fn(&T) -> &InMemDicomObject) {
    let key = |h: &InMemDicomObject| {
        let height = position(h).map_or(f64::INFINITY, |z| -z);
        (height, text(h, tags::INSTANCE_NUMBER).parse::<i64>().unwrap_or(0), text(h, tags::SOP_INSTANCE_UID))
    };
    images.sort_by(|a, b| {
        let (a, b) = (key(header(a)), key(header(b)));
        a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2))
    });
}

/// Height of an image along the normal of its plane, for axial stacks.
fn position(header: &InMemDicomObject) -> Option<f64> {
    let orientation = header.get(tags::IMAGE_ORIENTATION_PATIENT)?.to_multi_float64().ok()?;
    let axial = orientation.len() == 6 && orientation[2].abs() < 0.5 && orientation[5].abs() < 0.5;
    let position = header.get(tags::IMAGE_POSITION_PATIENT)?.to_multi_float64().ok()?;
    position.get(2).copied().filter(|_| axial)
}

fn study(rewrite: &Arc<Rewrite>, files: Vec<File>) -> Study {
    let mut series: BTreeMap<String, Vec<(PathBuf, InMemDicomObject)>> = BTreeMap::new();
    let mut attributes = InMemDicomObject::new_empty();
    let mut study_uid = String::new();
    for (path, header) in files {
        let header = rewrite.apply(header);
        if study_uid.is_empty() {
            study_uid = text(&header, tags::STUDY_INSTANCE_UID);
            attributes = only(&header, &STUDY_TAGS);
        }
        series.entry(text(&header, tags::SERIES_INSTANCE_UID)).or_default().push((path, header));
    }
    let mut all: Vec<Series> = series
        .into_iter()
        .map(|(uid, mut images)| {
            sort(&mut images, |(_, h)| h);
            let attributes = only(&images[0].1, &SERIES_TAGS);
            let instances = images
                .into_iter()
                .map(|(path, header)| {
                    let source = Source::File { path, rewrite: Some(Arc::clone(rewrite)) };
                    Arc::new(Instance::new(header, source))
                })
                .collect();
            Series { uid, attributes, instances }
        })
        .collect();
    all.sort_by_key(|s| text(&s.attributes, tags::SERIES_NUMBER).parse::<i64>().unwrap_or(i64::MAX));
    Study { uid: study_uid, attributes, series: all }
}
