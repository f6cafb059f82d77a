//! Risk "laterality swapped": a phantom with a mark on one side, through all rotations and flips. Mark and
//! letters must agree on the screen, and so must the point that the pointer finds.

mod support;

use support::{VIEWPORT, grey, open, picture, series, upload, window};
use viewer::{Calibration, Format, Function, Series, Spacing, Viewer};

const SIDE: u32 = 16;

/// An axial slice with a bright mark near the patient's left, front: high column, low row.
fn phantom() -> (Viewer, Series) {
    let mut series = series(Format::U8, SIDE, SIDE, 1);
    series.window = window(128.0, 256.0, Function::Linear);
    series.spacing = Some(Spacing { rows: 1.0, columns: 1.0 });
    series.calibration = Calibration::Patient;
    let mut pixels = vec![0; (SIDE * SIDE) as usize];
    for row in 1..4 {
        for column in 11..15 {
            pixels[row * SIDE as usize + column] = 255;
        }
    }
    let mut viewer = open([SIDE, SIDE]);
    viewer.add_series(series.clone()).expect("the size fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    viewer.one_to_one(VIEWPORT).expect("a series is shown");
    upload(&mut viewer, &series, 0, &pixels);
    (viewer, series)
}

/// The middle of the bright pixels on the screen.
fn bright_middle(viewer: &mut Viewer) -> [f64; 2] {
    let pixels = grey(&picture(viewer));
    let bright: Vec<usize> = (0..pixels.len()).filter(|i| pixels[*i] == 255).collect();
    assert_eq!(bright.len(), 12, "the mark is shown whole");
    let mean =
        |of: &dyn Fn(usize) -> usize| bright.iter().map(|i| of(*i) as f64 + 0.5).sum::<f64>() / bright.len() as f64;
    [mean(&|i| i % SIDE as usize), mean(&|i| i / SIDE as usize)]
}

#[test]
fn the_mark_stays_at_the_edges_that_read_left_and_anterior() {
    let (mut viewer, _) = phantom();
    for mirrored in [false, true] {
        for turn in 0..4 {
            let at = bright_middle(&mut viewer);
            let letters = viewer.state(VIEWPORT).expect("exists").expect("shown").letters.expect("oriented");
            let half = f64::from(SIDE) / 2.0;
            let horizontal = if at[0] < half { letters.left } else { letters.right };
            let vertical = if at[1] < half { letters.top } else { letters.bottom };
            let mut near = [horizontal, vertical];
            near.sort();
            assert_eq!(near, ["A", "L"], "turn {turn}, mirrored {mirrored}: the mark is at {at:?}");

            let found = viewer.locate(VIEWPORT, at).expect("exists").expect("shown");
            assert_eq!(found.point, [13.0, 2.5], "turn {turn}, mirrored {mirrored}: the mark's middle in the image");
            assert_eq!(found.patient, Some([12.5, 2.0, 0.0]), "and in the patient");
            assert_eq!(viewer.to_screen(VIEWPORT, [13.0, 2.5]), Ok(at), "and back");
            viewer.rotate(VIEWPORT, 1).expect("a series is shown");
        }
        viewer.flip(VIEWPORT, true).expect("a series is shown");
    }
}

#[test]
fn a_flip_moves_the_mark_to_the_other_side_of_the_screen() {
    let (mut viewer, _) = phantom();
    assert_eq!(bright_middle(&mut viewer), [13.0, 2.5], "the patient's left is at the right");
    viewer.flip(VIEWPORT, true).expect("a series is shown");
    assert_eq!(bright_middle(&mut viewer), [3.0, 2.5], "left and right exchanged");
    viewer.flip(VIEWPORT, false).expect("a series is shown");
    assert_eq!(bright_middle(&mut viewer), [3.0, 13.5], "top and bottom exchanged");
    viewer.rotate(VIEWPORT, 1).expect("a series is shown");
    assert_eq!(bright_middle(&mut viewer), [2.5, 3.0], "bottom left goes to top left, clockwise");
    viewer.reset(VIEWPORT).expect("a series is shown");
    viewer.one_to_one(VIEWPORT).expect("a series is shown");
    assert_eq!(bright_middle(&mut viewer), [13.0, 2.5], "reset undoes all");
}

#[test]
fn a_series_without_orientation_has_no_letters() {
    let (mut viewer, series) = phantom();
    let mut blind = Series { handle: 8, ..series };
    blind.frames[0].orientation = None;
    viewer.add_series(blind).expect("the size fits");
    viewer.show(VIEWPORT, Some(8)).expect("both exist");
    assert_eq!(viewer.state(VIEWPORT).expect("exists").expect("shown").letters, None, "nothing is guessed");
    let found = viewer.locate(VIEWPORT, [8.0, 8.0]).expect("exists").expect("shown");
    assert_eq!(found.patient, None, "nor is a place in the patient");
}
