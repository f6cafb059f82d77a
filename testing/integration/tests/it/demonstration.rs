//! The demonstration, as a running sandbox gives it away: to fill real servers with it, and for the validator together
//! with what the program wrote beside it.

use crate::{
    MODERATOR,
    archive::store,
    client::{self, plain},
    servers::{ANY_TOKEN, Servers, skipped},
};
use model::{SeriesUid, SopInstanceUid, StudyUid};
use platform::fhir::FhirClient;
use sandbox::Language;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use testkit::Platform;

/// Resources of one type are no more than this.
const MOST: usize = 5000;
/// Files of one STOW-RS request.
const FILES_AT_ONCE: usize = 20;
/// Whose images facts look at: the lung case, with the study of another person that is filed under it.
const WITH_IMAGES: [&str; 1] = ["pat-auenwald"];
/// Marks what the program itself wrote: decisions, and protocols of them.
const OURS: [(&str, &str); 2] = [("CarePlan", "/sid/beschluss"), ("DocumentReference", "/sid/protokoll")];

/// Every resource of every type that the sandbox declares.
async fn resources(fhir: &FhirClient) -> Vec<Value> {
    let statement = fhir.capabilities().await.expect("a CapabilityStatement");
    let kinds = statement["rest"][0]["resource"].as_array().cloned().unwrap_or_default();
    let mut all = Vec::new();
    for kind in kinds.iter().filter_map(|resource| resource["type"].as_str()) {
        let found = fhir.search(kind, &[("_count", "200")], MOST).await.expect("a search for all");
        assert!(!found.more && !found.truncated && found.damaged == 0, "all of {kind}: {found:?}");
        all.extend(found.matches);
    }
    assert!(all.len() > 100, "a whole board is more than {} resources", all.len());
    all
}

/// A platform of its own, on which no fact writes.
async fn untouched(language: Language) -> Platform {
    let options = sandbox::Options { language, ..sandbox::Options::default() };
    Platform::start(options).await.expect("a platform in memory starts")
}

/// Copies the demonstration into the real servers, in place of what an earlier run left there.
pub(crate) async fn fill(servers: &Servers) {
    let source = untouched(Language::German).await;
    let (fhir, _) = client::records(&source, MODERATOR).await;
    let resources = resources(&fhir).await;
    forget(servers).await;
    // In one step: a reference whose target comes later would not be found by a search.
    let entries: Vec<Value> = resources.iter().cloned().map(put).collect();
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
    let answer = plain()
        .post(servers.address("hapi"))
        .bearer_auth(ANY_TOKEN)
        .header("content-type", "application/fhir+json")
        .body(bundle.to_string())
        .send()
        .await
        .expect("the server answers");
    let status = answer.status();
    let answer: Value = answer.json().await.expect("a bundle");
    assert!(status.is_success(), "the server takes the demonstration: {status}: {answer}");
    copy_images(&source, servers, &resources).await;
    source.stop().await;
}

