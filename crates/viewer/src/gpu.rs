//! The device: opened with the adapter's own limits, its errors kept instead of thrown.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use thiserror::Error;

/// Why no device could be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// No adapter.
    #[error("no graphics adapter: {0}")]
    Adapter(#[from] wgpu::RequestAdapterError),
    /// The adapter gave no device.
    #[error("no graphics device: {0}")]
    Device(#[from] wgpu::RequestDeviceError),
}

/// A device with its queue.
#[derive(Debug, Clone)]
pub struct Gpu {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) max_2d: u32,
    lost: Arc<AtomicBool>,
    error: Arc<Mutex<Option<String>>>,
}

impl Gpu {
    /// Opens the adapter's device. WebGL2's default limits end 3D textures at 256; the adapter's own are asked for.
    pub async fn open(adapter: &wgpu::Adapter) -> Result<Self, OpenError> {
        let limits = adapter.limits();
        let (device, queue) = adapter
            .request_device(&wgpu::DeviceDescriptor {
                label: Some("viewer"),
                required_features: wgpu::Features::empty(),
                required_limits: limits.clone(),
                experimental_features: wgpu::ExperimentalFeatures::default(),
                memory_hints: wgpu::MemoryHints::MemoryUsage,
                trace: wgpu::Trace::Off,
            })
            .await?;
        let lost = Arc::new(AtomicBool::new(false));
        let error = Arc::new(Mutex::new(None));
        device.set_device_lost_callback({
            let lost = Arc::clone(&lost);
            move |_reason, _text| lost.store(true, Ordering::Relaxed)
        });
        // wgpu's own handler panics, which would end the page's viewer for good when memory runs out.
        device.on_uncaptured_error({
            let error = Arc::clone(&error);
            Arc::new(move |e: wgpu::Error| {
                error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e.to_string());
            })
        });
        let max_2d = limits.max_texture_dimension_2d;
        Ok(Self { device, queue, max_2d, lost, error })
    }

    /// The device.
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// The queue, for presenting.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// Largest side of a 2D texture.
    pub fn max_2d(&self) -> u32 {
        self.max_2d
    }

    /// Whether the device is gone; nothing of it can be used again.
    pub fn lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Marks the device as gone, where its owner learns it before wgpu does.
    pub fn set_lost(&self) {
        self.lost.store(true, Ordering::Relaxed);
    }

    /// The first error since the last call.
    pub fn take_error(&self) -> Option<String> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
