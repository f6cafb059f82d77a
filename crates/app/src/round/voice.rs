//! The sound of a round: this person's voice from a microphone, the voices of others to a speaker.

use super::devices::{self, Choices, Chosen};
use contract::{MediaStopped, OwnMediaView};
use rounds::{Loudness, Outgoing, Round};
use rounds_proto::signal::{Kind, Source, TrackWish};
use sound::{Capture, Clock, DeviceError, Heard, Notice, Playout, Seat, Settings, Shutter, System, Voice, Wanted};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// What the track is called between us and the media server.
pub(super) const MICROPHONE: &str = "microphone";

/// What is said of the own voice waits so; more of it says the same.
const NOTICES: usize = 8;
/// What was heard of others counts for so many looks.
const LOOKS: usize = 10;
/// Moments of 20 ms that have to be among them, or it says nothing: a second of speech.
const MOMENTS: u64 = 50;

/// The microphone of a seat. It can be shut at once, whatever else is under way.
#[derive(Clone, Default)]
pub(super) struct Mouth(Arc<Mutex<Lips>>);

#[derive(Default)]
struct Lips {
    shutter: Option<Shutter>,
    /// It was opened, and not shut since.
    open: bool,
    /// The seat is left.
    over: bool,
}

impl Mouth {
    /// Nobody hears this person from now on, and the microphone closes.
    pub(super) fn shut(&self) {
        let mut lips = self.lips();
        lips.open = false;
        if let Some(shutter) = &lips.shutter {
            shutter.close();
        }
    }

    /// The same for ever.
    pub(super) fn end(&self) {
        self.lips().over = true;
        self.shut();
    }

    /// The seat is left: what was wanted before is not wanted any more.
    pub(super) fn is_over(&self) -> bool {
        self.lips().over
    }

    /// Nobody hears this person from now on. What this program's order of things makes of it follows.
    pub(super) fn mute(&self) {
        if let Some(shutter) = &self.lips().shutter {
            shutter.mute();
        }
    }

    fn lips(&self) -> MutexGuard<'_, Lips> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens or keeps it where `may` allows that, else it is closed. Whoever forbids it from now on shuts it afterwards, and so finds it open.
    fn want(&self, capture: &Capture, wanted: Wanted, may: impl FnOnce() -> bool) -> bool {
        let mut lips = self.lips();
        lips.shutter.get_or_insert_with(|| capture.shutter());
        let may = !lips.over && may();
        // One that was shut is not opened to notice who speaks.
        let opens = wanted == Wanted::Yes || lips.open;
        lips.open = may && opens;
        capture.want(if lips.open { wanted } else { Wanted::No });
        may
    }
}

/// What happened at microphone and speaker.
pub(super) enum Told {
    /// The microphone is another, or is gone.
    Device,
    /// Of the own voice.
    Notice(Notice),
}

/// How others were heard, in moments.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    played: u64,
    made_up: u64,
}

/// Microphone and speaker of a stay in a round. They are closed when it is dropped.
pub(super) struct Sounds {
    capture: Option<Capture>,
    playout: Option<Playout>,
    voices: BTreeMap<String, Voice>,
    /// Tracks that are to be heard.
    heard: BTreeMap<String, f32>,
    /// Of each voice, as it was at the last look, and what came since, look by look.
    looked: BTreeMap<String, Moments>,
    lately: VecDeque<Moments>,
    published: bool,
    wanted: bool,
    mouth: Mouth,
    /// Of the own voice.
    notices: mpsc::Receiver<Notice>,
    /// Why it was switched off against the person's wish.
    stopped: Option<MediaStopped>,
    /// Of the microphone.
    seat: Option<watch::Receiver<Seat>>,
    /// Where it goes; another one after each time that it is published.
    outgoing: watch::Sender<Option<Outgoing>>,
    _sending: JoinSet<()>,
}

