//! What of others' pictures is asked for: as large as they are shown, or less where the line is narrow, so that voices come in
//! time. What comes is counted as it comes ([`Coming`]); [`Portions`] looks at it, and says what to ask for and what is held
//! back.

use rounds_proto::downlink::{Allotted, Came, Downlink, Missing, Rank, Wanted};
use rounds_proto::signal::{Fact, Kind, Layer, Source, Speaker, Step, Track, View};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Somebody who has spoken is seen for so long before others.
const SPOKEN: Duration = Duration::from_secs(10);
/// What is held back for a shorter time is not told: a layer that is left for another one is, too.
const TELLS: Duration = Duration::from_secs(2);
/// Looks at which a picture that is not wanted may still come; then that is said in other words, since the same are not sent
/// twice. LiveKit does not heed it while it holds the picture back by itself (`Forwarder.Mute`), and forgets it where a section
/// is bound (`SubscribedTrack.Bound`).
const STILL_COMES: u32 = 8;
/// Nobody shows more.
const MOST_TRACKS: usize = 1024;
/// A stream of which nothing came for so long is another one.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// More packets of voices than these do not wait for a look: 25 people for a second.
const MOST_HEARD: usize = 1250;
/// Of IP, UDP, RTP with its extensions, and SRTP's tag, in bytes.
const AROUND: usize = 20 + 8 + 12 + 8 + 10;

/// What nobody has shown yet: a server may send it all the same, in whichever layer.
const UNSEEN: View = View { shown: false, step: Step::Low, width: 0, height: 0, fps: 0, priority: 0 };

/// A packet as it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) at: Duration,
    pub(crate) ssrc: u32,
    pub(crate) number: u16,
    pub(crate) timestamp: u32,
    /// What follows the header, in bytes.
    pub(crate) payload: usize,
}

/// What has come since the last look, of all tracks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Coming(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    streams: BTreeMap<u32, Count>,
    heard: Vec<Head>,
}

#[derive(Debug)]
struct Count {
    track: String,
    at: Duration,
    bytes: u32,
    packets: u32,
    missing: Missing,
    pixels: u32,
}

impl Coming {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a packet of a picture.
    pub(crate) fn see(&self, track: &str, head: Head) {
        self.counts().take(track, head);
    }

    /// Counts a packet of a voice.
    pub(crate) fn hear(&self, track: &str, head: Head) {
        let mut counts = self.counts();
        counts.take(track, head);
        if counts.heard.len() < MOST_HEARD {
            counts.heard.push(head);
        }
    }

    /// How large the picture of a stream is from now on, in pixels.
    pub(crate) fn measure(&self, ssrc: u32, (width, height): (u16, u16)) {
        if let Some(stream) = self.counts().streams.get_mut(&ssrc) {
            stream.pixels = u32::from(width) * u32::from(height);
        }
    }

    fn take(&self, now: Duration) -> (Vec<Came>, Vec<Head>) {
        let mut counts = self.counts();
        counts.streams.retain(|_ssrc, stream| now.saturating_sub(stream.at) < FORGOTTEN);
        let came = counts.streams.values_mut().map(|stream| Came {
            track: stream.track.clone(),
            bytes: std::mem::take(&mut stream.bytes),
            packets: std::mem::take(&mut stream.packets),
            lost: stream.missing.lost(),
            pixels: stream.pixels,
        });
        (came.collect(), std::mem::take(&mut counts.heard))
    }
}

impl Counts {
    fn take(&mut self, track: &str, head: Head) {
        if self.streams.len() >= MOST_TRACKS && !self.streams.contains_key(&head.ssrc) {
            return;
        }
        let stream = self.streams.entry(head.ssrc).or_insert_with(|| Count::of(track));
        if stream.track != track {
            *stream = Count::of(track);
        }
        stream.at = head.at;
        let bytes = u32::try_from(head.payload + AROUND).unwrap_or(u32::MAX);
        stream.bytes = stream.bytes.saturating_add(bytes);
        stream.packets = stream.packets.saturating_add(1);
        stream.missing.take(head.at, head.number);
    }
}

impl Count {
    fn of(track: &str) -> Self {
        let track = track.to_owned();
        Self { track, at: Duration::ZERO, bytes: 0, packets: 0, missing: Missing::default(), pixels: 0 }
    }
}

/// What follows from a look.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// The server is to send this track so.
    Asked(String, View),
    /// To whoever shows the round.
    Told(Fact),
}

/// Who gets what.
#[derive(Debug, Default)]
pub(crate) struct Portions {
    downlink: Downlink,
    /// As whoever shows the round wishes.
    wishes: BTreeMap<String, View>,
    /// What the server was asked for.
    asked: BTreeMap<String, View>,
    pictures: BTreeMap<String, Picture>,
    /// Who speaks, as it was said last: it is said where it changes.
    speaking: Vec<String>,
    /// When somebody last spoke, by the person's `sid`.
    spoke: BTreeMap<String, Duration>,
}

