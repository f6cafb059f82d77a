//! The frames of one series, as textures or as they came, and the record of what has arrived.

use crate::gpu::Gpu;
use crate::painter::Values;
use crate::{Format, FrameMessage, Series, SeriesError};
use std::cell::OnceCell;
use std::collections::TryReserveError;
use thiserror::Error;

/// A look-up table lies in rows of this length, as `view.wgsl` reads it.
const TABLE_WIDTH: u32 = 1024;

/// What has come of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Nothing that can be shown.
    Absent,
    /// A reduced picture, not fit for a diagnosis.
    Preview,
    /// All of it.
    Complete,
}

/// Why a message does not belong to the series.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FrameError {
    /// No such series, or no more.
    #[error("series {0} is not open")]
    Series(u32),
    /// No such frame.
    #[error("series {series} has no frame {frame}")]
    Frame {
        /// Series handle.
        series: u32,
        /// Frame index.
        frame: u32,
    },
    /// Another size or format than the series'.
    #[error("series {series} has another size or format than the message for its frame {frame}")]
    Shape {
        /// Series handle.
        series: u32,
        /// Frame index.
        frame: u32,
    },
    /// The device refused.
    #[error("the graphics device refused: {0}")]
    Device(String),
    /// There is no memory for it.
    #[error("there is no room for the frame: {0}")]
    Room(#[from] TryReserveError),
}

#[derive(Debug)]
struct Arriving {
    preview: bool,
    rows: Vec<bool>,
}

#[derive(Debug)]
struct Slot {
    shown: Arrival,
    arriving: Option<Arriving>,
}

/// Where the stored values of a frame lie.
#[derive(Debug)]
enum Kept {
    Texture(wgpu::Texture),
    Bytes(Vec<u8>),
}

/// A series with its frames.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) series: Series,
    // Made when the frame comes: a series takes memory as its frames arrive, and a texture that is written whole need
    // not be cleared before.
    frames: Vec<Option<Kept>>,
    // Made when they are first drawn with: a series may bring tables for each of many frames.
    tables: Vec<OnceCell<wgpu::Texture>>,
    slots: Vec<Slot>,
}

/// Bytes of one pixel in a texture: color is stored with a fourth, unused component.
fn texel_bytes(format: Format) -> u32 {
    match format {
        Format::U8 => 1,
        Format::U16 | Format::I16 => 2,
        Format::Rgb8 => 4,
    }
}

// R16Float is never used for stored values: it holds 11 bits exactly.
fn texture_format(format: Format) -> wgpu::TextureFormat {
    match format {
        Format::U8 => wgpu::TextureFormat::R8Uint,
        Format::U16 => wgpu::TextureFormat::R16Uint,
        Format::I16 => wgpu::TextureFormat::R16Sint,
        Format::Rgb8 => wgpu::TextureFormat::Rgba8Uint,
    }
}

/// A texture for the stored values of a frame.
pub(crate) fn create_frame(device: &wgpu::Device, format: Format, columns: u32, rows: u32) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: Some("frame"),
        size: wgpu::Extent3d { width: columns, height: rows, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: texture_format(format),
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    })
}

impl Stack {
    pub(crate) fn new(series: Series, max_2d: u32) -> Result<Self, SeriesError> {
        let (columns, rows) = (series.columns, series.rows);
        if columns == 0 || rows == 0 || series.frames.is_empty() {
            return Err(SeriesError::Empty { columns, rows, frames: series.frames.len() });
        }
        if columns.max(rows) > max_2d {
            return Err(SeriesError::TooLarge { columns, rows, limit: max_2d });
        }
        let numbers = series.pixels.iter().flat_map(|pixels| pixels.modality.iter().chain(&pixels.voi));
        if let Some(missing) = numbers.copied().find(|number| series.table(*number).is_none()) {
            return Err(SeriesError::Table(missing));
        }
        Ok(Self {
            frames: series.frames.iter().map(|_| None).collect(),
            tables: series.tables.iter().map(|_| OnceCell::new()).collect(),
            slots: series.frames.iter().map(|_| Slot { shown: Arrival::Absent, arriving: None }).collect(),
            series,
        })
    }

    pub(crate) fn arrival(&self, frame: u32) -> Arrival {
        self.slots.get(frame as usize).map_or(Arrival::Absent, |slot| slot.shown)
    }

    /// The texture of a frame that can be shown.
    pub(crate) fn texture(&self, frame: u32) -> Option<&wgpu::Texture> {
        match self.shown(frame)? {
            Kept::Texture(texture) => Some(texture),
            Kept::Bytes(_) => None,
        }
    }

