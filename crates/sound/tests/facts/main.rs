//! What holds of sound: rates, one's own voice, the mix of others, devices and what becomes of them.

mod devices;
mod echo;
mod measure;
mod mixing;
#[cfg(target_os = "linux")]
mod pulse;
mod rates;
mod speech;
