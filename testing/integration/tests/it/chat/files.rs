//! Files in a conversation: what arrives is what was sent, whatever happens on the way, and nobody there can read it.

use super::{Device, Home, Pair, pair, reads, says, sees};
use crate::client::plain;
use axum::Router;
use axum::body::Body as Content;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tim::{Body, Conversation, FileError, Message, MessageId, NewFile, Progress, Sink, Source, Splitting};

on_each_homeserver! {
    the_bytes_of_a_file_arrive_as_they_were_sent_and_nobody_on_the_way_has_them,
    a_picture_says_how_large_it_is,
    a_file_in_parts_arrives_as_it_was_sent,
    a_file_in_more_parts_than_an_event_holds_arrives_as_it_was_sent,
    an_upload_that_was_cut_goes_on_after_the_last_whole_part,
    a_paused_upload_goes_on_after_the_last_whole_part,
    a_line_that_is_cut_costs_no_more_than_the_part_that_was_on_it,
    a_file_that_was_altered_on_its_way_is_refused,
    a_busy_homeserver_and_a_spent_token_are_no_end,
    a_file_that_the_homeserver_does_not_take_is_refused_before_a_byte_leaves,
    a_file_that_shrank_is_not_sent,
    no_file_goes_into_a_room_that_is_not_encrypted,
}

pub(super) const MIB: u64 = 1024 * 1024;
pub(super) const SMALL_PARTS: Splitting = Splitting { whole: MIB, part: Some(MIB) };

/// Bytes that repeat nowhere near, by xorshift64*; what they are does not matter.
pub(super) fn bytes(length: u64) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64 ^ length;
    let mut next = move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes()
    };
    let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| next()).collect();
    bytes.truncate(usize::try_from(length).expect("a small file"));
    bytes
}

pub(super) fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A file that remembers where it was read from, and breaks off or stands still where it is told to, once.
pub(super) struct Shelf {
    bytes: Bytes,
    read: Vec<u64>,
    trouble: Option<(u64, Trouble)>,
}

#[derive(Clone, Copy)]
pub(super) enum Trouble {
    BreaksOff,
    StandsStill,
}

impl Shelf {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { bytes: Bytes::copy_from_slice(bytes), read: Vec::new(), trouble: None }
    }

    /// The same, with trouble at a place.
    pub(super) fn with(self, at: u64, trouble: Trouble) -> Self {
        Self { trouble: Some((at, trouble)), ..self }
    }

    /// Where it was read from.
    pub(super) fn read(&self) -> &[u64] {
        &self.read
    }
}

impl Source for Shelf {
    fn read_from(&mut self, offset: u64) -> BoxFuture<'_, io::Result<BoxStream<'static, io::Result<Bytes>>>> {
        self.read.push(offset);
        let from = usize::try_from(offset).expect("a small file");
        let here = |at: &(u64, Trouble)| (offset..offset + MIB).contains(&at.0);
        let (end, trouble) = match self.trouble.take_if(|at| here(at)) {
            Some((at, trouble)) => (usize::try_from(at).expect("a small file"), Some(trouble)),
            None => (self.bytes.len(), None),
        };
        let rest = self.bytes.slice(from..end);
        let pieces: Vec<_> =
            (0..rest.len()).step_by(60_000).map(|at| rest.slice(at..rest.len().min(at + 60_000))).collect();
        let pieces = stream::iter(pieces.into_iter().map(Ok));
        let read = match trouble {
            None => pieces.boxed(),
            Some(Trouble::BreaksOff) => pieces.chain(stream::iter([Err(io::Error::other("the disk is gone"))])).boxed(),
            Some(Trouble::StandsStill) => pieces.chain(stream::pending()).boxed(),
        };
        Box::pin(std::future::ready(Ok(read)))
    }
}

#[derive(Default)]
pub(super) struct Basket(pub(super) Vec<u8>);

impl Sink for Basket {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, io::Result<()>> {
        self.0.extend_from_slice(&bytes);
        Box::pin(std::future::ready(Ok(())))
    }
}

pub(super) fn file(name: &str, mimetype: &str, size: u64) -> NewFile {
    NewFile {
        name: name.to_owned(),
        mimetype: Some(mimetype.to_owned()),
        size,
        modified: None,
        picture: None,
        fallback: Arc::new(|_name, parts| format!("a file in {parts} parts")),
    }
}

