//! The sound server of a Linux desktop, PulseAudio or PipeWire, in PulseAudio's protocol.
//!
//! Each stream has a connection of its own and a thread that blocks on it: that thread is the device's callback, and
//! closing the socket is what ends it. The server makes one channel of 48 kHz of whatever the device has.
//!
//! The crate `pulseaudio` knows the messages. Its own client is not used: its thread never ends, and it does not hear that
//! a stream was killed.

use crate::device::{Device, Devices, Opened, Running, System};
use crate::ends::{Feed, Tap};
use codec::opus::RATE;
use model::device::{DeviceError, DeviceId, told_apart};
use pulseaudio::protocol::{
    self, AuthParams, AuthReply, ChannelMap, Command, CommandReply, CreatePlaybackStreamReply, CreateRecordStreamReply,
    PlaybackStreamParams, Prop, Props, ProtocolError, PulseError, RecordStreamParams, SampleFormat, SampleSpec,
    ServerInfo, SetClientNameReply, SinkInfoList, SourceInfoList, SubscriptionEventFacility, SubscriptionEventType,
    SubscriptionMask,
};
use std::env;
use std::ffi::{CStr, CString};
use std::io::{self, BufReader, Cursor, Read as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

/// How the program is called in the system's mixer.
const NAME: &CStr = c"Konsil";
/// No answer in this time is none.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a sample: a float.
const WIDTH: u32 = 4;
/// Bytes of 10 ms.
const TICK: u32 = RATE / 100 * WIDTH;
/// The server holds so much of what is to be played.
const AHEAD: u32 = 4 * TICK;
/// No message is longer (`MAX_MEMBLOCKQ_LENGTH` in PulseAudio's source); a longer one is no message.
const LONGEST: u32 = 4 * 1024 * 1024;
/// Bytes of a cookie (`PA_NATIVE_COOKIE_LENGTH`).
const COOKIE: usize = 256;
/// Messages about anything else than sound.
const CONTROL: u32 = u32::MAX;

/// The server of whoever runs the program, or another one.
#[derive(Debug, Clone, Default)]
pub struct Pulse {
    socket: Option<PathBuf>,
}

impl Pulse {
    /// The server that listens on a socket.
    #[must_use]
    pub fn at(socket: PathBuf) -> Self {
        Self { socket: Some(socket) }
    }

    fn connect(&self) -> Result<Line, DeviceError> {
        let path = self.socket.clone().or_else(socket).ok_or(DeviceError::NoneThere)?;
        let socket = UnixStream::connect(path).map_err(|error| of_io(&error))?;
        socket.set_read_timeout(Some(PATIENCE)).map_err(|error| of_io(&error))?;
        socket.set_write_timeout(Some(PATIENCE)).map_err(|error| of_io(&error))?;
        let mut line = Line { socket: BufReader::new(socket), version: protocol::MAX_VERSION, next: 0 };
        let cookie = cookie();
        let auth = AuthParams { version: protocol::MAX_VERSION, supports_shm: false, supports_memfd: false, cookie };
        let reply: AuthReply = line.ask(&Command::Auth(auth))?;
        line.version = reply.version.min(protocol::MAX_VERSION);
        let mut props = Props::new();
        props.set(Prop::ApplicationName, NAME);
        let _named: SetClientNameReply = line.ask(&Command::SetClientName(props))?;
        Ok(line)
    }

    fn list(&self) -> Result<Devices, DeviceError> {
        let mut line = self.connect()?;
        let server: ServerInfo = line.ask(&Command::GetServerInfo)?;
        let sinks: SinkInfoList = line.ask(&Command::GetSinkInfoList)?;
        let sources: SourceInfoList = line.ask(&Command::GetSourceInfoList)?;
        let speakers = sinks.iter().filter_map(|sink| device(&sink.name, sink.description.as_deref())).collect();
        // What a speaker plays is a source too, and no microphone.
        let heard = sources.iter().filter(|source| source.monitor_of_sink_index.is_none());
        let microphones = heard.filter_map(|source| device(&source.name, source.description.as_deref())).collect();
        let id = |name: Option<CString>| name.and_then(|name| DeviceId::parse(name.to_str().ok()?));
        Ok(Devices {
            microphones: told_apart(microphones, |device: &mut Device| &mut device.name),
            speakers: told_apart(speakers, |device: &mut Device| &mut device.name),
            microphone: id(server.default_source_name),
            speaker: id(server.default_sink_name),
        })
    }
}

impl System for Pulse {
    fn devices(&self) -> Result<Devices, DeviceError> {
        self.list().map_err(|why| match why {
            // A server that ends while it is asked is none.
            DeviceError::Lost => DeviceError::NoneThere,
            DeviceError::NoneThere | DeviceError::Busy | DeviceError::Denied | DeviceError::Unusable => why,
        })
    }

    fn watch(&self, changed: Box<dyn Fn() + Send>) -> Box<dyn Running + Send> {
        let subscribed = self.connect().and_then(|mut line| {
            let mask = SubscriptionMask::SINK | SubscriptionMask::SOURCE | SubscriptionMask::SERVER;
            line.tell(&Command::Subscribe(mask))?;
            protocol::read_ack_message(&mut line.socket).map_err(|error| of_protocol(&error))?;
            Stream::begin("sound server", line, move |line| {
                let mut held = Vec::new();
                while let Ok(message) = line.hear(&mut held) {
                    if message.is_news() {
                        changed();
                    }
                }
                // The server ended, and all devices with it.
                changed();
            })
        });
        match subscribed {
            Ok(stream) => Box::new(stream),
            Err(_) => Box::new(NoStream),
        }
    }

    fn listen(&self, microphone: &DeviceId, mut tap: Tap) -> Result<Opened, DeviceError> {
        let mut line = self.connect()?;
        let params = RecordStreamParams {
            sample_spec: FORMAT,
            channel_map: ChannelMap::mono(),
            source_name: Some(name(microphone)?),
            buffer_attr: protocol::stream::BufferAttr { fragment_size: TICK, ..Default::default() },
            flags: protocol::stream::StreamFlags { adjust_latency: true, ..Default::default() },
            props: call(),
            ..Default::default()
        };
        let made: CreateRecordStreamReply = line.ask(&Command::CreateRecordStream(params))?;
        let running = Stream::begin("microphone", line, move |line| {
            let mut held = Vec::new();
            let why = loop {
                match line.hear(&mut held) {
                    Ok(Message::Sound { channel, bytes }) if channel == made.channel => {
                        tap.put(bytes.as_chunks().0, 1, f32::from_le_bytes);
                    }
                    Ok(Message::Command(command)) if is_killed(&command) => break DeviceError::Lost,
                    Ok(Message::Command(_) | Message::Sound { .. } | Message::Unknown) => {}
                    Err(why) => break why,
                }
            };
            tap.lose(why);
        })?;
        Ok(Opened { rate: RATE, running: Box::new(running) })
    }

    fn play(&self, speaker: &DeviceId, mut feed: Feed) -> Result<Opened, DeviceError> {
        let mut line = self.connect()?;
        let params = PlaybackStreamParams {
            sample_spec: FORMAT,
            channel_map: ChannelMap::mono(),
            sink_name: Some(name(speaker)?),
            buffer_attr: protocol::stream::BufferAttr {
                target_length: AHEAD,
                minimum_request_length: TICK,
                ..Default::default()
            },
            flags: protocol::stream::StreamFlags { adjust_latency: true, ..Default::default() },
            props: call(),
            ..Default::default()
        };
        let made: CreatePlaybackStreamReply = line.ask(&Command::CreatePlaybackStream(params))?;
        let running = Stream::begin("speaker", line, move |line| {
            let mut wanted = made.requested_bytes;
            let mut held = Vec::new();
            let why = loop {
                if let Err(why) = line.say(made.channel, wanted, &mut feed, &mut held) {
                    break why;
                }
                wanted = 0;
                match line.hear(&mut held) {
                    Ok(Message::Command(command)) if is_killed(&command) => break DeviceError::Lost,
                    Ok(Message::Command(command)) => wanted = requested(&command, made.channel),
                    Ok(Message::Sound { .. } | Message::Unknown) => {}
                    Err(why) => break why,
                }
            };
            feed.lose(why);
        })?;
        Ok(Opened { rate: RATE, running: Box::new(running) })
    }
}

const FORMAT: SampleSpec = SampleSpec { format: SampleFormat::Float32Le, channels: 1, sample_rate: RATE };

/// Says that it is a call: the desktop lowers music meanwhile, if it does such things.
fn call() -> Props {
    let mut props = Props::new();
    props.set(Prop::MediaName, NAME);
    props.set(Prop::MediaRole, c"phone");
    props
}

fn device(name: &CStr, description: Option<&CStr>) -> Option<Device> {
    let id = DeviceId::parse(name.to_str().ok()?)?;
    let name = description.unwrap_or(name).to_string_lossy().into_owned();
    Some(Device { id, name })
}

fn name(device: &DeviceId) -> Result<CString, DeviceError> {
    CString::new(device.as_str()).map_err(|_nul| DeviceError::NoneThere)
}

/// The device went away under the stream.
fn is_killed(command: &Command) -> bool {
    matches!(command, Command::PlaybackStreamKilled(_) | Command::RecordStreamKilled(_))
}

/// Bytes that the server wants for a stream.
fn requested(command: &Command, channel: u32) -> u32 {
    let Command::Request(request) = command else { return 0 };
    if request.channel == channel { request.length.min(LONGEST) } else { 0 }
}

/// One connection.
struct Line {
    socket: BufReader<UnixStream>,
    version: u16,
    next: u32,
}

/// What the server says by itself.
enum Message<'a> {
    Command(Box<Command>),
    Sound {
        channel: u32,
        bytes: &'a [u8],
    },
    /// Of another version.
    Unknown,
}

