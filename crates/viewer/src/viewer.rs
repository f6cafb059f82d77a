//! The viewer: open series, viewports with their state, and drawing when something has changed.

mod plan;

use self::plan::{Plan, plans};
use crate::gpu::Gpu;
use crate::number::pixels;
use crate::painter::{self, Painter, Rgba};
use crate::passes::Passes;
use crate::reading::Reading;
use crate::scene::{
    Field, Ground, Length, Letters, Mapping, Placement, Plane, Raster, ScaleBar, Turn, length, letters,
    patient_from_image, plane_position, scale_bar,
};
use crate::stack::{Arrival, FrameError, Stack};
use crate::{FrameMessage, Series, SeriesError, Table, Window};
use std::collections::BTreeMap;
use thiserror::Error;

/// A viewport's place on the canvas in device pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl Rect {
    fn size(self) -> [f64; 2] {
        [f64::from(self.width), f64::from(self.height)]
    }

    fn corner(self) -> [f64; 2] {
        [f64::from(self.x), f64::from(self.y)]
    }

    /// The device pixels that the image covers, cut to the viewport and to the target: x, y, width, height.
    fn covered(self, mapping: &Mapping, raster: Raster, target: [u32; 2]) -> Option<[u32; 4]> {
        let first = mapping.screen_from_image([0.0, 0.0]);
        let last = mapping.screen_from_image([f64::from(raster.columns), f64::from(raster.rows)]);
        let (size, corner) = (self.size(), self.corner());
        let edges: [[u32; 2]; 2] = std::array::from_fn(|i| {
            let most = size[i].min(f64::from(target[i]) - corner[i]).max(0.0);
            let begin = first[i].min(last[i]).floor().clamp(0.0, most);
            let end = first[i].max(last[i]).ceil().clamp(0.0, most);
            [pixels(corner[i] + begin), pixels(corner[i] + end)]
        });
        let [[left, right], [top, bottom]] = edges;
        (left < right && top < bottom).then(|| [left, top, right - left, bottom - top])
    }
}

/// Why a call was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SceneError {
    /// No such viewport.
    #[error("viewport {0} is not in the layout")]
    Viewport(u32),
    /// No such series, or no more.
    #[error("series {0} is not open")]
    Series(u32),
    /// The viewport shows no series.
    #[error("viewport {0} shows no series")]
    Empty(u32),
    /// The series has no such frame.
    #[error("series {0} has no frame {1}")]
    Frame(u32, u32),
    /// What is to be shown has a number that is none, or a height of nothing.
    #[error("what is to be shown in viewport {0} has a number that cannot be")]
    Presented(u32),
}

#[derive(Debug)]
struct Viewport {
    // None while the layout leaves it out; its state stays.
    rect: Option<Rect>,
    shown: Option<Shown>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Shown {
    series: u32,
    index: u32,
    chosen: Chosen,
    // By the reader, on top of what each frame says.
    inverted: bool,
    placement: Placement,
}

/// Where the greys of a viewport come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Chosen {
    /// From each frame as it is stored.
    AsStored,
    /// From the reader's window, on every frame.
    Window(Window),
    /// From the table at this place of each frame's list; as stored where a frame has none there.
    Table(u32),
}

impl Shown {
    fn new(series: &Series) -> Self {
        Self {
            series: series.handle,
            index: 0,
            chosen: Chosen::AsStored,
            inverted: false,
            placement: Placement::default(),
        }
    }

    /// The table in force: its place in the frame's list, its number in the series, itself.
    fn table<'a>(&self, series: &'a Series) -> Option<(u32, u32, &'a Table)> {
        let pixels = series.pixels(self.index);
        let at = |place: u32| {
            let number = *pixels.voi.get(place as usize)?;
            Some((place, number, series.table(number)?))
        };
        match self.chosen {
            Chosen::Window(_) => None,
            Chosen::Table(place) if at(place).is_some() => at(place),
            Chosen::Table(_) | Chosen::AsStored => at(0).filter(|_| pixels.begins_with_table),
        }
    }

    /// The window in force where no table is.
    fn window(&self, series: &Series) -> Window {
        match self.chosen {
            Chosen::Window(window) => window,
            Chosen::Table(_) | Chosen::AsStored => series.pixels(self.index).window.unwrap_or(series.window).defined(),
        }
    }

    fn low_is_bright(&self, series: &Series) -> bool {
        self.inverted != series.stored_inverted(self.index)
    }
}

