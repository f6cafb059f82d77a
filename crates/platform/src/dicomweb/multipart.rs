//! `multipart/related` (RFC 2387) read from a stream: the first part, and no byte more of it than the
//! limit.

use bytes::{Bytes, BytesMut};
use http::header;
use memchr::memmem;

use crate::egress::{Answer, EgressError, host_of};

const HEADER_LIMIT: usize = 16 * 1024;

/// One part of an answer, or a whole answer that has no parts.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) content_type: String,
    pub(super) bytes: Bytes,
}

#[derive(Debug)]
pub(super) enum PartError {
    Egress(EgressError),
    Malformed(&'static str),
    TooLarge,
}

/// Reads the first part.
pub(super) async fn first_part(mut answer: Answer, limit: usize) -> Result<Part, PartError> {
    let content_type = answer.header(header::CONTENT_TYPE).unwrap_or_default().to_owned();
    if !content_type.to_ascii_lowercase().starts_with("multipart/") {
        let bytes = answer.bytes(limit).await.map_err(|error| {
            if matches!(error, EgressError::TooLarge { .. }) { PartError::TooLarge } else { PartError::Egress(error) }
        })?;
        return Ok(Part { content_type, bytes });
    }
    let boundary = parameter(&content_type, "boundary").ok_or(PartError::Malformed("no boundary"))?;
    // RFC 2046 §5.1.1: the delimiter begins with the line break before it; at the very start there is none.
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let mut buffer = BytesMut::from(&b"\r\n"[..]);

    until(&mut answer, &mut buffer, &delimiter, HEADER_LIMIT).await?;
    let headers = until(&mut answer, &mut buffer, b"\r\n\r\n", HEADER_LIMIT).await?;
    let headers = String::from_utf8_lossy(&headers).into_owned();
    let field = |name: &str| {
        headers.split("\r\n").find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let content_type = field("content-type").unwrap_or_default();
    let announced = field("content-length").and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(PartError::TooLarge);
    }
    buffer
        .reserve(announced.map_or(0, |length| length.saturating_add(delimiter.len() + 4)).saturating_sub(buffer.len()));
    let bytes = until(&mut answer, &mut buffer, &delimiter, limit).await?;
    Ok(Part { content_type, bytes: bytes.freeze() })
}

/// Takes everything before `mark` out of the stream, and the mark itself.
async fn until(answer: &mut Answer, buffer: &mut BytesMut, mark: &[u8], limit: usize) -> Result<BytesMut, PartError> {
    let finder = memmem::Finder::new(mark);
    let mut searched = 0;
    loop {
        if let Some(at) = finder.find(&buffer[searched..]) {
            let taken = buffer.split_to(searched + at);
            let _mark = buffer.split_to(mark.len());
            return if taken.len() > limit { Err(PartError::TooLarge) } else { Ok(taken) };
        }
        searched = buffer.len().saturating_sub(mark.len() - 1);
        if searched > limit {
            return Err(PartError::TooLarge);
        }
        match answer.chunk().await.map_err(PartError::Egress)? {
            Some(chunk) => buffer.extend_from_slice(&chunk),
            None => {
                let host = host_of(&answer.url);
                let reason = "the last boundary is missing".to_owned();
                return Err(PartError::Egress(EgressError::Broken { host, reason }));
            }
        }
    }
}

/// A parameter of a media type, quoted or not (RFC 9110 §5.6.6).
pub(super) fn parameter(content_type: &str, name: &str) -> Option<String> {
    let mut rest = content_type.split_once(';')?.1;
    loop {
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, tail) = if let Some(quoted) = after.strip_prefix('"') {
            let end = quoted.find('"')?;
            (&quoted[..end], &quoted[end + 1..])
        } else {
            let end = after.find(';').unwrap_or(after.len());
            (after[..end].trim_end(), &after[end..])
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.to_owned());
        }
        rest = tail.split_once(';')?.1;
    }
}

#[cfg(test)]
mod tests {
    use super::parameter;

    #[test]
    fn parameters_are_found_quoted_or_not() {
        let kind =
            r#"multipart/related; type="application/octet-stream; transfer-syntax=x"; Boundary = "a;b" ; start=c"#;
        for (name, value) in [
            ("boundary", Some("a;b")),
            ("type", Some("application/octet-stream; transfer-syntax=x")),
            ("start", Some("c")),
            ("transfer-syntax", None),
        ] {
            assert_eq!(parameter(kind, name).as_deref(), value, "{name}");
        }
    }
}
