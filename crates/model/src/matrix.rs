//! [`MatrixId`]: the address of somebody in chat, in the forms in which directories and visiting cards write it.

use std::fmt;

/// A Matrix user id: `@local:server`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatrixId(String);

/// What is there is no address in chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMatrixId;

impl fmt::Display for NoMatrixId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is no address in chat")
    }
}

impl std::error::Error for NoMatrixId {}

/// Matrix' specification, appendices §4.2.1: with the sign and the server at most this many bytes.
const LONGEST: usize = 255;

impl MatrixId {
    /// Reads `@local:server`, the URI `matrix:u/local:server` (Matrix' specification, appendices §4.3.1; a directory
    /// writes it in `Endpoint.address`), and `matrix://@local:server`, which a visiting card of the TI-Messenger has in
    /// `IMPP`. What a URI says beside the address is left out.
    ///
    /// # Errors
    /// [`NoMatrixId`] when it is none of them.
    pub fn parse(text: &str) -> Result<Self, NoMatrixId> {
        let text = text.trim();
        let bare = match text.get(..7) {
            Some(scheme) if scheme.eq_ignore_ascii_case("matrix:") => {
                let rest = text[7..].split(['?', '#']).next().unwrap_or_default();
                let rest = rest.strip_prefix("//").unwrap_or(rest);
                let rest = rest.strip_prefix("u/").or_else(|| rest.strip_prefix("user/")).unwrap_or(rest);
                // Another kind of thing, such as a room; a stroke of an address is encoded.
                if rest.contains('/') {
                    return Err(NoMatrixId);
                }
                let decoded = decoded(rest).ok_or(NoMatrixId)?;
                decoded.strip_prefix('@').map(str::to_owned).unwrap_or(decoded)
            }
            Some(_) | None => text.strip_prefix('@').ok_or(NoMatrixId)?.to_owned(),
        };
        let (local, server) = bare.split_once(':').ok_or(NoMatrixId)?;
        // Appendices §4.2.1.1: also what historical ids have, which is all of ASCII that can be seen.
        let good_local = !local.is_empty() && local.bytes().all(|byte| byte.is_ascii_graphic());
        let good_server = !server.is_empty()
            && server
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'));
        let whole = format!("@{local}:{server}");
        if good_local && good_server && whole.len() <= LONGEST { Ok(Self(whole)) } else { Err(NoMatrixId) }
    }

    /// `@local:server`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the first colon.
    #[must_use]
    pub fn server(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, server)| server)
    }
}

impl fmt::Display for MatrixId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 3986 §2.1.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::MatrixId;

    #[test]
    fn an_address_is_read_in_each_form_that_directories_and_cards_write() {
        // Matrix' appendices §4.3.1 and gematik's descriptions of directory and card.
        for text in [
            "@board:hospital.tim.example",
            " @board:hospital.tim.example ",
            "matrix:u/board:hospital.tim.example",
            "matrix:user/board:hospital.tim.example",
            "MATRIX:u/board:hospital.tim.example?action=chat",
            "matrix://@board:hospital.tim.example",
            "matrix://%40board:hospital.tim.example",
        ] {
            let id = MatrixId::parse(text).map(|id| id.to_string());
            assert_eq!(id.as_deref(), Ok("@board:hospital.tim.example"), "{text}");
        }
        let encoded = MatrixId::parse("matrix:u/tum%2Fboard:127.0.0.1:8008").expect("a port and a stroke");
        assert_eq!((encoded.as_str(), encoded.server()), ("@tum/board:127.0.0.1:8008", "127.0.0.1:8008"), "decoded");
    }

    #[test]
    fn what_is_no_address_is_none() {
        let long = format!("@{}:s.example", "a".repeat(255));
        for text in [
            "",
            "@",
            "@:",
            "@a",
            "board:s.example",
            "@a b:s.example",
            "@a:s example",
            "mailto:a@s.example",
            "matrix:r/room:s.example",
            "matrix:u/a%2",
            "matrix:u/a%FF:s.example",
            "@a:s.example/x",
            "@ä:s.example",
            &long,
        ] {
            assert!(MatrixId::parse(text).is_err(), "{text:?}");
        }
    }
}
