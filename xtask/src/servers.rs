//! Real servers: Keycloak, HAPI FHIR, Orthanc and Synapse for the client's suites, LiveKit and coturn for rounds, installed,
//! started, found again and stopped; and the FHIR validator, which is no server but comes from the same place.
//!
//! `servers.json` in the cache's `servers` folder names what runs; suites read it through `KONSIL_SERVERS`.

mod coturn;
mod livekit;

use crate::shell::{Running, Shell, found, output, run};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    ops::Range,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant, SystemTime},
};

/// The newest Keycloak in the Maven repository that was tried.
const KEYCLOAK: &str = "26.7.3";
/// A Java program on a busy machine with two cores takes half of this.
const PATIENCE: Duration = Duration::from_secs(180);
/// Servers end within a second or two of being asked; then they are made to.
const FAREWELL: Duration = Duration::from_secs(20);
/// Short runs spend most of their time compiling: the first compiler alone and one thread for memory halve that.
const JAVA: [&str; 3] = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx1g"];

/// Start, list and stop the real servers that suites run against.
#[derive(Debug, Args)]
pub(crate) struct Servers {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Install what is missing and start them on loopback; print their addresses as JSON.
    Up {
        /// Where none is named: those of the client's suites.
        servers: Vec<Server>,
    },
    /// Stop all that run.
    Down,
    /// Print as JSON what runs.
    Status,
}

/// A server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Server {
    /// OpenID Connect.
    Keycloak,
    /// FHIR R4.
    Hapi,
    /// DICOMweb.
    Orthanc,
    /// A Matrix homeserver.
    Synapse,
    /// A second one, which federates with the third.
    SynapseEast,
    /// A third one, which federates with the second.
    SynapseWest,
    /// A Matrix homeserver with the rules of a TI-Messenger.
    SynapseTim,
    /// A TURN server. LiveKit names it to its clients where it runs or is started beside it.
    Coturn,
    /// What the two nodes of LiveKit share.
    Redis,
    /// A media server for rounds.
    Livekit,
    /// One of two nodes that share their rooms; Redis comes with it.
    LivekitOne,
    /// The other; Redis and the first come with it.
    LivekitTwo,
}

impl Server {
    /// Those that the client's suites need, the slowest to start first.
    pub(crate) const OF_SUITES: [Self; 7] = [
        Self::Keycloak,
        Self::Hapi,
        Self::Synapse,
        Self::SynapseTim,
        Self::SynapseEast,
        Self::SynapseWest,
        Self::Orthanc,
    ];

    /// Those that a round needs, with a TURN server where one is installed.
    pub(crate) fn of_rounds() -> Vec<Self> {
        if coturn::is_installed() { vec![Self::Coturn, Self::Livekit] } else { vec![Self::Livekit] }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Keycloak => "keycloak",
            Self::Hapi => "hapi",
            Self::Orthanc => "orthanc",
            Self::Synapse => "synapse",
            Self::SynapseEast => "synapse-east",
            Self::SynapseWest => "synapse-west",
            Self::SynapseTim => "synapse-tim",
            Self::Coturn => "coturn",
            Self::Redis => "redis",
            Self::Livekit => "livekit",
            Self::LivekitOne => "livekit-one",
            Self::LivekitTwo => "livekit-two",
        }
    }

    /// Where clients find what it offers.
    fn address(self, port: u16) -> String {
        let (scheme, path) = match self {
            Self::Keycloak => ("http://", "/realms/konsil"),
            Self::Hapi => ("http://", "/fhir"),
            Self::Orthanc => ("http://", "/dicom-web"),
            Self::Synapse | Self::SynapseEast | Self::SynapseWest | Self::SynapseTim => ("http://", ""),
            // RFC 7065 §3.1: no authority, so no slashes.
            Self::Coturn => ("turn:", ""),
            Self::Redis => ("redis://", ""),
            Self::Livekit | Self::LivekitOne | Self::LivekitTwo => ("ws://", ""),
        };
        format!("{scheme}127.0.0.1:{port}{path}")
    }

    /// What is answered once the server is ready.
    const fn probe(self) -> Probe {
        match self {
            Self::Keycloak => Probe::Http("/realms/konsil/.well-known/openid-configuration"),
            Self::Hapi => Probe::Http("/fhir/metadata"),
            Self::Orthanc => Probe::Http("/system"),
            Self::Synapse | Self::SynapseEast | Self::SynapseWest | Self::SynapseTim => Probe::Http("/health"),
            Self::Coturn => Probe::Stun,
            Self::Redis => Probe::Redis,
            Self::Livekit | Self::LivekitOne | Self::LivekitTwo => Probe::Http("/"),
        }
    }

    /// What has to run beside it.
    const fn needs(self) -> &'static [Self] {
        match self {
            Self::LivekitOne => &[Self::Redis],
            Self::LivekitTwo => &[Self::Redis, Self::LivekitOne],
            Self::Keycloak
            | Self::Hapi
            | Self::Orthanc
            | Self::Synapse
            | Self::SynapseEast
            | Self::SynapseWest
            | Self::SynapseTim
            | Self::Coturn
            | Self::Redis
            | Self::Livekit => &[],
        }
    }
}

