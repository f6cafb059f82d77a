//! `konsil inspect`: what files hold, ordered as patients, studies and series, and which are damaged.

use super::{Outcome, Refusal, WrongUse, json_line};
use crate::images::{WorkerError, WorkerPool};
use futures_util::{StreamExt, stream};
use imaging::{Instance, NotDisplayable, Note, Part10, PatientIdentity, ReadError, Stack, geometry};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
};

/// Files in work at a time: enough to keep every worker busy while others are read.
const FILES_AT_A_TIME: usize = 4;
/// Folders within folders that are followed.
const DEPTH: usize = 64;

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Lines,
}

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Damage {
    file: String,
    /// From 1; absent when the file as a whole is meant.
    frame: Option<u32>,
    kind: &'static str,
    reason: String,
}

/// What looking at one file gave.
enum Looked {
    Object(Box<Instance>, Vec<Damage>),
    /// The directory of a medium: it lists other files and is none of them.
    Directory,
    Unreadable(Damage),
}

pub(super) async fn run(
    paths: &[PathBuf],
    form: Form,
    workers: Option<&WorkerPool>,
    out: &mut dyn Write,
) -> Result<Outcome, Refusal> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, DEPTH, &mut files).map_err(|error| WrongUse::file(path, &error))?;
    }
    let count = files.len();
    let looked: Vec<Looked> =
        stream::iter(files).map(|file| look(file, workers)).buffered(FILES_AT_A_TIME).collect().await;
    let (mut instances, mut damage) = (Vec::new(), Vec::new());
    for file in looked {
        match file {
            Looked::Object(instance, found) => {
                instances.push(*instance);
                damage.extend(found);
            }
            Looked::Directory => {}
            Looked::Unreadable(found) => damage.push(found),
        }
    }
    let outcome = if damage.is_empty() { Outcome::Well } else { Outcome::Found };
    let answer = json!({
        "files": count,
        "objects": instances.len(),
        "decoded": workers.is_some(),
        "patients": patients(instances),
        "damage": damage.iter().map(damage_value).collect::<Vec<_>>(),
    });
    match form {
        Form::Json => json_line(out, &answer)?,
        Form::Lines => lines(&answer, out)?,
    }
    Ok(outcome)
}

