//! Screens and windows of a real X server without a display (Xvfb), painted by the X protocol itself.
#![cfg(target_os = "linux")]

use capture::{DeviceError, Surface, SurfaceKind, System, VideoSource};
use codec::I420;
use codec::i420::Channel;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use x11rb::connection::Connection as _;
use x11rb::protocol::randr::{ConnectionExt as _, MonitorInfo};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeGCAux, ConfigureWindowAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask,
    Gcontext, PropMode, Rectangle, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

const RED: u32 = 0x00bf_0000;
const GREEN: u32 = 0x0000_bf00;
const BLUE: u32 = 0x0000_00bf;
/// Of these at 75 % as ITU-R BT.601-7 has them in 8 bits.
const OF_RED: [u8; 3] = [65, 100, 212];
const OF_GREEN: [u8; 3] = [112, 72, 58];
const OF_BLUE: [u8; 3] = [35, 212, 114];

struct Server {
    process: Child,
    name: String,
    connection: RustConnection,
    root: Window,
    paint: Gcontext,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.process.kill();
        let _gone = self.process.wait();
    }
}

impl Server {
    /// None where no such server is installed, which is said.
    #[expect(clippy::print_stderr, reason = "whoever runs the tests is to know what did not run")]
    fn start() -> Option<Self> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"]);
        let Ok(process) = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else {
            eprintln!("SKIPPED: there is no Xvfb here, and screens of an X server were not tried");
            return None;
        };
        Some(Self::of(process))
    }

    fn of(mut process: Child) -> Self {
        let mut number = String::new();
        let said = process.stdout.take().expect("it was asked for");
        BufReader::new(said).read_line(&mut number).expect("it says its number");
        let name = format!(":{}", number.trim());
        let (connection, screen) = x11rb::connect(Some(&name)).expect("it answers");
        let root = connection.setup().roots.get(screen).expect("a screen").root;
        let paint = connection.generate_id().expect("a number");
        connection.create_gc(paint, root, &CreateGCAux::new()).expect("the server is there");
        let server = Self { process, name, connection, root, paint };
        server.fill(root, GREEN, 640, 480);
        server
    }

    fn system(&self) -> Arc<dyn System> {
        capture::system::of_display(&self.name)
    }

    fn fill(&self, what: Window, color: u32, width: u16, height: u16) {
        self.connection.change_gc(self.paint, &ChangeGCAux::new().foreground(color)).expect("the server is there");
        let all = Rectangle { x: 0, y: 0, width, height };
        self.connection.poly_fill_rectangle(what, self.paint, &[all]).expect("the server is there");
        self.connection.sync().expect("the server is there");
    }

    /// A monitor that covers a part of the screen (RandR 1.5).
    fn monitor(&self, name: &str, x: i16, width: u16) -> Atom {
        let atom = self.connection.intern_atom(false, name.as_bytes()).expect("the server is there");
        let name = atom.reply().expect("it has a number").atom;
        let (outputs, height) = (Vec::new(), 480);
        let millimeters = u32::from(width);
        let (width_in_millimeters, height_in_millimeters) = (millimeters, 480);
        let (primary, automatic, y) = (false, false, 0);
        let info = MonitorInfo {
            name,
            primary,
            automatic,
            x,
            y,
            width,
            height,
            width_in_millimeters,
            height_in_millimeters,
            outputs,
        };
        self.connection.randr_set_monitor(self.root, info).expect("the server is there").check().expect("it is taken");
        name
    }

    fn remove_monitor(&self, name: Atom) {
        let removed = self.connection.randr_delete_monitor(self.root, name).expect("the server is there");
        removed.check().expect("it was there");
    }

    /// Says whose process has the window.
    fn of_program(&self, window: Window, number: u32) {
        let atom = self.connection.intern_atom(false, b"_NET_WM_PID").expect("the server is there");
        let name = atom.reply().expect("it has a number").atom;
        self.connection
            .change_property32(PropMode::REPLACE, window, name, AtomEnum::CARDINAL, &[number])
            .expect("the server is there");
        self.connection.sync().expect("the server is there");
    }

    fn window(&self, title: &str, at: (i16, i16), size: (u16, u16), color: u32) -> Window {
        let window = self.connection.generate_id().expect("a number");
        let aux = CreateWindowAux::new().background_pixel(color).event_mask(EventMask::EXPOSURE);
        self.connection
            .create_window(0, window, self.root, at.0, at.1, size.0, size.1, 0, WindowClass::INPUT_OUTPUT, 0, &aux)
            .expect("the server is there");
        self.connection
            .change_property8(PropMode::REPLACE, window, AtomEnum::WM_NAME, AtomEnum::STRING, title.as_bytes())
            .expect("the server is there");
        self.connection.map_window(window).expect("the server is there");
        self.connection.sync().expect("the server is there");
        window
    }
}

