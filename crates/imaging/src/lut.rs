//! From stored values to display values: modality transformation, window, look-up tables.
//!
//! The window formulas are computed in `f32` with the operations and their order as the shader has
//! them, so that a picture of the GPU can be compared with [`crate::render`].

/// VOI LUT Function (0028,1056), PS3.3 C.11.2.1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum VoiFunction {
    /// LINEAR, the default.
    #[default]
    Linear,
    /// LINEAR_EXACT.
    LinearExact,
    /// SIGMOID.
    Sigmoid,
}

impl VoiFunction {
    /// The value of a defined term; unknown terms read as LINEAR, as an absent attribute does.
    #[must_use]
    pub fn parse(term: &str) -> Self {
        match term.trim_matches([' ', '\0']) {
            "LINEAR_EXACT" => Self::LinearExact,
            "SIGMOID" => Self::Sigmoid,
            _ => Self::Linear,
        }
    }
}

/// A window in rescaled values.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Window Center (0028,1050).
    pub center: f64,
    /// Window Width (0028,1051).
    pub width: f64,
    /// How values become gray.
    pub function: VoiFunction,
    /// Window Center & Width Explanation (0028,1055).
    pub explanation: Option<String>,
}

impl Window {
    /// A window with the LINEAR function.
    #[must_use]
    pub const fn linear(center: f64, width: f64) -> Self {
        Self { center, width, function: VoiFunction::Linear, explanation: None }
    }

    /// Whether the standard allows this width (PS3.3 C.11.2.1.2.1: at least 1 for LINEAR, greater
    /// than 0 otherwise).
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.center.is_finite()
            && self.width.is_finite()
            && match self.function {
                VoiFunction::Linear => self.width >= 1.0,
                VoiFunction::LinearExact | VoiFunction::Sigmoid => self.width > 0.0,
            }
    }

    /// The gray of a rescaled value, from 0 to 1.
    #[must_use]
    pub fn apply(&self, value: f32) -> f32 {
        // PS3.3 C.11.2.1.2.1 has its middle at c - 0.5 and its edges w - 1 apart; LINEAR_EXACT
        // (C.11.2.1.3.2) has them at c and w.
        let (middle, span) = match self.function {
            VoiFunction::Linear => (self.center - 0.5, self.width - 1.0),
            VoiFunction::LinearExact | VoiFunction::Sigmoid => (self.center, self.width),
        };
        // Without a span every value is below or above an edge; the quotient is not used.
        let divisor = if span > 0.0 { span } else { 1.0 };
        #[expect(clippy::cast_possible_truncation, reason = "the shader's uniforms are f32")]
        let [middle, divisor, black, white] =
            [middle, divisor, middle - span / 2.0, middle + span / 2.0].map(|number| number as f32);
        match self.function {
            VoiFunction::Linear | VoiFunction::LinearExact if value <= black => 0.0,
            VoiFunction::Linear | VoiFunction::LinearExact if value > white => 1.0,
            VoiFunction::Linear | VoiFunction::LinearExact => ((value - middle) / divisor + 0.5).clamp(0.0, 1.0),
            // PS3.3 C.11.2.1.3.1
            VoiFunction::Sigmoid => 1.0 / (1.0 + (-4.0 * (value - middle) / divisor).exp()),
        }
    }

    /// The window that shows every value of `least..=greatest` (LINEAR: C.11.2.1.2.1 puts the first
    /// gray at `center - 0.5 - (width - 1) / 2`).
    #[must_use]
    pub fn spanning(least: f64, greatest: f64) -> Self {
        let width = (greatest - least + 1.0).max(1.0);
        Self::linear(least + width / 2.0, width)
    }
}

/// Rescale Slope, Intercept and Type (PS3.3 C.11.1).
#[derive(Debug, Clone, PartialEq)]
pub struct Rescale {
    /// Rescale Slope (0028,1053).
    pub slope: f64,
    /// Rescale Intercept (0028,1052).
    pub intercept: f64,
    /// Rescale Type (0028,1054): `HU`, `US`, …; `None` where not given.
    pub unit: Option<String>,
}

impl Default for Rescale {
    fn default() -> Self {
        Self { slope: 1.0, intercept: 0.0, unit: None }
    }
}

