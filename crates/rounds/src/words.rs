//! The words of a round: short packets over its data channels, encrypted like frames where the round is.
//!
//! What is said on the reliable channel is kept for a while: a session that is resumed says how far the server has heard,
//! and the rest is said again.

use crate::keys::Keys;
use crate::peer::{Seen, Telling};
use bytes::BytesMut;
use livekit_protocol as lk;
use model::round::MemberId;
use prost::Message as _;
use rounds_proto::frame::{DataSealer, SealError};
use rounds_proto::signal::PeerNo;
use rounds_proto::words::{Hearing, LONGEST_TOPIC, Word};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use thiserror::Error;
use webrtc::data_channel::{DataChannel, DataChannelEvent};

/// The payload of a reliable word is no longer, in bytes: LiveKit carries 15 KiB with everything around it.
const LONGEST_RELIABLE: usize = 12 * 1024;
/// The payload of a lossy word is no longer, in bytes: it fits one packet.
const LONGEST_LOSSY: usize = 1000;
/// So many reliable words are kept.
const KEPT: usize = 256;
/// So many bytes of lossy words may wait for a slow line; newer ones are worth more than these.
const LOSSY_BACKLOG: usize = 16 * 1024;
const RELIABLE: &str = "_reliable";
const LOSSY: &str = "_lossy";

pub(crate) struct ChannelKind {
    pub(crate) label: &'static str,
    pub(crate) ordered: bool,
    pub(crate) max_retransmits: Option<u16>,
}

/// As client-sdk-js makes them (`RTCEngine.createDataChannels`).
pub(crate) const CHANNELS: [ChannelKind; 3] = [
    ChannelKind { label: RELIABLE, ordered: true, max_retransmits: None },
    ChannelKind { label: LOSSY, ordered: false, max_retransmits: Some(0) },
    ChannelKind { label: "_data_track", ordered: false, max_retransmits: Some(0) },
];

/// Why a word was not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WordError {
    /// More than 12 KiB, 1,000 bytes on the lossy channel, or a topic of more than 128.
    #[error("the word is too long")]
    TooLong,
    /// There is no way to the server at the moment.
    #[error("there is no way to say it")]
    NotSent,
    /// There is no key to say it under.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Whom a word is for, and how surely.
#[derive(Debug, Clone)]
pub(crate) struct Saying {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) reliable: bool,
    /// Everybody where nobody is named.
    pub(crate) to: Vec<MemberId>,
}

/// The data channels of a peer connection.
#[derive(Default)]
pub(crate) struct Channels {
    ours: BTreeMap<&'static str, Arc<dyn DataChannel>>,
}

impl Channels {
    pub(crate) fn add(&mut self, peer: PeerNo, label: &'static str, channel: Arc<dyn DataChannel>, seen: &Telling) {
        self.listen(peer, Some(label), channel.clone(), seen);
        self.ours.insert(label, channel);
    }

    /// Hears what comes by a channel, also by one that the other side made.
    pub(crate) fn listen(
        &self,
        peer: PeerNo,
        label: Option<&'static str>,
        channel: Arc<dyn DataChannel>,
        seen: &Telling,
    ) {
        let seen = seen.clone();
        tokio::spawn(async move {
            while let Some(event) = channel.poll().await {
                let seen_by_us = match event {
                    DataChannelEvent::OnOpen => {
                        let id = u16::try_from(channel.id()).unwrap_or(u16::MAX);
                        label.map(|label| Seen::Ready(peer, label, id))
                    }
                    DataChannelEvent::OnMessage(message) => Some(Seen::Data(peer, message.data.to_vec())),
                    DataChannelEvent::OnClose => return,
                    DataChannelEvent::OnError
                    | DataChannelEvent::OnClosing
                    | DataChannelEvent::OnBufferedAmountLow
                    | DataChannelEvent::OnBufferedAmountHigh
                    | _ => None,
                };
                let Some(told) = seen_by_us else { continue };
                if !seen.carry(told).await {
                    return;
                }
            }
        });
    }

