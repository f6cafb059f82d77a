//! What one viewport tells another: points and heights worked out by hand from PS3.3 C.7.6.2.1.1.

use viewer::scene::{Field, Ground, Placement, Plane, Raster, Turn};
use viewer::{Frame, Spacing};

const WIDE: [f64; 2] = [800.0, 600.0];
const HIGH: [f64; 2] = [400.0, 900.0];

const SQUARE: Raster = Raster { columns: 512, rows: 512, aspect: [1.0, 1.0] };

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

fn near<const N: usize>(a: [f64; N], b: [f64; N]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9)
}

/// 512 × 512 pixels of 0.5 mm; the first pixel's center at (-127.75, -127.75): the image's middle is x = y = 0.
fn axial() -> Ground {
    let frame = frame([-127.75, -127.75, -420.5], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    Ground::of(&frame, Some(Spacing { rows: 0.5, columns: 0.5 }))
}

/// Rows run to the left hand, columns downwards and to the back at 3 : 4 : 5; rows 2 mm apart, columns 1 mm.
fn oblique() -> Ground {
    let frame = frame([10.0, 20.0, 30.0], [1.0, 0.0, 0.0, 0.0, 0.6, -0.8]);
    Ground::of(&frame, Some(Spacing { rows: 2.0, columns: 1.0 }))
}

#[test]
fn the_middle_of_an_axial_image_that_fits_is_its_middle_in_the_patient() {
    let field = Field::of(&Placement::default(), &axial(), SQUARE, WIDE);
    assert!(near(field.center, [0.0, 0.0, -420.5]), "{:?}", field.center);
    // 512 rows of 0.5 mm fill the height.
    assert!(near([field.height], [256.0]), "{}", field.height);
}

#[test]
fn an_oblique_image_has_its_points_where_its_directions_lead() {
    let ground = oblique();
    // Three columns of 1 mm and two rows of 2 mm beyond the center of the first pixel.
    let point = ground.point([3.5, 2.5]);
    assert!(near(point, [13.0, 20.0 + 4.0 * 0.6, 30.0 - 4.0 * 0.8]), "{point:?}");
    assert!(near(ground.image(point), [3.5, 2.5]), "and back");
    // 5 mm beside the plane, along its normal (0, 0.8, 0.6).
    let beside = [point[0], point[1] + 4.0, point[2] + 3.0];
    assert!(near(ground.image(beside), [3.5, 2.5]), "the nearest point of the plane");
}

#[test]
fn directions_of_a_few_digits_lead_back_to_where_they_came_from() {
    // Turned by 1° about the body's axis, stored with three digits: neither quite a unit nor quite perpendicular.
    let frame = frame([-200.0, -200.0, 0.0], [1.0, 0.017, 0.0, -0.018, 1.0, 0.0]);
    let ground = Ground::of(&frame, Some(Spacing { rows: 1.0, columns: 1.0 }));
    assert!(ground.plane().is_some(), "within the tolerance");
    assert!(near(ground.image(ground.point([400.0, 300.0])), [400.0, 300.0]), "no pixel is lost on the way");
}

#[test]
fn what_cannot_be_relied_on_is_told_in_pixels() {
    let axial = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    let (whole, spacing) = (frame([0.0; 3], axial), Some(Spacing { rows: 1.0, columns: 1.0 }));
    let unsound = [
        ("no position", Frame { position: None, ..whole.clone() }, spacing),
        ("no orientation", Frame { orientation: None, ..whole.clone() }, spacing),
        ("no spacing", whole.clone(), None),
        ("a position that is no number", frame([f64::NAN, 0.0, 0.0], axial), spacing),
        ("directions that are not perpendicular", frame([0.0; 3], [1.0, 0.0, 0.0, 0.1, 1.0, 0.0]), spacing),
    ];
    for (what, frame, spacing) in unsound {
        assert_eq!(Plane::of(&frame, spacing), None, "{what}");
        assert_eq!(Ground::of(&frame, spacing).point([7.25, 3.5]), [7.25, 3.5, 0.0], "{what}");
    }
}

#[test]
fn an_image_without_geometry_has_a_height_in_pixels_of_the_finer_spacing() {
    // 200 columns and 100 rows of twice their height fill 400 × 400 at a zoom of 2.
    let flat = Raster { columns: 200, rows: 100, aspect: [1.0, 2.0] };
    let field = Field::of(&Placement::default(), &Ground::Pixels, flat, [400.0, 400.0]);
    assert_eq!(field, Field { center: [100.0, 50.0, 0.0], height: 200.0 }, "column, row and height");
}

#[test]
fn a_viewport_of_another_size_has_the_same_point_in_its_middle_and_the_same_height() {
    let ground = axial();
    let field = Field { center: [40.0, -26.0, -420.5], height: 150.0 };
    for (size, zoom) in [(WIDE, 2.0), (HIGH, 3.0)] {
        // 150 mm are 300 rows of 0.5 mm.
        let placement = field.placement(Turn::default(), &ground, SQUARE, size);
        assert_eq!(placement.zoom, zoom, "{size:?}");
        assert!(!placement.fit, "it stays when the viewport changes");
        let mapping = placement.mapping(SQUARE, size);
        // 40 mm are 80 columns beside the middle, 26 mm 52 rows above it.
        let middle = mapping.image_from_screen([size[0] / 2.0, size[1] / 2.0]);
        assert!(near(middle, [256.0 + 80.0, 256.0 - 52.0]), "{size:?}: {middle:?}");
        let (top, bottom) = (mapping.image_from_screen([0.0, 0.0]), mapping.image_from_screen([0.0, size[1]]));
        assert!(near([bottom[1] - top[1]], [300.0]), "{size:?}: rows from edge to edge");
    }
}

#[test]
fn a_turned_image_of_long_pixels_keeps_its_height_in_millimeters() {
    let ground = oblique();
    let raster = Raster { columns: 300, rows: 200, aspect: [1.0, 2.0] };
    let center = ground.point([120.0, 40.0]);
    let field = Field { center, height: 90.0 };
    // Mirrored, then turned clockwise: the columns run upwards, the rows to the left.
    let turn = Turn::new([true, false], 1);
    let mapping = field.placement(turn, &ground, raster, HIGH).mapping(raster, HIGH);
    // 900 px for 90 mm: a column of 1 mm is 10 px, a row of 2 mm is 20 px.
    assert!(near(mapping.screen_from_image([120.0, 40.0]), [200.0, 450.0]), "the point is in the middle");
    assert!(near(mapping.screen_from_image([121.0, 40.0]), [200.0, 440.0]), "the next column is above");
    assert!(near(mapping.screen_from_image([120.0, 41.0]), [180.0, 450.0]), "the next row is at the left");
}

#[test]
fn flips_come_before_turns() {
    // Clockwise by a quarter, the right becomes the bottom and the bottom becomes the left.
    let right = [1.0, 0.0];
    assert_eq!(Turn::new([false, false], 1).screen_from_image(right), [0.0, 1.0], "turned");
    assert_eq!(Turn::new([true, false], 1).screen_from_image(right), [0.0, -1.0], "left and right exchanged first");
    assert_eq!(Turn::new([false, true], 1).screen_from_image(right), [0.0, 1.0], "top and bottom exchanged first");
    assert_eq!(Turn::new([false, true], 1).screen_from_image([0.0, 1.0]), [1.0, 0.0], "and what was below");
}

#[test]
fn every_turn_has_one_name_and_every_name_is_understood() {
    for turns in 0..4 {
        for left_right in [false, true] {
            let turn = Turn::new([left_right, false], turns);
            assert_eq!(turn.parts(), ([left_right, false], turns), "the name is kept");
            // Top and bottom exchanged is left and right exchanged and half a turn.
            assert_eq!(Turn::new([!left_right, true], turns + 2), turn, "{left_right}, {turns}");
        }
    }
    assert_eq!(Turn::new([false, false], 7), Turn::new([false, false], 3), "a full turn is none");
}

#[test]
fn all_eight_turns_come_back_from_another_viewport() {
    let raster = Raster { columns: 300, rows: 200, aspect: [1.0, 2.0] };
    let ground = oblique();
    for turns in 0..4 {
        for left_right in [false, true] {
            let turn = Turn::new([left_right, false], turns);
            let shown = Placement { turn, zoom: 1.7, pan: [13.0, -41.0], fit: false };
            let field = Field::of(&shown, &ground, raster, WIDE);
            let followed = field.placement(turn, &ground, raster, HIGH);
            assert!(near([followed.zoom], [1.7 * 900.0 / 600.0]), "{turn:?}: {}", followed.zoom);
            assert!(near(followed.pan, [13.0 * 1.5, -41.0 * 1.5]), "{turn:?}: {:?}", followed.pan);
            let again = Field::of(&followed, &ground, raster, HIGH);
            assert!(near(again.center, field.center) && near([again.height], [field.height]), "{turn:?}: {again:?}");
        }
    }
}

#[test]
fn a_field_beyond_every_zoom_ends_where_a_person_would() {
    let placement =
        |height| Field { center: [0.0; 3], height }.placement(Turn::default(), &Ground::Pixels, SQUARE, WIDE);
    assert_eq!(placement(1e-3).zoom, Placement::ZOOM_MAX, "a speck");
    assert_eq!(placement(1e9).zoom, Placement::ZOOM_MIN, "a country");
}
