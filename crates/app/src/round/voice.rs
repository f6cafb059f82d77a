//! The sound of a round: this person's voice from a microphone, the voices of others to a speaker.

use super::devices::{self, Choices, Chosen};
use contract::{MediaStopped, OwnMediaView};
use rounds::{Loudness, Outgoing, Round};
use rounds_proto::signal::{Kind, Source, TrackWish};
use sound::{Capture, Clock, DeviceError, Heard, Playout, Seat, Settings, System, Voice, Wanted};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the track is called between us and the media server.
pub(super) const MICROPHONE: &str = "microphone";

/// Microphone and speaker of a stay in a round. They are closed when it is dropped.
pub(super) struct Sounds {
    capture: Option<Capture>,
    playout: Option<Playout>,
    voices: BTreeMap<String, Voice>,
    /// Tracks that are to be heard.
    heard: BTreeMap<String, f32>,
    published: bool,
    wanted: bool,
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
    pub(super) fn start(system: &Arc<dyn System>, choices: Choices, began: Instant) -> Self {
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
        let mut sending = JoinSet::new();
        if let Some(hearing) = hearing {
            sending.spawn(send(hearing, outgoing.subscribe()));
        }
        Self {
            capture,
            playout,
            voices: BTreeMap::new(),
            heard: BTreeMap::new(),
            published: false,
            wanted: false,
            stopped: None,
            seat,
            outgoing,
            _sending: sending,
        }
    }

    /// Lets this person be heard, or no longer.
    pub(super) async fn set_microphone(&mut self, round: &Round, on: bool) -> OwnMediaView {
        (self.wanted, self.stopped) = (on, None);
        let Some(capture) = &self.capture else {
            return if on { OwnMediaView::Stopped { why: MediaStopped::DeviceLost } } else { OwnMediaView::Off };
        };
        // Nothing of what is heard leaves once this has returned.
        capture.want(if on { Wanted::Yes } else { Wanted::Muted { notice: false } });
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
        if let Some(capture) = &self.capture {
            capture.want(Wanted::No);
        }
    }

    /// What the microphone is.
    pub(super) fn microphone(&self) -> OwnMediaView {
        if !self.wanted {
            return self.stopped.map_or(OwnMediaView::Off, |why| OwnMediaView::Stopped { why });
        }
        own(self.seat.as_ref().map(|seat| seat.borrow().clone()))
    }

    /// Waits until the microphone is another, or is gone.
    pub(super) async fn changed(&mut self) {
        match &mut self.seat {
            Some(seat) => {
                if seat.changed().await.is_err() {
                    self.seat = None;
                }
            }
            None => std::future::pending().await,
        }
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

async fn send(mut hearing: sound::Hearing, to: watch::Receiver<Option<Outgoing>>) {
    while let Some(heard) = hearing.next().await {
        match heard {
            Heard::Packet(packet) => {
                let loudness = Loudness { below: packet.below, voice: packet.voice };
                let outgoing = to.borrow().clone();
                let Some(outgoing) = outgoing else { continue };
                // Before the server has a place for it, and while the line is broken, nobody hears it.
                let _not_now = outgoing.send_sound(&packet.bytes, packet.timestamp, loudness).await;
            }
            Heard::Notice(notice) => tracing::info!(?notice, "of the own voice"),
        }
    }
}

fn why(error: DeviceError, was_there: bool) -> MediaStopped {
    if was_there && error == DeviceError::NoneThere { MediaStopped::DeviceLost } else { devices::why(error) }
}

#[cfg(test)]
mod tests {
    use super::{Choices, Sounds};
    use contract::{MediaStopped, OwnMediaView};
    use sound::System;
    use sound::memory::Memory;
    use std::sync::Arc;
    use std::time::Instant;

    fn system() -> (Arc<dyn System>, String) {
        let memory = Memory::default();
        let headset = memory.plug_microphone("Headset", 48_000, 1, Box::new(|_| 0.0));
        (Arc::new(memory), headset.as_str().to_owned())
    }

    #[tokio::test]
    async fn why_a_microphone_was_switched_off_stays_said_when_the_device_has_closed() {
        let mut sounds = Sounds::start(&system().0, Choices::default(), Instant::now());
        for why in [MediaStopped::ByServer, MediaStopped::Refused] {
            assert_eq!(sounds.stop_microphone(why), OwnMediaView::Stopped { why }, "it is told");
            assert_eq!(sounds.microphone(), OwnMediaView::Stopped { why }, "and at each look");
        }
    }
}
