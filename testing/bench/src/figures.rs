//! The list of figures, as the scripts write it.

use anyhow::Result;
use serde::Serialize;
use std::path::Path;

#[derive(Debug, Serialize)]
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    goal: Option<String>,
    holds: Option<bool>,
}

/// Figures in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<Figure>);

impl Figures {
    /// Information without a goal.
    pub(crate) fn note(&mut self, name: String, value: f64, unit: &'static str) {
        self.0.push(Figure { name, value: rounded(value), unit, goal: None, holds: None });
    }

    /// A promise that holds from `least` on.
    pub(crate) fn at_least(&mut self, name: String, value: f64, unit: &'static str, least: f64) {
        let (goal, holds) = (Some(format!(">= {least}")), Some(value >= least));
        self.0.push(Figure { name, value: rounded(value), unit, goal, holds });
    }

    /// A promise that holds up to `most`.
    pub(crate) fn at_most(&mut self, name: String, value: f64, unit: &'static str, most: f64) {
        let (goal, holds) = (Some(format!("<= {}", rounded(most))), Some(value <= most));
        self.0.push(Figure { name, value: rounded(value), unit, goal, holds });
    }

    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        std::fs::write(file, format!("{}\n", serde_json::to_string_pretty(&self.0)?))?;
        Ok(())
    }
}

/// Three digits say all that such a measurement knows.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let unit = 10f64.powf(2.0 - value.abs().log10().floor());
    (value * unit).round() / unit
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn a_figure_has_three_digits() {
        for (value, expected) in [(1.234_5, 1.23), (987.6, 988.0), (0.012_345, 0.0123), (0.0, 0.0)] {
            assert!((rounded(value) - expected).abs() < 1e-9, "{value} becomes {}", rounded(value));
        }
    }
}
