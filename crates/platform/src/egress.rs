//! The one way out: every HTTP request of the program's platform clients passes here.
//!
//! It decides what may be asked at all (https, or http on loopback), which certificates are trusted,
//! which proxy is used, and what a log line may hold: method, host, what kind of request it was,
//! status and duration. Paths, queries and bodies name patients and are never logged.

mod trust;

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use rustls::crypto::CryptoProvider;
use url::{Host, Url};

use self::trust::{Trust, Untrusted, certificates};
use crate::Time;

/// How requests leave the computer.
#[derive(Debug, Clone)]
pub struct EgressOptions {
    /// Certificate authorities that IT added; they are trusted beside the computer's own.
    pub added: Vec<AddedAuthorities>,
    /// Which proxy is asked. Loopback addresses never go through one.
    pub proxy: ProxyChoice,
    /// `User-Agent` of every request.
    pub user_agent: String,
    /// Longest time until a connection stands, TLS included.
    pub connect_timeout: Duration,
    /// Longest silence of a server while its answer is awaited or read.
    pub read_timeout: Duration,
    /// The clock, and the pauses between attempts.
    pub time: Time,
}

impl Default for EgressOptions {
    fn default() -> Self {
        Self {
            added: Vec::new(),
            proxy: ProxyChoice::System,
            user_agent: concat!("Konsil/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            time: Time::system(),
        }
    }
}

/// A file of certificate authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedAuthorities {
    /// How a refusal calls it: its path.
    pub name: String,
    /// PEM with any number of certificates, or one certificate in DER.
    pub content: Vec<u8>,
}

/// Which proxy is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyChoice {
    /// What the environment says (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), else on Windows and macOS the
    /// system's settings.
    System,
    /// None.
    Direct,
    /// This one.
    Fixed {
        /// Its address; user and password in it are sent to it as Basic.
        url: Url,
        /// Hosts that are asked without it, in the form of `NO_PROXY`.
        except: String,
    },
}

impl ProxyChoice {
    /// In a word for the diagnosis: never with a password.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::System => "system".to_owned(),
            Self::Direct => "direct".to_owned(),
            Self::Fixed { url, .. } => host_of(url),
        }
    }
}

/// The options cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EgressSetupError {
    /// An added file holds no certificate of an authority, or one that cannot be read.
    #[error("{0} holds no certificate that can be read")]
    Certificate(String),
    /// The proxy's address is of no use.
    #[error("the proxy's address is of no use")]
    Proxy,
    /// TLS or the HTTP client could not be set up.
    #[error("TLS could not be set up: {0}")]
    Tls(String),
}

/// A request brought no answer, or its answer broke off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// Neither https nor loopback.
    #[error("the address of {host} is not https")]
    NotSecure {
        /// The host that was to be asked.
        host: String,
    },
    /// No connection: no such name, refused, no network.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// For the log.
        reason: String,
    },
    /// The certificate is not trusted.
    #[error("the certificate of {host} is not trusted: {reason}; issuer: {}", issuer.as_deref().unwrap_or("unknown"))]
    CertificateNotTrusted {
        /// The host.
        host: String,
        /// Who issued the certificate, where it can be read.
        issuer: Option<String>,
        /// For the log.
        reason: String,
    },
    /// TLS failed for another reason than the certificate.
    #[error("no secure connection with {host}: {reason}")]
    Tls {
        /// The host.
        host: String,
        /// For the log.
        reason: String,
    },
    /// Too long a silence.
    #[error("{host} did not answer in time")]
    Timeout {
        /// The host.
        host: String,
    },
    /// The connection ended in the middle of an answer.
    #[error("the answer of {host} broke off: {reason}")]
    Broken {
        /// The host.
        host: String,
        /// For the log.
        reason: String,
    },
    /// The server sends elsewhere, and that place may not be asked, or it does so again and again.
    #[error("{host} sent the request to a place that may not be asked")]
    RedirectRefused {
        /// The host.
        host: String,
    },
    /// The answer is larger than anything that is expected here.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
}

/// The way out. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Egress(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clients: Clients,
    transfers: Clients,
    signalling: Clients,
    time: Time,
    facts: Facts,
}

#[derive(Debug)]
struct Clients {
    outside: reqwest::Client,
    loopback: reqwest::Client,
}

impl Clients {
    fn of(&self, url: &Url) -> Option<reqwest::Client> {
        match (url.scheme(), is_loopback(url)) {
            ("http" | "https", true) => Some(self.loopback.clone()),
            ("https", false) => Some(self.outside.clone()),
            _ => None,
        }
    }
}

