//! Finding the server, signing in by password and through the provider, refresh, and signing out.

use crate::harness::{AMINA, Browser, Home, IVO, LEYLA, LISTENER, text};
use reqwest::Method;
use sandbox::{ChatOptions, PASSWORD};
use serde_json::{Value, json};
use std::time::Duration;

fn sso(home: &Home, listener: &str) -> String {
    let listener = listener.replace(':', "%3A").replace('/', "%2F").replace('?', "%3F").replace('=', "%3D");
    home.url(&format!("/_matrix/client/v3/login/sso/redirect/oidc-konsil?redirectUrl={listener}"))
}

/// The first form of the provider's page.
fn action(page: &str) -> String {
    let (_, rest) = page.split_once("action=\"").expect("the page has a form");
    rest.split('"').next().unwrap_or_default().replace("&amp;", "&")
}

#[tokio::test]
async fn a_client_finds_the_homeserver_from_the_platform() {
    let home = Home::start().await;
    let get = async |path: &str| -> Value {
        let answer = home.client.get(home.url(path)).send().await.expect("the platform answers");
        answer.json().await.expect("JSON")
    };
    let server = home.running.matrix().server_name().to_owned();
    assert_eq!(format!("http://{server}"), home.running.url, "the server is named as the origin is");
    assert_eq!(get("/.well-known/konsil").await["matrix"]["server_name"], server, "the platform names it");
    let found = get("/.well-known/matrix/client").await;
    assert_eq!(found["m.homeserver"]["base_url"], home.running.url, "its base is the origin");
    let versions = get("/_matrix/client/versions").await;
    assert!(versions["versions"].as_array().is_some_and(|all| all.contains(&json!("v1.11"))), "{versions}");
}

#[tokio::test]
async fn an_unknown_route_is_404_and_a_known_one_with_another_method_405() {
    let home = Home::start().await;
    let ask = async |method: Method, path: &str| home.ask(method, path, None, None).await;
    for path in ["/client/v3/publicRooms", "/client/unstable/org.matrix.msc3575/sync", "/nothing"] {
        ask(Method::GET, path).await.refused(404, "M_UNRECOGNIZED");
    }
    ask(Method::DELETE, "/client/v3/login").await.refused(405, "M_UNRECOGNIZED");
    ask(Method::GET, "/client/v3/createRoom").await.refused(405, "M_UNRECOGNIZED");
    let preflight = ask(Method::OPTIONS, "/client/v3/login").await;
    assert_eq!(preflight.status, 204, "a page asks before it asks");
    assert_eq!(preflight.headers["access-control-allow-origin"], "*", "and every page may");
}

#[tokio::test]
async fn a_person_signs_in_by_password() {
    let home = Home::start().await;
    let flows = home.ask(Method::GET, "/client/v3/login", None, None).await.good();
    let kinds: Vec<&str> = flows["flows"].as_array().into_iter().flatten().map(|flow| text(&flow["type"])).collect();
    assert_eq!(kinds, ["m.login.sso", "m.login.token", "m.login.password"], "three ways");
    let body = home.login(AMINA, json!({ "device_id": "DESK" })).await.good();
    assert_eq!(body["user_id"], home.user(AMINA), "the id is the user name on this server");
    assert_eq!(body["device_id"], "DESK", "the device is the one that was asked for");
    assert!(body.get("refresh_token").is_none(), "nobody asked for one");
    let who = home.ask(Method::GET, "/client/v3/account/whoami", body["access_token"].as_str(), None).await.good();
    assert_eq!(who["device_id"], "DESK", "the token is this device's");
    home.login(&home.user(LEYLA), json!({})).await.good();
    for (user, password) in [(AMINA, "wrong"), ("nobody", PASSWORD), ("@dr-falkenried:other.example", PASSWORD)] {
        home.login(user, json!({ "password": password })).await.refused(403, "M_FORBIDDEN");
    }
    home.login(AMINA, json!({ "type": "m.login.dummy" })).await.refused(400, "M_UNKNOWN");
}

