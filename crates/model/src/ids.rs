//! Typed identifiers. They parse on construction and never come from an unchecked string.

use std::fmt;

/// Why a string is not an identifier of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdError {
    /// Nothing was given.
    Empty,
    /// Longer than the standard allows.
    TooLong,
    /// A character outside the standard's set.
    Character,
    /// A UID component is empty or has a leading zero.
    Component,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the identifier is empty",
            Self::TooLong => "the identifier is too long",
            Self::Character => "the identifier holds a character that is not allowed",
            Self::Component => "a component of the identifier is empty or begins with zero",
        })
    }
}

impl std::error::Error for IdError {}

// PS3.5 9.1: at most 64 characters, components of digits separated by full stops. Leading zeros are
// forbidden by the standard and common in archives, so they are tolerated when reading.
fn parse_uid(text: &str) -> Result<String, IdError> {
    let text = text.trim_end_matches(['\0', ' ']);
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > 64 {
        return Err(IdError::TooLong);
    }
    if !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(IdError::Character);
    }
    if text.split('.').any(str::is_empty) {
        return Err(IdError::Component);
    }
    Ok(text.to_owned())
}

// FHIR R4 `id`: [A-Za-z0-9\-\.]{1,64}
fn parse_fhir_id(text: &str) -> Result<String, IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > 64 {
        return Err(IdError::TooLong);
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') {
        return Err(IdError::Character);
    }
    Ok(text.to_owned())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $parse:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks `text` and takes it.
            ///
            /// # Errors
            /// [`IdError`] says what is wrong with it.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                $parse(text).map(Self)
            }

            /// The identifier as it is written on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// The logical id of a FHIR Patient on the platform.
    PatientId, parse_fhir_id
);
id!(
    /// DICOM Study Instance UID (0020,000D).
    StudyUid, parse_uid
);
id!(
    /// DICOM Series Instance UID (0020,000E).
    SeriesUid, parse_uid
);
id!(
    /// DICOM SOP Instance UID (0008,0018).
    SopInstanceUid, parse_uid
);

#[cfg(test)]
mod tests {
    use super::{IdError, PatientId, StudyUid};

    #[test]
    fn uids_parse_as_the_standard_says() {
        for (text, expected) in [
            ("1.2.840.10008.1.2", Ok("1.2.840.10008.1.2")),
            ("1.2.3\0", Ok("1.2.3")),
            ("", Err(IdError::Empty)),
            ("1..2", Err(IdError::Component)),
            ("1.2/../3", Err(IdError::Character)),
        ] {
            assert_eq!(StudyUid::parse(text).as_ref().map(StudyUid::as_str).map_err(|e| *e), expected, "{text:?}");
        }
        assert_eq!(StudyUid::parse(&"1.".repeat(40)), Err(IdError::TooLong), "64 characters are the limit");
    }

    #[test]
    fn a_patient_id_cannot_leave_its_path_segment() {
        assert_eq!(
            PatientId::parse("../Practitioner"),
            Err(IdError::Character),
            "a slash would address another resource"
        );
        assert!(PatientId::parse("pat-auenwald").is_ok(), "the plain form is accepted");
    }
}