impl Message<'_> {
    /// Another device is there or is the system's. A change of a device is its volume, and of no interest.
    fn is_news(&self) -> bool {
        match self {
            Self::Command(command) => {
                let Command::SubscribeEvent(event) = command.as_ref() else { return false };
                event.event_facility == SubscriptionEventFacility::Server
                    || event.event_type != SubscriptionEventType::Changed
            }
            Self::Sound { .. } | Self::Unknown => false,
        }
    }
}

impl Line {
    fn tell(&mut self, command: &Command) -> Result<(), DeviceError> {
        let number = self.next;
        self.next += 1;
        protocol::write_command_message(self.socket.get_mut(), number, command, self.version)
            .map_err(|error| of_protocol(&error))
    }

    fn ask<R: CommandReply>(&mut self, command: &Command) -> Result<R, DeviceError> {
        self.tell(command)?;
        let (_number, reply) =
            protocol::read_reply_message(&mut self.socket, self.version).map_err(|error| of_protocol(&error))?;
        Ok(reply)
    }

    /// Waits for what the server says.
    fn hear<'a>(&mut self, held: &'a mut Vec<u8>) -> Result<Message<'a>, DeviceError> {
        let head = protocol::read_descriptor(&mut self.socket).map_err(|error| of_protocol(&error))?;
        let length = usize::try_from(head.length.min(LONGEST + 1)).map_err(|_large| DeviceError::Unusable)?;
        if head.length > LONGEST {
            return Err(DeviceError::Unusable);
        }
        held.resize(length, 0);
        self.socket.read_exact(held).map_err(|error| of_io(&error))?;
        if head.channel != CONTROL {
            return Ok(Message::Sound { channel: head.channel, bytes: held });
        }
        let read = Command::read_tag_prefixed(&mut Cursor::new(held.as_slice()), self.version);
        Ok(read.map_or(Message::Unknown, |(_number, command)| Message::Command(Box::new(command))))
    }

    /// Plays so many bytes.
    fn say(&mut self, channel: u32, wanted: u32, feed: &mut Feed, held: &mut Vec<u8>) -> Result<(), DeviceError> {
        let length = usize::try_from(wanted).map_err(|_large| DeviceError::Unusable)?;
        held.resize(length, 0);
        let (samples, _rest) = held.as_chunks_mut();
        if samples.is_empty() {
            return Ok(());
        }
        feed.take(samples, 1, f32::to_le_bytes);
        protocol::write_memblock(self.socket.get_mut(), channel, held, 0).map_err(|error| of_protocol(&error))
    }
}