impl Sounds {
    /// `began` is when the round's clock began.
    pub(super) fn start(system: &Arc<dyn System>, choices: Choices, began: Instant, mouth: Mouth) -> Self {
        let clock: Clock = Arc::new(move || began.elapsed());
        let (playout, echo) = match Playout::start(system.clone(), choices.speaker, clock.clone()) {
            Ok((playout, echo)) => (Some(playout), Some(echo)),
            Err(error) => {
                tracing::error!(%error, "nobody will be heard");
                (None, None)
            }
        };
        let begun = Capture::start(system.clone(), choices.microphone, Settings::default(), clock, echo);
        let (capture, hearing) = match begun {
            Ok((capture, hearing)) => (Some(capture), Some(hearing)),
            Err(error) => {
                tracing::error!(%error, "there will be no voice");
                (None, None)
            }
        };
        let seat = capture.as_ref().map(Capture::seat);
        let outgoing = watch::Sender::new(None);
        let (tell, notices) = mpsc::channel(NOTICES);
        let mut sending = JoinSet::new();
        if let Some(hearing) = hearing {
            sending.spawn(send(hearing, outgoing.subscribe(), tell));
        }
        Self {
            capture,
            playout,
            voices: BTreeMap::new(),
            heard: BTreeMap::new(),
            looked: BTreeMap::new(),
            lately: VecDeque::new(),
            published: false,
            wanted: false,
            mouth,
            notices,
            stopped: None,
            seat,
            outgoing,
            _sending: sending,
        }
    }

    /// Lets this person be heard where they `may` be, or no longer. Who was heard once and is muted is told when they speak:
    /// for that the microphone stays open until the round is left or the desk is locked.
    pub(super) async fn set_microphone(
        &mut self,
        round: &Round,
        on: bool,
        may: impl FnOnce() -> bool + Send,
    ) -> OwnMediaView {
        (self.wanted, self.stopped) = (on, None);
        let Some(capture) = &self.capture else {
            return if on { OwnMediaView::Stopped { why: MediaStopped::DeviceLost } } else { OwnMediaView::Off };
        };
        let wanted = if on { Wanted::Yes } else { Wanted::Muted { notice: true } };
        // Nothing of what is heard while it is off leaves once this has returned.
        let on = self.mouth.want(capture, wanted, may) && on;
        self.wanted = on;
        if self.published {
            round.mute(MICROPHONE, !on).await;
        } else if on {
            self.outgoing.send_replace(Some(round.publish(wish()).await));
            self.published = true;
        }
        self.microphone()
    }

    /// The microphone goes off against the person's wish. Where the media server has no place for its track, that is gone.
    pub(super) fn stop_microphone(&mut self, why: MediaStopped) -> OwnMediaView {
        (self.wanted, self.stopped) = (false, Some(why));
        self.published &= why != MediaStopped::Refused;
        self.fall_silent();
        self.microphone()
    }

    /// Nobody hears this person from now on.
    pub(super) fn fall_silent(&self) {
        self.mouth.shut();
    }

    /// What the microphone is.
    pub(super) fn microphone(&self) -> OwnMediaView {
        if !self.wanted {
            return self.stopped.map_or(OwnMediaView::Off, |why| OwnMediaView::Stopped { why });
        }
        own(self.seat.as_ref().map(|seat| seat.borrow().clone()))
    }

