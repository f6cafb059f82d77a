//! People in a round: our client, with pictures and sound that were encoded before, so that it costs the machine nothing
//! but what a round costs.

use anyhow::{Context, Result, bail};
use codec::opus;
use codec::sample::{test_card, tone};
use codec::vp8::{self, Tuning};
use model::round::MediaKey;
use rounds::{Encryption, Event, Loudness, Options, Outgoing, Received, Round, Traffic};
use rounds_proto::frame::{FrameKey, Material};
use rounds_proto::signal::{self, Fact, IceHosts, Kind, Layer, Sections, ServerUrl, Source, Step, Token, TrackWish};
use sfu::token::{Grants, SigningKey};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use zeroize::Zeroizing;

/// What all know. That nobody else knows it is not measured.
pub(super) fn key() -> Result<FrameKey> {
    Ok(Material::from_key(&MediaKey::new(0, vec![7; 32])?).frame_key())
}

/// How long one is waited for who comes in.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A room of a media server.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) address: String,
    key: SigningKey,
    room: String,
}

impl Place {
    /// A room that nobody else has.
    pub(super) fn new(address: &str, key: &str, secret: &str) -> Result<Self> {
        let key = SigningKey::new(key, Zeroizing::new(secret.as_bytes().to_vec()))?;
        Ok(Self { address: address.to_owned(), key, room: uuid::Uuid::new_v4().to_string() })
    }

    pub(super) fn token(&self, identity: &str) -> Result<String> {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
        let grants = Grants {
            identity: identity.to_owned(),
            room: self.room.clone(),
            join: true,
            publish: true,
            subscribe: true,
            publish_data: true,
            ..Grants::default()
        };
        Ok(self.key.sign(&grants, now, 24 * 3600))
    }

    pub(super) fn join(&self, identity: &str, encryption: Encryption) -> Result<(Round, Received)> {
        let options = Options {
            signal: signal::Options {
                servers: vec![ServerUrl::parse(&self.address)?],
                ice_hosts: IceHosts::new(["127.0.0.1"]),
                version: "0.1.0".to_owned(),
                system: "linux".to_owned(),
                auto_subscribe: true,
                adaptive_stream: false,
                sections: Sections::default(),
            },
            token: Token::parse(self.token(identity)?)?,
            http: reqwest::Client::builder().no_proxy().http1_only().build()?,
            encryption,
        };
        Ok(Round::join(options)?)
    }
}

/// What all have received.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) pictures: AtomicU64,
    /// Pictures before which others are missing.
    pub(super) gaps: AtomicU64,
    pub(super) sounds: AtomicU64,
}

/// Somebody in a round.
pub(super) struct Person {
    round: Round,
    tasks: JoinSet<()>,
}

impl Person {
    pub(super) async fn joins(place: &Place, name: &str, how: Encryption, counted: &Arc<Counted>) -> Result<Self> {
        let (round, received) = place.join(name, how)?;
        let Received { mut events, mut pictures, mut sounds } = received;
        let there = async {
            while let Some(event) = events.recv().await {
                if matches!(event, Event::Fact(Fact::Connected)) {
                    return Ok(());
                }
            }
            bail!("{name} was not let in")
        };
        tokio::time::timeout(PATIENCE, there).await.with_context(|| format!("{name} does not come in"))??;
        let mut tasks = JoinSet::new();
        let counted = counted.clone();
        tasks.spawn(async move {
            loop {
                tokio::select! {
                    Some(picture) = pictures.recv() => {
                        counted.pictures.fetch_add(1, Ordering::Relaxed);
                        counted.gaps.fetch_add(u64::from(picture.gap), Ordering::Relaxed);
                    }
                    Some(_) = sounds.recv() => {
                        counted.sounds.fetch_add(1, Ordering::Relaxed);
                    }
                    Some(_) = events.recv() => {}
                    else => return,
                }
            }
        });
        Ok(Self { round, tasks })
    }

    /// A face of 180 rows, 15 a second.
    pub(super) async fn is_seen(&mut self, film: &Arc<Film>) {
        self.shows(Source::Camera, film).await;
    }

