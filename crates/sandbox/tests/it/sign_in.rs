//! The code flow with PKCE, rotation, session's end, and who may.

use crate::harness::{Fhir, Platform, REDIRECT, challenge, claims, form_action, redirected, refused, text, verifier};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::{EncodedPoint, FieldBytes};
use reqwest::header::{LOCATION, SET_COOKIE};
use serde_json::{Value, json};

#[tokio::test]
async fn the_discovery_documents_name_each_other() {
    let platform = Platform::start().await;
    let (_, _, body) = platform.get(platform.url("/.well-known/konsil"), "").await;
    let document: Value = serde_json::from_str(&body).expect("the document is JSON");
    assert_eq!(document["v"], 1, "version one");
    assert_eq!(document["fhir"]["base"], platform.url("/fhir"), "FHIR is on the same origin");
    let server = platform.url("").replace("http://", "");
    assert_eq!(document["matrix"]["server_name"], server, "the homeserver is on the same origin");
    assert!(document.get("rounds").is_none(), "what the platform lacks is absent");
    let issuer = text(&document["oidc"]["issuer"]);
    let (_, _, body) = platform.get(format!("{issuer}/.well-known/openid-configuration"), "").await;
    let provider: Value = serde_json::from_str(&body).expect("the configuration is JSON");
    assert_eq!(provider["issuer"], issuer, "OpenID Connect Discovery §4.3: the issuer is the one asked");
    assert_eq!(provider["code_challenge_methods_supported"], json!(["S256"]), "plain is not offered");
}

#[tokio::test]
async fn a_person_signs_in_with_code_and_pkce() {
    let platform = Platform::start().await;
    let (got, _) = platform.walk(platform.authorize(&[]), "dr-falkenried").await;
    assert_eq!(got["state"], "state-1", "the state comes back");
    assert_eq!(got["iss"], platform.url("/oidc"), "RFC 9207: the answer names its issuer");
    let (status, body) = platform.exchange(&got["code"], verifier()).await;
    assert_eq!(status, 200, "the code is exchanged: {body}");
    assert_eq!(body["expires_in"], 300, "five minutes by default");
    let id = claims(&text(&body["id_token"]));
    for (claim, expected) in [
        ("iss", json!(platform.url("/oidc"))),
        ("aud", json!("konsil")),
        ("nonce", json!("nonce-1")),
        ("name", json!("Dr. med. Amina Falkenried")),
        ("family_name", json!("Falkenried")),
        ("given_name", json!("Amina")),
        ("roles", json!(["physician", "moderator"])),
        ("realm_access", json!({ "roles": ["physician", "moderator"] })),
        ("fhirUser", json!("PractitionerRole/dr-falkenried")),
    ] {
        assert_eq!(id[claim], expected, "claim {claim} of the ID token");
    }
    assert!(id["auth_time"].is_i64(), "the ID token says when the person proved to be there");
    let access = claims(&text(&body["access_token"]));
    assert_eq!(access["aud"], "konsil-platform", "the access token is for the platform");
    let (status, _, _) = platform.get(platform.url("/oidc/userinfo"), "").await;
    assert_eq!(status, 401, "userinfo wants a token");
}

#[tokio::test]
async fn a_token_verifies_with_the_published_key() {
    let platform = Platform::start().await;
    let tokens = platform.sign_in("dr-weidenlohe").await;
    let (_, _, body) = platform.get(platform.url("/oidc/certs"), "").await;
    let jwk = serde_json::from_str::<Value>(&body).expect("the key set is JSON")["keys"][0].clone();
    let field = |name: &str| -> FieldBytes {
        let bytes = B64.decode(text(&jwk[name])).expect("base64url");
        *FieldBytes::from_slice(&bytes)
    };
    let point = EncodedPoint::from_affine_coordinates(&field("x"), &field("y"), false);
    let key = VerifyingKey::from_encoded_point(&point).expect("the key is on the curve");
    for token in [&tokens.access, &tokens.id] {
        let (input, signature) = token.rsplit_once('.').expect("a JWS has three parts");
        let signature = B64.decode(signature).expect("base64url");
        let signature = Signature::from_slice(&signature).expect("RFC 7518 §3.4: 64 bytes");
        assert!(key.verify(input.as_bytes(), &signature).is_ok(), "the signature is the key's");
    }
}