pub(super) async fn sees_file(conversation: &Conversation, wanted: &str) -> Box<Message> {
    let is = |message: &Message| match &message.body {
        Body::File { name, .. } => name == wanted && message.event.is_some(),
        Body::Text { .. }
        | Body::Emote(_)
        | Body::Form(_)
        | Body::Redacted { .. }
        | Body::Undecryptable(_)
        | Body::Repeated
        | Body::Unsupported { .. } => false,
    };
    sees(conversation, wanted, is).await
}

pub(super) async fn fetched(conversation: &Conversation, message: &MessageId) -> Result<Vec<u8>, FileError> {
    let mut basket = Basket::default();
    let length = conversation.file(message)?.fetch(&mut basket).await?;
    assert_eq!(length, basket.0.len() as u64, "it says how long it is");
    Ok(basket.0)
}

async fn the_bytes_of_a_file_arrive_as_they_were_sent_and_nobody_on_the_way_has_them(home: &Home) {
    let Pair { one, other, room, first } = pair(home, "dr-falkenried", "dr-sonnkaya").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let sent = bytes(300_007);
    let new = file("C:\\Befunde\\CT.zip", "application/zip", 300_007);
    let mut outgoing = mine.attach(new, Splitting::default()).await.expect("it is taken");
    let progress = outgoing.progress();
    outgoing.send(&mut Shelf::of(&sent)).await.expect("it goes");
    assert_eq!(*progress.borrow(), Progress { moved: 300_007, total: Some(300_007) }, "all bytes were counted");

    let message = sees_file(&theirs, "CT.zip").await;
    let Body::File { mimetype, size, .. } = &message.body else { panic!("it is a file") };
    assert_eq!((mimetype.as_deref(), *size), (Some("application/zip"), Some(300_007)), "as it was sent");
    assert!(!message.in_clear && !message.sender.own, "encrypted, from the other");
    let arrived = fetched(&theirs, &message.id).await.expect("it comes");
    assert_eq!(hash(&arrived), hash(&sent), "the bytes are those that were sent");

    let raw = home.ask(&first, &format!("/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=20")).await;
    assert!(!raw.to_string().contains("CT.zip"), "the homeserver does not know its name");
    let held = home.uploads();
    let same_length = held.iter().filter(|path| path.metadata().is_ok_and(|found| found.len() == 300_007)).count();
    assert!(same_length > 0, "the homeserver holds the upload");
    for path in held {
        // Another test's upload may go away meanwhile.
        let Ok(found) = std::fs::read(&path) else { continue };
        let clear = memchr::memmem::find(&found, &sent[100_000..100_064]).is_some();
        assert!(!clear, "the homeserver holds nothing of it in clear: {}", path.display());
    }
}

async fn a_picture_says_how_large_it_is(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-heidekorn").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    for (name, mimetype) in [("schnitt.png", "image/png"), ("film.mp4", "video/mp4"), ("diktat.ogg", "audio/ogg")] {
        let new = NewFile { picture: Some((512, 256)), ..file(name, mimetype, 5_000) };
        let mut outgoing = mine.attach(new, Splitting::default()).await.expect("it is taken");
        outgoing.send(&mut Shelf::of(&bytes(5_000))).await.expect("it goes");
        let message = sees_file(&theirs, name).await;
        let Body::File { mimetype: said, .. } = &message.body else { panic!("it is a file") };
        assert_eq!(said.as_deref(), Some(mimetype), "of {name}");
        let arrived = fetched(&theirs, &message.id).await.expect("it comes");
        assert_eq!(hash(&arrived), hash(&bytes(5_000)), "the bytes of {name}");
    }
}

async fn a_file_in_parts_arrives_as_it_was_sent(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-ahlefels").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let length = 3 * MIB + 5;
    let sent = bytes(length);
    let new = file("CT.zip", "application/zip", length);
    let mut outgoing = mine.attach(new, SMALL_PARTS).await.expect("it is taken");
    assert_eq!(outgoing.parts(), 4, "three whole parts and five bytes");
    let mut shelf = Shelf::of(&sent);
    outgoing.send(&mut shelf).await.expect("it goes");
    assert_eq!(shelf.read, [0, MIB, 2 * MIB, 3 * MIB], "each part was read once");
    let message = sees_file(&theirs, "CT.zip").await;
    let Body::File { size, .. } = &message.body else { panic!("it is a file") };
    assert_eq!(*size, Some(length), "of its parts together");
    let arrived = fetched(&theirs, &message.id).await.expect("it comes");
    assert_eq!(hash(&arrived), hash(&sent), "the parts in their order");
}

