//! How a frame is to be shown, resolved into what both the shaders and the processor compute with.

use crate::number::{narrow, signed};
use crate::scene::Mapping;
use crate::{Format, Frame, Function, Series, Table, Window};
use bytemuck::{Pod, Zeroable};

/// How a texture is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Samples {
    Unsigned,
    Signed,
    Color,
}

/// From stored values to those of the modality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Modality {
    Rescale,
    Table,
}

/// How values become grey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Curve {
    Linear,
    Sigmoid,
    Table,
}

/// What a grey image is drawn through; color is shown as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Grey {
    pub(crate) padded: bool,
    pub(crate) modality: Modality,
    pub(crate) curve: Curve,
}

/// Everything that decides which pipeline paints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mode {
    pub(crate) samples: Samples,
    pub(crate) smooth: bool,
    // None for color.
    pub(crate) grey: Option<Grey>,
}

/// What stands for a window: one, or a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Voi<'a> {
    Window(Window),
    Table(&'a Table),
}

/// How a frame is to be shown, resolved from the series, the frame and the viewport.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) padding: Option<[i32; 2]>,
    pub(crate) modality: Option<&'a Table>,
    pub(crate) voi: Voi<'a>,
    pub(crate) inverted: bool,
}

impl Mode {
    pub(crate) fn new(format: Format, look: &Look<'_>, smooth: bool) -> Self {
        let samples = match format {
            Format::U8 | Format::U16 => Samples::Unsigned,
            Format::I16 => Samples::Signed,
            Format::Rgb8 => Samples::Color,
        };
        let grey = (samples != Samples::Color).then(|| Grey {
            padded: look.padding.is_some(),
            modality: if look.modality.is_some() { Modality::Table } else { Modality::Rescale },
            curve: match look.voi {
                Voi::Window(Window { function: Function::Linear | Function::LinearExact, .. }) => Curve::Linear,
                Voi::Window(Window { function: Function::Sigmoid, .. }) => Curve::Sigmoid,
                Voi::Table(_) => Curve::Table,
            },
        });
        Self { samples, smooth, grey }
    }
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(crate) struct Uniform {
    pub(crate) column: [f32; 4],
    pub(crate) row: [f32; 4],
    pub(crate) window: [f32; 4],
    pub(crate) rescale: [f32; 4],
    pub(crate) padding: [f32; 4],
    pub(crate) modality: [f32; 4],
    pub(crate) voi: [f32; 4],
    pub(crate) place: [i32; 4],
}

impl Uniform {
    /// `origin` is the viewport's corner on the target.
    pub(crate) fn new(series: &Series, frame: &Frame, mapping: &Mapping, origin: [f64; 2], look: &Look<'_>) -> Self {
        let [column, row] = mapping
            .coefficients()
            .map(|[x, y, c]| [narrow(x), narrow(y), narrow(c - x * origin[0] - y * origin[1]), 0.0]);
        let (window, table) = match look.voi {
            Voi::Window(window) => (window, None),
            Voi::Table(table) => (table.input_window(), Some(table)),
        };
        let Window { center, width, function } = window.defined();
        // PS3.3 C.11.2.1.2.1: y = (x - (c - 0.5)) / (w - 1) + 0.5, black at or below the lower and white
        // above the upper edge. C.11.2.1.3.2, LINEAR_EXACT: y = (x - c) / w + 0.5.
        let (middle, span) = match function {
            Function::Linear => (center - 0.5, width - 1.0),
            Function::LinearExact | Function::Sigmoid => (center, width),
        };
        // With a width of 1 every value is at or below the lower edge or above the upper; the quotient is not used.
        let divisor = if span > 0.0 { span } else { 1.0 };
        let window = [narrow(middle), narrow(divisor), narrow(middle - span / 2.0), narrow(middle + span / 2.0)];
        Self {
            column,
            row,
            window,
            rescale: [narrow(frame.slope), narrow(frame.intercept), if look.inverted { 255.0 } else { 0.0 }, 0.0],
            padding: look.padding.map_or([0.0; 4], padding_numbers),
            modality: look.modality.map_or([0.0; 4], table_numbers),
            voi: table.map_or([0.0; 4], table_numbers),
            place: [signed(series.columns), signed(series.rows), 0, 0],
        }
    }
}

/// Middle and half width: exact, since stored values have at most 16 bits. Beyond those nothing is stored.
fn padding_numbers([least, greatest]: [i32; 2]) -> [f32; 4] {
    let [least, greatest] = [least, greatest].map(|value| f64::from(value.clamp(-65_536, 131_072)));
    [narrow(f64::midpoint(least, greatest)), narrow((greatest - least) / 2.0), 0.0, 0.0]
}

/// First input, index of the last entry, greatest entry.
fn table_numbers(table: &Table) -> [f32; 4] {
    let last = u32::try_from(table.entries.len().saturating_sub(1)).unwrap_or(u32::MAX);
    [narrow(f64::from(table.first)), narrow(f64::from(last)), f32::from(table.greatest.max(1)), 0.0]
}
