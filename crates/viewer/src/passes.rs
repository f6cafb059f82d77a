//! Pipelines, one per mode, and the pass that paints viewports with them.

use crate::Format;
use crate::gpu::Gpu;
use crate::look::{Curve, Grey, Modality, Mode, Samples, Uniform};
use crate::stack::create_frame;
use bytemuck::Zeroable as _;
use std::collections::BTreeMap;

const VIEW: &str = include_str!("shaders/view.wgsl");
const GREY: &str = include_str!("shaders/grey.wgsl");
const COLOR: &str = include_str!("shaders/color.wgsl");

/// The formats of stored values that are read so.
fn formats(samples: Samples) -> &'static [Format] {
    match samples {
        Samples::Unsigned => &[Format::U16, Format::U8],
        Samples::Signed => &[Format::I16],
        Samples::Color => &[Format::Rgb8],
    }
}

impl Mode {
    /// The modes that most series are drawn with: small images, a linear window, with padding or without.
    fn usual() -> impl Iterator<Item = Self> {
        let grey = |padded| Grey { padded, modality: Modality::Rescale, curve: Curve::Linear };
        let of = move |samples, padded, smooth| {
            let grey = (samples != Samples::Color).then(|| grey(padded));
            Self { samples, smooth, grey }
        };
        [true, false].into_iter().flat_map(move |smooth| {
            [
                of(Samples::Signed, true, smooth),
                of(Samples::Signed, false, smooth),
                of(Samples::Unsigned, false, smooth),
                of(Samples::Color, false, smooth),
                of(Samples::Unsigned, true, smooth),
            ]
        })
    }

    fn entry_point(self) -> &'static str {
        match (self.grey, self.smooth) {
            (Some(_), _) => "grey",
            (None, false) => "nearest_color",
            (None, true) => "smooth_color",
        }
    }

    /// Every mode there is.
    fn all() -> Vec<Self> {
        let mut modes = Vec::new();
        for smooth in [false, true] {
            modes.push(Self { samples: Samples::Color, smooth, grey: None });
            for samples in [Samples::Unsigned, Samples::Signed] {
                for (padded, modality) in [false, true]
                    .into_iter()
                    .flat_map(|padded| [Modality::Rescale, Modality::Table].map(|m| (padded, m)))
                {
                    for curve in [Curve::Linear, Curve::Sigmoid, Curve::Table] {
                        modes.push(Self { samples, smooth, grey: Some(Grey { padded, modality, curve }) });
                    }
                }
            }
        }
        modes
    }
}

/// A module is `view.wgsl`, the source of its samples, and what grey or color is drawn through.
fn module(mode: Mode) -> (String, String) {
    let (name, source) = match mode.samples {
        Samples::Unsigned => ("u32", include_str!("shaders/stored-u32.wgsl")),
        Samples::Signed => ("i32", include_str!("shaders/stored-i32.wgsl")),
        Samples::Color => ("color", include_str!("shaders/stored-color.wgsl")),
    };
    let Some(Grey { padded, modality, curve }) = mode.grey else {
        let way = mode.entry_point();
        return (format!("{name} {way}"), [VIEW, source, COLOR].join("\n"));
    };
    let (ways, sample) = match (mode.smooth, padded) {
        (false, false) => ("nearest", include_str!("shaders/sample-nearest.wgsl")),
        (false, true) => ("nearest padded", include_str!("shaders/sample-nearest-padded.wgsl")),
        (true, false) => ("smooth", include_str!("shaders/sample-smooth.wgsl")),
        (true, true) => ("smooth padded", include_str!("shaders/sample-smooth-padded.wgsl")),
    };
    let (first, modality) = match modality {
        Modality::Rescale => ("rescale", include_str!("shaders/modality-rescale.wgsl")),
        Modality::Table => ("table", include_str!("shaders/modality-table.wgsl")),
    };
    let (then, curve) = match curve {
        Curve::Linear => ("linear", include_str!("shaders/curve-linear.wgsl")),
        Curve::Sigmoid => ("sigmoid", include_str!("shaders/curve-sigmoid.wgsl")),
        Curve::Table => ("table", include_str!("shaders/curve-table.wgsl")),
    };
    (format!("{name} {ways} {first} {then}"), [VIEW, source, GREY, sample, modality, curve].join("\n"))
}

/// All modules by name.
pub(crate) fn modules() -> Vec<(String, String)> {
    Mode::all().into_iter().map(module).collect()
}

/// One viewport to paint.
#[derive(Debug)]
pub(crate) struct Drawing<'a> {
    pub(crate) viewport: u32,
    /// x, y, width, height on the target, within it.
    pub(crate) scissor: [u32; 4],
    pub(crate) mode: Mode,
    pub(crate) uniform: Uniform,
    pub(crate) texture: &'a wgpu::Texture,
    /// In place of slope and intercept.
    pub(crate) modality_table: Option<&'a wgpu::Texture>,
    /// In place of a window.
    pub(crate) voi_table: Option<&'a wgpu::Texture>,
}

/// No viewport has this number.
const REHEARSAL: u32 = u32::MAX;

/// Pipelines and uniforms of a device.
#[derive(Debug)]
pub(crate) struct Passes {
    format: wgpu::TextureFormat,
    pipelines: BTreeMap<Mode, wgpu::RenderPipeline>,
    uniforms: BTreeMap<u32, wgpu::Buffer>,
}