    pub(super) async fn shows(&mut self, source: Source, film: &Arc<Film>) {
        let cid = if source == Source::Screen { "screen" } else { "camera" };
        let layer = Layer {
            step: Step::High,
            width: film.size.0.into(),
            height: film.size.1.into(),
            bitrate: film.bits_per_second,
            ssrc: 0,
        };
        let outgoing = self.round.publish(wish(cid, source, Some(layer))).await;
        self.tasks.spawn(play(outgoing, film.clone()));
    }

    pub(super) async fn is_heard(&mut self, packets: &Arc<Vec<Vec<u8>>>) {
        let outgoing = self.round.publish(wish("microphone", Source::Microphone, None)).await;
        self.tasks.spawn(talk(outgoing, packets.clone()));
    }

    pub(super) async fn traffic(&self) -> Traffic {
        self.round.traffic().await
    }

    pub(super) async fn leaves(mut self) {
        self.round.leave().await;
        self.tasks.shutdown().await;
    }
}

fn wish(cid: &str, source: Source, layer: Option<Layer>) -> TrackWish {
    let (width, height) = layer.as_ref().map_or((0, 0), |layer| (layer.width, layer.height));
    TrackWish {
        cid: cid.to_owned(),
        kind: if layer.is_some() { Kind::Video } else { Kind::Audio },
        source,
        codec: if layer.is_some() { "vp8" } else { "opus" }.to_owned(),
        width,
        height,
        layers: layer.into_iter().collect(),
        encrypted: true,
        muted: false,
    }
}

/// Pictures that come again and again, the first of them whole.
pub(super) struct Film {
    pictures: Vec<Vec<u8>>,
    per_second: u32,
    size: (u16, u16),
    bits_per_second: u32,
}

impl Film {
    pub(super) fn face() -> Result<Arc<Self>> {
        Self::encode((320, 180), 15, 30, 160_000, Tuning::Camera)
    }

    pub(super) fn screen() -> Result<Arc<Self>> {
        Self::encode((1920, 1080), 5, 10, 1_500_000, Tuning::Screen)
    }

    fn encode(
        size: (u16, u16),
        per_second: u32,
        count: u32,
        bits_per_second: u32,
        tuning: Tuning,
    ) -> Result<Arc<Self>> {
        let mut encoder = vp8::Encoder::new(tuning, bits_per_second, per_second);
        let pictures = (0..count).map(|number| {
            let stamp = u64::from(number) * 90_000 / u64::from(per_second);
            Ok(encoder.encode(&test_card(size.0, size.1, number), stamp, number == 0)?.bytes.to_vec())
        });
        Ok(Arc::new(Self { pictures: pictures.collect::<Result<_>>()?, per_second, size, bits_per_second }))
    }
}

/// Who needs a whole picture gets it when the film begins anew.
async fn play(outgoing: Outgoing, film: Arc<Film>) {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / film.per_second);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut number, mut at) = (0_u32, 0_usize);
    loop {
        tokio::select! {
            biased;
            () = outgoing.key_wanted(Step::High), if at > 0 => {
                at = 0;
                continue;
            }
            _ = pace.tick() => {}
        }
        let Some(picture) = film.pictures.get(at) else { return };
        let timestamp = number.wrapping_mul(90_000 / film.per_second);
        // Before the server has a place for it nobody sees it, and what is missing then is begun with.
        let sent = outgoing.send_picture(Step::High, picture, timestamp).await;
        at = if sent.is_ok() { (at + 1) % film.pictures.len() } else { 0 };
        number = number.wrapping_add(1);
    }
}

async fn talk(outgoing: Outgoing, packets: Arc<Vec<Vec<u8>>>) {
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    let mut number = 0_u32;
    for packet in packets.iter().cycle() {
        pace.tick().await;
        // Before the server has a place for it nobody hears it.
        let _not_yet = outgoing.send_sound(packet, number.wrapping_mul(960), Loudness { below: 9, voice: true }).await;
        number = number.wrapping_add(1);
    }
}

/// A second of a tone.
pub(super) fn voice() -> Result<Arc<Vec<Vec<u8>>>> {
    let mut encoder = opus::Encoder::new(32_000, 0)?;
    let packets = (0..50_u64).map(|number| Ok(encoder.encode(&tone(440, number * 960))?.unwrap_or_default()));
    Ok(Arc::new(packets.collect::<Result<_>>()?))
}
