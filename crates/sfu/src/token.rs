//! Access tokens: JSON Web Tokens signed with HMAC-SHA-256 (RFC 7519, RFC 7515 A.1) that carry LiveKit's `video` grant
//! (livekit/protocol, `auth/grants.go`).
//!
//! Whoever holds the secret decides who comes in and may do what; nothing else does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// No token is longer, in bytes.
const LONGEST_TOKEN: usize = 16 * 1024;
/// The longest identity, room's name or name for people's eyes, in bytes.
const LONGEST_NAME: usize = 1024;
/// No secret is shorter, in bytes: the length of what SHA-256 gives (RFC 7518 §3.2).
const SHORTEST_SECRET: usize = 32;
/// How far the signer's clock may be ahead, in seconds.
const LEEWAY_SECONDS: i64 = 60;

/// Why a key cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The name is empty or not printable ASCII.
    #[error("the key has no name")]
    Name,
    /// Fewer than 32 bytes of secret.
    #[error("the secret is shorter than 32 bytes")]
    Short,
}

/// Why a token lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Not three parts of base64url, not JSON, or too long.
    #[error("not a token")]
    Malformed,
    /// Another algorithm than HS256.
    #[error("the token is not signed with HS256")]
    Algorithm,
    /// Made by somebody else.
    #[error("the signature of the token is wrong")]
    Signature,
    /// Of another key.
    #[error("the token's key is unknown")]
    Issuer,
    /// Its time is over, or has not begun.
    #[error("the token is out of its time")]
    Time,
    /// Without an identity.
    #[error("the token says not who it is for")]
    Identity,
}

/// The key that signs access tokens. It does not print, and its secret is wiped when dropped.
#[derive(Clone)]
pub struct SigningKey {
    name: String,
    secret: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, [not shown])", self.name)
    }
}

/// What a token lets its holder do.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Grants {
    /// Who it is: at most 1,024 bytes. May be a person's id, so it does not print.
    pub identity: String,
    /// For people's eyes.
    pub name: String,
    /// Passed on to the others as it is.
    pub metadata: String,
    /// The one room.
    pub room: String,
    /// May come into the room.
    pub join: bool,
    /// May mute and remove others in the room.
    pub admin: bool,
    /// May send sound and picture.
    pub publish: bool,
    /// May receive.
    pub subscribe: bool,
    /// May send data.
    pub publish_data: bool,
    /// What may be sent, as `TrackSource` in lower case (`camera`, `microphone` …); empty means everything.
    pub sources: Vec<String>,
    /// The others do not see this person.
    pub hidden: bool,
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grants")
            .field("join", &self.join)
            .field("admin", &self.admin)
            .field("publish", &self.publish)
            .field("subscribe", &self.subscribe)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// `ClaimGrants` (livekit/protocol, `auth/grants.go`).
#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Claims {
    iss: String,
    sub: String,
    nbf: Option<i64>,
    exp: Option<i64>,
    name: String,
    metadata: String,
    video: Video,
}

/// `VideoGrant`. What is not said about publishing and subscribing is allowed.
#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Video {
    room: String,
    room_join: bool,
    room_admin: bool,
    can_publish: Option<bool>,
    can_subscribe: Option<bool>,
    can_publish_data: Option<bool>,
    can_publish_sources: Vec<String>,
    hidden: bool,
}

impl SigningKey {
    /// Takes a key over: its name (`iss` of a token) and its secret.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for a name that is none, or a secret shorter than 32 bytes.
    pub fn new(name: &str, secret: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(KeyError::Name);
        }
        if secret.len() < SHORTEST_SECRET {
            return Err(KeyError::Short);
        }
        Ok(Self { name: name.to_owned(), secret })
    }

    /// Reads a token at a time in seconds since 1970.
    ///
    /// # Errors
    ///
    /// [`TokenError`]; the signature is checked before anything in the token is believed.
    pub fn verify(&self, token: &str, now_seconds: i64) -> Result<Grants, TokenError> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        if part::<Header>(header)?.alg != "HS256" {
            return Err(TokenError::Algorithm);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok().ok_or(TokenError::Malformed)?;
        self.mac(signed).verify_slice(&signature).ok().ok_or(TokenError::Signature)?;
        let claims = part::<Claims>(claims)?;
        if claims.iss != self.name {
            return Err(TokenError::Issuer);
        }
        // RFC 7519 §4.1.4 and §4.1.5. A token without an end would be good for ever.
        let began = claims.nbf.is_none_or(|nbf| nbf <= now_seconds.saturating_add(LEEWAY_SECONDS));
        let goes_on = claims.exp.is_some_and(|exp| exp > now_seconds.saturating_sub(LEEWAY_SECONDS));
        if !began || !goes_on {
            return Err(TokenError::Time);
        }
        grants(claims)
    }

    /// A token that lets in as these grants do, from now on for so many seconds.
    #[must_use]
    pub fn sign(&self, grants: &Grants, now_seconds: i64, lifetime_seconds: i64) -> String {
        let claims = Claims {
            iss: self.name.clone(),
            sub: grants.identity.clone(),
            nbf: Some(now_seconds.saturating_sub(10)),
            exp: Some(now_seconds.saturating_add(lifetime_seconds)),
            name: grants.name.clone(),
            metadata: grants.metadata.clone(),
            video: Video {
                room: grants.room.clone(),
                room_join: grants.join,
                room_admin: grants.admin,
                can_publish: Some(grants.publish),
                can_subscribe: Some(grants.subscribe),
                can_publish_data: Some(grants.publish_data),
                can_publish_sources: grants.sources.clone(),
                hidden: grants.hidden,
            },
        };
        let claims = serde_json::to_vec(&claims).expect("strings, numbers and lists are JSON");
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.mac(&signed).finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.secret).expect("HMAC takes a key of any length");
        mac.update(signed.as_bytes());
        mac
    }
}

fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().ok_or(TokenError::Malformed)?;
    serde_json::from_slice(&bytes).ok().ok_or(TokenError::Malformed)
}

fn grants(claims: Claims) -> Result<Grants, TokenError> {
    let fits = |text: &str| text.len() <= LONGEST_NAME && !text.chars().any(char::is_control);
    if claims.sub.is_empty() || !fits(&claims.sub) {
        return Err(TokenError::Identity);
    }
    let video = claims.video;
    if !fits(&claims.name) || !fits(&video.room) {
        return Err(TokenError::Malformed);
    }
    Ok(Grants {
        identity: claims.sub,
        name: claims.name,
        metadata: claims.metadata,
        room: video.room,
        join: video.room_join,
        admin: video.room_admin,
        publish: video.can_publish.unwrap_or(true),
        subscribe: video.can_subscribe.unwrap_or(true),
        publish_data: video.can_publish_data.unwrap_or(true),
        sources: video.can_publish_sources,
        hidden: video.hidden,
    })
}

#[cfg(test)]
mod tests {
    use super::{Grants, KeyError, SigningKey, TokenError};
    use zeroize::Zeroizing;

    /// Of RFC 7515 A.1: key, token and the time just before its end.
    const RFC_TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const RFC_KEY: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

    fn rfc() -> SigningKey {
        use base64::Engine as _;
        let secret = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(RFC_KEY).expect("base64url of the RFC");
        SigningKey::new("joe", Zeroizing::new(secret)).expect("64 bytes")
    }

    fn own() -> SigningKey {
        SigningKey::new("key", Zeroizing::new(vec![7; 32])).expect("32 bytes")
    }

    #[test]
    fn the_signature_of_the_rfc_s_example_is_believed() {
        // The example has no `sub`: it is refused for that, after its signature, issuer and time were found good.
        assert_eq!(rfc().verify(RFC_TOKEN, 1_300_819_379), Err(TokenError::Identity), "RFC 7515 A.1");
    }

    #[test]
    fn a_token_after_its_end_or_by_another_key_is_refused() {
        assert_eq!(rfc().verify(RFC_TOKEN, 1_300_819_380 + 61), Err(TokenError::Time), "a minute after its end");
        assert_eq!(own().verify(RFC_TOKEN, 1_300_819_379), Err(TokenError::Signature), "another secret");
        let tampered = RFC_TOKEN.replace(".dBj", ".eBj");
        assert_eq!(rfc().verify(&tampered, 1_300_819_379), Err(TokenError::Signature), "a bit of the signature");
    }

    #[test]
    fn a_token_without_a_signature_s_algorithm_is_refused() {
        // `{"alg":"none"}` and `{}`, RFC 8725 §2.1.
        assert_eq!(own().verify("eyJhbGciOiJub25lIn0.e30.", 0), Err(TokenError::Algorithm), "alg none");
        for text in ["", ".", "..", "a.b.c", "e30.e30.e30", &"a".repeat(20_000)] {
            assert!(own().verify(text, 0).is_err(), "{} bytes", text.len());
        }
    }

    #[test]
    fn grants_come_back_as_they_were_signed() {
        let grants = Grants {
            identity: "@a:b".to_owned(),
            room: "round".to_owned(),
            join: true,
            subscribe: true,
            sources: vec!["camera".to_owned()],
            ..Grants::default()
        };
        assert_eq!(own().verify(&own().sign(&grants, 1000, 60), 1000), Ok(grants), "signed and read");
    }

    #[test]
    fn a_short_secret_is_no_key_and_none_is_printed() {
        let short = SigningKey::new("key", Zeroizing::new(vec![7; 31]));
        assert_eq!(short.err(), Some(KeyError::Short), "31 bytes");
        assert_eq!(format!("{:?}", own()), "SigningKey(key, [not shown])", "the secret");
    }
}
