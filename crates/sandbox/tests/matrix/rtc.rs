//! The way into a round's media server: which one it is, and who is let in.

use crate::harness::{AMINA, Device, Home, IVO, LEYLA, Reply, text};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use reqwest::Method;
use sandbox::{ChatOptions, Rounds, Sfu};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

const TRANSPORTS: &str = "/client/unstable/org.matrix.msc4143/rtc/transports";
const SECRET: &str = "a secret of this test";

async fn with_rounds() -> Home {
    let (url, key) = ("wss://sfu.klinikum.example".to_owned(), "konsil".to_owned());
    let rounds = Rounds::On(Sfu { url, key, secret: Zeroizing::new(SECRET.to_owned()) });
    Home::with(ChatOptions { rounds, ..ChatOptions::default() }).await
}

/// A fresh OpenID token of somebody, as the homeserver gives it.
async fn proof(device: &Device<'_>) -> Value {
    device.post(&format!("/user/{}/openid/request_token", device.user), &json!({})).await.good()
}

async fn asks(home: &Home, body: &Value) -> Reply {
    let answer = home.client.post(home.url("/livekit/sfu/get")).json(body).send().await.expect("the platform answers");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Reply { status, headers, body: answer.json().await.expect("JSON") }
}

async fn asks_as(device: &Device<'_>, room: &str) -> Reply {
    let body = json!({ "room": room, "openid_token": proof(device).await, "device_id": device.id });
    asks(device.home, &body).await
}

/// The claims of a token that the secret has signed (RFC 7515 §5.2, RFC 7518 §3.2).
fn claims(token: &str) -> Value {
    let (input, signature) = token.rsplit_once('.').expect("a compact JWS");
    let (header, claims) = input.split_once('.').expect("a compact JWS");
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("base64url");
    let header: Value = serde_json::from_slice(&bytes(header)).expect("JSON");
    assert_eq!(header["alg"], "HS256", "what LiveKit takes");
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key of any length");
    mac.update(input.as_bytes());
    assert!(mac.verify_slice(&bytes(signature)).is_ok(), "signed with the secret that both know");
    serde_json::from_slice(&bytes(claims)).expect("JSON")
}

#[tokio::test]
async fn the_homeserver_names_the_token_service_of_its_media_server() {
    let home = with_rounds().await;
    let amina = home.device(AMINA).await;
    let there = json!([{ "type": "livekit", "livekit_service_url": home.url("/livekit") }]);
    let told = home.ask(Method::GET, TRANSPORTS, Some(&amina.token), None).await.good();
    assert_eq!(told, json!({ "rtc_transports": there }), "to whoever is signed in");
    home.ask(Method::GET, TRANSPORTS, None, None).await.refused(401, "M_MISSING_TOKEN");
    let document = home.client.get(home.url("/.well-known/matrix/client")).send().await.expect("the platform answers");
    let document: Value = document.json().await.expect("JSON");
    assert_eq!(document["org.matrix.msc4143.rtc_foci"], there, "and to older clients");
}

#[tokio::test]
async fn without_a_media_server_there_are_no_rounds() {
    let home = Home::with(ChatOptions { rounds: Rounds::Nowhere, ..ChatOptions::default() }).await;
    let amina = home.device(AMINA).await;
    let told = home.ask(Method::GET, TRANSPORTS, Some(&amina.token), None).await.good();
    assert_eq!(told, json!({ "rtc_transports": [] }), "none is named");
    let document = home.client.get(home.url("/.well-known/matrix/client")).send().await.expect("the platform answers");
    let document: Value = document.json().await.expect("JSON");
    assert_eq!(document, json!({ "m.homeserver": { "base_url": home.running.url } }), "here neither");
    let room = amina.create(&json!({})).await;
    asks_as(&amina, &room).await.refused(404, "M_UNRECOGNIZED");
}

