//! What a machine must have before anything builds: system packages, Node, the wasm target. Missing
//! packages are installed without a question where that is possible, else named.

use crate::shell::{Shell, found, output, run};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Debian's and Ubuntu's packages to build the window and to run it where there is no display.
const PACKAGES: [&str; 32] = [
    "build-essential",
    "chromium",
    "cmake",
    "dbus",
    "dbus-x11",
    "dcmtk",
    "ffmpeg",
    "fonts-dejavu-core",
    "gnome-keyring",
    "gstreamer1.0-plugins-bad",
    "imagemagick",
    "libayatana-appindicator3-dev",
    "libclang-dev",
    "libgl1-mesa-dri",
    "libopenjp2-tools",
    "librsvg2-dev",
    "libsecret-tools",
    "libssl-dev",
    "libvpx-dev",
    "libwebkit2gtk-4.1-dev",
    "libxdo-dev",
    "mesa-vulkan-drivers",
    "nodejs",
    "npm",
    "openjph-tools",
    "pkg-config",
    "python3",
    "python3-venv",
    "util-linux",
    "webkit2gtk-driver",
    "xauth",
    "xvfb",
];

/// The oldest Node that the page's tools run on.
const NODE: u32 = 20;

/// Makes the machine ready to build and to run.
///
/// # Errors
/// Says what is missing and can't be installed from here.
pub(crate) fn machine(shell: &Shell) -> Result<()> {
    if cfg!(target_os = "linux") {
        linux(shell)?;
    }
    node(shell)?;
    wasm_target(shell)
}

fn linux(shell: &Shell) -> Result<()> {
    if found("dpkg-query").is_none() || found("apt-get").is_none() {
        let programs =
            ["cc", "cmake", "pkg-config", "xvfb-run", "dbus-run-session", "gnome-keyring-daemon", "WebKitWebDriver"];
        let missing: Vec<_> = programs.into_iter().filter(|program| found(program).is_none()).collect();
        let known =
            |module: &str| shell.command("pkg-config").args(["--exists", module]).status().is_ok_and(|s| s.success());
        let libraries = [("webkit2gtk-4.1", "WebKitGTK 4.1"), ("vpx", "libvpx")];
        let unknown = libraries.into_iter().filter(|(module, _)| !known(module));
        let missing: Vec<String> = missing
            .into_iter()
            .map(str::to_owned)
            .chain(unknown.map(|(_, library)| format!("the development files of {library}")))
            .collect();
        if !missing.is_empty() {
            eprintln!("Please install with this system's package manager: {}", missing.join(", "));
        }
        return Ok(());
    }
    let listed = output(
        shell.command("sh").args(["-c", "dpkg-query -W -f '${Package} ${db:Status-Abbrev}\\n' 2>/dev/null || true"]),
    )?;
    let missing = missing(&listed, |program| found(program).is_some());
    if missing.is_empty() {
        return Ok(());
    }
    println!("Installing system packages: {}", missing.join(" "));
    let Some(mut apt) = apt(shell) else {
        bail!("not allowed to install packages. Please run: sudo apt-get install {}", missing.join(" "));
    };
    run(apt.arg("update")).context("fetch the package lists")?;
    let mut apt = self::apt(shell).context("it was there a moment ago")?;
    run(apt.args(["install", "-y", "--no-install-recommends"]).args(&missing)).context("install system packages")
}

/// Packages that `dpkg-query` does not list as installed. Programs that came another way than by a package count.
fn missing(listed: &str, has: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let installed: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, state)| state.starts_with("ii"))
        .map(|(name, _)| name)
        .collect();
    let otherwise = |package: &str| match package {
        "nodejs" => has("node"),
        "npm" => has("npm"),
        // Ubuntu's package only points to a snap, which can't run where there is no session.
        "chromium" => has("chromium") || has("google-chrome") || listed.contains("ubuntu-"),
        _ => false,
    };
    PACKAGES.into_iter().filter(|package| !installed.contains(package) && !otherwise(package)).collect()
}

/// `apt-get` with the rights to install, if this user has them without being asked.
fn apt(shell: &Shell) -> Option<Command> {
    let root = output(shell.command("id").arg("-u")).ok()?.trim() == "0";
    let mut command = if root {
        shell.command("apt-get")
    } else {
        let may = shell.command("sudo").args(["-n", "true"]).output().is_ok_and(|o| o.status.success());
        if !may {
            return None;
        }
        let mut sudo = shell.command("sudo");
        sudo.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        sudo
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    Some(command)
}

fn node(shell: &Shell) -> Result<()> {
    let version = output(shell.command("node").arg("--version"))
        .with_context(|| format!("Node {NODE} or newer is needed to build the page: see nodejs.org"))?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|n| n.parse::<u32>().ok());
    if major.is_none_or(|major| major < NODE) {
        bail!("Node {NODE} or newer is needed to build the page, found {}", version.trim());
    }
    output(shell.npm().arg("--version")).context("npm is needed to build the page; it comes with Node")?;
    Ok(())
}

