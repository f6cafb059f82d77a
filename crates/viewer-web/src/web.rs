//! The class `Viewer` of the page.

use crate::surface::{Device, Memory, Surface, fail};
use crate::wire;
use viewer::{Arrival, FrameMessage, Window};
use wasm_bindgen::prelude::*;

/// Turns of the event loop that a read-back may take before it counts as failed.
const READ_TURNS: u32 = 5000;

/// One viewer on one canvas.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Viewer {
    viewer: viewer::Viewer,
    surface: Surface,
    info: String,
}

#[wasm_bindgen]
impl Viewer {
    /// Opens a device for the canvas: WebGPU where there is one, else WebGL2. With `webgl_only` WebGPU is not
    /// tried: for a page that has lost a WebGPU device.
    pub async fn create(canvas: web_sys::HtmlCanvasElement, webgl_only: Option<bool>) -> Result<Viewer, JsValue> {
        console_error_panic_hook::set_once();
        let (device, viewer, info) = Device::open(canvas, webgl_only.unwrap_or(false)).await?;
        Ok(Viewer { viewer, surface: Surface::Device(device), info })
    }

    /// Paints the canvas by the processor: for a computer whose graphics are computed by it anyway, or whose graphics
    /// device can't be used. The canvas must have had no other context.
    pub fn on_processor(canvas: web_sys::HtmlCanvasElement) -> Result<Viewer, JsValue> {
        console_error_panic_hook::set_once();
        let (memory, viewer, info) = Memory::open(canvas)?;
        Ok(Viewer { viewer, surface: Surface::Memory(memory), info })
    }

    /// `{backend, max2d, format, adapter}`.
    pub fn info(&self) -> String {
        self.info.clone()
    }

