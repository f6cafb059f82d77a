//! Sound, picture and data: one WebRTC stack for each seat, and what goes from one to the others.
//!
//! The stack ([`str0m`]) has no socket and no clock, and neither has this: datagrams and times come in, datagrams and
//! facts come out. All seats share one address and are told apart by the user's name in ICE's checks
//! (RFC 8445 §7.2.2), then by where they come from.

mod flow;
mod forward;
mod history;
mod loss;
#[cfg(feature = "fuzz")]
pub(crate) mod passing;

use crate::rooms::{Kind, Layer, Route, Seat};
use crate::sdp::{self, Carried};
use flow::{Codec as Sending, Flow};
use forward::Head;
use history::Sent;
pub(crate) use loss::Loss;
use loss::Reports;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use str0m::change::SdpOffer;
use str0m::channel::ChannelId;
use str0m::format::Codec;
use str0m::media::{ExtensionValues, KeyframeRequestKind, MediaKind, Mid, Rid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::rtcp::{Nack, Rtcp};
use str0m::rtp::{RawPacket, RtpPacket, Ssrc, Vp8Descriptor};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};
use thiserror::Error;

/// How often it is looked who waits for a key frame.
const LOOK: Duration = Duration::from_millis(50);
/// How often it is told how well media arrives.
const REPORT: Duration = Duration::from_secs(5);
/// Whoever is silent for so long is lost for now: clients check the way each 2 s or so (RFC 7675 §5.1).
const SILENT: Duration = Duration::from_secs(6);
/// Of a picture the stack keeps so much, and what it sends again may be half of all it sends: a line that loses a tenth
/// loses of that too, and by itself it would give up at a seventh.
const REPAIRED_PACKETS: usize = 1000;
const REPAIRED_FOR: Duration = Duration::from_secs(1);
const REPAIRED_PART: f32 = 0.5;
/// So many bytes of data wait for somebody whose line is full; more end the stay.
const LONGEST_BACKLOG: usize = 1024 * 1024;

/// Why an offer has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the stack cannot answer the offer")]
pub(crate) struct NoAnswer;

/// A data channel of LiveKit's, by what it promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    /// `_reliable`: everything, in order.
    Reliable,
    /// `_lossy`: what comes late does not come.
    Lossy,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Fact {
    Connected(Seat),
    Lost(Seat),
    Loudness(Seat, u8),
    /// How the line of somebody was since the last time: what comes from there, what goes there, and whether anything
    /// is heard from there at all.
    Line {
        of: Seat,
        up: Loss,
        down: Loss,
        silent: bool,
    },
    Data {
        from: Seat,
        channel: Channel,
        packet: Vec<u8>,
    },
}

/// All stacks behind one address.
#[derive(Debug)]
pub(crate) struct Media {
    address: SocketAddr,
    peers: BTreeMap<Seat, Peer>,
    /// By where a datagram comes from: whose it was the last time.
    sources: HashMap<SocketAddr, Seat>,
    /// By track's id.
    flows: BTreeMap<String, Flow>,
    facts: VecDeque<Fact>,
    datagrams: VecDeque<(SocketAddr, Vec<u8>)>,
    arrived: VecDeque<(Seat, Box<RtpPacket>)>,
    look_due: Instant,
    report_due: Instant,
}

#[derive(Debug)]
struct Peer {
    rtc: Rtc,
    due: Instant,
    /// Packets were written that have to be sent.
    written: bool,
    /// Of which section and layer a stream is.
    streams: HashMap<Ssrc, (Mid, Option<Rid>)>,
    /// Sections of sound in which lost packets may be asked for.
    again: BTreeSet<Mid>,
    /// What the client says of what it receives.
    reports: Reports,
    /// When anything came.
    heard: Instant,
    reliable: Option<ChannelId>,
    lossy: Option<ChannelId>,
    backlog: VecDeque<Vec<u8>>,
    backlog_bytes: usize,
}

impl Media {
    /// Nobody yet, behind an address that datagrams are received at.
    pub(crate) fn new(address: SocketAddr, now: Instant) -> Self {
        Self {
            address,
            peers: BTreeMap::new(),
            sources: HashMap::new(),
            flows: BTreeMap::new(),
            facts: VecDeque::new(),
            datagrams: VecDeque::new(),
            arrived: VecDeque::new(),
            look_due: now,
            report_due: now + REPORT,
        }
    }