/// Files below a path in the order of their names; links are not followed, so that no folder leads back to itself.
fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !std::fs::metadata(path)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<_> = std::fs::read_dir(path)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        if kind.is_dir() && depth > 0 {
            collect(&entry.path(), depth - 1, files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

async fn look(file: PathBuf, workers: Option<&WorkerPool>) -> Looked {
    let name = file.display().to_string();
    let damage = |frame, kind, reason: String| Damage { file: name.clone(), frame, kind, reason };
    let bytes = match tokio::fs::read(&file).await {
        Ok(bytes) => bytes,
        Err(error) => return Looked::Unreadable(damage(None, "unreadable", error.to_string())),
    };
    let part10 = match Part10::open(&bytes) {
        Ok(part10) => part10,
        Err(ReadError::Directory) => return Looked::Directory,
        Err(error) => return Looked::Unreadable(damage(None, kind_of_read(&error), error.to_string())),
    };
    let mut found = Vec::new();
    let instance = part10.instance();
    if instance.frames.iter().any(|facts| facts.modality_unknown) {
        found.push(damage(None, "damaged", "the Modality LUT Sequence cannot be read".to_owned()));
    }
    if let (Some(workers), Ok(image)) = (workers, instance.displayable()) {
        for frame in 0..instance.number_of_frames {
            let number = Some(frame + 1);
            let encoded = match part10.frame(frame as usize) {
                Ok(encoded) => encoded,
                Err(error) => {
                    found.push(damage(number, kind_of_frame(&part10), error.to_string()));
                    // Behind a cut every frame is missing; one line says it.
                    break;
                }
            };
            if let Err(error) = workers.decode_raw(image, part10.transfer_syntax(), &encoded).await {
                found.push(damage(number, kind_of_worker(&error), error.to_string()));
            }
        }
    } else if part10.is_cut() {
        found.push(damage(None, "truncated", "the file ends within the pixels".to_owned()));
    }
    Looked::Object(Box::new(part10.into_instance()), found)
}

pub(super) const fn kind_of_read(error: &ReadError) -> &'static str {
    match error {
        ReadError::Empty => "empty",
        ReadError::NotDicom | ReadError::Json => "not-dicom",
        ReadError::Directory => "directory",
        ReadError::Truncated { .. } => "truncated",
        ReadError::Structure { .. } | ReadError::Nested | ReadError::Inflate | ReadError::Identifier { .. } => {
            "damaged"
        }
    }
}

pub(super) fn kind_of_frame(part10: &Part10<'_>) -> &'static str {
    if part10.is_cut() { "truncated" } else { "damaged" }
}

pub(super) const fn kind_of_worker(error: &WorkerError) -> &'static str {
    match error {
        WorkerError::Truncated => "truncated",
        WorkerError::Unsupported(_) => "unsupported",
        WorkerError::Damaged(_) => "damaged",
        WorkerError::Stopped(_) => "stopped",
    }
}

fn damage_value(damage: &Damage) -> Value {
    json!({"file": damage.file, "frame": damage.frame, "kind": damage.kind, "reason": damage.reason})
}

/// Patients by what the objects say of them, each with studies and series.
fn patients(instances: Vec<Instance>) -> Vec<Value> {
    type Studies = BTreeMap<String, BTreeMap<String, Vec<Instance>>>;
    let mut found: BTreeMap<[String; 5], Studies> = BTreeMap::new();
    for instance in instances {
        let studies = found.entry(told(&instance.patient)).or_default();
        let series = studies.entry(instance.study.as_str().to_owned()).or_default();
        series.entry(instance.series.as_str().to_owned()).or_default().push(instance);
    }
    let patient = |([id, issuer, name, birth_date, sex], studies): ([String; 5], Studies)| {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        json!({
            "id": id,
            "issuer": some(issuer),
            "name": name,
            "birthDate": some(birth_date),
            "sex": some(sex),
            "studies": studies.into_iter().map(|(uid, series)| study(&uid, series)).collect::<Vec<_>>(),
        })
    };
    found.into_iter().map(patient).collect()
}

fn told(patient: &PatientIdentity) -> [String; 5] {
    let open =
        |value: &Option<model::Phi<String>>| value.as_ref().map(|value| value.reveal().clone()).unwrap_or_default();
    [
        patient.id.reveal().clone(),
        open(&patient.issuer),
        patient.name.reveal().clone(),
        open(&patient.birth_date),
        patient.sex.clone().unwrap_or_default(),
    ]
}

fn study(uid: &str, series: BTreeMap<String, Vec<Instance>>) -> Value {
    let first = series.values().flatten().next();
    let mut of_study = json!({
        "study": uid,
        "description": first.and_then(|instance| instance.study_description.clone()),
        "date": first.and_then(|instance| instance.study_date.clone()),
        "time": first.and_then(|instance| instance.study_time.clone()),
        "institution": first.and_then(|instance| instance.institution.clone()),
        "accessionNumber": first.and_then(|instance| instance.accession_number.clone()),
    });
    let mut listed: Vec<(Option<i32>, Value)> = series
        .into_iter()
        .map(|(uid, instances)| {
            let number = instances.first().and_then(|instance| instance.series_number);
            (number, series_value(&uid, instances))
        })
        .collect();
    listed.sort_by_key(|(number, _)| *number);
    of_study["series"] = listed.into_iter().map(|(_, series)| series).collect();
    of_study
}

fn series_value(uid: &str, instances: Vec<Instance>) -> Value {
    let syntaxes: BTreeSet<String> = instances.iter().filter_map(|instance| instance.transfer_syntax.clone()).collect();
    let classes: BTreeSet<String> = instances.iter().map(|instance| instance.sop_class.clone()).collect();
    let reasons: BTreeSet<&'static str> =
        instances.iter().filter_map(|instance| instance.displayable().err()).map(reason_word).collect();
    let first = instances.first();
    let mut of_series = json!({
        "series": uid,
        "number": first.and_then(|instance| instance.series_number),
        "modality": first.map(|instance| instance.modality.clone()),
        "description": first.and_then(|instance| instance.series_description.clone()),
        "bodyPart": first.and_then(|instance| instance.body_part.clone()),
        "frameOfReference": first.and_then(|instance| instance.frame_of_reference.clone()),
        "instances": instances.len(),
        "transferSyntaxes": syntaxes,
        "sopClasses": classes,
        "withoutPicture": reasons,
    });
    let stack = Stack::of(instances);
    of_series["frames"] = stack.frames.len().into();
    of_series["geometry"] = geometry_value(&stack);
    of_series["notes"] = stack.notes.iter().map(note_value).collect();
    of_series
}

/// Size, spacing and place of a stack; the values of its first frame where frames differ, which the notes then say.
fn geometry_value(stack: &Stack) -> Value {
    let (Some(instance), Some(facts), Some(place)) = (stack.instance(0), stack.facts(0), stack.frames.first()) else {
        return Value::Null;
    };
    let spacing = instance.spacing(place.frame);
    let last = stack.frames.len() - 1;
    json!({
        "rows": instance.image.as_ref().map(|image| image.rows),
        "columns": instance.image.as_ref().map(|image| image.columns),
        "photometric": instance.image.as_ref().map(|image| image.photometric.term()),
        "bitsStored": instance.image.as_ref().map(|image| image.bits_stored),
        "signed": instance.image.as_ref().map(|image| image.signed),
        "rowSpacing": spacing.map(|spacing| spacing.between_rows),
        "columnSpacing": spacing.map(|spacing| spacing.between_columns),
        "calibration": spacing.map(|spacing| calibration_word(spacing.calibration)),
        "orientation": facts.orientation,
        "letters": facts.orientation.as_ref().map(geometry::edge_letters),
        "firstPosition": facts.position,
        "lastPosition": stack.facts(last).and_then(|facts| facts.position),
        "sliceThickness": facts.slice_thickness,
        "planeDistance": stack.volume.map(|volume| volume.plane_distance),
        "volume": stack.volume.is_some(),
    })
}

const fn calibration_word(calibration: geometry::Calibration) -> &'static str {
    match calibration {
        geometry::Calibration::Patient => "patient",
        geometry::Calibration::Calibrated => "calibrated",
        geometry::Calibration::Detector => "detector",
    }
}