/// How requests leave this computer, in words that may be shown to IT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// `system`, `direct`, or host and port of the proxy.
    pub proxy: String,
    /// Certificate authorities that IT added.
    pub authorities: usize,
}

/// Where a redirect may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    Nowhere,
    /// The same host, at most three times. Only for requests that carry no secret.
    SameHost,
    /// The same scheme, host and port, at most three times.
    SameOrigin,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    /// What kind of request it is, for the log.
    pub(crate) kind: &'static str,
    pub(crate) follow: Follow,
}

impl Ask {
    pub(crate) fn new(method: Method, url: Url, kind: &'static str) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: None, kind, follow: Follow::Nowhere }
    }

    pub(crate) fn get(url: Url, kind: &'static str) -> Self {
        Self { follow: Follow::SameOrigin, ..Self::new(Method::GET, url, kind) }
    }

    pub(crate) fn header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn body(mut self, kind: &'static str, body: impl Into<Bytes>) -> Self {
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        self.body = Some(body.into());
        self
    }
}

/// An answer whose body has not been read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) url: Url,
    response: reqwest::Response,
}

impl Egress {
    /// Sets up TLS, trust and proxies.
    ///
    /// # Errors
    /// [`EgressSetupError`] says which option cannot be used.
    pub fn new(options: EgressOptions) -> Result<Self, EgressSetupError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // Another crate may have installed the same provider before; either will do.
        let _ = CryptoProvider::install_default(provider.as_ref().clone());
        let mut extra = Vec::new();
        for added in &options.added {
            let found = certificates(&added.content);
            extra.extend(found.ok_or_else(|| EgressSetupError::Certificate(added.name.clone()))?);
        }
        let facts = Facts { proxy: options.proxy.word(), authorities: extra.len() };
        let trust =
            Trust::new(extra, Arc::clone(&provider)).map_err(|error| EgressSetupError::Tls(error.to_string()))?;
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| EgressSetupError::Tls(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trust))
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];

        let patient = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .user_agent(options.user_agent.clone())
                .connect_timeout(options.connect_timeout)
                // A redirect is followed here and not by the client: it would carry the token elsewhere.
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .tcp_nodelay(true)
        };
        let build = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| EgressSetupError::Tls(error.without_url().to_string()))
        };
        let proxied = |builder: reqwest::ClientBuilder| {
            Ok(match &options.proxy {
                ProxyChoice::System => builder,
                ProxyChoice::Direct => builder.no_proxy(),
                ProxyChoice::Fixed { url, except } => {
                    let usable = matches!(url.scheme(), "http" | "https") && url.has_host();
                    let proxy = reqwest::Proxy::all(url.clone()).ok().filter(|_| usable);
                    let proxy = proxy.ok_or(EgressSetupError::Proxy)?;
                    builder.no_proxy().proxy(proxy.no_proxy(reqwest::NoProxy::from_string(except)))
                }
            })
        };
        let clients = |builder: &dyn Fn() -> reqwest::ClientBuilder| {
            Ok(Clients { outside: build(proxied(builder())?)?, loopback: build(builder().no_proxy())? })
        };
        Ok(Self(Arc::new(Inner {
            clients: clients(&|| patient().read_timeout(options.read_timeout))?,
            transfers: clients(&patient)?,
            signalling: clients(&|| patient().http1_only())?,
            time: options.time,
            facts,
        })))
    }

    /// The client for a library that makes its requests to this server by itself, under the same trust, proxy and
    /// rule of https; none for an address that may not be asked.
    #[must_use]
    pub fn client_for(&self, url: &Url) -> Option<reqwest::Client> {
        self.0.clients.of(url)
    }

    /// As [`Egress::client_for`], for bodies that take their time: an answer that comes after a long upload would be
    /// late by the read timeout. Whoever uses it has to notice by itself that nothing moves.
    #[must_use]
    pub fn transfers_for(&self, url: &Url) -> Option<reqwest::Client> {
        self.0.transfers.of(url)
    }

    /// As [`Egress::client_for`], for WebSockets: they begin with HTTP/1.1 (RFC 6455 §4.1), and may be silent for long.
    #[must_use]
    pub fn signalling_for(&self, url: &Url) -> Option<reqwest::Client> {
        self.0.signalling.of(url)
    }

    /// How requests leave, for the diagnosis.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.0.facts
    }

    /// The clock and the pauses that the program runs on.
    #[must_use]
    pub fn time(&self) -> &Time {
        &self.0.time
    }

    /// Sends a request once and follows permitted redirects.
    pub(crate) async fn send(&self, mut ask: Ask) -> Result<Answer, EgressError> {
        const MOST_REDIRECTS: usize = 3;
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.send_once(&ask).await?;
            let Some(target) = redirect_target(&answer) else { return Ok(answer) };
            ask.url = match (ask.follow, target) {
                (Follow::Nowhere, _) => return Ok(answer),
                (Follow::SameHost, Some(url)) if url.host() == ask.url.host() => url,
                (Follow::SameOrigin, Some(url)) if url.origin() == ask.url.origin() => url,
                (Follow::SameHost | Follow::SameOrigin, _) => {
                    return Err(EgressError::RedirectRefused { host: host_of(&ask.url) });
                }
            };
        }
        Err(EgressError::RedirectRefused { host: host_of(&ask.url) })
    }

    async fn send_once(&self, ask: &Ask) -> Result<Answer, EgressError> {
        let host = host_of(&ask.url);
        let Some(client) = self.client_for(&ask.url) else { return Err(EgressError::NotSecure { host }) };
        let began = std::time::Instant::now();
        let mut request = client.request(ask.method.clone(), ask.url.clone()).headers(ask.headers.clone());
        if let Some(body) = &ask.body {
            request = request.body(body.clone());
        }
        match request.send().await {
            Ok(response) => {
                let status = response.status();
                tracing::debug!(
                    method = %ask.method, host, kind = ask.kind, status = status.as_u16(),
                    ms = millis(began), "answered"
                );
                Ok(Answer { status, headers: response.headers().clone(), url: ask.url.clone(), response })
            }
            Err(error) => {
                let error = classify(error, &host, false);
                tracing::debug!(method = %ask.method, host, kind = ask.kind, ms = millis(began), %error, "no answer");
                Err(error)
            }
        }
    }
}

