//! Which device a voice has at the moment, and how it gets another: the part that capturing and playing share.

use crate::device::{Choice, Device, Kind, Running, System};
use crate::ends::Bell;
use model::device::DeviceError;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// A clock that never goes back; playing and whoever notes when packets arrive share it.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// A device that does not open is tried again after this, and whenever the system says that devices changed.
pub(crate) const TRY_AGAIN: Duration = Duration::from_secs(2);

/// Which device is in use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Seat {
    /// None, since none is wanted.
    #[default]
    Closed,
    /// This one.
    Open {
        /// Runs.
        device: Device,
        /// What was used before and is gone, if this one takes its place.
        lost: Option<Device>,
    },
    /// None, and it is tried again.
    Failed {
        /// Why.
        error: DeviceError,
        /// What was used before and is gone.
        lost: Option<Device>,
    },
}

/// What is to become of an open device.
pub(crate) enum Fate {
    Stays,
    /// Another one is meant.
    Another,
    /// It is not there any more.
    Gone,
}

/// The choice, the device and the bell of one direction, on the thread that moves its samples.
pub(crate) struct Place {
    system: Arc<dyn System>,
    kind: Kind,
    pub(crate) orders: Arc<Orders>,
    told: watch::Sender<Seat>,
    lost: Option<Device>,
    pub(crate) bell: Bell,
    /// Rings the bell; none while no sound system may run.
    watch: Option<Box<dyn Running + Send>>,
}

/// What the handle says to the thread.
pub(crate) struct Orders {
    inner: Mutex<Inner>,
}

struct Inner {
    choice: Choice,
    ends: bool,
    bell: Option<Bell>,
}

impl Orders {
    pub(crate) fn new(choice: Choice) -> Arc<Self> {
        Arc::new(Self { inner: Mutex::new(Inner { choice, ends: false, bell: None }) })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rings, so that the thread looks at what is ordered.
    pub(crate) fn wake(&self) {
        if let Some(bell) = &self.inner().bell {
            bell.ring();
        }
    }

    pub(crate) fn choose(&self, choice: Choice) {
        self.inner().choice = choice;
        self.wake();
    }

    pub(crate) fn end(&self) {
        self.inner().ends = true;
        self.wake();
    }

    pub(crate) fn ends(&self) -> bool {
        self.inner().ends
    }

    fn choice(&self) -> Choice {
        self.inner().choice.clone()
    }
}

impl fmt::Debug for Orders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Orders({:?})", self.inner().choice)
    }
}

impl Place {
    /// On the thread that moves the samples.
    pub(crate) fn new(system: Arc<dyn System>, kind: Kind, orders: Arc<Orders>, told: watch::Sender<Seat>) -> Self {
        let bell = Bell::here();
        orders.inner().bell = Some(bell.clone());
        let mut place = Self { system, kind, orders, told, lost: None, bell, watch: None };
        place.listen();
        place
    }

    fn listen(&mut self) {
        let rings = self.bell.clone();
        self.watch = Some(self.system.watch(Box::new(move || rings.ring())));
    }

    pub(crate) fn system(&self) -> &dyn System {
        self.system.as_ref()
    }

    /// The device that is meant.
    pub(crate) fn meant(&self) -> Result<Device, DeviceError> {
        let devices = self.system.devices()?;
        devices.meant(self.kind, &self.orders.choice()).cloned().ok_or(DeviceError::NoneThere)
    }

    /// What is to become of an open device, when devices or the choice may have changed.
    pub(crate) fn look(&self, open: &Device) -> Fate {
        // Whether a sound system ended its devices say themselves.
        let Ok(devices) = self.system.devices() else { return Fate::Stays };
        if !devices.all(self.kind).iter().any(|device| device.id == open.id) {
            return Fate::Gone;
        }
        let meant = devices.meant(self.kind, &self.orders.choice());
        if meant.is_some_and(|meant| meant.id != open.id) { Fate::Another } else { Fate::Stays }
    }

    pub(crate) fn opened(&mut self, device: &Device) {
        if self.watch.is_none() {
            self.listen();
            // Something may have changed since the device was looked for.
            self.bell.ring();
        }
        let lost = self.lost.take().filter(|lost| lost.id != device.id);
        self.tell(Seat::Open { device: device.clone(), lost });
    }

    /// The device ended by itself.
    pub(crate) fn lost(&mut self, device: Device, error: DeviceError) {
        tracing::info!(?error, kind = ?self.kind, "a sound device ended");
        self.lost = Some(device);
    }

    pub(crate) fn failed(&mut self, error: DeviceError) {
        if self.system.devices().is_err() {
            // It heard of a sound system that is gone.
            self.watch = None;
        }
        let lost = self.lost.clone();
        self.tell(Seat::Failed { error, lost });
    }

    pub(crate) fn closed(&mut self) {
        self.lost = None;
        self.tell(Seat::Closed);
    }

    fn tell(&self, seat: Seat) {
        self.told.send_if_modified(|told| {
            let news = *told != seat;
            *told = seat;
            news
        });
    }
}
