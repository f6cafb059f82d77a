//! A document's content: fetched when somebody reads it, and told apart by its bytes.
//!
//! Nothing is opened here. A PDF or a picture goes to the page as it came, which takes it apart in a worker of its
//! own; this side only knows how large it may be and what it begins with.

use crate::{
    Desk, failures,
    record::{self, Part, reports},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use contract::{DocumentContent, DocumentEntryView, DocumentView, Failure, FailureCode};
use serde_json::Value;

/// The largest document that is shown or sent. It crosses to the page in one answer, so it lies in memory a few times.
pub(crate) const LIMIT: usize = 24 << 20;
/// Text beyond this is no letter.
const TEXT_LIMIT: usize = 2 << 20;
/// Readers look for a PDF's header in its first 1024 bytes, since senders put their own before it.
const HEADER_WITHIN: usize = 1024;

impl Desk {
    pub(crate) async fn read_document(&self, patient: &str, document: &str) -> Result<DocumentView, Failure> {
        let Stored { entry, declared, bytes } = self.stored_document(patient, document).await?;
        let content = match bytes {
            Ok(bytes) => content(&declared, &bytes),
            Err(size) => too_large(size, LIMIT),
        };
        Ok(DocumentView { entry, content })
    }

    /// A document as the record has it.
    pub(crate) async fn stored_document(&self, patient: &str, document: &str) -> Result<Stored, Failure> {
        let (_, fhir) = self.seated()?;
        let (attachment, entry) = self
            .with_case(patient, |case| {
                let (record, directory) = (&case.record, &case.record.directory);
                let reports = record.part(Part::Reports).matches();
                if let Some(report) = reports::named(reports, document) {
                    return Some((reports::attachment(report), reports::entry(report, directory)?));
                }
                let found = record.part(Part::Documents).matches().iter().find(|d| d["id"] == document)?;
                Some((found["content"][0]["attachment"].clone(), record::document_entry(found, directory)?))
            })?
            .ok_or_else(|| Failure::new(FailureCode::NotFound, "no such document"))?;
        let attachment = &attachment;
        let declared = attachment["contentType"].as_str().unwrap_or_default().to_owned();
        // What says that it is too large is not even fetched.
        if let Some(size) = stated_size(attachment).filter(|size| *size > LIMIT) {
            return Ok(Stored { entry, declared, bytes: Err(size) });
        }
        let bytes = match (attachment["data"].as_str(), attachment["url"].as_str()) {
            (Some(data), _) => BASE64_STANDARD
                .decode(data)
                .map_err(|error| Failure::new(FailureCode::AnswerUnreadable, error.to_string()))?,
            (None, Some(url)) => fhir.attachment(url).await.map_err(|error| failures::of_fhir(&error))?.bytes.to_vec(),
            (None, None) => return Err(Failure::new(FailureCode::NotFound, "the document has no content")),
        };
        let bytes = if bytes.len() > LIMIT { Err(bytes.len()) } else { Ok(bytes) };
        Ok(Stored { entry, declared, bytes })
    }
}

/// A document as the record has it.
pub(crate) struct Stored {
    pub(crate) entry: DocumentEntryView,
    /// Its media type as the record says.
    pub(crate) declared: String,
    /// Its content; its length where that is beyond [`LIMIT`].
    pub(crate) bytes: Result<Vec<u8>, usize>,
}

impl Stored {
    /// Its media type by its content, where that is known, else as the record says; and how its name ends.
    pub(crate) fn media_type(&self) -> (String, &'static str) {
        let bytes = self.bytes.as_deref().unwrap_or_default();
        let declared = self.declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if begins_as_pdf(bytes) {
            return ("application/pdf".to_owned(), ".pdf");
        }
        let (media_type, ending) = match picture(bytes) {
            Some("image/png") => ("image/png", ".png"),
            Some(other) => (other, ".jpg"),
            None => match declared.as_str() {
                "text/plain" => ("text/plain", ".txt"),
                "text/html" | "application/xhtml+xml" => ("text/html", ".html"),
                "" => ("application/octet-stream", ""),
                other => (other, ""),
            },
        };
        (media_type.to_owned(), ending)
    }
}

fn stated_size(attachment: &Value) -> Option<usize> {
    attachment["size"].as_u64().map(|size| usize::try_from(size).unwrap_or(usize::MAX))
}

/// What can be shown of these bytes, which the record calls `declared`.
fn content(declared: &str, bytes: &[u8]) -> DocumentContent {
    if bytes.len() > LIMIT {
        return too_large(bytes.len(), LIMIT);
    }
    let media_type = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media_type == "application/pdf" || begins_as_pdf(bytes) {
        return DocumentContent::Pdf { data: BASE64_STANDARD.encode(bytes) };
    }
    if let Some(media_type) = picture(bytes) {
        return DocumentContent::Picture { media_type: media_type.to_owned(), data: BASE64_STANDARD.encode(bytes) };
    }
    let text = matches!(media_type.as_str(), "text/plain" | "text/html" | "application/xhtml+xml");
    if !text {
        return DocumentContent::Unknown;
    }
    if bytes.len() > TEXT_LIMIT {
        return too_large(bytes.len(), TEXT_LIMIT);
    }
    let text = decoded(charset(declared).as_deref(), bytes);
    if media_type == "text/plain" { DocumentContent::Text { text } } else { DocumentContent::Html { html: text } }
}

fn too_large(bytes: usize, limit: usize) -> DocumentContent {
    let number = |size| u32::try_from(size).unwrap_or(u32::MAX);
    DocumentContent::TooLarge { bytes: number(bytes), limit: number(limit) }
}

fn begins_as_pdf(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(HEADER_WITHIN)];
    head.windows(5).any(|window| window == b"%PDF-")
}