fn surface(system: &dyn System, title: Option<&str>) -> Surface {
    let all = system.surfaces().expect("its screens can be taken");
    let found = all.into_iter().find(|one| one.title.as_deref() == title);
    found.unwrap_or_else(|| panic!("there is no {title:?}"))
}

/// What is at a pixel, in luma and both differences of color.
fn at(picture: &I420, x: usize, y: usize) -> [u8; 3] {
    Channel::ALL.map(|channel| {
        let by = if channel == Channel::Y { 1 } else { 2 };
        picture.rows(channel).nth(y / by).and_then(|row| row.get(x / by).copied()).expect("it is inside")
    })
}

fn assert_color(got: [u8; 3], expected: [u8; 3], what: &str) {
    assert!(
        got.iter().zip(expected).all(|(got, expected)| got.abs_diff(expected) <= 1),
        "{what}: {got:?} for {expected:?}"
    );
}

fn picture(source: &mut dyn VideoSource, what: &str) -> I420 {
    source.next().unwrap_or_else(|error| panic!("{what}: {error}")).unwrap_or_else(|| panic!("{what}: nothing new"))
}

#[test]
fn a_screen_is_seen_as_it_is_and_again_only_when_it_has_changed() {
    let Some(server) = Server::start() else { return };
    let system = server.system();
    let screen = surface(system.as_ref(), None);
    assert_eq!(
        (screen.kind, screen.size.width, screen.size.height),
        (SurfaceKind::Screen, 640, 480),
        "the whole of it"
    );
    let mut source = system.share(&screen.id).expect("it can be shown");
    let first = picture(source.as_mut(), "the first");
    assert_eq!((first.width(), first.height()), (640, 480), "in its own pixels");
    assert_color(at(&first, 20, 20), OF_GREEN, "the upper left");
    assert_eq!(source.next().map(|one| one.is_some()), Ok(false), "nothing has changed");
    server.fill(server.root, BLUE, 320, 480);
    let second = picture(source.as_mut(), "the second");
    assert_color(at(&second, 20, 20), OF_BLUE, "the left half");
    assert_color(at(&second, 620, 20), OF_GREEN, "the right half");
}

#[test]
fn a_window_is_seen_without_what_lies_above_it_and_until_it_is_closed() {
    let Some(server) = Server::start() else { return };
    let system = server.system();
    let below = server.window("Befund", (40, 40), (300, 200), RED);
    let source_of = surface(system.as_ref(), Some("Befund"));
    assert_eq!((source_of.kind, source_of.size.width, source_of.size.height), (SurfaceKind::Window, 300, 200), "it");
    let mut source = system.share(&source_of.id).expect("it can be shown");
    server.window("Anderer Patient", (0, 0), (640, 480), BLUE);
    let seen = picture(source.as_mut(), "under another window");
    assert_eq!((seen.width(), seen.height()), (300, 200), "in its own pixels");
    for (x, y) in [(2, 2), (297, 2), (2, 197), (297, 197)] {
        assert_color(at(&seen, x, y), OF_RED, "nothing of the window above it");
    }
    // It becomes larger.
    server.connection.configure_window(below, &ConfigureWindowAux::new().width(400).height(300)).expect("there");
    server.fill(below, GREEN, 400, 300);
    let seen = picture(source.as_mut(), "larger");
    assert_eq!((seen.width(), seen.height()), (400, 300), "at its new size");
    assert_color(at(&seen, 398, 298), OF_GREEN, "all of it");
    // Hidden it shows nothing new, and goes on when it is back.
    server.connection.unmap_window(below).expect("there");
    server.connection.sync().expect("there");
    assert_eq!(source.next().map(|one| one.is_some()), Ok(false), "hidden");
    server.connection.map_window(below).expect("there");
    server.fill(below, RED, 400, 300);
    assert_color(at(&picture(source.as_mut(), "back"), 200, 150), OF_RED, "and back");
    server.connection.destroy_window(below).expect("there");
    server.connection.sync().expect("there");
    assert_eq!(source.next().map(|_| ()), Err(DeviceError::Lost), "closed");
    assert_eq!(system.share(&source_of.id).map(|_| ()), Err(DeviceError::Lost), "and so for whoever comes later");
}

