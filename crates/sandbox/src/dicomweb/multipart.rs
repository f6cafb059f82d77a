//! `multipart/related` (RFC 2387): writing parts, and splitting a stream into parts on disk.

use std::io::{self, Write};

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::stream::{self, Sink};

/// Writes parts into a body.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    sink: &'a Sink,
    boundary: &'a str,
}

impl Parts<'_> {
    /// Begins a part; its content follows through the returned sink.
    pub(crate) fn begin(&self, content_type: &str, length: Option<u64>) -> io::Result<&Sink> {
        let length = length.map(|n| format!("Content-Length: {n}\r\n")).unwrap_or_default();
        let head = format!("\r\n--{}\r\nContent-Type: {content_type}\r\n{length}\r\n", self.boundary);
        self.sink.send(head.into_bytes())?;
        Ok(self.sink)
    }
}

/// An answer of several parts of one media type.
pub(crate) fn response(part_type: &str, fill: impl FnOnce(&Parts<'_>) -> io::Result<()> + Send + 'static) -> Response {
    let boundary = uuid::Uuid::new_v4().simple().to_string();
    let content_type = format!("multipart/related; type=\"{part_type}\"; boundary={boundary}");
    let body = stream::body(move |sink| {
        fill(&Parts { sink, boundary: &boundary })?;
        sink.send(format!("\r\n--{boundary}--\r\n").into_bytes())
    });
    with_type(StatusCode::OK, &content_type, body)
}

/// An answer with a content type.
pub(crate) fn with_type(status: StatusCode, content_type: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Ok(value) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

/// Splits a multipart body that arrives in pieces; the content of each part goes to a writer.
#[derive(Debug)]
pub(crate) struct Splitter {
    delimiter: Vec<u8>,
    waiting: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Preamble,
    Head,
    Content,
    End,
}

/// What the splitter found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A part begins.
    Begin,
    /// The part is complete.
    Finish,
}

/// A head longer than this is no head.
const HEAD: usize = 16 * 1024;

impl Splitter {
    pub(crate) fn new(boundary: &str) -> Self {
        // The line break before a delimiter belongs to it (RFC 2046 §5.1.1); one in front of the body
        // makes the first delimiter look like the others.
        Self { delimiter: format!("\r\n--{boundary}").into_bytes(), waiting: b"\r\n".to_vec(), state: State::Preamble }
    }

    /// Takes bytes in; content goes to `out`, beginnings and ends of parts to `step`.
    pub(crate) fn push<W: Write>(
        &mut self,
        bytes: &[u8],
        out: &mut Option<W>,
        mut step: impl FnMut(Step, &mut Option<W>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.waiting.extend_from_slice(bytes);
        loop {
            match self.state {
                State::End => {
                    self.waiting.clear();
                    return Ok(());
                }
                State::Preamble | State::Content => {
                    let Some(at) = find(&self.waiting, &self.delimiter) else {
                        let keep = self.delimiter.len().min(self.waiting.len());
                        let ready = self.waiting.len() - keep;
                        self.content(ready, out)?;
                        return Ok(());
                    };
                    let after = at + self.delimiter.len();
                    // Two more bytes tell the last delimiter from the others.
                    if self.waiting.len() < after + 2 {
                        return Ok(());
                    }
                    let last = self.waiting[after..].starts_with(b"--");
                    let had_part = self.state == State::Content;
                    self.content(at, out)?;
                    self.waiting.drain(..self.delimiter.len());
                    if had_part {
                        step(Step::Finish, out)?;
                    }
                    self.state = if last { State::End } else { State::Head };
                }
                State::Head => {
                    let Some(at) = find(&self.waiting, b"\r\n\r\n") else {
                        if self.waiting.len() > HEAD {
                            return Err(io::Error::new(io::ErrorKind::InvalidData, "a part's head does not end"));
                        }
                        return Ok(());
                    };
                    self.waiting.drain(..at + 4);
                    step(Step::Begin, out)?;
                    self.state = State::Content;
                }
            }
        }
    }

    /// Whether the last delimiter was seen.
    pub(crate) fn complete(&self) -> bool {
        self.state == State::End
    }

    fn content<W: Write>(&mut self, length: usize, out: &mut Option<W>) -> io::Result<()> {
        if self.state == State::Content
            && let Some(out) = out
        {
            out.write_all(&self.waiting[..length])?;
        }
        self.waiting.drain(..length);
        Ok(())
    }
}

fn find(in_bytes: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut from = 0;
    while let Some(at) = in_bytes[from..].iter().position(|b| *b == first) {
        let at = from + at;
        if in_bytes[at..].starts_with(what) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(body: &[u8], at_once: usize) -> (Vec<Vec<u8>>, bool) {
        let mut splitter = Splitter::new("b");
        let (mut out, mut parts) = (None, Vec::new());
        for piece in body.chunks(at_once) {
            splitter
                .push(piece, &mut out, |step, out: &mut Option<Vec<u8>>| {
                    match step {
                        Step::Begin => *out = Some(Vec::new()),
                        Step::Finish => parts.extend(out.take()),
                    }
                    Ok(())
                })
                .expect("writing into memory does not fail");
        }
        (parts, splitter.complete())
    }

    #[test]
    fn parts_are_found_however_the_body_is_cut() {
        let body = b"--b\r\nContent-Type: x\r\n\r\none\r\n--c\r\n--b\r\n\r\n\r\n--b--\r\n";
        for at_once in 1..body.len() {
            let expected = (vec![b"one\r\n--c".to_vec(), Vec::new()], true);
            assert_eq!(parts(body, at_once), expected, "in pieces of {at_once}");
        }
    }

    #[test]
    fn a_body_without_its_last_delimiter_is_not_complete() {
        assert_eq!(parts(b"--b\r\n\r\nhalf", 5), (Vec::new(), false), "no part is finished");
    }
}