async fn a_file_in_more_parts_than_an_event_holds_arrives_as_it_was_sent(home: &Home) {
    let Pair { one, other, room, first } = pair(home, "dr-falkenried", "prof-wintermoor").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    // 128 stand in the event itself.
    let length = 128 * 4096 + 5;
    let sent = bytes(length);
    let parts = Splitting { whole: 0, part: Some(4096) };
    let mut outgoing = mine.attach(file("CT.zip", "application/zip", length), parts).await.expect("it is taken");
    assert_eq!(outgoing.parts(), 129, "one too many");
    outgoing.send(&mut Shelf::of(&sent)).await.expect("it goes");
    let message = sees_file(&theirs, "CT.zip").await;
    let arrived = fetched(&theirs, &message.id).await.expect("it comes");
    assert_eq!(hash(&arrived), hash(&sent), "the parts in their order");
    let event = message.event.as_ref().expect("the homeserver has it");
    let raw = home.ask(&first, &format!("/_matrix/client/v3/rooms/{room}/event/{event}")).await;
    // 129 parts would be 25 kB in clear, and a third more as base64 of their ciphertext.
    assert!(raw.to_string().len() < 8_000, "the event is short: {}", raw.to_string().len());
}

async fn an_upload_that_was_cut_goes_on_after_the_last_whole_part(home: &Home) {
    goes_on_after(home, "dr-rosenpfad", Trouble::BreaksOff).await;
}

async fn a_paused_upload_goes_on_after_the_last_whole_part(home: &Home) {
    goes_on_after(home, "dr-lerchenhain", Trouble::StandsStill).await;
}

async fn goes_on_after(home: &Home, second: &str, trouble: Trouble) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", second).await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let length = 3 * MIB + 5;
    let sent = bytes(length);
    let mut outgoing = mine.attach(file("CT.zip", "application/zip", length), SMALL_PARTS).await.expect("it is taken");
    let cut = 2 * MIB + 400_000;
    let mut shelf = Shelf::of(&sent).with(cut, trouble);
    let mut progress = outgoing.progress();
    match trouble {
        Trouble::BreaksOff => {
            let broken = outgoing.send(&mut shelf).await;
            assert!(matches!(broken, Err(FileError::Source(_))), "it says that the file cannot be read: {broken:?}");
        }
        Trouble::StandsStill => tokio::select! {
            done = outgoing.send(&mut shelf) => panic!("it stands still: {done:?}"),
            seen = progress.wait_for(|progress| progress.moved == cut) => drop(seen.expect("it lives")),
        },
    }
    outgoing.send(&mut shelf).await.expect("it goes on");
    assert_eq!(shelf.read, [0, MIB, 2 * MIB, 2 * MIB, 3 * MIB], "whole parts were not read again");
    let message = sees_file(&theirs, "CT.zip").await;
    let arrived = fetched(&theirs, &message.id).await.expect("it comes");
    assert_eq!(hash(&arrived), hash(&sent), "the bytes are those that were sent");
}

async fn a_line_that_is_cut_costs_no_more_than_the_part_that_was_on_it(home: &Home) {
    let meddler = Meddler::start().await;
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "prof-sturmwald").await;
    let (one, other) = (one.by_way_of(&meddler.address()).await, other.by_way_of(&meddler.address()).await);
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let length = 3 * MIB + 5;
    let sent = bytes(length);
    let mut outgoing = mine.attach(file("CT.zip", "application/zip", length), SMALL_PARTS).await.expect("it is taken");
    meddler.will([Meddling::None, Meddling::CutIn(400_000)]);
    let mut shelf = Shelf::of(&sent);
    outgoing.send(&mut shelf).await.expect("it goes on by itself");
    assert_eq!(shelf.read, [0, MIB, MIB, 2 * MIB, 3 * MIB], "the part that was cut was read again, and no other");
    let message = sees_file(&theirs, "CT.zip").await;
    meddler.will([Meddling::None, Meddling::CutOut]);
    let arrived = fetched(&theirs, &message.id).await.expect("it comes");
    assert_eq!(hash(&arrived), hash(&sent), "nothing of the half part is in it");
}

