//! Viewports painted by the processor, for computers whose graphics are computed by it anyway: what the shaders say, in
//! the same order and in `f32`, but each source pixel read once for a line instead of once for each device pixel.

use crate::look::{Curve, Modality, Mode, Samples, Uniform};
use crate::number::{byte, index};
use crate::{Format, Table};
use std::ops::Range;

/// The largest side of an image and of a canvas: what the largest textures have.
pub(crate) const MOST: u32 = 16_384;

/// Levels beyond this have steps between two `f32` that would be seen, where values are changed before they are mixed.
const MOST_LEVELS: f32 = 1_048_576.0;

/// Red, green, blue and alpha of a device pixel, in this order in memory.
pub type Rgba = [u8; 4];

const BLACK: Rgba = [0, 0, 0, 255];

/// The stored values of a frame as they came, row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Values<'a> {
    pub(crate) format: Format,
    pub(crate) columns: usize,
    pub(crate) bytes: &'a [u8],
}

/// One viewport to paint.
#[derive(Debug)]
pub(crate) struct Painting<'a> {
    /// x, y, width, height on the target, within it.
    pub(crate) scissor: [u32; 4],
    pub(crate) mode: Mode,
    pub(crate) uniform: Uniform,
    pub(crate) values: Values<'a>,
    /// In place of slope and intercept.
    pub(crate) modality_table: Option<&'a Table>,
    /// In place of a window.
    pub(crate) voi_table: Option<&'a Table>,
}

/// Where the device pixels of one direction lie in the image: those of a line, or the lines themselves.
#[derive(Debug, Default)]
struct Axis {
    /// The device pixels, counted from the scissor's edge, that lie within the image.
    inside: Range<usize>,
    /// Of each of those: the pixel under it, or the first of the two that it lies between.
    first: Vec<usize>,
    /// The second of the two.
    second: Vec<usize>,
    /// How much of the second is in the mix.
    share: Vec<f32>,
}

impl Axis {
    /// `along` is the image coordinate of a device coordinate as a factor and an offset.
    fn set(&mut self, along: [f32; 2], pixels: Range<u32>, limit: usize, smooth: bool) {
        let [factor, offset] = along;
        let end = limit as f32;
        let point = |pixel: u32| factor * (pixel as f32 + 0.5) + offset;
        let within = |pixel: &u32| (0.0..end).contains(&point(*pixel));
        let first = pixels.clone().position(|pixel| within(&pixel));
        let last = pixels.clone().rposition(|pixel| within(&pixel));
        self.inside = first.zip(last).map_or(0..0, |(first, last)| first..last + 1);
        self.first.clear();
        self.second.clear();
        self.share.clear();
        for pixel in pixels.skip(self.inside.start).take(self.inside.len()) {
            let point = point(pixel);
            if smooth {
                let from_center = point - 0.5;
                let base = from_center.floor();
                self.first.push(index(base.max(0.0)));
                self.second.push(index(base + 1.0).min(limit - 1));
                self.share.push(from_center - base);
            } else {
                self.first.push(index(point));
            }
        }
    }
}

/// A row of the image, or where it is turned by a quarter a column, as numbers.
#[derive(Debug, Default)]
struct Line {
    number: Option<usize>,
    /// As stored.
    stored: Vec<f32>,
    /// What is mixed: after the modality's table and after a straight tone.
    values: Vec<f32>,
    /// Mixed along the line for each device pixel of it; empty until it is needed.
    mixed: Vec<f32>,
    /// What is padding; empty where nothing is.
    padding: Vec<bool>,
    /// Those device pixels that padding would be mixed into, once it is needed.
    beside_padding: Vec<usize>,
}

/// From a mixed value to a level.
#[derive(Debug, Clone, Copy)]
enum Tone {
    /// A factor and an offset. They are the same before and after mixing, so they are applied to the fewer values.
    Straight([f32; 2]),
    Curved,
}