/// What a viewport shows, for the text around the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Series handle.
    pub series: u32,
    /// Frame index, from 0.
    pub index: u32,
    /// Frames of the series.
    pub count: u32,
    /// Window in force; of a table, the window over its inputs.
    pub window: Window,
    /// The look-up table in force, as its place in the frame's list; none while a window is.
    pub table: Option<u32>,
    /// Whether each frame is shown as it is stored, since the reader has chosen nothing.
    pub as_stored: bool,
    /// Whether low values are bright.
    pub inverted: bool,
    /// Device pixels per image pixel, along the finer spacing.
    pub zoom: f64,
    /// Whether the image follows the viewport's size.
    pub fit: bool,
    /// Millimeters per device pixel; none if uncalibrated.
    pub mm_per_px: Option<f64>,
    /// Orientation letters at the edges; none if the orientation is unknown.
    pub letters: Option<Letters>,
    /// Scale bar; none if uncalibrated.
    pub scale_bar: Option<ScaleBar>,
    /// Where the plane lies along its normal, in mm.
    pub position: Option<f64>,
    /// Slice thickness in mm.
    pub thickness: Option<f64>,
    /// What there is of the frame.
    pub arrival: Arrival,
}

/// What a viewport shows, as others can show it in viewports of another size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Presented {
    /// Frame index, from 0.
    pub index: u32,
    /// The part of the image that is visible: in mm of the patient where the frame has a plane, else in pixels.
    pub field: Field,
    /// Where its greys come from.
    pub voi: Chosen,
    /// Whether low values are bright.
    pub inverted: bool,
    /// Left and right of the image exchanged, and top and bottom; before it is turned.
    pub flipped: [bool; 2],
    /// Quarter turns clockwise.
    pub turns: u32,
}

/// What lies under a point of the canvas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Located {
    /// Image point (column, row), continuous.
    pub point: [f64; 2],
    /// Column and row of the pixel; none outside the image.
    pub pixel: Option<[u32; 2]>,
    /// Patient coordinates in mm.
    pub patient: Option<[f64; 3]>,
    /// Frame index.
    pub frame: u32,
}

/// What paints.
#[derive(Debug)]
enum Means {
    Graphics { gpu: Gpu, passes: Passes },
    Processor(Box<Painter>),
}

impl Means {
    fn gpu(&self) -> Option<&Gpu> {
        match self {
            Self::Graphics { gpu, .. } => Some(gpu),
            Self::Processor(_) => None,
        }
    }
}

/// Series and viewports on one canvas.
#[derive(Debug)]
pub struct Viewer {
    means: Means,
    canvas: [u32; 2],
    stacks: BTreeMap<u32, Stack>,
    viewports: BTreeMap<u32, Viewport>,
    dirty: bool,
}

impl Viewer {
    /// A viewer that paints targets of this format, which must be 8 bit, four components and not sRGB: grey
    /// values arrive as computed.
    pub fn new(gpu: Gpu, format: wgpu::TextureFormat, canvas: [u32; 2]) -> Self {
        Self::with(Means::Graphics { gpu, passes: Passes::new(format) }, canvas)
    }

    /// A viewer that paints by the processor, for computers whose graphics are computed by it anyway: without the way
    /// through a driver that stands in for a device.
    pub fn on_processor(canvas: [u32; 2]) -> Self {
        Self::with(Means::Processor(Box::default()), canvas)
    }

    fn with(means: Means, canvas: [u32; 2]) -> Self {
        Self { means, canvas, stacks: BTreeMap::new(), viewports: BTreeMap::new(), dirty: true }
    }

    /// The device, where one paints.
    pub fn gpu(&self) -> Option<&Gpu> {
        self.means.gpu()
    }

    /// The largest side that an image and the canvas can have, in pixels.
    pub fn most(&self) -> u32 {
        self.gpu().map_or(painter::MOST, Gpu::max_2d)
    }

    /// Size of the canvas in device pixels.
    pub fn canvas(&self) -> [u32; 2] {
        self.canvas
    }

    /// The canvas has another size.
    pub fn resize(&mut self, canvas: [u32; 2]) {
        self.canvas = canvas;
        self.dirty = true;
    }

    /// Places viewports. One that is left out keeps its state and is not painted.
    pub fn set_layout(&mut self, places: &[(u32, Rect)]) {
        self.viewports.values_mut().for_each(|v| v.rect = None);
        for (id, rect) in places {
            let viewport = self.viewports.entry(*id).or_insert(Viewport { rect: None, shown: None });
            viewport.rect = Some(*rect);
        }
        self.dirty = true;
    }