/// How a server is asked whether it is ready.
#[derive(Debug, Clone, Copy)]
enum Probe {
    /// `GET` of this path is answered with 200 without a token.
    Http(&'static str),
    /// A binding request by UDP is answered (RFC 8489 §2).
    Stun,
    /// `PING` is answered with `PONG`.
    Redis,
}

/// A server that was started.
#[derive(Clone, Serialize, Deserialize)]
struct Started {
    pid: u32,
    /// When the process began, in the system's ticks: a number that was given to another process is not ours.
    born: Option<u64>,
    port: u16,
    address: String,
    log: PathBuf,
    ready_after_ms: u64,
    #[serde(flatten)]
    access: Access,
}

/// What a client has to know beside the address: more ports, and secrets that hold for this computer alone. It stands in the
/// list and is not printed.
type Access = BTreeMap<String, Value>;

type State = BTreeMap<Server, Started>;

impl Servers {
    pub(crate) fn run(&self, shell: &Shell) -> Result<()> {
        match &self.what {
            What::Up { servers } if servers.is_empty() => up(shell, &Server::OF_SUITES).map(drop),
            What::Up { servers } => up(shell, servers).map(drop),
            What::Down => down(shell),
            What::Status => {
                println!("{}", printed(&running(shell)?)?);
                Ok(())
            }
        }
    }
}

/// Starts those that do not run yet, all at once, and waits until they answer. Gives the file for `KONSIL_SERVERS`.
pub(crate) fn up(shell: &Shell, servers: &[Server]) -> Result<PathBuf> {
    if !cfg!(target_os = "linux") {
        bail!("the servers are started on Linux only; on another system use a virtual machine or a container");
    }
    let mut state = running(shell)?;
    let all = servers.iter().flat_map(|server| server.needs().iter().chain([server]));
    let mut wanted: Vec<Server> = all.copied().filter(|server| !state.contains_key(server)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    packages(shell, &wanted)?;
    if wanted.iter().any(|server| matches!(server, Server::Livekit | Server::LivekitOne | Server::LivekitTwo)) {
        livekit::program(shell)?;
    }
    let mut starting: Vec<Starting> = Vec::new();
    for server in wanted {
        eprintln!("Starting {}", server.name());
        let port = |of: Server| {
            let begun = starting.iter().find(|one| one.server == of).map(|one| one.port);
            begun.or_else(|| state.get(&of).map(|started| started.port))
        };
        let one = match server {
            Server::Keycloak => keycloak(shell),
            Server::Hapi => hapi(shell),
            Server::Orthanc => orthanc(shell),
            Server::Synapse => synapse(shell, server, port(Server::Keycloak)),
            Server::SynapseEast | Server::SynapseWest | Server::SynapseTim => synapse(shell, server, None),
            Server::Coturn => coturn::start(shell),
            Server::Redis => livekit::redis(shell),
            Server::Livekit => livekit::start(shell, server, port(Server::Coturn), None),
            Server::LivekitOne | Server::LivekitTwo => {
                livekit::start(shell, server, port(Server::Coturn), port(Server::Redis))
            }
        };
        match one {
            Ok(one) => starting.push(one),
            Err(why) => {
                // The list does not know them yet, so nobody else could stop them.
                starting.iter().for_each(|one| drop(stop(shell, one.server, &one.started())));
                return Err(why);
            }
        }
    }
    while !starting.is_empty() {
        let mut waiting = Vec::new();
        for one in starting {
            if answers(one.port, one.server.probe()) {
                let (server, started) = one.ready();
                eprintln!("{} answers after {:.1} s", server.name(), started.ready_after_ms as f64 / 1000.0);
                state.insert(server, started);
                write(shell, &state)?;
            } else {
                waiting.push(one.still_starting(shell)?);
            }
        }
        starting = waiting;
        thread::sleep(Duration::from_millis(100));
    }
    println!("{}", printed(&state)?);
    eprintln!("export KONSIL_SERVERS={}", list(shell).display());
    Ok(list(shell))
}

/// Stops all that `up` started.
pub(crate) fn down(shell: &Shell) -> Result<()> {
    let state = running(shell)?;
    // Nodes before what they share.
    for (server, started) in state.iter().rev() {
        stop(shell, *server, started).with_context(|| format!("stop {}", server.name()))?;
        eprintln!("{} has stopped", server.name());
    }
    write(shell, &State::new())
}

fn stop(shell: &Shell, server: Server, started: &Started) -> Result<()> {
    // Its whole group: Keycloak's script has its Java program as a child.
    let signal = |name: &str| {
        let group = format!("-{}", started.pid);
        shell.command("kill").args([name, "--", &group]).stderr(Stdio::null()).status()
    };
    signal("-TERM")?;
    let asked = Instant::now();
    let mut waits = matches!(server, Server::Livekit | Server::LivekitOne | Server::LivekitTwo);
    while lives(started) {
        // Asked once, it waits for its rooms to empty by themselves.
        if waits && asked.elapsed() > Duration::from_secs(2) {
            signal("-TERM")?;
            waits = false;
        }
        if asked.elapsed() > FAREWELL {
            signal("-KILL")?;
            bail!("process {} did not end by itself within {} s and was killed", started.pid, FAREWELL.as_secs());
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn home(shell: &Shell) -> PathBuf {
    shell.cache.join("servers")
}

fn list(shell: &Shell) -> PathBuf {
    home(shell).join("servers.json")
}

/// What was started and still lives.
fn running(shell: &Shell) -> Result<State> {
    let Ok(text) = fs::read_to_string(list(shell)) else { return Ok(State::new()) };
    let state: State = serde_json::from_str(&text).with_context(|| format!("read {}", list(shell).display()))?;
    Ok(state.into_iter().filter(|(_, started)| lives(started)).collect())
}

fn write(shell: &Shell, state: &State) -> Result<()> {
    let text = serde_json::to_string_pretty(state)?;
    fs::write(list(shell), text).with_context(|| format!("write {}", list(shell).display()))
}

/// The list as it may be shown.
fn printed(state: &State) -> Result<String> {
    let shown = |started: &Started| Started { access: Access::new(), ..started.clone() };
    let state: State = state.iter().map(|(server, started)| (*server, shown(started))).collect();
    Ok(serde_json::to_string_pretty(&state)?)
}

fn lives(started: &Started) -> bool {
    let born = born(started.pid);
    born.is_some() && born == started.born
}

/// proc(5): field 22 of `stat`, counted behind the name in parentheses, which may hold anything. A zombie has ended.
fn born(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    if fields.first() == Some(&"Z") { None } else { fields.get(19)?.parse().ok() }
}

/// A server on its way.
struct Starting {
    server: Server,
    child: Child,
    port: u16,
    log: PathBuf,
    since: Instant,
    access: Access,
}

impl Starting {
    fn new(server: Server, port: u16, log: PathBuf, mut command: Command) -> Result<Self> {
        let file = fs::File::create(&log).with_context(|| format!("write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        apart(&mut command);
        let since = Instant::now();
        let child = command.spawn().with_context(|| format!("start {}", server.name()))?;
        Ok(Self { server, child, port, log, since, access: Access::new() })
    }

    fn ready(self) -> (Server, Started) {
        let ready_after_ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        (self.server, Started { ready_after_ms, ..self.started() })
    }

    fn started(&self) -> Started {
        Started {
            pid: self.child.id(),
            born: born(self.child.id()),
            port: self.port,
            address: self.server.address(self.port),
            log: self.log.clone(),
            ready_after_ms: 0,
            access: self.access.clone(),
        }
    }

    /// Gives up when it has ended or takes too long.
    fn still_starting(mut self, shell: &Shell) -> Result<Self> {
        let ended = self.child.try_wait()?;
        if ended.is_none() && self.since.elapsed() < PATIENCE {
            return Ok(self);
        }
        let _gone = stop(shell, self.server, &self.started());
        let why = ended.map_or_else(|| format!("no answer in {} s", PATIENCE.as_secs()), |status| status.to_string());
        bail!("{} did not start ({why}):\n{}", self.server.name(), tail(&self.log));
    }
}

/// A group of its own, so that the interrupt key does not end what is meant to go on, and that one signal ends it all.
fn apart(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
}

/// Below the range from which systems take ports for connections that go out (RFC 6335 §6, Linux's
/// `ip_local_port_range`): a program that takes half a minute to open its port would find one of those taken.
const PORTS: Range<u16> = 20_000..30_000;

/// A port that nobody listens on, another one each time.
fn free_port() -> Result<u16> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let count = u32::from(PORTS.end - PORTS.start);
    for _ in 0..count {
        // Two runs beside each other begin at different places.
        let step = std::process::id().wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % count;
        let port = PORTS.start + u16::try_from(step)?;
        let address = (Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port from {} to {}", PORTS.start, PORTS.end)
}

/// True if the server is ready.
fn answers(port: u16, probe: Probe) -> bool {
    match probe {
        Probe::Http(path) => http(port, path),
        Probe::Stun => stun(port),
        Probe::Redis => ping(port),
    }
    .unwrap_or(false)
}

fn http(port: u16, path: &str) -> std::io::Result<bool> {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    // The first answer of a Java program takes seconds; meanwhile another server is not asked, which costs little.
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(socket, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
    let mut line = [0; 12];
    socket.read_exact(&mut line)?;
    Ok(line.ends_with(b" 200"))
}

fn stun(port: u16) -> std::io::Result<bool> {
    // RFC 8489 §5: a binding request (0x0001) without attributes, the magic cookie, a transaction of twelve bytes; the
    // answer is a success response (0x0101).
    let request = *b"\x00\x01\x00\x00\x21\x12\xA4\x42konsil-ready";
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    socket.connect((Ipv4Addr::LOCALHOST, port))?;
    socket.send(&request)?;
    let mut answer = [0; 1024];
    let length = socket.recv(&mut answer)?;
    Ok(answer[..length].starts_with(&[1, 1]) && answer[4..20] == request[4..])
}

fn ping(port: u16) -> std::io::Result<bool> {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    socket.write_all(b"PING\r\n")?;
    let mut line = [0; 7];
    socket.read_exact(&mut line)?;
    Ok(line == *b"+PONG\r\n")
}

/// A secret of 64 characters that is made once on this computer, so that a server which is started again still takes what
/// was signed before.
fn secret(folder: &Path) -> Result<String> {
    let file = folder.join("secret");
    if let Ok(kept) = fs::read_to_string(&file) {
        return Ok(kept);
    }
    let mut bytes = [0_u8; 32];
    fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes)).context("random bytes")?;
    let secret: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let secret = secret.concat();
    fs::create_dir_all(folder)?;
    fs::write(&file, &secret).with_context(|| format!("write {}", file.display()))?;
    Ok(secret)
}

fn keycloak(shell: &Shell) -> Result<Starting> {
    let folder = home(shell).join("keycloak");
    let root = folder.join(format!("keycloak-{KEYCLOAK}"));
    let script = root.join("bin/kc.sh");
    let built = root.join("built");
    if !built.is_file() {
        eprintln!("Fetching and unpacking Keycloak {KEYCLOAK}");
        let archive = folder.join(format!("keycloak-quarkus-dist-{KEYCLOAK}.zip"));
        run(maven(shell)
            .arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy")
            .arg(format!("-Dartifact=org.keycloak:keycloak-quarkus-dist:{KEYCLOAK}:zip"))
            .arg(format!("-DoutputDirectory={}", folder.display())))?;
        run(shell.command("unzip").args(["-q", "-o"]).arg(&archive).arg("-d").arg(&folder))?;
        fs::remove_file(&archive)?;
        // Done once here, this is not done at every start.
        run(shell
            .command(&script)
            .args(["build", "--db=dev-mem", "--cache=local"])
            .stdout(fs::File::create(folder.join("build.log"))?))?;
        fs::write(&built, "")?;
    }
    // The database is in memory, so a realm is imported at every start and a changed file takes effect.
    let import = root.join("data/import");
    fs::create_dir_all(&import)?;
    fs::copy(shell.root.join("testing/servers/keycloak/realm.json"), import.join("realm.json"))?;
    let (port, management) = (free_port()?, free_port()?);
    let mut command = shell.command(&script);
    command
        .args(["start", "--optimized", "--import-realm", "--http-enabled=true", "--hostname-strict=false"])
        .args(["--http-host=127.0.0.1", "--http-management-host=127.0.0.1", "--log-level=warn"])
        .arg(format!("--http-port={port}"))
        .arg(format!("--http-management-port={management}"))
        // Its script chooses a garbage collector, and two choices are an error.
        .env("JAVA_OPTS_KC_HEAP", "-Xms64m -Xmx512m")
        .env("JAVA_OPTS_APPEND", "-XX:TieredStopAtLevel=1");
    Starting::new(Server::Keycloak, port, folder.join("log"), command)
}

fn hapi(shell: &Shell) -> Result<Starting> {
    let jar = java_project(shell, "hapi", "fhir-server")?;
    let port = free_port()?;
    let mut command = shell.command("java");
    command
        .args(JAVA)
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        .arg("-jar")
        .arg(&jar)
        .arg("--port")
        .arg(port.to_string());
    Starting::new(Server::Hapi, port, home(shell).join("hapi/log"), command)
}

fn orthanc(shell: &Shell) -> Result<Starting> {
    let ours = shell.root.join("testing/servers/orthanc");
    let folder = home(shell).join("orthanc");
    let store = folder.join("store");
    // Every start is empty.
    if store.exists() {
        fs::remove_dir_all(&store)?;
    }
    fs::create_dir_all(&store)?;
    let port = free_port()?;
    let mut settings: Value = serde_json::from_str(&fs::read_to_string(ours.join("orthanc.json"))?)?;
    settings["HttpPort"] = json!(port);
    settings["StorageDirectory"] = json!(store);
    settings["IndexDirectory"] = json!(store);
    settings["LuaScripts"] = json!([ours.join("bearer.lua")]);
    let file = folder.join("orthanc.json");
    fs::write(&file, serde_json::to_string_pretty(&settings)?)?;
    let program = found("Orthanc").unwrap_or_else(|| PathBuf::from("/usr/sbin/Orthanc"));
    let mut command = shell.command(program);
    command.arg(&file);
    Starting::new(Server::Orthanc, port, folder.join("log"), command)
}

/// With the port of Keycloak it also offers to sign in there. East and west federate: their names are the addresses at
/// which they are reached for that, by TLS. The one with a TI-Messenger's rules serves itself the list of homeservers that
/// those ask for.
fn synapse(shell: &Shell, server: Server, provider: Option<u16>) -> Result<Starting> {
    let ours = shell.root.join("testing/servers/synapse");
    let folder = home(shell).join(server.name());
    let python = home(shell).join("synapse/python");
    let python = crate::setup::python(shell, &python, &ours.join("requirements.txt"))?;
    let store = folder.join("store");
    // Every start is empty.
    if store.exists() {
        fs::remove_dir_all(&store)?;
    }
    fs::create_dir_all(&store)?;
    let port = free_port()?;
    let settings = fs::read_to_string(ours.join("homeserver.yaml"))?;
    let settings = match provider {
        Some(provider) => {
            let sso = fs::read_to_string(ours.join("sso.yaml"))?;
            format!("{settings}{}", sso.replace("PROVIDER", &provider.to_string()))
        }
        None => settings,
    };
    let settings = if matches!(server, Server::SynapseEast | Server::SynapseWest) {
        federating(shell, &settings)?
    } else {
        settings
    };
    let list = (server == Server::SynapseTim).then(free_port).transpose()?;
    let settings = match list {
        Some(list) => {
            let rules = fs::read_to_string(ours.join("ti_messenger.yaml"))?;
            format!("{settings}{}", rules.replace("LIST", &list.to_string()))
        }
        None => settings,
    };
    let settings = settings.replace("PORT", &port.to_string()).replace("FOLDER", &store.display().to_string());
    let file = store.join("homeserver.yaml");
    fs::write(&file, settings)?;
    fs::write(
        store.join("log.yaml"),
        "version: 1\nformatters: {plain: {format: '%(asctime)s %(levelname)s %(name)s %(message)s'}}\n\
         handlers: {out: {class: logging.StreamHandler, formatter: plain}}\n\
         root: {level: WARNING, handlers: [out]}\ndisable_existing_loggers: false\n",
    )?;
    let program = |starts: bool| {
        let mut command = shell.command(&python);
        match list.filter(|_| starts) {
            Some(list) => {
                command.arg(ours.join("ti_messenger.py")).args([list.to_string(), format!("127.0.0.1:{port}")])
            }
            None => command.args(["-m", "synapse.app.homeserver"]),
        };
        // Where its settings name a module of ours.
        command.arg("-c").arg(&file).current_dir(&store).env("PYTHONPATH", &ours).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    };
    run(program(false).arg("--generate-keys").stdout(Stdio::null()))?;
    Starting::new(server, port, folder.join("log"), program(true))
}

/// A port for other homeservers, which are reached by TLS.
fn federating(shell: &Shell, settings: &str) -> Result<String> {
    let folder = authority(shell)?;
    let authority = folder.join("authority.pem");
    let port = free_port()?;
    let listener = format!(
        "listeners:\n  - {{port: {port}, type: http, tls: true, bind_addresses: [\"127.0.0.1\"], resources: [{{names: \
         [federation]}}]}}\n"
    );
    let settings = settings
        .replace("server_name: \"127.0.0.1:PORT\"", &format!("server_name: \"localhost:{port}\""))
        .replace("listeners:\n", &listener);
    Ok(format!(
        "{settings}tls_certificate_path: \"{0}/server.pem\"\ntls_private_key_path: \"{0}/server.key\"\n\
         federation_custom_ca_list: [\"{1}\"]\n# Else loopback is refused.\nip_range_blacklist: []\n\
         rc_federation: {{reject_limit: 100000, sleep_limit: 100000, concurrent: 50}}\n",
        folder.display(),
        authority.display()
    ))
}

/// The folder of an authority that signs for this computer alone, and of a server's key and certificate by it.
fn authority(shell: &Shell) -> Result<PathBuf> {
    const NAMES: &str = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    let folder = home(shell).join("federation");
    if fs::read_to_string(folder.join("made")).is_ok_and(|names| names == NAMES) {
        return Ok(folder);
    }
    fs::create_dir_all(&folder)?;
    let openssl = |args: &[&str]| {
        let mut command = shell.command("openssl");
        command.args(args).current_dir(&folder).stdout(Stdio::null()).stderr(Stdio::null());
        run(&mut command)
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];
    let root = ["req", "-x509", "-days", "3650", "-subj", "/CN=Konsil test authority"];
    openssl(&[&root[..], &key, &["-keyout", "authority.key", "-out", "authority.pem"]].concat())?;
    let own = ["req", "-x509", "-days", "3650", "-subj", "/CN=localhost", "-addext", NAMES];
    let signed = ["-CA", "authority.pem", "-CAkey", "authority.key", "-addext", "basicConstraints=critical,CA:FALSE"];
    openssl(&[&own[..], &key, &signed, &["-keyout", "server.key", "-out", "server.pem"]].concat())?;
    fs::write(folder.join("made"), NAMES)?;
    Ok(folder)
}

fn maven(shell: &Shell) -> Command {
    let mut command = shell.command("mvn");
    command
        .args(["--batch-mode", "--quiet", "-Dstyle.color=never"])
        .arg(format!("-Dmaven.repo.local={}", shell.cache.join("maven").display()));
    command
}

/// Builds `testing/servers/FOLDER` if it has changed, and gives its program.
fn java_project(shell: &Shell, folder: &str, name: &str) -> Result<PathBuf> {
    let source = shell.root.join("testing/servers").join(folder);
    let out = home(shell).join(folder);
    let jar = out.join(format!("{name}.jar"));
    let built = fs::metadata(&jar).and_then(|about| about.modified()).ok();
    if built.is_none_or(|built| newest(&source).is_none_or(|changed| changed > built)) {
        eprintln!("Building testing/servers/{folder}");
        let pom = source.join("pom.xml");
        run(maven(shell).arg(format!("-Dkonsil.out={}", out.display())).arg("--file").arg(&pom).arg("package"))?;
    }
    Ok(jar)
}

fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    entries
        .filter_map(|entry| {
            let path = entry.path();
            if path.is_dir() { newest(&path) } else { entry.metadata().and_then(|about| about.modified()).ok() }
        })
        .max()
}

/// Installs the packages that the servers need and this machine lacks.
fn packages(shell: &Shell, servers: &[Server]) -> Result<()> {
    let mut missing = Vec::new();
    let java = servers.iter().any(|server| matches!(server, Server::Keycloak | Server::Hapi));
    if java {
        missing.extend(java_packages());
    }
    if servers.contains(&Server::Keycloak) && found("unzip").is_none() {
        missing.push("unzip");
    }
    let orthanc = servers.contains(&Server::Orthanc)
        && !(Path::new("/usr/sbin/Orthanc").is_file()
            && Path::new("/usr/share/orthanc/plugins/libOrthancDicomWeb.so").is_file());
    if orthanc {
        missing.extend(["orthanc", "orthanc-dicomweb"]);
    }
    let coturn = servers.contains(&Server::Coturn) && found("turnserver").is_none();
    if coturn {
        missing.push("coturn");
    }
    install(shell, &missing)?;
    // These packages start a server for the whole network, which nobody asked for here.
    for (service, installed) in [("orthanc", orthanc), ("coturn", coturn)] {
        if installed && found("systemctl").is_some() {
            let disable =
                format!("systemctl disable --now {service} || sudo -n systemctl disable --now {service} || true");
            run(shell.command("sh").args(["-c", &disable]).stderr(Stdio::null()))?;
        }
    }
    Ok(())
}

fn java_packages() -> Vec<&'static str> {
    let mut missing = Vec::new();
    if found("javac").is_none() {
        missing.push("default-jdk-headless");
    }
    if found("mvn").is_none() {
        missing.push("maven");
    }
    missing
}

fn install(shell: &Shell, missing: &[&str]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = || format!("Please install: {}", missing.join(" "));
    if found("apt-get").is_none() {
        bail!("{}", by_hand());
    }
    eprintln!("Installing system packages: {}", missing.join(" "));
    let root = output(shell.command("id").arg("-u"))?.trim() == "0";
    let apt = || {
        let mut command = shell.command(if root { "apt-get" } else { "sudo" });
        if !root {
            command.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        }
        command.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        command
    };
    run(apt().arg("update")).with_context(by_hand)?;
    run(apt().args(["install", "-y", "--no-install-recommends"]).args(missing)).with_context(by_hand)
}

/// Check FHIR resources against the German profiles, offline: 0 errors are demanded.
#[derive(Debug, Args)]
pub(crate) struct FhirCheck {
    /// Files, or folders with JSON files. Without any: the whole demonstration and everything that the client writes.
    paths: Vec<PathBuf>,
    /// Print warnings too.
    #[arg(long)]
    warnings: bool,
}

/// What the validator says of a file.
#[derive(Debug, Deserialize)]
struct Report {
    file: PathBuf,
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
}

#[derive(Debug, Deserialize)]
struct Finding {
    at: String,
    message: String,
    id: String,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    /// This many files have no error.
    Valid(usize),
    /// There are no profiles to check against.
    NoProfiles,
}

impl FhirCheck {
    pub(crate) fn run(&self, shell: &Shell) -> Result<()> {
        match self.check(shell)? {
            Checked::Valid(files) => println!("{files} files, 0 errors"),
            Checked::NoProfiles => println!(
                "SKIPPED: FHIR validation. No profiles: neither KONSIL_FHIR_PROFILES nor ../shared/fhir/packages names a folder"
            ),
        }
        Ok(())
    }

    /// What suites have put into [`written_folder`], and what the client's own tests write beside it: `client` runs
    /// those. It was built with all others; cargo would choose other features for it alone and build everything
    /// beneath it again.
    pub(crate) fn after_suites(shell: &Shell, mut client: Command) -> Result<Checked> {
        client.arg(GIVEN).env("KONSIL_FHIR_OUT", written_folder(shell));
        run(&mut client)?;
        Self { paths: vec![written_folder(shell)], warnings: false }.check(shell)
    }

    fn check(&self, shell: &Shell) -> Result<Checked> {
        let Some(profiles) = profiles(shell) else { return Ok(Checked::NoProfiles) };
        let mut files = Vec::new();
        if self.paths.is_empty() {
            collect(&written(shell)?, &mut files)?;
        }
        for path in &self.paths {
            collect(path, &mut files)?;
        }
        if files.is_empty() {
            bail!("no JSON file to check");
        }
        install(shell, &java_packages())?;
        let jar = java_project(shell, "fhir-check", "fhir-check")?;
        let mut java = shell.command("java");
        java.args(JAVA).arg("-jar").arg(&jar).arg("--profiles").arg(&profiles).arg("-");
        let child = java.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("start the validator")?;
        let mut child = Running(child);
        let mut paths = child.0.stdin.take().context("stdin is a pipe")?;
        let mut reports = BufReader::new(child.0.stdout.take().context("stdout is a pipe")?).lines();
        let (mut errors, mut bad) = (0, 0);
        for file in &files {
            writeln!(paths, "{}", file.display())?;
            let line = reports.next().context("the validator ended early")??;
            let report: Report = serde_json::from_str(&line).context("read the validator's report")?;
            bad += usize::from(!report.errors.is_empty());
            errors += report.errors.len();
            report.print(self.warnings);
        }
        if errors > 0 {
            bail!("{errors} errors in {bad} of {} files", files.len());
        }
        Ok(Checked::Valid(files.len()))
    }
}

impl Report {
    fn print(&self, warnings: bool) {
        let shown = self.errors.iter().map(|finding| ("error", finding));
        let more = self.warnings.iter().filter(|_| warnings).map(|finding| ("warning", finding));
        for (word, Finding { at, message, id }) in shown.chain(more) {
            println!("{}: {word}: {at}: {message} [{id}]", self.file.display());
        }
    }
}

/// The folder with profiles, if there is one.
fn profiles(shell: &Shell) -> Option<PathBuf> {
    let named = env::var_os("KONSIL_FHIR_PROFILES").map(PathBuf::from);
    let beside = || shell.root.parent().map(|parent| parent.join("shared/fhir/packages"));
    named.or_else(beside).filter(|folder| folder.is_dir())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.canonicalize()?);
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path)
        .with_context(|| format!("read {}", path.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    entries.sort();
    entries.iter().try_for_each(|entry| collect(entry, files))
}

/// Where suites put resources for the validator when `KONSIL_FHIR_OUT` names it.
pub(crate) fn written_folder(shell: &Shell) -> PathBuf {
    home(shell).join("written")
}

/// The same without what an earlier run left there.
pub(crate) fn emptied_written_folder(shell: &Shell) -> Result<PathBuf> {
    let folder = written_folder(shell);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Has the suites write the demonstration and what the client leaves on each platform, and gives the folder.
fn written(shell: &Shell) -> Result<PathBuf> {
    let folder = emptied_written_folder(shell)?;
    written_by_client(shell, &folder)?;
    let mut suite = shell.cargo();
    suite.args(["test", "--quiet", "-p", "integration", "--test", "it", "--"]);
    suite.args(["given_to_the_validator", "decision::"]).env("KONSIL_FHIR_OUT", &folder);
    let running = running(shell)?;
    if Server::OF_SUITES.iter().all(|server| running.contains_key(server)) {
        suite.env("KONSIL_SERVERS", list(shell));
    } else {
        eprintln!("Without what real servers make of it: start them first with `cargo xtask servers up`");
    }
    run(&mut suite)?;
    Ok(folder)
}

/// The client's tests that hand what it writes to the validator, by the end of their names.
const GIVEN: &str = "given_to_the_validator";

fn written_by_client(shell: &Shell, folder: &Path) -> Result<()> {
    let mut units = shell.cargo();
    units.args(["test", "--quiet", "-p", "app", "--lib", GIVEN]);
    run(units.env("KONSIL_FHIR_OUT", folder))
}

#[cfg(test)]
mod tests {
    use super::{Server, State, printed};

    #[test]
    fn what_is_printed_of_a_server_holds_no_secret() {
        let list = r#"{"coturn": {"pid": 7, "born": 1, "port": 20000, "address": "turn:127.0.0.1:20000", "log": "/tmp/log",
            "ready_after_ms": 5, "secret": "Eschenland"}}"#;
        let state: State = serde_json::from_str(list).expect("a list as it is written");
        assert_eq!(state[&Server::Coturn].access["secret"], "Eschenland", "whoever reads the list finds it");
        let text = printed(&state).expect("a list");
        assert!(text.contains("turn:127.0.0.1:20000") && !text.contains("Eschenland"), "{text}");
    }
}
