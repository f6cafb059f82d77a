//! The truth in painted images: densities, sizes and uptakes that the reports quote, measured from
//! pixels. Expected values are the recipe's, which the reports repeat.

use std::collections::BTreeMap;

use super::harness::{Archive, first, numbers, text, uid};

type Point = [f64; 3];

/// A series as values in their unit.
struct Volume {
    /// Position of the first voxel of each slice.
    positions: Vec<Point>,
    row: Point,
    column: Point,
    /// Column and row distance.
    spacing: [f64; 2],
    size: [usize; 2],
    slices: Vec<Vec<f64>>,
    header: serde_json::Value,
}

impl Volume {
    async fn load(archive: &Archive, study: &str, series: u32) -> Self {
        let (study_uid, series_uid) = (uid(study), uid(&format!("{study}/{series}")));
        let metadata = archive.metadata(&study_uid, &series_uid).await;
        let (mut positions, mut slices) = (Vec::new(), Vec::new());
        for one in &metadata {
            let (_, bytes) = archive.frame(&study_uid, &series_uid, &text(one, "00080018"), 1).await;
            let signed = first(one, "00280103") == 1;
            let slope = numbers(one, "00281053").first().copied().unwrap_or(1.0);
            let intercept = numbers(one, "00281052").first().copied().unwrap_or(0.0);
            let values = bytes.as_chunks::<2>().0.iter().map(|b| {
                let stored = if signed { f64::from(i16::from_le_bytes(*b)) } else { f64::from(u16::from_le_bytes(*b)) };
                stored * slope + intercept
            });
            slices.push(values.collect());
            positions.push(numbers(one, "00200032").try_into().expect("three numbers"));
        }
        let header = metadata[0].clone();
        let orientation = numbers(&header, "00200037");
        let spacing = numbers(&header, "00280030");
        let whole = |tag| usize::try_from(first(&header, tag).as_u64().expect("a number")).expect("small");
        Self {
            positions,
            row: orientation[..3].try_into().expect("three numbers"),
            column: orientation[3..].try_into().expect("three numbers"),
            spacing: [spacing[1], spacing[0]],
            size: [whole("00280011"), whole("00280010")],
            slices,
            header,
        }
    }

    fn center(&self, i: usize, j: usize, k: usize) -> Point {
        let mut p = self.positions[k];
        for (axis, p) in p.iter_mut().enumerate() {
            *p += self.row[axis] * self.spacing[0] * number(i) + self.column[axis] * self.spacing[1] * number(j);
        }
        p
    }

    /// All voxels whose center fulfils a condition, looked for within `reach` of a point only.
    fn voxels(&self, around: Point, reach: f64, inside: impl Fn(Point) -> bool) -> Vec<(Point, f64)> {
        let dot = |a: Point, b: Point| (0..3).map(|i| a[i] * b[i]).sum::<f64>();
        let (r, c) = (self.row, self.column);
        let normal = [r[1] * c[2] - r[2] * c[1], r[2] * c[0] - r[0] * c[2], r[0] * c[1] - r[1] * c[0]];
        let mut found = Vec::new();
        for (k, slice) in self.slices.iter().enumerate() {
            let p = self.positions[k];
            let to = [around[0] - p[0], around[1] - p[1], around[2] - p[2]];
            if dot(to, normal).abs() > reach {
                continue;
            }
            for j in 0..self.size[1] {
                if (dot(to, c) - self.spacing[1] * number(j)).abs() > reach {
                    continue;
                }
                for i in 0..self.size[0] {
                    let p = self.center(i, j, k);
                    if inside(p) {
                        found.push((p, slice[j * self.size[0] + i]));
                    }
                }
            }
        }
        found
    }

    fn mean(&self, around: Point, radius: f64) -> f64 {
        let values = self.voxels(around, radius, |p| distance(p, around) <= radius);
        assert!(values.len() >= 15, "enough voxels around {around:?}: {}", values.len());
        values.iter().map(|(_, v)| v).sum::<f64>() / number(values.len())
    }