/// Removes decisions, their signatures and their protocols of an earlier run.
async fn forget(servers: &Servers) {
    let base = servers.address("hapi");
    let base = base.as_str().trim_end_matches('/');
    let delete = async |query: String| {
        let answer = plain().delete(format!("{base}/{query}")).bearer_auth(ANY_TOKEN).send().await;
        let status = answer.expect("the server answers").status();
        assert!(status.is_success() || status == reqwest::StatusCode::NOT_FOUND, "{query} is gone: {status}");
    };
    for (kind, system) in OURS {
        let query = format!("{base}/{kind}?_count=1000");
        let request = plain().get(query).bearer_auth(ANY_TOKEN).header("cache-control", "no-cache");
        let found: Value =
            request.send().await.expect("the server answers").json().await.expect("a bundle of resources");
        let resources = found["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]);
        for ours in resources.filter(|resource| has_identifier(resource, system)) {
            let id = text(&ours["id"]);
            delete(format!("Provenance?target={kind}/{id}")).await;
            delete(format!("{kind}/{id}")).await;
        }
    }
}

/// Whether a resource has an identifier of a naming system that ends so.
pub(crate) fn has_identifier(resource: &Value, system: &str) -> bool {
    let identifiers = resource["identifier"].as_array().into_iter().flatten();
    identifiers.filter_map(|identifier| identifier["system"].as_str()).any(|name| name.ends_with(system))
}

fn put(resource: Value) -> Value {
    let url = format!("{}/{}", text(&resource["resourceType"]), text(&resource["id"]));
    json!({"resource": content(resource), "request": {"method": "PUT", "url": url}})
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The images that the record lists for the patients whose images facts look at, file by file.
async fn copy_images(source: &Platform, servers: &Servers, resources: &[Value]) {
    let archive = client::archive(source, MODERATOR).await;
    let subjects = WITH_IMAGES.map(|patient| format!("Patient/{patient}"));
    let listed = resources.iter().filter(|resource| resource["resourceType"] == "ImagingStudy");
    let mut files = Vec::new();
    for listed in listed.filter(|study| subjects.iter().any(|subject| study["subject"]["reference"] == **subject)) {
        let uid = text(&listed["identifier"][0]["value"]);
        let study = StudyUid::parse(uid.trim_start_matches("urn:oid:")).expect("a UID");
        for entry in listed["series"].as_array().into_iter().flatten() {
            let series = SeriesUid::parse(&text(&entry["uid"])).expect("a UID");
            let instances = archive.instances(&study, &series, &[], 2000).await;
            for instance in instances.map(|found| found.items).unwrap_or_default() {
                let sop = SopInstanceUid::parse(&text(&instance["00080018"]["Value"][0])).expect("a UID");
                files.push(archive.instance(&study, &series, &sop).await.expect("a file"));
                if files.len() == FILES_AT_ONCE {
                    send(servers, &mut files).await;
                }
            }
        }
    }
    send(servers, &mut files).await;
}

async fn send<B: AsRef<[u8]>>(servers: &Servers, files: &mut Vec<B>) {
    if !files.is_empty() {
        store(&servers.address("orthanc"), ANY_TOKEN, files.iter().map(AsRef::as_ref)).await;
        files.clear();
    }
}

/// Where resources are put for the validator: `cargo xtask fhir-check` and `cargo xtask test servers` name the folder.
fn out() -> Option<PathBuf> {
    let folder = std::env::var_os("KONSIL_FHIR_OUT").map(PathBuf::from)?;
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    Some(folder)
}

fn write(folder: &std::path::Path, name: &str, resource: &Value) {
    std::fs::write(folder.join(format!("{name}.json")), resource.to_string()).expect("the file can be written");
}

/// Gives the validator what the program has left on a platform about a patient: every version of the decisions, their
/// signatures and protocols, as that server gives them back.
pub(crate) async fn give_to_the_validator(platform: &Platform, patient: &str) {
    let Some(folder) = out() else { return };
    let which = if std::ptr::eq(platform, Platform::shared()) { "sandbox" } else { "servers" };
    let (fhir, _) = client::records(platform, MODERATOR).await;
    let subject = format!("Patient/{patient}");
    let name = |resource: &Value| {
        let version = resource["meta"]["versionId"].as_str().unwrap_or_default();
        format!("written-{which}-{}-{}-{version}", text(&resource["resourceType"]), text(&resource["id"]))
    };
    let mut written = 0;
    for (kind, system) in OURS {
        let found = fhir.search_fresh(kind, &[("subject", subject.as_str())], MOST).await.expect("a search");
        for ours in found.matches.iter().filter(|resource| has_identifier(resource, system)) {
            for version in fhir.history(kind, &text(&ours["id"])).await.expect("its versions") {
                write(&folder, &name(&version.resource), &version.resource);
                written += 1;
            }
            let target = format!("{kind}/{}", text(&ours["id"]));
            let signatures = fhir.search_fresh("Provenance", &[("target", target.as_str())], MOST).await;
            for signature in signatures.expect("a search").matches {
                write(&folder, &name(&signature), &signature);
            }
        }
    }
    assert!(written > 0, "the program wrote something about {patient}");
}

/// Writes a file for each resource of the demonstration, and another one where it has other words in English.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demonstration_is_given_to_the_validator() {
    let Some(folder) = out() else { return skipped("nothing is validated: KONSIL_FHIR_OUT names no folder") };
    let mut german = BTreeMap::new();
    let mut translated = 0;
    for language in [Language::German, Language::English] {
        let platform = untouched(language).await;
        let (fhir, _) = client::records(&platform, MODERATOR).await;
        for resource in resources(&fhir).await {
            let name = format!("{}-{}", text(&resource["resourceType"]), text(&resource["id"]));
            match language {
                Language::German => {
                    write(&folder, &format!("demonstration-{name}"), &resource);
                    german.insert(name, content(resource));
                }
                // What says the same in both languages is not validated twice.
                Language::English => {
                    if german.get(&name) != Some(&content(resource.clone())) {
                        write(&folder, &format!("demonstration-en-{name}"), &resource);
                        translated += 1;
                    }
                }
            }
        }
        platform.stop().await;
    }
    assert!(translated > 100, "the English record has words of its own: {translated}");
}

/// A resource without what the server adds to it.
fn content(mut resource: Value) -> Value {
    if let Some(meta) = resource["meta"].as_object_mut() {
        meta.remove("versionId");
        meta.remove("lastUpdated");
    }
    resource
}
