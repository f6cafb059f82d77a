//! The two ways of bulk bytes as a page takes them, and who gets through.

use crate::{MODERATOR, at_work};
use contract::{BulkAccessView, Reply, Request, SeriesView};
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{self, BoxStream},
};
use std::collections::BTreeMap;
use testkit::{DeskKit, PATIENCE};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

/// How bulk bytes reach the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// A loopback WebSocket.
    Socket,
    /// The program's own URI scheme.
    Scheme,
}

impl Way {
    pub(crate) const BOTH: [Self; 2] = [Self::Socket, Self::Scheme];
}

/// Makes two tests of each fact, an `async fn(Way)` of the same module: `FACT::over_the_socket` and
/// `FACT::over_the_scheme`.
macro_rules! over_each_way {
    ($($fact:ident),+ $(,)?) => { $(
        mod $fact {
            #[tokio::test]
            async fn over_the_socket() {
                super::$fact($crate::bulk::Way::Socket).await;
            }

            #[tokio::test]
            async fn over_the_scheme() {
                super::$fact($crate::bulk::Way::Scheme).await;
            }
        }
    )+ };
}
pub(crate) use over_each_way;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// An open pipe, as the page holds it.
pub(crate) enum Pipe<'a> {
    Socket(Box<Socket>),
    Scheme { desk: &'a DeskKit, address: String, token: String },
}

/// What comes for each frame: its values, or why not.
pub(crate) type Came = BTreeMap<u32, Result<Vec<u8>, String>>;

/// The frames of an open series over a pipe of their own.
pub(crate) async fn frames(desk: &DeskKit, way: Way, series: &SeriesView, first: u32, last: u32) -> Came {
    Pipe::open(desk, way).await.frames(series.handle, first, last).await
}

impl<'a> Pipe<'a> {
    pub(crate) async fn open(desk: &'a DeskKit, way: Way) -> Self {
        match way {
            Way::Socket => Self::Socket(Box::new(socket(desk).await)),
            Way::Scheme => {
                let access = access(desk).await;
                Self::Scheme { desk, address: access.scheme.expect("a scheme is offered"), token: access.token }
            }
        }
    }

    /// Every frame of a range.
    pub(crate) async fn frames(&mut self, handle: u32, first: u32, last: u32) -> Came {
        self.want(handle, first, last).await.collect().await
    }

    /// The frames of a range as they come, each once.
    pub(crate) async fn want(
        &mut self,
        handle: u32,
        first: u32,
        last: u32,
    ) -> BoxStream<'_, (u32, Result<Vec<u8>, String>)> {
        match self {
            Self::Socket(socket) => {
                let want =
                    format!(r#"{{"type":"want","series":{handle},"first":{first},"last":{last},"near":{first}}}"#);
                for word in [r#"{"type":"credit","n":1000}"#.to_owned(), want] {
                    socket.send(Message::text(word)).await.expect("the pipe listens");
                }
                let frames = stream::unfold((&mut **socket, BTreeMap::new()), move |heard| by_socket(heard, handle));
                frames.take((last - first + 1) as usize).boxed()
            }
            Self::Scheme { desk, address, token } => {
                let (desk, address, token) = (*desk, address.as_str(), token.as_str());
                let frames = stream::iter(first..=last)
                    .map(move |frame| async move { (frame, by_scheme(desk, address, token, handle, frame).await) });
                // As many at a time as `ui/src/imaging/schemePipe.ts` asks for.
                frames.buffer_unordered(4).boxed()
            }
        }
    }
}

/// A socket and the frames that have come in part.
type Heard<'a> = (&'a mut Socket, BTreeMap<u32, Vec<u8>>);

/// The next frame that is whole, or the next one that failed.
async fn by_socket((socket, mut parts): Heard<'_>, handle: u32) -> Option<((u32, Result<Vec<u8>, String>), Heard<'_>)> {
    loop {
        let message = timeout(PATIENCE, socket.next()).await.expect("a word in time").expect("open").expect("whole");
        if let Message::Binary(bytes) = &message {
            let part = Part::read(bytes, handle);
            let mut values = parts.remove(&part.frame).unwrap_or_default();
            values.extend_from_slice(part.payload);
            if part.last {
                return Some(((part.frame, Ok(values)), (socket, parts)));
            }
            parts.insert(part.frame, values);
            continue;
        }
        let (frame, code) = failed(message.to_text().expect("a frame or a word").as_bytes(), handle);
        return Some(((frame, Err(code)), (socket, parts)));
    }
}