/// The media type of a picture that every web view draws.
fn picture(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        Some("image/jpeg")
    } else {
        None
    }
}

fn charset(declared: &str) -> Option<String> {
    declared.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    })
}

/// Text as its sender meant it. Without a word about it, bytes that are no UTF-8 are what German systems wrote
/// before it: Latin 1 with Windows' additions.
fn decoded(charset: Option<&str>, bytes: &[u8]) -> String {
    let old = matches!(charset, Some("iso-8859-1" | "iso-8859-15" | "latin1" | "windows-1252" | "cp1252"));
    match std::str::from_utf8(bytes) {
        Ok(text) if !old => text.trim_start_matches('\u{feff}').to_owned(),
        Ok(_) | Err(_) => bytes.iter().map(|byte| windows_1252(*byte, charset == Some("iso-8859-15"))).collect(),
    }
}

/// The character of a byte (WHATWG Encoding, index windows-1252). Latin 9 differs in eight places, of which the euro
/// is the one that occurs in letters.
fn windows_1252(byte: u8, latin_9: bool) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte) - 0x80],
        0xa4 if latin_9 => '€',
        0x00..=0x7f | 0xa0..=0xff => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, TEXT_LIMIT, content};
    use contract::DocumentContent;

    #[test]
    fn the_form_is_what_the_bytes_are_and_not_what_the_record_calls_them() {
        for (declared, bytes, form) in [
            ("application/pdf", b"%PDF-1.7\n".as_slice(), "pdf"),
            ("application/octet-stream", b"%PDF-1.4\n", "pdf"),
            ("text/plain", b"\xef\xbb\xbf%PDF-1.4\n", "pdf"),
            // What calls itself a PDF and is none is said to be damaged, and not passed over.
            ("application/pdf", b"", "pdf"),
            ("image/png", b"\x89PNG\r\n\x1a\n\0\0", "picture"),
            ("application/pdf-ish", b"\xff\xd8\xff\xe0", "picture"),
            // A picture by name only could be anything: nothing of it is drawn.
            ("image/png", b"<svg onload='x'/>", "unknown"),
            ("image/svg+xml", b"<svg/>", "unknown"),
            ("text/html; charset=utf-8", b"<p>A</p>", "html"),
            ("TEXT/PLAIN", b"A", "text"),
            ("text/rtf", b"{\\rtf1 A}", "unknown"),
            ("", b"A", "unknown"),
        ] {
            assert_eq!(form_of(&content(declared, bytes)), form, "{declared}");
        }
    }

    #[test]
    fn text_is_read_in_the_character_set_of_its_sender() {
        for (declared, bytes) in [
            ("text/plain;charset=utf-8", b"M\xc3\xbcller".as_slice()),
            ("text/plain; charset=\"ISO-8859-1\"", b"M\xfcller"),
            ("text/plain; charset=windows-1252", b"M\xfcller"),
            ("text/plain", b"M\xfcller"),
            ("text/plain", b"\xef\xbb\xbfM\xc3\xbcller"),
        ] {
            let DocumentContent::Text { text } = content(declared, bytes) else { panic!("{declared} is text") };
            assert_eq!(text, "Müller", "{declared}");
        }
        let DocumentContent::Text { text } = content("text/plain", b"5 \x80 \x96 6 \x80") else { panic!("text") };
        assert_eq!(text, "5 € – 6 €", "the additions of Windows");
    }

    #[test]
    fn what_is_too_large_is_said_with_its_size_and_not_sent() {
        let mut pdf = b"%PDF-1.7\n".to_vec();
        pdf.resize(LIMIT + 1, b' ');
        let whole = content("application/pdf", &pdf);
        assert!(
            matches!(whole, DocumentContent::TooLarge { bytes, limit } if bytes == limit + 1),
            "one byte more than the limit"
        );
        pdf.truncate(LIMIT);
        assert_eq!(form_of(&content("application/pdf", &pdf)), "pdf", "the limit itself is shown");
        let text = vec![b'a'; TEXT_LIMIT + 1];
        assert_eq!(form_of(&content("text/plain", &text)), "too-large", "no letter is that long");
    }

    fn form_of(content: &DocumentContent) -> &'static str {
        match content {
            DocumentContent::Text { .. } => "text",
            DocumentContent::Html { .. } => "html",
            DocumentContent::Pdf { .. } => "pdf",
            DocumentContent::Picture { .. } => "picture",
            DocumentContent::TooLarge { .. } => "too-large",
            DocumentContent::Unknown => "unknown",
        }
    }
}
