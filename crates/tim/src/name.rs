//! Names as other people chose them, made safe to show.

/// Longer names are cut.
const LONGEST: usize = 120;
/// So much of the end of a file's name is always there: its ending says what it is.
const LAST: usize = 24;

/// A name without control characters, line breaks, characters that are not seen and characters that turn the direction of
/// what follows (Unicode TR36 §2.3, "bidirectional text spoofing"): "Anna[RLO]fdp.exe" must not read as another name.
pub(crate) fn clean(name: &str) -> String {
    let kept: String = seen(name).take(LONGEST).collect();
    kept.trim().to_owned()
}

/// What of a text is seen, in one line.
pub(crate) fn seen(text: &str) -> impl Iterator<Item = char> + '_ {
    let spaced = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    spaced.filter(|c| !c.is_control() && !is_unseen(*c))
}

/// The name of a file, without a path. A long one is cut in its middle.
pub(crate) fn clean_file(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let cleaned: String = seen(last).filter(|c| !matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')).collect();
    // Windows takes full stops and spaces at the end of a name away.
    let cleaned = cleaned.trim_matches(['.', ' ']);
    let length = cleaned.chars().count();
    let short: String = if length > LONGEST {
        let (start, end) = (cleaned.chars().take(LONGEST - LAST - 1), cleaned.chars().skip(length - LAST));
        start.chain(['…']).chain(end).collect()
    } else {
        cleaned.to_owned()
    };
    if short.is_empty() {
        "file".to_owned()
    } else if is_device(&short) {
        format!("_{short}")
    } else {
        short
    }
}

/// Whether Windows takes a file of this name for a device, whatever its ending ("Naming Files, Paths, and Namespaces").
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT")).is_some_and(|number| {
        let mut digits = number.chars();
        matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    });
    numbered || matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
}

/// A media type without parameters (RFC 6838 §4.2); none where it is not one.
pub(crate) fn clean_media_type(text: &str) -> Option<String> {
    let name = |part: &str| {
        let known = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
        part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.len() <= 127 && part.bytes().all(known)
    };
    let text = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (kind, of) = text.split_once('/')?;
    (name(kind) && name(of)).then_some(text)
}

/// What turns the direction of what follows, and what has no picture: between the letters of a name it makes another name
/// that looks the same.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{00AD}'
            | '\u{061C}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{180E}'
            | '\u{200B}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FEFF}'
            | '\u{FFA0}'
    )
}

#[cfg(test)]
mod tests {
    use super::{clean, clean_file, clean_media_type};

    #[test]
    fn a_name_cannot_turn_the_direction_of_what_follows() {
        assert_eq!(clean("Anna \u{202E}fdp.exe"), "Anna fdp.exe", "the override is gone");
        assert_eq!(clean("A\nB\tC"), "A B C", "one line");
        assert_eq!(clean(&"x".repeat(500)).len(), 120, "a long name is cut");
    }

    #[test]
    fn a_file_name_has_no_path() {
        assert_eq!(clean_file("../../etc/passwd"), "passwd", "only the last part");
        assert_eq!(clean_file("C:\\temp\\CT.zip"), "CT.zip", "of either kind");
        assert_eq!(clean_file("Befund\u{202E}gpj.exe"), "Befundgpj.exe", "what it really ends with is seen");
        assert_eq!(clean_file(".."), "file", "never empty");
        assert_eq!(clean_file("Befund.exe. . "), "Befund.exe", "as Windows would name it");
    }

    #[test]
    fn a_long_file_name_is_cut_in_its_middle_and_keeps_its_ending() {
        let long = clean_file(&format!("{}.pdf.exe", "Befund ".repeat(60)));
        assert_eq!(long.chars().count(), 120, "as long as a name may be");
        assert!(long.starts_with("Befund Befund") && long.contains('…'), "one sees that it is cut: {long}");
        assert!(long.ends_with(".pdf.exe"), "what it is stays readable: {long}");
        let whole = format!("{}.pdf", "x".repeat(116));
        assert_eq!(clean_file(&whole), whole, "what fits is whole");
    }

    #[test]
    fn a_file_is_never_named_as_a_device() {
        for name in ["CON", "con.txt", "Nul.tar.gz", "COM1", "lpt9.pdf", "COM¹.zip", "aux .dcm"] {
            assert_eq!(clean_file(name), format!("_{name}"), "a file of its own");
        }
        for name in ["Console.txt", "COM10.txt", "COMPUTER", "NULL.pdf", "a.con"] {
            assert_eq!(clean_file(name), name, "no device");
        }
    }

    #[test]
    fn what_has_no_picture_makes_no_other_name() {
        for unseen in ['\u{00AD}', '\u{2060}', '\u{2063}', '\u{2065}', '\u{3164}', '\u{200B}'] {
            assert_eq!(clean(&format!("An{unseen}na")), "Anna", "{:x}", u32::from(unseen));
        }
        assert_eq!(clean("\u{3164}"), "", "a name of nothing is none");
    }

    #[test]
    fn a_media_type_is_two_names_and_nothing_else() {
        assert_eq!(clean_media_type("Image/PNG").as_deref(), Some("image/png"), "in small letters");
        assert_eq!(clean_media_type("text/plain; charset=utf-8").as_deref(), Some("text/plain"), "without parameters");
        assert_eq!(
            clean_media_type("application/dicom+json").as_deref(),
            Some("application/dicom+json"),
            "with a suffix"
        );
        for text in ["", "image", "image/", "/png", "a/b/c", "text/html\r\nX: 1", "t\u{e4}xt/plain", "text/pl ain"] {
            assert_eq!(clean_media_type(text), None, "{text:?} is none");
        }
    }
}
