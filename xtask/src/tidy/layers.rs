//! Rules over cargo's metadata: which crate may know which, and what licenses a dependency may have.

use super::Finding;
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

/// The house's floors. A crate that is missing here must be given its place first.
const LAYERS: [(&str, u8); 24] = [
    ("model", 0),
    ("contract", 0),
    ("imaging", 1),
    ("attachment", 1),
    ("codec", 1),
    ("rounds-proto", 1),
    ("viewer", 2),
    ("rounds", 2),
    ("sound", 2),
    ("capture", 2),
    ("tim", 2),
    ("platform", 2),
    ("vault", 2),
    ("sfu", 2),
    ("app", 3),
    ("desk-http", 4),
    ("viewer-web", 4),
    ("sandbox", 4),
    ("konsil-desktop", 4),
    ("testkit", 5),
    ("integration", 5),
    ("bench", 5),
    ("fuzz", 5),
    ("xtask", 5),
];

/// Below this floor lies the program itself.
const SHELLS: u8 = 4;

/// Crates without I/O, and what they must not link to stay so.
const PURE: [&str; 6] = ["model", "contract", "imaging", "attachment", "codec", "rounds-proto"];
const IMPURE: [&str; 10] =
    ["tokio", "async-std", "mio", "socket2", "reqwest", "hyper", "axum", "rusqlite", "rand", "getrandom"];

