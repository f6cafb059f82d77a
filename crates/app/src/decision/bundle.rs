//! The transaction that signs: decision, signature and protocol in one step, and reading signature and payload back.

use super::careplan::{EXTENSIONS, PRACTITIONER_ROLE, extension, id_of};
use super::payload::Payload;
use super::protocol::protocol;
use super::seal::{CONTENT_TYPE, PublicJwk};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fmt;
use uuid::Uuid;

/// System of a protocol's identifier.
const PROTOCOL: &str = "https://konsil.example/sid/protokoll";
/// System of a payload's hash as an identifier.
const PAYLOAD: &str = "https://konsil.example/sid/beschluss-inhalt";
/// On a signature: the public key, so that a copy of the record can be checked without the platform.
const KEY: &str = "zeichnung-schluessel";

/// What a signature consists of.
#[derive(Clone, Copy)]
pub struct Signing<'a> {
    /// FHIR base of the platform.
    pub base: &'a str,
    /// The CarePlan from [`super::signed_plan`], with its id.
    pub plan: &'a Value,
    /// `meta.versionId` of the version that it replaces.
    pub version: &'a str,
    /// What was signed.
    pub payload: &'a Payload,
    /// The detached JWS over it.
    pub jws: &'a str,
    /// The signer's public key.
    pub key: &'a PublicJwk,
    /// Why it was decided although the rule was not met; empty where it was.
    pub quorum_reason: &'a str,
    /// PractitionerRole id of the signer.
    pub signer: &'a str,
    /// Full name of the signer.
    pub signer_name: &'a str,
    /// Organization id of the signer's house.
    pub organization: Option<&'a str>,
    /// When, ISO 8601 in UTC with seconds.
    pub at: &'a str,
    /// When, as the house reads it: `24.11.2026, 15:07`.
    pub at_local: &'a str,
    /// The protocol that an amendment replaces.
    pub former: Option<Former<'a>>,
}

impl fmt::Debug for Signing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing").field("version", &self.version).field("at", &self.at).finish_non_exhaustive()
    }
}

/// The former protocol.
#[derive(Clone, Copy)]
pub struct Former<'a> {
    /// The DocumentReference as it was read.
    pub document: &'a Value,
    /// Its `meta.versionId`.
    pub version: &'a str,
}

impl fmt::Debug for Former<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Former").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The transaction: the CarePlan only as the version that was on screen, the Provenance with the signature, the
/// protocol with the payload beside it.
///
/// `ifMatch` on the CarePlan makes the whole repeatable: a transaction is all or nothing, so a second attempt after a
/// lost answer is refused with 412 as a whole. Provenance has no identifier in R4, so it cannot be created
/// conditionally; on a server that ignores `If-Match` a repetition gives a second, equal signature, which harms nobody.
#[must_use]
pub fn signing_bundle(signing: &Signing<'_>) -> Value {
    let id = signing.plan["id"].as_str().unwrap_or_default();
    let name = format!("{id}-{}", signing.payload.revision);
    // Named by content, so that a repetition names the same.
    let urn = |part: &str| {
        Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{PAYLOAD}/{}/{part}", signing.payload.sha256()).as_bytes())
            .urn()
            .to_string()
    };
    let mut entries = vec![
        json!({
            "fullUrl": format!("{}/CarePlan/{id}", signing.base.trim_end_matches('/')),
            "resource": signing.plan,
            "request": {"method": "PUT", "url": format!("CarePlan/{id}"), "ifMatch": etag(signing.version)},
        }),
        json!({
            "fullUrl": urn("provenance"),
            "resource": provenance(signing, id),
            "request": {"method": "POST", "url": "Provenance"},
        }),
        json!({
            "fullUrl": urn("protocol"),
            "resource": document(signing, id, &name),
            "request": {
                "method": "POST",
                "url": "DocumentReference",
                "ifNoneExist": format!("identifier={PROTOCOL}|{name}"),
            },
        }),
    ];
    if let Some(former) = signing.former {
        let former_id = former.document["id"].as_str().unwrap_or_default();
        let mut document = former.document.clone();
        document["status"] = json!("superseded");
        entries.push(json!({
            "fullUrl": format!("{}/DocumentReference/{former_id}", signing.base.trim_end_matches('/')),
            "resource": document,
            "request": {
                "method": "PUT",
                "url": format!("DocumentReference/{former_id}"),
                "ifMatch": etag(former.version),
            },
        }));
    }
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
}

