//! What wry does not tell WebKitGTK, or does not tell of it.

use std::{cell::RefCell, collections::VecDeque, path::Path, time::Duration, time::Instant};
use tauri::WebviewWindow;
use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt, WebView, WebViewExt};

const PERIOD: Duration = Duration::from_secs(60);
const TIMES: usize = 3;
const STOPPED: usize = TIMES + 1;

pub(crate) fn tend(window: &WebviewWindow) -> tauri::Result<()> {
    window.with_webview(|view| {
        let view = view.inner();
        bring_back(&view);
        if !graphics_processor() {
            paint_what_changed(&view);
        }
    })
}

/// wry tells that a web process died on macOS only; on Linux WebKitGTK's own signal does. The page
/// comes back from the desk's state. One that dies again and again gives way to a page without scripts that says so
/// and leads back.
fn bring_back(view: &WebView) {
    let deaths = RefCell::new(VecDeque::new());
    view.connect_web_process_terminated(move |view, reason| {
        let now = Instant::now();
        let mut deaths = deaths.borrow_mut();
        deaths.retain(|death| now.duration_since(*death) < PERIOD);
        deaths.push_back(now);
        tracing::error!(?reason, times = deaths.len(), "the web process ended");
        match deaths.len() {
            ..=TIMES => view.reload(),
            STOPPED => view.load_uri("tauri://localhost/stopped.html"),
            // Not even that page lives: there is nothing left to show.
            _ => {}
        }
    });
}

/// A device that draws, as the kernel names it.
pub(crate) fn graphics_processor() -> bool {
    let Ok(devices) = Path::new("/dev/dri").read_dir() else { return false };
    devices.flatten().any(|device| device.file_name().to_string_lossy().starts_with("renderD"))
}

/// Without a graphics processor WebKit would put the whole window together anew for each change, in software; told not
/// to, it paints only what has changed. WebGL is not affected.
fn paint_what_changed(view: &WebView) {
    if let Some(settings) = WebViewExt::settings(view) {
        settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
    }
}
