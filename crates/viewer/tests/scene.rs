//! Geometry by numbers worked out by hand from the standard, without a GPU.

use viewer::scene::{
    Letters, Placement, Raster, Turn, Unit, length, letters, patient_from_image, plane_position, scale_bar,
};
use viewer::{Frame, Spacing};

const SQUARE: Raster = Raster { columns: 512, rows: 512, aspect: [1.0, 1.0] };
const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
const CORONAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0];
const SAGITTAL: [f64; 6] = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0];

fn close(a: [f64; 2], b: [f64; 2]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9)
}

fn frame(position: [f64; 3], orientation: [f64; 6]) -> Frame {
    Frame {
        position: Some(position),
        orientation: Some(orientation),
        thickness: None,
        slope: 1.0,
        intercept: 0.0,
        pixels: 0,
    }
}

/// left right top bottom
fn edges(orientation: [f64; 6], change: impl FnOnce(&mut Placement)) -> String {
    let mut placement = Placement::default();
    change(&mut placement);
    let Letters { left, right, top, bottom } = letters(&orientation, placement.turn).expect("an orientation");
    [left, right, top, bottom].join(" ")
}

#[test]
fn an_image_that_fits_touches_two_edges_and_is_centered() {
    let mapping = Placement::default().mapping(SQUARE, [800.0, 600.0]);
    assert!(close(mapping.screen_from_image([0.0, 0.0]), [100.0, 0.0]), "top left corner");
    assert!(close(mapping.screen_from_image([512.0, 512.0]), [700.0, 600.0]), "bottom right corner");
    assert!(close(mapping.image_from_screen([400.0, 300.0]), [256.0, 256.0]), "middle");
}

#[test]
fn a_rotated_image_fits_by_its_other_side() {
    let wide = Raster { columns: 400, rows: 200, aspect: [1.0, 1.0] };
    let mut placement = Placement::default();
    assert_eq!(placement.fitting_zoom(wide, [400.0, 400.0]), 1.0, "by its width");
    placement.rotate(1);
    assert_eq!(placement.fitting_zoom(wide, [200.0, 800.0]), 1.0, "its rows lie across");
    let mapping = placement.mapping(wide, [200.0, 800.0]);
    // Clockwise: the first column is at the top, the first row at the right.
    assert!(close(mapping.screen_from_image([0.0, 0.0]), [200.0, 200.0]), "the first pixel's corner is top right");
    assert!(close(mapping.screen_from_image([400.0, 0.0]), [200.0, 600.0]), "the first row runs down");
    assert!(close(mapping.screen_from_image([0.0, 200.0]), [0.0, 200.0]), "the first column runs to the left");
}

#[test]
fn pixels_that_are_not_square_are_shown_with_their_shape() {
    // Rows 2 mm apart, columns 1 mm: 100 rows are as high as 200 columns are wide.
    let flat = Raster { columns: 200, rows: 100, aspect: [1.0, 2.0] };
    let mapping = Placement::default().mapping(flat, [400.0, 400.0]);
    assert!(close(mapping.screen_from_image([0.0, 0.0]), [0.0, 0.0]), "top left");
    assert!(close(mapping.screen_from_image([200.0, 100.0]), [400.0, 400.0]), "bottom right");
}

#[test]
fn zooming_leaves_the_point_under_the_pointer_where_it_is() {
    let size = [640.0, 480.0];
    let mut placement = Placement::default();
    placement.rotate(3);
    placement.flip(true);
    placement.pan_by(SQUARE, size, [13.0, -7.0]);
    for (factor, at) in [(1.7, [12.0, 400.0]), (0.4, [600.0, 3.0]), (9.0, [320.5, 77.25]), (1e-9, [0.0, 0.0])] {
        let point = placement.mapping(SQUARE, size).image_from_screen(at);
        placement.zoom_at(SQUARE, size, factor, at);
        let after = placement.mapping(SQUARE, size).screen_from_image(point);
        assert!(close(after, at), "factor {factor}: {after:?} instead of {at:?}");
    }
    assert_eq!(placement.zoom, Placement::ZOOM_MIN, "zooming out ends somewhere");
}

