//! [`Platform`]: where a test's desk signs in, as a rule the evaluation platform inside the test's process.

use crate::{PATIENCE, browser, fhir::FhirDoor};
use anyhow::Context as _;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rand::Rng;
use sandbox::{Options, Running, Sandbox};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::{OnceLock, mpsc};
use url::Url;

/// A platform; one that was started here answers until it is dropped.
#[derive(Debug)]
pub struct Platform {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    running: Option<Running>,
}

impl Platform {
    /// The platform that all tests of a process share. It has a runtime of its own, since each test's ends with it.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Platform> = OnceLock::new();
        SHARED.get_or_init(|| {
            let (tell, started) = mpsc::sync_channel(1);
            let thread = std::thread::Builder::new().name("platform".to_owned());
            let spawned = thread.spawn(move || {
                let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
                runtime.block_on(async {
                    let running = Sandbox::start(Options::default()).await.expect("a platform in memory starts");
                    tell.send(running.url.clone()).expect("the first test waits");
                    running.run_until(std::future::pending()).await;
                });
            });
            spawned.expect("a thread can be started");
            let url = started.recv_timeout(PATIENCE).expect("the platform starts in time");
            Self { url, running: None }
        })
    }

    /// A platform of the test's own.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        Ok(Self::of(Sandbox::start(options).await?))
    }

    pub(crate) fn of(running: Running) -> Self {
        Self { url: running.url.clone(), running: Some(running) }
    }

    /// A platform that somebody else runs, by its address. It has no levers.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), running: None }
    }

    /// Ends all sessions at the provider; on a platform of the test's own.
    pub fn end_sessions(&self) {
        if let Some(running) = &self.running {
            running.end_sessions();
        }
    }

    /// Puts the platform's clock forward; on a platform of the test's own.
    pub fn advance(&self, seconds: i64) {
        if let Some(running) = &self.running {
            running.clock.advance(seconds);
        }
    }

    /// Stops answering.
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// A door to the records in the name of `user`, for what a second program does meanwhile.
    ///
    /// # Errors
    /// When the person cannot sign in.
    pub async fn records(&self, user: &str) -> anyhow::Result<FhirDoor> {
        let client = browser::client()?;
        let discovery: Value = json(&client, &format!("{}/.well-known/konsil", self.url)).await?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("the platform names it");
        let (issuer, name) = (text(&discovery["oidc"]["issuer"])?, text(&discovery["oidc"]["client_id"])?);
        let provider: Value = json(&client, &format!("{issuer}/.well-known/openid-configuration")).await?;
        // RFC 7636 §4: a verifier of 43 characters and its S256 challenge.
        let verifier = BASE64_URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; 32]>());
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let redirect = "http://127.0.0.1:9/callback";
        let page = Url::parse_with_params(
            &text(&provider["authorization_endpoint"])?,
            [
                ("response_type", "code"),
                ("client_id", &name),
                ("redirect_uri", redirect),
                ("scope", "openid profile"),
                ("state", "s"),
                ("nonce", "n"),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ],
        )?;
        let end = browser::walk(&page, user, sandbox::PASSWORD, Some(redirect)).await?;
        let code = end.url.query_pairs().find(|(name, _)| name == "code").context("the provider gives a code")?.1;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", &name),
            ("redirect_uri", redirect),
            ("code", &code),
            ("code_verifier", &verifier),
        ];
        let answer = client.post(text(&provider["token_endpoint"])?).form(&form).send().await?;
        let tokens: Value = answer.error_for_status()?.json().await?;
        Ok(FhirDoor::new(client, text(&discovery["fhir"]["base"])?, text(&tokens["access_token"])?))
    }
}

async fn json(client: &reqwest::Client, url: &str) -> anyhow::Result<Value> {
    Ok(client.get(url).send().await?.error_for_status()?.json().await?)
}
