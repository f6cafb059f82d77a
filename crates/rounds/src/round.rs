//! The loop of a round: what sockets, peer connections and people say goes into the course, and what the course wants is
//! done.

use crate::keys::{Encryption, Keys};
use crate::line::Line;
use crate::peer::{Peer, Reach, Seen, Telling, Traffic, kind_of};
use crate::portions::{Portions, Said};
use crate::receiving::{Hearing, PICTURES, Picture, SOUNDS, Sound, Wishes};
use crate::sending::Outgoing;
use crate::socket::Socket;
use crate::words::{Saying, WordError, Words};
use model::round::{KeyTrust, MediaKey, MemberId};
use rounds_proto::downlink::LOOK;
use rounds_proto::frame::{KeyUsed, State};
use rounds_proto::signal::{
    self, Course, Fact, Input, Layer, OptionsError, Output, PeerNo, PeerState, SocketNo, Token, TrackWish, View,
};
use rounds_proto::words::Word;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

/// Commands that wait for the loop; whoever has more waits too.
const COMMANDS: usize = 64;
/// Events that wait for whoever follows the round. A word finds the half of it; a reader that lets it run full is gone.
const EVENTS: usize = 4096;

/// With what a round begins.
#[derive(Debug)]
pub struct Options {
    /// Where it is, and how.
    pub signal: signal::Options,
    /// What lets us in.
    pub token: Token,
    /// Opens the signalling's socket, so it speaks HTTP/1.1 only, and has no read timeout.
    pub http: reqwest::Client,
    /// How frames are encrypted.
    pub encryption: Encryption,
}

/// What happens in a round.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// As the server says; [`Fact::Stream`] also of what we hold back.
    Fact(Fact),
    /// How each member stands with their key, in the order of their names; told when it changes.
    Standing(Vec<(MemberId, State)>),
    /// A key of our own is due, which nobody had before: without one nothing leaves.
    OwnKeyDue {
        /// The last one must not be used any longer.
        again: bool,
    },
    /// This person's key is to be asked for.
    KeyMissing(MemberId),
    /// Somebody's program said something to ours.
    Word(Word),
}

/// What comes from a round. Whoever does not take pictures or sound loses them; events are not lost, and whoever leaves
/// some four thousand of them leaves the round.
#[derive(Debug)]
pub struct Received {
    /// What happens; it ends with the round.
    pub events: mpsc::Receiver<Event>,
    /// Of everybody.
    pub pictures: mpsc::Receiver<Picture>,
    /// Of everybody.
    pub sounds: mpsc::Receiver<Sound>,
}

/// A round that we take part in. Dropping it leaves.
#[derive(Debug)]
pub struct Round {
    commands: mpsc::Sender<Command>,
    keys: Keys,
    line: Line,
    wished: Wishes,
}

/// What the way to the server carries, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Way {
    /// So much may be sent, in bits per second: all encoders together have to keep to it.
    pub carries: f64,
    /// How long what is sent stands before the narrowest place.
    pub queue: Duration,
    /// The part of what we send that does not arrive, from 0 to 1.
    pub loss: f64,
    /// What it carried when a queue showed that it is full, in bits per second; none where that is longer ago than half a minute.
    pub full: Option<f64>,
}

enum Command {
    Publish(TrackWish, Outgoing),
    Unpublish(String),
    Mute(String, bool),
    Resize {
        cid: String,
        width: u32,
        height: u32,
        layers: Vec<Layer>,
    },
    Subscribe(String, bool),
    View(String, View),
    Token(Token),
    Say(Saying, oneshot::Sender<Result<(), WordError>>),
    Traffic(oneshot::Sender<Traffic>),
    /// Keys or members are different; they may be due for something.
    Keys,
    Leave,
}

