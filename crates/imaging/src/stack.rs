//! Frames of a series in the order in which they lie in the patient, and what is odd about them.

use crate::geometry::{ORIENTATION_TOLERANCE, Vec3, dot, norm, normal, same_orientation, subtract};
use crate::image::Photometric;
use crate::instance::{FrameFacts, Instance};
use std::collections::{BTreeMap, BTreeSet};

/// One frame's place in a [`Stack`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StackFrame {
    /// Index into [`Stack::instances`].
    pub instance: usize,
    /// Frame within the instance, from 0. (DICOM counts from 1.)
    pub frame: usize,
    /// Millimeters in the direction of reading; `None` without geometry.
    pub along: Option<f64>,
}

/// Frames that are parallel planes at equal distances, one straight behind the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Volume {
    /// Distance of neighboring planes in mm, from the positions and not from Slice Thickness.
    pub plane_distance: f64,
    /// The common orientation.
    pub orientation: [f64; 6],
}

/// What a reader should know about a stack.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// A plane is missing: the distance behind frame `after` (from 0, in stack order) is larger than
    /// usual.
    Gap {
        /// The last frame before the gap.
        after: usize,
        /// Distance found, in mm.
        distance: f64,
        /// Distance of most planes, in mm.
        usual: f64,
    },
    /// Planes at changing distances that are no gap of whole planes.
    UnevenDistances,
    /// Frames of several orientations, such as a localizer's.
    MixedOrientation,
    /// Frames of several pixel spacings.
    MixedSpacing,
    /// Frames of several sizes or kinds of pixels: [`split`] takes them apart.
    MixedSize,
    /// Several frames at one position: phases, echoes, or the same image twice. The position is that
    /// of frame `first`.
    DuplicatePosition {
        /// The first of the frames at this position.
        first: usize,
    },
    /// Planes are not straight behind each other (gantry tilt).
    Sheared,
    /// Frames without position or orientation; ordered by instance number.
    NoGeometry,
    /// Several frames of reference: positions cannot be compared.
    MixedFrameOfReference,
}

impl Note {
    /// The key that the page has words for.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Gap { .. } => "gap",
            Self::UnevenDistances => "uneven-distances",
            Self::MixedOrientation => "mixed-orientation",
            Self::MixedSpacing => "mixed-spacing",
            Self::MixedSize => "mixed-size",
            Self::DuplicatePosition { .. } => "duplicate-position",
            Self::Sheared => "sheared",
            Self::NoGeometry => "no-geometry",
            Self::MixedFrameOfReference => "mixed-frame-of-reference",
        }
    }
}

/// A series as a reader scrolls through it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// The displayable instances, in the order given.
    pub instances: Vec<Instance>,
    /// Frames in order: by orientation (the one of the lowest instance number first), by position
    /// in the direction in which the instance numbers grow (without such a direction: axial from the head to
    /// the feet), then by instance number and frame.
    pub frames: Vec<StackFrame>,
    /// Whether the frames make up a volume.
    pub volume: Option<Volume>,
    /// What is odd about it.
    pub notes: Vec<Note>,
}

/// Positions closer than this, in mm, are one position.
const SAME_POSITION: f64 = 1e-3;

/// Distances that differ by less than this share are equal: positions are rounded to tenths of a
/// millimeter by some scanners.
const EQUAL_DISTANCES: f64 = 0.02;

/// The same as an absolute bound, in mm.
const EQUAL_DISTANCES_MM: f64 = 0.01;

impl Stack {
    /// Orders the frames of `instances`. Instances that hold no picture are left out, and a SOP
    /// instance that appears twice counts once.
    #[must_use]
    pub fn of(instances: Vec<Instance>) -> Self {
        let instances: Vec<Instance> = displayable_once(instances).collect();
        let mut by_number: Vec<StackFrame> = instances
            .iter()
            .enumerate()
            .flat_map(|(instance, i)| (0..i.frames.len()).map(move |frame| StackFrame { instance, frame, along: None }))
            .collect();
        by_number.sort_by_key(|f| number_key(&instances, f));

        let orientations = orientations(&instances, &by_number);
        for frame in &mut by_number {
            frame.along = along(facts(&instances, frame));
        }
        for orientation in &orientations {
            let same = |f: &&mut StackFrame| {
                facts(&instances, f).orientation.is_some_and(|found| same_orientation(orientation, &found))
            };
            let mut group: Vec<&mut StackFrame> = by_number.iter_mut().filter(same).collect();
            if read_backward(orientation, &group) {
                for frame in &mut group {
                    frame.along = frame.along.map(|along| -along);
                }
            }
        }
        let mut frames = by_number;
        let rank = |f: &StackFrame| {
            let orientation = facts(&instances, f).orientation.filter(|_| f.along.is_some());
            orientation.and_then(|o| orientations.iter().position(|known| same_orientation(known, &o)))
        };
        // Frames without geometry follow those that have it; the number decides between frames at one
        // position.
        frames.sort_by_cached_key(|f| {
            let position = f.along.map_or(0, in_steps);
            (rank(f).unwrap_or(usize::MAX), position, number_key(&instances, f))
        });

        let mut notes = kind_notes(&instances, &frames, orientations.len());
        let volume = if notes.is_empty() && frames.len() > 1 {
            planes(&instances, &frames, &mut notes)
        } else {
            position_notes(&instances, &frames, &mut notes);
            None
        };
        Self { instances, frames, volume, notes }
    }