impl Passes {
    pub(crate) fn new(format: wgpu::TextureFormat) -> Self {
        Self { format, pipelines: BTreeMap::new(), uniforms: BTreeMap::new() }
    }

    /// Makes one more of the usual pipelines; false when all are there.
    pub(crate) fn warm(&mut self, gpu: &Gpu) -> bool {
        let missing = Mode::usual().find(|mode| !self.pipelines.contains_key(mode));
        if let Some(mode) = missing {
            self.pipelines.insert(mode, create_pipeline(&gpu.device, self.format, mode));
            self.rehearse(gpu, mode);
        }
        missing.is_some()
    }

    /// Draws a few pixels that nobody sees: a driver may finish a pipeline only when it is first drawn with, for the
    /// formats it then meets. Without a graphics processor that took 15 to 30 ms.
    fn rehearse(&mut self, gpu: &Gpu, mode: Mode) {
        let target = self.off_screen(gpu, 8, 8).create_view(&Default::default());
        for format in formats(mode.samples) {
            let texture = create_frame(&gpu.device, *format, 8, 8);
            let drawing = Drawing {
                viewport: REHEARSAL,
                scissor: [0, 0, 8, 8],
                mode,
                uniform: Uniform::zeroed(),
                texture: &texture,
                modality_table: None,
                voi_table: None,
            };
            self.paint(gpu, &target, &[drawing]);
        }
    }

    /// Clears the target to black and paints.
    pub(crate) fn paint(&mut self, gpu: &Gpu, target: &wgpu::TextureView, drawings: &[Drawing<'_>]) {
        let mut groups = Vec::with_capacity(drawings.len());
        for drawing in drawings {
            let mode = drawing.mode;
            let pipeline =
                self.pipelines.entry(mode).or_insert_with(|| create_pipeline(&gpu.device, self.format, mode));
            let uniform = self.uniforms.entry(drawing.viewport).or_insert_with(|| {
                gpu.device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("view"),
                    size: size_of::<Uniform>() as u64,
                    usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                })
            });
            gpu.queue.write_buffer(uniform, 0, bytemuck::bytes_of(&drawing.uniform));
            let textures = [(1, Some(drawing.texture)), (2, drawing.modality_table), (3, drawing.voi_table)];
            let views: Vec<_> = textures
                .into_iter()
                .filter_map(|(binding, texture)| Some((binding, texture?.create_view(&Default::default()))))
                .collect();
            let views = views.iter().map(|(binding, view)| wgpu::BindGroupEntry {
                binding: *binding,
                resource: wgpu::BindingResource::TextureView(view),
            });
            let uniform = wgpu::BindGroupEntry { binding: 0, resource: uniform.as_entire_binding() };
            groups.push(gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("view"),
                layout: &pipeline.get_bind_group_layout(0),
                entries: &std::iter::once(uniform).chain(views).collect::<Vec<_>>(),
            }));
        }
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("viewports"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: target,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
            })],
            depth_stencil_attachment: None,
            timestamp_writes: None,
            occlusion_query_set: None,
            multiview_mask: None,
        });
        for (drawing, group) in drawings.iter().zip(&groups) {
            let Some(pipeline) = self.pipelines.get(&drawing.mode) else { continue };
            let [x, y, width, height] = drawing.scissor;
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, group, &[]);
            pass.set_scissor_rect(x, y, width, height);
            pass.draw(0..3, 0..1);
        }
        drop(pass);
        gpu.queue.submit([encoder.finish()]);
    }

    /// A texture of the target's format, to paint on and to read.
    pub(crate) fn off_screen(&self, gpu: &Gpu, width: u32, height: u32) -> wgpu::Texture {
        gpu.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("off screen"),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: self.format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        })
    }
}

fn create_pipeline(device: &wgpu::Device, format: wgpu::TextureFormat, mode: Mode) -> wgpu::RenderPipeline {
    let (name, text) = module(mode);
    let name = name.as_str();
    let shader = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(name),
        source: wgpu::ShaderSource::Wgsl(text.into()),
    });
    let sample_type = match mode.samples {
        Samples::Unsigned | Samples::Color => wgpu::TextureSampleType::Uint,
        Samples::Signed => wgpu::TextureSampleType::Sint,
    };
    let entry =
        |binding, ty| wgpu::BindGroupLayoutEntry { binding, visibility: wgpu::ShaderStages::FRAGMENT, ty, count: None };
    let texture = |sample_type| wgpu::BindingType::Texture {
        sample_type,
        view_dimension: wgpu::TextureViewDimension::D2,
        multisampled: false,
    };
    let table = texture(wgpu::TextureSampleType::Uint);
    let uniform = wgpu::BindingType::Buffer {
        ty: wgpu::BufferBindingType::Uniform,
        has_dynamic_offset: false,
        min_binding_size: None,
    };
    let mut entries = vec![entry(0, uniform), entry(1, texture(sample_type))];
    if mode.grey.is_some_and(|grey| grey.modality == Modality::Table) {
        entries.push(entry(2, table));
    }
    if mode.grey.is_some_and(|grey| grey.curve == Curve::Table) {
        entries.push(entry(3, table));
    }
    let layout =
        device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(name), entries: &entries });
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(name),
        layout: Some(&device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(name),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        })),
        vertex: wgpu::VertexState {
            module: &shader,
            entry_point: Some("corner"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: &shader,
            entry_point: Some(mode.entry_point()),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(format.into())],
        }),
        multiview_mask: None,
        cache: None,
    })
}