async fn a_file_that_was_altered_on_its_way_is_refused(home: &Home) {
    let meddler = Meddler::start().await;
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "pd-brunnengold").await;
    let other = other.by_way_of(&meddler.address()).await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let sent = bytes(2 * MIB + 5);
    let mut outgoing =
        mine.attach(file("CT.zip", "application/zip", 2 * MIB + 5), SMALL_PARTS).await.expect("it is taken");
    outgoing.send(&mut Shelf::of(&sent)).await.expect("it goes");
    let message = sees_file(&theirs, "CT.zip").await;

    meddler.will([Meddling::None, Meddling::OneBit]);
    let mut basket = Basket::default();
    let refused = theirs.file(&message.id).expect("it has one").fetch(&mut basket).await;
    assert!(matches!(refused, Err(FileError::Altered)), "it says so: {refused:?}");
    assert_eq!(basket.0.len() as u64, MIB, "nothing of the altered part was given out");
    meddler.will([Meddling::Shorter]);
    let mut basket = Basket::default();
    let refused = theirs.file(&message.id).expect("it has one").fetch(&mut basket).await;
    assert!(matches!(refused, Err(FileError::Altered)), "a missing byte is noticed: {refused:?}");
    assert!(basket.0.is_empty(), "nothing was given out");
    let arrived = fetched(&theirs, &message.id).await.expect("without the meddler it comes");
    assert_eq!(hash(&arrived), hash(&sent), "as it was sent");
    let left = std::fs::read_dir(other.folder().join("arriving")).map(Iterator::count).unwrap_or_default();
    assert_eq!(left, 0, "no ciphertext stays behind");
}