    /// The instance of the frame at `index`.
    #[must_use]
    pub fn instance(&self, index: usize) -> Option<&Instance> {
        self.instances.get(self.frames.get(index)?.instance)
    }

    /// What holds for the frame at `index`.
    #[must_use]
    pub fn facts(&self, index: usize) -> Option<&FrameFacts> {
        self.frames.get(index).map(|frame| facts(&self.instances, frame))
    }
}

/// Instances in parts of one size and kind of pixels each, so that each part makes a [`Stack`] whose frames lie in
/// one texture: a chest in two directions in one series, or a localizer with the slices it was planned for. The part
/// with the lowest instance number comes first, of two with the same number always the same one. Instances that hold
/// no picture are left out.
#[must_use]
pub fn split(instances: Vec<Instance>) -> Vec<Vec<Instance>> {
    let mut parts: BTreeMap<Option<Pixels>, Vec<Instance>> = BTreeMap::new();
    for instance in displayable_once(instances) {
        parts.entry(pixels(&instance)).or_default().push(instance);
    }
    let mut parts: Vec<Vec<Instance>> = parts.into_values().collect();
    parts.sort_by_key(|part| part.iter().map(|i| i.instance_number.unwrap_or(i32::MAX)).min());
    parts
}

fn displayable_once(instances: Vec<Instance>) -> impl Iterator<Item = Instance> {
    let mut seen = BTreeSet::new();
    instances.into_iter().filter(move |i| i.is_displayable() && seen.insert(i.sop_instance.clone()))
}

/// Columns, rows, samples, bits allocated, sign, and whether a palette makes colors of gray samples.
type Pixels = (u16, u16, u16, u16, bool, bool);

fn pixels(instance: &Instance) -> Option<Pixels> {
    let image = instance.image.as_ref()?;
    let palette = image.photometric == Photometric::PaletteColor;
    Some((image.columns, image.rows, image.samples_per_pixel, image.bits_allocated, image.signed, palette))
}

fn facts<'a>(instances: &'a [Instance], frame: &StackFrame) -> &'a FrameFacts {
    &instances[frame.instance].frames[frame.frame]
}

/// A position in whole steps of [`SAME_POSITION`], so that the order is total.
fn in_steps(along: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "the conversion saturates")]
    {
        (along / SAME_POSITION).round() as i64
    }
}

fn number_key(instances: &[Instance], frame: &StackFrame) -> (i32, i32, usize, usize) {
    let instance = &instances[frame.instance];
    (
        instance.instance_number.unwrap_or(i32::MAX),
        instance.acquisition_number.unwrap_or(i32::MAX),
        frame.instance,
        frame.frame,
    )
}

/// The orientations that occur, in order of appearance.
fn orientations(instances: &[Instance], frames: &[StackFrame]) -> Vec<[f64; 6]> {
    let mut known: Vec<[f64; 6]> = Vec::new();
    for frame in frames {
        let facts = facts(instances, frame);
        if let Some(orientation) = facts.orientation
            && facts.position.is_some()
            && normal(&orientation).is_some()
            && !known.iter().any(|k| same_orientation(k, &orientation))
        {
            known.push(orientation);
        }
    }
    known
}

fn along(facts: &FrameFacts) -> Option<f64> {
    Some(dot(facts.position?, normal(&facts.orientation?)?))
}