#[tokio::test]
async fn the_page_says_when_the_password_is_wrong_and_stays() {
    let platform = Platform::start().await;
    let (_, _, page) = platform.get(platform.authorize(&[("ui_locales", "de")]), "").await;
    assert!(page.contains("<html lang=\"de\">"), "the page is German");
    assert!(page.contains("Dr. med. Amina Falkenried"), "people are offered");
    let form = [("username", "dr-falkenried"), ("password", "wrong")];
    let (status, headers, page) = platform.post(&form_action(&page), &form).await;
    assert_eq!(status, 200, "the page stays");
    assert!(headers.get(SET_COOKIE).is_none(), "nobody is signed in");
    assert!(page.contains("role=\"alert\""), "it says that something is wrong");
    let form = [("username", "dr-falkenried"), ("password", "konsil")];
    let (_, headers, _) = platform.post(&form_action(&page), &form).await;
    assert!(redirected(&headers).contains_key("code"), "the second attempt succeeds");
}

#[tokio::test]
async fn requests_that_are_not_in_order_are_refused_on_the_redirect() {
    let platform = Platform::start().await;
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "profile"), "invalid_scope"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("prompt", "none"), "login_required"),
    ] {
        let (_, headers, _) = platform.get(platform.authorize(&[change]), "").await;
        let got = redirected(&headers);
        assert_eq!(got["error"], error, "{change:?}");
        assert_eq!(got["iss"], platform.url("/oidc"), "RFC 9207 §2: errors name the issuer as well");
        assert_eq!(got["state"], "state-1", "and carry the state");
    }
}

#[tokio::test]
async fn nothing_is_redirected_to_a_foreign_address() {
    let platform = Platform::start().await;
    for change in [
        ("redirect_uri", "https://attacker.example/callback"),
        ("redirect_uri", "http://localhost:49152/callback"),
        ("redirect_uri", "http://127.0.0.1@attacker.example/"),
        ("redirect_uri", "http://[::1]:49152/callback"),
        ("redirect_uri", ""),
        ("client_id", "another"),
    ] {
        let (status, headers, _) = platform.get(platform.authorize(&[change]), "").await;
        assert_eq!(status, 400, "{change:?}");
        assert!(headers.get(LOCATION).is_none(), "{change:?} is answered by a page");
    }
}

#[tokio::test]
async fn a_wrong_verifier_burns_the_code() {
    let platform = Platform::start().await;
    let (got, _) = platform.walk(platform.authorize(&[]), "dr-falkenried").await;
    let (status, body) = platform.exchange(&got["code"], &"x".repeat(43)).await;
    assert_eq!((status.as_u16(), &body["error"]), (400, &json!("invalid_grant")), "the verifier does not fit");
    let (status, _) = platform.exchange(&got["code"], verifier()).await;
    assert_eq!(status, 400, "the right verifier comes too late");
}