#[tokio::test]
async fn a_member_is_let_into_the_round_of_the_room_in_the_name_of_the_device() {
    let home = with_rounds().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let room = amina.room_with(&leyla, json!({})).await;
    let answer = asks_as(&leyla, &room).await;
    assert_eq!(answer.headers["access-control-allow-origin"], "*", "programs in a browser may ask too");
    let read = home.client.get(home.url("/livekit/sfu/get")).send().await.expect("the platform answers");
    assert_eq!(read.status(), 405, "it is not a page");
    let answer = answer.good();
    assert_eq!(answer["url"], "wss://sfu.klinikum.example", "where it is");
    let told = claims(text(&answer["jwt"]));
    let alias = STANDARD_NO_PAD.encode(Sha256::digest(format!(r#"["{room}","m.call#ROOM"]"#)));
    let now = home.running.clock.now().as_second();
    let (from, until) = (told["nbf"].as_i64().expect("a time"), told["exp"].as_i64().expect("a time"));
    assert_eq!(until - from, 3600, "for an hour");
    assert!((now - 60..=now).contains(&from), "from now on");
    assert_eq!((text(&told["iss"]), text(&told["name"])), ("konsil", "Dr. med. Leyla Sonnkaya"), "by whom, and who");
    assert_eq!(text(&told["sub"]), format!("{}:{}", leyla.user, leyla.id), "as Element Call names its members");
    let may = json!({
        "room": alias, "roomJoin": true, "canPublish": true, "canSubscribe": true, "canPublishData": true,
        "canUpdateOwnMetadata": true,
    });
    assert_eq!(told["video"], may, "what a member may");

    let leads = claims(text(&asks_as(&amina, &room).await.good()["jwt"]));
    assert_eq!(leads["video"]["roomAdmin"], true, "whoever made the room leads its round");
    let levels = amina.get(&format!("/rooms/{room}/state/m.room.power_levels/")).await.good();
    for (power, leads) in [(49, Value::Null), (50, json!(true))] {
        let mut levels = levels.clone();
        levels["users"][leyla.user.as_str()] = json!(power);
        amina.put(&format!("/rooms/{room}/state/m.room.power_levels/"), &levels).await.good();
        let told = claims(text(&asks_as(&leyla, &room).await.good()["jwt"]));
        assert_eq!(told["video"]["roomAdmin"], leads, "with a power of {power}");
    }
}

#[tokio::test]
async fn who_is_not_in_the_room_is_not_let_in() {
    let home = with_rounds().await;
    let (amina, leyla, ivo) = (home.device(AMINA).await, home.device(LEYLA).await, home.device(IVO).await);
    let room = amina.create(&json!({ "invite": [leyla.user] })).await;
    asks_as(&leyla, &room).await.refused(403, "M_FORBIDDEN");
    leyla.join(&room).await.good();
    asks_as(&leyla, &room).await.good();
    leyla.post(&format!("/rooms/{room}/leave"), &json!({})).await.good();
    asks_as(&leyla, &room).await.refused(403, "M_FORBIDDEN");
    let (stranger, nowhere) = (asks_as(&ivo, &room).await, asks_as(&ivo, "!nowhere:server").await);
    stranger.refused(403, "M_FORBIDDEN");
    nowhere.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn nobody_comes_in_by_another_name_than_their_own() {
    let home = with_rounds().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let room = amina.room_with(&leyla, json!({})).await;
    let good = json!({ "room": room, "openid_token": proof(&amina).await, "device_id": amina.id });
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = good.clone();
        change(&mut body);
        body
    };
    asks(&home, &good).await.good();
    asks(&home, &with(&|body| body["device_id"] = json!(leyla.id))).await.refused(403, "M_FORBIDDEN");
    asks(&home, &with(&|body| body["openid_token"]["access_token"] = json!(amina.token)))
        .await
        .refused(401, "M_UNAUTHORIZED");
    asks(&home, &with(&|body| body["openid_token"]["matrix_server_name"] = json!("another.example")))
        .await
        .refused(401, "M_UNAUTHORIZED");
    for gone in ["room", "device_id", "openid_token"] {
        let body = with(&|body| {
            body.as_object_mut().expect("an object").remove(gone);
        });
        asks(&home, &body).await.refused(400, "M_BAD_JSON");
    }
    for gone in ["access_token", "matrix_server_name"] {
        asks(&home, &with(&|body| body["openid_token"][gone] = json!(1))).await.refused(400, "M_BAD_JSON");
    }
    asks(&home, &json!([])).await.refused(400, "M_BAD_JSON");
    home.running.clock.advance(3600);
    asks(&home, &good).await.refused(401, "M_UNAUTHORIZED");
}

/// What a media server says of a token, before anybody opens its socket (livekit-server, `/rtc/v1/validate`).
async fn says_of(home: &Home, url: &str, token: &str) -> u16 {
    let page = format!("{}/rtc/v1/validate?access_token={token}", url.replacen("ws", "http", 1));
    let answer = home.client.get(page).send().await.expect("the platform answers");
    assert_eq!(answer.headers()["access-control-allow-origin"], "*", "programs in a browser may ask too");
    answer.status().as_u16()
}

#[tokio::test]
async fn the_platform_s_own_media_server_takes_what_its_homeserver_signs_and_nothing_else() {
    let (home, elsewhere) = (Home::start().await, Home::start().await);
    let mut tickets = Vec::new();
    for home in [&home, &elsewhere] {
        let amina = home.device(AMINA).await;
        let room = amina.create(&json!({})).await;
        tickets.push(asks_as(&amina, &room).await.good());
    }
    let (own, other) = (&tickets[0], &tickets[1]);
    let (url, token) = (text(&own["url"]), text(&own["jwt"]));
    assert!(url.starts_with("ws://127.0.0.1:"), "on this machine: {url}");
    assert_eq!(says_of(&home, url, token).await, 200, "its own homeserver's");
    assert_eq!(says_of(&home, url, text(&other["jwt"])).await, 401, "each start has a secret of its own");
    let (signed, signature) = token.rsplit_once('.').expect("a compact JWS");
    let others = text(&other["jwt"]).rsplit_once('.').expect("a compact JWS").1;
    for signature in ["", &signature[1..], others] {
        assert_eq!(says_of(&home, url, &format!("{signed}.{signature}")).await, 401, "signed by nobody");
    }
}