    /// Opens a series. One with the same handle is replaced, with its pixels.
    pub fn add_series(&mut self, series: Series) -> Result<(), SeriesError> {
        let handle = series.handle;
        let stack = Stack::new(series, self.most())?;
        self.remove_series(handle);
        self.stacks.insert(handle, stack);
        Ok(())
    }

    /// Closes a series: its memory is free, viewports that showed it are empty.
    pub fn remove_series(&mut self, handle: u32) {
        if self.stacks.remove(&handle).is_some() {
            for viewport in self.viewports.values_mut() {
                if viewport.shown.is_some_and(|s| s.series == handle) {
                    viewport.shown = None;
                    self.dirty = true;
                }
            }
        }
    }

    /// Shows a series from its first frame as it is stored, or nothing. A series that is shown already stays
    /// as it is.
    pub fn show(&mut self, viewport: u32, series: Option<u32>) -> Result<(), SceneError> {
        let shown = match series {
            Some(handle) => {
                let stack = self.stacks.get(&handle).ok_or(SceneError::Series(handle))?;
                Some(Shown::new(&stack.series))
            }
            None => None,
        };
        let slot = self.viewports.get_mut(&viewport).ok_or(SceneError::Viewport(viewport))?;
        if slot.shown.map(|s| s.series) != series {
            slot.shown = shown;
            self.dirty = true;
        }
        Ok(())
    }

    /// Takes the pixels of a frame, or of rows of one. Answers what the frame is afterwards.
    pub fn take(&mut self, message: &FrameMessage<'_>) -> Result<Arrival, FrameError> {
        let gpu = self.means.gpu();
        if gpu.is_some_and(Gpu::lost) {
            return Err(FrameError::Device("lost".to_owned()));
        }
        let stack = self.stacks.get_mut(&message.series).ok_or(FrameError::Series(message.series))?;
        let arrival = stack.take(gpu, message)?;
        let visible = |v: &Viewport| {
            v.rect.is_some() && v.shown.is_some_and(|s| s.series == message.series && s.index == message.frame)
        };
        // Rows written over a picture that is on the screen change it too.
        if arrival != Arrival::Absent && self.viewports.values().any(visible) {
            self.dirty = true;
        }
        // An upload waits in staging memory until something is submitted. Left there, what was loaded in peace would
        // be uploaded by the next drawing: up to 70 ms between a click and its picture.
        if let Some(gpu) = gpu {
            gpu.queue.submit([]);
            // The result says only whether the queue is empty.
            drop(gpu.device.poll(wgpu::PollType::Poll));
        }
        Ok(arrival)
    }

    /// What there is of a frame.
    pub fn arrival(&self, series: u32, frame: u32) -> Arrival {
        self.stacks.get(&series).map_or(Arrival::Absent, |stack| stack.arrival(frame))
    }

    /// Shows another frame; beyond an end, the last one there.
    pub fn set_index(&mut self, viewport: u32, index: u32) -> Result<(), SceneError> {
        self.change(viewport, |shown, stack, _| {
            let last = stack.series.frames.len().saturating_sub(1);
            shown.index = index.min(u32::try_from(last).unwrap_or(u32::MAX));
        })
    }

    /// Sets the window of all frames.
    pub fn set_window(&mut self, viewport: u32, window: Window) -> Result<(), SceneError> {
        self.change(viewport, |shown, _, _| shown.chosen = Chosen::Window(window.defined()))
    }

    /// Shows greys by the table at this place of each frame's list; as stored where a frame has none there.
    pub fn set_table(&mut self, viewport: u32, place: u32) -> Result<(), SceneError> {
        self.change(viewport, |shown, _, _| shown.chosen = Chosen::Table(place))
    }

    /// Shows each frame with its own window or table.
    pub fn set_as_stored(&mut self, viewport: u32) -> Result<(), SceneError> {
        self.change(viewport, |shown, _, _| shown.chosen = Chosen::AsStored)
    }

    /// Shows low values of the frame bright, or dark, and those of its neighbors in the same sense.
    pub fn set_inverted(&mut self, viewport: u32, inverted: bool) -> Result<(), SceneError> {
        self.change(viewport, |shown, stack, _| shown.inverted = inverted != stack.series.stored_inverted(shown.index))
    }