    /// The canvas gets this size in device pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        let most = self.viewer.most();
        let size = [width.min(most), height.min(most)];
        if size != self.viewer.canvas() || self.surface.unsized_yet() {
            self.surface.resized();
            self.viewer.resize(size);
        }
    }

    /// Places viewports: `[{id, x, y, width, height}]`.
    pub fn set_layout(&mut self, json: &str) -> Result<(), JsValue> {
        self.viewer.set_layout(&wire::layout(json).map_err(fail)?);
        Ok(())
    }

    /// Opens a series from its view model.
    pub fn add_series(&mut self, json: &str) -> Result<(), JsValue> {
        self.viewer.add_series(wire::series(json).map_err(fail)?).map_err(fail)
    }

    /// Closes a series and frees its memory.
    pub fn remove_series(&mut self, handle: u32) {
        self.viewer.remove_series(handle);
    }

    /// Shows a series as it is stored, or nothing if the handle is negative.
    pub fn show(&mut self, viewport: u32, handle: f64) -> Result<(), JsValue> {
        #[expect(clippy::cast_possible_truncation, reason = "handles are u32 and exact in the page's numbers")]
        let series = (handle >= 0.0).then_some(handle as u32);
        self.viewer.show(viewport, series).map_err(fail)
    }

    /// Takes a bulk message of a frame: `{series, frame, complete, preview}`.
    pub fn frame(&mut self, message: &[u8]) -> Result<String, JsValue> {
        self.check()?;
        let message = FrameMessage::read(message).map_err(fail)?;
        let arrival = self.viewer.take(&message).map_err(fail)?;
        Ok(wire::taken(&message, arrival))
    }

    /// Whether all of a frame is there.
    pub fn has_frame(&self, handle: u32, index: u32) -> bool {
        self.viewer.arrival(handle, index) == Arrival::Complete
    }

    /// Shows another frame.
    pub fn set_index(&mut self, viewport: u32, index: u32) -> Result<(), JsValue> {
        self.viewer.set_index(viewport, index).map_err(fail)
    }

    /// Sets the window; the function is `linear`, `linear-exact` or `sigmoid`.
    pub fn set_window(&mut self, viewport: u32, center: f64, width: f64, function: &str) -> Result<(), JsValue> {
        let function = wire::function(function).map_err(fail)?;
        self.viewer.set_window(viewport, Window { center, width, function }).map_err(fail)
    }

    /// Shows greys by the look-up table at this place of each frame's list.
    pub fn set_table(&mut self, viewport: u32, place: u32) -> Result<(), JsValue> {
        self.viewer.set_table(viewport, place).map_err(fail)
    }

    /// Shows each frame with its own window or table.
    pub fn set_as_stored(&mut self, viewport: u32) -> Result<(), JsValue> {
        self.viewer.set_as_stored(viewport).map_err(fail)
    }

    /// Shows low values bright, or dark.
    pub fn set_inverted(&mut self, viewport: u32, inverted: bool) -> Result<(), JsValue> {
        self.viewer.set_inverted(viewport, inverted).map_err(fail)
    }

    /// Zooms by a factor; what is under the point stays there.
    pub fn zoom_at(&mut self, viewport: u32, factor: f64, x: f64, y: f64) -> Result<(), JsValue> {
        self.viewer.zoom_at(viewport, factor, [x, y]).map_err(fail)
    }

    /// Moves the image.
    pub fn pan_by(&mut self, viewport: u32, dx: f64, dy: f64) -> Result<(), JsValue> {
        self.viewer.pan_by(viewport, [dx, dy]).map_err(fail)
    }

    /// Shows the whole image, also after the viewport has changed its size.
    pub fn fit(&mut self, viewport: u32) -> Result<(), JsValue> {
        self.viewer.fit(viewport).map_err(fail)
    }

    /// One image pixel on one device pixel.
    pub fn one_to_one(&mut self, viewport: u32) -> Result<(), JsValue> {
        self.viewer.one_to_one(viewport).map_err(fail)
    }

    /// Rotates clockwise by quarter turns.
    pub fn rotate(&mut self, viewport: u32, quarter_turns: i32) -> Result<(), JsValue> {
        self.viewer.rotate(viewport, quarter_turns).map_err(fail)
    }

    /// Mirrors: left and right exchanged, or top and bottom.
    pub fn flip(&mut self, viewport: u32, horizontal: bool) -> Result<(), JsValue> {
        self.viewer.flip(viewport, horizontal).map_err(fail)
    }

    /// Window, inversion and placement as at the beginning; the frame stays.
    pub fn reset(&mut self, viewport: u32) -> Result<(), JsValue> {
        self.viewer.reset(viewport).map_err(fail)
    }

    /// What the viewport shows, `null` if nothing: `{handle, index, count, window, table, asStored, inverted,
    /// zoomPercent, fit, mmPerPx, letters, scaleBar, position, thickness, ready, preview}`.
    pub fn state(&self, viewport: u32) -> Result<String, JsValue> {
        self.viewer.state(viewport).map(wire::state).map_err(fail)
    }

    /// What lies under a point: `{column, row, inside, pixel, patient, frame}`, `null` if no series is shown.
    pub fn locate(&self, viewport: u32, x: f64, y: f64) -> Result<String, JsValue> {
        self.viewer.locate(viewport, [x, y]).map(wire::located).map_err(fail)
    }

    /// Where an image point lies on the canvas.
    pub fn to_screen(&self, viewport: u32, column: f64, row: f64) -> Result<Vec<f64>, JsValue> {
        self.viewer.to_screen(viewport, [column, row]).map(Vec::from).map_err(fail)
    }

    /// What the viewport shows, for viewports of others: `{index, center, height, voi, inverted, flipped, turns}`, `null`
    /// if nothing.
    pub fn presented(&self, viewport: u32) -> Result<String, JsValue> {
        self.viewer.presented(viewport).map(wire::presented).map_err(fail)
    }

    /// Shows what `presented` said elsewhere.
    pub fn present(&mut self, viewport: u32, json: &str) -> Result<(), JsValue> {
        self.viewer.present(viewport, &wire::to_present(json).map_err(fail)?).map_err(fail)
    }

    /// Where a frame lies in the patient: `{origin, row, column}`, `null` where it has no geometry, and then points are
    /// `[column, row, 0]` in pixels.
    pub fn plane(&self, handle: u32, frame: u32) -> Result<String, JsValue> {
        self.viewer.plane(handle, frame).map(wire::plane).map_err(fail)
    }

    /// What lies under a point, in the patient or in pixels, `null` if no series is shown.
    pub fn point_of(&self, viewport: u32, x: f64, y: f64) -> Result<String, JsValue> {
        self.viewer.point_of(viewport, [x, y]).map(wire::point).map_err(fail)
    }

    /// Where such a point lies on the canvas.
    pub fn place_of(&self, viewport: u32, x: f64, y: f64, z: f64) -> Result<Vec<f64>, JsValue> {
        self.viewer.place_of(viewport, [x, y, z]).map(Vec::from).map_err(fail)
    }

    /// The distance of two image points: `{value, unit, detector}`.
    pub fn length(&self, handle: u32, frame: u32, c0: f64, r0: f64, c1: f64, r1: f64) -> Result<String, JsValue> {
        let length = self.viewer.length(handle, frame, [c0, r0], [c1, r1]).map_err(fail)?;
        let series = self.viewer.series(handle).filter(|s| (frame as usize) < s.frames.len());
        let series = series.ok_or_else(|| fail(format!("series {handle} has no frame {frame}")))?;
        Ok(wire::length(length, series.scale(frame).calibration))
    }

    /// Prepares a little of what the first picture of a series needs; false when nothing is left to prepare.
    pub fn warm(&mut self) -> bool {
        !self.lost() && self.viewer.warm()
    }

    /// Draws if something has changed; says whether it did.
    pub fn draw(&mut self) -> Result<bool, JsValue> {
        let [width, height] = self.viewer.canvas();
        if !self.viewer.dirty() || width == 0 || height == 0 || self.lost() {
            return Ok(false);
        }
        let drawn = self.surface.draw(&mut self.viewer);
        if drawn.is_err() {
            // The canvas still shows the picture before: a text that names the new one must not come to it.
            self.viewer.touch();
        }
        drawn
    }

    /// The pixels of a viewport as RGBA, for tests.
    #[wasm_bindgen(unchecked_return_type = "Promise<Uint8Array>")]
    pub fn read_back(&mut self, viewport: u32) -> Result<js_sys::Promise, JsValue> {
        self.check()?;
        let reading = self.viewer.read_back(viewport).map_err(fail)?;
        // The promise borrows nothing, so that other methods may be called while it waits.
        Ok(wasm_bindgen_futures::future_to_promise(async move {
            for _ in 0..READ_TURNS {
                if let Some(pixels) = reading.poll() {
                    return pixels.map(|p| js_sys::Uint8Array::from(p.as_slice()).into()).map_err(fail);
                }
                turn_of_the_loop().await?;
            }
            Err(fail("the pixels never became ready"))
        }))
    }

    /// Whether the device is gone.
    pub fn lost(&self) -> bool {
        self.surface.lost(&self.viewer)
    }

    fn check(&self) -> Result<(), JsValue> {
        if self.lost() { Err(fail("the graphics device is lost")) } else { Ok(()) }
    }
}

/// WebGL reports that a read-back is done only after the event loop has turned.
async fn turn_of_the_loop() -> Result<(), JsValue> {
    let mut schedule = |resolve: js_sys::Function, reject: js_sys::Function| {
        let started = js_sys::Reflect::get(&js_sys::global(), &"setTimeout".into())
            .and_then(|f| f.dyn_into::<js_sys::Function>())
            .and_then(|timer| timer.call2(&JsValue::NULL, &resolve, &0.into()));
        if let Err(error) = started {
            // Rejecting can't fail: the function comes from the promise itself.
            drop(reject.call1(&JsValue::NULL, &error));
        }
    };
    wasm_bindgen_futures::JsFuture::from(js_sys::Promise::new(&mut schedule)).await.map(|_| ())
}
