//! Pictures of a round on their way to the page.
//!
//! ```text
//! rounds ── encoded ─▶ [put] ─ shown? key? credit? ─▶ queue ─▶ door ─▶ page
//!                        └─ the page cannot: decoded, made small ─┘
//! ```
//!
//! A picture that nobody can draw is no use later: without credit those of a track are left out until one that depends on
//! no other, and never more than [`MOST_WAITING`] of a track wait.

use crate::chat::FileDoor;
use axum::extract::ws::{Message, WebSocket};
use bytes::{BufMut as _, Bytes, BytesMut};
use codec::i420::{Channel, I420};
use codec::vp8::Decoder;
use contract::PictureAsked;
use futures_util::FutureExt as _;
use rounds::Picture;
use rounds_proto::frame::Codec;
use rounds_proto::signal::{Step, View};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc};

/// Pictures of one track that wait for the page.
const MOST_WAITING: usize = 2;
/// What the page may take before it says anything.
const FIRST_CREDIT: u32 = 32;
/// More than this the page has never said it could take.
const MOST_CREDIT: u32 = 256;
/// No tile is larger, in device pixels.
const LONGEST_SIDE: u32 = 8192;
/// Wishes that wait for the round.
const WISHES: usize = 64;
const VERSION: u8 = 1;
const ENCODED: u8 = 1;
const PIXELS: u8 = 2;
const KEY: u8 = 1;
const GAP: u8 = 2;
const VP8: u8 = 1;
const HEADER: usize = 32;

/// What the page wants of the round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// This track is shown so.
    View(String, View),
    /// A picture of this track that depends on no other.
    Key(String),
}

/// All pictures of a round, and the page's end of them.
#[derive(Clone)]
pub(super) struct Gallery(Arc<Inner>);

struct Inner {
    showing: Mutex<Showing>,
    /// Something waits for the page, or the door is another one.
    ready: Notify,
    wishes: mpsc::Sender<Wish>,
}

#[derive(Default)]
struct Showing {
    tracks: BTreeMap<u32, Shown>,
    numbers: BTreeMap<String, u32>,
    waiting: VecDeque<(u32, Bytes)>,
    credit: u32,
    /// Counts doors; only the last one is open.
    door: u64,
    /// How often they were shut, whether one was open or not.
    shuts: u64,
    open: bool,
}

struct Shown {
    sid: String,
    /// Device pixels; none while it is not on the screen.
    size: Option<(u32, u32)>,
    /// Until one comes nothing can be drawn.
    awaits_key: bool,
    /// Pictures were left out since the last that went.
    gap: bool,
    /// Pictures that went.
    count: u32,
    waiting: usize,
    /// Columns and rows as the last key picture said.
    of: (u16, u16),
    clock: Clock,
    /// Where the page cannot: whoever decodes for it.
    decoding: Option<mpsc::Sender<(Picture, (u32, u32))>>,
}

/// RTP's clock of 90 kHz as one that does not begin anew.
#[derive(Default)]
struct Clock {
    last: Option<u32>,
    ticks: i64,
}

impl Clock {
    fn micros(&mut self, timestamp: u32) -> u64 {
        // Half of the clock's turn is the past.
        let passed = timestamp.wrapping_sub(self.last.unwrap_or(timestamp)).cast_signed();
        self.last = Some(timestamp);
        self.ticks = (self.ticks + i64::from(passed)).max(0);
        self.ticks.unsigned_abs() * 100 / 9
    }
}

impl Shown {
    fn new(sid: String) -> Self {
        Self {
            sid,
            size: None,
            awaits_key: true,
            gap: false,
            count: 0,
            waiting: 0,
            of: (0, 0),
            clock: Clock::default(),
            decoding: None,
        }
    }
}

impl Gallery {
    pub(super) fn new() -> (Self, mpsc::Receiver<Wish>) {
        let (wishes, wished) = mpsc::channel(WISHES);
        (Self(Arc::new(Inner { showing: Mutex::default(), ready: Notify::new(), wishes })), wished)
    }

    /// Which tracks there are, by number; others are forgotten.
    pub(super) fn set_tracks(&self, tracks: Vec<(u32, String)>) {
        let mut showing = self.showing();
        let there: BTreeMap<u32, String> = tracks.into_iter().collect();
        showing.tracks.retain(|number, _shown| there.contains_key(number));
        showing.waiting.retain(|(number, _message)| there.contains_key(number));
        showing.numbers = there.iter().map(|(number, sid)| (sid.clone(), *number)).collect();
        for (number, sid) in there {
            showing.tracks.entry(number).or_insert_with(|| Shown::new(sid));
        }
    }

