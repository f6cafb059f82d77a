//! Whether the people of a homeserver are insured ones, who are patients: the own homeserver says so
//! (`I_TiMessengerInformation`, TiMessengerInformation.yaml of gematik's api-ti-messenger).

use crate::openid::OpenId;
use matrix_sdk::Client;
use reqwest::StatusCode;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// So long an answer holds: the federation's list, which it is read from, changes by the day.
const HOLDS: Duration = Duration::from_secs(3600);
/// So long it is not asked again where no answer came.
const AGAIN: Duration = Duration::from_secs(300);
/// An invitation waits no longer for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// Homeservers that are remembered.
const MOST: usize = 512;
/// An answer is one word; in bytes.
const LONGEST: usize = 4096;

/// What the own homeserver has said about others.
pub(crate) struct Insurances {
    client: Client,
    http: reqwest::Client,
    said: Mutex<BTreeMap<String, (Instant, Option<bool>)>>,
}

/// What came of a question.
enum Answer {
    Said(bool),
    /// The token is none for it.
    Refused,
}

impl Insurances {
    pub(crate) fn new(client: Client, http: reqwest::Client) -> Self {
        Self { client, http, said: Mutex::default() }
    }

    /// None where nobody says so. One question at a time: the others wait for the same answer.
    pub(crate) async fn has(&self, server: &str) -> Option<bool> {
        let mut said = self.said.lock().await;
        if let Some((at, answer)) = said.get(server) {
            let holds = if answer.is_some() { HOLDS } else { AGAIN };
            if at.elapsed() < holds {
                return *answer;
            }
        }
        let answer = tokio::time::timeout(PATIENCE, self.ask(server)).await.ok().flatten();
        if said.len() >= MOST {
            said.clear();
        }
        said.insert(server.to_owned(), (Instant::now(), answer));
        answer
    }

    /// With the token that the interface names; where that is refused with the one that the homeserver has given for
    /// itself, as the Synapse module of the federation wants it. Either goes to the own homeserver and nowhere else.
    async fn ask(&self, server: &str) -> Option<bool> {
        if let Ok(token) = OpenId::of(self.client.clone()).token().await
            && let Answer::Said(insured) = self.by(&token.token, server).await?
        {
            return Some(insured);
        }
        let own = self.client.access_token()?;
        match self.by(&own, server).await? {
            Answer::Said(insured) => Some(insured),
            Answer::Refused => None,
        }
    }

    async fn by(&self, token: &str, server: &str) -> Option<Answer> {
        let mut url = self.client.homeserver();
        url.path_segments_mut().ok()?.pop_if_empty().extend(["tim-information", "v1", "server", "isInsurance"]);
        url.query_pairs_mut().append_pair("serverName", server);
        let mut answer = self.http.get(url).bearer_auth(token).send().await.ok()?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Some(Answer::Refused),
            _ => return None,
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.ok()? {
            body.extend_from_slice(&piece);
            if body.len() > LONGEST {
                return None;
            }
        }
        let body: Value = serde_json::from_slice(&body).ok()?;
        body["isInsurance"].as_bool().map(Answer::Said)
    }
}
