//! Addresses, tokens and ICE servers: what is let in, and what does not print.

use crate::script::{Script, answer, join_response, options};
use livekit_protocol as lk;
use livekit_protocol::signal_response::Message as Response;
use rounds_proto::signal::{
    AddressError, Course, Fact, IceServer, Input, OptionsError, Output, Sections, ServerUrl, Token,
};

#[test]
fn a_server_is_reached_over_tls_or_on_this_machine() {
    for url in [
        "wss://rounds.hospital.test",
        "wss://rounds.hospital.test:7443/livekit/",
        "wss://[2001:db8::1]:443",
        "wss://192.0.2.1",
        "ws://127.0.0.1:7880",
        "ws://localhost:7880",
        "ws://[::1]:7880",
    ] {
        assert!(ServerUrl::parse(url).is_ok(), "{url}");
    }
}

#[test]
fn what_is_no_plain_address_is_refused() {
    let long = format!("wss://host.test/{}", "a".repeat(1024));
    for url in [
        "",
        "https://rounds.test",
        "ws://rounds.test",
        "ws://127.0.0.1.rounds.test",
        "ws://localhost.rounds.test",
        "WSS://rounds.test",
        "wss://",
        "wss:///path",
        "wss://user:secret@rounds.test",
        "wss://rounds.test@evil.test",
        "wss://rounds.test?access_token=1",
        "wss://rounds.test/a?b",
        "wss://rounds.test/#a",
        "wss://rounds.test/../admin",
        "wss://rounds.test/a b",
        "wss://rounds.test\\evil.test",
        "wss://rounds.test/a\r\nHost: evil.test",
        "wss://rounds.test:0",
        "wss://rounds.test:65536",
        "wss://rounds.test:+1",
        "wss://rounds.test:",
        "wss://[::1",
        "wss://[evil.test]",
        "wss://r\u{f6}ntgen.test",
        long.as_str(),
    ] {
        assert_eq!(ServerUrl::parse(url), Err(AddressError::Url), "{url}");
    }
}

#[test]
fn a_token_cannot_end_its_header() {
    for token in ["", "a b", "a\r\nX: y", "a\n", "t\u{f6}ken", "a,b", &"a".repeat(16 * 1024 + 1)] {
        assert_eq!(Token::parse(token.to_owned()).err(), Some(AddressError::Token), "{token:?}");
    }
    let token = Token::parse("eyJh.eyJp-_.c2ln".to_owned()).expect("a token");
    assert_eq!(token.authorization().as_str(), "Bearer eyJh.eyJp-_.c2ln", "RFC 6750 §2.1");
}

#[test]
fn options_have_a_beginning_and_an_end() {
    let token = Token::parse("a.b".to_owned()).expect("a token");
    let mut none = options(&[]);
    assert_eq!(Course::new(none.clone(), token.clone()).err(), Some(OptionsError::Servers), "no server");
    none.servers = vec![ServerUrl::parse("wss://a.test").expect("an address"); 9];
    assert_eq!(Course::new(none.clone(), token.clone()).err(), Some(OptionsError::Servers), "nine servers");
    none.servers.truncate(1);
    none.sections = Sections { audios: 51, videos: 0 };
    assert_eq!(Course::new(none, token).err(), Some(OptionsError::Sections), "too many sections");
}

fn ice(urls: &[&str]) -> lk::IceServer {
    lk::IceServer {
        urls: urls.iter().map(|url| (*url).to_owned()).collect(),
        username: "user".to_owned(),
        credential: "pass".to_owned(),
    }
}

fn used(servers: Vec<lk::IceServer>) -> (Vec<IceServer>, u64) {
    let mut script = Script::new();
    script.input(Input::Join);
    script.greet();
    script.server(Response::Join(lk::JoinResponse { ice_servers: servers, ..join_response(Vec::new()) }));
    let used = script.outputs.iter().find_map(|output| match output {
        Output::IceServers(_, servers) => Some(servers.clone()),
        _ => None,
    });
    (used.expect("ICE servers are named with the join"), script.course.counts().dropped_ice_urls)
}

#[test]
fn ice_servers_that_nobody_named_are_not_asked() {
    // What livekit-server hands out where its configuration names none.
    let defaults =
        ["stun:global.stun.twilio.com:3478", "stun:stun.l.google.com:19302", "stun:stun1.l.google.com:19302"];
    assert_eq!(used(vec![ice(&defaults)]), (Vec::new(), 3), "none is left");
    let mixed = ["turn:turn.hospital.test:3478?transport=udp", "stun:stun.l.google.com:19302"];
    let (kept, dropped) = used(vec![ice(&mixed)]);
    assert_eq!((kept.len(), dropped), (1, 1), "the hospital's own is left");
    assert_eq!(kept[0].urls, ["turn:turn.hospital.test:3478?transport=udp"], "and no other of the same entry");
    assert_eq!((kept[0].username.as_str(), kept[0].credential.as_str()), ("user", "pass"), "with its secret");
}

#[test]
fn an_ice_server_is_known_by_its_whole_host() {
    for url in
        ["turns:TURN.hospital.test:443?transport=tcp", "stun:turn.hospital.test", "stuns:turn.hospital.test:5349"]
    {
        assert_eq!(used(vec![ice(&[url])]).0.len(), 1, "{url}");
    }
    for url in [
        "turn:turn.hospital.test.evil.test:3478",
        "turn:evil.test:3478?transport=udp&host=turn.hospital.test",
        "turn:turn.hospital.test@evil.test",
        "turn:evil.test/turn.hospital.test",
        "http:turn.hospital.test",
        "turn:turn.hospital.test:99999",
        "turn:turn.hospital.test\r\n",
        "turn.hospital.test",
        "",
    ] {
        assert_eq!(used(vec![ice(&[url])]), (Vec::new(), 1), "{url:?}");
    }
}

#[test]
fn a_round_prints_no_secret() {
    let mut script = Script::new();
    script.input(Input::Join);
    script.make_offer("a=ice-pwd:secretpassword");
    script.open();
    script.server(Response::Join(lk::JoinResponse {
        ice_servers: vec![ice(&["turn:turn.hospital.test"])],
        ..join_response(vec![lk::ParticipantInfo {
            name: "Dr. Anna Secretname".to_owned(),
            ..crate::script::person("PA_1", "@secretname:hospital.test", 1)
        }])
    }));
    script.server(Response::RefreshToken("second.secrettoken".to_owned()));
    script.server(answer(1, &[]));
    script.server(crate::script::update(vec![lk::ParticipantInfo {
        state: lk::participant_info::State::Disconnected.into(),
        ..crate::script::person("PA_1", "@secretname:hospital.test", 2)
    }]));
    let facts: Vec<&Output> = script.outputs.iter().filter(|output| matches!(output, Output::Fact(_))).collect();
    assert_eq!(facts.len(), 3, "joined, a token, somebody left");
    let printed = format!("{:?} {:?}", script.outputs, script.course);
    for secret in ["secretpassword", "secrettoken", "first.token", "pass\"", "Secretname", "secretname"] {
        assert!(!printed.contains(secret), "{secret} is printed");
    }
    let token = script.outputs.iter().find_map(|output| match output {
        Output::Fact(Fact::TokenRefreshed(token)) => Some(token.authorization().to_string()),
        _ => None,
    });
    assert_eq!(token.as_deref(), Some("Bearer second.secrettoken"), "and it is there");
}
