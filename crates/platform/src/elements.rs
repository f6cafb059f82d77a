//! [`Elements`]: takes the elements of a large JSON array out of a stream of bytes, one by one, so
//! that neither the whole text is held nor a cut one is lost.

use serde_json::Value;

/// Which array is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// The text itself is an array (DICOM JSON, PS3.18 F.2).
    Root,
    /// The member of this name of an outer object (`entry` of a FHIR Bundle).
    Member(&'static str),
}

/// What is left when the bytes have ended.
#[derive(Debug)]
pub(crate) struct Rest {
    /// The text around the array, the array itself emptied; `None` when it broke off.
    pub(crate) frame: Option<Value>,
    /// Elements that were complete and no JSON.
    pub(crate) damaged: usize,
}

/// The state between two pieces of the stream.
#[derive(Debug)]
pub(crate) struct Elements {
    target: Target,
    read: Reader,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The depth at which elements lie, once the array has been entered.
    inside: Option<usize>,
    entered: bool,
    done: bool,
    frame: Vec<u8>,
    element: Vec<u8>,
    // The last string and the last key at depth 1, to find the member.
    word: Vec<u8>,
    key: bool,
    damaged: usize,
}

/// Makes a value of an element's text.
pub(crate) type Reader = fn(&[u8]) -> Result<Value, serde_json::Error>;

/// More around the array than this is no answer to a question of ours.
const FRAME_LIMIT: usize = 4 * 1024 * 1024;

impl Elements {
    pub(crate) fn of(target: Target) -> Self {
        Self {
            target,
            read: |element| serde_json::from_slice(element),
            depth: 0,
            in_string: false,
            escaped: false,
            inside: None,
            entered: false,
            done: false,
            frame: Vec::new(),
            element: Vec::new(),
            word: Vec::new(),
            key: false,
            damaged: 0,
        }
    }

    /// Reads elements in a way of its own.
    pub(crate) fn reading(self, read: Reader) -> Self {
        Self { read, ..self }
    }

    /// Takes the next bytes and gives `found` each element that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], mut found: impl FnMut(Value)) {
        let mut at = 0;
        while at < bytes.len() {
            // Most of the bytes are text inside an element: pass them in runs.
            if self.in_string && !self.escaped {
                let run = bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(bytes.len() - at);
                if run > 0 {
                    self.keep(&bytes[at..at + run]);
                    at += run;
                    continue;
                }
            }
            self.step(bytes[at], &mut found);
            at += 1;
        }
    }

    /// Ends the stream.
    pub(crate) fn finish(self) -> Rest {
        let frame = if self.done { serde_json::from_slice(&self.frame).ok() } else { None };
        Rest { frame, damaged: self.damaged }
    }

    fn step(&mut self, byte: u8, found: &mut impl FnMut(Value)) {
        if self.in_string {
            self.keep(&[byte]);
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                if self.depth == 1 && self.inside.is_none() {
                    self.word.clear();
                }
                self.keep(&[byte]);
            }
            b'{' | b'[' => {
                let enters = byte == b'['
                    && !self.entered
                    && match self.target {
                        Target::Root => self.depth == 0,
                        Target::Member(name) => {
                            self.depth == 1
                                && self.key
                                && self.word.strip_prefix(b"\"") == Some(closed(name).as_slice())
                        }
                    };
                self.depth += 1;
                self.keep(&[byte]);
                if enters {
                    self.entered = true;
                    self.inside = Some(self.depth);
                }
            }
            b'}' | b']' => {
                if self.inside == Some(self.depth) {
                    self.give(found);
                    self.inside = None;
                }
                self.depth = self.depth.saturating_sub(1);
                self.keep(&[byte]);
                if self.depth == 0 {
                    self.done = true;
                }
            }
            b',' if self.inside == Some(self.depth) => self.give(found),
            b',' => {
                if self.depth == 1 {
                    self.key = false;
                }
                self.keep(&[byte]);
            }
            b':' => {
                if self.depth == 1 && self.inside.is_none() {
                    self.key = true;
                }
                self.keep(&[byte]);
            }
            _ => self.keep(&[byte]),
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.inside.is_some() && (self.inside < Some(self.depth) || !self.element.is_empty() || !blank(bytes)) {
            // The bracket that opens the array belongs to the frame.
            self.element.extend_from_slice(bytes);
        } else if self.inside.is_none() && self.frame.len() < FRAME_LIMIT {
            if self.depth == 1 && self.in_string {
                self.word.extend_from_slice(bytes);
            }
            self.frame.extend_from_slice(bytes);
        }
    }

    fn give(&mut self, found: &mut impl FnMut(Value)) {
        if self.element.is_empty() {
            return;
        }
        match (self.read)(&self.element) {
            Ok(value) => found(value),
            Err(_) => self.damaged += 1,
        }
        self.element.clear();
    }
}

fn blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}

fn closed(name: &str) -> Vec<u8> {
    let mut word = name.as_bytes().to_vec();
    word.push(b'"');
    word
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Elements, Target};

    fn take(target: Target, text: &str, piece: usize) -> (Vec<Value>, super::Rest) {
        let mut elements = Elements::of(target);
        let mut found = Vec::new();
        for piece in text.as_bytes().chunks(piece) {
            elements.push(piece, |value| found.push(value));
        }
        (found, elements.finish())
    }

    #[test]
    fn every_way_of_cutting_the_stream_gives_the_same_elements() {
        let text = r#" {"type":"entry","x":{"entry":[9]},"entry" : [ {"a":"}],\"["}, 5 ,[1,{"b":[]}] , "s,]" ],
            "link":[{"relation":"next"}]} "#;
        for piece in 1..text.len() {
            let (found, rest) = take(Target::Member("entry"), text, piece);
            assert_eq!(
                found,
                [json!({"a": "}],\"["}), json!(5), json!([1, {"b": []}]), json!("s,]")],
                "pieces of {piece} bytes"
            );
            assert_eq!(
                rest.frame,
                Some(json!({"type": "entry", "x": {"entry": [9]}, "entry": [], "link": [{"relation": "next"}]})),
                "the frame in pieces of {piece} bytes"
            );
        }
    }

    #[test]
    fn a_cut_text_gives_what_was_complete() {
        let (found, rest) = take(Target::Member("entry"), r#"{"entry":[{"a":1},{"b":2},{"c":"#, 4);
        assert_eq!(found, [json!({"a": 1}), json!({"b": 2})], "two were complete");
        assert!(rest.frame.is_none(), "the frame broke off");
    }

    #[test]
    fn one_damaged_element_costs_only_itself() {
        let (found, rest) = take(Target::Root, r#"[{"a":1},{"b":tru},{"c":3}]"#, 3);
        assert_eq!(found, [json!({"a": 1}), json!({"c": 3})], "the others are read");
        assert_eq!(rest.damaged, 1, "and the damaged one is counted");
    }

    #[test]
    fn an_empty_array_and_none_at_all_are_told_from_a_cut_one() {
        for (target, text) in [(Target::Root, "[]"), (Target::Root, " [ ] "), (Target::Member("entry"), "{\"a\":1}")] {
            let (found, rest) = take(target, text, 1);
            assert!(found.is_empty() && rest.frame.is_some(), "{text}");
        }
        assert!(take(Target::Root, "", 1).1.frame.is_none(), "nothing is no array");
    }
}
