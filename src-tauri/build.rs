//! Only commands named here can be granted in a capability; without the manifest every window might
//! call every command.

fn main() {
    let manifest = tauri_build::AppManifest::new().commands(&["call"]);
    if let Err(error) = tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest)) {
        panic!("the desktop shell's build script failed: {error:#}");
    }
}