#[tokio::test]
async fn a_request_without_a_token_or_with_a_wrong_one_is_refused() {
    let home = Home::start().await;
    let path = "/client/v3/account/whoami";
    home.ask(Method::GET, path, None, None).await.refused(401, "M_MISSING_TOKEN");
    let reply = home.ask(Method::GET, path, Some("x"), None).await;
    reply.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!(reply.body["soft_logout"], false, "the device is gone for good");
}

#[tokio::test]
async fn a_token_expires_softly_and_is_refreshed() {
    let home = Home::with(ChatOptions { access_token_seconds: 60, ..ChatOptions::default() }).await;
    let body = home.login(AMINA, json!({ "refresh_token": true })).await.good();
    assert_eq!(body["expires_in_ms"], 60_000, "the life of the token");
    let who = async |token: &Value| home.ask(Method::GET, "/client/v3/account/whoami", token.as_str(), None).await;
    who(&body["access_token"]).await.good();
    home.running.clock.advance(60);
    let reply = who(&body["access_token"]).await;
    reply.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!(reply.body["soft_logout"], true, "the device is still there");
    let refresh = async |token: &Value| home.post("/refresh", &json!({ "refresh_token": token })).await;
    let lost = refresh(&body["refresh_token"]).await.good();
    let new = refresh(&body["refresh_token"]).await.good();
    who(&lost["access_token"]).await.refused(401, "M_UNKNOWN_TOKEN");
    who(&new["access_token"]).await.good();
    refresh(&body["refresh_token"]).await.refused(403, "M_FORBIDDEN");
    refresh(&json!("x")).await.refused(401, "M_UNKNOWN_TOKEN");
    let next = refresh(&new["refresh_token"]).await.good();
    who(&next["access_token"]).await.good();
}

#[tokio::test]
async fn signing_out_ends_the_device_and_signing_out_everywhere_all() {
    let home = Home::start().await;
    let (one, two, three) = (home.device(AMINA).await, home.device(AMINA).await, home.device(AMINA).await);
    one.post("/logout", &json!({})).await.good();
    one.get("/account/whoami").await.refused(401, "M_UNKNOWN_TOKEN");
    let devices = two.get("/devices").await.good();
    assert_eq!(devices["devices"].as_array().map(Vec::len), Some(2), "the others are there: {devices}");
    two.post("/logout/all", &json!({})).await.good();
    three.get("/account/whoami").await.refused(401, "M_UNKNOWN_TOKEN");
}