fn layer(name: &str) -> Option<u8> {
    LAYERS.into_iter().find(|(known, _)| *known == name).map(|(_, layer)| layer)
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn members(metadata: &Value) -> impl Iterator<Item = &Value> {
    let ids: Vec<&Value> = list(metadata, "workspace_members").collect();
    list(metadata, "packages").filter(move |package| ids.contains(&&package["id"]))
}

/// The members' folders from the root.
pub(crate) fn folders(metadata: &Value, root: &Path) -> Vec<String> {
    members(metadata)
        .filter_map(|package| Path::new(text(package, "manifest_path")).parent()?.strip_prefix(root).ok())
        .map(|folder| folder.to_string_lossy().replace('\\', "/"))
        .collect()
}

/// An arrow points down, crates of one floor are strangers, and only shells know Tauri.
pub(crate) fn check(metadata: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let names: Vec<&str> = members(metadata).map(|package| text(package, "name")).collect();
    for package in members(metadata) {
        let name = text(package, "name");
        let Some(own) = layer(name) else {
            found.push(Finding::new(name, "the crate has no layer in xtask/src/tidy/layers.rs"));
            continue;
        };
        for dependency in list(package, "dependencies") {
            let (other, kind) = (text(dependency, "name"), dependency["kind"].as_str().unwrap_or("normal"));
            let finding = |what: String| Finding::new(format!("{name} -> {other}"), what);
            if names.contains(&other) {
                found.extend(arrow(name, own, other, kind == "dev").map(finding));
            } else if kind != "dev" {
                found.extend(stranger(name, own, other).map(finding));
            }
        }
    }
    found
}

/// What is wrong with one crate of ours knowing another.
fn arrow(name: &str, own: u8, other: &str, dev: bool) -> Option<String> {
    let theirs = layer(other)?;
    let test_tool = other == "testkit";
    if test_tool && (dev || own > SHELLS) {
        return None;
    }
    // An end-to-end test starts whatever it needs; units of the program stay on their floor.
    if dev && own >= SHELLS {
        return None;
    }
    if theirs >= own {
        return Some(format!("layer {own} may not know layer {theirs}"));
    }
    if other == "contract" && own < 3 {
        return Some("only `app` and the shells fill the contract".to_owned());
    }
    // Its colleagues sit at desks; that nothing else of it knows the application is a rule over its files.
    if name == "sandbox" && ["platform", "vault"].contains(&other) {
        return Some("the sandbox plays the other side and knows nothing of ours but a desk".to_owned());
    }
    None
}

/// What is wrong with a crate of ours linking somebody else's.
fn stranger(name: &str, own: u8, other: &str) -> Option<String> {
    if PURE.contains(&name) && IMPURE.contains(&other) {
        return Some("a pure crate links no runtime, socket, store or randomness".to_owned());
    }
    let window =
        ["tauri", "tauri-build", "wry", "tao", "webkit2gtk"].contains(&other) || other.starts_with("tauri-plugin");
    if window && name != "konsil-desktop" {
        return Some("only src-tauri knows Tauri".to_owned());
    }
    (other == "anyhow" && own < SHELLS).then(|| "a library names its errors: one enum per operation".to_owned())
}

/// Licenses that would bind the whole program, and packages without any.
pub(crate) fn licenses(metadata: &Value) -> Vec<Finding> {
    let linked = linked(metadata);
    list(metadata, "packages")
        .filter(|package| linked.contains_key(text(package, "id")))
        .filter_map(|package| {
            let license = package["license"].as_str().or(package["license_file"].as_str());
            let place = format!("{} {}", text(package, "name"), text(package, "version"));
            match license {
                None => Some(Finding::new(place, "has no license")),
                Some(license) if !allowed(license) => {
                    Some(Finding::new(place, format!("license {license} binds the whole program")))
                }
                Some(_) => None,
            }
        })
        .collect()
}

/// Packages that a member links or builds with, tests' own aside.
fn linked(metadata: &Value) -> BTreeMap<&str, ()> {
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"], "nodes").map(|node| (text(node, "id"), node)).collect();
    let mut seen = BTreeMap::new();
    let mut open: Vec<&str> = list(metadata, "workspace_members").filter_map(Value::as_str).collect();
    while let Some(id) = open.pop() {
        if seen.insert(id, ()).is_some() {
            continue;
        }
        for dependency in nodes.get(id).into_iter().flat_map(|node| list(node, "deps")) {
            if list(dependency, "dep_kinds").any(|kind| kind["kind"] != "dev") {
                open.push(text(dependency, "pkg"));
            }
        }
    }
    seen
}

/// True if one of the alternatives of an SPDX expression leaves the program free.
fn allowed(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    plain.split(" OR ").any(|way| {
        !way.split_whitespace()
            .any(|term| term.starts_with("GPL") || term.starts_with("AGPL") || term.starts_with("SSPL"))
    })
}

#[cfg(test)]
mod tests {
    use super::{allowed, check, licenses};
    use serde_json::{Value, json};

    /// A crate's name, and the names and kinds of what it depends on.
    type Sketch<'a> = (&'a str, &'a [(&'a str, Option<&'a str>)]);

    fn workspace(crates: &[Sketch<'_>]) -> Value {
        let ids: Vec<Value> = crates.iter().map(|(name, _)| json!(name)).collect();
        let packages: Vec<Value> = crates
            .iter()
            .map(|(name, dependencies)| {
                let dependencies: Vec<Value> =
                    dependencies.iter().map(|(name, kind)| json!({"name": name, "kind": kind})).collect();
                json!({"id": name, "name": name, "dependencies": dependencies})
            })
            .collect();
        json!({"workspace_members": ids, "packages": packages})
    }

    #[test]
    fn arrows_point_down() {
        let good = workspace(&[
            ("model", &[("serde", None)]),
            ("contract", &[]),
            ("imaging", &[("model", None)]),
            ("viewer", &[("imaging", None)]),
            ("app", &[("viewer", None), ("contract", None), ("tokio", None)]),
            ("sandbox", &[("model", None), ("app", None), ("anyhow", None)]),
            ("konsil-desktop", &[("app", None), ("tauri", None), ("testkit", Some("dev"))]),
            ("testkit", &[]),
        ]);
        assert_eq!(check(&good), [], "the house as it is drawn");
    }

    #[test]
    fn each_wrong_arrow_is_found() {
        for (name, other) in [
            ("imaging", "viewer"),
            ("platform", "vault"),
            ("model", "contract"),
            ("platform", "contract"),
            ("sandbox", "platform"),
            ("app", "testkit"),
            ("imaging", "tokio"),
            ("app", "tauri"),
            ("vault", "anyhow"),
        ] {
            let bad = workspace(&[
                (name, &[(other, None)]),
                (if super::layer(other).is_some() { other } else { "bench" }, &[]),
            ]);
            assert_eq!(check(&bad).len(), 1, "{name} -> {other}");
        }
        assert_eq!(check(&workspace(&[("newcomer", &[])])).len(), 1, "a crate without a place");
    }

    #[test]
    fn a_choice_of_licenses_is_free_if_one_of_them_is() {
        for good in [
            "MIT",
            "MIT OR GPL-3.0-only",
            "LGPL-2.1-or-later",
            "Apache-2.0 WITH LLVM-exception",
            "MIT/GPL-2.0",
            "MPL-2.0 AND MIT",
        ] {
            assert!(allowed(good), "{good}");
        }
        for bad in ["GPL-3.0-only", "AGPL-3.0-or-later", "MIT AND GPL-2.0-only", "GPL-2.0 OR AGPL-3.0"] {
            assert!(!allowed(bad), "{bad}");
        }
    }

    #[test]
    fn what_only_tests_link_may_have_any_license() {
        let metadata = |kind: Value| {
            json!({"workspace_members": ["app"],
                "packages": [{"id": "app", "name": "app", "license": "EUPL-1.2"}, {"id": "x", "name": "x", "license": "GPL-3.0-only"}],
                "resolve": {"nodes": [{"id": "app", "deps": [{"pkg": "x", "dep_kinds": [{"kind": kind}]}]}]}})
        };
        assert_eq!(licenses(&metadata(json!("dev"))), [], "a test's own");
        assert_eq!(licenses(&metadata(Value::Null)).len(), 1, "linked");
    }
}
