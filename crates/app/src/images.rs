//! Images on their way from the archive to the page: which studies are this patient's ([`identity`]),
//! series made ready for a viewport, frames fetched, decoded in workers and sent over the bulk pipe.

mod bulk;
mod glance;
pub mod identity;
#[cfg(feature = "bench")]
mod kept;
mod message;
mod part;
mod received;
mod scheme;
mod sealed;
mod series;
mod server;
mod source;
mod studies;
mod wants;
mod workers;

pub use bulk::{BulkSession, Outgoing};
pub use message::{HEADER_BYTES, frame_messages};
pub(crate) use part::PartName;
pub(crate) use received::{Place, ReceivedImages, read as read_image, sum};
pub(crate) use sealed::{KeptImages, KeptSeries, KeptStudy, Sealed, images_of};
pub(crate) use series::{Metadata, Parts, SeriesData, decoded_middle, parts_of, patient_of};
pub use server::BulkServer;
pub use source::FrameFailure;
pub(crate) use source::{Images, Origin};
pub(crate) use studies::{THUMBNAIL, listed_series, listed_study, shown as is_shown};
pub use workers::{Decoded, WorkerError, WorkerPool, WorkerProgram};
