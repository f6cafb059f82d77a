//! The loopback listeners that the browser is sent back to: by the provider with a code (RFC 8252 §7.3), by a Matrix
//! homeserver with a login token (client-server API v1.11 §5.6.3).
//!
//! It answers every connection by itself, since browsers open some in advance and leave them silent,
//! and it takes only the one request that carries this attempt's state.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};
use url::Url;
use zeroize::Zeroizing;

const PATH: &str = "/callback";
/// The homeserver has a path of its own, so that neither answer passes for the other.
const TOKEN_PATH: &str = "/token";
const REQUEST_LIMIT: usize = 16 * 1024;
const SILENCE: Duration = Duration::from_secs(10);

/// Bound, and waiting for the browser.
#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    port: u16,
}

/// What a listener takes.
#[derive(Debug, Clone)]
enum Wanted {
    /// The provider's answer; `onward` is where the browser goes when it brought a code.
    Code { state: String, onward: Option<String> },
    /// The homeserver's.
    Token { state: String },
}

#[derive(Debug)]
enum Found {
    Redirect(Redirect),
    Token(Zeroizing<String>),
}

/// What the browser brought back. `iss` is compared by the caller.
#[derive(Debug)]
pub(super) struct Redirect {
    pub(super) iss: Option<String>,
    pub(super) outcome: Outcome,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Code(Zeroizing<String>),
    /// RFC 6749 §4.1.2.1.
    Refused(String),
}

impl Listener {
    pub(super) async fn bind() -> io::Result<Self> {
        let socket = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = socket.local_addr()?.port();
        Ok(Self { socket, port })
    }

    pub(super) fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    pub(super) fn token_uri(&self, state: &str) -> String {
        format!("http://127.0.0.1:{}{TOKEN_PATH}?state={state}", self.port)
    }

    /// Waits for the redirect with this `state`. Every other request gets 400 and changes nothing.
    pub(super) async fn wait(self, state: &str, onward: Option<&Url>) -> io::Result<Redirect> {
        let wanted = Wanted::Code { state: state.to_owned(), onward: onward.map(Url::to_string) };
        match self.wait_for(wanted).await? {
            Found::Redirect(redirect) => Ok(redirect),
            Found::Token(_) => Err(io::Error::other("a token was not asked for")),
        }
    }

    /// Waits for the homeserver's login token with this `state`.
    pub(super) async fn wait_for_token(self, state: &str) -> io::Result<Zeroizing<String>> {
        match self.wait_for(Wanted::Token { state: state.to_owned() }).await? {
            Found::Token(token) => Ok(token),
            Found::Redirect(_) => Err(io::Error::other("a code was not asked for")),
        }
    }

    async fn wait_for(self, wanted: Wanted) -> io::Result<Found> {
        let (found, mut finding) = mpsc::channel(1);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.socket.accept() => {
                    let (stream, _) = accepted?;
                    // A browser opens a handful; a flood from elsewhere on this computer is not served.
                    if connections.len() < 32 {
                        let (found, wanted, port) = (found.clone(), wanted.clone(), self.port);
                        connections.spawn(async move {
                            let served = tokio::time::timeout(SILENCE, serve(stream, &wanted, port)).await;
                            if let Ok(Ok(Some(taken))) = served {
                                // The receiver is gone when another connection was first.
                                let _ = found.send(taken).await;
                            }
                        });
                    }
                }
                Some(taken) = finding.recv() => return Ok(taken),
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

async fn serve(mut stream: TcpStream, wanted: &Wanted, port: u16) -> io::Result<Option<Found>> {
    let mut request = Zeroizing::new(Vec::with_capacity(2048));
    let mut piece = [0_u8; 2048];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = stream.read(&mut piece).await?;
        if read == 0 || request.len() + read > REQUEST_LIMIT {
            return Ok(None);
        }
        request.extend_from_slice(&piece[..read]);
    }
    let text = std::str::from_utf8(&request).ok();
    let (found, onward) = match wanted {
        Wanted::Code { state, onward } => {
            (text.and_then(|text| read_redirect(text, state, port)).map(Found::Redirect), onward.as_deref())
        }
        Wanted::Token { state } => (text.and_then(|text| read_token(text, state, port)).map(Found::Token), None),
    };
    let (status, page) = match (&found, onward) {
        (Some(Found::Redirect(Redirect { outcome: Outcome::Code(_), .. })), Some(_)) => ("302 Found", page(true)),
        (Some(Found::Redirect(Redirect { outcome: Outcome::Code(_), .. }) | Found::Token(_)), _) => {
            ("200 OK", page(true))
        }
        (Some(Found::Redirect(Redirect { outcome: Outcome::Refused(_), .. })), _) => ("200 OK", page(false)),
        (None, _) => ("400 Bad Request", "Not this one.\n".to_owned()),
    };
    let kind = if found.is_some() { "text/html" } else { "text/plain" };
    let location = match onward {
        Some(onward) if status.starts_with("302") => format!("Location: {onward}\r\n"),
        Some(_) | None => String::new(),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\n{location}Content-Type: {kind}; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: close\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\r\n{page}",
        page.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(found)
}

fn read_redirect(request: &str, state: &str, port: u16) -> Option<Redirect> {
    let url = read_request(request, PATH, state, port)?;
    let outcome = match (parameter(&url, "code"), parameter(&url, "error")) {
        (_, Some(error)) => Outcome::Refused(error.chars().filter(|c| c.is_ascii_graphic()).take(60).collect()),
        (Some(code), None) => Outcome::Code(Zeroizing::new(code)),
        (None, None) => return None,
    };
    Some(Redirect { iss: parameter(&url, "iss"), outcome })
}

fn read_token(request: &str, state: &str, port: u16) -> Option<Zeroizing<String>> {
    let url = read_request(request, TOKEN_PATH, state, port)?;
    parameter(&url, "loginToken").filter(|token| !token.is_empty()).map(Zeroizing::new)
}

/// The target of a request that is meant for this attempt.
fn read_request(request: &str, path: &str, state: &str, port: u16) -> Option<Url> {
    let mut lines = request.split("\r\n");
    let target = lines.next()?.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1")?;
    // Another host name that resolves to this computer is somebody else's page.
    let host = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim())
    })?;
    if host != format!("127.0.0.1:{port}") {
        return None;
    }
    let url = Url::parse("http://127.0.0.1/").ok()?.join(target).ok()?;
    let ours = url.path() == path && same(parameter(&url, "state")?.as_bytes(), state.as_bytes());
    ours.then_some(url)
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut found = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let first = found.next()?;
    // RFC 6749 §3.1: parameters must not be included more than once.
    found.next().is_none().then_some(first)
}