impl Tone {
    fn of(painting: &Painting<'_>) -> Self {
        let Uniform { window: [middle, divisor, lower, upper], rescale: [slope, intercept, ..], .. } = painting.uniform;
        let Some(grey) = painting.mode.grey else { return Self::Straight([1.0, 0.0]) };
        let [slope, intercept] = match grey.modality {
            Modality::Rescale => [slope, intercept],
            Modality::Table => [1.0, 0.0],
        };
        match grey.curve {
            // With a width of 1 it is a step.
            Curve::Linear if lower < upper => {
                let [factor, offset] = [slope / divisor * 255.0, ((intercept - middle) / divisor + 0.5) * 255.0];
                // Also where one of them is none.
                let is_near = offset.abs() < MOST_LEVELS && factor.abs() * 65_536.0 < MOST_LEVELS;
                if is_near { Self::Straight([factor, offset]) } else { Self::Curved }
            }
            Curve::Linear | Curve::Sigmoid | Curve::Table => Self::Curved,
        }
    }
}

/// Paints, and keeps the room that it needs for it.
#[derive(Debug, Default)]
pub(crate) struct Painter {
    along: Axis,
    across: Axis,
    /// Two neighbors, the even one first: the next line mostly needs one of them again.
    lines: [Line; 2],
    /// The two mixed with each other, where that comes first.
    between: Vec<f32>,
}

impl Painter {
    /// Paints black and then the viewports. `target` has lines of `width` device pixels.
    pub(crate) fn paint(&mut self, target: &mut [Rgba], width: usize, paintings: &[Painting<'_>]) {
        target.fill(BLACK);
        for (number, painting) in paintings.iter().enumerate() {
            if number > 0 {
                blacken(target, width, painting.scissor);
            }
            self.viewport(target, width, painting);
        }
    }

    fn viewport(&mut self, target: &mut [Rgba], width: usize, painting: &Painting<'_>) {
        let Painting { scissor: [left, top, wide, high], mode, uniform, values, .. } = *painting;
        let [columns, rows] = [values.columns, values.rows()];
        if columns == 0 || rows == 0 {
            return;
        }
        // Images are turned by quarters only: a line of device pixels is one of rows, or one of columns.
        let upright = uniform.column[0] != 0.0;
        let (x, y) = (left..left + wide, top..top + high);
        let [column, row] = [uniform.column, uniform.row];
        if upright {
            self.along.set([column[0], column[2]], x, columns, mode.smooth);
            self.across.set([row[1], row[2]], y, rows, mode.smooth);
        } else {
            self.along.set([row[0], row[2]], x, rows, mode.smooth);
            self.across.set([column[1], column[2]], y, columns, mode.smooth);
        }
        let tone = if mode.smooth { Tone::of(painting) } else { Tone::Curved };
        let flip = if uniform.rescale[2] == 0.0 { 0 } else { 255 };
        // A channel at a time, so that its two lines stay.
        let channels: &[Channel] = if mode.samples == Samples::Color { &Channel::COLOR } else { &[Channel::GREY] };
        for channel in channels {
            self.lines.iter_mut().for_each(|line| line.number = None);
            let view = View { painting, upright, channel: *channel, tone, flip };
            for line in 0..self.across.first.len() {
                let begin = (top as usize + self.across.inside.start + line) * width;
                let begin = begin + left as usize + self.along.inside.start;
                let Some(pixels) = target.get_mut(begin..begin + self.along.inside.len()) else { return };
                if mode.smooth {
                    self.smooth(&view, line, pixels);
                } else {
                    self.nearest(&view, line, pixels);
                }
            }
        }
    }

    fn nearest(&mut self, view: &View<'_>, line: usize, pixels: &mut [Rgba]) {
        let number = self.across.first[line];
        let line = &mut self.lines[number % 2];
        if line.read(view, number) {
            // Each pixel of the image once, as exactly as the standard says.
            line.mixed.extend(line.values.iter().map(|value| view.painting.level(*value)));
        }
        for (pixel, at) in pixels.iter_mut().zip(&self.along.first) {
            if !line.is_padding(*at) {
                *pixel = view.shade(line.mixed[*at], *pixel);
            }
        }
    }

    fn smooth(&mut self, view: &View<'_>, line: usize, pixels: &mut [Rgba]) {
        let (near, far, share) = (self.across.first[line], self.across.second[line], self.across.share[line]);
        for number in [near, far] {
            let line = &mut self.lines[number % 2];
            line.read(view, number);
            if view.upright && line.mixed.is_empty() {
                line.mixed.extend(mixed_along(&self.along, &line.values));
            }
            if !line.padding.is_empty() && line.beside_padding.is_empty() {
                let pairs = self.along.first.iter().zip(&self.along.second).enumerate();
                let beside = pairs.filter(|(_, (first, second))| line.padding[**first] || line.padding[**second]);
                line.beside_padding.extend(beside.map(|(place, _)| place));
            }
        }
        let [near, far] = [near, far].map(|number| &self.lines[number % 2]);
        if view.upright {
            let pairs = near.mixed.iter().zip(&far.mixed);
            view.lay(pixels, pairs.map(|(near, far)| mix(*near, *far, share)));
        } else {
            let pairs = near.values.iter().zip(&far.values);
            self.between.clear();
            self.between.extend(pairs.map(|(near, far)| mix(*near, *far, share)));
            view.lay(pixels, mixed_along(&self.along, &self.between));
        }
        // A neighbor that is padding has no value to mix in: the pixel under the point stands in for it.
        for place in near.beside_padding.iter().chain(&far.beside_padding) {
            let (first, second) = (self.along.first[*place], self.along.second[*place]);
            let along = self.along.share[*place];
            let nearest = if share >= 0.5 { far } else { near };
            let here = if along >= 0.5 { second } else { first };
            if nearest.is_padding(here) {
                pixels[*place] = BLACK;
                continue;
            }
            let beside =
                |line: &Line, at: usize| if line.is_padding(at) { nearest.values[here] } else { line.values[at] };
            let along_near = [beside(near, first), beside(near, second)];
            let along_far = [beside(far, first), beside(far, second)];
            let value = if view.upright {
                mix(mix(along_near[0], along_near[1], along), mix(along_far[0], along_far[1], along), share)
            } else {
                mix(mix(along_near[0], along_far[0], share), mix(along_near[1], along_far[1], share), along)
            };
            view.lay(&mut pixels[*place..=*place], std::iter::once(value));
        }
    }
}

/// What is the same for every line of a viewport.
#[derive(Debug, Clone, Copy)]
struct View<'a> {
    painting: &'a Painting<'a>,
    upright: bool,
    channel: Channel,
    tone: Tone,
    /// What turns a level into that of an inverted picture.
    flip: u8,
}