fn note_value(note: &Note) -> Value {
    match note {
        Note::Gap { after, distance, usual } => {
            json!({"note": note.key(), "after": after + 1, "distance": distance, "usual": usual})
        }
        Note::DuplicatePosition { first } => json!({"note": note.key(), "first": first + 1}),
        Note::UnevenDistances
        | Note::MixedOrientation
        | Note::MixedSpacing
        | Note::MixedSize
        | Note::Sheared
        | Note::NoGeometry
        | Note::MixedFrameOfReference => json!({"note": note.key()}),
    }
}

const fn reason_word(reason: NotDisplayable) -> &'static str {
    match reason {
        NotDisplayable::StructuredReport => "structured-report",
        NotDisplayable::KeyObjects => "key-objects",
        NotDisplayable::Segmentation => "segmentation",
        NotDisplayable::RealWorldValues => "real-world-values",
        NotDisplayable::Document => "document",
        NotDisplayable::Waveform => "waveform",
        NotDisplayable::PresentationState => "presentation-state",
        NotDisplayable::Radiotherapy => "radiotherapy",
        NotDisplayable::Registration => "registration",
        NotDisplayable::RawData => "raw-data",
        NotDisplayable::Video => "video",
        NotDisplayable::FloatingPoint => "floating-point",
        NotDisplayable::NoPixels => "no-pixels",
    }
}

/// The same answer for reading; names from files reach a terminal, so control characters do not.
fn lines(answer: &Value, out: &mut dyn Write) -> std::io::Result<()> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.chars().map(|c| if c.is_control() { '·' } else { c }).collect(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    for patient in list(&answer["patients"]) {
        writeln!(out, "{}  {}  {}", text(&patient["name"]), text(&patient["birthDate"]), text(&patient["id"]))?;
        for study in list(&patient["studies"]) {
            writeln!(out, "  {}  {}  {}", text(&study["date"]), text(&study["description"]), text(&study["study"]))?;
            for series in list(&study["series"]) {
                let (geometry, notes) = (&series["geometry"], list(&series["notes"]));
                let notes: Vec<String> = notes.iter().map(|note| text(&note["note"])).collect();
                writeln!(
                    out,
                    "    {} {}  {}  {} frames  {} × {}  {} mm  planes {} mm  {}",
                    text(&series["number"]),
                    text(&series["modality"]),
                    text(&series["description"]),
                    text(&series["frames"]),
                    text(&geometry["columns"]),
                    text(&geometry["rows"]),
                    text(&geometry["rowSpacing"]),
                    text(&geometry["planeDistance"]),
                    notes.join(", "),
                )?;
            }
        }
    }
    for damage in list(&answer["damage"]) {
        let frame = damage["frame"].as_u64().map(|frame| format!(", frame {frame}")).unwrap_or_default();
        writeln!(out, "{}{frame}: {}", text(&damage["file"]), text(&damage["reason"]))?;
    }
    writeln!(out, "{} files, {} objects", text(&answer["files"]), text(&answer["objects"]))
}

