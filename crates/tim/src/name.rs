//! Names as other people chose them, made safe to show.

/// Longer names are cut.
const LONGEST: usize = 120;

/// A name without control characters, line breaks and characters that turn the direction of what follows (Unicode
/// TR36 §2.3, "bidirectional text spoofing"): "Anna[RLO]fdp.exe" must not read as another name.
pub(crate) fn clean(name: &str) -> String {
    let kept: String = name
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !turns_direction(*c))
        .take(LONGEST)
        .collect();
    kept.trim().to_owned()
}

/// The name of a file, without a path.
pub(crate) fn clean_file(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let cleaned: String =
        clean(last).chars().filter(|c| !matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')).collect();
    let cleaned = cleaned.trim_matches('.').trim().to_owned();
    if cleaned.is_empty() { "file".to_owned() } else { cleaned }
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

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
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
