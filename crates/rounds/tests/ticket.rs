//! Getting into a media server: what a token service answers, and what is made of it. The service is a small server of
//! the test's own; the tokens are written out after LiveKit's documentation of its access tokens.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::stream;
use model::round::MemberId;
use rounds::{Asking, Power, PowerError, Proof, Ticket, TicketError};
use rounds_proto::signal::{ServerUrl, Token};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use url::Url;
use zeroize::Zeroizing;

const SECRET: &str = "the-homeservers-word";

fn asking() -> Asking {
    let proof = Proof {
        token: Zeroizing::new(SECRET.to_owned()),
        server_name: "klinikum.example".to_owned(),
        expires_in: Duration::from_hours(1),
    };
    Asking {
        room: "!runde:klinikum.example".to_owned(),
        user: "@adler:klinikum.example".to_owned(),
        device: "KONSIL01".to_owned(),
        proof,
    }
}

fn http() -> reqwest::Client {
    // A second test of the same process finds the provider installed.
    rustls::crypto::ring::default_provider().install_default().ok();
    let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    builder.build().expect("a client without special wishes can be made")
}

fn jwt(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(claims), URL_SAFE_NO_PAD.encode([7; 32]))
}

fn good_claims() -> Value {
    json!({
        "iss": "konsil", "sub": "@adler:klinikum.example:KONSIL01", "nbf": 1_800_000_000, "exp": 1_800_003_600,
        "video": { "room": "a-round", "roomJoin": true },
    })
}

fn good() -> Value {
    json!({ "url": "wss://sfu.klinikum.example", "jwt": jwt(&good_claims()) })
}

/// The good answer with one claim changed.
fn claiming(change: impl FnOnce(&mut Value)) -> Value {
    let mut claims = good_claims();
    change(&mut claims);
    json!({ "url": "wss://sfu.klinikum.example", "jwt": jwt(&claims) })
}

async fn served(app: Router) -> Url {
    let socket = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has free ports");
    let address = socket.local_addr().expect("a bound socket has an address");
    tokio::spawn(async move { axum::serve(socket, app).await });
    Url::parse(&format!("http://{address}/livekit/jwt")).expect("an address with a port is a URL")
}

/// What a service makes of which this is the answer.
async fn answered(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Result<Ticket, TicketError> {
    let service = served(Router::new().route("/livekit/jwt/sfu/get", post(async move || answer()))).await;
    Ticket::get(&http(), &service, &asking()).await
}

async fn told(body: Value) -> Result<Ticket, TicketError> {
    answered(move || body.to_string().into_response()).await
}

#[tokio::test]
async fn whoever_shows_the_homeservers_word_gets_a_ticket_in_the_name_of_their_device() {
    let heard: Arc<Mutex<Vec<Value>>> = Arc::default();
    let hears = Arc::clone(&heard);
    let takes = async move |body: Bytes| {
        let body = serde_json::from_slice(&body).expect("JSON");
        hears.lock().unwrap_or_else(PoisonError::into_inner).push(body);
        good().to_string()
    };
    let mut service = served(Router::new().route("/livekit/jwt/sfu/get", post(takes))).await;
    let ticket = Ticket::get(&http(), &service, &asking()).await.expect("a ticket");
    service.set_path("/livekit/jwt/");
    let same = Ticket::get(&http(), &service, &asking()).await;
    assert_eq!(same, Ok(ticket.clone()), "with a slash at the end as well");
    // `SFURequest` in lk-jwt-service's requests.go.
    let asked = json!({
        "room": "!runde:klinikum.example",
        "openid_token": {
            "access_token": SECRET, "token_type": "Bearer", "matrix_server_name": "klinikum.example",
            "expires_in": 3600,
        },
        "device_id": "KONSIL01",
    });
    assert_eq!(*heard.lock().unwrap_or_else(PoisonError::into_inner), [asked.clone(), asked], "what the service knows");
    assert_eq!(ServerUrl::parse("wss://sfu.klinikum.example"), Ok(ticket.server.clone()), "where");
    assert_eq!(Token::parse(jwt(&good_claims())), Ok(ticket.token.clone()), "with what");
    assert_eq!((ticket.room.as_str(), ticket.admin), ("a-round", false), "what it is called there");
    assert_eq!(ticket.identity.as_str(), "@adler:klinikum.example:KONSIL01", "as whom");
    assert_eq!(ticket.expires, SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_003_600), "until when");
    let printed = format!("{ticket:?} {:?}", asking());
    assert!(!printed.contains(SECRET) && !printed.contains("eyJ"), "no secret prints: {printed}");
}