    /// A picture has come. `sid` names its track, which is not the picture's own for what this person sends.
    pub(super) fn put(&self, sid: &str, picture: &Picture) {
        if picture.codec != Codec::Vp8 {
            return;
        }
        let wish = {
            let mut showing = self.showing();
            showing.put(sid, picture)
        };
        match wish {
            Put::Waits => self.0.ready.notify_one(),
            Put::LeftOut => {}
            Put::NeedsKey => self.wish(Wish::Key(sid.to_owned())),
        }
    }

    /// The page's socket, until it closes or another one comes.
    pub(super) fn serve(&self, door: &FileDoor) -> String {
        let (gallery, shut, shuts) = (self.clone(), door.shut(), self.showing().shuts);
        door.ticket(move |socket| gallery.carry(socket, shut, shuts).boxed())
    }

    /// The page's end closes; it may open another one.
    pub(super) fn shut(&self) {
        let door = self.showing().door;
        self.closed(door);
        let mut showing = self.showing();
        (showing.door, showing.shuts) = (showing.door + 1, showing.shuts + 1);
        drop(showing);
        self.0.ready.notify_one();
    }

    /// The round is over: the door closes.
    pub(super) fn close(&self) {
        let mut showing = self.showing();
        *showing = Showing { door: showing.door + 1, shuts: showing.shuts + 1, ..Showing::default() };
        drop(showing);
        self.0.ready.notify_one();
    }

    /// `shuts` is how often it had been shut when the page was told where the door is: a page that only comes to it after
    /// that finds it shut.
    async fn carry(self, mut socket: WebSocket, mut shut: tokio::sync::watch::Receiver<()>, shuts: u64) {
        let Some(door) = self.opened(shuts) else { return };
        loop {
            while let Some(message) = self.next(door) {
                if socket.send(Message::Binary(message)).await.is_err() {
                    self.closed(door);
                    return;
                }
            }
            if self.showing().door != door {
                // The one that came after it waits for the same word.
                self.0.ready.notify_one();
                return;
            }
            tokio::select! {
                () = self.0.ready.notified() => {}
                said = socket.recv() => match said {
                    Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                        Ok(asked) => self.hear(door, &asked),
                        Err(_error) => tracing::warn!("the page said something at the door of pictures that is no word"),
                    },
                    Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                },
                _ = shut.changed() => break,
            }
        }
        self.closed(door);
    }

    fn opened(&self, shuts: u64) -> Option<u64> {
        let mut showing = self.showing();
        if showing.shuts != shuts {
            return None;
        }
        showing.door += 1;
        (showing.open, showing.credit) = (true, FIRST_CREDIT);
        showing.waiting.clear();
        for shown in showing.tracks.values_mut() {
            (shown.size, shown.awaits_key, shown.waiting, shown.decoding) = (None, true, 0, None);
        }
        let door = showing.door;
        drop(showing);
        // One that was open before goes.
        self.0.ready.notify_one();
        Some(door)
    }

    /// The page is gone: nothing is to be sent to us that nobody sees.
    fn closed(&self, door: u64) {
        let mut showing = self.showing();
        if showing.door != door {
            return;
        }
        showing.open = false;
        showing.waiting.clear();
        let mut unseen = Vec::new();
        for shown in showing.tracks.values_mut() {
            (shown.waiting, shown.decoding) = (0, None);
            if shown.size.take().is_some() {
                unseen.push(shown.sid.clone());
            }
        }
        drop(showing);
        for sid in unseen {
            self.wish(Wish::View(sid, view(None)));
        }
    }

    fn next(&self, door: u64) -> Option<Bytes> {
        let mut showing = self.showing();
        if showing.door != door || showing.credit == 0 {
            return None;
        }
        let (number, message) = showing.waiting.pop_front()?;
        showing.credit -= 1;
        if let Some(shown) = showing.tracks.get_mut(&number) {
            shown.waiting = shown.waiting.saturating_sub(1);
        }
        Some(message)
    }

    fn hear(&self, door: u64, asked: &PictureAsked) {
        let mut showing = self.showing();
        if showing.door != door {
            return;
        }
        let wish = match *asked {
            PictureAsked::Credit { pictures } => {
                showing.credit = showing.credit.saturating_add(pictures).min(MOST_CREDIT);
                None
            }
            PictureAsked::View { track, width, height, visible } => {
                let Some(shown) = showing.tracks.get_mut(&track) else { return };
                let size = visible.then_some((width.clamp(1, LONGEST_SIDE), height.clamp(1, LONGEST_SIDE)));
                if shown.size.is_none() {
                    shown.awaits_key = true;
                }
                let changed = shown.size != size;
                shown.size = size;
                changed.then(|| Wish::View(shown.sid.clone(), view(size)))
            }
            PictureAsked::Key { track } => {
                let Some(shown) = showing.tracks.get_mut(&track) else { return };
                shown.awaits_key = true;
                Some(Wish::Key(shown.sid.clone()))
            }
            PictureAsked::Cannot { track } => {
                let Some(shown) = showing.tracks.get_mut(&track) else { return };
                shown.awaits_key = true;
                if shown.decoding.is_none() {
                    let (pictures, coming) = mpsc::channel(MOST_WAITING);
                    shown.decoding = Some(pictures);
                    tokio::spawn(decode(self.clone(), track, coming));
                }
                Some(Wish::Key(shown.sid.clone()))
            }
        };
        drop(showing);
        self.0.ready.notify_one();
        if let Some(wish) = wish {
            self.wish(wish);
        }
    }

    /// Pixels for a page that has no decoder.
    fn put_pixels(&self, track: u32, picture: &Picture, pixels: &I420) {
        let mut showing = self.showing();
        let credit = showing.credit;
        let Some(shown) = showing.tracks.get_mut(&track) else { return };
        if credit == 0 || shown.waiting >= MOST_WAITING || shown.size.is_none() {
            return;
        }
        let (width, height) = (pixels.width(), pixels.height());
        let mut message = shown.header(track, PIXELS, KEY, (width, height), picture);
        for channel in Channel::ALL {
            pixels.rows(channel).for_each(|row| message.extend_from_slice(row));
        }
        shown.waiting += 1;
        showing.waiting.push_back((track, message.freeze()));
        drop(showing);
        self.0.ready.notify_one();
    }

    fn wish(&self, wish: Wish) {
        if self.0.wishes.try_send(wish).is_err() {
            tracing::debug!("a wish for a picture was left out");
        }
    }

    fn showing(&self) -> MutexGuard<'_, Showing> {
        self.0.showing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Put {
    Waits,
    LeftOut,
    NeedsKey,
}