    /// Zooms by a factor about a point of the canvas.
    pub fn zoom_at(&mut self, viewport: u32, factor: f64, at: [f64; 2]) -> Result<(), SceneError> {
        self.change(viewport, |shown, stack, rect| {
            let [x, y] = rect.corner();
            shown.placement.zoom_at(stack.series.raster(shown.index), rect.size(), factor, [at[0] - x, at[1] - y]);
        })
    }

    /// Moves the image.
    pub fn pan_by(&mut self, viewport: u32, by: [f64; 2]) -> Result<(), SceneError> {
        self.change(viewport, |shown, stack, rect| {
            shown.placement.pan_by(stack.series.raster(shown.index), rect.size(), by);
        })
    }

    /// Shows the whole image.
    pub fn fit(&mut self, viewport: u32) -> Result<(), SceneError> {
        self.change(viewport, |shown, _, _| shown.placement.fit())
    }

    /// Shows one image pixel on one device pixel.
    pub fn one_to_one(&mut self, viewport: u32) -> Result<(), SceneError> {
        self.change(viewport, |shown, stack, rect| {
            shown.placement.one_to_one(stack.series.raster(shown.index), rect.size());
        })
    }

    /// Rotates clockwise.
    pub fn rotate(&mut self, viewport: u32, quarter_turns: i32) -> Result<(), SceneError> {
        self.change(viewport, |shown, _, _| shown.placement.rotate(quarter_turns))
    }

    /// Mirrors: left and right exchanged, or top and bottom.
    pub fn flip(&mut self, viewport: u32, horizontal: bool) -> Result<(), SceneError> {
        self.change(viewport, |shown, _, _| shown.placement.flip(horizontal))
    }

    /// Everything as when the series was first shown, except the frame.
    pub fn reset(&mut self, viewport: u32) -> Result<(), SceneError> {
        self.change(viewport, |shown, stack, _| *shown = Shown { index: shown.index, ..Shown::new(&stack.series) })
    }

    /// What a viewport shows; none if it shows no series.
    pub fn state(&self, viewport: u32) -> Result<Option<State>, SceneError> {
        let Some((shown, stack, rect)) = self.parts(viewport)? else { return Ok(None) };
        let series = &stack.series;
        let frame = series.frames.get(shown.index as usize);
        let placement = shown.placement.resolved(series.raster(shown.index), rect.size());
        let table = shown.table(series);
        let mm_per_px = series.usable_spacing(shown.index).map(|s| s.rows.min(s.columns) / placement.zoom);
        Ok(Some(State {
            series: shown.series,
            index: shown.index,
            count: u32::try_from(series.frames.len()).unwrap_or(u32::MAX),
            window: table.map_or_else(|| shown.window(series), |(_, _, table)| table.input_window()),
            table: table.map(|(place, _, _)| place),
            as_stored: matches!(shown.chosen, Chosen::AsStored),
            inverted: shown.low_is_bright(series),
            zoom: placement.zoom,
            fit: placement.fit,
            mm_per_px,
            letters: frame.and_then(|f| f.orientation).and_then(|o| letters(&o, placement.turn)),
            scale_bar: mm_per_px.and_then(|mm| scale_bar(mm, rect.size()[0])),
            position: frame.and_then(plane_position),
            thickness: frame.and_then(|f| f.thickness),
            arrival: stack.arrival(shown.index),
        }))
    }

    /// What lies under a point of the canvas; none if the viewport shows no series.
    pub fn locate(&self, viewport: u32, at: [f64; 2]) -> Result<Option<Located>, SceneError> {
        let Some((shown, stack, rect)) = self.parts(viewport)? else { return Ok(None) };
        let series = &stack.series;
        let [x, y] = rect.corner();
        let point = mapping(&shown, series.raster(shown.index), rect).image_from_screen([at[0] - x, at[1] - y]);
        let [column, row] = point;
        let inside = column >= 0.0 && row >= 0.0 && column < f64::from(series.columns) && row < f64::from(series.rows);
        let patient = match (series.frames.get(shown.index as usize), series.usable_spacing(shown.index)) {
            (Some(frame), Some(spacing)) => patient_from_image(frame, spacing, point),
            (Some(_), None) | (None, _) => None,
        };
        Ok(Some(Located {
            point,
            pixel: inside.then(|| point.map(|p| pixels(p.floor()))),
            patient,
            frame: shown.index,
        }))
    }