#[tokio::test]
async fn what_is_no_ticket_or_anothers_is_none() {
    let with = |name: &str, value: Value| {
        let mut body = good();
        body[name] = value;
        body
    };
    let [header, _, signature] =
        <[String; 3]>::try_from(jwt(&json!({})).split('.').map(str::to_owned).collect::<Vec<_>>()).expect("three");
    let bodies = [
        ("no object", json!([])),
        ("no address", json!({ "jwt": jwt(&good_claims()) })),
        ("a page's address", with("url", json!("https://sfu.klinikum.example"))),
        ("an address in clear", with("url", json!("ws://sfu.klinikum.example"))),
        ("no token", json!({ "url": "wss://sfu.klinikum.example" })),
        ("a word", with("jwt", json!("token"))),
        ("two parts", with("jwt", json!(format!("{header}.{signature}")))),
        ("four parts", with("jwt", json!(format!("{}.x", jwt(&good_claims()))))),
        ("claims that are none", with("jwt", json!(format!("{header}.%%%.{signature}")))),
        ("claims that are no JSON", with("jwt", json!(format!("{header}.{signature}.{signature}")))),
        ("a line's end in the token", with("jwt", json!(format!("{}\r\nx: y", jwt(&good_claims()))))),
        ("another person", claiming(|claims| claims["sub"] = json!("@bussard:klinikum.example:KONSIL01"))),
        ("another device", claiming(|claims| claims["sub"] = json!("@adler:klinikum.example:KONSIL02"))),
        ("nobody", claiming(|claims| claims["sub"] = Value::Null)),
        ("no end", claiming(|claims| claims["exp"] = Value::Null)),
        ("an end before time", claiming(|claims| claims["exp"] = json!(-1))),
        ("no round", claiming(|claims| claims["video"] = json!({ "roomJoin": true }))),
        ("a round without a name", claiming(|claims| claims["video"]["room"] = json!(""))),
        ("a round with a long name", claiming(|claims| claims["video"]["room"] = json!("a".repeat(257)))),
        ("a round with a line's end", claiming(|claims| claims["video"]["room"] = json!("a\nb"))),
    ];
    for (what, body) in bodies {
        assert_eq!(told(body).await, Err(TicketError::Answer), "{what}");
    }
    let text = answered(|| "<html></html>".into_response()).await;
    assert_eq!(text, Err(TicketError::Answer), "a page");
}

#[tokio::test]
async fn a_server_on_this_computer_may_be_plain() {
    let mut body = good();
    body["url"] = json!("ws://127.0.0.1:7880");
    let ticket = told(body).await.expect("what is said leaves nothing");
    assert_eq!(ServerUrl::parse("ws://127.0.0.1:7880"), Ok(ticket.server), "where");
}

#[tokio::test]
async fn a_refusal_says_what_can_be_done() {
    for (status, code, error) in [
        (StatusCode::UNAUTHORIZED, "M_UNAUTHORIZED", TicketError::Refused),
        (StatusCode::FORBIDDEN, "M_FORBIDDEN", TicketError::Refused),
        (StatusCode::NOT_FOUND, "M_UNRECOGNIZED", TicketError::NotARound),
        (StatusCode::BAD_REQUEST, "M_BAD_JSON", TicketError::Answer),
        (StatusCode::TOO_MANY_REQUESTS, "M_LIMIT_EXCEEDED", TicketError::Unreachable),
        (StatusCode::INTERNAL_SERVER_ERROR, "M_UNKNOWN", TicketError::Unreachable),
        (StatusCode::BAD_GATEWAY, "", TicketError::Unreachable),
    ] {
        let body = json!({ "errcode": code, "error": "no" }).to_string();
        let answer = answered(move || (status, body.clone()).into_response()).await;
        assert_eq!(answer, Err(error), "{status}");
    }
    let closed = {
        let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("loopback has free ports");
        socket.local_addr().expect("a bound socket has an address")
    };
    let service = Url::parse(&format!("http://{closed}")).expect("an address");
    assert_eq!(Ticket::get(&http(), &service, &asking()).await, Err(TicketError::Unreachable), "nobody is there");
    let proof = Proof { token: Zeroizing::new("a".repeat(64 * 1024)), ..asking().proof };
    let long = Ticket::get(&http(), &service, &Asking { proof, ..asking() }).await;
    assert_eq!(long, Err(TicketError::Refused), "and nobody is asked with what is no homeserver's word");
    let mail = Url::parse("mailto:it@klinikum.example").expect("an address");
    assert_eq!(Ticket::get(&http(), &mail, &asking()).await, Err(TicketError::NotARound), "no place to ask");
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_awaited() {
    let endless = answered(|| {
        let pieces = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 4096])));
        Body::from_stream(pieces).into_response()
    });
    assert_eq!(endless.await, Err(TicketError::Answer), "64 KiB are enough");
    let long = format!("{}{}", good(), " ".repeat(64 * 1024));
    assert_eq!(answered(move || long.clone().into_response()).await, Err(TicketError::Answer), "with an end as well");
}