    /// Answers a client's offer. Gives the answer and the server's addresses.
    pub(crate) fn answer(
        &mut self,
        seat: Seat,
        offer: &str,
        carried: &BTreeMap<String, Carried>,
        changed: &[String],
        now: Instant,
    ) -> Result<(String, Vec<String>), NoAnswer> {
        let candidate = Candidate::host(self.address, Protocol::Udp).ok().ok_or(NoAnswer)?;
        let sections = sdp::sections(offer).ok().ok_or(NoAnswer)?;
        let sound = sections.into_iter().filter(|section| section.kind == Kind::Audio && section.asks_again);
        let again: BTreeSet<String> = sound.map(|section| section.mid).collect();
        // Nothing goes to an address from which nothing came: a client is found by its first check (RFC 8445 §7.3.1.3).
        let offer: String = offer.split_inclusive('\n').filter(|line| !line.starts_with("a=candidate:")).collect();
        let offer = SdpOffer::from_sdp_string(&offer).ok().ok_or(NoAnswer)?;
        let peer = self.peers.entry(seat).or_insert_with(|| Peer::new(candidate.clone(), now));
        for mid in changed {
            peer.renew(Mid::from(mid.as_str()));
        }
        let answer = peer.rtc.sdp_api().accept_offer(offer).ok().ok_or(NoAnswer)?;
        peer.streams.clear();
        peer.again = again.iter().map(|mid| Mid::from(mid.as_str())).collect();
        peer.due = now;
        let ufrag = peer.rtc.direct_api().local_ice_credentials().ufrag;
        let candidates = vec![format!("{} ufrag {ufrag}", candidate.to_sdp_string())];
        Ok((sdp::answer(&answer.to_sdp_string(), carried, &again), candidates))
    }

    /// Ends the media of a seat.
    pub(crate) fn close(&mut self, seat: Seat) {
        if let Some(mut peer) = self.peers.remove(&seat) {
            peer.rtc.disconnect();
            self.sources.retain(|_, whose| *whose != seat);
        }
    }

    /// Whose media goes where from now on.
    pub(crate) fn route(&mut self, routes: &[Route], now: Instant) {
        self.flows.retain(|track, _| routes.iter().any(|route| &route.track == track));
        for route in routes {
            let Some(flow) = self.flows.get_mut(&route.track) else {
                self.flows.insert(route.track.clone(), Flow::new(route));
                continue;
            };
            for (seat, mid) in flow.update(route) {
                if let Some(peer) = self.peers.get_mut(&seat) {
                    peer.forget(mid);
                }
            }
        }
        self.look_due = now;
    }

    /// A datagram came.
    pub(crate) fn receive(&mut self, from: SocketAddr, datagram: &[u8], now: Instant) {
        let Ok(receive) = Receive::new(Protocol::Udp, from, self.address, datagram) else { return };
        let input = Input::Receive(now, receive);
        let known = self.sources.get(&from).copied();
        let known = known.filter(|seat| self.peers.get(seat).is_some_and(|peer| peer.rtc.accepts(&input)));
        let found =
            known.or_else(|| self.peers.iter().find(|(_, peer)| peer.rtc.accepts(&input)).map(|(seat, _)| *seat));
        let Some(seat) = found else { return };
        if known.is_none() {
            self.sources.insert(from, seat);
        }
        let Some(peer) = self.peers.get_mut(&seat) else { return };
        peer.heard = now;
        if peer.rtc.handle_input(input).is_err() {
            self.facts.push_back(Fact::Lost(seat));
        }
        self.pump(seat, now);
        self.deliver(now);
    }

    /// Sends a packet of data to somebody.
    pub(crate) fn send(&mut self, to: Seat, channel: Channel, packet: &[u8], now: Instant) {
        let Some(peer) = self.peers.get_mut(&to) else { return };
        match channel {
            Channel::Reliable => {
                peer.backlog_bytes += packet.len();
                peer.backlog.push_back(packet.to_vec());
                if peer.backlog_bytes > LONGEST_BACKLOG {
                    self.facts.push_back(Fact::Lost(to));
                    return;
                }
            }
            Channel::Lossy => {
                if let Some(mut channel) = peer.lossy.and_then(|id| peer.rtc.channel(id)) {
                    // A full line loses it, as the name says.
                    let _ = channel.write(true, packet);
                }
            }
        }
        peer.due = now;
    }

