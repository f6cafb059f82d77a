//! The program `konsil`: a window, a decode worker, or a command of the door without a window.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    konsil_desktop::main()
}