/// A picture of somebody else.
#[derive(Debug, Default)]
struct Picture {
    person: String,
    is_screen: bool,
    muted: bool,
    layers: Vec<Layer>,
    /// Since when we hold it back.
    refused: Option<Duration>,
    /// Looks at which it came although it is not wanted, one after the other.
    came: u32,
    /// The server holds it back.
    paused: bool,
    told: bool,
}

impl Portions {
    /// Somebody's track is shown so from now on.
    pub(crate) fn wish(&mut self, now: Duration, track: &str, view: View) -> Vec<Said> {
        if self.wishes.len() >= MOST_TRACKS && !self.wishes.contains_key(track) {
            return Vec::new();
        }
        self.wishes.insert(track.to_owned(), view);
        let mut said = self.share(now);
        // A track that the server has not named yet is asked for all the same, and sound is not shared out.
        if !self.pictures.contains_key(track) {
            said.extend(self.ask(track, view));
        }
        said
    }

    /// All tracks of others, with the `sid` of whoever publishes each.
    pub(crate) fn know<'a>(&mut self, now: Duration, tracks: impl Iterator<Item = (&'a str, &'a Track)>) -> Vec<Said> {
        let mut before = std::mem::take(&mut self.pictures);
        for (person, track) in tracks.filter(|(_, track)| track.kind == Kind::Video).take(MOST_TRACKS) {
            let known = before.remove(&track.sid).unwrap_or_default();
            let picture = Picture {
                person: person.to_owned(),
                is_screen: track.source == Source::Screen,
                muted: track.muted,
                layers: track.layers.clone(),
                ..known
            };
            self.pictures.insert(track.sid.clone(), picture);
        }
        for gone in before.into_keys() {
            self.wishes.remove(&gone);
            self.asked.remove(&gone);
        }
        self.share(now)
    }

    /// Everything was built anew: nothing is held back by the server, and what we hold back is told anew.
    pub(crate) fn begin_anew(&mut self) {
        self.speaking.clear();
        for picture in self.pictures.values_mut() {
            (picture.paused, picture.told, picture.refused) = (false, false, None);
        }
    }

    /// Who speaks from now on.
    pub(crate) fn hear(&mut self, speakers: &[Speaker]) {
        self.speaking = speakers.iter().take(MOST_TRACKS).map(|speaker| speaker.person.clone()).collect();
    }

    /// The server holds a track back, or no longer.
    pub(crate) fn hold(&mut self, now: Duration, track: &str, paused: bool) -> Vec<Said> {
        if let Some(picture) = self.pictures.get_mut(track) {
            picture.paused = paused;
        }
        self.tell(now)
    }

    /// Looks at what has come.
    pub(crate) fn look(&mut self, now: Duration, coming: &Coming) -> Vec<Said> {
        self.spoke.extend(self.speaking.iter().map(|person| (person.clone(), now)));
        self.spoke.retain(|_person, at| now.saturating_sub(*at) < SPOKEN);
        let (came, heard) = coming.take(now);
        for head in heard {
            self.downlink.hear(head.at, head.ssrc, head.timestamp);
        }
        let wanted = self.wanted();
        let allotted = self.downlink.look(now, &came, &wanted).clone();
        for (track, picture) in &mut self.pictures {
            let comes = came.iter().any(|came| &came.track == track && came.packets > 0);
            let unwanted = self.asked.get(track).is_some_and(|asked| !asked.shown);
            picture.came = if unwanted && comes { picture.came + 1 } else { 0 };
        }
        self.follow(now, &allotted)
    }

    fn share(&mut self, now: Duration) -> Vec<Said> {
        let wanted = self.wanted();
        let allotted = self.downlink.allot(&wanted).clone();
        self.follow(now, &allotted)
    }

    fn wanted(&self) -> Vec<Wanted> {
        let pictures = self.pictures.iter().map(|(track, picture)| {
            let view = self.wishes.get(track).copied().unwrap_or(UNSEEN);
            let most = if view.shown && !picture.muted { picture.most(view) } else { None };
            let spoke = self.spoke.contains_key(&picture.person);
            let rank = match (picture.is_screen, spoke) {
                (true, _) => Rank::Screen,
                (false, true) => Rank::Speaker,
                (false, false) => Rank::Face,
            };
            let shown = u64::from(view.width) * u64::from(view.height);
            Wanted { track: track.clone(), rank, shown, layers: picture.layers.clone(), most }
        });
        pictures.collect()
    }

    /// Asks for what each picture is given.
    fn follow(&mut self, now: Duration, allotted: &Allotted) -> Vec<Said> {
        let is_narrow = self.downlink.limit().is_some();
        let mut wished = Vec::new();
        for (track, picture) in &mut self.pictures {
            let asked = self.asked.get(track).copied();
            let given = allotted.get(track);
            let is_refused = given == Some(&None);
            picture.refused = is_refused.then(|| picture.refused.unwrap_or(now));
            // What nobody has shown is the server's to send, unless the line is narrow.
            let Some(wish) = self.wishes.get(track).copied().or((is_narrow || asked.is_some()).then_some(UNSEEN))
            else {
                continue;
            };
            let view = match given {
                // A layer by its name, since the server's idea of what fills a tile may be another one.
                Some(Some(step)) if is_narrow => View { step: *step, width: 0, height: 0, ..wish },
                Some(Some(_)) => wish,
                // Whoever pauses keeps what was asked for.
                None if picture.muted && wish.shown => continue,
                Some(None) | None => {
                    let before = asked.filter(|asked| !asked.shown).map_or(Step::Low, |asked| asked.step);
                    let step = if picture.came >= STILL_COMES { other_than(before) } else { before };
                    View { shown: false, step, width: 0, height: 0, ..wish }
                }
            };
            if picture.came >= STILL_COMES {
                picture.came = 0;
            }
            wished.push((track.clone(), view));
        }
        let mut said: Vec<Said> = wished.into_iter().filter_map(|(track, view)| self.ask(&track, view)).collect();
        said.extend(self.tell(now));
        said
    }

    fn ask(&mut self, track: &str, view: View) -> Option<Said> {
        let before = self.asked.insert(track.to_owned(), view);
        (before != Some(view)).then(|| Said::Asked(track.to_owned(), view))
    }

    fn tell(&mut self, now: Duration) -> Vec<Said> {
        let mut said = Vec::new();
        for (track, picture) in &mut self.pictures {
            let held = picture.refused.is_some_and(|since| now.saturating_sub(since) >= TELLS);
            let paused = picture.paused || held;
            if std::mem::replace(&mut picture.told, paused) != paused {
                said.push(Said::Told(Fact::Stream { track: track.clone(), paused }));
            }
        }
        said
    }
}

