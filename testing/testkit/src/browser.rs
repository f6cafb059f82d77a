//! A browser without a screen: opens a provider's page, fills in the login form as a person would, and
//! follows the redirects to their end.
//!
//! Cookies are carried by hand: some providers mark them `Secure` on http too, and browsers accept that
//! on loopback.

use anyhow::{Context as _, bail, ensure};
use reqwest::{Client, Method, StatusCode, header, redirect};
use std::collections::BTreeMap;
use url::Url;

/// Names the person who signs in.
pub const USER: &str = "KONSIL_WALK_USER";
/// Their password, if it is not that of all invented people.
pub const PASSWORD: &str = "KONSIL_WALK_PASSWORD";

/// Redirects of one page; no honest provider needs as many.
const REDIRECTS: usize = 20;

/// As a program: walks the page named by its last argument.
///
/// # Errors
/// When the person was not signed in.
pub fn main() -> anyhow::Result<()> {
    let page = std::env::args().next_back().context("no page is named")?;
    let user = std::env::var(USER).unwrap_or_else(|_unset| "dr-falkenried".to_owned());
    let password = std::env::var(PASSWORD).unwrap_or_else(|_unset| sandbox::PASSWORD.to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let end = runtime.block_on(walk(&page.parse()?, &user, &password, None))?;
    ensure!(end.status == StatusCode::OK, "the last page says {}", end.status);
    Ok(())
}

/// Where a walk ended.
#[derive(Debug)]
pub struct End {
    /// The last address.
    pub url: Url,
    /// What it answered.
    pub status: StatusCode,
}

/// Signs in at `page`. With `until`, a redirect to an address that begins so is the end and is not followed.
///
/// # Errors
/// When a page does not answer or asks for more than a name and a password.
pub async fn walk(page: &Url, user: &str, password: &str, until: Option<&str>) -> anyhow::Result<End> {
    let mut browser = Browser { client: client()?, cookies: BTreeMap::new(), until };
    let (mut end, mut text) = browser.go(Method::GET, page.clone(), None).await?;
    if login_form(&text).is_none()
        && let Some(onward) = onward(&text)
    {
        (end, text) = browser.go(Method::GET, end.url.join(&onward)?, None).await?;
    }
    let Some(form) = login_form(&text) else {
        // A provider that still knows the person comes back without asking.
        return Ok(end);
    };
    let mut fields = Vec::new();
    for tag in tags(form, "<input") {
        let (name, kind) = (attribute(tag, "name"), attribute(tag, "type").unwrap_or_else(|| "text".to_owned()));
        let Some(name) = name.filter(|name| !name.is_empty()) else { continue };
        match kind.as_str() {
            "submit" | "checkbox" => {}
            "password" => fields.push((name, password.to_owned())),
            "text" | "email" => fields.push((name, user.to_owned())),
            _ => fields.push((name, attribute(tag, "value").unwrap_or_default())),
        }
    }
    let action = tags(form, "<form").next().and_then(|tag| attribute(tag, "action")).unwrap_or_default();
    let target = end.url.join(&action)?;
    let (end, text) = browser.go(Method::POST, target, Some(fields)).await?;
    ensure!(login_form(&text).is_none(), "the provider did not accept {user}");
    Ok(end)
}

/// A client for loopback that follows nothing by itself.
pub(crate) fn client() -> anyhow::Result<Client> {
    // Several callers of one process may want to be first.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    Ok(Client::builder().redirect(redirect::Policy::none()).no_proxy().build()?)
}

struct Browser<'a> {
    client: Client,
    cookies: BTreeMap<String, String>,
    until: Option<&'a str>,
}

