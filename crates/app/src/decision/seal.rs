//! The signature: a detached JWS with unencoded payload (RFC 7515 appendix F, RFC 7797), ES256 (RFC 7518 §3.4).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::EncodedPoint;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The content type in the protected header.
pub(super) const CONTENT_TYPE: &str = "application/konsil-beschluss+json";

/// The public half of a key as RFC 7517 writes it. It names no person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicJwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

/// The protected header, in the order in which it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    alg: String,
    b64: bool,
    crit: Vec<String>,
    cty: String,
    /// Seconds since 1970 by the signer's clock.
    pub iat: i64,
    /// Thumbprint of the key (RFC 7638).
    pub kid: String,
}

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// Not `header..signature`.
    #[error("it is no detached signature")]
    Form,
    /// The header is not exactly what we sign with.
    #[error("its header is not accepted")]
    Header,
    /// The key is no P-256 key.
    #[error("the key is not accepted")]
    Key,
    /// The header names another key.
    #[error("it was made with another key")]
    OtherKey,
    /// Payload and signature do not belong together.
    #[error("it does not fit the payload")]
    Mismatch,
}

impl PublicJwk {
    /// The public half of `key`.
    #[must_use]
    pub fn of(key: &SigningKey) -> Self {
        let point = key.verifying_key().to_encoded_point(false);
        let text = |half: Option<&p256::FieldBytes>| {
            URL_SAFE_NO_PAD.encode(half.expect("an uncompressed point of a key has both coordinates"))
        };
        Self { kty: "EC".to_owned(), crv: "P-256".to_owned(), x: text(point.x()), y: text(point.y()) }
    }

    /// Thumbprint of the key: SHA-256 over its required members in lexical order without spaces (RFC 7638 §3).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let text = serde_json_canonicalizer::to_vec(self).expect("four texts always have a canonical form");
        URL_SAFE_NO_PAD.encode(Sha256::digest(text))
    }

    fn verifying_key(&self) -> Result<VerifyingKey, SealError> {
        if self.kty != "EC" || self.crv != "P-256" {
            return Err(SealError::Key);
        }
        let half = |text: &str| -> Option<p256::FieldBytes> {
            let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
            Some(bytes.into())
        };
        let (Some(x), Some(y)) = (half(&self.x), half(&self.y)) else { return Err(SealError::Key) };
        let point = EncodedPoint::from_affine_coordinates(&x, &y, false);
        VerifyingKey::from_encoded_point(&point).map_err(|_why| SealError::Key)
    }
}