/// Which component is read, and which ones get it.
#[derive(Debug, Clone, Copy)]
struct Channel {
    from: usize,
    /// A factor that puts a level into each of them.
    times: u32,
    /// What is left of the pixel.
    keeps: u32,
}

impl Channel {
    const GREY: Self = Self { from: 0, times: 0x0001_0101, keeps: 0xff00_0000 };
    const COLOR: [Self; 3] = [Self::component(0), Self::component(1), Self::component(2)];

    const fn component(number: usize) -> Self {
        Self { from: number, times: 1 << (8 * number), keeps: !(0xff << (8 * number)) }
    }
}

impl View<'_> {
    #[inline]
    fn shade(&self, level: f32, before: Rgba) -> Rgba {
        let level = u32::from(byte(level) ^ self.flip);
        ((u32::from_le_bytes(before) & self.channel.keeps) | (level * self.channel.times)).to_le_bytes()
    }

    /// Gives pixels their mixed values.
    fn lay(&self, pixels: &mut [Rgba], values: impl Iterator<Item = f32>) {
        let pairs = pixels.iter_mut().zip(values);
        match self.tone {
            Tone::Straight(_) => pairs.for_each(|(pixel, value)| *pixel = self.shade(within(value), *pixel)),
            Tone::Curved => pairs.for_each(|(pixel, value)| *pixel = self.shade(self.painting.level(value), *pixel)),
        }
    }
}

impl Line {
    fn is_padding(&self, at: usize) -> bool {
        self.padding.get(at).copied().unwrap_or(false)
    }

    /// Makes a line of the image ready; false if it is still there.
    fn read(&mut self, view: &View<'_>, number: usize) -> bool {
        if self.number == Some(number) {
            return false;
        }
        let View { painting, upright, channel, tone, .. } = *view;
        self.number = Some(number);
        self.mixed.clear();
        self.beside_padding.clear();
        painting.values.line(upright, channel.from, number, &mut self.stored);
        self.padding.clear();
        if painting.is_padded() && self.stored.iter().any(|value| painting.is_padding(*value)) {
            self.padding.extend(self.stored.iter().map(|value| painting.is_padding(*value)));
        }
        self.values.clear();
        match painting.modality_table {
            Some(table) => self.values.extend(self.stored.iter().map(|value| painting.looked_up(table, *value))),
            None => self.values.extend_from_slice(&self.stored),
        }
        if let Tone::Straight([factor, offset]) = tone {
            self.values.iter_mut().for_each(|value| *value = *value * factor + offset);
        }
        true
    }
}