#[tokio::test]
async fn an_answer_from_elsewhere_is_not_taken() {
    let elsewhere = served(Router::new().route("/livekit/jwt", post(async || good().to_string()))).await;
    let target = elsewhere.to_string();
    let sends_on = move || Redirect::temporary(&target).into_response();
    assert_eq!(answered(sends_on.clone()).await, Err(TicketError::Answer), "a redirect is not followed");
    let service = served(Router::new().route("/livekit/jwt/sfu/get", post(async move || sends_on()))).await;
    let follows = reqwest::Client::builder().no_proxy().build().expect("a client");
    assert_eq!(Ticket::get(&follows, &service, &asking()).await, Err(TicketError::Answer), "nor believed");
}

#[tokio::test]
async fn power_over_a_round_is_had_by_whose_token_gives_it_and_used_with_it() {
    let none = told(good()).await.expect("a ticket");
    assert!(Power::of(&none, http()).is_none(), "it gives none");

    let heard: Arc<Mutex<Vec<(String, String, Bytes)>>> = Arc::default();
    let hears = Arc::clone(&heard);
    let takes = async move |uri: Uri, headers: HeaderMap, body: Bytes| {
        let word = headers["authorization"].to_str().expect("text").to_owned();
        hears.lock().unwrap_or_else(PoisonError::into_inner).push((uri.path().to_owned(), word, body));
        let answers = [StatusCode::OK, StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::UNAUTHORIZED];
        let count = hears.lock().unwrap_or_else(PoisonError::into_inner).len();
        answers.get(count - 1).copied().unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
    };
    let server = served(Router::new().fallback(takes)).await;
    let mut claims = good_claims();
    claims["video"]["roomAdmin"] = json!(true);
    let url = format!("ws://127.0.0.1:{}", server.port().expect("it has one"));
    let ticket = told(json!({ "url": url, "jwt": jwt(&claims) })).await.expect("a ticket");
    let power = Power::of(&ticket, http()).expect("it gives it");
    let who = MemberId::parse("@bussard:klinikum.example:X").expect("a member");
    assert_eq!(power.mute(&who, "TR_1").await, Ok(()), "muted");
    assert_eq!(power.send_out(&who, true).await, Ok(()), "sent out");
    assert_eq!(power.send_out(&who, true).await, Err(PowerError::NotThere), "not there any more");
    assert_eq!(power.send_out(&who, true).await, Err(PowerError::Refused), "the token is none any more");
    assert_eq!(power.send_out(&who, true).await, Err(PowerError::Unreachable), "the server is busy");
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    // `RoomService` of livekit_room.proto, written by hand: field 1 room, 2 identity, 3 track_sid, 4 muted.
    let (path, word, body) = &heard[0];
    let written = [b"\x0a\x07a-round\x12\x1b@bussard:klinikum.example:X".as_slice(), b"\x1a\x04TR_1\x20\x01"].concat();
    assert_eq!(path, "/twirp/livekit.RoomService/MutePublishedTrack", "where");
    assert_eq!(*word, format!("Bearer {}", jwt(&claims)), "with the own token");
    assert_eq!(body.as_ref(), written, "what");
    let (path, _word, body) = &heard[1];
    assert_eq!(path, "/twirp/livekit.RoomService/RemoveParticipant", "where");
    assert_eq!(body.as_ref(), b"\x0a\x07a-round\x12\x1b@bussard:klinikum.example:X", "whom");
}