/// Signs a canonical payload at `iat`. The same input gives the same signature (RFC 6979).
#[must_use]
pub fn sign(canonical: &str, key: &SigningKey, iat: i64) -> String {
    let header = Header {
        alg: "ES256".to_owned(),
        b64: false,
        crit: vec!["b64".to_owned()],
        cty: CONTENT_TYPE.to_owned(),
        iat,
        kid: PublicJwk::of(key).thumbprint(),
    };
    let protected = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).expect("a header is plain data"));
    let signature: Signature = key.sign(&signing_input(&protected, canonical));
    format!("{protected}..{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

/// Checks a signature over a canonical payload against a key.
///
/// # Errors
/// [`SealError`] says what does not hold.
pub fn verify(canonical: &str, jws: &str, key: &PublicJwk) -> Result<Header, SealError> {
    let mut parts = jws.split('.');
    let (Some(protected), Some(""), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(SealError::Form);
    };
    let header = URL_SAFE_NO_PAD.decode(protected).map_err(|_why| SealError::Form)?;
    let header: Header = serde_json::from_slice(&header).map_err(|_why| SealError::Header)?;
    // RFC 7797 §6: with b64 false, `crit` must name it, or an unaware verifier would check other bytes.
    if header.alg != "ES256" || header.b64 || header.crit != ["b64"] || header.cty != CONTENT_TYPE {
        return Err(SealError::Header);
    }
    let verifying = key.verifying_key()?;
    if header.kid != key.thumbprint() {
        return Err(SealError::OtherKey);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_why| SealError::Form)?;
    let signature = Signature::from_slice(&signature).map_err(|_why| SealError::Mismatch)?;
    verifying.verify(&signing_input(protected, canonical), &signature).map_err(|_why| SealError::Mismatch)?;
    Ok(header)
}

// RFC 7797 §3: the payload itself, not its base64url form.
fn signing_input(protected: &str, canonical: &str) -> Vec<u8> {
    [protected.as_bytes(), b".", canonical.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::super::examples::vector;
    use super::{PublicJwk, SealError, sign, verify};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use p256::ecdsa::SigningKey;
    use p256::ecdsa::signature::Signer;
    use serde_json::{Value, json};

    fn text(value: &Value) -> &str {
        value.as_str().expect("a text of the vector")
    }

    fn jwk() -> PublicJwk {
        serde_json::from_value(vector()["public_jwk"].clone()).expect("a key of the vector")
    }

    fn key() -> SigningKey {
        let bytes = URL_SAFE_NO_PAD.decode(text(&vector()["private_d"])).expect("base64url");
        SigningKey::from_slice(&bytes).expect("a key")
    }

    #[test]
    fn the_vector_s_signature_holds() {
        let vector = vector();
        let header = verify(text(&vector["canonical_utf8"]), text(&vector["jws_detached"]), &jwk());
        let header = header.expect("the vector was checked by two other programs");
        assert_eq!(header.iat, 1_795_529_268, "the time in the header");
        assert_eq!(header.kid, text(&vector["kid"]), "the thumbprint in the header");
        assert_eq!(PublicJwk::of(&key()), jwk(), "the public half of the vector's private key");
    }

    #[test]
    fn the_vector_s_four_failures_fail() {
        let vector = vector();
        let canonical = text(&vector["canonical_utf8"]);
        let original = text(&vector["jws_detached"]);
        let failures = vector["must_fail"].as_array().expect("a list");
        assert_eq!(failures.len(), 4, "the vector names four");
        for failure in failures {
            let mut payload = canonical.to_owned();
            let mut jws = failure["jws_detached"].as_str().unwrap_or(original).to_owned();
            if let Some(pair) = failure["replace"].as_array() {
                payload = payload.replace(text(&pair[0]), text(&pair[1]));
                assert!(payload != canonical, "the replacement changes something");
            }
            if failure["protected_header"].is_object() {
                let header = URL_SAFE_NO_PAD.encode(failure["protected_header"].to_string());
                // The signature is made anew over the changed header, so that the header alone is what fails.
                let input = [header.as_bytes(), b".", payload.as_bytes()].concat();
                let signature: p256::ecdsa::Signature = key().sign(&input);
                jws = format!("{header}..{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()));
            }
            assert!(verify(&payload, &jws, &jwk()).is_err(), "{}", failure["why"]);
        }
    }

    #[test]
    fn our_header_is_the_vector_s_byte_for_byte() {
        let vector = vector();
        let canonical = text(&vector["canonical_utf8"]);
        let jws = sign(canonical, &key(), 1_795_529_268);
        let header = |jws: &str| jws.split('.').next().map(str::to_owned);
        assert_eq!(header(&jws), header(text(&vector["jws_detached"])), "the protected part");
        verify(canonical, &jws, &jwk()).expect("what we sign we accept");
        assert_eq!(sign(canonical, &key(), 1_795_529_268), jws, "signing is deterministic (RFC 6979)");
    }

    #[test]
    fn headers_that_are_not_ours_are_refused_even_when_signed() {
        let sign_with = |header: &Value| {
            let protected = URL_SAFE_NO_PAD.encode(header.to_string());
            let input = [protected.as_bytes(), b".payload"].concat();
            let signature: p256::ecdsa::Signature = key().sign(&input);
            format!("{protected}..{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
        };
        let good = json!({"alg": "ES256", "b64": false, "crit": ["b64"], "cty": super::CONTENT_TYPE, "iat": 1,
            "kid": jwk().thumbprint()});
        verify("payload", &sign_with(&good), &jwk()).expect("the good header is accepted");
        for (name, value, expected) in [
            ("alg", json!("none"), SealError::Header),
            ("alg", json!("ES384"), SealError::Header),
            ("b64", json!(true), SealError::Header),
            ("crit", json!([]), SealError::Header),
            ("crit", json!(["b64", "exp"]), SealError::Header),
            ("cty", json!("application/json"), SealError::Header),
            ("iat", json!("1"), SealError::Header),
            ("kid", json!("7z9VXQFumoI6qXgRqy52TRHWwOcUghvvdZC-CBpDzeB"), SealError::OtherKey),
        ] {
            let mut header = good.clone();
            header[name] = value;
            assert_eq!(verify("payload", &sign_with(&header), &jwk()), Err(expected), "{header}");
        }
        let jws = sign_with(&good);
        for form in ["", "..", "a.b.c", &jws.replace("..", "."), &format!("{jws}."), &format!("{jws}=")] {
            assert!(verify("payload", form, &jwk()).is_err(), "{form}");
        }
    }

    #[test]
    fn a_point_outside_the_curve_is_no_key() {
        let mut off = jwk();
        std::mem::swap(&mut off.x, &mut off.y);
        let vector = vector();
        let found = verify(text(&vector["canonical_utf8"]), text(&vector["jws_detached"]), &off);
        assert_eq!(found, Err(SealError::Key), "x and y are exchanged");
    }
}