async fn a_busy_homeserver_and_a_spent_token_are_no_end(home: &Home) {
    let meddler = Meddler::start().await;
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-kieselhof").await;
    let one = one.by_way_of(&meddler.address()).await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let sent = bytes(70_000);
    let mut outgoing =
        mine.attach(file("befund.pdf", "application/pdf", 70_000), Splitting::default()).await.expect("it is taken");
    meddler.will([
        Meddling::Answer(503, r#"{"errcode":"M_UNKNOWN"}"#),
        Meddling::Answer(429, r#"{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":20}"#),
        Meddling::Answer(401, r#"{"errcode":"M_UNKNOWN_TOKEN","soft_logout":true}"#),
    ]);
    let mut shelf = Shelf::of(&sent);
    outgoing.send(&mut shelf).await.expect("the fourth attempt goes");
    assert_eq!(shelf.read, [0; 4], "each attempt reads it from the beginning");
    let message = sees_file(&theirs, "befund.pdf").await;
    let arrived = fetched(&theirs, &message.id).await.expect("it comes");
    assert_eq!(hash(&arrived), hash(&sent), "the bytes are those that were sent");

    let mut outgoing =
        mine.attach(file("nein.pdf", "application/pdf", 70_000), Splitting::default()).await.expect("it is taken");
    meddler.will([Meddling::Answer(403, r#"{"errcode":"M_FORBIDDEN"}"#)]);
    let mut shelf = Shelf::of(&sent);
    let refused = outgoing.send(&mut shelf).await;
    assert!(matches!(&refused, Err(FileError::Refused(code)) if code == "M_FORBIDDEN"), "a no is a no: {refused:?}");
    assert_eq!(shelf.read, [0], "and not asked again");
}

async fn a_file_that_the_homeserver_does_not_take_is_refused_before_a_byte_leaves(home: &Home) {
    let Pair { one, other: _other, room, first } = pair(home, "dr-falkenried", "dr-silbertal").await;
    let mine = one.opens(&room).await;
    let said = home.ask(&first, "/_matrix/client/v1/media/config").await;
    let limit = said["m.upload.size"].as_u64().expect("it says what it takes");
    let whole = Splitting { part: None, ..Splitting::default() };
    let refused = mine.attach(file("zu-gross.bin", "application/octet-stream", limit + 1), whole).await;
    let Err(FileError::TooLarge { limit: told }) = refused else { panic!("it is refused: {refused:?}") };
    assert_eq!(told, limit, "and says what would be taken");
    let most = 8192 * MIB;
    let refused = mine.attach(file("zu-viele.bin", "application/octet-stream", most + 1), SMALL_PARTS).await;
    assert!(matches!(refused, Err(FileError::TooLarge { limit }) if limit == most), "too many parts: {refused:?}");
    let refused = mine.attach(file("leer.txt", "text/plain", 0), whole).await;
    assert!(matches!(refused, Err(FileError::Empty)), "nothing: {refused:?}");
    let none = mine.lines().into_iter().filter(|line| matches!(line, tim::Line::Message(_))).count();
    assert_eq!(none, 0, "nothing stands in the conversation");
}

async fn a_file_that_shrank_is_not_sent(home: &Home) {
    let Pair { one, other: _other, room, .. } = pair(home, "dr-falkenried", "dr-kranichbach").await;
    let mine = one.opens(&room).await;
    let mut outgoing =
        mine.attach(file("befund.pdf", "application/pdf", 70_000), Splitting::default()).await.expect("it is taken");
    let refused = outgoing.send(&mut Shelf::of(&bytes(69_999))).await;
    assert!(matches!(refused, Err(FileError::Changed)), "it is another file: {refused:?}");
    mine.send("danach", None).await.expect("it is taken");
    sees(&mine, "the message after it", says("danach")).await;
    let messages = |lines: &[tim::Line]| lines.iter().filter(|line| matches!(line, tim::Line::Message(_))).count();
    reads(&mine, "only the message", |lines| messages(lines) == 1).await;
}

async fn no_file_goes_into_a_room_that_is_not_encrypted(home: &Home) {
    let person = home.person("dr-falkenried").await;
    let one = home.device(&person).await;
    let room = home.create(&person, &json!({ "preset": "public_chat", "room_version": "10" })).await;
    one.sees("the room", |rows| rows.iter().any(|row| row.id == room).then_some(())).await;
    let mine = one.opens(&room).await;
    let refused = mine.attach(file("befund.pdf", "application/pdf", 70_000), Splitting::default()).await;
    let open = matches!(refused, Err(FileError::Conversation(tim::ConversationError::NotEncrypted)));
    assert!(open, "its key would lie open: {refused:?}");
}

/// A proxy between a device's transfers and the homeserver, which spoils the answers that come next.
pub(super) struct Meddler {
    port: u16,
    next: Next,
}

type Next = Arc<Mutex<VecDeque<Meddling>>>;

pub(super) enum Meddling {
    None,
    /// One bit of the body is another one.
    OneBit,
    /// The last byte of the body is missing, and its length says so.
    Shorter,
    /// The line is cut when so many bytes have come in; the homeserver learns nothing of it.
    CutIn(usize),
    /// The line is cut in the middle of the answer.
    CutOut,
    /// The homeserver is not asked.
    Answer(u16, &'static str),
}

impl Meddler {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let next = Next::default();
        let app = Router::new().fallback(meddle).with_state(next.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { port, next }
    }

    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn will<const N: usize>(&self, next: [Meddling; N]) {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).extend(next);
    }
}

async fn meddle(State(next): State<Next>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let meddling = next.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(Meddling::None);
    if let Meddling::CutIn(most) = meddling {
        let (mut pieces, mut come) = (body.into_data_stream(), 0);
        while come < most {
            come += pieces.next().await.expect("as much comes").expect("it comes").len();
        }
        return cut(Bytes::new());
    }
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("a whole request");
    if let Meddling::Answer(status, text) = meddling {
        let status = StatusCode::from_u16(status).expect("a status");
        return (status, [(header::CONTENT_TYPE, "application/json")], text).into_response();
    }
    let asked = plain().request(head.method, head.uri.to_string()).headers(head.headers).body(body);
    let answer = asked.send().await.expect("the homeserver answers");
    let status = answer.status();
    let mut bytes = answer.bytes().await.expect("a whole answer").to_vec();
    match meddling {
        Meddling::OneBit => {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }
        Meddling::Shorter => drop(bytes.pop()),
        Meddling::CutOut => return cut(Bytes::copy_from_slice(&bytes[..bytes.len() / 2])),
        Meddling::None | Meddling::CutIn(_) | Meddling::Answer(..) => {}
    }
    let mut answer = Response::new(Content::from(bytes));
    *answer.status_mut() = status;
    answer
}

/// An answer that breaks off after some bytes, and the connection with it.
fn cut(begun: Bytes) -> Response {
    let broken = stream::iter([Ok(begun), Err(io::Error::other("the line is cut"))]);
    Response::new(Content::from_stream(broken))
}

impl Device {
    /// The same device after a restart, with its transfers by way of a proxy.
    pub(super) async fn by_way_of(self, proxy: &str) -> Self {
        let proxy = reqwest::Proxy::http(proxy).expect("an address");
        let transfers = reqwest::Client::builder().proxy(proxy).build().expect("a client for loopback");
        self.restarted_with(transfers).await
    }
}