impl Answer {
    /// The next piece of the body; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, EgressError> {
        self.response.chunk().await.map_err(|error| classify(error, &host_of(&self.url), true))
    }

    /// The whole body, if it is not larger than `limit`.
    pub(crate) async fn bytes(mut self, limit: usize) -> Result<Bytes, EgressError> {
        let too_large = |url: &Url| EgressError::TooLarge { host: host_of(url), limit };
        let announced = self.response.content_length().unwrap_or(0);
        if announced > limit as u64 {
            return Err(too_large(&self.url));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > limit {
                return Err(too_large(&self.url));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// A header as text.
    pub(crate) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The server's time of day, unless a cache on the way answered.
    pub(crate) fn date(&self) -> Option<jiff::Timestamp> {
        if self.headers.contains_key(header::AGE) {
            return None;
        }
        http_date(self.header(header::DATE)?)
    }
}

/// RFC 9110 §5.6.7.
pub(crate) fn http_date(text: &str) -> Option<jiff::Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// True for 127.0.0.0/8, ::1 and `localhost`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

pub(crate) fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => String::new(),
    }
}

/// `None`: the answer is no redirect. `Some(None)`: it is one that leads nowhere.
fn redirect_target(answer: &Answer) -> Option<Option<Url>> {
    matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308)
        .then(|| answer.header(header::LOCATION).and_then(|place| answer.url.join(place).ok()))
}

fn classify(error: reqwest::Error, host: &str, reading: bool) -> EgressError {
    let host = host.to_owned();
    let error = error.without_url();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    let mut reason = error.to_string();
    while let Some(current) = cause {
        if let Some(found) = tls_error(current) {
            let rustls::Error::InvalidCertificate(refusal) = found else {
                return EgressError::Tls { host, reason: found.to_string() };
            };
            // Ours, which knows the issuer, unless TLS itself had something against the certificate.
            if let rustls::CertificateError::Other(other) = refusal
                && let Some(untrusted) = other.0.downcast_ref::<Untrusted>()
            {
                let Untrusted { issuer, reason } = untrusted.clone();
                return EgressError::CertificateNotTrusted { host, issuer, reason };
            }
            return EgressError::CertificateNotTrusted { host, issuer: None, reason: found.to_string() };
        }
        reason = current.to_string();
        cause = current.source();
    }
    if error.is_timeout() {
        EgressError::Timeout { host }
    } else if reading || !error.is_connect() {
        EgressError::Broken { host, reason }
    } else {
        EgressError::Unreachable { host, reason }
    }
}

/// rustls hides its error inside an `io::Error`, whose `source` skips it.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref::<rustls::Error>() {
        return Some(found);
    }
    let inner = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    inner.downcast_ref::<rustls::Error>().or_else(|| {
        let deeper: &(dyn std::error::Error + 'static) = inner;
        deeper.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref()?.downcast_ref::<rustls::Error>())
    })
}

fn millis(began: std::time::Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}