#[test]
fn one_to_one_keeps_the_middle_and_lies_on_whole_pixels() {
    let size = [641.0, 480.0];
    let mut placement = Placement::default();
    placement.one_to_one(SQUARE, size);
    let mapping = placement.mapping(SQUARE, size);
    let corner = mapping.screen_from_image([0.0, 0.0]);
    assert_eq!(corner.map(f64::fract), [0.0, 0.0], "pixels are not shared: {corner:?}");
    assert!((corner[0] - 64.5).abs() <= 0.5 && corner[1] == -16.0, "the middle stays: {corner:?}");
    assert!(!mapping.smooth(), "nothing to interpolate");
}

#[test]
fn panning_moves_the_image_as_far_as_the_pointer() {
    let size = [512.0, 512.0];
    let mut placement = Placement::default();
    placement.rotate(1);
    placement.pan_by(SQUARE, size, [10.0, 20.0]);
    let middle = placement.mapping(SQUARE, size).screen_from_image([256.0, 256.0]);
    assert!(close(middle, [266.0, 276.0]), "moved on the screen, whatever the rotation: {middle:?}");
}

#[test]
fn pixels_are_squares_above_four_hundred_percent() {
    let size = [512.0, 512.0];
    let smooth = |zoom: f64| Placement { zoom, fit: false, ..Placement::default() }.mapping(SQUARE, size).smooth();
    assert_eq!([0.5, 1.0, 1.5, 4.0, 4.01, 8.0].map(smooth), [true, false, true, true, false, false], "by zoom");
}

#[test]
fn shader_coefficients_are_the_inverse_mapping() {
    let raster = Raster { columns: 300, rows: 200, aspect: [1.0, 1.5] };
    let size = [500.0, 333.0];
    let mut placement = Placement::default();
    for step in 0..8 {
        placement.rotate(1);
        if step == 3 {
            placement.flip(false);
        }
        placement.zoom_at(raster, size, 1.3, [40.0, 50.0]);
        let mapping = placement.mapping(raster, size);
        let [c, r] = mapping.coefficients();
        let at = [123.5, 45.5];
        let by_coefficients = [c[0] * at[0] + c[1] * at[1] + c[2], r[0] * at[0] + r[1] * at[1] + r[2]];
        assert!(close(by_coefficients, mapping.image_from_screen(at)), "step {step}");
        assert!(close(mapping.screen_from_image(by_coefficients), at), "step {step}, and back");
    }
}

#[test]
fn letters_of_the_standard_planes_are_those_of_every_viewer() {
    assert_eq!(edges(AXIAL, |_| ()), "R L A P", "axial: the patient's right is at the left");
    assert_eq!(edges(CORONAL, |_| ()), "R L H F", "coronal");
    assert_eq!(edges(SAGITTAL, |_| ()), "A P H F", "sagittal");
    // A prone axial scan stored with reversed rows and columns.
    assert_eq!(edges([-1.0, 0.0, 0.0, 0.0, -1.0, 0.0], |_| ()), "L R P A", "prone");
}

#[test]
fn letters_turn_with_the_image() {
    assert_eq!(edges(AXIAL, |p| p.flip(true)), "L R A P", "mirrored left to right");
    assert_eq!(edges(AXIAL, |p| p.flip(false)), "R L P A", "mirrored top to bottom");
    assert_eq!(edges(AXIAL, |p| p.rotate(1)), "P A R L", "clockwise: what was left is at the top");
    assert_eq!(edges(AXIAL, |p| p.rotate(2)), "L R P A", "upside down");
    assert_eq!(edges(AXIAL, |p| p.rotate(-1)), "A P L R", "counterclockwise: what was left is at the bottom");
    let both = |p: &mut Placement| {
        p.rotate(1);
        p.flip(true);
    };
    assert_eq!(edges(AXIAL, both), "A P R L", "a flip mirrors what is on the screen, not the stored image");
    let around = |p: &mut Placement| {
        p.rotate(4);
        p.flip(true);
        p.flip(true);
    };
    assert_eq!(edges(AXIAL, around), "R L A P", "once around");
}

#[test]
fn oblique_directions_have_two_letters_the_stronger_first() {
    let (s, c) = 30f64.to_radians().sin_cos();
    // Rows turned from left towards the back, columns stay within the axial plane.
    assert_eq!(edges([c, s, 0.0, -s, c, 0.0], |_| ()), "RA LP AL PR", "30° in the axial plane");
    let (s, c) = 3f64.to_radians().sin_cos();
    assert_eq!(edges([c, s, 0.0, -s, c, 0.0], |_| ()), "R L A P", "3° are not worth a letter");
}

