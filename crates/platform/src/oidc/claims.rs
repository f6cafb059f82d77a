//! Claims: who signed in and what they may do, from an ID token, the userinfo answer or, where a
//! provider writes roles nowhere else, the access token.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use model::Role;
use openidconnect::{IdTokenClaims, LocalizedClaim, core::CoreGenderClaim};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The signed-in person. A patient may be one, so the names do not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The provider's id of the account.
    pub subject: String,
    /// Full name as the provider writes it.
    pub name: String,
    /// Given names.
    pub given: Option<String>,
    /// Family name.
    pub family: Option<String>,
    /// Academic title: "Dr. med.".
    pub prefix: Option<String>,
    /// `female`, `male` or another word of the provider.
    pub gender: Option<String>,
    /// The name with which the person signs in; the hint for signing in again.
    pub login: Option<String>,
    /// What the person may be offered. Unknown roles are left out.
    #[serde(with = "role_words")]
    pub roles: Vec<Role>,
    /// The FHIR resource that is this person: `PractitionerRole/dr-falkenried`.
    pub fhir_user: Option<String>,
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("subject", &self.subject).field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// Claims beyond OpenID Connect Core 1.0 §5.1. Nothing here is required, and a claim of an unexpected
/// shape grants nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct OurClaims {
    #[serde(default)]
    roles: Value,
    #[serde(default)]
    realm_access: Value,
    #[serde(default, rename = "fhirUser")]
    fhir_user: Value,
    #[serde(default)]
    prefix: Value,
    #[serde(default)]
    title: Value,
}

impl openidconnect::AdditionalClaims for OurClaims {}

impl Person {
    pub(super) fn from_id_token(claims: &IdTokenClaims<OurClaims, CoreGenderClaim>) -> Self {
        let ours = claims.additional_claims();
        let given = claims.given_name().and_then(plain).map(|name| name.to_string());
        let family = claims.family_name().and_then(plain).map(|name| name.to_string());
        let login = claims.preferred_username().map(|name| name.to_string());
        let subject = claims.subject().to_string();
        let name = claims
            .name()
            .and_then(plain)
            .map(|name| name.to_string())
            .or_else(|| match (&given, &family) {
                (Some(given), Some(family)) => Some(format!("{given} {family}")),
                (Some(one), None) | (None, Some(one)) => Some(one.clone()),
                (None, None) => login.clone(),
            })
            .unwrap_or_else(|| subject.clone());
        Self {
            subject,
            name,
            given,
            family,
            prefix: text(&ours.prefix).or_else(|| text(&ours.title)),
            gender: claims.gender().map(|gender| gender.as_str().to_owned()),
            login,
            roles: ours.roles(),
            fhir_user: text(&ours.fhir_user),
        }
    }

    /// Adds what an answer or token beside the ID token says and the ID token left out.
    pub(super) fn complete(&mut self, more: &OurClaims) {
        if self.roles.is_empty() {
            self.roles = more.roles();
        }
        self.fhir_user = self.fhir_user.take().or_else(|| text(&more.fhir_user));
        self.prefix = self.prefix.take().or_else(|| text(&more.prefix)).or_else(|| text(&more.title));
    }
}

impl OurClaims {
    fn roles(&self) -> Vec<Role> {
        let mut roles: Vec<Role> = [&self.realm_access["roles"], &self.roles]
            .into_iter()
            .filter_map(Value::as_array)
            .flatten()
            .filter_map(Value::as_str)
            .filter_map(Role::from_claim)
            .collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// The payload of a token in JWT form, without checking its signature: it came over TLS from the
    /// provider itself, and roles only decide what is offered.
    pub(super) fn of_access_token(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }
}

fn text(value: &Value) -> Option<String> {
    let value = value.as_array().and_then(|list| list.first()).unwrap_or(value);
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The claim without a language tag, or any.
fn plain<T>(claim: &LocalizedClaim<T>) -> Option<&T> {
    claim.get(None).or_else(|| claim.iter().next().map(|(_, value)| value))
}

mod role_words {
    //! Roles as the words of the claim: `model` knows no serde.

    use model::Role;
    use serde::{Deserialize as _, Deserializer, Serializer, ser::SerializeSeq as _};

    pub(super) fn serialize<S: Serializer>(roles: &[Role], to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(roles.len()))?;
        for role in roles {
            list.serialize_element(match role {
                Role::Physician => "physician",
                Role::Moderator => "moderator",
                Role::Coordinator => "coordinator",
                Role::Study => "study",
                Role::Guest => "guest",
                Role::Patient => "patient",
                Role::It => "it",
            })?;
        }
        list.end()
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Role>, D::Error> {
        let words = Vec::<String>::deserialize(from)?;
        Ok(words.iter().filter_map(|word| Role::from_claim(word)).collect())
    }
}
