//! Who gets through the bulk port.

use crate::{MODERATOR, at_work};
use contract::{Reply, Request};
use testkit::DeskKit;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, client::IntoClientRequest, http::HeaderValue},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn address(desk: &DeskKit) -> String {
    match desk.call(Request::OpenBulk).await {
        Ok(Reply::BulkAccess(access)) => access.socket.expect("a socket is offered"),
        other => panic!("the way to the bulk pipe: {other:?}"),
    }
}

/// The status of a refusal, or the open socket.
async fn knock(address: &str, origin: Option<&str>, host: Option<&str>) -> Result<Socket, u16> {
    let mut request = address.into_client_request().expect("an address");
    let value = |text: &str| HeaderValue::from_str(text).expect("a header");
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", value(origin));
    }
    if let Some(host) = host {
        request.headers_mut().insert("host", value(host));
    }
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(other) => panic!("an answer: {other}"),
    }
}

/// What the diagnosis says of the way.
async fn way(desk: &DeskKit) -> String {
    let Ok(Reply::Diagnosis(diagnosis)) = desk.call(Request::Diagnose).await else { panic!("a diagnosis") };
    diagnosis.lines.into_iter().find(|line| line.key == "bulk").expect("a line about the way").value
}

/// An open pipe.
pub(crate) async fn socket(desk: &DeskKit) -> Socket {
    knock(&address(desk).await, Some(DeskKit::ORIGIN), None).await.expect("the page gets through")
}

#[tokio::test]
async fn only_the_page_gets_through_and_each_token_opens_once() {
    let (_folder, desk) = at_work(MODERATOR).await;
    let open = address(&desk).await;
    let (base, token) = open.split_once("token=").expect("a token");
    let refused = |answer: Result<Socket, u16>| answer.err();
    let own = Some(DeskKit::ORIGIN);
    assert_eq!(refused(knock(&open, Some("http://evil.example"), None).await), Some(403), "another origin");
    assert_eq!(refused(knock(&open, None, None).await), Some(403), "no origin");
    assert_eq!(
        refused(knock(&open, own, Some("konsil.evil.example")).await),
        Some(403),
        "a name that leads here by DNS"
    );
    let other = format!("{base}token={}", "0".repeat(token.len()));
    assert_eq!(refused(knock(&other, own, None).await), Some(403), "another token");
    assert_eq!(refused(knock(&format!("{base}token="), own, None).await), Some(403), "no token");
    assert!(way(&desk).await.starts_with("127.0.0.1:"), "nobody has taken a way: {}", way(&desk).await);
    assert!(knock(&open, own, None).await.is_ok(), "the page itself, after all those who tried");
    assert!(way(&desk).await.starts_with("socket"), "IT can read which way is in use: {}", way(&desk).await);
    assert_eq!(refused(knock(&open, own, None).await), Some(403), "the same token again");
}

#[tokio::test]
async fn the_port_is_not_reachable_from_another_computer() {
    let (_folder, desk) = at_work(MODERATOR).await;
    let open = address(&desk).await;
    assert!(open.starts_with("ws://127.0.0.1:"), "the loopback address and no name: {open}");
}