impl Painting<'_> {
    fn is_padded(&self) -> bool {
        self.mode.grey.is_some_and(|grey| grey.padded)
    }

    /// PS3.3 C.7.5.1.1.2.
    fn is_padding(&self, stored: f32) -> bool {
        let [middle, half, ..] = self.uniform.padding;
        (stored - middle).abs() <= half
    }

    /// The level of a value after the modality's table, before slope and intercept; not yet inverted.
    fn level(&self, value: f32) -> f32 {
        let Uniform { window: [middle, divisor, lower, upper], rescale: [slope, intercept, ..], voi, .. } =
            self.uniform;
        let Some(grey) = self.mode.grey else { return (value + 0.5).floor() };
        let value = match grey.modality {
            Modality::Rescale => value * slope + intercept,
            Modality::Table => value,
        };
        let shade = match (grey.curve, self.voi_table) {
            (Curve::Table, Some(table)) => {
                let [first, last, greatest, _] = voi;
                let place = index(((value + 0.5).floor() - first).clamp(0.0, last));
                (f32::from(table.entries[place]) / greatest).min(1.0)
            }
            (Curve::Sigmoid, _) => 1.0 / (1.0 + (-4.0 * (value - middle) / divisor).exp()),
            (Curve::Linear, _) | (Curve::Table, None) if value <= lower => 0.0,
            (Curve::Linear, _) | (Curve::Table, None) if value > upper => 1.0,
            (Curve::Linear, _) | (Curve::Table, None) => ((value - middle) / divisor + 0.5).clamp(0.0, 1.0),
        };
        within((shade * 255.0 + 0.5).floor())
    }

    /// PS3.3 C.11.1.1.1: values outside take the first or the last entry.
    fn looked_up(&self, table: &Table, value: f32) -> f32 {
        let [first, last, ..] = self.uniform.modality;
        f32::from(table.entries[index((value - first).clamp(0.0, last))])
    }
}

impl Values<'_> {
    fn rows(self) -> usize {
        (self.bytes.len() / self.format.bytes()).checked_div(self.columns).unwrap_or(0)
    }

    /// A row, or a column, as numbers.
    fn line(self, row: bool, channel: usize, number: usize, into: &mut Vec<f32>) {
        let size = self.format.bytes();
        into.clear();
        if row {
            let length = self.columns * size;
            self.numbers(channel, self.bytes[number * length..][..length].chunks_exact(size), into);
        } else {
            self.numbers(channel, self.bytes.chunks_exact(size).skip(number).step_by(self.columns), into);
        }
    }

    fn numbers<'p>(self, channel: usize, pixels: impl Iterator<Item = &'p [u8]>, into: &mut Vec<f32>) {
        match self.format {
            Format::U8 => into.extend(pixels.map(|p| f32::from(p[0]))),
            Format::U16 => into.extend(pixels.map(|p| f32::from(u16::from_le_bytes([p[0], p[1]])))),
            Format::I16 => into.extend(pixels.map(|p| f32::from(i16::from_le_bytes([p[0], p[1]])))),
            Format::Rgb8 => into.extend(pixels.map(|p| f32::from(p[channel]))),
        }
    }
}

/// What lies beneath is gone where nothing of an image is shown, too.
fn blacken(target: &mut [Rgba], width: usize, [left, top, wide, high]: [u32; 4]) {
    for line in target.chunks_exact_mut(width.max(1)).skip(top as usize).take(high as usize) {
        line[left as usize..][..wide as usize].fill(BLACK);
    }
}

fn mix(near: f32, far: f32, share: f32) -> f32 {
    near + (far - near) * share
}

/// A level, from a value that may lie beyond black or white.
fn within(value: f32) -> f32 {
    let value = if value > 0.0 { value } else { 0.0 };
    if value < 255.0 { value } else { 255.0 }
}

/// The mix for each device pixel.
fn mixed_along(along: &Axis, values: &[f32]) -> impl Iterator<Item = f32> {
    let pairs = along.first.iter().zip(&along.second).zip(&along.share);
    pairs.map(|((first, second), share)| mix(values[*first], values[*second], *share))
}
