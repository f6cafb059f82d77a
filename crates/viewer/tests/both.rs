//! The processor paints what the device draws: scenes of every kind, each by both.

mod support;

use support::{Seeded, VIEWPORT, on_device, picture, series, upload};
use viewer::{Calibration, Format, Frame, Function, Pixels, Rect, Series, Spacing, Table, Viewer, Window};

const CANVAS: [u32; 2] = [96, 80];
const SCENES: u32 = 300;

/// What a reader does with the image.
#[derive(Debug, Clone, Copy)]
enum Act {
    Rotate(i32),
    Flip(bool),
    Zoom(f64, [f64; 2]),
    Pan([f64; 2]),
    OneToOne,
    Table,
}

struct Chance(Seeded);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0.next() % end
    }

    fn of<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).expect("a place in a short list")]
    }

    /// From 0 to `end`, never a nice number: a point that lies as near to one pixel as to another may be of either.
    fn between(&mut self, end: f64) -> f64 {
        self.below(1 << 30) as f64 / f64::from(1 << 30) * end + 0.000_123
    }

    /// Neighboring entries are less than a level apart, since which one is read may hang on the last bit of a mix.
    fn table(&mut self) -> Table {
        let count = self.of(&[1024_u32, 4096, 65_536]);
        let entry = |i: u32| u16::try_from(u64::from(i) * 65_535 / u64::from(count)).expect("at most the greatest");
        Table { first: self.of(&[-1000, 0, 5]), greatest: 65_535, entries: (0..count).map(entry).collect() }
    }

    fn series(&mut self) -> (Series, Vec<u8>) {
        let format = self.of(&[Format::U8, Format::U16, Format::I16, Format::I16, Format::Rgb8]);
        let (columns, rows) = (self.of(&[1, 2, 3, 7, 16, 33]), self.of(&[1, 2, 3, 8, 17, 40]));
        let mut bytes = self.0.bytes(columns as usize * rows as usize * format.bytes());
        // Twelve bits, with a sign where there is one: as most images have.
        match format {
            Format::U16 => bytes.chunks_exact_mut(2).for_each(|value| value[1] &= 0x0f),
            Format::I16 => {
                bytes
                    .chunks_exact_mut(2)
                    .for_each(|value| value[1] = if value[1] & 1 == 1 { 0xff } else { value[1] & 7 });
            }
            Format::U8 | Format::Rgb8 => {}
        }
        let plain = series(format, columns, rows, 1);
        let frame = Frame {
            slope: self.of(&[1.0, 1.0, -1.0, 0.372_549, 2.0, 0.0]),
            intercept: self.of(&[0.0, -1024.0, -1.5]),
            ..plain.frames[0].clone()
        };
        let grey = format != Format::Rgb8;
        let padding = self.of(&[None, None, Some([-200, -50]), Some([0, 90]), Some([500, 500])]);
        let modality = (grey && self.below(4) == 0).then_some(0);
        let pixels = Pixels { padding: padding.filter(|_| grey), modality, voi: vec![1], ..Pixels::default() };
        let width = self.of(&[2.0, 16.0, 256.0, 400.0, 1500.0, 4000.0]);
        let function = self.of(&[Function::Linear, Function::Linear, Function::LinearExact, Function::Sigmoid]);
        let spacing = self.of(&[None, None, Some([1.0, 2.0]), Some([3.0, 1.0])]);
        let series = Series {
            frames: vec![frame],
            pixels: vec![pixels],
            tables: vec![self.table(), self.table()],
            window: Window { center: self.of(&[0.0, 40.0, 127.5, -600.0]), width, function },
            spacing: spacing.map(|[rows, columns]| Spacing { rows, columns }),
            calibration: Calibration::Patient,
            inverted: self.below(2) == 0,
            ..plain
        };
        (series, bytes)
    }

    fn acts(&mut self) -> Vec<Act> {
        (0..self.below(5))
            .map(|_| match self.below(7) {
                0 => Act::Rotate(self.of(&[1, 2, 3])),
                1 => Act::Flip(self.below(2) == 0),
                2 | 3 => Act::Zoom(self.of(&[0.313, 0.717, 1.371, 2.913]), [self.between(90.0), self.between(70.0)]),
                4 => Act::Pan([self.between(80.0) - 40.0, self.between(80.0) - 40.0]),
                5 => Act::OneToOne,
                _ => Act::Table,
            })
            .collect()
    }
}

fn show(viewer: &mut Viewer, rect: Rect, series: &Series, bytes: &[u8], acts: &[Act]) -> Vec<u8> {
    viewer.set_layout(&[(VIEWPORT, rect)]);
    viewer.add_series(series.clone()).expect("the size fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    upload(viewer, series, 0, bytes);
    // Never a nice number, as above.
    viewer.zoom_at(VIEWPORT, 0.937, [31.7, 23.3]).expect("a series is shown");
    for act in acts {
        let done = match *act {
            Act::Rotate(turns) => viewer.rotate(VIEWPORT, turns),
            Act::Flip(horizontal) => viewer.flip(VIEWPORT, horizontal),
            Act::Zoom(factor, at) => viewer.zoom_at(VIEWPORT, factor, at),
            Act::Pan(by) => viewer.pan_by(VIEWPORT, by),
            Act::OneToOne => viewer.one_to_one(VIEWPORT),
            Act::Table => viewer.set_table(VIEWPORT, 0),
        };
        done.expect("a series is shown");
    }
    picture(viewer)
}

#[test]
fn scenes_of_every_kind_look_the_same_by_both() {
    let mut chance = Chance(Seeded(66));
    let (mut device, mut memory) = (on_device(CANVAS), Viewer::on_processor(CANVAS));
    let (mut lit, mut smooth) = (0, 0);
    for scene in 0..SCENES {
        let (series, bytes) = chance.series();
        let acts = chance.acts();
        let rect = Rect { x: 0, y: 0, width: chance.of(&[96, 61, 9]), height: chance.of(&[80, 47, 3]) };
        let drawn = show(&mut device, rect, &series, &bytes, &acts);
        let painted = show(&mut memory, rect, &series, &bytes, &acts);
        let apart = drawn.iter().zip(&painted).map(|(one, other)| one.abs_diff(*other)).max();
        assert_eq!(drawn.len(), painted.len(), "scene {scene}");
        assert!(apart.is_some_and(|apart| apart <= 1), "scene {scene}: {apart:?} levels apart, {acts:?} of {series:?}");
        lit += u32::from(painted.chunks_exact(4).any(|pixel| pixel[0] > 0));
        let zoom = memory.state(VIEWPORT).expect("in the layout").expect("shows a series").zoom;
        smooth += u32::from(zoom < 4.0);
    }
    assert!(lit > SCENES / 2 && smooth > SCENES / 3, "{lit} scenes show something and {smooth} are mixed");
}
