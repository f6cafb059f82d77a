//! `konsil verify`: a stored decision against its signature, and against the record of today.

use super::{Outcome, Refusal, WrongUse, json_line};
use crate::decision::{Finding, Header, Payload, PublicJwk, SealError, check, verify};
use serde_json::{Value, json};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// What is compared.
pub(super) struct Files {
    pub(super) payload: PathBuf,
    pub(super) signature: PathBuf,
    pub(super) key: PathBuf,
    pub(super) plan: Option<PathBuf>,
    pub(super) patient: Option<PathBuf>,
}

pub(super) fn run(files: &Files, out: &mut dyn Write) -> Result<Outcome, Refusal> {
    let payload = read(&files.payload)?;
    let signature = read(&files.signature)?;
    let key: PublicJwk = parsed(&files.key)?;
    let plan = files.plan.as_deref().map(parsed::<Value>).transpose()?;
    let patient = files.patient.as_deref().map(parsed::<Value>).transpose()?;
    // Editors put a line end behind the last line; a payload and a JWS have none.
    let (payload, signature) = (payload.trim_end_matches(['\r', '\n']), signature.trim());
    let (answer, outcome) = judged(payload, signature, &key, plan.as_ref(), patient.as_ref());
    json_line(out, &answer)?;
    Ok(outcome)
}

fn judged(
    payload: &str,
    jws: &str,
    key: &PublicJwk,
    plan: Option<&Value>,
    patient: Option<&Value>,
) -> (Value, Outcome) {
    let finding = match plan {
        Some(plan) => check(payload, jws, key, plan, patient),
        None => signature_alone(payload, jws, key),
    };
    let compared = ["signature"].into_iter().chain(plan.map(|_| "plan")).chain(patient.map(|_| "patient"));
    let compared: Vec<&str> = compared.collect();
    match finding {
        Finding::Matches(header) => (told("matches", &header, payload, &compared, &[]), Outcome::Well),
        Finding::Differs(header, fields) => (told("differs", &header, payload, &compared, &fields), Outcome::Found),
        Finding::Broken(error) => {
            (json!({"finding": "broken", "why": word(error), "reason": error.to_string()}), Outcome::Broken)
        }
        Finding::NoPayload => {
            let reason = "it is no payload konsil-beschluss/1 in canonical form";
            (json!({"finding": "broken", "why": "no-payload", "reason": reason}), Outcome::Broken)
        }
    }
}

fn signature_alone(payload: &str, jws: &str, key: &PublicJwk) -> Finding {
    match verify(payload, jws, key) {
        Ok(header) if Payload::parse(payload).is_ok() => Finding::Matches(header),
        Ok(_) => Finding::NoPayload,
        Err(error) => Finding::Broken(error),
    }
}

fn told(finding: &str, header: &Header, payload: &str, compared: &[&str], fields: &[String]) -> Value {
    let signed_at = jiff::Timestamp::from_second(header.iat).map(|at| at.to_string()).ok();
    json!({
        "finding": finding,
        "fields": fields,
        "compared": compared,
        "sha256": crate::decision::sha256_hex(payload.as_bytes()),
        "signedAt": signed_at,
        "key": header.kid,
    })
}

const fn word(error: SealError) -> &'static str {
    match error {
        SealError::Form => "form",
        SealError::Header => "header",
        SealError::Key => "key",
        SealError::OtherKey => "other-key",
        SealError::Mismatch => "mismatch",
    }
}

fn read(path: &Path) -> Result<String, WrongUse> {
    std::fs::read_to_string(path).map_err(|error| WrongUse::file(path, &error))
}

fn parsed<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, WrongUse> {
    serde_json::from_str(&read(path)?).map_err(|error| WrongUse(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::{Files, run};
    use crate::door::Outcome;
    use serde_json::Value;
    use std::path::Path;

    fn vector() -> Value {
        serde_json::from_str(include_str!("../../tests/fixtures/signature-vector.json")).expect("the vector is JSON")
    }

    fn checked(folder: &Path, payload: &str) -> (Outcome, Value) {
        let vector = vector();
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).expect("a temporary folder takes files");
            path
        };
        let files = Files {
            payload: write("payload.json", payload),
            signature: write("signature.jws", vector["jws_detached"].as_str().expect("text")),
            key: write("key.jwk", &vector["public_jwk"].to_string()),
            plan: None,
            patient: None,
        };
        let mut out = Vec::new();
        let outcome = run(&files, &mut out).expect("the files are there");
        (outcome, serde_json::from_slice(&out).expect("one JSON line"))
    }

    #[test]
    fn the_vector_holds_and_a_changed_payload_does_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let canonical = vector()["canonical_utf8"].as_str().expect("text").to_owned();
        let (outcome, answer) = checked(folder.path(), &canonical);
        assert_eq!(
            (outcome, answer["finding"].as_str()),
            (Outcome::Well, Some("matches")),
            "as two other programs say"
        );
        assert_eq!(answer["sha256"], vector()["sha256_hex"], "the hash of the vector");
        let (outcome, answer) = checked(folder.path(), &format!("{canonical}\n"));
        assert_eq!((outcome, answer["finding"].as_str()), (Outcome::Well, Some("matches")), "a line end of an editor");
        let (outcome, answer) = checked(folder.path(), &canonical.replace("60 bis", "61 bis"));
        assert_eq!((outcome, answer["why"].as_str()), (Outcome::Broken, Some("mismatch")), "one changed digit");
    }
}
