//! Screens and windows of an X server, with the pointer drawn into them.
//!
//! A window is taken from the picture that the server keeps of it apart from the screen (Composite extension), so that what
//! lies above it is not shown to others.

use crate::convert::{Layout, Raw};
use crate::device::{Size, Surface, SurfaceKind, VideoSource, title};
use codec::I420;
use model::device::{DeviceError, DeviceId};
use x11rb::connection::Connection as _;
use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::ErrorKind;
use x11rb::protocol::composite::{ConnectionExt as _, Redirect};
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::xfixes::{ConnectionExt as _, GetCursorImageReply};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, ImageFormat, ImageOrder, MapState, Pixmap, Screen, VisualClass, Window,
    WindowClass,
};
use x11rb::rust_connection::RustConnection;

/// Smaller ones are panels, hints and what programs hide.
const SMALLEST: u16 = 64;
/// Looks in a row that a window which changes may be missed in.
const MISSED: u32 = 10;
/// Of a title, in units of four bytes.
const TITLE: u32 = 256;
/// Of the list of windows.
const WINDOWS: u32 = 4096;
/// Bytes of a pixel.
const PIXEL: usize = 4;

pub(super) fn all(display: Option<&str>) -> Result<Vec<Surface>, DeviceError> {
    let server = Server::reach(display)?;
    let mut found: Vec<Surface> = server.screens()?.into_iter().map(|(surface, _place)| surface).collect();
    for window in server.windows()? {
        // One that closes meanwhile is left out.
        found.extend(server.surface(window).ok().flatten());
    }
    Ok(found)
}

pub(super) fn open(display: Option<&str>, surface: &DeviceId) -> Result<Box<dyn VideoSource>, DeviceError> {
    let server = Server::reach(display)?;
    if let Some((_surface, place)) = server.screens()?.into_iter().find(|(known, _place)| known.id == *surface) {
        return Ok(Box::new(Look { server, what: What::Screen { id: surface.clone(), place }, last: Vec::new() }));
    }
    let window = surface.as_str().strip_prefix("window:").and_then(|rest| rest.split(':').next()?.parse().ok());
    let window: Window = window.ok_or(DeviceError::NoneThere)?;
    // A number is given again: the window that was chosen may be gone, and another program's be there under its number.
    let found = server.surface(window).map_err(|error| why(&error))?;
    if found.is_none_or(|found| found.id != *surface) {
        return Err(DeviceError::Lost);
    }
    server.redirect(window)?;
    Ok(Box::new(Look { server, what: What::Window { window, kept: None, missed: 0 }, last: Vec::new() }))
}

/// In pixels of the root window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    x: i16,
    y: i16,
    width: u16,
    height: u16,
}

struct Server {
    connection: RustConnection,
    screen: Screen,
}

impl Server {
    /// `display` as in the variable of that name; without one it is the one of the variable.
    fn reach(display: Option<&str>) -> Result<Self, DeviceError> {
        // There an X server is beside the compositor and sees the windows of old programs only; the rest would be black.
        if display.is_none() && std::env::var_os("WAYLAND_DISPLAY").is_some() {
            return Err(DeviceError::NoneThere);
        }
        let (connection, number) = x11rb::connect(display).map_err(|_cause| DeviceError::NoneThere)?;
        let setup = connection.setup();
        let screen = setup.roots.get(number).ok_or(DeviceError::NoneThere)?.clone();
        let visual = screen.allowed_depths.iter().flat_map(|depth| &depth.visuals);
        let visual = visual.clone().find(|visual| visual.visual_id == screen.root_visual);
        let known = visual.is_some_and(|visual| {
            visual.class == VisualClass::TRUE_COLOR
                && [visual.red_mask, visual.green_mask, visual.blue_mask] == [0x00ff_0000, 0xff00, 0xff]
        });
        let wide = setup.pixmap_formats.iter().all(|format| format.depth < 24 || format.bits_per_pixel == 32);
        if !known || !wide || setup.image_byte_order != ImageOrder::LSB_FIRST {
            return Err(DeviceError::Unusable);
        }
        let server = Self { connection, screen };
        let asked = || -> Result<(), ReplyError> {
            server.connection.composite_query_version(0, 4)?.reply()?;
            server.connection.xfixes_query_version(5, 0)?.reply()?;
            server.connection.randr_query_version(1, 5)?.reply()?;
            Ok(())
        };
        // Without one of these extensions no server has been since 2015.
        asked().map_err(|_cause| DeviceError::NoneThere)?;
        Ok(server)
    }

