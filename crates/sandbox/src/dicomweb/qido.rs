//! QIDO-RS: searches for studies, series and instances (PS3.18 §10.6).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::InMemDicomObject;
use serde_json::Value;

use super::{DicomWeb, Refusal, metadata, multipart};
use crate::images::{Instance, Series, Study, text};

/// Results that one answer holds at most; more are reached by `offset`.
const MOST: usize = 1000;

#[derive(Debug, Default)]
struct Query {
    keys: Vec<(Tag, String)>,
    include: Vec<Tag>,
    include_all: bool,
    limit: Option<usize>,
    offset: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Study,
    Series,
    Instance,
}

pub(crate) async fn studies(State(service): State<DicomWeb>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    search(service, query, Level::Study, &[]).await
}

pub(crate) async fn series(State(service): State<DicomWeb>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    search(service, query, Level::Series, &[]).await
}

pub(crate) async fn instances(State(service): State<DicomWeb>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    search(service, query, Level::Instance, &[]).await
}

pub(crate) async fn series_of_study(
    State(service): State<DicomWeb>,
    Path(study): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    search(service, query, Level::Series, &[(tags::STUDY_INSTANCE_UID, study)]).await
}

pub(crate) async fn instances_of_study(
    State(service): State<DicomWeb>,
    Path(study): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    search(service, query, Level::Instance, &[(tags::STUDY_INSTANCE_UID, study)]).await
}

pub(crate) async fn instances_of_series(
    State(service): State<DicomWeb>,
    Path((study, series)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let fixed = [(tags::STUDY_INSTANCE_UID, study), (tags::SERIES_INSTANCE_UID, series)];
    search(service, query, Level::Instance, &fixed).await
}

async fn search(
    service: DicomWeb,
    query: Option<String>,
    level: Level,
    fixed: &[(Tag, String)],
) -> Result<Response, Refusal> {
    let mut query = parse(query.as_deref().unwrap_or(""))?;
    query.keys.extend(fixed.iter().cloned());
    super::blocking(move || {
        let found = answer(&service, &query, level);
        let body = serde_json::to_vec(&found).map_err(|e| Refusal::Broken(e.to_string()))?;
        // Nothing found is an empty list, not 204, as Orthanc answers.
        Ok(multipart::with_type(StatusCode::OK, "application/dicom+json", body.into()))
    })
    .await
}

fn parse(text: &str) -> Result<Query, Refusal> {
    let mut query = Query::default();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        let number = || value.parse::<usize>().map_err(|e| Refusal::Bad(format!("{name}: {e}")));
        match name.as_ref() {
            "limit" => query.limit = Some(number()?),
            "offset" => query.offset = number()?,
            // Accepted and without effect, as at Orthanc.
            "fuzzymatching" | "emptyvaluematching" | "multiplevaluematching" => {}
            "includefield" if value == "all" => query.include_all = true,
            "includefield" => {
                for field in value.split(',') {
                    query.include.push(tag(field)?);
                }
            }
            _ => query.keys.push((tag(&name)?, value.into_owned())),
        }
    }
    Ok(query)
}

/// A keyword or eight hexadecimal digits. Of a path into a sequence only the sequence counts.
fn tag(name: &str) -> Result<Tag, Refusal> {
    let first = name.split('.').next().unwrap_or(name);
    if first.len() == 8
        && let (Ok(group), Ok(element)) = (u16::from_str_radix(&first[..4], 16), u16::from_str_radix(&first[4..], 16))
    {
        return Ok(Tag(group, element));
    }
    StandardDataDictionary
        .by_name(first)
        .map(|entry| entry.tag())
        .ok_or_else(|| Refusal::Bad(format!("unknown attribute: {first}")))
}

