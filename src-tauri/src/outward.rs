//! What leaves the window: notices of the system, and the number of unread messages beside the program's picture and in
//! the window's title.

use app::{Desk, Outward};
use notify_rust::Notification;
use std::sync::Arc;
use tauri::{AppHandle, Manager as _};
use tokio::sync::Semaphore;
use tokio::sync::broadcast::error::RecvError;

/// Notices that wait for a click at a time; each waits in a thread of its own. Further ones are shown all the same.
const CLICKABLE: usize = 8;
/// Longer lines are no notice.
const LONGEST: usize = 200;

/// Shows it from now on.
pub(crate) fn follow(app: AppHandle, desk: &Desk) {
    let (mut outward, desk) = (desk.outward(), desk.clone());
    let waiting = Arc::new(Semaphore::new(CLICKABLE));
    tauri::async_runtime::spawn(async move {
        loop {
            match outward.recv().await {
                Ok(Outward::Unread(count)) => show_count(&app, count),
                Ok(Outward::Notice { title, body, conversation }) => {
                    let notice = notice(&title, body.as_deref());
                    let (app, desk, waiting) = (app.clone(), desk.clone(), waiting.clone());
                    // The system may take its time.
                    tauri::async_runtime::spawn_blocking(move || show(&app, &desk, &waiting, notice, conversation));
                }
                // The next one is as good.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
}

fn notice(title: &str, body: Option<&str>) -> Notification {
    let short = |line: &str| line.chars().filter(|char| !char.is_control()).take(LONGEST).collect::<String>();
    let mut notice = Notification::new();
    notice.appname("Konsil").summary(&short(title));
    if let Some(body) = body {
        // The text of a notice may be markup (Desktop Notifications Specification, "Markup").
        notice.body(&short(body).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
    }
    #[cfg(all(unix, not(target_os = "macos")))]
    notice
        .hint(notify_rust::Hint::DesktopEntry("konsil".to_owned()))
        .hint(notify_rust::Hint::Category("im.received".to_owned()))
        .action("default", "Konsil");
    notice
}

#[cfg(all(unix, not(target_os = "macos")))]
fn show(app: &AppHandle, desk: &Desk, waiting: &Semaphore, notice: Notification, conversation: Option<String>) {
    let place = waiting.try_acquire();
    match notice.show() {
        Ok(shown) if place.is_ok() => shown.wait_for_action(|action| {
            if action == "default" {
                clicked(app, desk, conversation);
            }
        }),
        Ok(_) => {}
        // A desktop without notices.
        Err(error) => tracing::debug!(%error, "a notice was not shown"),
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn show(_app: &AppHandle, _desk: &Desk, _waiting: &Semaphore, notice: Notification, _conversation: Option<String>) {
    if let Err(error) = notice.show() {
        tracing::debug!(%error, "a notice was not shown");
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn clicked(app: &AppHandle, desk: &Desk, conversation: Option<String>) {
    for window in app.webview_windows().into_values() {
        let front = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
        if let Err(error) = front {
            tracing::debug!(%error, "the window did not come to the front");
        }
    }
    if let Some(conversation) = conversation {
        desk.want_conversation(conversation);
    }
}

fn show_count(app: &AppHandle, count: u32) {
    let badge = (count > 0).then_some(i64::from(count));
    for window in app.webview_windows().into_values() {
        let title = if count > 0 { format!("({count}) Konsil") } else { "Konsil".to_owned() };
        let shown = window.set_title(&title).and_then(|()| window.set_badge_count(badge));
        if let Err(error) = shown {
            tracing::debug!(%error, "the number of unread messages is not shown outside the window");
        }
    }
}
