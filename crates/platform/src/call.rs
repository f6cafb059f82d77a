//! Requests in the name of the signed-in person: token, one fresh token after a refusal, and patience
//! with a server that is busy.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use rand::Rng as _;
use url::Url;

use crate::{
    directory::{Pass, PassError, Shown as ShownPass},
    egress::{Answer, Ask, Egress, EgressError},
    oidc::{Bearer, Refused, Session, SessionError},
};

/// Attempts after the first.
const MOST_RETRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// A server that asks for more patience than this is told to the person instead.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// What a second attempt could do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// The same as the first: reading, or a write that its condition lets happen once.
    Harmless,
    /// Harm, if the first was carried out and only its answer was lost.
    OnlyIfNotDone,
}

/// The network or the session gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Egress(#[from] EgressError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Pass(#[from] PassError),
}

/// By what a server is to know who asks.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// The platform's sign-in.
    Session(Session),
    /// A directory's own token.
    Pass(Pass),
}

/// What was shown to the server.
#[derive(Debug, Clone)]
enum Shown {
    Session(Bearer),
    Pass(ShownPass),
}

impl Shown {
    fn header(&self) -> HeaderValue {
        match self {
            Self::Session(bearer) => bearer.header.clone(),
            Self::Pass(pass) => pass.header.clone(),
        }
    }
}

impl Identity {
    async fn shown(&self) -> Result<Shown, CallError> {
        Ok(match self {
            Self::Session(session) => Shown::Session(session.bearer().await?),
            Self::Pass(pass) => Shown::Pass(pass.shown().await?),
        })
    }

    /// What to show after a refusal; none when the refusal stands.
    async fn after(&self, refused: &Shown) -> Result<Option<Shown>, CallError> {
        Ok(match (self, refused) {
            (Self::Session(session), Shown::Session(bearer)) => match session.refused(bearer).await? {
                Refused::Again(fresh) => Some(Shown::Session(fresh)),
                Refused::Stands => None,
            },
            (Self::Pass(pass), Shown::Pass(shown)) => Some(Shown::Pass(pass.anew(shown).await?)),
            (Self::Session(_), Shown::Pass(_)) | (Self::Pass(_), Shown::Session(_)) => None,
        })
    }

    fn refused_again(&self, shown: &Shown) {
        if let (Self::Session(session), Shown::Session(bearer)) = (self, shown) {
            session.refused_again(bearer);
        }
    }
}

/// An answer, and whether it is that of a repeated attempt.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) answer: Answer,
    pub(crate) repeated: bool,
}

/// Asks one server in the name of one person.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) egress: Egress,
    identity: Identity,
    /// The server's base; it ends with a slash.
    pub(crate) base: Url,
}

impl Caller {
    pub(crate) fn new(egress: &Egress, base: Url, session: &Session) -> Self {
        Self::by(egress, base, Identity::Session(session.clone()))
    }

    pub(crate) fn by(egress: &Egress, mut base: Url, identity: Identity) -> Self {
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        base.set_query(None);
        base.set_fragment(None);
        Self { egress: egress.clone(), identity, base }
    }

    /// The address below the base whose path has these segments.
    pub(crate) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("a base is http or https, which has a path").pop_if_empty().extend(segments);
        url
    }

    pub(crate) async fn get(&self, ask: Ask) -> Result<Answer, CallError> {
        debug_assert_eq!(ask.method, Method::GET, "only a GET may be repeated without asking");
        self.call(ask, Repeat::Harmless).await.map(|called| called.answer)
    }

    /// Sends, with a fresh token after a refusal and with pauses while the server is busy. The answer
    /// may be of any status.
    pub(crate) async fn call(&self, mut ask: Ask, repeat: Repeat) -> Result<Called, CallError> {
        let mut shown = self.identity.shown().await?;
        let mut renewed = false;
        let mut retries = 0;
        loop {
            ask.headers.insert(header::AUTHORIZATION, shown.header());
            let result = self.egress.send(ask.clone()).await;
            if let Ok(answer) = &result
                && matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            {
                if renewed {
                    self.identity.refused_again(&shown);
                } else if let Some(fresh) = self.identity.after(&shown).await? {
                    shown = fresh;
                    renewed = true;
                    continue;
                }
            }
            let pause = if retries < MOST_RETRIES { self.pause(&result, repeat, retries) } else { None };
            let Some(pause) = pause else {
                return Ok(Called { answer: result?, repeated: retries > 0 });
            };
            self.egress.time().wait(pause).await;
            retries += 1;
            // A pause may outlive the token.
            if !renewed {
                shown = self.identity.shown().await?;
            }
        }
    }

    /// How long to wait before the next attempt; `None` when there is to be none.
    fn pause(&self, result: &Result<Answer, EgressError>, repeat: Repeat, retries: u32) -> Option<Duration> {
        let wished = match result {
            Ok(answer) => {
                let again = match answer.status {
                    StatusCode::TOO_MANY_REQUESTS => true,
                    StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                        repeat == Repeat::Harmless
                    }
                    _ => false,
                };
                if !again {
                    return None;
                }
                retry_after(answer, self.egress.time().now())
            }
            Err(EgressError::Unreachable { .. }) => None,
            Err(EgressError::Timeout { .. } | EgressError::Broken { .. }) if repeat == Repeat::Harmless => None,
            Err(
                EgressError::Timeout { .. }
                | EgressError::Broken { .. }
                | EgressError::NotSecure { .. }
                | EgressError::CertificateNotTrusted { .. }
                | EgressError::Tls { .. }
                | EgressError::RedirectRefused { .. }
                | EgressError::TooLarge { .. },
            ) => return None,
        };
        match wished {
            Some(wished) if wished > LONGEST_PAUSE => None,
            Some(wished) => Some(wished),
            // Half of the pause is fixed and half is drawn, so that three thousand computers that lost
            // the same server do not come back at the same moment.
            None => {
                let half = FIRST_PAUSE * 2_u32.pow(retries) / 2;
                Some(half + half.mul_f64(rand::rng().random::<f64>()))
            }
        }
    }
}

/// RFC 9110 §10.2.3: seconds or a date.
fn retry_after(answer: &Answer, now: jiff::Timestamp) -> Option<Duration> {
    let text = answer.header(header::RETRY_AFTER)?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(u64::from(seconds)));
    }
    let at = crate::egress::http_date(text)?;
    Some(Duration::try_from(at.duration_since(answer.date().unwrap_or(now))).unwrap_or(Duration::ZERO))
}