/// A thread on a connection.
struct Stream {
    socket: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Stream {
    fn begin(name: &str, mut line: Line, run: impl FnOnce(&mut Line) + Send + 'static) -> Result<Self, DeviceError> {
        let socket = line.socket.get_ref().try_clone().map_err(|error| of_io(&error))?;
        // From here on silence is no failure.
        socket.set_read_timeout(None).map_err(|error| of_io(&error))?;
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(&mut line))
            .map_err(|error| of_io(&error))?;
        Ok(Self { socket, thread: Some(thread) })
    }
}

impl Running for Stream {}

impl Drop for Stream {
    fn drop(&mut self) {
        // The thread reads that it has ended. The server may have closed it before.
        let _closed = self.socket.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            // It panicked, and said so.
            let _ended = thread.join();
        }
    }
}

/// There is no server to watch.
struct NoStream;

impl Running for NoStream {}

/// Where the server listens, as libpulse looks for it (`pulse-client.conf`, `default-server`).
fn socket() -> Option<PathBuf> {
    let named = env::var("PULSE_SERVER").ok();
    if let Some(named) =
        named.as_deref().and_then(|named| named.strip_prefix("unix:").or(named.strip_prefix('/').and(Some(named))))
    {
        return Some(PathBuf::from(named));
    }
    let runtime = env::var_os("PULSE_RUNTIME_PATH").map(PathBuf::from);
    let session = env::var_os("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("pulse"));
    runtime.into_iter().chain(session).map(|folder| folder.join("native")).find(|path| path.exists())
}

/// What the server knows its person by. One that trusts the socket's owner looks at its length only.
fn cookie() -> Vec<u8> {
    let named = env::var_os("PULSE_COOKIE").map(PathBuf::from);
    let home = env::home_dir();
    let usual = [".config/pulse/cookie", ".pulse-cookie"];
    let usual = home.iter().flat_map(|home| usual.map(|name| home.join(name)));
    let kept = named.into_iter().chain(usual).find_map(|path| std::fs::read(path).ok());
    kept.filter(|cookie| cookie.len() == COOKIE).unwrap_or_else(|| vec![0; COOKIE])
}

fn of_io(error: &io::Error) -> DeviceError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the system's errors are open")]
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => DeviceError::NoneThere,
        io::ErrorKind::PermissionDenied => DeviceError::Denied,
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => DeviceError::Lost,
        _ => DeviceError::Unusable,
    }
}

fn of_protocol(error: &ProtocolError) -> DeviceError {
    match error {
        ProtocolError::Io(error) => of_io(error),
        ProtocolError::ServerError(refusal) => of_refusal(*refusal),
        ProtocolError::UnsupportedVersion(_)
        | ProtocolError::UnexpectedCommand(_)
        | ProtocolError::Invalid(_)
        | ProtocolError::Unimplemented(..)
        | ProtocolError::Timeout => DeviceError::Unusable,
    }
}

fn of_refusal(refusal: PulseError) -> DeviceError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the server has many reasons, and a person can act on few")]
    match refusal {
        PulseError::AccessDenied | PulseError::AuthKey => DeviceError::Denied,
        PulseError::NoEntity => DeviceError::NoneThere,
        PulseError::Busy => DeviceError::Busy,
        PulseError::Killed | PulseError::ConnectionTerminated => DeviceError::Lost,
        _ => DeviceError::Unusable,
    }
}