    fn screens(&self) -> Result<Vec<(Surface, Place)>, DeviceError> {
        let monitors =
            || -> Result<_, ReplyError> { self.connection.randr_get_monitors(self.screen.root, true)?.reply() };
        let mut monitors = monitors().map_err(|error| why(&error))?.monitors;
        monitors.sort_by_key(|monitor| !monitor.primary);
        let mut places: Vec<_> = monitors
            .iter()
            .map(|monitor| {
                (Place { x: monitor.x, y: monitor.y, width: monitor.width, height: monitor.height }, monitor.name)
            })
            .collect();
        if places.is_empty() {
            let whole = Place { x: 0, y: 0, width: self.screen.width_in_pixels, height: self.screen.height_in_pixels };
            places.push((whole, 0));
        }
        let screen = |(place, name): (Place, Atom)| {
            let id = DeviceId::parse(&format!("screen:{name}"))?;
            let size = Size { width: place.width.into(), height: place.height.into() };
            Some((Surface { id, kind: SurfaceKind::Screen, title: None, size }, place))
        };
        Ok(places.into_iter().filter_map(screen).collect())
    }

    /// The foremost in front.
    fn windows(&self) -> Result<Vec<Window>, DeviceError> {
        let listed = || -> Result<Vec<Window>, ReplyError> {
            let list = self.atom(b"_NET_CLIENT_LIST_STACKING")?;
            let property = self.connection.get_property(false, self.screen.root, list, AtomEnum::WINDOW, 0, WINDOWS)?;
            let mut windows: Vec<_> = property.reply()?.value32().into_iter().flatten().collect();
            if windows.is_empty() {
                // Nobody manages windows there.
                windows = self.connection.query_tree(self.screen.root)?.reply()?.children;
            }
            windows.reverse();
            Ok(windows)
        };
        listed().map_err(|error| why(&error))
    }

    fn atom(&self, name: &[u8]) -> Result<Atom, ReplyError> {
        Ok(self.connection.intern_atom(false, name)?.reply()?.atom)
    }

    /// None where a window is not to be shown to anybody: it is hidden, tiny or a menu.
    fn surface(&self, window: Window) -> Result<Option<Surface>, ReplyError> {
        let about = self.connection.get_window_attributes(window)?.reply()?;
        let place = self.connection.get_geometry(window)?.reply()?;
        let shown = about.map_state == MapState::VIEWABLE && about.class == WindowClass::INPUT_OUTPUT;
        if !shown || about.override_redirect || place.width < SMALLEST || place.height < SMALLEST || place.depth < 24 {
            return Ok(None);
        }
        let size = Size { width: place.width.into(), height: place.height.into() };
        let program = self.property(window, b"_NET_WM_PID")?;
        let id = DeviceId::parse(&format!("window:{window}:{program}"));
        let title = self.title(window)?;
        Ok(id.map(|id| Surface { id, kind: SurfaceKind::Window, title, size }))
    }

    /// A number that a program says of its window; 0 where it does not.
    fn property(&self, window: Window, name: &[u8]) -> Result<u32, ReplyError> {
        let (name, kind) = (self.atom(name)?, AtomEnum::CARDINAL);
        let said = self.connection.get_property(false, window, name, kind, 0, 1)?.reply()?;
        Ok(said.value32().and_then(|mut numbers| numbers.next()).unwrap_or(0))
    }

    fn title(&self, window: Window) -> Result<Option<String>, ReplyError> {
        for (name, kind) in [
            (self.atom(b"_NET_WM_NAME")?, self.atom(b"UTF8_STRING")?),
            (AtomEnum::WM_NAME.into(), AtomEnum::ANY.into()),
        ] {
            let said = self.connection.get_property(false, window, name, kind, 0, TITLE)?.reply()?.value;
            if let Some(title) = title(&String::from_utf8_lossy(&said)) {
                return Ok(Some(title));
            }
        }
        Ok(None)
    }

    fn redirect(&self, window: Window) -> Result<(), DeviceError> {
        let asked = || -> Result<(), ReplyError> {
            self.connection.composite_redirect_window(window, Redirect::AUTOMATIC)?.check()
        };
        asked().map_err(|error| why(&error))
    }

    fn cursor(&self) -> Result<GetCursorImageReply, ReplyError> {
        self.connection.xfixes_get_cursor_image()?.reply()
    }

    fn pixels(&self, of: u32, Place { x, y, width, height }: Place) -> Result<Vec<u8>, ReplyError> {
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, of, x, y, width, height, u32::MAX)?;
        Ok(image.reply()?.data)
    }
}

enum What {
    Screen { id: DeviceId, place: Place },
    Window { window: Window, kept: Option<Kept>, missed: u32 },
}

/// The picture that the server keeps of a window, until its size is another one or it is hidden.
#[derive(Clone, Copy)]
struct Kept {
    pixmap: Pixmap,
    width: u16,
    height: u16,
}

struct Look {
    server: Server,
    what: What,
    /// The pixels before.
    last: Vec<u8>,
}

/// What it shows at the moment, and where its upper left corner is on the screen.
struct Seen {
    pixels: Vec<u8>,
    place: Place,
}

impl VideoSource for Look {
    fn next(&mut self) -> Result<Option<I420>, DeviceError> {
        // Nobody waits for what the server tells everybody, as that the keyboard is another one; it would pile up.
        while let Ok(Some(_unasked)) = self.server.connection.poll_for_event() {}
        let Some(mut seen) = self.see()? else { return Ok(None) };
        if let Ok(cursor) = self.server.cursor() {
            draw(&mut seen, &cursor);
        }
        let (width, height) = (seen.place.width, seen.place.height);
        if seen.pixels == self.last {
            return Ok(None);
        }
        self.last = seen.pixels;
        let stride = usize::from(width) * PIXEL;
        let raw = Raw { layout: Layout::Bgrx, width: width.into(), height: height.into(), stride, bytes: &self.last };
        raw.i420().map(Some)
    }
}