    /// Where an image point lies on the canvas.
    pub fn to_screen(&self, viewport: u32, point: [f64; 2]) -> Result<[f64; 2], SceneError> {
        let (shown, stack, rect) = self.parts(viewport)?.ok_or(SceneError::Empty(viewport))?;
        let [x, y] = mapping(&shown, stack.series.raster(shown.index), rect).screen_from_image(point);
        Ok([x + rect.corner()[0], y + rect.corner()[1]])
    }

    /// What a viewport shows, as others can show it in viewports of another size; none if it shows no series.
    pub fn presented(&self, viewport: u32) -> Result<Option<Presented>, SceneError> {
        let Some((shown, stack, rect)) = self.parts(viewport)? else { return Ok(None) };
        let series = &stack.series;
        let (flipped, turns) = shown.placement.turn.parts();
        let [width, height] = rect.size();
        Ok(ground(series, shown.index).filter(|_| width > 0.0 && height > 0.0).map(|ground| Presented {
            index: shown.index,
            field: Field::of(&shown.placement, &ground, series.raster(shown.index), rect.size()),
            voi: shown.chosen,
            inverted: shown.low_is_bright(series),
            flipped,
            turns,
        }))
    }

    /// Shows what somebody else shows. It is all of it or nothing: a picture that is not quite theirs would be taken for
    /// it.
    pub fn present(&mut self, viewport: u32, presented: &Presented) -> Result<(), SceneError> {
        let (before, stack, rect) = self.parts(viewport)?.ok_or(SceneError::Empty(viewport))?;
        let series = &stack.series;
        let Presented { index, field, voi, inverted, flipped, turns } = *presented;
        let ground = ground(series, index).ok_or(SceneError::Frame(before.series, index))?;
        let sound = match voi {
            Chosen::Window(window) => window.center.is_finite() && window.width.is_finite(),
            Chosen::AsStored | Chosen::Table(_) => true,
        };
        let turn = Turn::new(flipped, turns);
        let placement = field.placement(turn, &ground, series.raster(index), rect.size());
        let visible = field.height.is_finite() && field.height > 0.0 && placement.pan.iter().all(|p| p.is_finite());
        if !(sound && visible) {
            return Err(SceneError::Presented(viewport));
        }
        let chosen = match voi {
            Chosen::Window(window) => Chosen::Window(window.defined()),
            Chosen::AsStored | Chosen::Table(_) => voi,
        };
        let shown = Shown {
            series: before.series,
            index,
            chosen,
            inverted: inverted != series.stored_inverted(index),
            placement,
        };
        if shown == before {
            return Ok(());
        }
        self.change(viewport, |now, _, _| *now = shown)
    }

    /// Where a frame lies in the patient; none where it has no geometry that can be relied on.
    pub fn plane(&self, series: u32, frame: u32) -> Result<Option<Plane>, SceneError> {
        let stack = self.stacks.get(&series).ok_or(SceneError::Series(series))?;
        ground(&stack.series, frame).map(|ground| ground.plane()).ok_or(SceneError::Frame(series, frame))
    }

    /// What lies under a point of the canvas, told as a presented center is; none if the viewport shows no series.
    pub fn point_of(&self, viewport: u32, at: [f64; 2]) -> Result<Option<[f64; 3]>, SceneError> {
        let Some((shown, stack, rect)) = self.parts(viewport)? else { return Ok(None) };
        let [x, y] = rect.corner();
        let mapping = mapping(&shown, stack.series.raster(shown.index), rect);
        let image = mapping.image_from_screen([at[0] - x, at[1] - y]);
        Ok(ground(&stack.series, shown.index).map(|ground| ground.point(image)))
    }

    /// Where on the canvas such a point lies.
    pub fn place_of(&self, viewport: u32, point: [f64; 3]) -> Result<[f64; 2], SceneError> {
        let (shown, stack, _) = self.parts(viewport)?.ok_or(SceneError::Empty(viewport))?;
        let ground = ground(&stack.series, shown.index).ok_or(SceneError::Frame(shown.series, shown.index))?;
        self.to_screen(viewport, ground.image(point))
    }

    /// The distance of two image points of a frame.
    pub fn length(&self, series: u32, frame: u32, from: [f64; 2], to: [f64; 2]) -> Result<Length, SceneError> {
        let stack = self.stacks.get(&series).ok_or(SceneError::Series(series))?;
        Ok(length(stack.series.usable_spacing(frame), from, to))
    }

