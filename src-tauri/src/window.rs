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
/// Where in the profile the web view lies.
const PAGE: &str = "page";
/// The least that the screens are made for.
const SMALLEST: (f64, f64) = (1280.0, 720.0);
const USUAL: (f64, f64) = (1440.0, 900.0);

pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let policy = Policy {
        address: arguments.address,
        bulk_way: arguments.bulk,
        drawing: arguments.drawing,
        computed_graphics: computed_graphics(),
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
            let profile = std::path::absolute(profile)?;
            let _told_by_the_desk = make(&profile.join(PAGE));
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

/// WebKit gives every page the same name of a device, whatever draws; there the kernel is asked.
#[cfg(target_os = "linux")]
fn computed_graphics() -> bool {
    !webkit::graphics_processor()
}

/// WebView2 tells a page that asks.
#[cfg(not(target_os = "linux"))]
fn computed_graphics() -> bool {
    false
}

struct ProfileFolder(PathBuf);

/// A profile is the person's alone from its first moment on, whoever puts the first thing into it.
fn make(folder: &Path) -> std::io::Result<()> {
    let mut private = std::fs::DirBuilder::new();
    private.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
    private.create(folder)
}

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
        // What a web view keeps it keeps in clear. Ours has nothing to keep: no storage, no cookie, no cache, since all
        // that the page shows comes from the program, which seals what stays. So it keeps nothing, and what it has to
        // write all the same is below the profile, as all of a person is.
        .data_directory(profile.join(PAGE))
        .incognito(!driven())
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

/// True under WebDriver, which reaches only a web view that keeps its data: tauri allows automation in that context
/// alone, by the same word.
fn driven() -> bool {
    std::env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some_and(|word| word == "true")
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