    /// The time goes on. Call it when [`Media::due`] has come, or earlier.
    pub(crate) fn tick(&mut self, now: Instant) {
        let due: Vec<Seat> = self.peers.iter().filter(|(_, peer)| peer.due <= now).map(|(seat, _)| *seat).collect();
        for seat in due {
            if let Some(peer) = self.peers.get_mut(&seat)
                && peer.rtc.handle_input(Input::Timeout(now)).is_err()
            {
                self.facts.push_back(Fact::Lost(seat));
            }
            self.pump(seat, now);
        }
        self.deliver(now);
        if self.look_due <= now {
            self.look_due = now + LOOK;
            self.look(now);
        }
        if self.report_due <= now {
            self.report_due = now + REPORT;
            self.report(now);
        }
    }

    /// When [`Media::tick`] has something to do; none while there is nobody.
    pub(crate) fn due(&self) -> Option<Instant> {
        let peers = self.peers.values().map(|peer| peer.due).min()?;
        Some(if self.flows.is_empty() { peers } else { peers.min(self.look_due).min(self.report_due) })
    }

    /// What happened, once each.
    pub(crate) fn fact(&mut self) -> Option<Fact> {
        self.facts.pop_front()
    }

    /// What is to be sent, once each.
    pub(crate) fn datagram(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.datagrams.pop_front()
    }

    /// Takes everything out of a stack until it waits for a time.
    fn pump(&mut self, seat: Seat, now: Instant) {
        let Some(peer) = self.peers.get_mut(&seat) else { return };
        peer.written = false;
        peer.flush();
        loop {
            match peer.rtc.poll_output() {
                Ok(Output::Timeout(due)) => {
                    peer.due = due.max(now);
                    break;
                }
                Ok(Output::Transmit(sent)) => self.datagrams.push_back((sent.destination, sent.contents.into())),
                Ok(Output::Event(event)) => {
                    take(seat, peer, event, &mut self.facts, &mut self.arrived, &mut self.flows, now)
                }
                Err(_) => {
                    self.facts.push_back(Fact::Lost(seat));
                    peer.due = now + REPORT;
                    break;
                }
            }
        }
    }

    /// Passes on what arrived, then lets those send who got something.
    fn deliver(&mut self, now: Instant) {
        while let Some((from, packet)) = self.arrived.pop_front() {
            self.pass_on(from, &packet, now);
        }
        let written: Vec<Seat> = self.peers.iter().filter(|(_, peer)| peer.written).map(|(seat, _)| *seat).collect();
        for seat in written {
            if let Some(peer) = self.peers.get_mut(&seat)
                && peer.rtc.handle_input(Input::Timeout(now)).is_err()
            {
                self.facts.push_back(Fact::Lost(seat));
            }
            self.pump(seat, now);
        }
    }

    fn pass_on(&mut self, from: Seat, packet: &RtpPacket, now: Instant) {
        let Some((mid, rid)) = self.peers.get_mut(&from).and_then(|peer| peer.stream(packet.header.ssrc)) else {
            return;
        };
        let Some(flow) = self.flows.values_mut().find(|flow| flow.from == from && flow.mid == mid) else { return };
        let numbers = (*packet.seq_no, packet.header.timestamp);
        let head = head(flow.kind, Layer::of_rid(rid.as_deref()), numbers, now, &packet.payload);
        flow.arrived(&head, rid);
        if flow.kind == Kind::Audio
            && !flow.muted
            && let Some(level) = packet.header.ext_vals.audio_level
        {
            self.facts.push_back(Fact::Loudness(from, level.unsigned_abs()));
        }
        let heard = &packet.header.ext_vals;
        let values = ExtensionValues {
            audio_level: heard.audio_level,
            voice_activity: heard.voice_activity,
            video_orientation: heard.video_orientation,
            ..ExtensionValues::default()
        };
        for (at, rewritten) in flow.forward(head) {
            let Some(down) = flow.listeners.get_mut(at) else { continue };
            let Some(peer) = self.peers.get_mut(&down.seat) else { continue };
            if down.codec.is_none() {
                down.codec = peer.begin(down.mid, flow.kind);
            }
            let Some(codec) = down.codec else { continue };
            let mut api = peer.rtc.direct_api();
            let Some(stream) = api.stream_tx_by_mid(down.mid, None) else { continue };
            let sent = Sent {
                codec: codec.number,
                sequence: rewritten.sequence,
                timestamp: rewritten.timestamp,
                at: now,
                marker: packet.header.marker,
                values: values.clone(),
                payload: Arc::clone(&packet.payload),
                patch: rewritten.patch,
            };
            stream.write_rtp(sent.written(codec.repairs));
            if !codec.repairs {
                down.history.keep(sent);
            }
            peer.written = true;
        }
    }