    /// The series as it was opened.
    pub fn series(&self, handle: u32) -> Option<&Series> {
        self.stacks.get(&handle).map(|stack| &stack.series)
    }

    /// Whether something has changed since the last drawing.
    pub fn dirty(&self) -> bool {
        self.dirty
    }

    /// Asks for a drawing although nothing has changed: the canvas lost its picture.
    pub fn touch(&mut self) {
        self.dirty = true;
    }

    /// Makes one more of the pipelines that most series are drawn with, so that no first picture waits for it. False
    /// when all are there.
    pub fn warm(&mut self) -> bool {
        match &mut self.means {
            Means::Graphics { gpu, passes } => passes.warm(gpu),
            Means::Processor(_) => false,
        }
    }

    /// Draws all viewports of the layout on a target of the canvas' size. Nothing happens where the processor paints.
    pub fn draw(&mut self, target: &wgpu::TextureView) {
        let Means::Graphics { gpu, passes } = &mut self.means else { return };
        let plans = plans(&self.viewports, &self.stacks, self.canvas);
        let drawings: Vec<_> = plans.filter_map(|plan| plan.drawing(gpu)).collect();
        passes.paint(gpu, target, &drawings);
        self.dirty = false;
    }

    /// Paints all viewports of the layout by the processor: `target` has a device pixel for each of the canvas, row by
    /// row. Nothing happens where a device draws.
    pub fn paint(&mut self, target: &mut [Rgba]) {
        let Means::Processor(painter) = &mut self.means else { return };
        let plans = plans(&self.viewports, &self.stacks, self.canvas);
        let paintings: Vec<_> = plans.filter_map(|plan| plan.painting()).collect();
        painter.paint(target, self.canvas[0] as usize, &paintings);
        self.dirty = false;
    }

    /// Draws one viewport beside the canvas and reads its pixels.
    pub fn read_back(&mut self, viewport: u32) -> Result<Reading, SceneError> {
        let slot = self.viewports.get(&viewport).ok_or(SceneError::Viewport(viewport))?;
        let rect = slot.rect.ok_or(SceneError::Viewport(viewport))?;
        let alone = Rect { x: 0, y: 0, width: rect.width.max(1), height: rect.height.max(1) };
        let plan = Plan::of(&self.stacks, viewport, slot, alone, [alone.width, alone.height]);
        Ok(match &mut self.means {
            Means::Graphics { gpu, passes } => {
                let texture = passes.off_screen(gpu, alone.width, alone.height);
                let drawings: Vec<_> = plan.and_then(|plan| plan.drawing(gpu)).into_iter().collect();
                passes.paint(gpu, &texture.create_view(&wgpu::TextureViewDescriptor::default()), &drawings);
                Reading::start(gpu, &texture)
            }
            Means::Processor(painter) => {
                let mut pixels = vec![Rgba::default(); alone.width as usize * alone.height as usize];
                let paintings: Vec<_> = plan.and_then(|plan| plan.painting()).into_iter().collect();
                painter.paint(&mut pixels, alone.width as usize, &paintings);
                Reading::ready(pixels.into_flattened())
            }
        })
    }

    fn parts(&self, viewport: u32) -> Result<Option<(Shown, &Stack, Rect)>, SceneError> {
        let slot = self.viewports.get(&viewport).ok_or(SceneError::Viewport(viewport))?;
        let rect = slot.rect.ok_or(SceneError::Viewport(viewport))?;
        Ok(slot.shown.and_then(|shown| Some((shown, self.stacks.get(&shown.series)?, rect))))
    }

    fn change(&mut self, viewport: u32, edit: impl FnOnce(&mut Shown, &Stack, Rect)) -> Result<(), SceneError> {
        let (mut shown, stack, rect) = self.parts(viewport)?.ok_or(SceneError::Empty(viewport))?;
        edit(&mut shown, stack, rect);
        if let Some(slot) = self.viewports.get_mut(&viewport) {
            slot.shown = Some(shown);
            self.dirty = true;
        }
        Ok(())
    }
}

/// What points of a frame are told in; none if the series has no such frame.
fn ground(series: &Series, index: u32) -> Option<Ground> {
    let frame = series.frames.get(index as usize)?;
    Some(Ground::of(frame, series.usable_spacing(index)))
}

fn mapping(shown: &Shown, raster: Raster, rect: Rect) -> Mapping {
    shown.placement.mapping(raster, rect.size())
}
