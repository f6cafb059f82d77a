//! Which size of a picture somebody wishes, which sizes its publisher has to send, and how well somebody's media arrives.

use super::person::Track;
use super::{Kind, Layer, Moment, Response, Room, Rooms, Seat};
use livekit_protocol as lk;
use std::time::Duration;

/// That less is wished is told this much later: a tile that is hidden for a moment costs no key frame
/// (livekit-server, `dynacastmanager.go`).
const LOWER_AFTER: Duration = Duration::from_secs(5);

/// What a listener asks for (`UpdateTrackSettings`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) disabled: bool,
    /// `VideoQuality`.
    pub(super) quality: i32,
    /// In pixels; 0 where the quality counts.
    pub(super) width: u32,
    /// In pixels.
    pub(super) height: u32,
}

impl Default for Wish {
    fn default() -> Self {
        Self { disabled: false, quality: i32::from(lk::VideoQuality::High), width: 0, height: 0 }
    }
}

impl Wish {
    /// The largest layer that is wished of a track.
    pub(super) fn layer(self, track: &Track) -> Option<Layer> {
        if self.disabled {
            return None;
        }
        if track.kind == Kind::Audio {
            return Some(Layer::Low);
        }
        if self.width > 0 && self.height > 0 {
            // The smallest layer that fills the tile; sides are compared sorted, since people turn their telephones.
            let (short, long) = sides(self.width, self.height);
            let fills = |layer: &&lk::VideoLayer| {
                let (own_short, own_long) = sides(layer.width, layer.height);
                own_short >= short || own_long >= long
            };
            let mut layers: Vec<&lk::VideoLayer> = track.info.layers.iter().collect();
            layers.sort_by_key(|layer| u64::from(layer.width) * u64::from(layer.height));
            return Some(layers.into_iter().find(fills).map_or(Layer::High, |layer| of_quality(layer.quality)));
        }
        match lk::VideoQuality::try_from(self.quality) {
            Ok(lk::VideoQuality::Off) => None,
            Ok(lk::VideoQuality::Low | lk::VideoQuality::Medium | lk::VideoQuality::High) | Err(_) => {
                Some(of_quality(self.quality))
            }
        }
    }
}

fn sides(width: u32, height: u32) -> (u32, u32) {
    (width.min(height), width.max(height))
}

fn of_quality(wire: i32) -> Layer {
    match lk::VideoQuality::try_from(wire) {
        Ok(lk::VideoQuality::Low) => Layer::Low,
        Ok(lk::VideoQuality::Medium) => Layer::Medium,
        Ok(lk::VideoQuality::High | lk::VideoQuality::Off) | Err(_) => Layer::High,
    }
}

impl Room {
    /// Tells publishers at once what more is wished, and notes when to tell them what is not any more.
    pub(super) fn raise_qualities(&mut self, now: Moment) -> Vec<(Seat, Response)> {
        let mut said = Vec::new();
        for (seat, at, wished) in self.wished() {
            let Some(track) = self.people.get_mut(&seat).and_then(|person| person.tracks.get_mut(at)) else { continue };
            match track.told {
                // Whoever has just begun may send everything, until nobody wishes it for some seconds.
                None => {
                    track.told = Some(Some(Layer::High));
                    said.push((seat, update(track, Some(Layer::High))));
                    if wished != Some(Layer::High) {
                        track.lower_due = Some(now.at + LOWER_AFTER);
                    }
                }
                Some(told) if wished > told => {
                    track.told = Some(wished);
                    track.lower_due = None;
                    said.push((seat, update(track, wished)));
                }
                Some(told) if wished < told => {
                    track.lower_due.get_or_insert(now.at + LOWER_AFTER);
                }
                Some(_) => track.lower_due = None,
            }
        }
        said
    }

    /// Of each picture: who sends it, which of that person's tracks it is, and the largest layer that somebody wishes.
    fn wished(&self) -> Vec<(Seat, usize, Option<Layer>)> {
        let mut found = Vec::new();
        for person in self.people.values() {
            for (at, track) in person.tracks.iter().enumerate() {
                if track.kind == Kind::Video && track.mid.is_some() {
                    let wishes = self.people.values().filter_map(|other| other.hears.get(&track.info.sid));
                    found.push((person.seat, at, wishes.filter_map(|heard| heard.wish.layer(track)).max()));
                }
            }
        }
        found
    }
}

