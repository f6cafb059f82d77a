//! The canvas as what pictures come to: a surface of the graphics device, or one of the processor's own.

use crate::wire;
use viewer::{Gpu, Rgba, Viewer};
use wasm_bindgen::Clamped;
use wasm_bindgen::prelude::*;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

pub(crate) fn fail(error: impl std::fmt::Display) -> JsValue {
    JsError::new(&error.to_string()).into()
}

#[derive(Debug)]
pub(crate) enum Surface {
    Device(Device),
    Memory(Memory),
}

#[derive(Debug)]
pub(crate) struct Device {
    surface: wgpu::Surface<'static>,
    config: wgpu::SurfaceConfiguration,
    configured: bool,
    canvas: HtmlCanvasElement,
}

#[derive(Debug)]
pub(crate) struct Memory {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    pixels: Vec<Rgba>,
}

impl Surface {
    /// Whether the canvas has to be made to the viewer's size first.
    pub(crate) fn unsized_yet(&self) -> bool {
        match self {
            Self::Device(device) => !device.configured,
            Self::Memory(_) => false,
        }
    }

    pub(crate) fn resized(&mut self) {
        match self {
            Self::Device(device) => device.configured = false,
            Self::Memory(_) => {}
        }
    }

    /// Shows what the viewer shows; false where the canvas could not be drawn on now.
    pub(crate) fn draw(&mut self, viewer: &mut Viewer) -> Result<bool, JsValue> {
        match self {
            Self::Device(device) => device.draw(viewer),
            Self::Memory(memory) => memory.draw(viewer),
        }
    }

    /// Whether the device is gone.
    pub(crate) fn lost(&self, viewer: &Viewer) -> bool {
        match (self, viewer.gpu()) {
            (Self::Device(device), Some(gpu)) => {
                // wgpu does not say that a WebGL context is lost; the canvas does.
                if !gpu.lost() && context_lost(&device.canvas, "webgl2") {
                    gpu.set_lost();
                }
                gpu.lost()
            }
            // What is put on a lost one is not seen.
            (Self::Memory(memory), _) => context_lost(&memory.canvas, "2d"),
            (Self::Device(_), None) => false,
        }
    }
}

impl Device {
    pub(crate) async fn open(canvas: HtmlCanvasElement, webgl_only: bool) -> Result<(Self, Viewer, String), JsValue> {
        let backends =
            if webgl_only { wgpu::Backends::GL } else { wgpu::Backends::BROWSER_WEBGPU | wgpu::Backends::GL };
        let instance = wgpu::util::new_instance_with_webgpu_detection(wgpu::InstanceDescriptor {
            backends,
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        })
        .await;
        if webgl_only || !wgpu::util::is_browser_webgpu_supported().await {
            open_webgl(&canvas)?;
        }
        // On WebGL2 the adapter comes from the canvas: without a surface there is none.
        let surface = instance.create_surface(wgpu::SurfaceTarget::Canvas(canvas.clone())).map_err(fail)?;
        let adapter = instance
            .request_adapter(&wgpu::RequestAdapterOptions {
                compatible_surface: Some(&surface),
                ..wgpu::RequestAdapterOptions::default()
            })
            .await
            .map_err(fail)?;
        let gpu = Gpu::open(&adapter).await.map_err(fail)?;
        let size = [canvas.width(), canvas.height()];
        let mut config = surface
            .get_default_config(&adapter, size[0].max(1), size[1].max(1))
            .ok_or_else(|| fail("the adapter can't draw on the canvas"))?;
        // An sRGB format would change grey values on their way to the canvas.
        config.format = surface
            .get_capabilities(&adapter)
            .formats
            .into_iter()
            .find(|f| matches!(f, wgpu::TextureFormat::Rgba8Unorm | wgpu::TextureFormat::Bgra8Unorm))
            .ok_or_else(|| fail("the canvas has no 8 bit format without sRGB"))?;
        config.alpha_mode = wgpu::CompositeAlphaMode::Opaque;
        let about = adapter.get_info();
        let info = wire::Info {
            backend: format!("{:?}", about.backend),
            max2d: gpu.max_2d(),
            format: format!("{:?}", config.format),
            adapter: about.name,
        };
        let viewer = Viewer::new(gpu, config.format, size);
        Ok((Self { surface, config, configured: false, canvas }, viewer, info.json()))
    }