    fn highest(&self, center: Point, radii: Point) -> f64 {
        let reach = radii.iter().copied().fold(0.0, f64::max);
        let inside = self.voxels(center, reach, |p| in_ellipsoid(p, center, radii));
        inside.iter().map(|(_, v)| *v).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Mean of a thin rod of voxels by the coordinate along one axis, ascending.
    fn profile(&self, through: Point, axis: usize, width: f64) -> Vec<(f64, f64)> {
        let mut sums: BTreeMap<i64, (f64, f64, f64)> = BTreeMap::new();
        let near = |p: Point| (0..3).filter(|a| *a != axis).all(|a| (p[a] - through[a]).abs() <= width);
        for (p, v) in self.voxels(through, 60.0, near) {
            #[expect(clippy::cast_possible_truncation, reason = "micrometers of a patient")]
            let entry = sums.entry((p[axis] * 1000.0).round() as i64).or_default();
            *entry = (entry.0 + 1.0, entry.1 + v, p[axis]);
        }
        sums.into_values().map(|(n, sum, at)| (at, sum / n)).collect()
    }
}

/// Where a profile crosses a level, seen from a coordinate upwards or downwards.
fn crossing(profile: &[(f64, f64)], from: f64, level: f64, upwards: bool) -> f64 {
    let mut path: Vec<(f64, f64)> =
        profile.iter().copied().filter(|(at, _)| if upwards { *at >= from } else { *at <= from }).collect();
    if !upwards {
        path.reverse();
    }
    let above = path[0].1 > level;
    let pair = path.windows(2).find(|w| (w[1].1 > level) != above).expect("the profile crosses the level");
    let share = (level - pair[0].1) / (pair[1].1 - pair[0].1);
    pair[0].0 + share * (pair[1].0 - pair[0].0)
}

fn number(n: usize) -> f64 {
    f64::from(u32::try_from(n).expect("small"))
}

fn distance(a: Point, b: Point) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

fn in_ellipsoid(p: Point, center: Point, radii: Point) -> bool {
    (0..3).map(|i| ((p[i] - center[i]) / radii[i]).powi(2)).sum::<f64>() <= 1.0
}

fn assert_near(measured: f64, expected: f64, tolerance: f64, what: &str) {
    let near = (measured - expected).abs() <= tolerance;
    assert!(near, "{what}: measured {measured:.3}, expected {expected} ± {tolerance}");
}

const TUMOR: Point = [-52.0, 2.0, 22.0];
const GRANULOMA: Point = [-96.0, -48.0, -38.0];

#[tokio::test]
async fn the_lung_ct_has_the_densities_and_diameters_of_the_report() {
    let archive = Archive::painted().await;
    let ct = Volume::load(&archive, "study-auenwald-ct", 2).await;
    for (what, at, hu) in [
        ("tumor", TUMOR, 38.0),
        ("right lung", [-100.0, 40.0, 0.0], -850.0),
        ("trachea", [0.0, 5.0, 100.0], -990.0),
        ("vertebra", [0.0, 78.0, 50.0], 260.0),
        ("air outside", [-190.0, -150.0, 0.0], -1000.0),
        ("subcutaneous fat", [0.0, 129.0, 60.0], -105.0),
        ("liver", [-75.0, -12.0, -155.0], 58.0),
    ] {
        // Noise of 12 HU over at least 15 voxels: more than 3 standard errors.
        assert_near(ct.mean(at, 3.6), hu, 11.0, what);
    }
    // Half-way between lung (-850 HU) and tumor (38 HU).
    let level = -406.0;
    let along = |axis| ct.profile(TUMOR, axis, 1.6);
    let diameter = |axis: usize| {
        let profile = along(axis);
        crossing(&profile, TUMOR[axis], level, true) - crossing(&profile, TUMOR[axis], level, false)
    };
    // Towards the mediastinum the tumor has no edge in CT: the half axis towards the lung is measured.
    let half = TUMOR[0] - crossing(&along(0), TUMOR[0], level, false);
    assert_near(half, 23.0, 0.25, "half of 46 mm from right to left");
    assert_near(diameter(1), 42.0, 0.5, "42 mm from front to back");
    assert_near(diameter(2), 40.0, 0.5, "40 mm from head to feet");
    // All density above the lung's around the granuloma, as the volume of a sphere of 430 HU.
    let voxel = 0.78 * 0.78 * 3.0;
    let around = ct.voxels(GRANULOMA, 9.0, |p| distance(p, GRANULOMA) <= 9.0);
    let sum: f64 = around.iter().map(|(_, v)| (v + 850.0) * voxel).sum();
    let sphere = (sum / (430.0 + 850.0) * 6.0 / std::f64::consts::PI).cbrt();
    assert_near(sphere, 8.0, 0.24, "8 mm of granuloma");
    assert_near(ct.highest(GRANULOMA, [4.0; 3]), 430.0, 40.0, "the granuloma is calcified");
}

#[tokio::test]
async fn the_thin_lung_series_has_240_slices_and_the_lung_window_first() {
    let archive = Archive::painted().await;
    let (study, series) = (uid("study-auenwald-ct"), uid("study-auenwald-ct/3"));
    let metadata = archive.metadata(&study, &series).await;
    assert_eq!(metadata.len(), 240, "more than 150 slices");
    assert_eq!(numbers(&metadata[0], "00281050"), [-600.0, 40.0], "window centers");
    assert_eq!(numbers(&metadata[0], "00280011"), [512.0], "columns");
    assert_eq!(numbers(&metadata[0], "00280101"), [16.0], "bits");
    for (index, one) in metadata.iter().enumerate() {
        assert_near(numbers(one, "00200032")[2], 195.0 - 1.5 * number(index), 1e-6, "position");
    }
}

/// SUV by body weight of one Bq/ml, from the header alone (QIBA's vendor-neutral pseudo-code).
fn suv_factor(header: &serde_json::Value) -> f64 {
    let dose = first(header, "00540016");
    let seconds = |tm: &str| -> f64 {
        let part = |r: std::ops::Range<usize>| tm[r].parse::<f64>().expect("digits");
        part(0..2) * 3600.0 + part(2..4) * 60.0 + part(4..6)
    };
    let elapsed = seconds(&text(header, "00080031")) - seconds(&text(dose, "00181072"));
    let half_life = numbers(dose, "00181075")[0];
    let decayed = numbers(dose, "00181074")[0] * 0.5_f64.powf(elapsed / half_life);
    assert_eq!(text(header, "00541001"), "BQML", "units");
    assert_eq!(text(header, "00541102"), "START", "decay correction");
    numbers(header, "00101030")[0] * 1000.0 / decayed
}

#[tokio::test]
async fn the_pet_has_the_suvmax_of_the_report() {
    let archive = Archive::painted().await;
    let pet = Volume::load(&archive, "study-auenwald-petct", 4).await;
    assert_eq!(pet.slices.len(), 135, "slices");
    let factor = suv_factor(&pet.header);
    for (what, center, radii, suv) in [
        ("tumor", TUMOR, [23.0, 21.0, 20.0], 16.2),
        ("node 4R", [-21.0, 6.0, 38.0], [10.5, 9.0, 12.0], 11.4),
        ("node 1R", [-40.0, -18.0, 168.0], [8.5, 8.0, 9.5], 9.8),
    ] {
        let highest = pet.highest(center, radii) * factor;
        assert_near(highest, suv, 0.03 * suv, what);
    }
    let granuloma = pet.highest(GRANULOMA, [6.0; 3]) * factor;
    assert!(granuloma < 1.0, "the granuloma takes up nothing: {granuloma}");
    assert_near(pet.mean([-75.0, -12.0, -175.0], 15.0) * factor, 2.2, 0.1, "liver");
}

#[tokio::test]
async fn pet_and_ct_of_one_study_share_their_space() {
    let archive = Archive::painted().await;
    let study = uid("study-auenwald-petct");
    let ct = archive.metadata(&study, &uid("study-auenwald-petct/3")).await;
    let pet = archive.metadata(&study, &uid("study-auenwald-petct/4")).await;
    assert_eq!(text(&ct[0], "00200052"), text(&pet[0], "00200052"), "frame of reference");
    for (ct, pet) in ct.iter().zip(&pet) {
        assert_near(numbers(ct, "00200032")[2], numbers(pet, "00200032")[2], 1e-6, "slice position");
    }
}

#[tokio::test]
async fn mr_and_abdomen_show_what_their_reports_name() {
    let archive = Archive::painted().await;
    let adc = Volume::load(&archive, "study-aehrenfeld-mrt", 6).await;
    // In 10⁻⁶ mm²/s.
    assert_near(adc.mean([-13.0, 33.0, -15.0], 3.6), 680.0, 40.0, "the prostate's lesion");
    let rectum = Volume::load(&archive, "study-steinklee-mrt", 3).await;
    let tumor = [18.5, 70.0, 30.0];
    assert_near(rectum.mean(tumor, 6.0), 105.0, 2.0, "the rectal tumor");
    // Above and below the tumor there is fat of 150: half-way is 127.5.
    let profile = rectum.profile(tumor, 2, 1.9);
    let length = crossing(&profile, 30.0, 127.5, true) - crossing(&profile, 30.0, 127.5, false);
    assert_near(length, 48.0, 1.4, "48 mm long");
    let cyst = [-110.0, 25.0, 85.0];
    let with = Volume::load(&archive, "study-steinklee-ct", 2).await;
    assert_near(with.mean(cyst, 4.0), 8.0, 11.0, "a cyst in segment 6");
    let without = Volume::load(&archive, "study-aehrenfeld-ct", 2).await;
    assert_near(without.mean(cyst, 4.0), 105.0, 11.0, "no cyst in the other patient's liver");
}

#[tokio::test]
async fn an_oblique_stack_lies_22_degrees_about_the_left_right_axis() {
    let archive = Archive::painted().await;
    let metadata = archive.metadata(&uid("study-steinklee-mrt"), &uid("study-steinklee-mrt/4")).await;
    let o = numbers(&metadata[0], "00200037");
    assert_near(o[0], 1.0, 1e-6, "rows run from right to left");
    assert_near(o[4], 22.0_f64.to_radians().cos(), 1e-6, "columns run backwards");
    assert_near(o[5].abs(), 22.0_f64.to_radians().sin(), 1e-6, "and downwards");
    let (a, b) = (numbers(&metadata[0], "00200032"), numbers(&metadata[1], "00200032"));
    let step: Point = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
    let normal = [o[1] * o[5] - o[2] * o[4], o[2] * o[3] - o[0] * o[5], o[0] * o[4] - o[1] * o[3]];
    let along: f64 = (0..3).map(|i| step[i] * normal[i]).sum();
    assert_near(along.abs(), 3.0, 1e-6, "slices are 3 mm apart along their normal");
}

#[tokio::test]
async fn images_are_painted_the_same_in_every_run() {
    let (one, two) = (Archive::painted().await, Archive::painted().await);
    for (study, series, index) in
        [("study-auenwald-ct", 2, 60), ("study-auenwald-petct", 4, 50), ("study-auerwald-dx", 1, 1)]
    {
        let (s, r) = (uid(study), uid(&format!("{study}/{series}")));
        let i = uid(&format!("{study}/{series}/{index}"));
        assert!(one.frame(&s, &r, &i, 1).await == two.frame(&s, &r, &i, 1).await, "{study}/{series}/{index}");
    }
}