#[test]
fn a_screen_that_changes_its_place_is_shown_no_longer() {
    let Some(server) = Server::start() else { return };
    let (left, right) = (server.monitor("left", 0, 320), server.monitor("right", 320, 320));
    let system = server.system();
    // The server's own stays beside them.
    let of_them = || system.surfaces().expect("there are some").into_iter().filter(|one| one.size.width == 320);
    let id = of_them().next().expect("the left one").id;
    assert_eq!(of_them().count(), 2, "side by side");
    let mut source = system.share(&id).expect("it can be shown");
    picture(source.as_mut(), "while it is there");
    // It is pulled out, and the other one takes its place on the desktop.
    server.remove_monitor(left);
    server.remove_monitor(right);
    server.monitor("right", 0, 320);
    assert_eq!(source.next().map(|_| ()), Err(DeviceError::Lost), "and the other one is not shown in its place");
    // The same one, elsewhere: what it shows is known no more than before.
    let mut source = system.share(&of_them().next().expect("the right one").id).expect("it can be shown");
    picture(source.as_mut(), "where it is now");
    server.monitor("right", 320, 320);
    assert_eq!(source.next().map(|_| ()), Err(DeviceError::Lost), "it has moved");
}

#[test]
fn a_window_that_another_program_has_under_the_same_number_is_not_shown() {
    let Some(server) = Server::start() else { return };
    let system = server.system();
    let window = server.window("Befund", (0, 0), (200, 200), RED);
    server.of_program(window, 100);
    let chosen = surface(system.as_ref(), Some("Befund")).id;
    server.of_program(window, 200);
    assert_eq!(system.share(&chosen).map(|_| ()), Err(DeviceError::Lost), "it is another program's by now");
}

#[test]
fn tiny_and_hidden_windows_are_not_offered_and_the_foremost_is_the_first() {
    let Some(server) = Server::start() else { return };
    let system = server.system();
    server.window("Hinten", (0, 0), (200, 200), RED);
    server.window("Winzig", (0, 0), (20, 20), RED);
    let hidden = server.window("Verborgen", (0, 0), (200, 200), RED);
    server.connection.unmap_window(hidden).expect("there");
    server.window("Vorn", (10, 10), (200, 200), RED);
    let titles: Vec<_> = system.surfaces().expect("there are some").into_iter().map(|one| one.title).collect();
    assert_eq!(titles, [None, Some("Vorn".to_owned()), Some("Hinten".to_owned())], "a screen, and two windows");
}

#[test]
fn a_server_that_ends_takes_its_screens_along() {
    let Some(mut server) = Server::start() else { return };
    let system = server.system();
    let mut source = system.share(&surface(system.as_ref(), None).id).expect("it can be shown");
    picture(source.as_mut(), "while it runs");
    server.process.kill().expect("it runs");
    server.process.wait().expect("it ends");
    assert_eq!(source.next().map(|_| ()), Err(DeviceError::Lost), "it is gone");
    assert_eq!(system.surfaces().map(|_| ()), Err(DeviceError::NoneThere), "and nothing is there");
}
