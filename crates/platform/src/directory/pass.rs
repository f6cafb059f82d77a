//! [`Pass`]: the directory's own token, had for a proof of the person's homeserver (FHIR_VZD_HOWTO_Authenticate,
//! "Authenticate for the search endpoint").

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use http::{HeaderName, HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;
use zeroize::{Zeroize as _, Zeroizing};

use crate::egress::{Ask, Egress, EgressError, Follow};

/// An answer with a token is a few hundred bytes.
const ANSWER_LIMIT: usize = 64 * 1024;
/// A token with less life left than this is not used any more.
const FRESH: SignedDuration = SignedDuration::from_secs(30);
/// How long a token is believed in whose life the directory does not tell.
const UNTOLD: i64 = 600;
const PROOF: HeaderName = HeaderName::from_static("x-matrix-openid-token");

/// A homeserver's word for who somebody is (Matrix client-server API, "OpenID").
pub struct Proof {
    /// The token.
    pub token: Zeroizing<String>,
    /// The homeserver that knows it, as the federation names it.
    pub server_name: String,
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof([not shown])")
    }
}

/// There is no proof; the text is for the log.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the homeserver gives no proof: {0}")]
pub struct NoProof(pub String);

/// Gives proofs; one is asked for with each new token of the directory.
pub trait Proofs: Send + Sync + 'static {
    /// A fresh one.
    fn proof(&self) -> Pin<Box<dyn Future<Output = Result<Proof, NoProof>> + Send + '_>>;
}

/// Why the directory gave no token.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum PassError {
    #[error(transparent)]
    Egress(#[from] EgressError),
    #[error(transparent)]
    NoProof(#[from] NoProof),
    #[error("the directory lets nobody in by this proof (status {0})")]
    Refused(u16),
    #[error("the directory failed to give a token (status {0})")]
    Failed(u16),
    #[error("the directory's answer holds no token")]
    Unreadable,
}

/// A token as a header, and which one it is.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) header: HeaderValue,
    number: u64,
}

/// The token of one person at one directory. Clones share it.
#[derive(Clone)]
pub(crate) struct Pass(Arc<Inner>);

struct Inner {
    egress: Egress,
    door: Url,
    proofs: Arc<dyn Proofs>,
    // Held while a token is had, so that two searches ask for one.
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    number: u64,
    token: Option<(HeaderValue, Timestamp)>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<i64>,
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pass([not shown])")
    }
}

impl Pass {
    pub(crate) fn new(egress: &Egress, door: Url, proofs: Arc<dyn Proofs>) -> Self {
        Self(Arc::new(Inner { egress: egress.clone(), door, proofs, held: Mutex::default() }))
    }

    /// The token, had anew where it is about to end.
    pub(crate) async fn shown(&self) -> Result<Shown, PassError> {
        let mut held = self.0.held.lock().await;
        let now = self.0.egress.time().now();
        if let Some((header, until)) = &held.token
            && until.duration_since(now) > FRESH
        {
            return Ok(Shown { header: header.clone(), number: held.number });
        }
        self.fetch(&mut held).await
    }

    /// Another one than what was refused.
    pub(crate) async fn anew(&self, refused: &Shown) -> Result<Shown, PassError> {
        let mut held = self.0.held.lock().await;
        if let Some((header, _)) = &held.token
            && held.number != refused.number
        {
            return Ok(Shown { header: header.clone(), number: held.number });
        }
        self.fetch(&mut held).await
    }

    async fn fetch(&self, held: &mut Held) -> Result<Shown, PassError> {
        held.token = None;
        let proof = self.0.proofs.proof().await?;
        let mut value = HeaderValue::from_str(&proof.token).map_err(|_unusable| PassError::Unreadable)?;
        value.set_sensitive(true);
        let mut door = self.0.door.clone();
        door.query_pairs_mut().append_pair("mxId", &proof.server_name);
        let mut ask = Ask::get(door, "directory token").header(PROOF, value);
        ask.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        // The proof is a secret: it goes nowhere else.
        ask.follow = Follow::Nowhere;
        let answer = self.0.egress.send(ask).await?;
        match answer.status {
            status if status.is_success() => {}
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(PassError::Refused(answer.status.as_u16()));
            }
            status => return Err(PassError::Failed(status.as_u16())),
        }
        let body = answer.bytes(ANSWER_LIMIT).await?;
        let mut answer: Answer = serde_json::from_slice(&body).map_err(|_refused| PassError::Unreadable)?;
        let bearer = Zeroizing::new(format!("Bearer {}", answer.access_token));
        answer.access_token.zeroize();
        let mut header = HeaderValue::from_str(&bearer).map_err(|_unusable| PassError::Unreadable)?;
        header.set_sensitive(true);
        let life = SignedDuration::from_secs(answer.expires_in.unwrap_or(UNTOLD).clamp(0, 7 * 86_400));
        held.number += 1;
        held.token = Some((header.clone(), self.0.egress.time().now() + life));
        Ok(Shown { header, number: held.number })
    }
}