    fn draw(&mut self, viewer: &mut Viewer) -> Result<bool, JsValue> {
        let Some(gpu) = viewer.gpu().cloned() else { return Ok(false) };
        if !self.configured {
            let [width, height] = viewer.canvas();
            self.config.width = width;
            self.config.height = height;
            self.surface.configure(gpu.device(), &self.config);
            self.configured = true;
        }
        use wgpu::CurrentSurfaceTexture as Current;
        let frame = match self.surface.get_current_texture() {
            Current::Success(frame) | Current::Suboptimal(frame) => frame,
            Current::Outdated | Current::Lost | Current::Validation => {
                self.configured = false;
                return Ok(false);
            }
            Current::Timeout | Current::Occluded => return Ok(false),
        };
        let view = frame.texture.create_view(&wgpu::TextureViewDescriptor::default());
        viewer.draw(&view);
        gpu.queue().present(frame);
        match gpu.take_error() {
            Some(error) => Err(fail(error)),
            None => Ok(true),
        }
    }
}

impl Memory {
    pub(crate) fn open(canvas: HtmlCanvasElement) -> Result<(Self, Viewer, String), JsValue> {
        let options = js_sys::Object::new();
        // The second asks for a canvas in memory: one on a device that is computed would be copied there and back.
        for (name, wanted) in [("alpha", false), ("willReadFrequently", true)] {
            js_sys::Reflect::set(&options, &name.into(), &wanted.into())?;
        }
        let context = canvas
            .get_context_with_context_options("2d", &options)?
            .and_then(|context| context.dyn_into::<CanvasRenderingContext2d>().ok())
            .ok_or_else(|| fail("the canvas can't be painted on"))?;
        let viewer = Viewer::on_processor([canvas.width(), canvas.height()]);
        let info = wire::Info {
            backend: "Processor".to_owned(),
            max2d: viewer.most(),
            format: "Rgba8Unorm".to_owned(),
            adapter: String::new(),
        };
        Ok((Self { canvas, context, pixels: Vec::new() }, viewer, info.json()))
    }

    fn draw(&mut self, viewer: &mut Viewer) -> Result<bool, JsValue> {
        let [width, height] = viewer.canvas();
        // To give a canvas a size makes it black, even if it is the one that it has.
        if [self.canvas.width(), self.canvas.height()] != [width, height] {
            self.canvas.set_width(width);
            self.canvas.set_height(height);
        }
        self.pixels.resize(width as usize * height as usize, Rgba::default());
        viewer.paint(&mut self.pixels);
        let pixels = Clamped(self.pixels.as_flattened());
        let image = ImageData::new_with_u8_clamped_array_and_sh(pixels, width, height)?;
        self.context.put_image_data(&image, 0.0, 0.0)?;
        Ok(true)
    }
}

/// Opens the canvas's context before wgpu does. Without what the pictures never use: it would be cleared or blended with
/// the page once a frame. With its buffer preserved: a web view that paints by processor reads it after the frame in which
/// it was drawn, and would find it empty beneath a text that names the image. Asked again, a canvas gives the context it
/// has.
fn open_webgl(canvas: &HtmlCanvasElement) -> Result<(), JsValue> {
    let options = js_sys::Object::new();
    for (name, wanted) in
        [("alpha", false), ("antialias", false), ("depth", false), ("stencil", false), ("preserveDrawingBuffer", true)]
    {
        js_sys::Reflect::set(&options, &name.into(), &wanted.into())?;
    }
    canvas.get_context_with_context_options("webgl2", &options).map(|_| ())
}

fn context_lost(canvas: &HtmlCanvasElement, kind: &str) -> bool {
    // Asked again, a canvas gives the context it has, and none of another kind.
    let Ok(Some(context)) = canvas.get_context(kind) else { return false };
    js_sys::Reflect::get(&context, &"isContextLost".into())
        .and_then(|f| f.dyn_into::<js_sys::Function>())
        .and_then(|f| f.call0(&context))
        .is_ok_and(|lost| lost.is_truthy())
}
