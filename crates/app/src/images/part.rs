//! What names an entry of the strip: a series, or a part of one whose images differ in size or kind of pixels.
//!
//! The first part goes by the Series Instance UID, so that a series of one kind is called what the archive calls it.
//! Each further part has its number behind a character that no UID holds (PS3.5 9.1). Numbers follow the images that
//! the archive has, so an image that arrives late may give a part another name at the next opening.

use model::{IdError, SeriesUid};
use std::fmt;

/// Between the UID and the number.
const MARK: char = '~';

/// The name of a part of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartName {
    /// The series as the archive knows it.
    pub(crate) series: SeriesUid,
    /// The part, from 0.
    pub(crate) part: usize,
}

impl PartName {
    /// Reads a name as the page gives it back.
    pub(crate) fn parse(text: &str) -> Result<Self, IdError> {
        let Some((series, number)) = text.split_once(MARK) else {
            return Ok(Self { series: SeriesUid::parse(text)?, part: 0 });
        };
        let part = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let name = Self { series: SeriesUid::parse(series)?, part: part.ok_or(IdError::Component)? };
        // A part has one name, or what is kept under it would be kept twice.
        if name.to_string() == text { Ok(name) } else { Err(IdError::Component) }
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.series.as_str())?;
        if self.part > 0 {
            write!(f, "{MARK}{}", self.part + 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::PartName;

    #[test]
    fn a_part_has_one_name_and_the_first_has_the_series_own() {
        for (text, part) in [("1.2.3", Some(0)), ("1.2.3~2", Some(1)), ("1.2.3~10", Some(9))] {
            let name = PartName::parse(text).ok();
            assert_eq!(name.as_ref().map(|name| name.part), part, "{text}");
            assert_eq!(name.map(|name| name.to_string()).as_deref(), Some(text), "there and back");
        }
        for text in
            ["", "1.2.3~", "1.2.3~0", "1.2.3~1", "1.2.3~02", "1.2.3~+2", "1.2.3~2~2", "~2", "1.2/3~2", "1.2.3\0~2"]
        {
            assert!(PartName::parse(text).is_err(), "{text:?} is no name");
        }
    }
}
