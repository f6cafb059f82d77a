//! A device's callback takes no memory, in a program whose memory is counted.

use sound::device::{Opened, Running};
use sound::{Choice, Device, DeviceError, DeviceId, Devices, Feed, Playout, Seat, System, Tap};
use std::alloc::{GlobalAlloc, Layout, System as Allocator};
use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

thread_local! {
    static TAKEN: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[expect(unsafe_code, reason = "it hands everything on and counts")]
// SAFETY: the system's own allocator does all of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.set(TAKEN.get() + 1);
        // SAFETY: as it was asked.
        unsafe { Allocator.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        TAKEN.set(TAKEN.get() + 1);
        // SAFETY: as it was asked.
        unsafe { Allocator.dealloc(place, layout) }
    }
}

#[global_allocator]
static MEMORY: Counting = Counting;

/// Gives its one speaker's feed away.
#[derive(Debug, Default)]
struct Bare(Mutex<Option<Feed>>);

struct Nothing;

impl Running for Nothing {}

fn id() -> DeviceId {
    DeviceId::parse("speaker").expect("a line of text")
}

impl System for Bare {
    fn devices(&self) -> Result<Devices, DeviceError> {
        let speakers = vec![Device { id: id(), name: "speaker".to_owned() }];
        Ok(Devices { speakers, speaker: Some(id()), ..Devices::default() })
    }

    fn watch(&self, _changed: Box<dyn Fn() + Send>) -> Box<dyn Running + Send> {
        Box::new(Nothing)
    }

    fn listen(&self, _microphone: &DeviceId, _tap: Tap) -> Result<Opened, DeviceError> {
        Err(DeviceError::NoneThere)
    }

    fn play(&self, _speaker: &DeviceId, feed: Feed) -> Result<Opened, DeviceError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(feed);
        Ok(Opened { rate: 48_000, running: Box::new(Nothing) })
    }
}

#[tokio::test]
async fn a_callback_takes_no_memory_and_gives_none_back() {
    let system = Arc::new(Bare::default());
    let speaker: Arc<dyn System> = Arc::clone(&system) as Arc<dyn System>;
    let (playout, _echo) =
        Playout::start(speaker, Choice::System, Arc::new(|| Duration::ZERO)).expect("there is a thread");
    playout.seat().wait_for(|seat| matches!(seat, Seat::Open { .. })).await.expect("the thread runs");
    let mut feed = system.0.lock().expect("nobody failed").take().expect("it was opened");
    let mut buffer = [0_i16; 960];
    let before = TAKEN.get();
    for _ in 0..1_000 {
        feed.take(&mut buffer, 2, |_| 7);
    }
    let taken = TAKEN.get() - before;
    assert_eq!(taken, 0, "nothing was taken or given back in 1,000 calls");
    assert!(buffer.iter().all(|sample| *sample == 7), "they did what they should");
    feed.lose(DeviceError::Lost);
    assert_eq!(TAKEN.get(), before, "nor when it says that it ended");
}