/// The viewer on the page is compiled to wasm.
fn wasm_target(shell: &Shell) -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let libraries = output(shell.command("rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    if fs::read_dir(libraries.trim()).is_ok_and(|mut entries| entries.next().is_some()) {
        return Ok(());
    }
    run(shell.command("rustup").args(["target", "add", TARGET]))
        .with_context(|| format!("the Rust target {TARGET} is missing and rustup could not add it"))
}

/// A Python with the independent readers that imaging's tests compare with, in the cache.
///
/// # Errors
/// Without Python, or when its packages can't be fetched: a reason to skip, not to fail.
pub(crate) fn reference_python(shell: &Shell) -> Result<PathBuf> {
    python(shell, &shell.cache.join("python/reference"), &shell.root.join("testing/reference/requirements.txt"))
}

/// A program that nobody here wrote, and what of it is ours: files in `testing/peers`.
struct Peer {
    folder: &'static str,
    library: &'static str,
    files: &'static [&'static str],
}

const PEERS: [Peer; 2] = [
    Peer { folder: "matrix-js", library: "matrix-js-sdk", files: &["peer.mjs"] },
    Peer {
        folder: "livekit-js",
        library: "livekit-client",
        files: &["peer.mjs", "devices.mjs", "page.html", "page.js", "meet.test.mjs"],
    },
];

/// Programs that nobody here wrote, for the tests that talk with them: the folder that holds them.
///
/// # Errors
/// Without Node, or when their packages can't be fetched.
pub(crate) fn peers(shell: &Shell) -> Result<PathBuf> {
    node(shell)?;
    PEERS.iter().try_for_each(|one| peer(shell, one))?;
    Ok(shell.cache.join("peers"))
}

fn peer(shell: &Shell, peer: &Peer) -> Result<()> {
    let from = shell.root.join("testing/peers").join(peer.folder);
    let folder = shell.cache.join("peers").join(peer.folder);
    fs::create_dir_all(&folder)?;
    let lock = "package-lock.json";
    let same = |name: &str| -> Result<bool> {
        Ok(fs::read(from.join(name))? == fs::read(folder.join(name)).unwrap_or_default())
    };
    let installed = same(lock)? && folder.join("node_modules/.package-lock.json").is_file();
    for name in [lock, "package.json", ".npmrc"].iter().chain(peer.files) {
        fs::copy(from.join(name), folder.join(name)).with_context(|| format!("copy {name}"))?;
    }
    if !installed {
        println!("Fetching {} into {}", peer.library, folder.display());
        run(shell.npm().current_dir(&folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    }
    Ok(())
}

/// A Python with the packages of a list, in a folder of its own.
///
/// # Errors
/// Without Python, or when its packages can't be fetched.
pub(crate) fn python(shell: &Shell, folder: &Path, list: &Path) -> Result<PathBuf> {
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let wanted = fs::read_to_string(list).with_context(|| format!("read {}", list.display()))?;
    let stamp = folder.join("installed.txt");
    if python.is_file() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    println!("Making a Python in {}", folder.display());
    let system = if cfg!(windows) { "python" } else { "python3" };
    run(shell.command(system).args(["-m", "venv", "--clear"]).arg(folder)).context("make a Python environment")?;
    let mut pip = shell.command(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
        "--requirement",
    ]);
    run(pip.arg(list).env("PIP_CACHE_DIR", shell.cache.join("pip"))).context("fetch Python packages")?;
    fs::write(&stamp, wanted)?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::{PACKAGES, missing};

    #[test]
    fn packages_that_are_removed_or_half_installed_count_as_missing() {
        let mut listed: String = PACKAGES.iter().map(|package| format!("{package} ii \n")).collect();
        assert_eq!(missing(&listed, |_| false), [""; 0], "all are there");
        listed = listed.replace("xvfb ii ", "xvfb rc ").replace("cmake ii ", "cmake iU ");
        assert_eq!(missing(&listed, |_| false), ["cmake", "xvfb"], "configuration files alone are no program");
    }

    #[test]
    fn a_node_from_elsewhere_needs_no_package() {
        let listed: String =
            PACKAGES.iter().filter(|p| !["nodejs", "npm"].contains(p)).map(|p| format!("{p} ii \n")).collect();
        assert_eq!(missing(&listed, |program| program == "node" || program == "npm"), [""; 0], "both were found");
        assert_eq!(missing(&listed, |program| program == "node"), ["npm"], "only node was found");
    }
}