impl Rooms {
    /// Tells a publisher that less is wished of what nobody wished more of for a while.
    pub(super) fn lower_qualities(&mut self, seat: Seat, now: Moment) {
        let Some(room) = self.room_of_mut(seat) else { return };
        let mut said = Vec::new();
        for (of, at, wished) in room.wished().into_iter().filter(|(of, _, _)| *of == seat) {
            let Some(track) = room.people.get_mut(&of).and_then(|person| person.tracks.get_mut(at)) else { continue };
            if track.lower_due.is_some_and(|due| due <= now.at) {
                track.lower_due = None;
                if track.told != Some(wished) {
                    track.told = Some(wished);
                    said.push(update(track, wished));
                }
            }
        }
        for message in said {
            self.say(seat, message);
        }
    }

    pub(super) fn tell_quality(&mut self, of: Seat) {
        let Some(room) = self.room_of(of) else { return };
        let Some(person) = room.people.get(&of) else { return };
        let info = lk::ConnectionQualityInfo {
            participant_sid: person.sid.clone(),
            quality: i32::from(person.quality),
            score: score(person.quality),
        };
        let hidden = person.grants.hidden;
        let to: Vec<Seat> = room.people.keys().copied().filter(|seat| *seat == of || !hidden).collect();
        for seat in to {
            let update = lk::ConnectionQualityUpdate { updates: vec![info.clone()] };
            self.say(seat, Response::ConnectionQuality(update));
        }
    }
}

fn update(track: &Track, wished: Option<Layer>) -> Response {
    let qualities: Vec<lk::SubscribedQuality> =
        [lk::VideoQuality::Low, lk::VideoQuality::Medium, lk::VideoQuality::High]
            .into_iter()
            .zip(Layer::ALL)
            .map(|(quality, layer)| lk::SubscribedQuality {
                quality: i32::from(quality),
                enabled: wished.is_some_and(|largest| layer <= largest),
            })
            .collect();
    Response::SubscribedQualityUpdate(lk::SubscribedQualityUpdate {
        track_sid: track.info.sid.clone(),
        subscribed_qualities: qualities.clone(),
        subscribed_codecs: vec![lk::SubscribedCodec { codec: "vp8".to_owned(), qualities }],
    })
}

/// The worse way counts. Where nothing is sent nothing is missed.
pub(super) fn of_line(ways: [(u64, u64); 2], silent: bool) -> lk::ConnectionQuality {
    if silent {
        return lk::ConnectionQuality::Lost;
    }
    let qualities = ways.map(|(expected, missing)| of_loss(expected, missing));
    let poor = |quality: &lk::ConnectionQuality| match quality {
        lk::ConnectionQuality::Excellent => 0,
        lk::ConnectionQuality::Good => 1,
        lk::ConnectionQuality::Poor => 2,
        lk::ConnectionQuality::Lost => 3,
    };
    qualities.into_iter().max_by_key(poor).unwrap_or(lk::ConnectionQuality::Excellent)
}

/// The bounds of livekit-server's loss (`connectionquality/scorer.go`), in words: up to 3 % nobody notices, up to 10 %
/// it is heard.
fn of_loss(expected: u64, missing: u64) -> lk::ConnectionQuality {
    match missing.saturating_mul(100) {
        lost if lost <= expected.saturating_mul(3) => lk::ConnectionQuality::Excellent,
        lost if lost <= expected.saturating_mul(10) => lk::ConnectionQuality::Good,
        _ => lk::ConnectionQuality::Poor,
    }
}

/// A mean opinion score, as livekit-server says it of each.
pub(super) fn score(quality: lk::ConnectionQuality) -> f32 {
    match quality {
        lk::ConnectionQuality::Excellent => 4.5,
        lk::ConnectionQuality::Good => 3.5,
        lk::ConnectionQuality::Poor => 2.0,
        lk::ConnectionQuality::Lost => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::of_line;
    use livekit_protocol::ConnectionQuality;

    #[test]
    fn a_line_is_as_good_as_its_worse_way() {
        for (ways, silent, quality) in [
            ([(0, 0), (0, 0)], false, ConnectionQuality::Excellent),
            ([(1000, 30), (1000, 0)], false, ConnectionQuality::Excellent),
            ([(1000, 31), (1000, 0)], false, ConnectionQuality::Good),
            ([(1000, 0), (1000, 100)], false, ConnectionQuality::Good),
            ([(1000, 31), (1000, 101)], false, ConnectionQuality::Poor),
            ([(1000, 0), (1000, 0)], true, ConnectionQuality::Lost),
        ] {
            assert_eq!(of_line(ways, silent), quality, "{ways:?}");
        }
    }
}