/// One frame, part by part.
async fn by_scheme(desk: &DeskKit, address: &str, token: &str, handle: u32, frame: u32) -> Result<Vec<u8>, String> {
    let (mut row, mut values) = (0, Vec::new());
    loop {
        let asked = format!("{address}/frame/{handle}/{frame}?row={row}&token={token}");
        let answer = desk.fetch(&asked, Some(DeskKit::ORIGIN)).await;
        assert_eq!(answer.allowed.as_deref(), Some(DeskKit::ORIGIN), "the page may read it");
        match answer.status {
            200 => {
                let part = Part::read(&answer.body, handle);
                assert_eq!((part.frame, part.first_row), (frame, row), "what was asked for");
                values.extend_from_slice(part.payload);
                if part.last {
                    return Ok(values);
                }
                row += part.rows;
            }
            422 => {
                let (failed, code) = failed(&answer.body, handle);
                assert_eq!(failed, frame, "what was asked for");
                return Err(code);
            }
            other => panic!("the scheme answers {other} for frame {frame}"),
        }
    }
}

/// A bulk message.
struct Part<'a> {
    frame: u32,
    first_row: u32,
    rows: u32,
    last: bool,
    payload: &'a [u8],
}

impl<'a> Part<'a> {
    fn read(bytes: &'a [u8], handle: u32) -> Self {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let (header, payload) = bytes.split_at(32);
        assert_eq!((header[0], header[1]), (1, 3), "version and kind");
        assert_eq!(number(4), handle, "of the series asked for");
        assert_eq!(number(24), crc32fast::hash(payload), "a frame is whole");
        let columns = usize::from(u16::from_le_bytes([header[12], header[13]]));
        // 8 bits, 16 bits without and with sign, 24 bits of color.
        let row = columns * [1, 2, 2, 3][usize::from(header[2])];
        let rows = u32::try_from(payload.len() / row).expect("few rows");
        Self { frame: number(8), first_row: number(20), rows, last: header[3] & 2 != 0, payload }
    }
}

/// The frame that does not come, and the code for it.
fn failed(said: &[u8], handle: u32) -> (u32, String) {
    let said: serde_json::Value = serde_json::from_slice(said).expect("JSON");
    assert_eq!(said["series"], handle, "of the series asked for");
    let frame = said["frame"].as_u64().and_then(|frame| u32::try_from(frame).ok()).expect("a frame's number");
    (frame, said["code"].as_str().expect("a code").to_owned())
}

async fn access(desk: &DeskKit) -> BulkAccessView {
    match desk.call(Request::OpenBulk).await {
        Ok(Reply::BulkAccess(access)) => access,
        other => panic!("the way to the bulk pipe: {other:?}"),
    }
}

async fn address(desk: &DeskKit) -> String {
    access(desk).await.socket.expect("a socket is offered")
}

/// The status of a refusal, or the open socket.
pub(crate) async fn knock(address: &str, origin: Option<&str>, host: Option<&str>) -> Result<Socket, u16> {
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

#[tokio::test]
async fn the_scheme_answers_the_page_with_its_token_and_nobody_else() {
    let (_folder, desk) = at_work(MODERATOR).await;
    let access = access(&desk).await;
    let (scheme, token) = (access.scheme.expect("a scheme is offered"), access.token);
    let own = Some(DeskKit::ORIGIN);
    let ask = async |address: String, origin: Option<&str>| {
        let answer = desk.fetch(&address, origin).await;
        (answer.status, answer.allowed)
    };
    let page = |status: u16| (status, own.map(str::to_owned));
    let frame = format!("{scheme}/frame/4000000/0?row=0");
    let with = |token: &str| format!("{frame}&token={token}");

    for stranger in ["http://evil.example", "http://konsil.test.evil.example", "https://konsil.test", "null"] {
        assert_eq!(
            ask(with(&token), Some(stranger)).await,
            (403, None),
            "{stranger} may not ask, nor read the refusal"
        );
    }
    let elsewhere = with(&token).replace("localhost", "konsil.evil.example");
    assert_eq!(ask(elsewhere, own).await, (403, None), "another host");
    assert_eq!(ask(with(&"0".repeat(token.len())), own).await, page(403), "another token");
    assert_eq!(ask(with(""), own).await, page(403), "an empty token");
    let of_socket = access.socket.expect("a socket is offered");
    let (_, of_socket) = of_socket.split_once("token=").expect("a token");
    assert_eq!(ask(with(of_socket), own).await, page(403), "the socket's token");
    assert_eq!(ask(frame.clone(), own).await, page(404), "no token");
    for path in ["", "frame", "frame/1", "frame/x/0", "frame/1/-1", "other/1/0", "frame/1/4294967296"] {
        assert_eq!(ask(format!("{scheme}/{path}?token={token}"), own).await, page(404), "{path} is no frame");
    }
    assert!(way(&desk).await.starts_with("127.0.0.1:"), "nobody has taken a way: {}", way(&desk).await);
    for _ in 0..2 {
        assert_eq!(ask(with(&token), own).await, page(422), "the page itself, as often as it likes");
    }
    assert_eq!(ask(with(&token), None).await, page(422), "a web view that names no origin: still the page's alone");
    assert_eq!(way(&desk).await, "scheme", "IT can read which way is in use");
}
