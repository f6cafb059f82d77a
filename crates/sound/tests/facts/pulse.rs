//! A PulseAudio of the test's own, with two null sinks: what is played into one is heard by a microphone at its end.

use crate::measure::{amplitude, crossings};
use codec::opus::{Decoder, Encoder};
use codec::sample;
use sound::system::pulse::Pulse;
use sound::{
    Capture, Choice, Clock, DeviceError, DeviceId, Heard, Kind, Playout, Seat, Settings, System, Wanted, Watch,
};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Server {
    process: Child,
    folder: PathBuf,
}

impl Server {
    /// None where there is no PulseAudio.
    #[expect(clippy::print_stderr, reason = "a fact that was not tried must be seen")]
    fn start(name: &str) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("sound-{name}-{}", std::process::id()));
        make(&folder);
        let Ok(process) = Self::process(&folder).spawn() else {
            eprintln!("SKIPPED: there is no PulseAudio here, and sound of a server was not tried");
            return None;
        };
        Some(Self { process: ready(process), folder })
    }

    fn process(folder: &Path) -> Command {
        let socket = folder.join("native");
        let mut command = Command::new("pulseaudio");
        command
            .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "-v", "--log-target=stderr"])
            .arg(format!("--load=module-native-protocol-unix auth-anonymous=1 socket={}", socket.display()))
            .arg("--load=module-null-sink sink_name=first sink_properties=device.description=First")
            .arg("--load=module-null-sink sink_name=second sink_properties=device.description=Second")
            .arg("--load=module-remap-source master=first.monitor source_name=ear source_properties=device.description=Ear")
            .env("HOME", folder)
            .env("XDG_RUNTIME_DIR", folder)
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    fn end(&mut self) {
        let _ended = self.process.kill();
        let _waited = self.process.wait();
    }

    /// Another one in its place.
    fn begin_anew(&mut self) {
        self.process = ready(Self::process(&self.folder).spawn().expect("it began before"));
    }

    fn system(&self) -> Arc<dyn System> {
        Arc::new(Pulse::at(self.folder.join("native")))
    }

    /// As somebody at the same computer would by `pactl`.
    fn pactl(&self, words: &[&str]) -> String {
        let answer = Command::new("pactl")
            .args(words)
            .env("PULSE_SERVER", format!("unix:{}", self.folder.join("native").display()))
            .env("HOME", &self.folder)
            .output()
            .expect("it comes with PulseAudio");
        String::from_utf8_lossy(&answer.stdout).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

fn make(folder: &Path) {
    std::fs::create_dir_all(folder).expect("there is room for a folder");
}

/// The server once it takes clients.
fn ready(mut process: Child) -> Child {
    let mut lines = BufReader::new(process.stderr.take().expect("it was asked for")).lines();
    let ready = lines.by_ref().map_while(Result::ok).any(|line| line.contains("startup complete"));
    assert!(ready, "PulseAudio does not start");
    // It goes on talking, and must not be kept from it. The thread ends with the process.
    let listening = std::thread::Builder::new().spawn(move || lines.map_while(Result::ok).count());
    drop(listening.expect("there is room for a thread"));
    process
}

fn id(name: &str) -> DeviceId {
    DeviceId::parse(name).expect("a line of text")
}

fn clock() -> Clock {
    let began = Instant::now();
    Arc::new(move || began.elapsed())
}

async fn seated(mut seat: tokio::sync::watch::Receiver<Seat>, wanted: &str) {
    let fits = |seat: &Seat| matches!(seat, Seat::Open { device, .. } if device.id.as_str() == wanted);
    let opened = tokio::time::timeout(Duration::from_secs(10), seat.wait_for(fits)).await;
    opened.expect("it opens in time").expect("the thread runs");
}

#[test]
fn devices_of_a_sound_server_have_names_and_monitors_are_no_microphones() {
    let Some(server) = Server::start("names") else { return };
    let devices = server.system().devices().expect("it runs");
    let names =
        |kind| devices.all(kind).iter().map(|device| (device.id.as_str(), device.name.as_str())).collect::<Vec<_>>();
    assert_eq!(names(Kind::Speaker), [("first", "First"), ("second", "Second")], "as they were made");
    assert_eq!(names(Kind::Microphone), [("ear", "Ear")], "what speakers play is no microphone");
    assert_eq!(devices.speaker, Some(id("first")), "the server's own");
}

#[test]
fn without_a_sound_server_there_is_no_device() {
    let nowhere = Pulse::at(Path::new("/nowhere/native").to_owned());
    assert_eq!(nowhere.devices(), Err(DeviceError::NoneThere), "no socket");
    drop(nowhere.watch(Box::new(|| {})));
}

#[tokio::test]
async fn a_tone_goes_through_a_sound_server() {
    let Some(server) = Server::start("tone") else { return };
    let bare = Settings { echo: false, noise: false, gain: false, ..Settings::default() };
    let (playout, _echo) = Playout::start(server.system(), Choice::Device(id("first")), clock()).expect("a thread");
    let voice = playout.voice().expect("there is memory");
    let (capture, mut hearing) =
        Capture::start(server.system(), Choice::Device(id("ear")), bare, clock(), None).expect("there is a thread");
    capture.want(Wanted::Yes);
    seated(playout.seat(), "first").await;
    seated(capture.seat(), "ear").await;
    let mut encoder = Encoder::new(32_000, 0).expect("there is memory");
    let mut decoder = Decoder::new().expect("there is memory");
    let began = Instant::now();
    let mut heard = Vec::new();
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    let mut number = 0_u16;
    // Until three seconds of something were heard.
    while heard.len() < 144_000 {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing is heard: {} samples", heard.len());
        tokio::select! {
            _ = pace.tick() => {
                let packet = encoder.encode(&sample::tone(440, u64::from(number) * 960)).expect("it is encoded");
                voice.put(number, u32::from(number) * 960, packet.expect("a tone is no silence"), began.elapsed());
                number += 1;
            }
            packet = hearing.next() => {
                let Some(Heard::Packet(packet)) = packet else { continue };
                let samples = decoder.decode(&packet.bytes).expect("it was encoded");
                if !heard.is_empty() || packet.below < 30 {
                    heard.extend(samples.map(|sample| f32::from(sample) / 32_768.0));
                }
            }
        }
    }
    // The longest part without a break tells the frequency, the best 100 ms the loudness: a busy computer makes holes.
    let best = heard.chunks_exact(4_800).map(|part| amplitude(part, 48_000, 440.0)).fold(0.0, f64::max);
    assert!((0.3..0.65).contains(&best), "amplitude {best}");
    let clear = heard.chunks_exact(4_800).filter(|part| amplitude(part, 48_000, 440.0) > 0.3);
    let hertz: Vec<f64> = clear.map(|part| crossings(part, 48_000)).collect();
    assert!(hertz.len() > 10, "a third of it and more is the tone: {} of 30", hertz.len());
    let mut sorted = hertz.clone();
    sorted.sort_by(f64::total_cmp);
    let usual = sorted[sorted.len() / 2];
    assert!((usual - 440.0).abs() <= 10.0, "{usual} Hz, as exact as 100 ms are");
}

#[tokio::test]
async fn a_speaker_of_a_sound_server_that_is_gone_is_replaced() {
    let Some(server) = Server::start("gone") else { return };
    let mut watch = Watch::start(server.system()).expect("there is a thread");
    let (playout, _echo) = Playout::start(server.system(), Choice::Device(id("second")), clock()).expect("a thread");
    seated(playout.seat(), "second").await;
    let modules = server.pactl(&["list", "short", "modules"]);
    let module =
        modules.lines().find(|line| line.contains("sink_name=second")).and_then(|line| line.split('\t').next());
    server.pactl(&["unload-module", module.expect("it was loaded")]);
    seated(playout.seat(), "first").await;
    let devices = tokio::time::timeout(Duration::from_secs(10), watch.changed()).await.expect("told in time");
    assert_eq!(devices.expect("it runs").speakers.len(), 1, "the list is told anew");
}

#[tokio::test]
async fn a_sound_server_that_ends_and_comes_back_is_found_again() {
    let Some(mut server) = Server::start("back") else { return };
    let mut watch = Watch::start(server.system()).expect("there is a thread");
    let (playout, _echo) = Playout::start(server.system(), Choice::System, clock()).expect("there is a thread");
    seated(playout.seat(), "first").await;
    server.end();
    let failed = |seat: &Seat| matches!(seat, Seat::Failed { error: DeviceError::NoneThere, .. });
    let mut seat = playout.seat();
    let told = tokio::time::timeout(Duration::from_secs(10), seat.wait_for(failed)).await.expect("told in time");
    let Seat::Failed { lost: Some(lost), .. } = told.expect("the thread runs").clone() else { panic!("what is lost") };
    assert_eq!(lost.name, "First", "by its name");
    let devices = tokio::time::timeout(Duration::from_secs(10), watch.changed()).await.expect("told in time");
    assert_eq!(devices, Err(DeviceError::NoneThere), "the list as well");
    server.begin_anew();
    seated(playout.seat(), "first").await;
    let devices = tokio::time::timeout(Duration::from_secs(10), watch.changed()).await.expect("told in time");
    assert!(devices.is_ok(), "the list as well: {devices:?}");
    // And it hears of changes again.
    server.pactl(&["set-default-sink", "second"]);
    seated(playout.seat(), "second").await;
}
