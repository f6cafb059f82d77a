//! What the viewer's tests share: a software device, seeded values, messages and a reference written from
//! the standard's text.

#![allow(dead_code, reason = "each test file uses a part of it")]

use viewer::{Arrival, Calibration, Format, Frame, FrameMessage, Function, Gpu, Rect, Series, Viewer, Window};

/// Axial: columns run to the left hand, rows to the back.
pub(crate) const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

/// The only viewport.
pub(crate) const VIEWPORT: u32 = 7;

/// Each file of facts about pictures is a test of its own for the processor as well: `NAME_on_processor`.
fn on_processor() -> bool {
    env!("CARGO_CRATE_NAME").ends_with("_on_processor")
}

pub(crate) fn open(canvas: [u32; 2]) -> Viewer {
    let mut viewer = if on_processor() { Viewer::on_processor(canvas) } else { on_device(canvas) };
    viewer.set_layout(&[(VIEWPORT, Rect { x: 0, y: 0, width: canvas[0], height: canvas[1] })]);
    viewer
}

/// A viewer that draws by Mesa's software device.
pub(crate) fn on_device(canvas: [u32; 2]) -> Viewer {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::VULKAN,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))
        .expect("Mesa's software device is installed where tests run");
    let gpu = pollster::block_on(Gpu::open(&adapter)).expect("the adapter gives a device with its own limits");
    Viewer::new(gpu, wgpu::TextureFormat::Rgba8Unorm, canvas)
}

pub(crate) fn series(format: Format, columns: u32, rows: u32, frames: usize) -> Series {
    let frame = |i: usize| Frame {
        position: Some([0.0, 0.0, i as f64]),
        orientation: Some(AXIAL),
        thickness: Some(1.0),
        slope: 1.0,
        intercept: 0.0,
        pixels: 0,
    };
    Series {
        handle: 3,
        columns,
        rows,
        format,
        frames: (0..frames).map(frame).collect(),
        spacing: None,
        calibration: Calibration::None,
        window: window(40.0, 400.0, Function::Linear),
        inverted: false,
        pixels: Vec::new(),
        tables: Vec::new(),
    }
}

pub(crate) fn window(center: f64, width: f64, function: Function) -> Window {
    Window { center, width, function }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.next().to_le_bytes()).flatten().take(count).collect()
    }
}

/// CRC-32 of ISO 3309, bit by bit.
pub(crate) fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xedb8_8320 } else { c >> 1 })
    })
}

/// A message of `rows` of the series' frame, beginning at `first_row`.
pub(crate) fn message(series: &Series, frame: u32, first_row: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let format = match series.format {
        Format::U8 => 0,
        Format::U16 => 1,
        Format::I16 => 2,
        Format::Rgb8 => 3,
    };
    let half = |n: u32| u16::try_from(n).expect("sizes of tests are small").to_le_bytes();
    let mut bytes = vec![1, 3, format, flags];
    bytes.extend(series.handle.to_le_bytes());
    bytes.extend(frame.to_le_bytes());
    bytes.extend(half(series.columns));
    bytes.extend(half(series.rows));
    bytes.extend(9u32.to_le_bytes());
    bytes.extend(first_row.to_le_bytes());
    bytes.extend(crc(payload).to_le_bytes());
    bytes.extend(0u32.to_le_bytes());
    bytes.extend(payload);
    bytes
}

pub(crate) fn upload(viewer: &mut Viewer, series: &Series, frame: u32, payload: &[u8]) {
    let bytes = message(series, frame, 0, 2, payload);
    let message = FrameMessage::read(&bytes).expect("the message is well formed");
    let arrival = viewer.take(&message).expect("the series is open and has the frame");
    assert_eq!(arrival, Arrival::Complete, "one message carries the whole frame");
}

/// RGBA of the canvas, once everything is drawn.
pub(crate) fn drawn(viewer: &mut Viewer) -> Vec<u8> {
    let [width, height] = viewer.canvas();
    let Some(gpu) = viewer.gpu().cloned() else {
        // What was there before must not matter.
        let mut target = vec![[7; 4]; width as usize * height as usize];
        viewer.paint(&mut target);
        return target.into_flattened();
    };
    let pitch = (width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let device = gpu.device();
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    });
    viewer.draw(&texture.create_view(&wgpu::TextureViewDescriptor::default()));
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: u64::from(pitch * height),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_texture_to_buffer(
        texture.as_image_copy(),
        wgpu::TexelCopyBufferInfo {
            buffer: &buffer,
            layout: wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(pitch), rows_per_image: None },
        },
        texture.size(),
    );
    gpu.queue().submit([encoder.finish()]);
    buffer.slice(..).map_async(wgpu::MapMode::Read, |mapped| mapped.expect("the device answers"));
    device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
    let mapped = buffer.slice(..).get_mapped_range().expect("it is mapped");
    mapped.chunks_exact(pitch as usize).flat_map(|line| &line[..width as usize * 4]).copied().collect()
}

/// RGBA of the viewport.
pub(crate) fn picture(viewer: &mut Viewer) -> Vec<u8> {
    let reading = viewer.read_back(VIEWPORT).expect("the viewport is in the layout");
    reading.wait().expect("the software device answers")
}

/// The red components; fails unless the pixels are grey and opaque.
pub(crate) fn grey(rgba: &[u8]) -> Vec<u8> {
    rgba.chunks_exact(4)
        .map(|p| {
            assert!(p[0] == p[1] && p[1] == p[2] && p[3] == 255, "a grey image has grey pixels, this is {p:?}");
            p[0]
        })
        .collect()
}

pub(crate) fn stored_values(format: Format, bytes: &[u8]) -> Vec<i32> {
    match format {
        Format::U8 => bytes.iter().map(|b| i32::from(*b)).collect(),
        Format::U16 => bytes.chunks_exact(2).map(|b| i32::from(u16::from_le_bytes([b[0], b[1]]))).collect(),
        Format::I16 => bytes.chunks_exact(2).map(|b| i32::from(i16::from_le_bytes([b[0], b[1]]))).collect(),
        Format::Rgb8 => panic!("color has no stored values"),
    }
}

/// PS3.3 C.11.2.1.2.1 and C.11.2.1.3 as their pseudo code says, y from 0 to 255, in f64.
pub(crate) fn level(value: f64, window: Window) -> f64 {
    let Window { center: c, width: w, function } = window;
    match function {
        Function::Linear if value <= c - 0.5 - (w - 1.0) / 2.0 => 0.0,
        Function::Linear if value > c - 0.5 + (w - 1.0) / 2.0 => 255.0,
        Function::Linear => ((value - (c - 0.5)) / (w - 1.0) + 0.5) * 255.0,
        Function::LinearExact if value <= c - w / 2.0 => 0.0,
        Function::LinearExact if value > c + w / 2.0 => 255.0,
        Function::LinearExact => ((value - c) / w + 0.5) * 255.0,
        Function::Sigmoid => 255.0 / (1.0 + (-4.0 * (value - c) / w).exp()),
    }
}
