//! The identity gate between the record and the images: is this study the patient's?
//!
//! Name, birth date and number of every study are compared with the Patient. Another birth date or
//! another name is another person, and nothing of the study is shown.

use contract::{IdentityGrade, IdentityView};
use imaging::PatientIdentity;
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;

/// What the record says of the patient, for the comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordIdentity {
    /// Family name and given names of every name in the record.
    pub names: Vec<model::Phi<(String, String)>>,
    /// ISO birth date.
    pub birth_date: Option<model::Phi<String>>,
    /// Every number that a house or insurer has for the patient.
    pub numbers: Vec<model::Phi<String>>,
}

/// How far a study's patient agrees with the record's.
#[must_use]
pub fn grade(record: &RecordIdentity, study: &PatientIdentity, confirmed: bool) -> IdentityGrade {
    let other = || view(study);
    let names = study.family_and_given();
    let (family, given) = names.reveal();
    let name = record.names.iter().map(|known| compare_names(known.reveal(), (family, given))).min();
    let Some(name) = name.filter(|_| !family.trim().is_empty()) else {
        return unclear_or_other(record, study, confirmed);
    };
    if name == NameMatch::Different {
        return IdentityGrade::Other { other: other() };
    }
    match (&record.birth_date, &study.birth_date) {
        (Some(known), Some(found)) if known.reveal() != found.reveal() => {
            return IdentityGrade::Other { other: other() };
        }
        (Some(_), Some(_)) => {}
        // A missing birth date proves nothing either way.
        (None, _) | (_, None) => return unclear_or_other(record, study, confirmed),
    }
    if !has_number(record, study) {
        return IdentityGrade::Unclear { other: other(), confirmed };
    }
    match name {
        NameMatch::Equal => IdentityGrade::Same,
        NameMatch::Spelling => IdentityGrade::Spelling { other: other() },
        NameMatch::Different => IdentityGrade::Other { other: other() },
    }
}

/// Without name or birth date only the number speaks.
fn unclear_or_other(record: &RecordIdentity, study: &PatientIdentity, confirmed: bool) -> IdentityGrade {
    if has_number(record, study) {
        IdentityGrade::Unclear { other: view(study), confirmed }
    } else {
        IdentityGrade::Other { other: view(study) }
    }
}

fn has_number(record: &RecordIdentity, study: &PatientIdentity) -> bool {
    let found = study.id.reveal().trim();
    !found.is_empty() && record.numbers.iter().any(|number| number.reveal().trim() == found)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum NameMatch {
    Equal,
    Spelling,
    Different,
}

fn compare_names(known: &(String, String), (family, given): (&str, &str)) -> NameMatch {
    let plain = |text: &str| fold(text);
    let (known_family, found_family) = (plain(&known.0), plain(family));
    let (known_given, found_given) = (words(&known.1), words(given));
    let given_agrees = !known_given.is_empty()
        && !found_given.is_empty()
        && (known_given.is_subset(&found_given) || found_given.is_subset(&known_given));
    if known_family == found_family && given_agrees {
        // Umlauts, case and a middle name left out are writing, not another name.
        return NameMatch::Equal;
    }
    let whole = |family: &str, given: &BTreeSet<String>| {
        format!("{family} {}", given.iter().map(String::as_str).collect::<Vec<_>>().join(" "))
    };
    let distance = edit_distance(&whole(&known_family, &known_given), &whole(&found_family, &found_given));
    if distance <= 2 { NameMatch::Spelling } else { NameMatch::Different }
}

fn words(text: &str) -> BTreeSet<String> {
    fold(text).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Titles say nothing about who somebody is.
const TITLES: [&str; 6] = ["dr", "prof", "med", "pd", "dipl", "ing"];

/// Lower case, German umlauts spelled out, other marks dropped, punctuation as spaces, no titles.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.nfc().flat_map(char::to_lowercase) {
        match c {
            'ä' => plain.push_str("ae"),
            'ö' => plain.push_str("oe"),
            'ü' => plain.push_str("ue"),
            'ß' => plain.push_str("ss"),
            'ı' => plain.push('i'),
            'ø' => plain.push_str("oe"),
            'æ' => plain.push_str("ae"),
            'ł' => plain.push('l'),
            c => {
                for part in std::iter::once(c).nfd() {
                    if part.is_alphanumeric() {
                        plain.push(part);
                    } else if !unicode_normalization::char::is_combining_mark(part) {
                        plain.push(' ');
                    }
                }
            }
        }
    }
    plain.split_whitespace().filter(|word| !TITLES.contains(word)).collect::<Vec<_>>().join(" ")
}