    async fn send(&self, reliable: bool, packet: &[u8]) -> Result<(), WordError> {
        let channel = self.ours.get(if reliable { RELIABLE } else { LOSSY }).ok_or(WordError::NotSent)?;
        if !reliable && channel.outstanding_bytes().await.is_ok_and(|bytes| bytes > LOSSY_BACKLOG) {
            return Ok(());
        }
        channel.send(BytesMut::from(packet)).await.map_err(|_error| WordError::NotSent)
    }
}

/// What was said and heard in a round.
#[derive(Default)]
pub(crate) struct Words {
    sealer: Option<DataSealer>,
    /// The number of the last reliable word of ours; they begin at 1.
    said: u32,
    kept: VecDeque<(u32, Vec<u8>)>,
    hearing: Hearing,
}

impl Words {
    /// For another peer connection; a new session counts from the beginning.
    pub(crate) fn begin_anew(&mut self, keys: &Keys) {
        *self = Self { sealer: keys.data_sealer(), ..Self::default() };
    }

    /// Says something.
    pub(crate) async fn say(
        &mut self,
        me: &str,
        keys: &Keys,
        channels: &Channels,
        saying: Saying,
    ) -> Result<(), WordError> {
        let longest = if saying.reliable { LONGEST_RELIABLE } else { LONGEST_LOSSY };
        if saying.payload.len() > longest || saying.topic.len() > LONGEST_TOPIC {
            return Err(WordError::TooLong);
        }
        let reliable = saying.reliable;
        let user = lk::UserPacket { payload: saying.payload, topic: Some(saying.topic), ..lk::UserPacket::default() };
        let value = if keys.encrypts() {
            let sealer = self.sealer.as_mut().ok_or(SealError::NoKey)?;
            let value = lk::encrypted_packet_payload::Value::User(user);
            let payload = lk::EncryptedPacketPayload { value: Some(value) }.encode_to_vec();
            let sealed = keys.seal(|own, now| sealer.seal(own, now, &payload, millis()))?;
            lk::data_packet::Value::EncryptedPacket(sealed.ok_or(SealError::NoKey)?)
        } else {
            lk::data_packet::Value::User(user)
        };
        let sequence = if reliable { self.said + 1 } else { 0 };
        let packet = lk::DataPacket {
            // A server leaves out who it was of what it cannot read.
            participant_identity: me.to_owned(),
            destination_identities: saying.to.iter().map(|who| who.as_str().to_owned()).collect(),
            sequence,
            value: Some(value),
            ..lk::DataPacket::default()
        };
        let packet = packet.encode_to_vec();
        channels.send(reliable, &packet).await?;
        if reliable {
            self.said = sequence;
            self.kept.push_back((sequence, packet));
            if self.kept.len() > KEPT {
                self.kept.pop_front();
            }
        }
        Ok(())
    }

    /// Says again what the server has not heard.
    pub(crate) async fn say_again(&mut self, channels: &Channels, last_heard: u32) {
        self.kept.retain(|(number, _)| *number > last_heard);
        for (_number, packet) in &self.kept {
            if channels.send(true, packet).await.is_err() {
                // Another attempt to resume follows, or everything begins anew.
                return;
            }
        }
    }

    /// Reads what came, as [`Hearing::hear`] does.
    pub(crate) fn hear(&mut self, keys: &Keys, bytes: &[u8]) -> Option<Word> {
        let hearing = &mut self.hearing;
        match keys.members(|now, members| hearing.hear(now, Some(members), bytes)) {
            Some(heard) => heard,
            None => hearing.hear(keys.now(), None, bytes),
        }
    }
}

/// Milliseconds since 1970, modulo 2³².
fn millis() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_millis() % (1 << 32)).unwrap_or_default()
}