    /// Waits until something happens at the microphone.
    pub(super) async fn changed(&mut self) -> Told {
        let device = async {
            match &mut self.seat {
                Some(seat) => seat.changed().await.is_err(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            gone = device => {
                if gone {
                    self.seat = None;
                }
                Told::Device
            }
            Some(notice) = self.notices.recv() => Told::Notice(notice),
        }
    }

    /// Looks at how others are heard, once a second: the part of what they said in the last ten that had to be made up, from
    /// 0 to 1; none where nobody spoke.
    pub(super) fn look(&mut self) -> Option<f64> {
        let mut since = Moments::default();
        let mut looked = BTreeMap::new();
        for (track, voice) in &self.voices {
            let account = voice.account();
            let tally = account.jitter;
            let played = tally.played.saturating_add(tally.copied).saturating_sub(account.damaged);
            let all = Moments { played, made_up: tally.made_up.saturating_add(account.damaged) };
            let before = self.looked.get(track).copied().unwrap_or_default();
            since.played = since.played.saturating_add(all.played.saturating_sub(before.played));
            since.made_up = since.made_up.saturating_add(all.made_up.saturating_sub(before.made_up));
            looked.insert(track.clone(), all);
        }
        self.looked = looked;
        self.lately.push_back(since);
        if self.lately.len() > LOOKS {
            self.lately.pop_front();
        }
        let played: u64 = self.lately.iter().map(|moments| moments.played).sum();
        let made_up: u64 = self.lately.iter().map(|moments| moments.made_up).sum();
        part(made_up, played.saturating_add(made_up))
    }

    /// Another device from now on.
    pub(super) fn choose(&self, choice: &Chosen) {
        match choice {
            Chosen::Microphone(choice) => {
                if let Some(capture) = &self.capture {
                    capture.choose(choice.clone());
                }
            }
            Chosen::Speaker(choice) => {
                if let Some(playout) = &self.playout {
                    playout.choose(choice.clone());
                }
            }
            Chosen::Camera(_) => {}
        }
    }

    /// What the line loses of what is sent, from 0 to 1.
    pub(super) fn set_loss(&self, loss: f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between the two limits")]
        let percent = (loss * 100.0).clamp(0.0, 100.0) as u8;
        if let Some(capture) = &self.capture {
            capture.set_loss(percent);
        }
    }

    /// Plays a packet of somebody's voice.
    pub(super) fn put(&mut self, sound: rounds::Sound) {
        let Some(playout) = self.playout.as_ref().filter(|_| self.heard.contains_key(&sound.track)) else { return };
        if !self.voices.contains_key(&sound.track) {
            match playout.voice() {
                Ok(voice) => drop(self.voices.insert(sound.track.clone(), voice)),
                Err(error) => tracing::error!(%error, "a voice cannot be played"),
            }
        }
        if let Some(voice) = self.voices.get(&sound.track) {
            voice.put(sound.sequence, sound.timestamp, sound.bytes, sound.at);
        }
    }

    /// Whose voices there are, by track, and how loud; others end.
    pub(super) fn keep(&mut self, tracks: &BTreeMap<String, f32>) {
        self.voices.retain(|track, _voice| tracks.contains_key(track));
        for (track, voice) in &self.voices {
            voice.set_volume(tracks.get(track).copied().unwrap_or(1.0));
        }
        self.heard.clone_from(tracks);
    }
}

/// What a microphone is that is wanted.
pub(super) fn own(seat: Option<Seat>) -> OwnMediaView {
    match seat {
        Some(Seat::Open { device, .. }) => OwnMediaView::On { device: Some(device.name) },
        Some(Seat::Failed { error, lost }) => OwnMediaView::Stopped { why: why(error, lost.is_some()) },
        Some(Seat::Closed) | None => OwnMediaView::Opening,
    }
}

fn wish() -> TrackWish {
    TrackWish {
        cid: MICROPHONE.to_owned(),
        kind: Kind::Audio,
        source: Source::Microphone,
        codec: "opus".to_owned(),
        width: 0,
        height: 0,
        layers: Vec::new(),
        encrypted: true,
        muted: false,
    }
}

async fn send(mut hearing: sound::Hearing, to: watch::Receiver<Option<Outgoing>>, notices: mpsc::Sender<Notice>) {
    while let Some(heard) = hearing.next().await {
        match heard {
            Heard::Packet(packet) => {
                let loudness = Loudness { below: packet.below, voice: packet.voice };
                let outgoing = to.borrow().clone();
                let Some(outgoing) = outgoing else { continue };
                // Before the server has a place for it, and while the line is broken, nobody hears it.
                let _not_now = outgoing.send_sound(&packet.bytes, packet.timestamp, loudness).await;
            }
            // More of them than are taken say the same.
            Heard::Notice(notice) => drop(notices.try_send(notice)),
        }
    }
}

/// None of too few moments.
fn part(of: u64, all: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "ten seconds of moments are exact in a double")]
    let part = of as f64 / all.max(1) as f64;
    (all >= MOMENTS).then_some(part)
}