fn answer(service: &DicomWeb, query: &Query, level: Level) -> Vec<Value> {
    let limit = query.limit.filter(|l| *l > 0).unwrap_or(MOST).min(MOST);
    let base = service.base.as_str();
    let mut passed = 0;
    let mut found = Vec::new();
    let mut take = |make: &dyn Fn() -> Value| {
        passed += 1;
        if passed > query.offset {
            found.push(make());
        }
        found.len() >= limit
    };
    for study in service.images.studies() {
        if !study_matches(&study, query) {
            continue;
        }
        if level == Level::Study {
            if study.series.iter().any(|s| series_matches(s, query)) && take(&|| study_json(&study, base, query)) {
                break;
            }
            continue;
        }
        let mut full = false;
        for series in study.series.iter().filter(|s| series_matches(s, query)) {
            if level == Level::Series {
                full |= take(&|| series_json(&study, series, base, query));
            } else {
                for instance in series.instances.iter().filter(|i| instance_matches(i, query)) {
                    full |= take(&|| instance_json(&study, series, instance, base, query));
                    if full {
                        break;
                    }
                }
            }
            if full {
                break;
            }
        }
        if full {
            break;
        }
    }
    found
}

fn study_matches(study: &Study, query: &Query) -> bool {
    query.keys.iter().all(|(tag, wanted)| {
        if *tag == tags::MODALITIES_IN_STUDY {
            return study.series.iter().any(|s| matches(&text(&s.attributes, tags::MODALITY), VR::CS, wanted));
        }
        !crate::images::STUDY_TAGS.contains(tag) || held(&study.attributes, *tag, wanted)
    })
}

fn series_matches(series: &Series, query: &Query) -> bool {
    query.keys.iter().all(|(tag, wanted)| {
        let instance_key = crate::images::INSTANCE_TAGS.contains(tag);
        if instance_key {
            return series.instances.iter().any(|i| held(&i.attributes, *tag, wanted));
        }
        if crate::images::STUDY_TAGS.contains(tag) || *tag == tags::MODALITIES_IN_STUDY {
            return true;
        }
        // What the index does not hold matches nothing but "any value".
        held(&series.attributes, *tag, wanted)
    })
}

fn instance_matches(instance: &Arc<Instance>, query: &Query) -> bool {
    query
        .keys
        .iter()
        .filter(|(tag, _)| crate::images::INSTANCE_TAGS.contains(tag))
        .all(|(tag, wanted)| held(&instance.attributes, *tag, wanted))
}

fn held(object: &InMemDicomObject, tag: Tag, wanted: &str) -> bool {
    let vr = StandardDataDictionary.by_tag(tag).map_or(VR::LO, |e| e.vr().relaxed());
    matches(&text(object, tag), vr, wanted)
}

/// PS3.4 C.2.2.2: universal, range, list of UID, wild card and single value matching. Names match
/// without regard to case, as Orthanc does by default.
fn matches(value: &str, vr: VR, wanted: &str) -> bool {
    if wanted.is_empty() || wanted == "*" {
        return true;
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "VR is the standard's enum; all others match as text")]
    match vr {
        VR::DA | VR::TM | VR::DT => match wanted.split_once('-') {
            Some((from, to)) => {
                !value.is_empty() && (from.is_empty() || value >= from) && (to.is_empty() || value <= to)
            }
            None => value == wanted,
        },
        VR::UI => wanted.split(['\\', ',']).any(|w| w.trim() == value),
        VR::PN => wildcard(&value.to_lowercase(), &wanted.to_lowercase()),
        _ => value.split('\\').any(|v| wildcard(v, wanted)) || wildcard(value, wanted),
    }
}

fn wildcard(value: &str, pattern: &str) -> bool {
    let (value, pattern): (Vec<char>, Vec<char>) = (value.chars().collect(), pattern.chars().collect());
    let (mut v, mut p) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while v < value.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, v));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == value[v]) {
            p += 1;
            v += 1;
        } else if let Some((at, from)) = star {
            // The last star takes one character more.
            star = Some((at, from + 1));
            p = at + 1;
            v = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

const STUDY_ANSWER: [Tag; 10] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::STUDY_ID,
];
const SERIES_ANSWER: [Tag; 3] = [tags::MODALITY, tags::SERIES_DESCRIPTION, tags::SERIES_NUMBER];
const INSTANCE_ANSWER: [Tag; 6] = [
    tags::SOP_CLASS_UID,
    tags::INSTANCE_NUMBER,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::BITS_ALLOCATED,
];