impl Rescale {
    /// The rescaled value of a stored one, exactly, for numbers that are read.
    #[must_use]
    pub fn apply(&self, stored: i64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "stored values have at most 32 bits")]
        let stored = stored as f64;
        stored * self.slope + self.intercept
    }
}

/// A look-up table of the Modality LUT or VOI LUT Sequence (PS3.3 C.11.1.1, C.11.2.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lut {
    /// The first input value that is mapped.
    pub first: i32,
    /// Bits of an entry, 8 to 16.
    pub bits: u8,
    /// Entries.
    pub entries: Vec<u16>,
    /// LUT Explanation (0028,3003).
    pub explanation: Option<String>,
    /// Modality LUT Type (0028,3004): unit of the output.
    pub unit: Option<String>,
}

impl Lut {
    /// The entry of an input value; values outside take the first or the last entry.
    #[must_use]
    pub fn lookup(&self, input: i64) -> u16 {
        let index = usize::try_from(input - i64::from(self.first)).unwrap_or(0);
        self.entries.get(index).or_else(|| self.entries.last()).copied().unwrap_or(0)
    }

    /// The window over all inputs that the table tells apart: where dragging begins.
    #[must_use]
    pub fn input_window(&self) -> Window {
        let count = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        Window::spanning(f64::from(self.first), f64::from(self.first) + f64::from(count) - 1.0)
    }

    /// The greatest value that an entry may have.
    #[must_use]
    pub fn greatest(&self) -> u16 {
        match self.bits {
            0 => 0,
            bits @ 1..=15 => (1 << bits) - 1,
            _ => u16::MAX,
        }
    }
}

/// How rescaled values become gray: by a window or by a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Voi<'a> {
    /// A window.
    Window(&'a Window),
    /// An item of the VOI LUT Sequence.
    Table(&'a Lut),
}

/// The whole way of a gray value, PS3.4 N.2: modality transformation, VOI transformation, inversion.
#[derive(Debug, Clone, PartialEq)]
pub struct GrayTransform<'a> {
    /// Slope and intercept; ignored where a modality table is given.
    pub slope: f32,
    /// Intercept.
    pub intercept: f32,
    /// Modality table.
    pub modality: Option<&'a Lut>,
    /// Window or table.
    pub voi: Voi<'a>,
    /// MONOCHROME1, or inversion by the reader; both together cancel out.
    pub invert: bool,
    /// Stored values that are no part of the picture and stay black (PS3.3 C.7.5.1.1.2).
    pub padding: Option<(i32, i32)>,
}

impl<'a> GrayTransform<'a> {
    /// Slope, intercept and a window.
    #[must_use]
    pub fn window(rescale: &Rescale, window: &'a Window) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "the shader's uniforms are f32")]
        let (slope, intercept) = (rescale.slope as f32, rescale.intercept as f32);
        Self { slope, intercept, modality: None, voi: Voi::Window(window), invert: false, padding: None }
    }

    /// The output of the modality transformation.
    #[must_use]
    pub fn rescaled(&self, stored: i64) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "the shader computes in f32")]
        match self.modality {
            Some(table) => f32::from(table.lookup(stored)),
            None => stored as f32 * self.slope + self.intercept,
        }
    }

    /// The gray of a stored value, from 0 to 255, rounded.
    #[must_use]
    pub fn gray(&self, stored: i64) -> u8 {
        if self.padding.is_some_and(|(least, greatest)| (i64::from(least)..=i64::from(greatest)).contains(&stored)) {
            return 0;
        }
        let value = self.rescaled(stored);
        let shade = match self.voi {
            Voi::Window(window) => window.apply(value),
            #[expect(clippy::cast_possible_truncation, reason = "table inputs are whole numbers of 16 bits")]
            Voi::Table(table) => {
                f32::from(table.lookup((value + 0.5).floor() as i64)) / f32::from(table.greatest().max(1))
            }
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the clamp keeps the value within a byte"
        )]
        let level = (shade * 255.0 + 0.5).floor().clamp(0.0, 255.0) as u8;
        if self.invert { u8::MAX - level } else { level }
    }
}

#[cfg(test)]
mod tests {
    use super::{GrayTransform, Lut, Rescale, Voi, VoiFunction, Window};