fn why(error: DeviceError, was_there: bool) -> MediaStopped {
    if was_there && error == DeviceError::NoneThere { MediaStopped::DeviceLost } else { devices::why(error) }
}

#[cfg(test)]
mod tests {
    use super::{Choices, Mouth, Sounds, part};
    use contract::{MediaStopped, OwnMediaView};
    use sound::memory::Memory;
    use sound::{Capture, Choice, Seat, Settings, System, Wanted};
    use std::sync::Arc;
    use std::time::{Duration, Instant};
    use tokio::sync::watch;
    use tokio::time::timeout;

    fn system() -> (Arc<dyn System>, String) {
        let memory = Memory::default();
        let headset = memory.plug_microphone("Headset", 48_000, 1, Box::new(|_| 0.0));
        (Arc::new(memory), headset.as_str().to_owned())
    }

    const LONG: Duration = Duration::from_secs(20);

    async fn closes(seat: &mut watch::Receiver<Seat>) {
        let closed = timeout(LONG, seat.wait_for(|seat| matches!(seat, Seat::Closed))).await;
        assert!(closed.is_ok_and(|closed| closed.is_ok()), "it closes");
    }

    async fn opens(seat: &mut watch::Receiver<Seat>) {
        let open = timeout(LONG, seat.wait_for(|seat| matches!(seat, Seat::Open { .. }))).await;
        assert!(open.is_ok_and(|open| open.is_ok()), "it opens");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_microphone_that_was_shut_stays_so_whatever_was_wanted_before() {
        let began = Instant::now();
        let clock: sound::Clock = Arc::new(move || began.elapsed());
        let begun = Capture::start(system().0, Choice::System, Settings::default(), clock, None);
        let (capture, _hearing) = begun.expect("there is a thread");
        let (mouth, mut seat) = (Mouth::default(), capture.seat());
        mouth.shut();
        assert!(mouth.want(&capture, Wanted::Yes, || true), "nobody has shut it since");
        opens(&mut seat).await;
        mouth.shut();
        closes(&mut seat).await;
        let muted = Wanted::Muted { notice: true };
        assert!(!mouth.want(&capture, Wanted::Yes, || false), "the desk is locked");
        assert!(mouth.want(&capture, muted, || true), "and nobody listens whether somebody speaks");
        assert!(mouth.want(&capture, Wanted::Yes, || true), "the desk is unlocked");
        opens(&mut seat).await;
        assert!(mouth.want(&capture, muted, || true), "who was heard is told when they speak");
        mouth.mute();
        assert!(matches!(*seat.borrow(), Seat::Open { .. }), "so it stays open");
        assert!(!mouth.is_over(), "muted and shut is not left");
        mouth.end();
        assert!(mouth.is_over(), "what waits to be done is not done any more");
        closes(&mut seat).await;
        assert!(!mouth.want(&capture, Wanted::Yes, || true), "whatever is wanted after the round");
        assert!(matches!(*capture.seat().borrow(), Seat::Closed), "is not done");
    }

    #[test]
    fn a_second_of_speech_is_the_least_that_tells_how_others_are_heard() {
        assert_eq!((part(0, 0), part(10, 49)), (None, None), "nobody spoke");
        assert_eq!((part(0, 50), part(5, 50), part(500, 500)), (Some(0.0), Some(0.1), Some(1.0)), "somebody did");
    }

    #[tokio::test]
    async fn why_a_microphone_was_switched_off_stays_said_when_the_device_has_closed() {
        let mut sounds = Sounds::start(&system().0, Choices::default(), Instant::now(), Mouth::default());
        for why in [MediaStopped::ByServer, MediaStopped::Refused] {
            assert_eq!(sounds.stop_microphone(why), OwnMediaView::Stopped { why }, "it is told");
            assert_eq!(sounds.microphone(), OwnMediaView::Stopped { why }, "and at each look");
        }
    }
}
