//! What a person does in a browser to sign in: opens the page of the link, types name and password, and is led on from
//! page to page, first to the program and then, by the same way, to the homeserver and back.

use crate::people::PASSWORD;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, RequestBuilder, redirect};
use std::collections::BTreeMap;
use url::Url;

/// Redirects of one page; the whole way through provider and homeserver has six.
const REDIRECTS: usize = 20;

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrowserError {
    /// A page did not come.
    #[error("a page did not come: {0}")]
    Page(#[from] reqwest::Error),
    /// A page leads to what is no address.
    #[error("a page leads to what is no address: {0}")]
    Address(#[from] url::ParseError),
    /// A page leads in a circle.
    #[error("too many redirects")]
    Circle,
    /// The provider asks again after name and password were given.
    #[error("the provider does not take name and password")]
    Refused,
}

/// Signs `person` in at the page of `link`.
pub(super) async fn sign_in(link: &str, person: &str) -> Result<(), BrowserError> {
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().build()?;
    let mut browser = Browser { client, cookies: BTreeMap::new() };
    let page: Url = link.parse()?;
    let asked = browser.follow(browser.client.get(page.clone()), page).await?;
    // A provider that still knows the person does not ask.
    let Some(target) = asked.form()? else { return Ok(()) };
    let filled = browser.client.post(target.clone()).form(&[("username", person), ("password", PASSWORD)]);
    let end = browser.follow(filled, target).await?;
    if end.form()?.is_some() { Err(BrowserError::Refused) } else { Ok(()) }
}

/// A page that was not led on from.
struct Page {
    url: Url,
    text: String,
}

impl Page {
    /// Where the form goes in which a password is asked for.
    fn form(&self) -> Result<Option<Url>, url::ParseError> {
        if !self.text.contains("type=\"password\"") {
            return Ok(None);
        }
        let action = self.text.split("<form").nth(1).and_then(|form| form.split("action=\"").nth(1));
        let action = action.and_then(|rest| rest.split('"').next()).map(|action| action.replace("&amp;", "&"));
        action.map(|action| self.url.join(&action)).transpose()
    }
}

struct Browser {
    client: Client,
    /// All hosts are this computer, and names are not given twice.
    cookies: BTreeMap<String, String>,
}

impl Browser {
    async fn follow(&mut self, mut request: RequestBuilder, mut url: Url) -> Result<Page, BrowserError> {
        for _ in 0..REDIRECTS {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = request.header(COOKIE, cookies.join("; ")).send().await?;
            for line in answer.headers().get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok()) {
                if let Some((name, value)) = line.split(';').next().and_then(|pair| pair.split_once('=')) {
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
            let onward = answer.headers().get(LOCATION).filter(|_| answer.status().is_redirection());
            let Some(onward) = onward.and_then(|place| place.to_str().ok()) else {
                return Ok(Page { url, text: answer.text().await? });
            };
            url = url.join(onward)?;
            request = self.client.get(url.clone());
        }
        Err(BrowserError::Circle)
    }
}