/// Whether frames, given by instance number, are read against their normal: when the numbers fall along
/// it. Where the numbers tell no direction, axial planes are read from the head to the feet.
fn read_backward(orientation: &[f64; 6], by_number: &[&mut StackFrame]) -> bool {
    let positions: Vec<f64> = by_number.iter().filter_map(|frame| frame.along).collect();
    #[expect(clippy::cast_precision_loss, reason = "a stack has far fewer than 2^52 frames")]
    let count = positions.len() as f64;
    let mean = positions.iter().sum::<f64>() / count.max(1.0);
    let mut index = -(count - 1.0) / 2.0;
    let mut covariance = 0.0;
    for position in &positions {
        covariance += index * (position - mean);
        index += 1.0;
    }
    if covariance.abs() > SAME_POSITION {
        return covariance < 0.0;
    }
    normal(orientation).is_some_and(|[x, y, z]| z >= x.abs() && z >= y.abs())
}

/// Notes on what keeps frames from being compared at all.
fn kind_notes(instances: &[Instance], frames: &[StackFrame], orientations: usize) -> Vec<Note> {
    let mut notes = Vec::new();
    if frames.iter().any(|f| f.along.is_none()) {
        notes.push(Note::NoGeometry);
    }
    if orientations > 1 {
        notes.push(Note::MixedOrientation);
    }
    let differ = |same: fn(&Instance, usize, &Instance, usize) -> bool| {
        frames
            .windows(2)
            .any(|pair| !same(&instances[pair[0].instance], pair[0].frame, &instances[pair[1].instance], pair[1].frame))
    };
    if differ(|a, i, b, j| same_spacing(a.frames[i].pixel_spacing, b.frames[j].pixel_spacing)) {
        notes.push(Note::MixedSpacing);
    }
    if differ(|a, _, b, _| pixels(a) == pixels(b)) {
        notes.push(Note::MixedSize);
    }
    if differ(|a, _, b, _| a.frame_of_reference == b.frame_of_reference) {
        notes.push(Note::MixedFrameOfReference);
    }
    notes
}

fn same_spacing(a: Option<[f64; 2]>, b: Option<[f64; 2]>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-4 * a.abs().max(b.abs())),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn distances(frames: &[StackFrame]) -> Vec<f64> {
    frames
        .windows(2)
        .map(|pair| match (pair[0].along, pair[1].along) {
            (Some(a), Some(b)) => b - a,
            (Some(_) | None, None) | (None, Some(_)) => f64::NAN,
        })
        .collect()
}

/// Duplicates and gaps of the frames of one orientation; a volume if there are none.
fn planes(instances: &[Instance], frames: &[StackFrame], notes: &mut Vec<Note>) -> Option<Volume> {
    position_notes(instances, frames, notes);
    if !notes.is_empty() {
        return None;
    }
    let first = facts(instances, frames.first()?);
    let orientation = first.orientation?;
    let direction = normal(&orientation)?;
    let plane_distance = mean_distance(frames)?;
    // The step from the first to the last plane must run along the normal, or straight lines through
    // the stack would be oblique in the patient.
    let start: Vec3 = first.position?;
    let sideways = frames.iter().filter_map(|f| facts(instances, f).position).any(|position| {
        let offset = subtract(position, start);
        let along = dot(offset, direction);
        let across = norm(std::array::from_fn(|i| offset[i] - along * direction[i]));
        across > ORIENTATION_TOLERANCE * along.abs() + 0.05
    });
    if sideways {
        notes.push(Note::Sheared);
        return None;
    }
    Some(Volume { plane_distance, orientation })
}

fn mean_distance(frames: &[StackFrame]) -> Option<f64> {
    let first = frames.first()?.along?;
    let last = frames.last()?.along?;
    #[expect(clippy::cast_precision_loss, reason = "a stack has far fewer than 2^52 frames")]
    let steps = (frames.len() - 1) as f64;
    (steps > 0.0).then(|| (last - first) / steps)
}

