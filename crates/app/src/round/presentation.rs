//! Presentation states as they cross to the others of a round: written, and read with everything checked that a viewer
//! could stumble over. Pure.
//!
//! ```text
//! konsil.show   all of it                       reliable
//! konsil.point  what has moved in one viewport  lossy, a thousand bytes at most
//! konsil.mark   one measurement                 reliable
//! ```
//!
//! Points are mm in the patient, in DICOM's own axes (LPS, PS3.3 C.7.6.2.1.1), or pixels of the frame where the image has
//! no geometry (`px`).

use contract::{
    Presentation, PresentedMark, PresentedPlane, PresentedPointer, PresentedShape, PresentedViewport, PresentedVoi,
    VoiFunction,
};
use serde_json::{Map, Value, json};

/// Viewports of a presentation at most.
const MOST_VIEWS: usize = 9;
/// How far a direction may be from a unit vector, and two of them from a right angle.
const UNIT: f64 = 1e-3;
/// The least and the greatest height of the visible field in mm.
const FIELD_MM: [f64; 2] = [1.0, 5_000.0];
/// As [`FIELD_MM`] in pixels: a whole slide is no larger than a million.
const FIELD_PX: [f64; 2] = [1.0, 1_000_000.0];
/// No point of a patient, or of an image in pixels, is farther from the origin.
const FARTHEST: f64 = 10_000_000.0;
/// Characters of a measurement's text, and of its id.
const LONGEST_TEXT: usize = 64;
/// Characters of a UID (PS3.5 9.1).
const LONGEST_UID: usize = 64;
/// Of a viewport.
const MOVING: [&str; 6] = ["i", "sop", "frame", "plane", "camera", "voi"];
const LAYOUTS: [&str; 4] = ["1x1", "1x2", "2x1", "2x2"];
/// The first viewport alone.
const ALONE: &str = "1x1";

/// The parts of a `konsil.show` that say what is shown.
pub(super) fn written(presentation: &Presentation) -> Map<String, Value> {
    let mut said = Map::new();
    said.insert("layout".to_owned(), json!(presentation.layout));
    said.insert("active".to_owned(), json!(presentation.active));
    let views = presentation.views.iter().map(|view| {
        let mut said = view_written(view);
        let on_it = |mark: &&PresentedMark| mark.instance == view.instance && mark.frame == view.frame;
        said["marks"] = presentation.marks.iter().filter(on_it).map(|mark| json!(mark.id)).collect();
        said
    });
    said.insert("views".to_owned(), views.collect());
    said.insert("pointer".to_owned(), presentation.pointer.as_ref().map_or(Value::Null, pointer_written));
    said
}

/// The parts of a `konsil.point` that lead from one state to another; none where that takes a `konsil.show`.
pub(super) fn moved(from: &Presentation, to: &Presentation) -> Option<Map<String, Value>> {
    let kind = |of: &Presentation| (of.layout.clone(), of.active, of.views.len());
    if kind(from) != kind(to) || from.marks != to.marks {
        return None;
    }
    let changed: Vec<_> = from.views.iter().zip(&to.views).filter(|(before, now)| before != now).collect();
    let place = match changed[..] {
        [] => to.pointer.or(from.pointer)?.place,
        [(before, now)] => {
            let still = PresentedViewport {
                instance: before.instance.clone(),
                frame: before.frame,
                plane: before.plane,
                center: before.center,
                height: before.height,
                voi: before.voi,
                ..now.clone()
            };
            // In pixels or in mm is another kind of state.
            if still != *before || before.plane.is_some() != now.plane.is_some() {
                return None;
            }
            now.place
        }
        [_, _, ..] => return None,
    };
    if to.pointer.is_some_and(|pointer| pointer.place != place) {
        return None;
    }
    // Everything that moves is in each of them: one that is lost takes nothing with it, and no pointer is drawn over
    // another image than the one it was on.
    let mut said = Map::new();
    if let Value::Object(mut whole) = view_written(to.views.iter().find(|view| view.place == place)?) {
        said.extend(MOVING.iter().filter_map(|key| whole.remove_entry(*key)));
    }
    said.insert("pointer".to_owned(), to.pointer.as_ref().map_or(Value::Null, |at| json!({"at": at.at})));
    Some(said)
}