#[tokio::test]
async fn another_device_is_renamed_and_deleted_only_with_the_password() {
    let home = Home::start().await;
    let (here, there) = (home.device(AMINA).await, home.device(AMINA).await);
    let path = format!("/devices/{}", there.id);
    here.put(&path, &json!({ "display_name": "Befundplatz" })).await.good();
    assert_eq!(here.get(&path).await.good()["display_name"], "Befundplatz", "renamed");
    let asked = here.ask(Method::DELETE, &path, Some(&json!({}))).await;
    assert_eq!(asked.status, 401, "the password is asked for");
    assert_eq!(asked.body["flows"], json!([{ "stages": ["m.login.password"] }]), "by one stage");
    assert!(asked.body.get("errcode").is_none(), "a challenge is no error");
    let auth = |password: &str| {
        json!({ "auth": {
            "type": "m.login.password",
            "session": asked.body["session"],
            "identifier": { "type": "m.id.user", "user": AMINA },
            "password": password,
        } })
    };
    here.ask(Method::DELETE, &path, Some(&auth("wrong"))).await.refused(401, "M_FORBIDDEN");
    let other = format!("/devices/{}", here.id);
    here.ask(Method::DELETE, &other, Some(&auth(PASSWORD))).await.refused(403, "M_FORBIDDEN");
    here.ask(Method::DELETE, &path, Some(&auth(PASSWORD))).await.good();
    there.get("/account/whoami").await.refused(401, "M_UNKNOWN_TOKEN");
    here.get(&path).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn a_person_signs_in_through_the_provider() {
    let home = Home::start().await;
    let mut browser = Browser::new(&home);
    let stop = browser.open(&sso(&home, LISTENER)).await;
    assert_eq!(stop.status, 200, "the provider's page opens");
    let stop = browser.submit(&action(&stop.page), &[("username", LEYLA), ("password", PASSWORD)]).await;
    let token = stop.login_token().expect("the listener gets a login token");
    let login = json!({ "type": "m.login.token", "token": token, "refresh_token": true });
    let body = home.post("/login", &login).await.good();
    assert_eq!(body["user_id"], home.user(LEYLA), "who signed in at the provider");
    assert!(body["refresh_token"].is_string(), "with a refresh token");
    home.post("/login", &login).await.refused(403, "M_FORBIDDEN");
    let again = browser.open(&sso(&home, LISTENER)).await;
    let token = again.login_token().expect("the provider's cookie carries the second sign-in");
    home.running.clock.advance(121);
    home.post("/login", &json!({ "type": "m.login.token", "token": token })).await.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn the_listeners_own_query_survives_the_way_through_the_provider() {
    let home = Home::start().await;
    let mut browser = Browser::new(&home);
    let stop = browser.open(&sso(&home, &format!("{LISTENER}?state=mine"))).await;
    let stop = browser.submit(&action(&stop.page), &[("username", IVO), ("password", PASSWORD)]).await;
    let pairs: Vec<(String, String)> = stop.url.query_pairs().into_owned().collect();
    assert_eq!(pairs[0], ("state".to_owned(), "mine".to_owned()), "the client's own pair comes first");
    assert_eq!(pairs[1].0, "loginToken", "and the token after it");
}

#[tokio::test]
async fn a_login_token_goes_to_this_computer_only_and_to_the_browser_that_asked() {
    let home = Home::start().await;
    let mut browser = Browser::new(&home);
    for listener in ["https://attacker.example/", "http://127.0.0.1@attacker.example/", "konsil:chat", "x"] {
        let stop = browser.open(&sso(&home, listener)).await;
        assert_eq!(stop.status, 400, "{listener} is refused");
    }
    let unknown = home.url("/_matrix/client/v3/login/sso/redirect/oidc-other?redirectUrl=http%3A%2F%2F127.0.0.1%3A1");
    assert_eq!(browser.open(&unknown).await.status, 404, "there is one provider");
    let page = browser.open(&sso(&home, LISTENER)).await.page;
    let mut other = Browser::new(&home);
    let stop = other.submit(&action(&page), &[("username", AMINA), ("password", PASSWORD)]).await;
    assert_eq!(stop.status, 400, "a browser that did not begin does not end");
    assert!(stop.login_token().is_none(), "and gets no token");
}

#[tokio::test]
async fn a_test_may_order_refusals_for_coming_too_fast() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    home.running.matrix().limit_next(2, "/whoami", Duration::from_millis(1500));
    for _ in 0..2 {
        let reply = amina.get("/account/whoami").await;
        reply.refused(429, "M_LIMIT_EXCEEDED");
        assert_eq!(reply.headers["retry-after"], "2", "whole seconds, rounded up");
        assert_eq!(reply.body["retry_after_ms"], 1500, "and milliseconds");
        amina.get("/devices").await.good();
    }
    amina.get("/account/whoami").await.good();
}

#[tokio::test]
async fn an_openid_token_says_who_somebody_is() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let path = format!("/user/{}/openid/request_token", amina.user);
    leyla.post(&path, &json!({})).await.refused(403, "M_FORBIDDEN");
    let body = amina.post(&path, &json!({})).await.good();
    assert_eq!(body["matrix_server_name"], home.running.matrix().server_name(), "who can be asked");
    let ask = async |token: &str| {
        let path = format!("/federation/v1/openid/userinfo?access_token={token}");
        home.ask(Method::GET, &path, None, None).await
    };
    assert_eq!(ask(text(&body["access_token"])).await.good(), json!({ "sub": amina.user }), "nothing but the id");
    ask("x").await.refused(401, "M_UNKNOWN_TOKEN");
    home.running.clock.advance(3600);
    ask(text(&body["access_token"])).await.refused(401, "M_UNKNOWN_TOKEN");
}
