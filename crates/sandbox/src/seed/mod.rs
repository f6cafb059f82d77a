//! The demonstration's record: the recipe turned into FHIR R4 resources, dates relative to a day.

mod archive;
mod directory;
mod letter;
pub(crate) mod listed;
mod maker;
mod others;
mod patient;
pub(crate) mod recipe;
mod session;
mod signature;
mod tumor;

pub(crate) use archive::with_archive;

use crate::clock::berlin;
use jiff::civil::{Date, DateTime};
use jiff::{RoundMode, SignedDuration, Timestamp, Unit, ZonedRound};
use maker::Maker;
use serde_json::Value;

/// The language of titles, summaries, questions and people's specialties. Documents are German.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// German.
    #[default]
    German,
    /// English.
    English,
}

/// What the recipe leaves open.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The day that `d: 0` means.
    pub today: Date,
    /// When the board begins, local time in Europe/Berlin.
    pub board: DateTime,
    /// The language of what is not a document.
    pub language: Language,
}

impl Plan {
    /// The plan of a platform started at `now`: the board begins three minutes later, rounded up to
    /// the next full five minutes.
    #[must_use]
    pub fn starting(now: Timestamp, language: Language) -> Self {
        let now = now.to_zoned(berlin());
        let up = ZonedRound::new().smallest(Unit::Minute).increment(5).mode(RoundMode::Ceil);
        let board = now.saturating_add(SignedDuration::from_mins(3)).round(up).expect("five divides an hour");
        Self { today: now.date(), board: board.datetime(), language }
    }
}

/// All resources of the demonstration. Ids are the recipe's.
#[must_use]
pub fn resources(plan: &Plan) -> Vec<Value> {
    let mut all = board_resources(plan);
    let mut maker = Maker::new(plan);
    maker.other_cases();
    all.extend(maker.out);
    signature::with_signatures(all)
}

/// The board, its five cases, the decoy and their images, without the cases that only fill lists and without the
/// signatures of earlier decisions.
#[must_use]
pub fn board_resources(plan: &Plan) -> Vec<Value> {
    let mut maker = Maker::new(plan);
    maker.directory();
    for patient in recipe::patients() {
        maker.patient(patient);
    }
    maker.images();
    maker.session();
    maker.out
}

#[cfg(test)]
mod tests {
    use super::{Language, Plan};

    #[test]
    fn the_board_begins_three_minutes_after_the_start_rounded_up_to_five() {
        for (start, board) in [
            ("2026-11-24T13:57:00Z", "2026-11-24T15:00:00"),
            ("2026-11-24T13:57:01Z", "2026-11-24T15:05:00"),
            ("2026-07-01T12:00:00Z", "2026-07-01T14:05:00"),
            ("2026-11-24T22:58:00Z", "2026-11-25T00:05:00"),
        ] {
            let plan = Plan::starting(start.parse().expect("a timestamp"), Language::German);
            assert_eq!(plan.board, board.parse().expect("a date and time"), "started at {start}");
        }
    }
}
