//! The test picture: what is sent where a person wants to be seen by something and has no camera.

use crate::device::{Size, VideoSource};
use codec::I420;
use codec::sample::test_card;
use model::device::DeviceError;

/// Color bars in which something moves.
#[derive(Debug, Clone)]
pub struct TestCard {
    width: u16,
    height: u16,
    number: u32,
}

impl TestCard {
    /// Of a size from 2 × 2 to 4,096 × 4,096; others are the nearest inside.
    #[must_use]
    pub fn new(size: Size) -> Self {
        let side = |pixels: u32| u16::try_from(pixels.clamp(2, 4096)).unwrap_or(4096);
        Self { width: side(size.width), height: side(size.height), number: 0 }
    }
}

impl VideoSource for TestCard {
    fn next(&mut self) -> Result<Option<I420>, DeviceError> {
        self.number = self.number.wrapping_add(1);
        Ok(Some(test_card(self.width, self.height, self.number)))
    }
}