impl Showing {
    fn put(&mut self, sid: &str, picture: &Picture) -> Put {
        let Some(number) = self.numbers.get(sid).copied() else { return Put::LeftOut };
        let (open, credit) = (self.open, self.credit);
        let Some(shown) = self.tracks.get_mut(&number) else { return Put::LeftOut };
        let Some(size) = shown.size.filter(|_| open) else {
            shown.awaits_key = true;
            return Put::LeftOut;
        };
        if shown.awaits_key && !picture.key {
            shown.gap = true;
            return Put::NeedsKey;
        }
        if let Some(decoding) = &shown.decoding {
            // Whoever decodes is slow: what follows this one cannot be drawn.
            let full = decoding.try_send((picture.clone(), size)).is_err();
            (shown.awaits_key, shown.gap) = (full, full);
            return if full { Put::NeedsKey } else { Put::LeftOut };
        }
        if credit == 0 || shown.waiting >= MOST_WAITING {
            (shown.awaits_key, shown.gap) = (true, true);
            return Put::NeedsKey;
        }
        shown.awaits_key = false;
        if let Some(size) = size_of(picture) {
            shown.of = size;
        }
        let gap = std::mem::take(&mut shown.gap) || picture.gap;
        let flags = if picture.key { KEY } else { 0 } | if gap { GAP } else { 0 };
        let mut message = shown.header(number, ENCODED, flags, shown.of, picture);
        message.extend_from_slice(&picture.bytes);
        shown.waiting += 1;
        self.waiting.push_back((number, message.freeze()));
        Put::Waits
    }
}

impl Shown {
    fn header(&mut self, track: u32, kind: u8, flags: u8, (width, height): (u16, u16), picture: &Picture) -> BytesMut {
        let mut message = BytesMut::with_capacity(HEADER + picture.bytes.len());
        message.extend_from_slice(&[VERSION, kind, flags, VP8]);
        message.put_u32_le(track);
        message.put_u64_le(self.clock.micros(picture.timestamp));
        message.put_u16_le(width);
        message.put_u16_le(height);
        message.put_u32_le(self.count);
        message.put_u64_le(u64::try_from(picture.at.as_micros()).unwrap_or(u64::MAX));
        self.count = self.count.wrapping_add(1);
        message
    }
}