impl Round {
    /// Joins.
    ///
    /// # Errors
    /// [`OptionsError`] where the options have no end or no beginning; whatever fails later is a [`Fact`].
    pub fn join(options: Options) -> Result<(Self, Received), OptionsError> {
        let course = Course::new(options.signal, options.token)?;
        let keys = Keys::new(options.encryption);
        let (commands, commanded) = mpsc::channel(COMMANDS);
        let (events, told) = mpsc::channel(EVENTS);
        let (pictures, seen_pictures) = mpsc::channel(PICTURES);
        let (sounds, heard) = mpsc::channel(SOUNDS);
        let (tell, hears, takes) = Telling::new();
        let line = Line::new(Reach::default());
        let wished = Wishes::default();
        let run = Run {
            course,
            http: options.http,
            hearing: Hearing::new(keys.clone(), tell, pictures, sounds, wished.clone()),
            events,
            sockets: BTreeMap::new(),
            peers: BTreeMap::new(),
            outgoing: BTreeMap::new(),
            line: line.clone(),
            words: Words::default(),
            portions: Portions::default(),
            standing: Vec::new(),
            built: false,
            unheard: false,
        };
        tokio::spawn(run.until_over(commanded, hears, takes));
        Ok((Self { commands, keys, line, wished }, Received { events: told, pictures: seen_pictures, sounds: heard }))
    }

    /// Sends a track of ours from now on; what is sent before the server has a place for it is lost.
    pub async fn publish(&self, wish: TrackWish) -> Outgoing {
        let outgoing = Outgoing::new(&wish, self.keys.clone(), self.line.clone());
        self.command(Command::Publish(wish, outgoing.clone())).await;
        outgoing
    }

    /// Ends a track of ours.
    pub async fn unpublish(&self, cid: &str) {
        self.command(Command::Unpublish(cid.to_owned())).await;
    }

    /// Says that nothing is sent of a track of ours, or something again.
    pub async fn mute(&self, cid: &str, muted: bool) {
        self.command(Command::Mute(cid.to_owned(), muted)).await;
    }

    /// Says that the picture of a track of ours has another size, in pixels.
    pub async fn resize(&self, cid: &str, width: u32, height: u32, layers: Vec<Layer>) {
        self.command(Command::Resize { cid: cid.to_owned(), width, height, layers }).await;
    }

    /// Receives somebody's track, or no longer.
    pub async fn subscribe(&self, track: &str, wanted: bool) {
        self.command(Command::Subscribe(track.to_owned(), wanted)).await;
    }

    /// Says how somebody's track is shown.
    pub async fn view(&self, track: &str, view: View) {
        self.command(Command::View(track.to_owned(), view)).await;
    }

    /// Wants a picture of somebody's track that depends on no other; what comes before it is left out. Asked for twice is
    /// asked for once.
    pub fn want_key(&self, track: &str) {
        self.wished.wish(track);
    }

    /// Takes a newer token.
    pub async fn renew(&self, token: Token) {
        self.command(Command::Token(token)).await;
    }

    /// Says something to the programs of those who are named, or of everybody where nobody is.
    ///
    /// # Errors
    /// [`WordError`]; nobody hears it.
    pub async fn say(&self, topic: &str, payload: Vec<u8>, reliable: bool, to: Vec<MemberId>) -> Result<(), WordError> {
        let (done, said) = oneshot::channel();
        let saying = Saying { topic: topic.to_owned(), payload, reliable, to };
        self.command(Command::Say(saying, done)).await;
        said.await.unwrap_or(Err(WordError::NotSent))
    }

    /// Takes the whole list of members, without ourselves. Not for a round with a shared key: its members are whom the
    /// server names.
    pub async fn set_members(&self, members: &BTreeSet<MemberId>) {
        self.keys.set_members(members);
        self.command(Command::Keys).await;
    }

    /// Takes somebody's key.
    pub async fn set_key(&self, from: &MemberId, key: &MediaKey, trust: KeyTrust) {
        self.keys.set_key(from, key, trust);
        self.command(Command::Keys).await;
    }

    /// Takes a key of our own that was handed out.
    ///
    /// # Errors
    /// [`KeyUsed`] when it was in use before.
    pub fn set_own_key(&self, key: &MediaKey) -> Result<(), KeyUsed> {
        self.keys.set_own(key)
    }

    /// Uses somebody's keys although their device is not signed: a person decided so.
    pub async fn allow_unsigned(&self, who: &MemberId) {
        self.keys.members(|_now, members| members.allow_unsigned(who));
        self.command(Command::Keys).await;
    }

    /// Wipes what is known of somebody.
    pub async fn forget(&self, who: &MemberId) {
        self.keys.members(|_now, members| members.forget(who));
        self.command(Command::Keys).await;
    }

