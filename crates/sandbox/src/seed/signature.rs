//! The signatures of earlier decisions, as a client leaves them in a record: the CarePlan says what was signed, a
//! Provenance holds the detached JWS over the payload `konsil-beschluss/1`, and a DocumentReference holds the protocol
//! with the payload beside it.
//!
//! The platform makes them at its start, because the demonstration's days are relative to today. The signatures are
//! real, the keys are not anybody's: each is made of its invented signer's id, so that every start signs alike.

use super::maker::{coding, concept, list, reference, shown, text};
use super::recipe;
use crate::clock::berlin;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::ToSpan as _;
use jiff::civil::{Date, time};
use jiff::tz::TimeZone;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use unicode_normalization::UnicodeNormalization as _;

const SCHEMA: &str = "konsil-beschluss/1";
const CONTENT_TYPE: &str = "application/konsil-beschluss+json";
const EXTENSIONS: &str = "https://konsil.example/fhir/StructureDefinition/";
const DECISION: &str = "https://konsil.example/sid/beschluss";
const PAYLOAD: &str = "https://konsil.example/sid/beschluss-inhalt";
const PROTOCOL: &str = "https://konsil.example/sid/protokoll";

/// Adds to each decision of the record what was signed, its signature and its protocol.
pub(super) fn with_signatures(mut resources: Vec<Value>) -> Vec<Value> {
    for at in 0..resources.len() {
        if resources[at]["resourceType"] == "CarePlan" {
            let (decision, provenances, document) = Record { all: &resources }.signed(at);
            resources[at] = decision;
            resources.extend(provenances);
            resources.push(document);
        }
    }
    resources
}

/// A P-256 key with its names.
struct Key {
    signing: SigningKey,
    /// RFC 7517.
    jwk: Value,
    /// RFC 7638.
    thumbprint: String,
}