/// A signature beside one that is there.
#[derive(Clone, Copy)]
pub struct Second<'a> {
    /// CarePlan id.
    pub plan: &'a str,
    /// What was signed.
    pub payload: &'a Payload,
    /// The detached JWS over it.
    pub jws: &'a str,
    /// The signer's public key.
    pub key: &'a PublicJwk,
    /// PractitionerRole id of the signer.
    pub signer: &'a str,
    /// Organization id of the signer's house.
    pub organization: Option<&'a str>,
    /// When, ISO 8601 in UTC with seconds.
    pub at: &'a str,
}

impl fmt::Debug for Second<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Second").field("at", &self.at).finish_non_exhaustive()
    }
}

/// A Provenance with a signature beside one that is there. It makes no new version of anything.
#[must_use]
pub fn second_signature(second: &Second<'_>) -> Value {
    let mut provenance = signature_resource(second);
    let attests = &mut provenance["agent"][0]["type"]["coding"][0];
    attests["code"] = json!("attester");
    provenance
}

/// A signature as it lies in the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSignature {
    /// The detached JWS.
    pub jws: String,
    /// The key that came with it. It proves nothing about the person: that is the platform's register of keys.
    pub key: Option<PublicJwk>,
    /// PractitionerRole id of the signer.
    pub signer: Option<String>,
    /// When, as written.
    pub at: String,
    /// SHA-256 of the payload that it belongs to.
    pub sha256: Option<String>,
}

/// The signature in a Provenance, if there is one of ours.
#[must_use]
pub fn read_signature(provenance: &Value) -> Option<StoredSignature> {
    let signature = provenance["signature"]
        .as_array()?
        .iter()
        .find(|signature| signature["sigFormat"] == "application/jose" && signature["targetFormat"] == CONTENT_TYPE)?;
    let jws = String::from_utf8(STANDARD.decode(signature["data"].as_str()?).ok()?).ok()?;
    let key = extension(signature, KEY).and_then(|e| serde_json::from_str(e["valueString"].as_str()?).ok());
    let entities = provenance["entity"].as_array().map(Vec::as_slice).unwrap_or_default();
    let identifiers = entities.iter().map(|entity| &entity["what"]["identifier"]);
    let sha256 = identifiers.filter(|identifier| identifier["system"] == PAYLOAD).find_map(|i| i["value"].as_str());
    Some(StoredSignature {
        jws,
        key,
        signer: id_of(&signature["who"], PRACTITIONER_ROLE),
        at: signature["when"].as_str()?.to_owned(),
        sha256: sha256.map(str::to_owned),
    })
}

/// The payload beside a protocol, as it was stored; [`Payload::parse`] says whether it is one.
#[must_use]
pub fn read_payload(document: &Value) -> Option<String> {
    let attachments = document["content"].as_array()?.iter().map(|content| &content["attachment"]);
    let attachment =
        attachments.filter(|attachment| attachment["title"] == PAYLOAD_TITLE).find(|a| a["data"].is_string());
    String::from_utf8(STANDARD.decode(attachment?["data"].as_str()?).ok()?).ok()
}

const PAYLOAD_TITLE: &str = "Gezeichneter Inhalt";

fn provenance(signing: &Signing<'_>, id: &str) -> Value {
    let &Signing { payload, jws, key, signer, organization, at, .. } = signing;
    let mut provenance = signature_resource(&Second { plan: id, payload, jws, key, signer, organization, at });
    let (code, display) = if signing.payload.revision > 1 { ("UPDATE", "revise") } else { ("CREATE", "create") };
    provenance["activity"] = json!({"coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/v3-DataOperation",
        "code": code,
        "display": display,
    }]});
    provenance
}

/// What the Provenance of every signature has.
fn signature_resource(signing: &Second<'_>) -> Value {
    let who = json!({"reference": format!("{PRACTITIONER_ROLE}/{}", signing.signer)});
    let mut agent = json!({
        "type": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
            "code": "author",
        }]},
        "who": who,
    });
    if let Some(organization) = signing.organization {
        agent["onBehalfOf"] = json!({"reference": format!("Organization/{organization}")});
    }
    let key = serde_json::to_string(signing.key).expect("four texts always are JSON");
    json!({
        "resourceType": "Provenance",
        // Without a version: servers strip it from references, and the payload's id and revision are the truth.
        "target": [{"reference": format!("CarePlan/{}", signing.plan)}],
        "recorded": signing.at,
        "agent": [agent],
        "entity": [{
            "role": "source",
            "what": {"identifier": {"system": PAYLOAD, "value": signing.payload.sha256()}},
        }],
        "signature": [{
            "extension": [{"url": format!("{EXTENSIONS}{KEY}"), "valueString": key}],
            "type": [{
                "system": "urn:iso-astm:E1762-95:2013",
                "code": "1.2.840.10065.1.12.1.5",
                "display": "Verification Signature",
            }],
            "when": signing.at,
            "who": who,
            "targetFormat": CONTENT_TYPE,
            "sigFormat": "application/jose",
            "data": STANDARD.encode(signing.jws),
        }],
    })
}