    /// The stored values of a frame that can be shown.
    pub(crate) fn values(&self, frame: u32) -> Option<Values<'_>> {
        match self.shown(frame)? {
            Kept::Bytes(bytes) => {
                Some(Values { format: self.series.format, columns: self.series.columns as usize, bytes })
            }
            Kept::Texture(_) => None,
        }
    }

    fn shown(&self, frame: u32) -> Option<&Kept> {
        self.frames.get(frame as usize)?.as_ref().filter(|_kept| self.arrival(frame) != Arrival::Absent)
    }

    /// The texture of a look-up table that has entries.
    pub(crate) fn table(&self, gpu: &Gpu, number: u32) -> Option<&wgpu::Texture> {
        let table = self.series.table(number)?;
        let cell = self.tables.get(number as usize)?;
        Some(cell.get_or_init(|| {
            let rows = u32::try_from(table.entries.len().div_ceil(TABLE_WIDTH as usize)).unwrap_or(u32::MAX);
            let size = wgpu::Extent3d { width: TABLE_WIDTH, height: rows.min(gpu.max_2d()), depth_or_array_layers: 1 };
            let texture = gpu.device.create_texture(&wgpu::TextureDescriptor {
                label: Some("table"),
                size,
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: wgpu::TextureFormat::R16Uint,
                usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            });
            let mut entries = table.entries.clone();
            entries.resize(TABLE_WIDTH as usize * size.height as usize, 0);
            gpu.queue.write_texture(
                texture.as_image_copy(),
                bytemuck::cast_slice(&entries),
                wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(TABLE_WIDTH * 2), rows_per_image: None },
                size,
            );
            texture
        }))
    }

    /// Writes the rows of a message, into a texture where there is a device. Answers what the frame is afterwards.
    pub(crate) fn take(&mut self, gpu: Option<&Gpu>, message: &FrameMessage<'_>) -> Result<Arrival, FrameError> {
        let (series, frame) = (message.series, message.frame);
        let (columns, rows) = (self.series.columns, self.series.rows);
        if message.format != self.series.format || message.columns != columns || message.rows != rows {
            return Err(FrameError::Shape { series, frame });
        }
        let Some(slot) = self.slots.get_mut(frame as usize) else {
            return Err(FrameError::Frame { series, frame });
        };
        if message.preview && slot.shown == Arrival::Complete {
            return Ok(Arrival::Complete);
        }
        // Rows of a preview say nothing about the picture that follows it.
        let arriving = match &mut slot.arriving {
            Some(arriving) if arriving.preview == message.preview => arriving,
            other => other.insert(Arriving { preview: message.preview, rows: vec![false; rows as usize] }),
        };
        let part = message.first_row as usize..(message.first_row + message.part_rows) as usize;
        arriving.rows[part].fill(true);
        if arriving.rows.iter().all(|arrived| *arrived) {
            slot.shown = if message.preview { Arrival::Preview } else { Arrival::Complete };
            slot.arriving = None;
        }
        let shown = slot.shown;
        let kept = match gpu {
            Some(gpu) => {
                self.write(gpu, message);
                gpu.take_error().map_or(Ok(()), |error| Err(FrameError::Device(error)))
            }
            None => self.keep(message).map_err(FrameError::Room),
        };
        if kept.is_err() {
            self.slots[frame as usize] = Slot { shown: Arrival::Absent, arriving: None };
        }
        kept.map(|()| shown)
    }

    /// A page ends where its memory does: it is asked for, and not taken for granted.
    fn keep(&mut self, message: &FrameMessage<'_>) -> Result<(), TryReserveError> {
        let Series { columns, rows, format, .. } = self.series;
        let line = columns as usize * format.bytes();
        let kept = &mut self.frames[message.frame as usize];
        if !matches!(kept, Some(Kept::Bytes(_))) {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(line * rows as usize)?;
            bytes.resize(line * rows as usize, 0);
            *kept = Some(Kept::Bytes(bytes));
        }
        if let Some(Kept::Bytes(bytes)) = kept {
            bytes[message.first_row as usize * line..][..message.payload.len()].copy_from_slice(message.payload);
        }
        Ok(())
    }

    fn write(&mut self, gpu: &Gpu, message: &FrameMessage<'_>) {
        let Series { columns, rows, format, .. } = self.series;
        let kept = &mut self.frames[message.frame as usize];
        if !matches!(kept, Some(Kept::Texture(_))) {
            *kept = Some(Kept::Texture(create_frame(&gpu.device, format, columns, rows)));
        }
        let Some(Kept::Texture(texture)) = kept else { return };
        let widened;
        let texels = match message.format {
            Format::U8 | Format::U16 | Format::I16 => message.payload,
            Format::Rgb8 => {
                widened = message.payload.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect::<Vec<u8>>();
                &widened
            }
        };
        gpu.queue.write_texture(
            wgpu::TexelCopyTextureInfo {
                texture,
                mip_level: 0,
                origin: wgpu::Origin3d { x: 0, y: message.first_row, z: 0 },
                aspect: wgpu::TextureAspect::All,
            },
            texels,
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(message.columns * texel_bytes(message.format)),
                rows_per_image: Some(message.part_rows),
            },
            wgpu::Extent3d { width: message.columns, height: message.part_rows, depth_or_array_layers: 1 },
        );
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // The memory of a closed series is wanted at once; a mere drop frees it with the next submission.
        for texture in self.tables.iter().filter_map(OnceCell::get) {
            texture.destroy();
        }
        for kept in self.frames.iter().flatten() {
            match kept {
                Kept::Texture(texture) => texture.destroy(),
                Kept::Bytes(_) => {}
            }
        }
    }
}
