//! The way of painted pixels back into memory.

use crate::gpu::Gpu;
use std::sync::mpsc;
use thiserror::Error;

/// Why pixels could not be read back.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The buffer could not be mapped.
    #[error("pixels could not be read back: {0}")]
    Map(#[from] wgpu::BufferAsyncError),
    /// The mapped buffer could not be looked at.
    #[error("pixels could not be read back: {0}")]
    Range(#[from] wgpu::MapRangeError),
    /// The device stopped answering.
    #[error("the graphics device is lost")]
    Lost,
}

/// Pixels on their way back.
#[derive(Debug)]
pub struct Reading(Whence);

#[derive(Debug)]
enum Whence {
    Device(OnDevice),
    /// The processor painted them.
    Memory(Vec<u8>),
}

#[derive(Debug)]
struct OnDevice {
    device: wgpu::Device,
    buffer: wgpu::Buffer,
    told: mpsc::Receiver<Result<(), wgpu::BufferAsyncError>>,
    width: u32,
    pitch: u32,
    blue_first: bool,
}

impl Reading {
    pub(crate) fn ready(pixels: Vec<u8>) -> Self {
        Self(Whence::Memory(pixels))
    }

    pub(crate) fn start(gpu: &Gpu, texture: &wgpu::Texture) -> Self {
        let (width, height) = (texture.width(), texture.height());
        let pitch = (width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("read back"),
            size: u64::from(pitch) * u64::from(height),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_texture_to_buffer(
            texture.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(pitch),
                    rows_per_image: Some(height),
                },
            },
            wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        );
        gpu.queue.submit([encoder.finish()]);
        let (tell, told) = mpsc::sync_channel(1);
        // Nobody may be listening any more; then the answer has no meaning.
        buffer.slice(..).map_async(wgpu::MapMode::Read, move |result| drop(tell.try_send(result)));
        let blue_first = texture.format() == wgpu::TextureFormat::Bgra8Unorm;
        Self(Whence::Device(OnDevice { device: gpu.device.clone(), buffer, told, width, pitch, blue_first }))
    }

    /// The pixels as RGBA if they are there. In a page the event loop must turn between two calls, since
    /// WebGL reports nothing before.
    pub fn poll(&self) -> Option<Result<Vec<u8>, ReadError>> {
        match &self.0 {
            Whence::Device(there) => there.poll(),
            Whence::Memory(pixels) => Some(Ok(pixels.clone())),
        }
    }

    /// The pixels as RGBA, waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn wait(&self) -> Result<Vec<u8>, ReadError> {
        if let Whence::Device(OnDevice { device, .. }) = &self.0
            && device.poll(wgpu::PollType::wait_indefinitely()).is_err()
        {
            return Err(ReadError::Lost);
        }
        self.poll().unwrap_or(Err(ReadError::Lost))
    }
}

impl OnDevice {
    fn poll(&self) -> Option<Result<Vec<u8>, ReadError>> {
        if self.device.poll(wgpu::PollType::Poll).is_err() {
            return Some(Err(ReadError::Lost));
        }
        match self.told.try_recv() {
            Ok(mapped) => Some(mapped.map_err(ReadError::Map).and_then(|()| self.pixels())),
            Err(mpsc::TryRecvError::Empty) => None,
            Err(mpsc::TryRecvError::Disconnected) => Some(Err(ReadError::Lost)),
        }
    }

    fn pixels(&self) -> Result<Vec<u8>, ReadError> {
        let mapped = self.buffer.slice(..).get_mapped_range()?;
        let row = self.width as usize * 4;
        let mut pixels: Vec<u8> =
            mapped.chunks_exact(self.pitch as usize).flat_map(|line| &line[..row]).copied().collect();
        if self.blue_first {
            pixels.chunks_exact_mut(4).for_each(|p| p.swap(0, 2));
        }
        Ok(pixels)
    }
}