fn document(signing: &Signing<'_>, id: &str, name: &str) -> Value {
    let page = protocol(signing.payload, signing.quorum_reason, signing.signer_name, signing.at_local);
    let attachment = |kind: &str, title: &str, content: &str| {
        json!({"attachment": {
            "contentType": kind,
            "language": "de",
            "data": STANDARD.encode(content),
            "size": content.len(),
            "title": title,
            "creation": signing.at,
        }})
    };
    let author = json!({"reference": format!("{PRACTITIONER_ROLE}/{}", signing.signer)});
    let version = match signing.former {
        Some(_) => format!("Version {} – ersetzt Version {}", signing.payload.revision, signing.payload.revision - 1),
        None => format!("Version {}", signing.payload.revision),
    };
    let mut document = json!({
        "resourceType": "DocumentReference",
        "identifier": [{"system": PROTOCOL, "value": name}],
        "status": "current",
        "docStatus": if signing.payload.revision > 1 { "amended" } else { "final" },
        "type": {"coding": [{
            "system": "http://dvmd.de/fhir/CodeSystem/kdl",
            "code": "SD150103",
            "display": "Tumorkonferenzprotokoll",
        }]},
        "subject": signing.plan["subject"],
        "date": signing.at,
        "author": [author],
        "authenticator": author,
        "description": format!("Protokoll der Tumorkonferenz vom {}, {version}", signing.payload.created),
        "content": [
            attachment("text/plain", "Tumorkonferenzprotokoll", &page),
            attachment("application/json", PAYLOAD_TITLE, &signing.payload.canonical()),
        ],
        "context": {"related": [{"reference": format!("CarePlan/{id}")}]},
    });
    if signing.plan["encounter"].is_object() {
        document["context"]["encounter"] = json!([signing.plan["encounter"]]);
    }
    if let Some(former) = signing.former.and_then(|former| former.document["id"].as_str()) {
        let target = json!({"reference": format!("DocumentReference/{former}")});
        document["relatesTo"] = json!([{"code": "replaces", "target": target}]);
    }
    document
}

// RFC 9110 §8.8.3, in the weak form that FHIR R4 §3.1.0.1.3 uses.
fn etag(version: &str) -> String {
    format!("W/\"{version}\"")
}

#[cfg(test)]
mod tests {
    use super::super::careplan::{draft_plan, signed_plan};
    use super::super::compare::{Finding, check};
    use super::super::draft::Draft;
    use super::super::examples::{
        auenwald, auenwald_setting, example, mohnblatt, mohnblatt_setting, vector, vector_key,
    };
    use super::super::payload::{Payload, Revision, Setting};
    use super::super::seal::{PublicJwk, sign};
    use super::{Former, Signing, read_payload, read_signature, signing_bundle};
    use serde_json::{Value, json};

    fn bundle(draft: &Draft, setting: &Setting, revision: &Revision, former: Option<Former<'_>>) -> Value {
        let payload = Payload::build(draft, setting, revision).expect("it is complete");
        let plan = signed_plan(draft, setting, &payload, None).expect("it can be written");
        let key = vector_key();
        let jws = sign(&payload.canonical(), &key, 1_795_529_268);
        signing_bundle(&Signing {
            base: "https://fhir.eschenland.example/fhir/",
            plan: &plan,
            version: "4",
            payload: &payload,
            jws: &jws,
            key: &PublicJwk::of(&key),
            quorum_reason: &draft.quorum_reason,
            signer: "dr-falkenried",
            signer_name: "Dr. med. Amina Falkenried",
            organization: Some("org-tannhalde"),
            at: "2026-11-24T14:07:48Z",
            at_local: "24.11.2026, 15:07",
            former,
        })
    }

    fn amended() -> (Draft, Revision) {
        let mut draft = auenwald();
        draft.text = format!("{} Ernährungsberatung zuerst.", draft.text);
        draft.amendment_reason = "Reihenfolge ergänzt".to_owned();
        let first = Payload::build(&auenwald(), &auenwald_setting(), &Revision::first()).expect("it is complete");
        (draft, Revision::after(&first))
    }

    fn resource(bundle: &Value, at: usize) -> &Value {
        &bundle["entry"][at]["resource"]
    }