#[cfg(test)]
mod tests {
    use super::{Form, run};
    use crate::door::Outcome;
    use serde_json::Value;

    /// An object of implicit little endian from its elements (PS3.5 7.1.3), without preamble.
    fn object(elements: &[(u16, u16, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (group, element, value) in elements {
            bytes.extend(group.to_le_bytes());
            bytes.extend(element.to_le_bytes());
            bytes.extend(u32::try_from(value.len()).expect("small values").to_le_bytes());
            bytes.extend(*value);
        }
        bytes
    }

    fn slice(number: &str, position: &str) -> Vec<u8> {
        object(&[
            (0x0008, 0x0016, b"1.2.840.10008.5.1.4.1.1.2\0"),
            (0x0008, 0x0018, format!("1.2.3.{number}\0").as_bytes()),
            (0x0008, 0x0060, b"CT"),
            (0x0010, 0x0010, b"Nobody^Nils "),
            (0x0010, 0x0020, b"N1"),
            (0x0020, 0x000D, b"1.2.3\0"),
            (0x0020, 0x000E, b"1.2.3.9\0"),
            (0x0020, 0x0013, number.as_bytes()),
            (0x0020, 0x0032, position.as_bytes()),
            (0x0020, 0x0037, b"1\\0\\0\\0\\1\\0 "),
            (0x0028, 0x0002, &[1, 0]),
            (0x0028, 0x0004, b"MONOCHROME2 "),
            (0x0028, 0x0010, &[2, 0]),
            (0x0028, 0x0011, &[2, 0]),
            (0x0028, 0x0030, b"0.5\\0.5 "),
            (0x0028, 0x0100, &[8, 0]),
            (0x0028, 0x0101, &[8, 0]),
            (0x0028, 0x0102, &[7, 0]),
            (0x0028, 0x0103, &[0, 0]),
            (0x7FE0, 0x0010, &[1, 2, 3, 4]),
        ])
    }

    #[tokio::test]
    async fn a_folder_is_told_by_patient_study_and_series_and_its_damage_by_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).expect("a folder");
        let write = |name: &str, bytes: &[u8]| std::fs::write(inner.join(name), bytes).expect("a file");
        write("a", &slice("10", "0\\0\\3 "));
        write("b", &slice("11", "0\\0\\0 "));
        write("c", &slice("12", "0\\0\\6 "));
        write("empty", b"");
        write("letter.txt", b"Dear colleague, this is no image.");
        let mut out = Vec::new();
        let outcome = run(&[folder.path().to_owned()], Form::Json, None, &mut out).await.expect("the folder is there");
        assert_eq!(outcome, Outcome::Found, "two files are no objects");
        let answer: Value = serde_json::from_slice(&out).expect("one JSON object");
        assert_eq!((&answer["files"], &answer["objects"]), (&5.into(), &3.into()), "files and objects");
        let patient = &answer["patients"][0];
        assert_eq!(patient["name"], "Nobody^Nils", "the name as the files write it");
        let series = &patient["studies"][0]["series"][0];
        assert_eq!(series["frames"], 3, "frames of the stack");
        assert_eq!(series["transferSyntaxes"], serde_json::json!(["1.2.840.10008.1.2"]), "implicit little endian");
        let geometry = &series["geometry"];
        assert_eq!(geometry["planeDistance"], 3.0, "distance of positions");
        assert_eq!(geometry["letters"], serde_json::json!(["R", "L", "A", "P"]), "an axial image of a supine patient");
        assert_eq!(geometry["firstPosition"], serde_json::json!([0.0, 0.0, 0.0]), "ordered by position, not by number");
        let kinds: Vec<_> = answer["damage"].as_array().expect("a list").iter().map(|d| d["kind"].clone()).collect();
        assert_eq!(kinds, ["empty", "not-dicom"], "what is wrong with the other two");
    }
}