/// Columns and rows of a picture that says them (RFC 6386 §9.1).
fn size_of(picture: &Picture) -> Option<(u16, u16)> {
    let [.., w0, w1, h0, h1] = *picture.bytes.first_chunk::<10>().filter(|_| picture.key)?;
    Some((u16::from_le_bytes([w0, w1]) & 0x3fff, u16::from_le_bytes([h0, h1]) & 0x3fff))
}

fn view(size: Option<(u32, u32)>) -> View {
    let (width, height) = size.unwrap_or((0, 0));
    View { shown: size.is_some(), step: Step::High, width, height, fps: 0, priority: 0 }
}

/// Decodes for the page until it wants it no more.
async fn decode(gallery: Gallery, track: u32, mut coming: mpsc::Receiver<(Picture, (u32, u32))>) {
    let mut decoder = Decoder::new();
    while let Some((picture, size)) = coming.recv().await {
        let decoded = tokio::task::spawn_blocking(move || {
            let pixels = match decoder.decode(&picture.bytes) {
                Ok(pixels) => pixels.and_then(|pixels| fitted(&pixels, size)),
                Err(error) => {
                    tracing::debug!(%error, "a picture could not be decoded");
                    None
                }
            };
            (decoder, picture, pixels)
        });
        let Ok((kept, picture, pixels)) = decoded.await else { return };
        decoder = kept;
        if let Some(pixels) = pixels {
            gallery.put_pixels(track, &picture, &pixels);
        }
    }
}

/// As large as it fills the tile, and no larger than it is.
fn fitted(picture: &I420<&[u8]>, (tile_width, tile_height): (u32, u32)) -> Option<I420> {
    let (width, height) = (u32::from(picture.width()), u32::from(picture.height()));
    // The larger of the two ratios, as a fraction: the tile is filled and the rest hangs over.
    let (over, under) =
        if tile_width * height >= tile_height * width { (tile_width, width) } else { (tile_height, height) };
    if over >= under {
        return Some(picture.tight());
    }
    let side = |long: u32| u16::try_from((u64::from(long) * u64::from(over) / u64::from(under)).max(2) & !1).ok();
    picture.scaled((side(width)?, side(height)?))
}

#[cfg(test)]
mod tests {
    use super::{Clock, Gallery, Put, Showing, Wish, fitted};
    use bytes::Bytes;
    use codec::i420::{Channel, I420, Plane};
    use contract::PictureAsked;
    use rounds::Picture;
    use rounds_proto::frame::Codec;
    use std::time::Duration;

    /// The first ten bytes of a key picture of 640 × 360 (RFC 6386 §9.1), or of another one.
    fn picture(key: bool) -> Picture {
        let bytes: &[u8] =
            if key { &[0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01] } else { &[0x11, 0, 0, 1, 2, 3] };
        Picture {
            track: "TR_1".to_owned(),
            codec: Codec::Vp8,
            key,
            gap: false,
            timestamp: 90_000,
            at: Duration::from_micros(7),
            bytes: Bytes::from_static(bytes),
        }
    }

    fn shown() -> (Gallery, tokio::sync::mpsc::Receiver<Wish>, u64) {
        let (gallery, wished) = Gallery::new();
        gallery.set_tracks(vec![(3, "TR_1".to_owned())]);
        let door = gallery.opened(0).expect("nobody has shut it");
        (gallery, wished, door)
    }

    const SEEN: PictureAsked = PictureAsked::View { track: 3, width: 320, height: 200, visible: true };

    #[test]
    fn nothing_goes_before_it_is_shown_and_then_from_a_whole_picture_on() {
        let (gallery, mut wished, door) = shown();
        gallery.put("TR_1", &picture(true));
        assert!(gallery.next(door).is_none(), "nobody looks at it");
        gallery.hear(door, &SEEN);
        assert!(
            matches!(wished.try_recv(), Ok(Wish::View(sid, view)) if sid == "TR_1" && view.shown && view.width == 320)
        );
        gallery.put("TR_1", &picture(false));
        assert!(gallery.next(door).is_none(), "it depends on what was left out");
        assert_eq!(wished.try_recv(), Ok(Wish::Key("TR_1".to_owned())), "so a whole one is asked for");
        gallery.put("TR_1", &picture(true));
        let message = gallery.next(door).expect("it goes");
        let expected = [
            &[1, 1, 3, 1][..],
            &[3, 0, 0, 0],
            &[0; 8],
            &[0x80, 0x02, 0x68, 0x01],
            &[0; 4],
            &[7, 0, 0, 0, 0, 0, 0, 0],
            &picture(true).bytes,
        ];
        assert_eq!(message, expected.concat(), "version, encoded, key after a gap, VP8, its number, size and time");
    }