impl Browser<'_> {
    async fn go(
        &mut self,
        mut method: Method,
        mut url: Url,
        mut form: Option<Vec<(String, String)>>,
    ) -> anyhow::Result<(End, String)> {
        for _ in 0..REDIRECTS {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mut request = self.client.request(method, url.clone()).header(header::COOKIE, cookies.join("; "));
            if let Some(form) = form.take() {
                request = request.form(&form);
            }
            let answer = request.send().await?;
            for line in answer.headers().get_all(header::SET_COOKIE) {
                let pair = line.to_str()?.split(';').next().unwrap_or_default();
                if let Some((name, value)) = pair.split_once('=') {
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
            let (status, place) = (answer.status(), answer.headers().get(header::LOCATION).cloned());
            let Some(place) = place.filter(|_| status.is_redirection()) else {
                return Ok((End { url, status }, answer.text().await?));
            };
            url = url.join(place.to_str()?)?;
            if self.until.is_some_and(|until| url.as_str().starts_with(until)) {
                return Ok((End { url, status }, String::new()));
            }
            method = Method::GET;
        }
        bail!("too many redirects")
    }
}

/// The form in which a person types a password.
fn login_form(page: &str) -> Option<&str> {
    let lower = page.to_ascii_lowercase();
    let mut from = 0;
    while let Some(start) = lower[from..].find("<form").map(|at| from + at) {
        let end = lower[start..].find("</form>").map_or(page.len(), |at| start + at);
        let form = &page[start..end];
        if tags(form, "<input").any(|tag| attribute(tag, "type").as_deref() == Some("password")) {
            return Some(form);
        }
        from = end;
    }
    None
}

/// Where a page leads on that only says where it will go: Synapse's, before a proof of who asks.
fn onward(page: &str) -> Option<String> {
    let primary = |tag: &&str| attribute(tag, "class").as_deref() == Some("primary-button");
    tags(page, "<a ").find(primary).and_then(|tag| attribute(tag, "href"))
}

/// Start tags of one name; ASCII lower case keeps offsets.
fn tags<'a>(text: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    let lower = text.to_ascii_lowercase();
    let places: Vec<usize> = lower.match_indices(start).map(|(at, _)| at).collect();
    places.into_iter().map(move |at| text[at..].split_once('>').map_or(&text[at..], |(tag, _)| tag))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let lower = tag.to_ascii_lowercase();
    let mut from = 0;
    loop {
        let at = from + lower[from..].find(name)?;
        let before = lower[..at].chars().next_back().is_some_and(char::is_whitespace);
        let rest = tag[at + name.len()..].trim_start();
        match rest.strip_prefix('=').map(str::trim_start).and_then(|rest| rest.strip_prefix('"')) {
            Some(value) if before => return value.split_once('"').map(|(value, _)| unescape(value)),
            Some(_) | None => from = at + name.len(),
        }
    }
}

fn unescape(text: &str) -> String {
    let pairs = [("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::{attribute, login_form, onward, tags};

    /// As Keycloak writes it: entities in the action, attributes in another order, a form before it.
    const PAGE: &str = r#"<form action="/lang"><input type="hidden" name="l"></form>
        <form id="kc-form-login" onsubmit="x" action="http://127.0.0.1:1/auth?a=1&amp;b=2" method="post">
        <input tabindex="2" id="username" name="username" value="" type="text" autofocus autocomplete="username"/>
        <input id="password" name="password" type="password"/><input type="hidden" name="credentialId" value="c1"/>
        </form>"#;

    #[test]
    fn the_form_with_the_password_is_found_and_read() {
        let form = login_form(PAGE).expect("the second form asks for a password");
        let action = tags(form, "<form").next().and_then(|tag| attribute(tag, "action"));
        assert_eq!(action.as_deref(), Some("http://127.0.0.1:1/auth?a=1&b=2"), "entities are characters");
        let names: Vec<_> = tags(form, "<input").filter_map(|tag| attribute(tag, "name")).collect();
        assert_eq!(names, ["username", "password", "credentialId"], "the fields in order");
        assert!(login_form("<form><input name='q'></form>").is_none(), "a search form is no login");
        assert_eq!(onward(PAGE), None, "it leads nowhere by itself");
        let page =
            r#"<a href="/help">?</a><a href="http://127.0.0.1:1/auth?a=1&amp;b=2" class="primary-button"> Go </a>"#;
        assert_eq!(onward(page).as_deref(), Some("http://127.0.0.1:1/auth?a=1&b=2"), "as Synapse writes it");
    }
}
