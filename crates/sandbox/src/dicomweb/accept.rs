//! The `Accept` header of WADO-RS: media types with `type` and `transfer-syntax` (PS3.18 §8.7).

use axum::http::{HeaderMap, header};

/// One acceptable form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    /// Media type in lower case; of the parts, if they are wrapped in `multipart/related`.
    pub(crate) media: String,
    /// Whether the answer is wrapped in `multipart/related`.
    pub(crate) multipart: bool,
    /// Transfer syntax UID or `*`.
    pub(crate) transfer_syntax: Option<String>,
}

/// The acceptable forms in the client's order. An absent header accepts anything.
pub(crate) fn ranges(headers: &HeaderMap, otherwise: &str) -> Vec<Range> {
    let mut ranges = Vec::new();
    for value in headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok()) {
        ranges.extend(split(value, ',').iter().filter_map(|one| range(one, otherwise)));
    }
    if ranges.is_empty() {
        ranges.push(Range { media: "*/*".to_owned(), multipart: true, transfer_syntax: None });
    }
    ranges
}

fn range(text: &str, otherwise: &str) -> Option<Range> {
    let mut parameters = split(text, ';').into_iter();
    let media = parameters.next()?.trim().to_ascii_lowercase();
    if media.is_empty() {
        return None;
    }
    let multipart = media == "multipart/related";
    let mut range =
        Range { media: if multipart { otherwise.to_owned() } else { media }, multipart, transfer_syntax: None };
    for parameter in parameters {
        let Some((name, value)) = parameter.split_once('=') else { continue };
        let value = value.trim().trim_matches('"').trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "type" if multipart => range.media = value.to_ascii_lowercase(),
            "transfer-syntax" => range.transfer_syntax = Some(value.to_owned()),
            _ => {}
        }
    }
    Some(range)
}

/// Splits outside quotation marks.
fn split(text: &str, at: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut quoted, mut start) = (false, 0);
    for (index, c) in text.char_indices() {
        if c == '"' {
            quoted = !quoted;
        } else if c == at && !quoted {
            parts.push(&text[start..index]);
            start = index + c.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Media type of the frames of a transfer syntax (PS3.18 Table 8.7.3-2 and -3).
pub(crate) fn frame_media(transfer_syntax: &str) -> &'static str {
    match transfer_syntax {
        "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51" | "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => {
            "image/jpeg"
        }
        "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => "image/jls",
        "1.2.840.10008.1.2.4.90" | "1.2.840.10008.1.2.4.91" => "image/jp2",
        "1.2.840.10008.1.2.4.92" | "1.2.840.10008.1.2.4.93" => "image/jpx",
        "1.2.840.10008.1.2.4.110" | "1.2.840.10008.1.2.4.111" | "1.2.840.10008.1.2.4.112" => "image/jxl",
        "1.2.840.10008.1.2.5" => "image/dicom-rle",
        syntax if is_htj2k(syntax) => "image/jphc",
        _ => "application/octet-stream",
    }
}

/// High-Throughput JPEG 2000.
pub(crate) fn is_htj2k(transfer_syntax: &str) -> bool {
    ["1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203"].contains(&transfer_syntax)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_with_and_without_quotation_marks() {
        let mut headers = HeaderMap::new();
        let value = "multipart/related; type=\"image/jls\"; transfer-syntax=*, Image/PNG;q=0.5, multipart/related";
        headers.insert(header::ACCEPT, value.parse().expect("a header value"));
        let range = |media: &str, multipart, syntax: Option<&str>| Range {
            media: media.to_owned(),
            multipart,
            transfer_syntax: syntax.map(str::to_owned),
        };
        let expected = [
            range("image/jls", true, Some("*")),
            range("image/png", false, None),
            range("application/octet-stream", true, None),
        ];
        assert_eq!(ranges(&headers, "application/octet-stream"), expected, "three forms in their order");
    }
}