/// Levenshtein distance.
#[must_use]
pub fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// The study's person, to be named.
pub(crate) fn view(study: &PatientIdentity) -> IdentityView {
    let some = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
    let names = study.family_and_given();
    let (family, given) = names.reveal();
    IdentityView {
        family: some(family),
        given: some(given),
        birth_date: study.birth_date.as_ref().map(|date| date.reveal().clone()),
        age: None,
        gender: match study.sex.as_deref() {
            Some("M") => Some("male".to_owned()),
            Some("F") => Some("female".to_owned()),
            Some(_) => Some("other".to_owned()),
            None => None,
        },
        kvnr: None,
        number: some(study.id.reveal()),
        deceased: None,
    }
}

#[cfg(test)]
mod tests {
    use super::{RecordIdentity, edit_distance, fold, grade};
    use contract::IdentityGrade;
    use imaging::PatientIdentity;
    use model::Phi;

    fn record() -> RecordIdentity {
        RecordIdentity {
            names: vec![Phi::new(("Ährenfeld".to_owned(), "Wilfried".to_owned()))],
            birth_date: Some(Phi::new("1960-02-11".to_owned())),
            numbers: vec![Phi::new("EF-1".to_owned()), Phi::new("X110".to_owned())],
        }
    }

    fn study(name: &str, birth: Option<&str>, id: &str) -> PatientIdentity {
        PatientIdentity {
            id: Phi::new(id.to_owned()),
            issuer: None,
            name: Phi::new(name.to_owned()),
            birth_date: birth.map(|date| Phi::new(date.to_owned())),
            sex: Some("M".to_owned()),
        }
    }

    fn word(grade: &IdentityGrade) -> &'static str {
        match grade {
            IdentityGrade::Same => "same",
            IdentityGrade::Spelling { .. } => "spelling",
            IdentityGrade::Unclear { .. } => "unclear",
            IdentityGrade::Other { .. } => "other",
        }
    }

    #[test]
    fn studies_are_graded_as_the_board_demands() {
        for (name, birth, id, expected) in [
            ("Ährenfeld^Wilfried", Some("1960-02-11"), "EF-1", "same"),
            ("AEHRENFELD^WILFRIED", Some("1960-02-11"), "EF-1", "same"),
            ("Ährenfeld^Wilfried Karl", Some("1960-02-11"), "EF-1", "same"),
            ("Ärenfeld^Wilfried", Some("1960-02-11"), "EF-1", "spelling"),
            ("Ährenfeld^Wilfried", Some("1960-02-11"), "OTHER-9", "unclear"),
            ("Ährenfeld^Wilfried", None, "EF-1", "unclear"),
            ("Ährenfeld^Wilfried", Some("1958-02-11"), "EF-1", "other"),
            ("Birkenlicht^Selma", Some("1960-02-11"), "EF-1", "other"),
            ("", Some("1960-02-11"), "OTHER-9", "other"),
        ] {
            assert_eq!(word(&grade(&record(), &study(name, birth, id), false)), expected, "{name} {birth:?} {id}");
        }
    }

    #[test]
    fn folding_and_distance_follow_german_writing() {
        assert_eq!(fold("Dr. med. Ayşe-Nur Müßiggang"), "ayse nur muessiggang", "titles and marks go");
        assert_eq!(edit_distance("auenwald", "auerwald"), 1, "one letter differs");
        assert_eq!(edit_distance("kitten", "sitting"), 3, "the textbook pair");
    }
}