    fn gray(window: &Window, value: f32) -> f32 {
        window.apply(value) * 255.0
    }

    #[test]
    fn linear_windows_follow_the_formula_of_the_standard() {
        // PS3.3 C.11.2.1.2.1, written out: x <= c-0.5-(w-1)/2 → 0; x > c-0.5+(w-1)/2 → 255;
        // else ((x-(c-0.5))/(w-1)+0.5) × 255.
        // The standard's Note 1: c = 2048, w = 4096: x <= 0 → 0, x > 4095 → 255, else x/4095.
        let window = Window::linear(2048.0, 4096.0);
        assert!(gray(&window, 0.0).abs() < 1e-3, "x = 0 is black");
        assert!((gray(&window, 4095.0) - 255.0).abs() < 1e-3, "x = 4095 is white");
        assert!(
            (gray(&window, 1000.0) - 1000.0 / 4095.0 * 255.0).abs() < 1e-2,
            "between: ((x - 2047.5)/4095 + 0.5) × 255"
        );
        // Note: c = 0, w = 100: x <= -50 → 0, x > 49 → 255.
        let window = Window::linear(0.0, 100.0);
        assert_eq!(gray(&window, -50.0), 0.0, "x <= -50");
        assert_eq!(gray(&window, 49.0), 255.0, "x = 49 is the last");
        assert!((gray(&window, 0.0) - (0.5 / 99.0 + 0.5) * 255.0).abs() < 1e-2, "x = 0");
        // Note: c = 0, w = 1: x <= -0.5 → 0, x > -0.5 → 255.
        let window = Window::linear(0.0, 1.0);
        assert_eq!((gray(&window, -0.5), gray(&window, 0.0)), (0.0, 255.0), "width 1 is a threshold");
    }

    #[test]
    fn exact_windows_follow_the_formula_of_the_standard() {
        // PS3.3 C.11.2.1.3.2: c = 2048, w = 4096: x <= 0 → 0, x > 4096 → 255, else x/4096 × 255.
        let window = Window { function: VoiFunction::LinearExact, ..Window::linear(2048.0, 4096.0) };
        assert_eq!(gray(&window, 0.0), 0.0, "x = 0");
        assert!((gray(&window, 1024.0) - 63.75).abs() < 1e-3, "a quarter");
        assert_eq!(gray(&window, 5000.0), 255.0, "beyond");
    }

    #[test]
    fn sigmoid_windows_follow_the_formula_of_the_standard() {
        // PS3.3 C.11.2.1.3.1: 255 / (1 + exp(-4 (x - c) / w)); exp(-1) = 0.367879441.
        let window = Window { function: VoiFunction::Sigmoid, ..Window::linear(100.0, 40.0) };
        assert!((gray(&window, 100.0) - 127.5).abs() < 1e-3, "half at the center");
        assert!((gray(&window, 110.0) - 255.0 / 1.367_879_4).abs() < 1e-2, "a quarter of the width above");
    }

    #[test]
    fn tables_map_the_outside_to_their_ends() {
        let lut = Lut { first: -2, bits: 8, entries: vec![10, 20, 255], explanation: None, unit: None };
        assert_eq!([-9, -2, -1, 0, 7].map(|v| lut.lookup(v)), [10, 10, 20, 255, 255], "PS3.3 C.11.1.1");
        let window = Window::linear(0.0, 1.0);
        let transform = GrayTransform { voi: Voi::Table(&lut), ..GrayTransform::window(&Rescale::default(), &window) };
        assert_eq!(transform.gray(-1), 20, "8-bit entries are grays");
    }

    #[test]
    fn padding_stays_black_under_inversion() {
        let window = Window::linear(128.0, 256.0);
        let mut transform = GrayTransform::window(&Rescale::default(), &window);
        transform.padding = Some((-5, -1));
        transform.invert = true;
        assert_eq!(transform.gray(-3), 0, "padding is no value");
        assert_eq!(transform.gray(0), 255, "the darkest value is the brightest now");
    }

    #[test]
    fn the_spanning_window_uses_every_gray() {
        let window = Window::spanning(-1000.0, 500.0);
        assert_eq!(window.apply(-1000.0), 0.0, "least");
        assert!((window.apply(500.0) - 1.0).abs() < 1e-6, "greatest");
    }
}