#[tokio::test]
async fn a_browser_with_a_session_needs_no_password_unless_it_is_asked_for() {
    let platform = Platform::start().await;
    let tokens = platform.sign_in("dr-falkenried").await;
    let (_, headers, _) = platform.get(platform.authorize(&[]), &tokens.cookie).await;
    assert!(redirected(&headers).contains_key("code"), "single sign-on");
    let (status, _, page) = platform.get(platform.authorize(&[("prompt", "login")]), &tokens.cookie).await;
    assert_eq!(status, 200, "prompt=login shows the page");
    assert!(page.contains("value=\"dr-falkenried\""), "with the person's name in it");
    let (_, headers, _) = platform.get(platform.authorize(&[("max_age", "60")]), &tokens.cookie).await;
    assert!(redirected(&headers).contains_key("code"), "the person was there a moment ago");
    platform.running.clock.advance(61);
    let (status, _, page) = platform.get(platform.authorize(&[("max_age", "60")]), &tokens.cookie).await;
    assert_eq!(status, 200, "max_age has passed");
    let before = claims(&tokens.id)["auth_time"].as_i64().expect("a time");
    let form = [("username", "dr-falkenried"), ("password", "konsil")];
    let (_, headers, _) = platform.post(&form_action(&page), &form).await;
    let (_, body) = platform.exchange(&redirected(&headers)["code"], verifier()).await;
    let after = claims(&text(&body["id_token"]))["auth_time"].as_i64().expect("a time");
    assert!(after >= before + 61, "auth_time is the new one");
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_session() {
    let platform = Platform::start().await;
    let tokens = platform.sign_in("dr-falkenried").await;
    let (status, body) = platform.refresh(&tokens.refresh).await;
    assert_eq!(status, 200, "the first refresh is in order");
    let second = text(&body["refresh_token"]);
    assert_ne!(second, tokens.refresh, "the token rotates");
    assert!(body["id_token"].is_string(), "a new ID token comes with it");
    let (status, body) = platform.refresh(&tokens.refresh).await;
    assert_eq!((status.as_u16(), &body["error"]), (400, &json!("invalid_grant")), "the old one is refused");
    let (status, _) = platform.refresh(&second).await;
    assert_eq!(status, 400, "and the new one has died with it");
    let (status, _, _) = platform.get(platform.authorize(&[]), &tokens.cookie).await;
    assert_eq!(status, 200, "the browser has to show the login page again");
}

#[tokio::test]
async fn an_expired_access_token_is_refused_and_a_refreshed_one_is_not() {
    let platform = Platform::start().await;
    let tokens = platform.sign_in("dr-falkenried").await;
    let old = Fhir { platform: &platform, token: tokens.access.clone() };
    assert_eq!(old.get("Patient/pat-auenwald").await.status, 200, "the token is fresh");
    platform.running.clock.advance(300);
    let reply = old.get("Patient/pat-auenwald").await;
    refused(&reply, 401);
    assert!(reply.header("www-authenticate").starts_with("Bearer"), "RFC 6750 §3");
    let (_, body) = platform.refresh(&tokens.refresh).await;
    let new = Fhir { platform: &platform, token: text(&body["access_token"]) };
    assert_eq!(new.get("Patient/pat-auenwald").await.status, 200, "refreshed");
}

#[tokio::test]
async fn signing_out_ends_the_session_at_the_provider() {
    let platform = Platform::start().await;
    let tokens = platform.sign_in("dr-falkenried").await;
    let mut url = reqwest::Url::parse(&platform.url("/oidc/logout")).expect("a URL");
    url.query_pairs_mut()
        .append_pair("id_token_hint", &tokens.id)
        .append_pair("post_logout_redirect_uri", REDIRECT)
        .append_pair("state", "bye");
    let (status, headers, _) = platform.get(url, "").await;
    assert_eq!(status, 303, "back to the client");
    assert_eq!(redirected(&headers)["state"], "bye", "with its state");
    let (status, _) = platform.refresh(&tokens.refresh).await;
    assert_eq!(status, 400, "the refresh token is void");
}

#[tokio::test]
async fn signing_out_without_a_hint_is_asked_for_first() {
    let platform = Platform::start().await;
    let tokens = platform.sign_in("dr-falkenried").await;
    let (status, _, page) = platform.get(platform.url("/oidc/logout"), &tokens.cookie).await;
    assert_eq!(status, 200, "a page asks");
    assert!(page.contains("name=\"confirmed\""), "with a form");
    let (status, _) = platform.refresh(&tokens.refresh).await;
    assert_eq!(status, 200, "nothing has ended yet");
}

#[tokio::test]
async fn sessions_that_the_provider_ended_can_not_be_refreshed() {
    let platform = Platform::start().await;
    let tokens = platform.sign_in("dr-falkenried").await;
    platform.running.end_sessions();
    let (status, body) = platform.refresh(&tokens.refresh).await;
    assert_eq!((status.as_u16(), &body["error"]), (400, &json!("invalid_grant")), "the session is over");
}

#[tokio::test]
async fn a_token_that_was_tampered_with_is_refused() {
    let platform = Platform::start().await;
    let tokens = platform.sign_in("ebbelund").await;
    let parts: Vec<&str> = tokens.access.split('.').collect();
    let mut forged = claims(&tokens.access);
    forged["realm_access"] = json!({ "roles": ["physician"] });
    let forged = format!("{}.{}.{}", parts[0], B64.encode(forged.to_string()), parts[2]);
    let none = format!("{}.{}.", B64.encode(r#"{"alg":"none"}"#), parts[1]);
    for token in [forged, none, tokens.id.clone(), tokens.refresh.clone(), "x".to_owned()] {
        let fhir = Fhir { platform: &platform, token };
        refused(&fhir.get("Patient/pat-auenwald").await, 401);
    }
}

#[tokio::test]
async fn it_staff_see_the_directory_and_no_patient() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("it-buchfink").await;
    assert_eq!(fhir.get("Organization/org-tannhalde").await.status, 200, "houses are no patient data");
    refused(&fhir.get("Patient").await, 403);
    refused(&fhir.get("Patient/pat-auenwald").await, 403);
    refused(&fhir.get("CarePlan?patient=pat-auenwald").await, 403);
}

#[tokio::test]
async fn study_assistants_and_guests_read_and_do_not_write() {
    let platform = Platform::start().await;
    for person in ["ebbelund", "dr-kieselhof"] {
        let fhir = platform.fhir(person).await;
        assert_eq!(fhir.get("Condition/cond-aehrenfeld-ca").await.status, 200, "{person} reads");
        let plan = crate::harness::draft("plan-x", "no");
        refused(&fhir.put("CarePlan/plan-x", &[], &plan).await, 403);
    }
}

#[test]
fn the_challenge_is_that_of_rfc_7636() {
    let expected = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    assert_eq!(challenge(verifier()), expected, "appendix B");
}