    #[test]
    fn without_credit_pictures_are_left_out_up_to_the_next_whole_one() {
        let (gallery, mut wished, door) = shown();
        gallery.hear(door, &SEEN);
        for _ in 0..32 {
            gallery.put("TR_1", &picture(true));
            assert!(gallery.next(door).is_some(), "32 at the beginning");
        }
        while wished.try_recv().is_ok() {}
        gallery.put("TR_1", &picture(true));
        assert!(gallery.next(door).is_none(), "and no more");
        assert_eq!(wished.try_recv(), Ok(Wish::Key("TR_1".to_owned())), "what follows could not be drawn");
        gallery.hear(door, &PictureAsked::Credit { pictures: u32::MAX });
        gallery.put("TR_1", &picture(false));
        assert!(gallery.next(door).is_none(), "it follows one that was left out");
        gallery.put("TR_1", &picture(true));
        assert!(gallery.next(door).is_some(), "with credit it goes on");
    }

    #[test]
    fn no_more_than_two_pictures_of_a_track_wait() {
        let mut showing = Showing { open: true, credit: 9, ..Showing::default() };
        showing.numbers.insert("TR_1".to_owned(), 3);
        let mut track = super::Shown::new("TR_1".to_owned());
        track.size = Some((320, 200));
        showing.tracks.insert(3, track);
        let went: Vec<bool> = (0..4).map(|_| matches!(showing.put("TR_1", &picture(true)), Put::Waits)).collect();
        assert_eq!(went, [true, true, false, false], "the page is slow");
        assert!(matches!(showing.put("TR_2", &picture(true)), Put::LeftOut), "nobody knows that track");
    }

    #[test]
    fn a_second_door_closes_the_first() {
        let (gallery, _wished, first) = shown();
        gallery.hear(first, &SEEN);
        gallery.put("TR_1", &picture(true));
        let second = gallery.opened(0).expect("nobody has shut it");
        assert!(gallery.next(first).is_none(), "nothing goes by it any more");
        gallery.hear(first, &PictureAsked::Credit { pictures: 9 });
        gallery.put("TR_1", &picture(true));
        assert!(gallery.next(second).is_none(), "by the second nothing is shown yet");
        gallery.hear(second, &SEEN);
        gallery.put("TR_1", &picture(true));
        assert!(gallery.next(second).is_some(), "now it is");
    }

    #[test]
    fn the_clock_goes_on_where_rtps_begins_anew() {
        let mut clock = Clock::default();
        assert_eq!(clock.micros(u32::MAX - 89_999), 0, "it begins at nothing");
        assert_eq!(clock.micros(0), 1_000_000, "a second later");
        assert_eq!(clock.micros(45_000), 1_500_000, "and half of one");
        assert_eq!(clock.micros(0), 1_000_000, "a picture that is late is not in the far future");
    }

    #[test]
    fn a_picture_is_made_as_small_as_its_tile_by_means() {
        let plane = |columns: usize, rows: usize| Plane {
            bytes: (0..columns * rows).map(|at| if at % 2 == 0 { 100 } else { 200 }).collect::<Vec<u8>>(),
            stride: columns,
        };
        let whole = I420::new(8, 4, [plane(8, 4), plane(4, 2), plane(4, 2)]).expect("it fits");
        let seen = I420::new(8, 4, Channel::ALL.map(|channel| whole.plane(channel))).expect("it fits");
        let made = fitted(&seen, (4, 2)).expect("it can be made");
        assert_eq!((made.width(), made.height()), (4, 2), "as large as the tile");
        assert!(made.rows(Channel::Y).flatten().all(|sample| *sample == 150), "means of their neighbors");
        let same = fitted(&seen, (16, 16)).expect("it can be made");
        assert_eq!((same.width(), same.height()), (8, 4), "never larger than it is");
        let filled = fitted(&seen, (4, 4)).expect("it can be made");
        assert_eq!((filled.width(), filled.height()), (8, 4), "the tile is filled");
    }
}