    /// Asks for the key frames that somebody waits for.
    fn look(&mut self, now: Instant) {
        for flow in self.flows.values_mut() {
            let requests = flow.requests(now);
            let Some(peer) = self.peers.get_mut(&flow.from) else { continue };
            for rid in requests {
                if let Some(stream) = peer.rtc.direct_api().stream_rx_by_mid(flow.mid, rid) {
                    stream.request_keyframe(KeyframeRequestKind::Pli);
                    peer.due = now;
                }
            }
        }
    }

    fn report(&mut self, now: Instant) {
        let mut up: BTreeMap<Seat, Loss> = BTreeMap::new();
        for flow in self.flows.values_mut() {
            up.entry(flow.from).or_default().add(flow.arrival());
        }
        let lines = self.peers.iter_mut().map(|(seat, peer)| Fact::Line {
            of: *seat,
            up: up.remove(seat).unwrap_or_default(),
            down: peer.reports.take(),
            silent: now.saturating_duration_since(peer.heard) > SILENT,
        });
        self.facts.extend(lines);
    }
}

/// What a packet of these numbers says of itself.
fn head(kind: Kind, layer: Layer, (sequence, timestamp): (u64, u32), arrived: Instant, payload: &[u8]) -> Head {
    let picture = match kind {
        Kind::Audio => None,
        Kind::Video => Vp8Descriptor::parse(payload).ok(),
    };
    let begins = match kind {
        Kind::Audio => true,
        Kind::Video => picture.is_some_and(|picture| picture.starts_keyframe(payload)),
    };
    Head { layer, sequence, timestamp, arrived, begins, picture }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the stack's list of events is open")]
fn take(
    seat: Seat,
    peer: &mut Peer,
    event: Event,
    facts: &mut VecDeque<Fact>,
    arrived: &mut VecDeque<(Seat, Box<RtpPacket>)>,
    flows: &mut BTreeMap<String, Flow>,
    now: Instant,
) {
    match event {
        Event::Connected => facts.push_back(Fact::Connected(seat)),
        Event::Closed => facts.push_back(Fact::Lost(seat)),
        Event::RtpPacket(packet) => arrived.push_back((seat, Box::new(packet))),
        Event::KeyframeRequest(request) => {
            flows.values_mut().for_each(|flow| flow.lost_picture(seat, request.mid, now));
        }
        Event::ChannelOpen(id, label) => match label.as_str() {
            "_reliable" => peer.reliable = Some(id),
            "_lossy" => peer.lossy = Some(id),
            // LiveKit's data tracks, which are not spoken here.
            _ => {}
        },
        Event::ChannelClose(id) => {
            peer.reliable = peer.reliable.filter(|own| *own != id);
            peer.lossy = peer.lossy.filter(|own| *own != id);
        }
        Event::ChannelData(data) => {
            let channel = match Some(data.id) {
                id if id == peer.reliable => Channel::Reliable,
                id if id == peer.lossy => Channel::Lossy,
                _ => return,
            };
            facts.push_back(Fact::Data { from: seat, channel, packet: data.data });
        }
        Event::RawPacket(packet) => match *packet {
            RawPacket::RtcpRx(Rtcp::Nack(nack)) => repair(seat, peer, &nack, flows, now),
            RawPacket::RtcpRx(Rtcp::ReceiverReport(report)) => peer.reports.heard(&report.reports),
            RawPacket::RtcpRx(Rtcp::SenderReport(report)) => peer.reports.heard(&report.reports),
            RawPacket::RtcpRx(_) | RawPacket::RtcpTx(_) | RawPacket::RtpRx(..) | RawPacket::RtpTx(..) => {}
        },
        _ => {}
    }
}

/// A listener misses packets that the stack keeps no copies of.
fn repair(seat: Seat, peer: &mut Peer, nack: &Nack, flows: &mut BTreeMap<String, Flow>, now: Instant) {
    let mut api = peer.rtc.direct_api();
    let Some(stream) = api.stream_tx(&nack.ssrc) else { return };
    let mid = stream.mid();
    let mut listeners = flows.values_mut().flat_map(|flow| &mut flow.listeners);
    let Some(down) = listeners.find(|down| down.seat == seat && down.mid == mid) else { return };
    for missing in &nack.reports {
        for packet in down.history.again(*missing, now) {
            stream.write_rtp(packet);
            peer.written = true;
        }
    }
}

impl Peer {
    fn new(candidate: Candidate, now: Instant) -> Self {
        // No ICE lite (RFC 8445 §2.5), although it would do: clients that count only what ICE says (webrtc-rs) take a line
        // for dead when two answers in a row are lost, unless the server asks too.
        let mut rtc = RtcConfig::new()
            .set_rtp_mode(true)
            // Its only way to tell who misses which packet of sound, and what of all arrived.
            .enable_raw_packets(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .build(now);
        rtc.add_local_candidate(candidate);
        Self {
            rtc,
            due: now,
            written: false,
            streams: HashMap::new(),
            again: BTreeSet::new(),
            reports: Reports::default(),
            heard: now,
            reliable: None,
            lossy: None,
            backlog: VecDeque::new(),
            backlog_bytes: 0,
        }
    }

    /// A section carries another track: its stream begins anew under another number, else a listener would take the
    /// new track's packets for the former one's.
    fn renew(&mut self, mid: Mid) {
        let mut api = self.rtc.direct_api();
        if let Some(ssrc) = api.stream_tx_by_mid(mid, None).map(|stream| stream.ssrc()) {
            api.remove_stream_tx(ssrc);
        }
    }

    fn stream(&mut self, ssrc: Ssrc) -> Option<(Mid, Option<Rid>)> {
        if let Some(known) = self.streams.get(&ssrc) {
            return Some(*known);
        }
        let mut api = self.rtc.direct_api();
        let stream = api.stream_rx(&ssrc)?;
        let found = (stream.mid(), stream.rid());
        if self.again.contains(&found.0) {
            // By itself the stack asks only for what has retransmissions in a stream of their own.
            stream.suppress_nack(false);
        }
        self.streams.insert(ssrc, found);
        Some(found)
    }

    /// Makes a section ready to send, once what is sent was negotiated.
    fn begin(&mut self, mid: Mid, kind: Kind) -> Option<Sending> {
        let media = self.rtc.media(mid)?;
        let (wanted, media_kind) = match kind {
            Kind::Audio => (Codec::Opus, MediaKind::Audio),
            Kind::Video => (Codec::Vp8, MediaKind::Video),
        };
        let fits = self
            .rtc
            .codec_config()
            .find(|params| params.spec().codec == wanted && media.remote_pts().contains(&params.pt()));
        let sending = fits.filter(|_| media.kind() == media_kind);
        let sending = sending.map(|params| Sending { number: params.pt(), repairs: params.resend().is_some() })?;
        if sending.repairs {
            self.forget(mid);
        }
        Some(sending)
    }

    /// Nothing of what was lost in a section is sent again: it would stand before the voices of a line that is too narrow for
    /// it. By itself the stack forgets only what newer packets take the place of.
    fn forget(&mut self, mid: Mid) {
        if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(mid, None) {
            stream.set_rtx_cache(REPAIRED_PACKETS, REPAIRED_FOR, Some(REPAIRED_PART));
        }
    }

    fn flush(&mut self) {
        let Some(id) = self.reliable else { return };
        while let Some(packet) = self.backlog.front() {
            let Some(mut channel) = self.rtc.channel(id) else { return };
            match channel.write(true, packet) {
                Ok(true) => {
                    self.backlog_bytes -= packet.len();
                    self.backlog.pop_front();
                }
                Ok(false) | Err(_) => return,
            }
        }
    }
}
