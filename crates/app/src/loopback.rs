//! What guards the loopback ports: tokens that open once, and who may knock.

use axum::http::{HeaderMap, header};
use rand::Rng as _;

/// A token of 256 bits.
pub(crate) fn token() -> String {
    rand::rng().random::<[u8; 32]>().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares without telling by time how much was right.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// Whether a request comes from a page of ours and was sent to this port by its number.
pub(crate) fn is_own_page(headers: &HeaderMap, origins: &[String], port: u16) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(header::ORIGIN).is_some_and(|origin| origins.iter().any(|known| known == origin));
    // A name that leads here by DNS is no page of ours.
    let host = text(header::HOST).is_some_and(|host| host == format!("127.0.0.1:{port}"));
    origin && host
}

#[cfg(test)]
mod tests {
    use super::{is_own_page, same, token};
    use axum::http::{HeaderMap, HeaderValue, header};

    #[test]
    fn a_token_has_256_bits_and_is_compared_as_a_whole() {
        assert_eq!(token().len(), 64, "32 bytes in hexadecimal");
        assert_ne!(token(), token(), "each is another one");
        assert!(same("abc", "abc") && !same("abc", "abd") && !same("abc", "ab"), "comparison is exact");
    }

    #[test]
    fn only_a_page_of_ours_at_the_port_itself_may_knock() {
        let asked = |origin: Option<&'static str>, host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            is_own_page(&headers, &["tauri://localhost".to_owned()], 4711)
        };
        assert!(asked(Some("tauri://localhost"), "127.0.0.1:4711"), "the page");
        assert!(!asked(None, "127.0.0.1:4711"), "no page");
        assert!(!asked(Some("http://evil.example"), "127.0.0.1:4711"), "another page");
        assert!(!asked(Some("tauri://localhost"), "konsil.evil.example:4711"), "by a name");
    }
}
