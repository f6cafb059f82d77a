//! What IT has set for this computer: how requests leave it. One small file that any software
//! distribution can put in its place, and certificate files beside it.
//!
//! | System | File |
//! | --- | --- |
//! | Linux | `/etc/konsil/konsil.json` |
//! | macOS | `/Library/Application Support/Konsil/konsil.json` |
//! | Windows | `konsil.json` beside `konsil.exe` |
//!
//! ```json
//! {"v": 1, "ca": ["hospital-ca.pem"], "proxy": "http://proxy.hospital.example:3128", "noProxy": "hospital.example,10.0.0.0/8"}
//! ```
//!
//! Every key but `v` may be left out. `ca` lists files with certificate authorities (PEM, or one in DER),
//! relative to the folder of the file; they are trusted beside the computer's own. `proxy` is `system`
//! (as if left out), `none`, or an address; `noProxy` belongs to an address.
//!
//! A file that cannot be read, or that says something unknown, keeps the program from starting: a
//! setting of IT that is passed over in silence is worse than none.

use contract::{Failure, FailureCode};
use platform::egress::{AddedAuthorities, EgressOptions, ProxyChoice};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use url::Url;

const FILE: &str = "konsil.json";

/// What IT set cannot be used. Paths are of files that IT chose, and hold nothing of a person.
#[derive(Debug, thiserror::Error)]
enum MachineError {
    #[error("{path}: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("{path}: version {v} is newer than this program")]
    TooNew { path: String, v: u32 },
    #[error("{path}: the proxy is neither \"system\" nor \"none\" nor an address with http or https")]
    Proxy { path: String },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    v: u32,
    #[serde(default)]
    ca: Vec<PathBuf>,
    proxy: Option<String>,
    #[serde(default)]
    no_proxy: String,
}

/// How requests leave this computer: as IT set it, with the authorities of `ca` beside those.
///
/// # Errors
/// [`FailureCode::MachineSettingsUnreadable`], whose detail names the file.
pub fn egress_options(ca: &[PathBuf]) -> Result<EgressOptions, Failure> {
    options(folder().as_deref(), ca)
        .map_err(|error| Failure::new(FailureCode::MachineSettingsUnreadable, error.to_string()))
}

/// Only an administrator may write there: whoever can add an authority can read along. That is why
/// Windows has no place in `ProgramData`, where everybody may make a folder.
fn folder() -> Option<PathBuf> {
    if cfg!(windows) {
        std::env::current_exe().ok()?.parent().map(Path::to_owned)
    } else if cfg!(target_os = "macos") {
        Some("/Library/Application Support/Konsil".into())
    } else {
        Some("/etc/konsil".into())
    }
}

fn options(folder: Option<&Path>, ca: &[PathBuf]) -> Result<EgressOptions, MachineError> {
    let mut options = EgressOptions::default();
    if let Some(folder) = folder
        && let Some(settings) = settings(&folder.join(FILE))?
    {
        for file in &settings.ca {
            options.added.push(authorities(&folder.join(file))?);
        }
        options.proxy = proxy(&folder.join(FILE), &settings)?;
    }
    for file in ca {
        options.added.push(authorities(file)?);
    }
    Ok(options)
}

fn settings(path: &Path) -> Result<Option<Settings>, MachineError> {
    let unreadable = |reason: String| MachineError::Unreadable { path: path.display().to_string(), reason };
    let content = match std::fs::read(path) {
        Ok(content) => content,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    // Windows' editors put a mark before UTF-8.
    let content = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&content);
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    // A newer form may have other keys, so its version is looked at first.
    if let Ok(Version { v }) = serde_json::from_slice(content)
        && v > 1
    {
        return Err(MachineError::TooNew { path: path.display().to_string(), v });
    }
    let settings: Settings = serde_json::from_slice(content).map_err(|error| unreadable(error.to_string()))?;
    if settings.v == 1 { Ok(Some(settings)) } else { Err(unreadable(format!("there is no version {}", settings.v))) }
}

fn proxy(path: &Path, settings: &Settings) -> Result<ProxyChoice, MachineError> {
    match settings.proxy.as_deref().map(str::trim) {
        None | Some("system") => Ok(ProxyChoice::System),
        Some("none") => Ok(ProxyChoice::Direct),
        Some(address) => match Url::parse(address) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
                Ok(ProxyChoice::Fixed { url, except: settings.no_proxy.clone() })
            }
            Ok(_) | Err(_) => Err(MachineError::Proxy { path: path.display().to_string() }),
        },
    }
}

fn authorities(path: &Path) -> Result<AddedAuthorities, MachineError> {
    let name = path.display().to_string();
    match std::fs::read(path) {
        Ok(content) => Ok(AddedAuthorities { name, content }),
        Err(error) => Err(MachineError::Unreadable { path: name, reason: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::{FILE, options};
    use platform::egress::{EgressOptions, ProxyChoice};
    use std::path::Path;

    fn read(text: &str) -> (tempfile::TempDir, Result<EgressOptions, String>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join(FILE), text).expect("a file");
        std::fs::write(folder.path().join("ca.pem"), "a certificate").expect("a file");
        let read = options(Some(folder.path()), &[]).map_err(|error| error.to_string());
        (folder, read)
    }

    #[test]
    fn a_computer_without_settings_goes_by_its_system() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = options(Some(folder.path()), &[]).expect("nothing is set");
        assert_eq!((options.proxy, options.added), (ProxyChoice::System, Vec::new()), "the system's own way");
    }

    #[test]
    fn what_it_set_is_taken_and_files_lie_beside_the_settings() {
        let text =
            r#"{"v": 1, "ca": ["ca.pem"], "proxy": "http://proxy.haus.example:3128", "noProxy": "haus.example"}"#;
        let (folder, options) = read(text);
        let options = options.expect("all is well");
        assert_eq!(options.added[0].content, b"a certificate", "the file beside the settings");
        assert_eq!(Path::new(&options.added[0].name), folder.path().join("ca.pem"), "by its whole path");
        let ProxyChoice::Fixed { url, except } = options.proxy else { panic!("{:?}", options.proxy) };
        assert_eq!((url.as_str(), except.as_str()), ("http://proxy.haus.example:3128/", "haus.example"), "the proxy");
        assert_eq!(
            read(r#"{"v": 1, "proxy": "none"}"#).1.map(|options| options.proxy),
            Ok(ProxyChoice::Direct),
            "none"
        );
    }

    #[test]
    fn nothing_that_it_wrote_is_passed_over_in_silence() {
        for (text, reason) in [
            ("", "EOF while parsing"),
            (r#"{"v": 1, "proxies": "http://p"}"#, "unknown field `proxies`"),
            (r#"{"v": 2, "other": true}"#, "version 2 is newer"),
            (r#"{"v": 1, "ca": ["gone.pem"]}"#, "gone.pem"),
            (r#"{"v": 1, "proxy": "proxy.haus.example:3128"}"#, "the proxy is neither"),
            (r#"{"v": 1, "proxy": "socks5://p:1"}"#, "the proxy is neither"),
        ] {
            let refused = read(text).1.expect_err("it cannot be used");
            assert!(refused.contains(reason), "{text}: {refused}");
            assert!(refused.contains("konsil.json") || refused.contains("gone.pem"), "the file is named: {refused}");
        }
    }
}