impl Look {
    /// None where nothing is to be seen at the moment.
    fn see(&mut self) -> Result<Option<Seen>, DeviceError> {
        match &mut self.what {
            What::Screen { id, place } => {
                // Where a monitor came, went or moved, another one's pixels may be in its place, and nobody would notice.
                let now = self.server.screens()?.into_iter().find(|(known, _place)| known.id == *id);
                if now.is_none_or(|(_known, now)| now != *place) {
                    return Err(DeviceError::Lost);
                }
                let pixels = self.server.pixels(self.server.screen.root, *place).map_err(|error| why(&error))?;
                Ok(Some(Seen { pixels, place: *place }))
            }
            What::Window { window, kept, missed } => match window_seen(&self.server, *window, kept) {
                Ok(seen) => {
                    *missed = 0;
                    Ok(seen)
                }
                // It was made smaller or hidden between two questions; the next look asks anew.
                Err(ReplyError::X11Error(error)) if error.error_kind == ErrorKind::Match && *missed < MISSED => {
                    *missed += 1;
                    if let Some(former) = kept.take() {
                        // The connection's end frees it too.
                        let _freed = self.server.connection.free_pixmap(former.pixmap);
                    }
                    Ok(None)
                }
                Err(error) => Err(why(&error)),
            },
        }
    }
}

fn window_seen(server: &Server, window: Window, kept: &mut Option<Kept>) -> Result<Option<Seen>, ReplyError> {
    let connection = &server.connection;
    let about = connection.get_window_attributes(window)?;
    let geometry = connection.get_geometry(window)?;
    let corner = connection.translate_coordinates(window, server.screen.root, 0, 0)?;
    let (about, geometry, corner) = (about.reply()?, geometry.reply()?, corner.reply()?);
    let (width, height, border) = (geometry.width, geometry.height, geometry.border_width);
    let shown = about.map_state == MapState::VIEWABLE;
    if let Some(former) = kept.filter(|kept| !shown || (kept.width, kept.height) != (width, height)) {
        connection.free_pixmap(former.pixmap)?;
        *kept = None;
    }
    if !shown {
        return Ok(None);
    }
    let pixmap = match *kept {
        Some(kept) => kept.pixmap,
        None => {
            let pixmap = connection.generate_id().map_err(|_cause| ConnectionError::UnknownError)?;
            connection.composite_name_window_pixmap(window, pixmap)?.check()?;
            *kept = Some(Kept { pixmap, width, height });
            pixmap
        }
    };
    let border = i16::try_from(border).unwrap_or(0);
    let pixels = server.pixels(pixmap, Place { x: border, y: border, width, height })?;
    Ok(Some(Seen { pixels, place: Place { x: corner.dst_x, y: corner.dst_y, width, height } }))
}

/// Where the pointer is, on top; its pixels have their alpha in them already.
fn draw(seen: &mut Seen, cursor: &GetCursorImageReply) {
    let at = |position: i16, hot: u16, corner: i16| i32::from(position) - i32::from(hot) - i32::from(corner);
    let left = at(cursor.x, cursor.xhot, seen.place.x);
    let top = at(cursor.y, cursor.yhot, seen.place.y);
    let rows = cursor.cursor_image.chunks(usize::from(cursor.width).max(1));
    for (row, y) in rows.zip(top..) {
        for (pixel, x) in row.iter().zip(left..) {
            let inside =
                (0..i32::from(seen.place.width)).contains(&x) && (0..i32::from(seen.place.height)).contains(&y);
            let (Ok(x), Ok(y), true) = (usize::try_from(x), usize::try_from(y), inside) else { continue };
            let from = (y * usize::from(seen.place.width) + x) * PIXEL;
            let Some(below) = seen.pixels.get_mut(from..from + 3) else { continue };
            let [blue, green, red, alpha] = pixel.to_le_bytes();
            for (below, over) in below.iter_mut().zip([blue, green, red]) {
                let shines = u32::from(*below) * u32::from(255 - alpha) / 255;
                *below = u8::try_from(u32::from(over) + shines).unwrap_or(u8::MAX);
            }
        }
    }
}

fn why(error: &ReplyError) -> DeviceError {
    match error {
        ReplyError::ConnectionError(_) => DeviceError::Lost,
        ReplyError::X11Error(error) => {
            let gone = [ErrorKind::Window, ErrorKind::Drawable, ErrorKind::Match, ErrorKind::Pixmap];
            if gone.contains(&error.error_kind) {
                DeviceError::Lost
            } else if error.error_kind == ErrorKind::Access {
                DeviceError::Denied
            } else {
                DeviceError::Unusable
            }
        }
    }
}