fn choose(into: &mut InMemDicomObject, from: &InMemDicomObject, always: &[Tag], query: &Query) {
    let asked = |t: &Tag| query.include_all || query.include.contains(t) || query.keys.iter().any(|(k, _)| k == t);
    for element in from.iter() {
        let tag = element.header().tag;
        if always.contains(&tag) || asked(&tag) {
            into.put(element.clone());
        }
    }
}

fn study_json(study: &Study, base: &str, query: &Query) -> Value {
    let mut out = InMemDicomObject::new_empty();
    choose(&mut out, &study.attributes, &STUDY_ANSWER, query);
    let mut modalities: BTreeMap<String, ()> = BTreeMap::new();
    for series in &study.series {
        modalities.insert(text(&series.attributes, tags::MODALITY), ());
    }
    let instances: usize = study.series.iter().map(|s| s.instances.len()).sum();
    let modalities: Vec<String> = modalities.into_keys().collect();
    out.put(DataElement::new(tags::MODALITIES_IN_STUDY, VR::CS, PrimitiveValue::Strs(modalities.into())));
    text_into(&mut out, tags::STUDY_INSTANCE_UID, VR::UI, &study.uid);
    text_into(&mut out, tags::RETRIEVE_URL, VR::UR, &format!("{base}/studies/{}", study.uid));
    text_into(&mut out, tags::NUMBER_OF_STUDY_RELATED_SERIES, VR::IS, &study.series.len().to_string());
    text_into(&mut out, tags::NUMBER_OF_STUDY_RELATED_INSTANCES, VR::IS, &instances.to_string());
    metadata::json(&out)
}

fn series_json(study: &Study, series: &Series, base: &str, query: &Query) -> Value {
    let mut out = InMemDicomObject::new_empty();
    choose(&mut out, &study.attributes, &[tags::SPECIFIC_CHARACTER_SET], query);
    choose(&mut out, &series.attributes, &SERIES_ANSWER, query);
    text_into(&mut out, tags::STUDY_INSTANCE_UID, VR::UI, &study.uid);
    text_into(&mut out, tags::SERIES_INSTANCE_UID, VR::UI, &series.uid);
    text_into(&mut out, tags::RETRIEVE_URL, VR::UR, &format!("{base}/studies/{}/series/{}", study.uid, series.uid));
    text_into(&mut out, tags::NUMBER_OF_SERIES_RELATED_INSTANCES, VR::IS, &series.instances.len().to_string());
    metadata::json(&out)
}

fn instance_json(study: &Study, series: &Series, instance: &Instance, base: &str, query: &Query) -> Value {
    let mut out = InMemDicomObject::new_empty();
    choose(&mut out, &study.attributes, &[tags::SPECIFIC_CHARACTER_SET], query);
    choose(&mut out, &series.attributes, &[tags::MODALITY], query);
    choose(&mut out, &instance.attributes, &INSTANCE_ANSWER, query);
    text_into(&mut out, tags::STUDY_INSTANCE_UID, VR::UI, &study.uid);
    text_into(&mut out, tags::SERIES_INSTANCE_UID, VR::UI, &series.uid);
    text_into(&mut out, tags::SOP_INSTANCE_UID, VR::UI, &instance.uid);
    let url = format!("{base}/studies/{}/series/{}/instances/{}", study.uid, series.uid, instance.uid);
    text_into(&mut out, tags::RETRIEVE_URL, VR::UR, &url);
    metadata::json(&out)
}

fn text_into(object: &mut InMemDicomObject, tag: Tag, vr: VR, value: &str) {
    object.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
}