fn view_written(view: &PresentedViewport) -> Value {
    let (series, part) =
        view.series.split_once('~').map_or((view.series.as_str(), None), |(uid, part)| (uid, Some(part)));
    let mut said = json!({
        "i": view.place, "study": view.study, "series": series, "sop": view.instance, "frame": view.frame,
        "voi": voi_written(view.voi), "invert": view.inverted, "flip": view.flipped, "rot": view.turns,
    });
    if let Some(part) = part.and_then(|part| part.parse::<u32>().ok()) {
        said["part"] = json!(part);
    }
    match &view.plane {
        Some(PresentedPlane { origin, row, column }) => {
            said["plane"] = json!({"origin": origin, "row": row, "col": column});
            said["camera"] = json!({"center": view.center, "height_mm": view.height});
        }
        None => {
            said["px"] = json!(true);
            said["camera"] = json!({"center": view.center, "height_px": view.height});
        }
    }
    said
}

fn voi_written(voi: PresentedVoi) -> Value {
    match voi {
        PresentedVoi::AsStored => json!({"fn": "STORED"}),
        PresentedVoi::Table { place } => json!({"fn": "TABLE", "place": place}),
        PresentedVoi::Window { center, width, function } => {
            let function = match function {
                VoiFunction::Linear => "LINEAR",
                VoiFunction::LinearExact => "LINEAR_EXACT",
                VoiFunction::Sigmoid => "SIGMOID",
            };
            json!({"fn": function, "center": center, "width": width})
        }
    }
}

fn pointer_written(pointer: &PresentedPointer) -> Value {
    json!({"i": pointer.place, "at": pointer.at})
}

/// What a `konsil.show` shows; none where it says nothing that could be shown. A viewport that is not sound is left out.
pub(super) fn read(said: &Value) -> Option<Presentation> {
    let views = said["views"].as_array().filter(|views| views.len() <= MOST_VIEWS)?;
    let mut views: Vec<_> = views.iter().filter_map(view_read).collect();
    views.sort_by_key(|view| view.place);
    views.dedup_by_key(|view| view.place);
    let (mut active, mut pointer) = (whole(&said["active"]).unwrap_or_default(), pointer_read(&said["pointer"]));
    let layout = said["layout"].as_str().filter(|layout| LAYOUTS.contains(layout)).unwrap_or_else(|| {
        // One that is not known here: what the presenter works in is shown alone.
        views.retain(|view| view.place == active);
        views.iter_mut().for_each(|view| view.place = 0);
        pointer = pointer.filter(|at| at.place == active).map(|at| PresentedPointer { place: 0, ..at });
        active = 0;
        ALONE
    });
    Some(Presentation { layout: layout.to_owned(), active, views, pointer, marks: Vec::new() })
}

/// A measurement as it is said.
pub(super) fn mark_written(mark: &PresentedMark, revision: u32) -> Map<String, Value> {
    let (kind, points) = match mark.shape {
        PresentedShape::Length { from, to } => ("length", vec![from, to]),
        PresentedShape::Probe { at } => ("probe", vec![at]),
    };
    let said = json!({
        "id": mark.id, "rev": revision, "sop": mark.instance, "frame": mark.frame, "kind": kind, "pts": points,
        "text": mark.text,
    });
    let Value::Object(said) = said else { return Map::new() };
    said
}

/// Whose measurement is gone, or the measurement, with its revision; none where it is neither.
pub(super) fn mark_read(said: &Value) -> Option<(String, u32, Option<PresentedMark>)> {
    let text = |said: &Value| {
        let text = said.as_str().filter(|text| text.chars().count() <= LONGEST_TEXT)?;
        (!text.chars().any(char::is_control)).then(|| text.to_owned())
    };
    let (id, revision) = (text(&said["id"])?, whole(&said["rev"])?);
    if said["del"] == true {
        return Some((id, revision, None));
    }
    let shape = match (said["kind"].as_str()?, said["pts"].as_array()?.as_slice()) {
        ("length", [from, to]) => PresentedShape::Length { from: point(from)?, to: point(to)? },
        ("probe", [at]) => PresentedShape::Probe { at: point(at)? },
        _ => return None,
    };
    let frame = whole(&said["frame"]).filter(|frame| *frame > 0)?;
    let mark = PresentedMark { id: id.clone(), instance: uid(&said["sop"])?, frame, shape, text: text(&said["text"])? };
    Some((id, revision, Some(mark)))
}