    /// What the way to the server carries now.
    #[must_use]
    pub fn way(&self) -> Way {
        let reach = self.line.reach();
        Way { carries: reach.target(), queue: reach.queue(), loss: reach.loss(), full: reach.full() }
    }

    /// What goes to the server and comes from it, and how; nothing where there is no way to it. It counts from the beginning
    /// of the peer connection, of which a rejoin makes another.
    pub async fn traffic(&self) -> Traffic {
        let (tell, told) = oneshot::channel();
        self.command(Command::Traffic(tell)).await;
        told.await.unwrap_or_default()
    }

    /// Leaves; [`Fact::Left`] is the last event.
    pub async fn leave(&self) {
        self.command(Command::Leave).await;
    }

    async fn command(&self, command: Command) {
        // Where nobody takes it the round is over, which an event says.
        let _over = self.commands.send(command).await;
    }
}

struct Run {
    course: Course,
    http: reqwest::Client,
    hearing: Hearing,
    events: mpsc::Sender<Event>,
    sockets: BTreeMap<SocketNo, Socket>,
    peers: BTreeMap<PeerNo, Peer>,
    outgoing: BTreeMap<String, Outgoing>,
    line: Line,
    words: Words,
    portions: Portions,
    standing: Vec<(MemberId, State)>,
    built: bool,
    /// Nobody follows the round any more.
    unheard: bool,
}

