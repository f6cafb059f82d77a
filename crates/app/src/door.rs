//! The door without a window.
/// x
pub fn is_command(_w: &str) -> bool { false }
/// x
pub fn main() -> std::process::ExitCode { std::process::ExitCode::FAILURE }