/// What a `konsil.point` makes of a state; none where it does not fit it or is not sound.
pub(super) fn moved_by(said: &Value, from: &Presentation) -> Option<Presentation> {
    let place = whole(&said["i"])?;
    let mut now = from.clone();
    if let Some(view) = now.views.iter_mut().find(|view| view.place == place) {
        if let Some(sop) = said.get("sop") {
            view.instance = uid(sop)?;
            view.frame = whole(&said["frame"]).filter(|frame| *frame > 0)?;
        }
        if let Some(plane) = said.get("plane") {
            view.plane = view.plane.and(Some(plane_read(plane)?));
        }
        if let Some(camera) = said.get("camera") {
            (view.center, view.height) = camera_read(camera, view.plane.is_none())?;
        }
        if let Some(voi) = said.get("voi") {
            view.voi = voi_read(voi)?;
        }
    }
    match said.get("pointer") {
        None => {}
        Some(Value::Null) => now.pointer = None,
        Some(pointer) => now.pointer = Some(PresentedPointer { place, at: point(&pointer["at"])? }),
    }
    Some(now)
}

fn view_read(said: &Value) -> Option<PresentedViewport> {
    let px = said["px"].as_bool().unwrap_or_default();
    let series = uid(&said["series"])?;
    let series = match said.get("part").map(whole) {
        None => series,
        Some(Some(part)) => format!("{series}~{part}"),
        Some(None) => return None,
    };
    let (center, height) = camera_read(&said["camera"], px)?;
    Some(PresentedViewport {
        place: whole(&said["i"])?,
        study: uid(&said["study"])?,
        series,
        instance: uid(&said["sop"])?,
        frame: whole(&said["frame"]).filter(|frame| *frame > 0)?,
        plane: if px { None } else { Some(plane_read(&said["plane"])?) },
        center,
        height,
        voi: voi_read(&said["voi"])?,
        inverted: said["invert"].as_bool().unwrap_or_default(),
        flipped: [said["flip"][0].as_bool().unwrap_or_default(), said["flip"][1].as_bool().unwrap_or_default()],
        turns: whole(&said["rot"]).unwrap_or_default() % 4,
    })
}

fn plane_read(said: &Value) -> Option<PresentedPlane> {
    let (row, column) = (point(&said["row"])?, point(&said["col"])?);
    let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let sound = [row, column].iter().all(|unit| (dot(*unit, *unit).sqrt() - 1.0).abs() <= UNIT)
        && dot(row, column).abs() <= UNIT;
    sound.then_some(PresentedPlane { origin: point(&said["origin"])?, row, column })
}

fn camera_read(said: &Value, px: bool) -> Option<([f64; 3], f64)> {
    let (name, [least, most]) = if px { ("height_px", FIELD_PX) } else { ("height_mm", FIELD_MM) };
    let height = said[name].as_f64().filter(|height| *height > 0.0)?;
    Some((point(&said["center"])?, height.clamp(least, most)))
}

fn voi_read(said: &Value) -> Option<PresentedVoi> {
    let function = match said["fn"].as_str()? {
        "STORED" => return Some(PresentedVoi::AsStored),
        "TABLE" => return Some(PresentedVoi::Table { place: whole(&said["place"])? }),
        "LINEAR" => VoiFunction::Linear,
        "LINEAR_EXACT" => VoiFunction::LinearExact,
        "SIGMOID" => VoiFunction::Sigmoid,
        _ => return None,
    };
    let width = said["width"].as_f64().filter(|width| *width > 0.0 && *width <= FARTHEST)?;
    let center = said["center"].as_f64().filter(|center| center.abs() <= FARTHEST)?;
    Some(PresentedVoi::Window { center, width, function })
}

fn pointer_read(said: &Value) -> Option<PresentedPointer> {
    Some(PresentedPointer { place: whole(&said["i"])?, at: point(&said["at"])? })
}

/// Three numbers that a viewer can calculate with. JSON has no others than finite ones.
fn point(said: &Value) -> Option<[f64; 3]> {
    let numbers = said.as_array().filter(|numbers| numbers.len() == 3)?;
    let mut point = [0.0; 3];
    for (number, said) in point.iter_mut().zip(numbers) {
        *number = said.as_f64().filter(|number| number.abs() <= FARTHEST)?;
    }
    Some(point)
}

fn whole(said: &Value) -> Option<u32> {
    said.as_u64().and_then(|number| u32::try_from(number).ok())
}

fn uid(said: &Value) -> Option<String> {
    let uid = said.as_str().filter(|uid| !uid.is_empty() && uid.len() <= LONGEST_UID)?;
    uid.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.').then(|| uid.to_owned())
}
