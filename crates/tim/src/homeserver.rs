//! Which homeserver a server name means, and how one signs in to it (Matrix client-server API v1.11 §4.1, §5.2).

use ruma::api::client::session::get_login_types::v3::LoginType;
use serde::Deserialize;
use url::Url;

/// A larger discovery document is refused.
const DOCUMENT_LIMIT: u64 = 64 * 1024;

/// The client that may ask an address; none for an address that may not be asked.
pub type Clients<'a> = &'a (dyn Fn(&Url) -> Option<reqwest::Client> + Sync);

/// A homeserver that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Homeserver {
    /// The name in user ids: `hospital.tim.example`.
    pub server_name: String,
    /// Base of its client-server API.
    pub base: Url,
    /// The ways of signing in that this program knows.
    pub ways: Vec<SignInWay>,
}

/// A way of signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInWay {
    /// User name and password.
    Password,
    /// By the browser, with an identity provider where the homeserver names some.
    Browser {
        /// The provider's id at the homeserver.
        provider: Option<String>,
    },
}

/// Why there is no homeserver.
#[derive(Debug, thiserror::Error)]
pub enum HomeserverError {
    /// The name is no server name.
    #[error("the server name cannot be used")]
    Name,
    /// No answer.
    #[error("{host} cannot be reached")]
    Unreachable {
        /// The host.
        host: String,
    },
    /// It answers, and not as a homeserver.
    #[error("{host} does not answer as a homeserver: {reason}")]
    Unreadable {
        /// The host.
        host: String,
        /// For the log.
        reason: String,
    },
}

#[derive(Deserialize)]
struct WellKnown {
    #[serde(rename = "m.homeserver")]
    homeserver: WellKnownHomeserver,
}

#[derive(Deserialize)]
struct WellKnownHomeserver {
    base_url: String,
}

impl Homeserver {
    /// Finds the homeserver of a server name. Without a discovery document the server name itself is asked.
    ///
    /// # Errors
    /// [`HomeserverError`] says whether the name, the network or the answer is at fault.
    pub async fn discover(http: Clients<'_>, server_name: &str) -> Result<Self, HomeserverError> {
        let own = address(http, server_name)?;
        let document = own.join("/.well-known/matrix/client").map_err(|_error| HomeserverError::Name)?;
        let base = match fetch::<WellKnown>(http, document).await? {
            Some(found) => {
                let base = Url::parse(&found.homeserver.base_url).map_err(|error| HomeserverError::Unreadable {
                    host: server_name.to_owned(),
                    reason: error.to_string(),
                })?;
                if http(&base).is_none() {
                    let reason = "the base URL may not be asked".to_owned();
                    return Err(HomeserverError::Unreadable { host: server_name.to_owned(), reason });
                }
                base
            }
            None => own,
        };
        let ways = sign_in_ways(http, &base).await?;
        Ok(Self { server_name: server_name.to_owned(), base, ways })
    }

    /// The page that signs in by the browser and comes back to `redirect` with a `loginToken` (client-server API
    /// §5.6.3); none where the homeserver offers no such way.
    #[must_use]
    pub fn browser_page(&self, redirect: &Url) -> Option<Url> {
        let provider = self.ways.iter().find_map(|way| match way {
            SignInWay::Browser { provider } => Some(provider.clone()),
            SignInWay::Password => None,
        })?;
        let mut page = self.base.clone();
        page.path_segments_mut().ok()?.pop_if_empty().extend(["_matrix", "client", "v3", "login", "sso", "redirect"]);
        if let Some(provider) = provider {
            page.path_segments_mut().ok()?.push(&provider);
        }
        page.query_pairs_mut().append_pair("redirectUrl", redirect.as_str());
        Some(page)
    }
}

/// Plain where that may be asked, which is on this computer only; else `https`.
pub(crate) fn address(http: Clients<'_>, server_name: &str) -> Result<Url, HomeserverError> {
    ruma::ServerName::parse(server_name).map_err(|_error| HomeserverError::Name)?;
    let plain = Url::parse(&format!("http://{server_name}")).map_err(|_error| HomeserverError::Name)?;
    if http(&plain).is_some() {
        return Ok(plain);
    }
    Url::parse(&format!("https://{server_name}")).map_err(|_error| HomeserverError::Name)
}