#[test]
fn without_a_true_orientation_there_are_no_letters() {
    let none = |o: [f64; 6]| letters(&o, Turn::default()).is_none();
    assert!(none([0.0; 6]), "zeros");
    assert!(none([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]), "the same direction twice");
    assert!(none([2.0, 0.0, 0.0, 0.0, 1.0, 0.0]), "not of length 1");
    assert!(none([f64::NAN, 0.0, 0.0, 0.0, 1.0, 0.0]), "not a number");
    assert!(!none([0.866025, 0.5, 0.0, -0.5, 0.866025, 0.0]), "six digits are enough");
}

#[test]
fn patient_coordinates_count_from_the_center_of_the_first_pixel() {
    let spacing = Spacing { rows: 0.5, columns: 0.25 };
    let coronal = frame([-100.0, 20.0, 300.0], CORONAL);
    let at = |point| patient_from_image(&coronal, spacing, point).expect("position and orientation are known");
    assert_eq!(at([0.5, 0.5]), [-100.0, 20.0, 300.0], "Image Position (Patient) itself");
    assert_eq!(at([4.5, 0.5]), [-99.0, 20.0, 300.0], "four columns of 0.25 mm to the left hand");
    assert_eq!(at([0.5, 4.5]), [-100.0, 20.0, 298.0], "four rows of 0.5 mm to the feet");
    assert_eq!(patient_from_image(&Frame { position: None, ..coronal.clone() }, spacing, [1.0, 1.0]), None, "unknown");
}

#[test]
fn plane_position_has_the_sign_of_the_patient_axis() {
    let position = [-12.0, 34.0, -56.5];
    let of = |orientation| plane_position(&frame(position, orientation)).expect("known");
    assert_eq!(of(AXIAL), -56.5, "z");
    assert_eq!(of(CORONAL), 34.0, "y");
    assert_eq!(of(SAGITTAL), -12.0, "x");
    assert_eq!(of([-1.0, 0.0, 0.0, 0.0, 1.0, 0.0]), -56.5, "z, also with reversed rows");
}

#[test]
fn lengths_use_the_spacing_of_each_direction() {
    // DICOM's first value is between rows: 3 columns of 2 mm and 4 rows of 0.5 mm.
    let spacing = Some(Spacing { rows: 0.5, columns: 2.0 });
    let measured = length(spacing, [10.0, 10.0], [13.0, 14.0]);
    assert_eq!((measured.value, measured.unit), (40f64.sqrt(), Unit::Millimeter), "√(6² + 2²) mm");
    let unknown = length(None, [10.0, 10.0], [13.0, 14.0]);
    assert_eq!((unknown.value, unknown.unit), (5.0, Unit::Pixel), "√(3² + 4²) px");
}

#[test]
fn the_scale_bar_is_round_and_between_an_eighth_and_a_third() {
    // 512 px of 0.7 mm: a third is 11.9 cm.
    let bar = scale_bar(0.7, 512.0).expect("calibrated");
    assert_eq!(bar.cm, 10.0, "cm");
    assert!((bar.px - 100.0 / 0.7).abs() < 1e-9, "100 mm in pixels");
    assert_eq!(scale_bar(1.0, 300.0).map(|b| b.cm), Some(10.0), "exactly a third");
    let mut mm = 0.001;
    while mm < 20.0 {
        for width in [128.0, 777.0, 3840.0] {
            let bar = scale_bar(mm, width).expect("calibrated");
            let share = bar.px / width;
            assert!((0.125..=1.0 / 3.0 + 1e-9).contains(&share), "{mm} mm/px, {width} px: {share}");
            let digits = bar.cm / 10f64.powf(bar.cm.log10().floor() + 1e-12);
            assert!([1.0, 2.0, 5.0, 10.0].iter().any(|d| (digits - d).abs() < 1e-6), "{} cm is not round", bar.cm);
        }
        mm *= 1.07;
    }
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(scale_bar(bad, 512.0), None, "{bad} mm/px");
    }
}
