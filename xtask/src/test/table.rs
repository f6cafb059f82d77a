//! The table that closes a test run.

use std::time::Duration;

/// What one part of a run gave.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    /// Names of what failed, reasons of what was skipped.
    pub(crate) reasons: Vec<String>,
}

impl Counts {
    /// Something that is not divided further.
    pub(crate) fn one(holds: bool) -> Self {
        Self { passed: usize::from(holds), failed: usize::from(!holds), ..Self::default() }
    }

    pub(crate) fn skipped(why: String) -> Self {
        Self { skipped: 1, reasons: vec![why], ..Self::default() }
    }
}

/// Rows in the order in which they ran.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<(String, Counts, Duration)>,
}

impl Table {
    pub(crate) fn add(&mut self, area: &str, what: &str, counts: Counts, took: Duration) {
        self.rows.push((format!("{area}: {what}"), counts, took));
    }

    /// Prints the rows, the reasons and the line of sums; gives how many failed.
    pub(crate) fn print(&self) -> usize {
        println!("\n{}", self.text());
        self.rows.iter().map(|(_, counts, _)| counts.failed).sum()
    }

    fn text(&self) -> String {
        let width = self.rows.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0).max("what ran".len());
        let mut text = format!("{:width$}  passed  failed  skipped  seconds\n", "what ran");
        let mut sums = Counts::default();
        for (name, counts, took) in &self.rows {
            text += &format!(
                "{name:width$}  {:>6}  {:>6}  {:>7}  {:>7.1}\n",
                counts.passed,
                counts.failed,
                counts.skipped,
                took.as_secs_f64()
            );
            sums.passed += counts.passed;
            sums.failed += counts.failed;
            sums.skipped += counts.skipped;
        }
        for (title, wanted) in [("failed", true), ("skipped", false)] {
            let rows = self.rows.iter().filter(|(_, counts, _)| {
                if wanted { counts.failed > 0 } else { counts.failed == 0 && counts.skipped > 0 }
            });
            let lines: Vec<String> = rows
                .flat_map(|(name, counts, _)| counts.reasons.iter().map(move |why| format!("  {name}: {why}\n")))
                .collect();
            if !lines.is_empty() {
                text += &format!("\n{title}, and why:\n{}", lines.concat());
            }
        }
        text + &format!("\n{} passed, {} failed, {} skipped", sums.passed, sums.failed, sums.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Table};
    use std::time::Duration;

    #[test]
    fn the_last_line_is_the_plain_sums() {
        let mut table = Table::default();
        table.add(
            "imaging",
            "tests",
            Counts { passed: 10, failed: 1, skipped: 2, reasons: vec!["no data".into()] },
            Duration::ZERO,
        );
        table.add("ui", "lint", Counts::one(true), Duration::ZERO);
        let text = table.text();
        assert_eq!(text.lines().last(), Some("11 passed, 1 failed, 2 skipped"), "sums of both rows");
        assert!(text.contains("  imaging: tests: no data\n"), "the reason is told: {text}");
    }
}