fn position_notes(instances: &[Instance], frames: &[StackFrame], notes: &mut Vec<Note>) {
    let same_plane = |pair: &[StackFrame]| {
        let orientation = |f| facts(instances, f).orientation;
        match (orientation(&pair[0]), orientation(&pair[1])) {
            (Some(a), Some(b)) => same_orientation(&a, &b),
            (Some(_) | None, None) | (None, Some(_)) => false,
        }
    };
    let distances = distances(frames);
    let within: Vec<(usize, f64)> = distances
        .iter()
        .enumerate()
        .filter(|&(i, d)| d.is_finite() && frames.get(i..i + 2).is_some_and(same_plane))
        .map(|(i, &d)| (i, d))
        .collect();
    let mut duplicate_before = false;
    for &(i, distance) in &within {
        let duplicate = distance.abs() <= SAME_POSITION;
        if duplicate && !duplicate_before {
            notes.push(Note::DuplicatePosition { first: i });
        }
        duplicate_before = duplicate;
    }
    // Gaps are looked for where there is one run of planes.
    if notes.iter().any(|n| matches!(n, Note::MixedOrientation | Note::NoGeometry | Note::MixedFrameOfReference)) {
        return;
    }
    let mut sorted: Vec<f64> = within.iter().map(|&(_, d)| d).filter(|&d| d > SAME_POSITION).collect();
    if sorted.len() < 2 {
        return;
    }
    sorted.sort_by(f64::total_cmp);
    let usual = sorted[sorted.len() / 2];
    let bound = (usual * EQUAL_DISTANCES).max(EQUAL_DISTANCES_MM);
    let mut uneven = false;
    for &(after, distance) in within.iter().filter(|&&(_, d)| d > SAME_POSITION) {
        if (distance - usual).abs() <= bound {
            continue;
        }
        if distance > 1.5 * usual {
            notes.push(Note::Gap { after, distance, usual });
        } else {
            uneven = true;
        }
    }
    if uneven {
        notes.push(Note::UnevenDistances);
    }
}

#[cfg(test)]
mod tests {
    use super::{Note, Stack, split};
    use crate::image::{ImageDescription, Photometric};
    use crate::instance::{FrameFacts, Instance, PatientIdentity};
    use model::{SeriesUid, SopInstanceUid, StudyUid};
    use std::sync::Arc;

