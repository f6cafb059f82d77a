//! The loopback listener that the provider sends the browser back to (RFC 8252 §7.3).
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
const REQUEST_LIMIT: usize = 16 * 1024;
const SILENCE: Duration = Duration::from_secs(10);

/// Bound, and waiting for the browser.
#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    port: u16,
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

    /// Waits for the redirect with this `state`. Every other request gets 400 and changes nothing.
    pub(super) async fn wait(self, state: &str) -> io::Result<Redirect> {
        let (found, mut finding) = mpsc::channel(1);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.socket.accept() => {
                    let (stream, _) = accepted?;
                    // A browser opens a handful; a flood from elsewhere on this computer is not served.
                    if connections.len() < 32 {
                        let (found, state, port) = (found.clone(), state.to_owned(), self.port);
                        connections.spawn(async move {
                            let served = tokio::time::timeout(SILENCE, serve(stream, &state, port)).await;
                            if let Ok(Ok(Some(redirect))) = served {
                                // The receiver is gone when another connection was first.
                                let _ = found.send(redirect).await;
                            }
                        });
                    }
                }
                Some(redirect) = finding.recv() => return Ok(redirect),
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

async fn serve(mut stream: TcpStream, state: &str, port: u16) -> io::Result<Option<Redirect>> {
    let mut request = Zeroizing::new(Vec::with_capacity(2048));
    let mut piece = [0_u8; 2048];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = stream.read(&mut piece).await?;
        if read == 0 || request.len() + read > REQUEST_LIMIT {
            return Ok(None);
        }
        request.extend_from_slice(&piece[..read]);
    }
    let redirect = std::str::from_utf8(&request).ok().and_then(|text| read_redirect(text, state, port));
    let (status, page) = match &redirect {
        Some(Redirect { outcome: Outcome::Code(_), .. }) => ("200 OK", page(true)),
        Some(Redirect { outcome: Outcome::Refused(_), .. }) => ("200 OK", page(false)),
        None => ("400 Bad Request", "Not this one.\n".to_owned()),
    };
    let kind = if redirect.is_some() { "text/html" } else { "text/plain" };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\r\n{page}",
        page.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(redirect)
}

fn read_redirect(request: &str, state: &str, port: u16) -> Option<Redirect> {
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
    if url.path() != PATH {
        return None;
    }
    let value = |name: &str| {
        let mut found = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let first = found.next()?;
        // RFC 6749 §3.1: parameters must not be included more than once.
        found.next().is_none().then_some(first)
    };
    if !same(value("state")?.as_bytes(), state.as_bytes()) {
        return None;
    }
    let outcome = match (value("code"), value("error")) {
        (_, Some(error)) => Outcome::Refused(error.chars().filter(|c| c.is_ascii_graphic()).take(60).collect()),
        (Some(code), None) => Outcome::Code(Zeroizing::new(code)),
        (None, None) => return None,
    };
    Some(Redirect { iss: value("iss"), outcome })
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
    use super::{Outcome, read_redirect};

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
    fn an_error_is_not_taken_for_a_code() {
        let found = read_redirect(&request("/callback?code=c&error=x&state=s", "127.0.0.1:5"), "s", 5);
        assert!(matches!(found, Some(r) if matches!(r.outcome, Outcome::Refused(_))), "the error counts");
    }
}