impl Picture {
    /// The smallest layer that fills what is shown, as `sfu` chooses it; LiveKit's may be a smaller one.
    fn most(&self, view: View) -> Option<Step> {
        let sides = |width: u32, height: u32| (width.min(height), width.max(height));
        if view.width == 0 || view.height == 0 {
            return Some(view.step);
        }
        let (short, long) = sides(view.width, view.height);
        let fills = |layer: &&Layer| {
            let (own_short, own_long) = sides(layer.width, layer.height);
            own_short >= short || own_long >= long
        };
        self.layers.iter().find(fills).or(self.layers.last()).map(|layer| layer.step)
    }
}

fn other_than(step: Step) -> Step {
    match step {
        Step::Low => Step::Medium,
        Step::Medium | Step::High => Step::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::{Coming, Head, Portions, Said, TELLS};
    use rounds_proto::downlink::LOOK;
    use rounds_proto::signal::{Encryption, Fact, Kind, Layer, Source, Step, Track, View};
    use std::time::Duration;

    const CAMERA: &str = "TR_camera";
    const TILE: View = View { shown: true, step: Step::High, width: 320, height: 180, fps: 0, priority: 0 };

    fn camera(sid: &str) -> Track {
        let layer = |step, width, height, bitrate| Layer { step, width, height, bitrate, ssrc: 0 };
        Track {
            sid: sid.to_owned(),
            kind: Kind::Video,
            source: Source::Camera,
            name: String::new(),
            muted: false,
            width: 640,
            height: 360,
            mime_type: "video/VP8".to_owned(),
            encryption: Encryption::Gcm,
            simulcast: true,
            layers: vec![layer(Step::Low, 320, 180, 160_000), layer(Step::High, 640, 360, 450_000)],
        }
    }

    fn asked(said: &[Said]) -> Vec<View> {
        let asked = said.iter().filter_map(|said| match said {
            Said::Asked(_, view) => Some(*view),
            Said::Told(_) => None,
        });
        asked.collect()
    }

    fn told(said: &[Said]) -> Vec<bool> {
        let told = said.iter().filter_map(|said| match said {
            Said::Told(Fact::Stream { paused, .. }) => Some(*paused),
            Said::Told(_) | Said::Asked(..) => None,
        });
        told.collect()
    }

    /// A line on which a voice and a camera come, look by look.
    struct Line {
        portions: Portions,
        coming: Coming,
        looks: u32,
        sound: u16,
        picture: u16,
    }

    impl Line {
        fn new() -> Self {
            let mut portions = Portions::default();
            portions.know(Duration::ZERO, [("PA_ben", &camera(CAMERA))].into_iter());
            portions.wish(Duration::ZERO, CAMERA, TILE);
            Self { portions, coming: Coming::default(), looks: 0, sound: 0, picture: 0 }
        }

        /// A quarter of a second in which all that comes is so late; with pictures of 300 kbit/s or without.
        fn look(&mut self, late: Duration, pictures: bool) -> Vec<Said> {
            let from = LOOK * self.looks;
            for part in 0..12_u32 {
                let at = from + Duration::from_millis(20) * part + late;
                let timestamp = (from + Duration::from_millis(20) * part).as_millis() * 48;
                let timestamp = u32::try_from(timestamp).expect("a short line");
                self.coming.hear("TR_voice", Head { at, ssrc: 1, number: self.sound, timestamp, payload: 80 });
                self.sound += 1;
                if pictures {
                    self.coming.see(CAMERA, Head { at, ssrc: 2, number: self.picture, timestamp, payload: 780 });
                    self.picture += 1;
                }
            }
            self.coming.measure(2, (640, 360));
            self.looks += 1;
            self.portions.look(LOOK * self.looks + late, &self.coming)
        }

        /// What is said over so many looks.
        fn looks(&mut self, looks: u32, late: Duration, pictures: bool) -> Vec<Said> {
            (0..looks).flat_map(|_look| self.look(late, pictures)).collect()
        }
    }

    #[test]
    fn where_there_is_room_it_is_asked_for_as_it_is_wished_and_once() {
        let mut line = Line::new();
        assert_eq!(line.looks(40, Duration::ZERO, true), [], "it was asked for");
        let wider = View { width: 640, height: 360, ..TILE };
        let said = line.portions.wish(Duration::ZERO, CAMERA, wider);
        assert_eq!(said, [Said::Asked(CAMERA.to_owned(), wider)], "as it is wished");
        assert_eq!(line.portions.wish(Duration::ZERO, CAMERA, wider), [], "once");
        let unknown = line.portions.wish(Duration::ZERO, "TR_other", TILE);
        assert_eq!(unknown, [Said::Asked("TR_other".to_owned(), TILE)], "before it is named too");
    }

    #[test]
    fn what_does_not_fit_is_refused_and_told_and_refused_in_other_words_while_it_comes_all_the_same() {
        let mut line = Line::new();
        line.looks(12, Duration::ZERO, true);
        let late = Duration::from_millis(400);
        let mut said = Vec::new();
        for _look in 0..40 {
            said.extend(line.look(late, true));
            if asked(&said).last().is_some_and(|view| !view.shown) {
                break;
            }
        }
        let first = *asked(&said).last().expect("less is asked for");
        assert!(!first.shown, "it does not fit: {said:?}");
        assert!(told(&said).is_empty(), "a layer that is left for another one is not told");
        let still = line.looks(9, late, true);
        assert_eq!(told(&still), [true], "after {TELLS:?}");
        let words: Vec<_> = asked(&still).iter().map(|view| (view.shown, view.step)).collect();
        assert_eq!(words, [(false, Step::Medium)], "in other words than {first:?}");
    }

    #[test]
    fn what_the_server_holds_back_is_told_once_until_it_comes_again() {
        let mut line = Line::new();
        assert_eq!(told(&line.portions.hold(Duration::ZERO, CAMERA, true)), [true], "held back");
        assert!(line.portions.hold(Duration::ZERO, CAMERA, true).is_empty(), "once");
        assert_eq!(told(&line.portions.hold(Duration::ZERO, CAMERA, false)), [false], "it comes again");
        line.portions.hold(Duration::ZERO, CAMERA, true);
        line.portions.begin_anew();
        assert_eq!(line.look(Duration::ZERO, true), [], "with another connection nothing is held back");
        line.portions.know(Duration::ZERO, std::iter::empty());
        assert_eq!(line.portions.hold(Duration::ZERO, CAMERA, true), [], "and of what is not there nothing is told");
    }

    #[test]
    fn what_is_not_shown_is_not_asked_for_and_its_wish_is_forgotten_with_it() {
        let mut line = Line::new();
        let hidden = |line: &mut Line| {
            let said = line.portions.wish(Duration::ZERO, CAMERA, View { shown: false, ..TILE });
            asked(&said).iter().map(|view| (view.shown, view.step)).collect::<Vec<_>>()
        };
        assert_eq!(hidden(&mut line), [(false, Step::Low)], "hidden");
        let still = line.looks(9, Duration::ZERO, true);
        assert_eq!(asked(&still).len(), 1, "which is said in other words while it comes all the same");
        line.portions.know(Duration::ZERO, std::iter::empty());
        let said = line.portions.know(Duration::ZERO, [("PA_ben", &camera(CAMERA))].into_iter());
        assert_eq!(said, [], "nobody has wished anything of it");
        assert_eq!(hidden(&mut line), [(false, Step::Low)], "so it is asked for anew");
    }
}
