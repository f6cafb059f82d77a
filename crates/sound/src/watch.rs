//! The list of devices, told anew whenever it changes.

use crate::device::{Devices, Running, System};
use crate::ends::Bell;
use model::device::DeviceError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;
use tokio::sync::watch;

/// One plugged headset changes several things at once; they are looked at together.
const SETTLE: Duration = Duration::from_millis(50);
/// Without a sound system nobody rings: it is looked for so often.
const LOOK: Duration = Duration::from_secs(3);

/// Devices as they are; it ends when it is dropped.
pub struct Watch {
    told: watch::Receiver<Result<Devices, DeviceError>>,
    ends: Arc<AtomicBool>,
    wake: Thread,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// # Errors
    /// When the system gives no thread.
    pub fn start(system: Arc<dyn System>) -> io::Result<Self> {
        let (tell, told) = watch::channel(system.devices());
        let ends = Arc::new(AtomicBool::new(false));
        let its_end = Arc::clone(&ends);
        let thread = std::thread::Builder::new()
            .name("sound devices".to_owned())
            .spawn(move || look(system.as_ref(), &tell, &its_end))?;
        Ok(Self { told, ends, wake: thread.thread().clone(), thread: Some(thread) })
    }

    /// What is there.
    ///
    /// # Errors
    /// [`DeviceError::NoneThere`] where no sound system runs.
    pub fn devices(&self) -> Result<Devices, DeviceError> {
        self.told.borrow().clone()
    }

    /// Waits for another answer of [`Watch::devices`].
    ///
    /// # Errors
    /// As [`Watch::devices`].
    pub async fn changed(&mut self) -> Result<Devices, DeviceError> {
        // The thread ends with this only.
        let _told = self.told.changed().await;
        self.told.borrow_and_update().clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        self.wake.unpark();
        if let Some(thread) = self.thread.take() {
            // It panicked, and said so.
            let _ended = thread.join();
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watch({:?})", *self.told.borrow())
    }
}

fn look(system: &dyn System, tell: &watch::Sender<Result<Devices, DeviceError>>, ends: &AtomicBool) {
    let bell = Bell::here();
    let mut rings = Some(listen(system, &bell));
    while !ends.load(Ordering::Acquire) {
        let devices = system.devices();
        if devices.is_err() {
            rings = None;
        } else if rings.is_none() {
            rings = Some(listen(system, &bell));
        }
        tell.send_if_modified(|told| {
            let news = *told != devices;
            *told = devices;
            news
        });
        std::thread::park_timeout(LOOK);
        if bell.answer() {
            std::thread::park_timeout(SETTLE);
        }
    }
}

fn listen(system: &dyn System, bell: &Bell) -> Box<dyn Running + Send> {
    let bell = bell.clone();
    system.watch(Box::new(move || bell.ring()))
}