/// None on 404: nothing is published there.
pub(crate) async fn fetch<T: for<'a> Deserialize<'a>>(
    http: Clients<'_>,
    url: Url,
) -> Result<Option<T>, HomeserverError> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let Some(http) = http(&url) else {
        return Err(HomeserverError::Unreadable { host, reason: "the address may not be asked".to_owned() });
    };
    let unreachable = |error: reqwest::Error| {
        tracing::debug!(%host, kind = ?error.is_timeout(), "no answer");
        HomeserverError::Unreachable { host: host.clone() }
    };
    let answer = http.get(url).send().await.map_err(&unreachable)?;
    if answer.status() == reqwest::StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let unreadable = |reason: String| HomeserverError::Unreadable { host: host.clone(), reason };
    if !answer.status().is_success() {
        return Err(unreadable(format!("status {}", answer.status().as_u16())));
    }
    let body = body(answer).await.map_err(unreadable)?;
    serde_json::from_slice(&body).map(Some).map_err(|error| unreadable(error.to_string()))
}

/// A short answer. The error is for the log.
pub(crate) async fn body(mut answer: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| error.without_url().to_string())? {
        body.extend_from_slice(&piece);
        if body.len() as u64 > DOCUMENT_LIMIT {
            return Err("the answer is too large".to_owned());
        }
    }
    Ok(body)
}

#[derive(Deserialize)]
struct LoginTypes {
    flows: Vec<LoginType>,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's list grows; what is not named here is treated alike")]
async fn sign_in_ways(http: Clients<'_>, base: &Url) -> Result<Vec<SignInWay>, HomeserverError> {
    let host = base.host_str().unwrap_or_default().to_owned();
    let missing = || HomeserverError::Unreadable { host: host.clone(), reason: "no login types".to_owned() };
    let mut url = base.clone();
    url.path_segments_mut().map_err(|()| missing())?.pop_if_empty().extend(["_matrix", "client", "v3", "login"]);
    let types: LoginTypes = fetch(http, url).await?.ok_or_else(missing)?;
    let ways = types.flows.into_iter().filter_map(|flow| match flow {
        LoginType::Password(_) => Some(SignInWay::Password),
        LoginType::Sso(sso) => {
            Some(SignInWay::Browser { provider: sso.identity_providers.into_iter().next().map(|found| found.id) })
        }
        _ => None,
    });
    Ok(ways.collect())
}

#[cfg(test)]
mod tests {
    use super::{Homeserver, SignInWay, address};
    use url::Url;

    #[test]
    fn only_what_may_be_asked_is_asked_without_tls() {
        let http = |url: &Url| {
            let plain = url.scheme() == "https" || url.host_str() == Some("127.0.0.1");
            plain.then(reqwest::Client::new)
        };
        let said = |name| address(&http, name).map(|url| url.to_string()).ok();
        assert_eq!(said("127.0.0.1:8008").as_deref(), Some("http://127.0.0.1:8008/"), "this computer");
        assert_eq!(said("tim.example").as_deref(), Some("https://tim.example/"), "another one");
        assert_eq!(said("10.0.0.1").as_deref(), Some("https://10.0.0.1/"), "another one by number");
        assert_eq!(said("not a name"), None, "no server name");
    }

    #[test]
    fn the_browser_page_names_provider_and_way_back() {
        let homeserver = Homeserver {
            server_name: "tim.example".to_owned(),
            base: Url::parse("https://matrix.tim.example/").expect("a URL"),
            ways: vec![SignInWay::Password, SignInWay::Browser { provider: Some("oidc-house".to_owned()) }],
        };
        let back = Url::parse("http://127.0.0.1:4711/chat?state=a b").expect("a URL");
        let page = homeserver.browser_page(&back).expect("there is a way by the browser");
        assert_eq!(
            page.as_str(),
            "https://matrix.tim.example/_matrix/client/v3/login/sso/redirect/oidc-house?redirectUrl=http%3A%2F%2F127.0.0.1%3A4711%2Fchat%3Fstate%3Da%2520b",
            "as the client-server API writes it"
        );
    }
}