    const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    const SAGITTAL: [f64; 6] = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0];

    fn instance(number: i32, frames: Vec<FrameFacts>) -> Instance {
        Instance {
            study: StudyUid::parse("1.2.3").expect("a UID"),
            series: SeriesUid::parse("1.2.3.4").expect("a UID"),
            sop_instance: SopInstanceUid::parse(&format!("1.2.3.4.{number}")).expect("a UID"),
            sop_class: "1.2.840.10008.5.1.4.1.1.2".to_owned(),
            modality: "CT".to_owned(),
            transfer_syntax: None,
            patient: PatientIdentity::default(),
            study_description: None,
            series_description: None,
            study_date: None,
            study_time: None,
            series_date: None,
            series_time: None,
            acquisition_date: None,
            acquisition_time: None,
            institution: None,
            accession_number: None,
            body_part: None,
            series_number: None,
            acquisition_number: None,
            instance_number: Some(number),
            number_of_frames: u32::try_from(frames.len()).expect("few frames"),
            frame_of_reference: Some("1.2.9".to_owned()),
            presentation: None,
            image: Some(ImageDescription {
                rows: 4,
                columns: 4,
                samples_per_pixel: 1,
                bits_allocated: 16,
                bits_stored: 12,
                high_bit: 11,
                signed: false,
                photometric: Photometric::Monochrome2,
                planar: false,
                padding: None,
                lossy: false,
                lossy_ratio: None,
                palette: None,
            }),
            frames: frames.into_iter().map(Arc::new).collect(),
        }
    }

    fn at(position: [f64; 3], orientation: [f64; 6]) -> FrameFacts {
        FrameFacts {
            position: Some(position),
            orientation: Some(orientation),
            pixel_spacing: Some([1.0, 1.0]),
            ..FrameFacts::default()
        }
    }

    fn axial(number: i32, z: f64) -> Instance {
        instance(number, vec![at([0.0, 0.0, z], AXIAL)])
    }

    fn numbers(stack: &Stack) -> Vec<i32> {
        (0..stack.frames.len()).filter_map(|i| stack.instance(i)?.instance_number).collect()
    }

    #[test]
    fn frames_follow_their_position_and_not_their_number() {
        let stack = Stack::of(vec![axial(1, 10.0), axial(2, 5.0), axial(3, 0.0), axial(4, 7.5), axial(5, 2.5)]);
        assert_eq!(numbers(&stack), [1, 4, 2, 5, 3], "against the normal, as the numbers fall along it");
        assert_eq!(stack.volume.map(|v| v.plane_distance), Some(2.5), "equal distances");
        assert_eq!(stack.notes, [], "nothing odd");
    }

    #[test]
    fn a_missing_plane_is_found_where_it_is() {
        let stack = Stack::of((0..6).filter(|&n| n != 3).map(|n| axial(n, f64::from(n) * 3.0)).collect());
        assert_eq!(stack.notes, [Note::Gap { after: 2, distance: 6.0, usual: 3.0 }], "between 6 mm and 12 mm");
        assert_eq!(stack.volume, None, "a volume would be wrong behind the gap");
    }

    #[test]
    fn a_localizer_is_sorted_by_orientation() {
        let sagittal = |number, x| instance(number, vec![at([x, 0.0, 0.0], SAGITTAL)]);
        let stack = Stack::of(vec![axial(1, 5.0), sagittal(3, 4.0), axial(2, 0.0), sagittal(4, 8.0)]);
        assert_eq!(stack.notes.iter().map(Note::key).collect::<Vec<_>>(), ["mixed-orientation"], "said");
        assert_eq!(numbers(&stack), [1, 2, 3, 4], "each orientation in the direction of its numbers");
    }

    #[test]
    fn a_tilted_gantry_makes_no_volume() {
        let tilted = |n: i32| instance(n, vec![at([0.0, f64::from(n), f64::from(n) * 5.0], AXIAL)]);
        let stack = Stack::of((0..5).map(tilted).collect());
        assert_eq!((stack.notes, stack.volume), (vec![Note::Sheared], None), "planes are shifted against each other");
    }

    #[test]
    fn two_phases_share_positions() {
        let stack = Stack::of(vec![axial(1, 0.0), axial(2, 5.0), axial(3, 0.0), axial(4, 5.0)]);
        assert_eq!(numbers(&stack), [1, 3, 2, 4], "by number within a position");
        assert_eq!(
            stack.notes,
            [Note::DuplicatePosition { first: 0 }, Note::DuplicatePosition { first: 2 }],
            "both positions"
        );
    }

    #[test]
    fn frames_of_one_instance_are_sorted_too() {
        let stack = Stack::of(vec![instance(1, [4.0, 0.0, 2.0].map(|z| at([0.0, 0.0, z], AXIAL)).to_vec())]);
        assert_eq!(stack.frames.iter().map(|f| f.frame).collect::<Vec<_>>(), [0, 2, 1], "enhanced multi-frame");
        assert!(stack.volume.is_some(), "three planes");
    }

    #[test]
    fn images_of_several_sizes_and_kinds_of_pixels_make_a_stack_each() {
        let with = |number: i32, change: fn(&mut ImageDescription)| {
            let mut made = axial(number, f64::from(number));
            change(made.image.as_mut().expect("an image"));
            made
        };
        let wide = |number| with(number, |image| image.columns = 8);
        let kinds: [fn(&mut ImageDescription); 5] = [
            |image| image.rows = 8,
            |image| image.bits_allocated = 8,
            |image| image.signed = true,
            |image| image.photometric = Photometric::PaletteColor,
            |image| (image.samples_per_pixel, image.photometric) = (3, Photometric::Rgb),
        ];
        let mut given = vec![wide(9), axial(6, 6.0), wide(1), axial(5, 5.0), axial(4, 4.0), axial(5, 5.0)];
        given.extend((20..).zip(kinds).map(|(number, change)| with(number, change)));
        given.push(Instance { image: None, ..axial(30, 30.0) });
        let stacks: Vec<Stack> = split(given.clone()).into_iter().map(Stack::of).collect();
        let found: Vec<Vec<i32>> = stacks.iter().map(numbers).collect();
        let expected: [&[i32]; 7] = [&[1, 9], &[4, 5, 6], &[20], &[21], &[22], &[23], &[24]];
        assert_eq!(found, expected, "by the lowest number, each image once, and none without a picture");
        assert_eq!(stacks[1].volume.map(|v| v.plane_distance), Some(1.0), "the others are not in its way");
        let said = |stack: &Stack| stack.notes.contains(&Note::MixedSize);
        assert!(!stacks.iter().any(said) && said(&Stack::of(given)), "only the whole is mixed");
    }

    #[test]
    fn parts_that_begin_with_the_same_number_come_in_one_order() {
        let tall = || {
            let mut made = axial(1, 0.0);
            made.sop_instance = SopInstanceUid::parse("1.2.3.5").expect("a UID");
            made.image.as_mut().expect("an image").rows = 8;
            made
        };
        for given in [vec![tall(), axial(1, 0.0)], vec![axial(1, 0.0), tall()]] {
            let rows: Vec<u16> = split(given).iter().filter_map(|part| Some(part[0].image.as_ref()?.rows)).collect();
            assert_eq!(rows, [4, 8], "however the archive lists them");
        }
    }

    #[test]
    fn without_geometry_the_instance_number_orders() {
        let bare = |n| instance(n, vec![FrameFacts::default()]);
        let stack = Stack::of(vec![bare(7), bare(2), bare(2), bare(5)]);
        assert_eq!(numbers(&stack), [2, 5, 7], "and the same instance counts once");
        assert_eq!(stack.notes, [Note::NoGeometry], "said");
    }
}