impl Key {
    /// The key of an invented person.
    fn of(person: &str) -> Self {
        let secret = Sha256::digest(format!("konsil-sandbox/signature/{person}"));
        let signing = SigningKey::from_slice(&secret).expect("no invented person's hash is zero or above the order");
        let point = signing.verifying_key().to_encoded_point(false);
        let half = |half: Option<&p256::FieldBytes>| {
            URL_SAFE_NO_PAD.encode(half.expect("an uncompressed point of a key has both coordinates"))
        };
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": half(point.x()), "y": half(point.y()) });
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(canonical(&jwk)));
        Self { signing, jwk, thumbprint }
    }

    /// A detached JWS over unencoded content (RFC 7515 appendix F, RFC 7797).
    fn sign(&self, content: &str, seconds: i64) -> String {
        let header = json!({
            "alg": "ES256",
            "b64": false,
            "crit": ["b64"],
            "cty": CONTENT_TYPE,
            "iat": seconds,
            "kid": self.thumbprint,
        });
        let header = URL_SAFE_NO_PAD.encode(canonical(&header));
        let signature: Signature = self.signing.sign(format!("{header}.{content}").as_bytes());
        format!("{header}..{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

/// RFC 8785, in Unicode normalization form C.
fn canonical(value: &Value) -> String {
    let text = serde_json_canonicalizer::to_string(value);
    text.expect("strings, integers, booleans and null always have a canonical form").nfc().collect()
}

/// The record in which a decision stands.
struct Record<'a> {
    all: &'a [Value],
}

impl Record<'_> {
    /// What a reference leads to.
    fn get(&self, reference: &Value) -> &Value {
        let (kind, id) = reference["reference"].as_str().and_then(|text| text.split_once('/')).unwrap_or_default();
        let found = self.all.iter().find(|resource| resource["resourceType"] == kind && resource["id"] == id);
        found.unwrap_or(&Value::Null)
    }

    /// The decision at this place as it was signed, a Provenance for each who signed, and its protocol.
    fn signed(&self, at: usize) -> (Value, Vec<Value>, Value) {
        let mut decision = self.all[at].clone();
        let present = self.present(&decision);
        self.complete(&mut decision, &present);
        let payload = self.payload(&decision, &present);
        let content = canonical(&payload);
        let sum: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        let day: Date = text(&decision["created"]).parse().expect("a decision has its conference's day");
        // In the afternoon of the conference's day.
        let moment = day.to_datetime(time(16, 10, 0, 0)).to_zoned(berlin()).expect("the day is in the calendar");
        let at = moment.with_time_zone(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let author = decision["author"].clone();
        let key = Key::of(&text(&author["reference"]));
        let jws = key.sign(&content, moment.timestamp().as_second());
        let mut provenances = vec![self.provenance(&decision, &author, &at, &sum, &key, &jws)];
        if is_countersigned(&decision) {
            let who = reference("PractitionerRole", &text(&recipe::network()["board"]["signers"]["second"]));
            let later = moment.saturating_add(30.minutes());
            let at = later.with_time_zone(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let key = Key::of(&text(&who["reference"]));
            let jws = key.sign(&content, later.timestamp().as_second());
            let mut second = self.provenance(&decision, &who, &at, &sum, &key, &jws);
            second["id"] = json!(format!("prov-{}-1-2", text(&decision["id"])));
            second["agent"][0]["type"] =
                concept("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "attester");
            second.as_object_mut().and_then(|second| second.remove("activity"));
            provenances.push(second);
        }
        let signer = text(&self.get(&decision["author"])["practitioner"]["display"]);
        let signed = format!("Gezeichnet von {signer} am {}", moment.strftime("%d.%m.%Y, %H:%M"));
        let document = document(&decision, &at, &content, &page(&payload, &signed, &sum));
        (decision, provenances, document)
    }

    /// References to who was there: the moderator, the board's core, and whoever had registered the case.
    fn present(&self, decision: &Value) -> Vec<Value> {
        let network = recipe::network();
        let core = |member: &&Value| {
            list(&network["people"]).any(|person| person["id"] == **member && person["board_role"] == "core")
        };
        let core = list(&network["board"]["members"]).filter(core).map(|id| reference("PractitionerRole", &text(id)));
        let registration = self.all.iter().find(|resource| {
            resource["resourceType"] == "ServiceRequest" && resource["subject"] == decision["subject"]
        });
        let registering = registration.map(|registration| registration["requester"].clone());
        let mut present: Vec<Value> = Vec::new();
        for person in [decision["author"].clone()].into_iter().chain(core).chain(registering) {
            if !present.contains(&person) {
                present.push(person);
            }
        }
        present
    }

    /// Writes into the CarePlan what is signed beside text and measures.
    fn complete(&self, decision: &mut Value, present: &[Value]) {
        let board = text(&recipe::network()["board"]["id"]);
        let whole = |name: &str, parts: Value| json!({ "url": format!("{EXTENSIONS}{name}"), "extension": parts });
        let patient = text(&self.get(&decision["subject"])["id"]);
        decision["identifier"] = json!([{
            "system": DECISION,
            "value": format!("{}/{board}/{patient}", text(&decision["created"])),
        }]);
        decision["contributor"] = json!(present);
        decision["extension"] = json!([
            whole(
                "beschluss-abstimmung",
                json!([
                    { "url": "art", "valueCode": "consensus" },
                    { "url": "zustimmung", "valueUnsignedInt": present.len() },
                    { "url": "ablehnung", "valueUnsignedInt": 0 },
                    { "url": "enthaltung", "valueUnsignedInt": 0 },
                ]),
            ),
            whole(
                "beschluss-quorum",
                json!([
                    { "url": "erfuellt", "valueBoolean": true },
                    { "url": "regel", "valueString": format!("{board}/1") },
                ]),
            ),
            whole("beschluss-fassung", json!([{ "url": "nummer", "valuePositiveInt": 1 }])),
        ]);
        let activities = decision["activity"].as_array_mut();
        for (number, activity) in (1..).zip(activities.into_iter().flatten()) {
            let id = json!({ "url": format!("{EXTENSIONS}massnahme-id"), "valueString": format!("m{number}") });
            activity["detail"]["extension"] = json!([id]);
        }
    }

    /// The signed content. The record has no appointment of an earlier session, so its times are not in it.
    fn payload(&self, decision: &Value, present: &[Value]) -> Value {
        let network = recipe::network();
        let patient = self.get(&decision["subject"]);
        let kvnr = list(&patient["identifier"])
            .find(|identifier| identifier["system"] == "http://fhir.de/sid/gkv/kvid-10")
            .map(|identifier| &identifier["value"]);
        let given: Vec<String> = list(&patient["name"][0]["given"]).map(text).collect();
        let condition = self.get(&decision["addresses"][0]);
        let activities: Vec<Value> = list(&decision["activity"])
            .map(|activity| {
                let detail = &activity["detail"];
                let code = &detail["code"]["coding"][0]["code"];
                json!({ "code": code, "text": detail["description"], "responsible": null })
            })
            .collect();
        let participants: Vec<Value> = present
            .iter()
            .map(|person| {
                let role = self.get(person);
                json!({
                    "role": role["id"],
                    "name": role["practitioner"]["display"],
                    "specialty": role["specialty"][0]["text"],
                })
            })
            .collect();
        json!({
            "schema": SCHEMA,
            "id": decision["id"],
            "revision": 1,
            "replaces": null,
            "reason": null,
            "patient": {
                "kvnr": kvnr,
                "family": patient["name"][0]["family"],
                "given": given.join(" "),
                "birthDate": patient["birthDate"],
            },
            "board": { "id": network["board"]["id"], "name": network["board"]["name_de"], "session": null },
            "case": { "start": null, "end": null },
            "created": decision["created"],
            "category": decision["category"][0]["coding"][0]["code"],
            "diagnosis": {
                "condition": condition["id"],
                "icd10gm": condition["code"]["coding"][0]["code"],
                "text": condition["code"]["text"],
            },
            "question": "",
            "text": decision["description"],
            "findings": [],
            "activities": activities,
            "participants": participants,
            "quorum": { "met": true, "rule": format!("{}/1", text(&network["board"]["id"])) },
            "vote": { "kind": "consensus", "agree": present.len(), "disagree": 0, "abstain": 0 },
            "dissent": [],
            "openPoints": [],
        })
    }

    fn provenance(&self, decision: &Value, who: &Value, at: &str, sum: &str, key: &Key, jws: &str) -> Value {
        let id = text(&decision["id"]);
        let operation = "http://terminology.hl7.org/CodeSystem/v3-DataOperation";
        json!({
            "resourceType": "Provenance",
            "id": format!("prov-{id}-1"),
            "target": [reference("CarePlan", &id)],
            "recorded": at,
            "activity": shown(operation, "CREATE", "create"),
            "agent": [{
                "type": concept("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "author"),
                "who": who,
                "onBehalfOf": self.get(who)["organization"],
            }],
            "entity": [{ "role": "source", "what": { "identifier": { "system": PAYLOAD, "value": sum } } }],
            "signature": [{
                "extension": [{
                    "url": format!("{EXTENSIONS}zeichnung-schluessel"),
                    "valueString": key.jwk.to_string(),
                }],
                "type": [coding(
                    "urn:iso-astm:E1762-95:2013",
                    "1.2.840.10065.1.12.1.5",
                    Some("Verification Signature"),
                    None,
                )],
                "when": at,
                "who": who,
                "targetFormat": CONTENT_TYPE,
                "sigFormat": "application/jose",
                "data": STANDARD.encode(jws),
            }],
        })
    }
}

/// Whether the recipe says that a second person has signed it.
fn is_countersigned(decision: &Value) -> bool {
    list(&recipe::other_cases()["cases"]).any(|case| {
        let id = format!("dec-{}", text(&case["id"]).trim_start_matches("pat-"));
        decision["id"] == id.as_str() && case["decision"]["second_signature"] == "done"
    })
}

/// The protocol, with the payload beside it.
fn document(decision: &Value, at: &str, content: &str, page: &str) -> Value {
    let id = text(&decision["id"]);
    let attachment = |kind: &str, title: &str, content: &str| {
        json!({ "attachment": {
            "contentType": kind,
            "language": "de",
            "data": STANDARD.encode(content),
            "size": content.len(),
            "title": title,
            "creation": at,
        } })
    };
    json!({
        "resourceType": "DocumentReference",
        "id": format!("protokoll-{id}-1"),
        "identifier": [{ "system": PROTOCOL, "value": format!("{id}-1") }],
        "status": "current",
        "docStatus": "final",
        "type": shown("http://dvmd.de/fhir/CodeSystem/kdl", "SD150103", "Tumorkonferenzprotokoll"),
        "subject": decision["subject"],
        "date": at,
        "author": [decision["author"]],
        "authenticator": decision["author"],
        "description": format!("Protokoll der Tumorkonferenz vom {}, Version 1", text(&decision["created"])),
        "content": [
            attachment("text/plain", "Tumorkonferenzprotokoll", page),
            attachment("application/json", "Gezeichneter Inhalt", content),
        ],
        "context": { "related": [reference("CarePlan", &id)] },
    })
}

/// The protocol's text, of the payload alone. Documents are German.
fn page(payload: &Value, signed: &str, sum: &str) -> String {
    let codes = &recipe::codes()["codes"];
    let german = |list: &str, code: &Value| text(&codes[list][text(code)][0]);
    let patient = &payload["patient"];
    let diagnosis = &payload["diagnosis"];
    let day = |date: &Value| -> String {
        let date: Date = text(date).parse().expect("the record's days are whole");
        date.strftime("%d.%m.%Y").to_string()
    };
    let measures = list(&payload["activities"]).map(|measure| {
        let code = &measure["code"];
        format!("{} ({}): {}", german("therapie", code), text(code), text(&measure["text"]))
    });
    let people = list(&payload["participants"])
        .map(|person| format!("{}, {}", text(&person["name"]), text(&person["specialty"])));
    let groups: Vec<&str> = (0..16).step_by(4).map(|at| &sum[at..at + 4]).collect();
    let sections = [
        (
            "Protokoll der Tumorkonferenz",
            vec![
                format!("{}, {}", text(&payload["board"]["name"]), day(&payload["created"])),
                format!(
                    "{}, {}, geboren {}, KVNR {}",
                    text(&patient["family"]),
                    text(&patient["given"]),
                    day(&patient["birthDate"]),
                    text(&patient["kvnr"])
                ),
                german("planung", &payload["category"]),
                "Version 1".to_owned(),
            ],
        ),
        ("Diagnose", vec![format!("{} ({})", text(&diagnosis["text"]), text(&diagnosis["icd10gm"]))]),
        ("Beschluss", vec![text(&payload["text"])]),
        ("Maßnahmen", measures.collect()),
        ("Abstimmung", vec![format!("Konsens ({} dafür, 0 dagegen, 0 enthalten)", payload["vote"]["agree"])]),
        ("Abweichende Voten", vec!["keine".to_owned()]),
        ("Teilnehmende", people.collect()),
        ("Beschlussfähigkeit", vec!["gegeben".to_owned()]),
        ("Offene Punkte", vec!["keine".to_owned()]),
        (signed, vec![format!("Technisch versiegelt; Prüfsumme {} …", groups.join(" "))]),
    ];
    sections.iter().fold(String::new(), |mut page, (title, lines)| {
        // Writing to a String cannot fail.
        let _ = write!(page, "{title}\n{}\n\n", lines.join("\n"));
        page
    })
}
