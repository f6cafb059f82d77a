//! Where a round's server is, what lets us in, and which ICE servers are believed.
//!
//! Everything here ends in a URL or in a header, so everything is refused that is not plainly an address or a token:
//! what is not let in needs no escaping.

use livekit_protocol as lk;
use std::collections::BTreeSet;
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// No server's address is longer, in bytes.
const LONGEST_URL: usize = 1024;
/// No token is longer, in bytes: LiveKit's have a few hundred, and servers read headers of 8 to 16 kB.
const LONGEST_TOKEN: usize = 16 * 1024;
/// No ICE server's name or secret is longer, in bytes (RFC 8489 §14.3 allows 508 for a name).
const LONGEST_CREDENTIAL: usize = 512;
/// More ICE servers than these are not looked at.
const MOST_ICE_SERVERS: usize = 16;
/// More addresses of one ICE server than these are not looked at.
const MOST_ICE_URLS: usize = 16;

/// Why an address or a token is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Not `wss://host[:port][/path]`, or `ws://` to a host that is not this machine.
    #[error("not the address of a round's server")]
    Url,
    /// Empty, too long, or with characters that a header must not have (RFC 6750 §2.1).
    #[error("not a token")]
    Token,
}

/// The address of a LiveKit server: `wss://host[:port][/path]`, without `/rtc/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl(String);

impl ServerUrl {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// [`AddressError::Url`] for another scheme, a user name, a query, a fragment, characters beyond letters, digits
    /// and `.-_~%` in the path, more than 1,024 bytes, or `ws://` to another machine: a token must not travel in clear.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.len() > LONGEST_URL {
            return Err(AddressError::Url);
        }
        let (secure, rest) = match (text.strip_prefix("wss://"), text.strip_prefix("ws://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(AddressError::Url),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = host_and_port(authority).ok_or(AddressError::Url)?;
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"/.-_~%".contains(&byte);
        let climbs = path.split('/').any(|segment| segment == "." || segment == "..");
        if port == Some(0) || climbs || !path.bytes().all(harmless) || !(secure || is_this_machine(host)) {
            return Err(AddressError::Url);
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// The host, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_scheme, rest)| rest);
        let authority = rest.split_once('/').map_or(rest, |(authority, _path)| authority);
        host_and_port(authority).map_or("", |(host, _port)| host)
    }

    /// The same place as an address of HTTP, for whoever decides which client may ask it.
    #[must_use]
    pub fn http(&self) -> String {
        self.0.replacen("ws", "http", 1)
    }

    pub(super) fn rtc(&self, join_request: &str) -> JoinUrl {
        JoinUrl(format!("{}/rtc/v1?join_request={join_request}", self.0))
    }
}

/// The address that a WebSocket is opened at. It holds our ICE password, so it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinUrl(String);

impl JoinUrl {
    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for JoinUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinUrl({} bytes)", self.0.len())
    }
}

/// A LiveKit access token. Wiped when dropped, and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Takes a token over.
    ///
    /// # Errors
    ///
    /// [`AddressError::Token`] if it is empty, longer than 16 KiB or not of the characters of RFC 6750 §2.1.
    pub fn parse(text: String) -> Result<Self, AddressError> {
        let text = Zeroizing::new(text);
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if text.is_empty() || text.len() > LONGEST_TOKEN || !text.bytes().all(fits) {
            return Err(AddressError::Token);
        }
        Ok(Self(text))
    }

    /// The value of the header `Authorization`.
    #[must_use]
    pub fn authorization(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("Bearer {}", self.0.as_str()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// A STUN or TURN server that may be used.
#[derive(Clone, PartialEq, Eq)]
pub struct IceServer {
    /// As RFC 7064 §3.1 and RFC 7065 §3.1 write them.
    pub urls: Vec<String>,
    /// Empty for STUN.
    pub username: String,
    /// Empty for STUN.
    pub credential: Zeroizing<String>,
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer").field("urls", &self.urls).finish_non_exhaustive()
    }
}

/// The hosts whose STUN and TURN servers may be asked.
///
/// A LiveKit server without settings of its own hands out Google's and Twilio's, and each of them would learn who
/// confers with whom and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IceHosts(BTreeSet<String>);

impl IceHosts {
    /// Host names or addresses, without ports; IPv6 without brackets. Case does not matter.
    pub fn new<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(hosts.into_iter().map(str::to_ascii_lowercase).collect())
    }

    /// What is left of the servers that were handed out, and how many addresses are not.
    pub(super) fn keep(&self, offered: Vec<lk::IceServer>) -> (Vec<IceServer>, u64) {
        let mut dropped = 0_u64;
        let mut kept = Vec::new();
        for (index, server) in offered.into_iter().enumerate() {
            let credential = Zeroizing::new(server.credential);
            let sound = index < MOST_ICE_SERVERS
                && server.username.len() <= LONGEST_CREDENTIAL
                && credential.len() <= LONGEST_CREDENTIAL;
            let before = server.urls.len();
            let mut urls = server.urls;
            urls.truncate(if sound { MOST_ICE_URLS } else { 0 });
            urls.retain(|url| ice_host(url).is_some_and(|host| self.0.contains(&host.to_ascii_lowercase())));
            dropped = dropped.saturating_add(u64::try_from(before.saturating_sub(urls.len())).unwrap_or(u64::MAX));
            if !urls.is_empty() {
                kept.push(IceServer { urls, username: server.username, credential });
            }
        }
        (kept, dropped)
    }
}

/// The host of a STUN or TURN address (RFC 7064 §3.1, RFC 7065 §3.1).
fn ice_host(url: &str) -> Option<&str> {
    if url.len() > LONGEST_URL {
        return None;
    }
    let (scheme, rest) = url.split_once(':')?;
    if !["stun", "stuns", "turn", "turns"].contains(&scheme) {
        return None;
    }
    let (authority, query) = rest.split_once('?').unwrap_or((rest, "transport=udp"));
    if !["transport=udp", "transport=tcp"].contains(&query) {
        return None;
    }
    host_and_port(authority).map(|(host, _port)| host)
}

/// RFC 3986 §3.2 without a user name; the host of an IPv6 address comes without brackets.
fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        (host, port)
    } else {
        let end = authority.find(':').unwrap_or(authority.len());
        let (host, port) = authority.split_at(end);
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.' || byte == b'_';
        if host.is_empty() || host.starts_with('.') || !host.bytes().all(fits) {
            return None;
        }
        (host, port)
    };
    match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some((host, Some(digits.parse().ok()?))),
        Some(_) => None,
        None => port.is_empty().then_some((host, None)),
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}
