//! The window: made in code so that the order of the start is ours, with its size remembered.

#[cfg(target_os = "linux")]
use crate::webkit;
use crate::{Arguments, commands, desk::DeskSlot, scheme};
use app::{Appearance, Policy};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use tauri::{Manager, RunEvent, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent, webview::DownloadEvent};

const LABEL: &str = "main";
/// The least that the screens are made for.
const SMALLEST: (f64, f64) = (1280.0, 720.0);
const USUAL: (f64, f64) = (1440.0, 900.0);

pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let policy = Policy {
        address: arguments.address,
        bulk_way: arguments.bulk,
        keeps_recovery_key: arguments.keep_recovery_key,
    };
    let appearance = Appearance { language: arguments.language, theme: arguments.theme };
    let built = tauri::Builder::default()
        .register_asynchronous_uri_scheme_protocol("bulk", |context, request, responder| {
            let slot = context.app_handle().state::<DeskSlot>().inner().clone();
            tauri::async_runtime::spawn(async move { responder.respond(scheme::answer(slot, request).await) });
        })
        .invoke_handler(tauri::generate_handler![commands::call])
        .setup(move |app| {
            let profile = match arguments.profile {
                Some(profile) => profile,
                None => app.path().app_local_data_dir()?,
            };
            app.manage(DeskSlot::open(app.handle().clone(), profile.clone(), policy, appearance, arguments.ca));
            open(app, &profile)?;
            app.manage(ProfileFolder(profile));
            Ok(())
        })
        .build(tauri::generate_context!());
    match built {
        Ok(app) => {
            app.run(|app, event| {
                if let RunEvent::WindowEvent { label, event: WindowEvent::CloseRequested { .. }, .. } = event
                    && let Some(window) = app.get_webview_window(&label)
                {
                    remember(&window, &app.state::<ProfileFolder>().0);
                }
            });
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(%error, "the window could not be opened");
            ExitCode::FAILURE
        }
    }
}

struct ProfileFolder(PathBuf);

fn open(app: &tauri::App, profile: &Path) -> tauri::Result<WebviewWindow> {
    let kept: Value = std::fs::read(profile.join("window.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let smallest = smallest(app);
    let size =
        |name: &str, least: f64, usual: f64| kept[name].as_f64().map_or(usual, |size| size.clamp(least, 16_384.0));
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("index.html".into()))
        .title("Konsil")
        .inner_size(size("width", smallest.0, USUAL.0), size("height", smallest.1, USUAL.1))
        .min_inner_size(smallest.0, smallest.1)
        .maximized(kept["maximized"] == true)
        // Files are dropped on the page, which takes them itself.
        .disable_drag_drop_handler()
        // What the page saves goes to the person's downloads, under a name that is free there.
        .on_download(|_webview, event| {
            if let DownloadEvent::Finished { success: false, .. } = event {
                tracing::warn!("a file was not saved");
            }
            true
        })
        .build()?;
    #[cfg(target_os = "linux")]
    webkit::tend(&window)?;
    Ok(window)
}

/// A screen of a larger scale has less room than that and gives what it has.
fn smallest(app: &tauri::App) -> (f64, f64) {
    let Ok(Some(monitor)) = app.primary_monitor() else { return SMALLEST };
    let room = monitor.size().to_logical::<f64>(monitor.scale_factor());
    (SMALLEST.0.min(room.width), SMALLEST.1.min(room.height))
}

/// Sizes only; the file holds nothing about a person.
fn remember(window: &WebviewWindow, profile: &Path) {
    let (Ok(size), Ok(scale), Ok(maximized)) = (window.inner_size(), window.scale_factor(), window.is_maximized())
    else {
        return;
    };
    let size = size.to_logical::<f64>(scale);
    let kept = json!({ "width": size.width, "height": size.height, "maximized": maximized });
    if let Err(error) = std::fs::write(profile.join("window.json"), kept.to_string()) {
        tracing::warn!(%error, "the window's size was not kept");
    }
}
