//! The provider's signing key and its tokens: compact JWS with ES256 (RFC 7515, RFC 7518 §3.4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use jiff::Timestamp;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use rand::RngCore as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::path::Path;

/// Why a token is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// It is no compact JWS of ours.
    #[error("the token can not be read")]
    Malformed,
    /// Its signature is not by the provider's key.
    #[error("the token's signature is not valid")]
    Signature,
    /// It comes from another issuer or is meant for another audience.
    #[error("the token is not meant for this platform")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
}

/// One P-256 key.
#[derive(Debug)]
pub(crate) struct Keys {
    signing: SigningKey,
    verifying: VerifyingKey,
    id: String,
}

impl Keys {
    /// A new key.
    pub(crate) fn fresh() -> Self {
        loop {
            let mut secret = [0_u8; 32];
            rand::rng().fill_bytes(&mut secret);
            // A scalar of zero or above the group's order is not a key; the chance is about 2^-32.
            if let Ok(signing) = SigningKey::from_slice(&secret) {
                return Self::of(signing);
            }
        }
    }

    /// The key kept in `path`, made there when it is missing, so that tokens outlive a restart.
    pub(crate) fn kept(path: &Path) -> std::io::Result<Self> {
        if let Ok(text) = std::fs::read_to_string(path) {
            let secret = B64.decode(text.trim()).map_err(std::io::Error::other)?;
            let signing = SigningKey::from_slice(&secret).map_err(std::io::Error::other)?;
            return Ok(Self::of(signing));
        }
        let keys = Self::fresh();
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)?.write_all(B64.encode(keys.signing.to_bytes()).as_bytes())?;
        Ok(keys)
    }

    fn of(signing: SigningKey) -> Self {
        let verifying = *signing.verifying_key();
        let (x, y) = coordinates(&verifying);
        // RFC 7638 §3: the thumbprint is over the required members in lexicographic order.
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let id = B64.encode(Sha256::digest(canonical.as_bytes()));
        Self { signing, verifying, id }
    }

    /// The public half as a JWK set (RFC 7517 §5).
    pub(crate) fn jwks(&self) -> Value {
        let (x, y) = coordinates(&self.verifying);
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": x, "y": y }] })
    }

    /// A signed token of media type `typ`.
    pub(crate) fn sign(&self, typ: &str, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "typ": typ, "kid": self.id });
        let input = format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()));
        let signature: Signature = self.signing.sign(input.as_bytes());
        format!("{input}.{}", B64.encode(signature.to_bytes()))
    }

    /// The claims of a token that this key signed. Says nothing about its time or audience.
    pub(crate) fn verify(&self, token: &str) -> Result<Value, TokenError> {
        let (input, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = input.split_once('.').ok_or(TokenError::Malformed)?;
        let header = part(header)?;
        if header["alg"] != "ES256" || header["kid"] != self.id.as_str() {
            return Err(TokenError::Signature);
        }
        let signature = B64.decode(signature).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
        let signature = signature.ok_or(TokenError::Malformed)?;
        if self.verifying.verify(input.as_bytes(), &signature).is_err() {
            return Err(TokenError::Signature);
        }
        part(claims)
    }

    /// The claims of an access token that is valid now (RFC 9068 §4).
    pub(crate) fn access(&self, token: &str, issuer: &str, now: Timestamp) -> Result<Value, TokenError> {
        let claims = self.verify(token)?;
        if claims["iss"] != issuer || claims["aud"] != super::AUDIENCE || claims["typ"] != "Bearer" {
            return Err(TokenError::Audience);
        }
        if claims["exp"].as_i64().is_none_or(|until| until <= now.as_second()) {
            return Err(TokenError::Expired);
        }
        Ok(claims)
    }
}

fn part(text: &str) -> Result<Value, TokenError> {
    let bytes = B64.decode(text).ok().ok_or(TokenError::Malformed)?;
    serde_json::from_slice(&bytes).ok().ok_or(TokenError::Malformed)
}

fn coordinates(key: &VerifyingKey) -> (String, String) {
    let point = key.to_encoded_point(false);
    let x = point.x().expect("an uncompressed point has an x");
    let y = point.y().expect("an uncompressed point has a y");
    (B64.encode(x), B64.encode(y))
}

/// `at_hash` of OpenID Connect Core §3.1.3.6: the left half of the access token's hash.
pub(crate) fn at_hash(access_token: &str) -> String {
    let hash = Sha256::digest(access_token.as_bytes());
    B64.encode(hash.get(..16).expect("SHA-256 has 32 bytes"))
}

/// The S256 challenge of a verifier (RFC 7636 §4.2).
pub(crate) fn challenge(verifier: &str) -> String {
    B64.encode(Sha256::digest(verifier.as_bytes()))
}

/// A random handle of 256 bits.
pub(crate) fn handle() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    B64.encode(bytes)
}