/// Compares without telling by its duration where the first difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

fn page(signed_in: bool) -> String {
    let (title, german, english) = if signed_in {
        (
            "Konsil",
            "Die Anmeldung ist angekommen. Sie k&ouml;nnen dieses Fenster schlie&szlig;en und zu Konsil zur&uuml;ckkehren.",
            "Your sign-in has arrived. You can close this window and return to Konsil.",
        )
    } else {
        (
            "Konsil",
            "Die Anmeldung wurde abgebrochen. Sie k&ouml;nnen dieses Fenster schlie&szlig;en und es in Konsil noch einmal versuchen.",
            "The sign-in was cancelled. You can close this window and try again in Konsil.",
        )
    };
    format!(
        "<!doctype html><html lang=\"de\"><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title}</title><style>body{{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;\
         margin:18vh auto;padding:0 1.5rem}}h1{{font-size:1.4rem}}p+p{{opacity:.75}}</style>\
         <main><h1>{title}</h1><p>{german}</p><p lang=\"en\">{english}</p></main></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::{Outcome, read_redirect, read_token};

    fn request(target: &str, host: &str) -> String {
        format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")
    }

    #[test]
    fn only_the_redirect_of_this_attempt_is_taken() {
        for (target, host, taken) in [
            ("/callback?code=c&state=s", "127.0.0.1:5", true),
            ("/callback?code=c&state=t", "127.0.0.1:5", false),
            ("/callback?code=c", "127.0.0.1:5", false),
            ("/callback?state=s", "127.0.0.1:5", false),
            ("/callback?code=c&state=s&state=s", "127.0.0.1:5", false),
            ("/other?code=c&state=s", "127.0.0.1:5", false),
            ("/callback?code=c&state=s", "evil.example:5", false),
            ("/callback?error=access_denied&state=s", "127.0.0.1:5", true),
        ] {
            let found = read_redirect(&request(target, host), "s", 5);
            assert_eq!(found.is_some(), taken, "{target} for {host}");
        }
    }

    #[test]
    fn only_the_login_token_of_this_attempt_is_taken() {
        for (target, host, taken) in [
            ("/token?state=s&loginToken=t", "127.0.0.1:5", true),
            ("/token?state=x&loginToken=t", "127.0.0.1:5", false),
            ("/token?loginToken=t", "127.0.0.1:5", false),
            ("/token?state=s&loginToken=", "127.0.0.1:5", false),
            ("/token?state=s&loginToken=t&loginToken=u", "127.0.0.1:5", false),
            ("/callback?state=s&loginToken=t", "127.0.0.1:5", false),
            ("/token?state=s&loginToken=t", "evil.example:5", false),
        ] {
            let found = read_token(&request(target, host), "s", 5);
            assert_eq!(found.is_some(), taken, "{target} for {host}");
        }
    }

    #[test]
    fn an_error_is_not_taken_for_a_code() {
        let found = read_redirect(&request("/callback?code=c&error=x&state=s", "127.0.0.1:5"), "s", 5);
        assert!(matches!(found, Some(r) if matches!(r.outcome, Outcome::Refused(_))), "the error counts");
    }
}
