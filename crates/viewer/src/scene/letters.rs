//! Orientation letters at the edges of a viewport, from geometry only.

use super::Turn;

/// Letters at the four edges: where each edge points to in the patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letters {
    /// At the left edge.
    pub left: String,
    /// At the right edge.
    pub right: String,
    /// At the top.
    pub top: String,
    /// At the bottom.
    pub bottom: String,
}

/// Below the sine of about 6° a second letter would say more than a person can see.
const OBLIQUE: f64 = 0.1;

/// How far an orientation may be from two perpendicular unit vectors. Decimal strings of six digits pass.
const TOLERANCE: f64 = 1e-3;

/// The letters for an Image Orientation (Patient) after rotation and flips; none if it is not an orientation.
///
/// Letters as in PS3.3 C.7.6.1.1.1: L and R, P and A, H and F; oblique directions have two, the stronger first.
pub fn letters(orientation: &[f64; 6], turn: Turn) -> Option<Letters> {
    if !perpendicular(orientation) {
        return None;
    }
    let (along_row, along_column) = directions(orientation);
    let toward = |screen: [f64; 2]| {
        let [column, row] = turn.image_from_screen(screen);
        name(std::array::from_fn(|i| column * along_row[i] + row * along_column[i]))
    };
    Some(Letters {
        left: toward([-1.0, 0.0]),
        right: toward([1.0, 0.0]),
        top: toward([0.0, -1.0]),
        bottom: toward([0.0, 1.0]),
    })
}

/// Whether the directions of a row and of a column are perpendicular unit vectors.
pub(super) fn perpendicular(orientation: &[f64; 6]) -> bool {
    let (along_row, along_column) = directions(orientation);
    let norm = |v: [f64; 3]| dot(v, v).sqrt();
    // Written so that NaN fails too.
    (norm(along_row) - 1.0).abs() < TOLERANCE
        && (norm(along_column) - 1.0).abs() < TOLERANCE
        && dot(along_row, along_column).abs() < TOLERANCE
}

fn directions(&[a, b, c, d, e, f]: &[f64; 6]) -> ([f64; 3], [f64; 3]) {
    ([a, b, c], [d, e, f])
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn name(direction: [f64; 3]) -> String {
    let mut parts = [(direction[0], 'L', 'R'), (direction[1], 'P', 'A'), (direction[2], 'H', 'F')];
    parts.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    let letter = |(value, positive, negative): (f64, char, char)| if value > 0.0 { positive } else { negative };
    let mut text = String::from(letter(parts[0]));
    if parts[1].0.abs() > OBLIQUE {
        text.push(letter(parts[1]));
    }
    text
}
