//! Images on their way from the archive to the page: which studies are this patient's ([`identity`]),
//! series made ready for a viewport, frames fetched, decoded in workers and sent over the bulk pipe.

mod bulk;
pub mod identity;
#[cfg(feature = "bench")]
mod kept;
mod message;
mod part;
mod scheme;
mod series;
mod server;
mod source;
mod studies;
mod wants;
mod workers;

pub use bulk::{BulkSession, Outgoing};
pub use message::{HEADER_BYTES, frame_messages};
pub(crate) use part::PartName;
pub use server::BulkServer;
pub use source::FrameFailure;
pub(crate) use source::Images;
pub use workers::{Decoded, WorkerError, WorkerPool, WorkerProgram};
