//! The system's browser, opened as the system does it and without a shell.

use std::{process::Stdio, time::Duration};

use tokio::process::Command;
use url::Url;

/// A browser that fails does so within this time; one that is still running has the page.
const PATIENCE: Duration = Duration::from_millis(1500);

/// No browser could be opened.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// Only web pages are opened.
    #[error("only http and https pages are opened")]
    NotAPage,
    /// Every program that was tried failed.
    #[error("no browser could be opened: {0}")]
    Failed(String),
}

/// Opens `url` in the person's browser.
///
/// # Errors
/// [`BrowserError`] when there is none; the address can still be shown to be copied.
pub async fn open(url: &Url) -> Result<(), BrowserError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BrowserError::NotAPage);
    }
    let mut failures = Vec::new();
    for program in candidates(std::env::var("BROWSER").ok().as_deref(), url.as_str()) {
        match start(&program).await {
            Ok(()) => return Ok(()),
            Err(failure) => failures.push(failure),
        }
    }
    Err(BrowserError::Failed(failures.join("; ")))
}

/// Program and arguments, in the order to try.
fn candidates(wished: Option<&str>, url: &str) -> Vec<Vec<String>> {
    let owned = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
    if cfg!(windows) {
        return vec![owned(&["rundll32.exe", "url.dll,FileProtocolHandler", url])];
    }
    if cfg!(target_os = "macos") {
        return vec![owned(&["/usr/bin/open", url])];
    }
    // $BROWSER holds programs separated by colons; %s in one stands for the address.
    let mut all: Vec<Vec<String>> = wished
        .into_iter()
        .flat_map(|list| list.split(':'))
        .map(|entry| entry.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter(|words| !words.is_empty())
        .map(|mut words| {
            let mut placed = false;
            for word in words.iter_mut().skip(1).filter(|word| word.contains("%s")) {
                *word = word.replace("%s", url);
                placed = true;
            }
            if !placed {
                words.push(url.to_owned());
            }
            words
        })
        .collect();
    all.push(owned(&["xdg-open", url]));
    all
}

async fn start(words: &[String]) -> Result<(), String> {
    let (program, arguments) = words.split_first().ok_or_else(|| "no program".to_owned())?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    match tokio::time::timeout(PATIENCE, child.wait()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("{program}: {status}")),
        Ok(Err(error)) => Err(format!("{program}: {error}")),
        // It goes on by itself; tokio reaps it.
        Err(_elapsed) => Ok(()),
    }
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::candidates;

    #[test]
    fn the_browser_variable_comes_before_the_desktops_own() {
        assert_eq!(
            candidates(Some("one --new %s:two"), "https://a.example/?b=c"),
            [
                vec!["one", "--new", "https://a.example/?b=c"],
                vec!["two", "https://a.example/?b=c"],
                vec!["xdg-open", "https://a.example/?b=c"],
            ],
            "colons separate programs, and the address is one argument"
        );
    }
}