impl Run {
    async fn until_over(
        mut self,
        mut commanded: mpsc::Receiver<Command>,
        mut told: mpsc::Receiver<Seen>,
        mut carried: mpsc::Receiver<Seen>,
    ) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.take(Input::Join).await;
        while !self.course.is_over() {
            let due = self.course.due();
            let asks = self.keys().members(|_now, members| members.deadline()).flatten();
            tokio::select! {
                command = commanded.recv() => self.obey(command.unwrap_or(Command::Leave)).await,
                Some(seen) = told.recv() => self.look(seen).await,
                Some(seen) = carried.recv() => self.look(seen).await,
                () = self.until(due) => self.take(Input::Due).await,
                () = self.until(asks) => self.ask_for_keys(),
                _at = looks.tick() => self.look_at_line().await,
            }
            if self.unheard {
                self.take(Input::Leave).await;
            }
        }
        self.line.close();
        // Ended as the course wants, or cut off: nothing of it goes on.
        for (_no, peer) in std::mem::take(&mut self.peers) {
            peer.unbind();
            peer.close().await;
        }
    }

    fn keys(&self) -> &Keys {
        &self.hearing.keys
    }

    async fn until(&self, at: Option<Duration>) {
        match at {
            Some(at) => tokio::time::sleep_until(self.keys().instant(at).into()).await,
            None => std::future::pending().await,
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Publish(wish, outgoing) => {
                self.outgoing.insert(wish.cid.clone(), outgoing);
                self.take(Input::Publish(wish)).await;
            }
            Command::Unpublish(cid) => {
                // Before the server hears of it, which on a broken way may be much later.
                if let Some(outgoing) = self.outgoing.remove(&cid) {
                    outgoing.unbind();
                }
                self.take(Input::Unpublish(&cid)).await;
            }
            Command::Mute(cid, muted) => self.take(Input::Mute(&cid, muted)).await,
            Command::Resize { cid, width, height, layers } => {
                self.take(Input::Resize { cid: &cid, width, height, layers }).await;
            }
            Command::Subscribe(track, wanted) => self.take(Input::Subscribe(&track, wanted)).await,
            Command::View(track, view) => {
                let said = self.portions.wish(self.hearing.keys.now(), &track, view);
                self.follow(said);
                self.drain().await;
            }
            Command::Token(token) => self.take(Input::Token(token)).await,
            Command::Say(saying, done) => {
                let said = match (self.course.me(), self.peers.values().next_back()) {
                    (Some(me), Some(peer)) => {
                        let me = me.identity.as_str();
                        self.words.say(me, &self.hearing.keys, &peer.channels, saying).await
                    }
                    (_, _) => Err(WordError::NotSent),
                };
                // Whoever asked may have gone.
                let _gone = done.send(said);
            }
            Command::Traffic(told) => {
                let traffic = match self.peers.values().next_back() {
                    Some(peer) => peer.traffic().await,
                    None => Traffic::default(),
                };
                // Whoever asked may have gone.
                let _gone = told.send(traffic);
            }
            Command::Keys => self.ask_for_keys(),
            Command::Leave => self.take(Input::Leave).await,
        }
    }

    async fn look(&mut self, seen: Seen) {
        match seen {
            Seen::Opened(socket) => self.take(Input::SocketOpened(socket)).await,
            Seen::Refused(socket, status) => self.take(Input::SocketRefused(socket, status)).await,
            Seen::Closed(socket) => self.take(Input::SocketClosed(socket)).await,
            Seen::Came(socket, frame) => self.take(Input::Received(socket, &frame)).await,
            Seen::Candidate(peer, candidate) => self.take(Input::Candidate(peer, candidate)).await,
            Seen::State(peer, state) => self.take(Input::Peer(peer, state)).await,
            Seen::Ready(peer, label, id) => self.take(Input::Channel(peer, label, id)).await,
            Seen::Packets(peer) => {
                self.take(Input::Packets(peer)).await;
                self.tell_standing();
            }
            Seen::Track(peer, track) => {
                tokio::spawn(self.hearing.clone().receive(peer, track));
            }
            Seen::Channel(no, channel) => {
                if let Some(peer) = self.peers.get(&no) {
                    peer.channels.listen(no, None, channel, &self.hearing.seen);
                }
            }
            Seen::Data(no, bytes) => {
                let known = self.peers.contains_key(&no) && self.events.capacity() > EVENTS / 2;
                if known && let Some(word) = self.words.hear(&self.hearing.keys, &bytes) {
                    self.tell(Event::Word(word));
                }
            }
        }
    }

    /// Puts something into the course and does what follows from it, and from that.
    async fn take(&mut self, input: Input<'_>) {
        self.put(input);
        self.drain().await;
    }

    fn put(&mut self, input: Input<'_>) {
        let now = self.keys().now();
        self.course.handle(now, rand::random(), input);
    }

    async fn drain(&mut self) {
        while let Some(output) = self.course.poll() {
            if let Some(input) = Box::pin(self.act(output)).await {
                self.put(input);
            }
        }
    }

    /// Looks at what has come, and asks for what the line has room for.
    async fn look_at_line(&mut self) {
        let said = self.portions.look(self.hearing.keys.now(), &self.hearing.coming);
        self.follow(said);
        self.drain().await;
    }

    /// Does what the portions say; what the course wants then is done with the rest.
    fn follow(&mut self, said: Vec<Said>) {
        for said in said {
            match said {
                Said::Asked(track, view) => self.put(Input::View(&track, view)),
                Said::Told(fact) => self.tell(Event::Fact(fact)),
            }
        }
    }

    /// Does what the course wants; what came of it goes back into it.
    async fn act(&mut self, output: Output) -> Option<Input<'static>> {
        match output {
            Output::Build { peer: no, offer, sections, senders } => {
                self.keys().begin_anew();
                self.words.begin_anew(&self.hearing.keys);
                if self.keys().are_of_each() {
                    self.tell(Event::OwnKeyDue { again: self.built });
                }
                self.built = true;
                let senders = self.outgoing_of(&senders);
                let built =
                    Peer::build(no, sections, &senders, self.line.reach().clone(), self.hearing.seen.clone()).await;
                Some(match built {
                    Ok((peer, sdp)) => {
                        self.peers.insert(no, peer);
                        Input::Offer { peer: no, offer, sdp }
                    }
                    Err(error) => broken(no, &error),
                })
            }
            Output::IceServers(no, servers) => {
                let peer = self.peers.get_mut(&no)?;
                peer.set_ice_servers(servers).await.err().map(|error| broken(no, &error))
            }
            Output::Open { socket, url, token } => {
                let opened = Socket::open(self.http.clone(), socket, &url, &token, self.hearing.seen.clone());
                self.sockets.insert(socket, opened);
                None
            }
            Output::Send(socket, frame) => {
                let sent = self.sockets.get(&socket)?.send(frame.into_bytes());
                (!sent).then_some(Input::SocketClosed(socket))
            }
            Output::Close(socket) => {
                self.sockets.remove(&socket)?.close();
                None
            }
            Output::Offer(wish) => {
                let add = self.outgoing_of(&wish.add);
                let no = wish.peer;
                let offer = self.peers.get_mut(&no)?.offer(&wish, &add).await;
                Some(match offer {
                    Ok(sdp) => Input::Offer { peer: no, offer: wish.offer, sdp },
                    Err(error) => broken(no, &error),
                })
            }
            Output::Answer { peer: no, sdp, mids: _ } => {
                self.peers.get(&no)?.answer(&sdp).await.err().map(|error| broken(no, &error))
            }
            Output::Candidate(no, candidate) => {
                // One that cannot be used leaves the others.
                if let Err(error) = self.peers.get(&no)?.add_candidate(candidate).await {
                    tracing::info!(error = kind_of(&error), "a candidate of the server's cannot be used");
                }
                None
            }
            Output::Drop(no) => {
                let peer = self.peers.remove(&no)?;
                peer.unbind();
                // What it was to do is done by the next one, which does not wait for it.
                tokio::spawn(peer.close());
                None
            }
            Output::Fact(Fact::Stream { track, paused }) => {
                let said = self.portions.hold(self.hearing.keys.now(), &track, paused);
                self.follow(said);
                None
            }
            Output::Fact(fact) => {
                self.note(&fact).await;
                self.tell(Event::Fact(fact));
                None
            }
        }
    }

    /// What of a fact concerns the shell.
    async fn note(&mut self, fact: &Fact) {
        match fact {
            Fact::Joined(joined) => {
                let trailer = joined.sif_trailer.clone();
                self.keys().members(|_now, members| members.set_sif_trailer(&trailer));
                self.portions.begin_anew();
                self.know_people();
            }
            Fact::Person(_) | Fact::PersonLeft { .. } | Fact::Track { .. } => self.know_people(),
            Fact::Speakers(speakers) => self.portions.hear(speakers),
            Fact::Resumed { last_message } => {
                if let Some(peer) = self.peers.values().next_back() {
                    self.words.say_again(&peer.channels, *last_message).await;
                }
            }
            Fact::Connected
            | Fact::Interrupted { .. }
            | Fact::Bound { .. }
            | Fact::Own { .. }
            | Fact::Permissions(_)
            | Fact::Quality(_)
            | Fact::Stream { .. }
            | Fact::Allowed { .. }
            | Fact::Unavailable { .. }
            | Fact::Refused(_)
            | Fact::Room { .. }
            | Fact::TokenRefreshed(_)
            | Fact::Left(_) => {}
        }
    }

    /// Whose track is whose; and, with one key for all, who is a member.
    fn know_people(&mut self) {
        let mut publishers = BTreeMap::new();
        let mut members = BTreeSet::new();
        for person in self.course.others() {
            let Ok(who) = MemberId::parse(person.identity.as_str()) else { continue };
            let publisher = Arc::new(who.clone());
            publishers.extend(person.tracks.values().map(|track| (track.sid.clone(), publisher.clone())));
            members.insert(who);
        }
        self.hearing.set_publishers(publishers);
        let tracks = self.course.others().flat_map(|one| one.tracks.values().map(|track| (one.sid.as_str(), track)));
        let said = self.portions.know(self.hearing.keys.now(), tracks);
        self.follow(said);
        if !self.keys().are_of_each() {
            self.keys().set_members(&members);
        }
        self.tell_standing();
    }

    fn ask_for_keys(&mut self) {
        let missing = self.keys().members(|now, members| members.to_be_asked(now)).unwrap_or_default();
        for who in missing {
            self.tell(Event::KeyMissing(who));
        }
        self.tell_standing();
    }

    fn tell_standing(&mut self) {
        let standing = self.keys().states();
        if standing != self.standing {
            self.standing.clone_from(&standing);
            self.tell(Event::Standing(standing));
        }
    }

    fn outgoing_of(&self, cids: &[String]) -> Vec<Outgoing> {
        cids.iter().filter_map(|cid| self.outgoing.get(cid).cloned()).collect()
    }

    fn tell(&mut self, event: Event) {
        if self.events.try_send(event).is_err() {
            self.unheard = true;
        }
    }
}

fn broken(no: PeerNo, error: &webrtc::error::Error) -> Input<'static> {
    tracing::warn!(error = kind_of(error), "a peer connection is broken");
    Input::Peer(no, PeerState::Broken)
}
