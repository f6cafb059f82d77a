//! A window for images that store none, from the values of some frames.
//!
//! One window serves the whole series: a window of each frame's own would make the same tissue change
//! its gray from slice to slice.

use crate::frame::StoredFrame;
use crate::instance::FrameFacts;
use crate::lut::{VoiFunction, Window};

/// Values of a frame that are looked at; more tell nothing about the percentiles of a picture.
const VALUES_PER_FRAME: usize = 1 << 16;

/// A frame that the window is made from.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// Its stored values.
    pub frame: &'a StoredFrame,
    /// Its modality transformation.
    pub facts: &'a FrameFacts,
    /// Stored values that are no part of the picture (PS3.3 C.7.5.1.1.2).
    pub padding: Option<(i32, i32)>,
}

/// The window that shows most of the values of the samples; `None` for color and where all is padding.
///
/// Emission images (PET, scintigraphy) begin at nothing and have few pixels that are far brighter than
/// the body, so theirs runs from 0 to the 99.9th percentile. Everything else runs from the 1st to the
/// 99th. A window between whole numbers is LINEAR, another LINEAR_EXACT, which is defined for widths
/// below 1 (PS3.3 C.11.2.1.3.2).
#[must_use]
pub fn auto_window(samples: &[Sample<'_>], modality: &str) -> Option<Window> {
    let mut values: Vec<f64> = samples.iter().flat_map(values_of).filter(|value| value.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let (&least, &greatest) = (values.first()?, values.last()?);
    let at = |per_mille: usize| values[(values.len() - 1) * per_mille / 1000];
    let (mut low, mut high) = match modality {
        "PT" | "NM" => (least.min(0.0), at(999)),
        _ => (at(10), at(990)),
    };
    if low >= high {
        (low, high) = (least, greatest);
    }
    if low >= high {
        // One value everywhere: black, as the standard shows what is at the lower edge.
        return Some(Window::spanning(low, low + 1.0));
    }
    if low.fract() == 0.0 && high.fract() == 0.0 {
        return Some(Window::spanning(low, high));
    }
    Some(Window {
        center: f64::midpoint(low, high),
        width: high - low,
        function: VoiFunction::LinearExact,
        explanation: None,
    })
}

/// The rescaled values of a sample without padding, evenly chosen from the whole frame.
fn values_of<'a>(sample: &Sample<'a>) -> impl Iterator<Item = f64> + use<'a> {
    let Sample { frame, facts, padding } = *sample;
    let values = frame.values();
    let mut step = values.len().div_ceil(VALUES_PER_FRAME).max(1);
    // A step that divides the row would look at some columns only.
    while step > 1 && (frame.columns as usize).is_multiple_of(step) {
        step += 1;
    }
    let is_padding = move |value: i64| padding.is_some_and(|(a, b)| (i64::from(a)..=i64::from(b)).contains(&value));
    values.into_iter().step_by(step).filter(move |&value| !is_padding(value)).map(|value| facts.rescaled(value))
}

#[cfg(test)]
mod tests {
    use super::{Sample, auto_window};
    use crate::frame::{FrameFormat, StoredFrame};
    use crate::instance::FrameFacts;
    use crate::lut::{Lut, Rescale, VoiFunction, Window};
    use std::sync::Arc;

    fn frame(values: &[i16]) -> StoredFrame {
        let columns = u32::try_from(values.len()).expect("a short row");
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        StoredFrame { columns, rows: 1, format: FrameFormat::I16, bytes }
    }

    fn facts(slope: f64) -> FrameFacts {
        FrameFacts { rescale: Rescale { slope, intercept: 0.0, unit: None }, ..FrameFacts::default() }
    }

    #[test]
    fn padding_has_no_part_in_the_window() {
        let mut values = vec![-2000; 500];
        values.extend(0..=100);
        let (frame, facts) = (frame(&values), facts(1.0));
        let window = auto_window(&[Sample { frame: &frame, facts: &facts, padding: Some((-2000, -2000)) }], "MR");
        assert_eq!(window, Some(Window::spanning(1.0, 99.0)), "1st to 99th of 0 to 100");
        let only = Sample { frame: &frame, facts: &facts, padding: Some((-2000, 100)) };
        assert_eq!(auto_window(&[only], "MR"), None, "nothing is left");
    }

    #[test]
    fn every_frame_counts_with_its_own_slope() {
        let (stored, halves, tens) = (frame(&[0, 1000]), facts(0.5), facts(10.0));
        let sample = |facts| Sample { frame: &stored, facts, padding: None };
        let window = auto_window(&[sample(&halves), sample(&tens)], "PT").expect("there are values");
        // Rescaled values are 0, 500, 0, 10000; the 99.9th of four is the third.
        assert_eq!((window.center, window.width), (250.5, 501.0), "0 to 500");
    }

    #[test]
    fn values_below_one_get_a_window_that_is_defined_for_them() {
        let values: Vec<i16> = (0..=1000).collect();
        let (frame, facts) = (frame(&values), facts(0.001));
        let window = auto_window(&[Sample { frame: &frame, facts: &facts, padding: None }], "MR").expect("values");
        assert_eq!(window.function, VoiFunction::LinearExact, "LINEAR needs a width of 1");
        assert!((window.width - 0.98).abs() < 1e-9 && (window.center - 0.5).abs() < 1e-9, "{window:?}");
    }

    #[test]
    fn the_modality_table_stands_for_slope_and_intercept() {
        let table = Lut { first: 0, bits: 16, entries: vec![7, 40_000], explanation: None, unit: None };
        let facts = FrameFacts { modality_lut: Some(Arc::new(table)), ..facts(1.0) };
        let frame = frame(&[0, 1, 1, 1]);
        let window = auto_window(&[Sample { frame: &frame, facts: &facts, padding: None }], "DX");
        assert_eq!(window, Some(Window::spanning(7.0, 40_000.0)), "entries, not stored values");
    }

    #[test]
    fn a_frame_of_one_value_has_a_window_all_the_same() {
        let (frame, facts) = (frame(&[5, 5, 5]), facts(1.0));
        let window = auto_window(&[Sample { frame: &frame, facts: &facts, padding: None }], "MR");
        assert_eq!(window.map(|w| w.is_valid()), Some(true), "no division by nothing");
    }
}