    #[test]
    fn the_signature_stands_as_the_example_has_it() {
        let bundle = bundle(&auenwald(), &auenwald_setting(), &Revision::first(), None);
        let expected = example("Provenance", "prov-dec-auenwald-2026-11-24-1");
        let provenance = resource(&bundle, 1);
        assert_eq!(provenance["activity"], expected["activity"], "activity");
        for name in ["type", "who", "targetFormat", "sigFormat"] {
            assert_eq!(provenance["signature"][0][name], expected["signature"][0][name], "{name}");
        }
        let stored = read_signature(&expected).expect("the example's signature is read");
        assert_eq!(Some(stored.jws.as_str()), vector()["jws_detached"].as_str(), "the vector's JWS");
        assert_eq!(bundle["entry"][0]["request"]["ifMatch"], json!("W/\"4\""), "only over the version on screen");
        let condition = "identifier=https://konsil.example/sid/protokoll|dec-auenwald-2026-11-24-1";
        assert_eq!(bundle["entry"][2]["request"]["ifNoneExist"], json!(condition), "no second protocol");
    }

    #[test]
    fn what_was_stored_can_be_checked_years_later() {
        for (draft, setting) in [(auenwald(), auenwald_setting()), (mohnblatt(), mohnblatt_setting())] {
            let bundle = bundle(&draft, &setting, &Revision::first(), None);
            let signature = read_signature(resource(&bundle, 1)).expect("a signature");
            let canonical = read_payload(resource(&bundle, 2)).expect("a payload");
            let key = signature.key.expect("the key lies beside it");
            let found = check(&canonical, &signature.jws, &key, resource(&bundle, 0), None);
            assert!(matches!(found, Finding::Matches(_)), "{found:?}");
            assert_eq!(signature.sha256, Some(super::super::sha256_hex(canonical.as_bytes())), "its hash");
            assert_eq!(signature.signer.as_deref(), Some("dr-falkenried"), "its signer");
        }
    }

    #[test]
    fn a_repetition_is_the_same_transaction() {
        let once = bundle(&auenwald(), &auenwald_setting(), &Revision::first(), None);
        assert_eq!(bundle(&auenwald(), &auenwald_setting(), &Revision::first(), None), once, "nothing is random");
    }

    #[test]
    fn an_amendment_supersedes_the_former_protocol() {
        let (draft, revision) = amended();
        let mut former = resource(&bundle(&auenwald(), &auenwald_setting(), &Revision::first(), None), 2).clone();
        former["id"] = json!("doc-1");
        let bundle = bundle(&draft, &auenwald_setting(), &revision, Some(Former { document: &former, version: "1" }));
        assert_eq!(resource(&bundle, 1)["activity"]["coding"][0]["code"], json!("UPDATE"), "an update");
        let target = &resource(&bundle, 2)["relatesTo"][0];
        assert_eq!(target, &json!({"code": "replaces", "target": {"reference": "DocumentReference/doc-1"}}), "what");
        assert_eq!(resource(&bundle, 3)["status"], json!("superseded"), "the old protocol is marked");
        assert_eq!(resource(&bundle, 3)["content"], former["content"], "and keeps its content");
        let page = read_payload(resource(&bundle, 2)).expect("a payload");
        assert!(page.contains("Reihenfolge ergänzt"), "the reason is signed");
    }

    #[test]
    fn written_resources_are_given_to_the_validator() {
        let Some(given) = crate::validator::given() else { return };
        let (amended, revision) = amended();
        let mut former = resource(&bundle(&auenwald(), &auenwald_setting(), &Revision::first(), None), 2).clone();
        former["id"] = json!("doc-1");
        let mut half = auenwald();
        half.measures[0].code = None;
        half.dissent = mohnblatt().dissent;
        let draft = |draft: &Draft, setting: &Setting| draft_plan(draft, setting, None).expect("it can be written");
        let first = Revision::first();
        let former = Former { document: &former, version: "1" };
        for (name, resource) in [
            ("draft-empty", draft(&Draft::default(), &auenwald_setting())),
            ("draft-half", draft(&half, &auenwald_setting())),
            ("draft-auenwald", draft(&auenwald(), &auenwald_setting())),
            ("draft-mohnblatt", draft(&mohnblatt(), &mohnblatt_setting())),
            ("signing-auenwald", bundle(&auenwald(), &auenwald_setting(), &first, None)),
            ("signing-mohnblatt", bundle(&mohnblatt(), &mohnblatt_setting(), &first, None)),
            ("amendment-auenwald", bundle(&amended, &auenwald_setting(), &revision, Some(former))),
        ] {
            given.take(&format!("decision-{name}"), &resource);
        }
    }
}
