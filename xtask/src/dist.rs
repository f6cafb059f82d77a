//! `cargo xtask dist`: the packages that hospitals install.

use crate::{
    setup,
    shell::{Shell, found, output, run},
    web::Web,
};
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Build an installable package into the cache folder's `dist/`.
#[derive(Debug, Args)]
pub(crate) struct Dist {
    #[command(subcommand)]
    package: Package,
}

#[derive(Debug, Subcommand)]
enum Package {
    /// A package for Debian and Ubuntu.
    Deb {
        /// Afterwards install it below an empty folder, run it there and ask apt whether its dependencies exist.
        #[arg(long)]
        check: bool,
    },
}

impl Dist {
    pub(crate) fn run(&self, shell: &Shell) -> Result<()> {
        match self.package {
            Package::Deb { check } => {
                setup::machine(shell)?;
                Web { optimize: true, force: false }.run(shell)?;
                run(shell.cargo().args(["build", "--release", "--package", "konsil-desktop"]))?;
                let package = deb(shell, &shell.built(true, "konsil"), "xz")?;
                println!("{}", package.display());
                if check { try_deb(shell, &package) } else { Ok(()) }
            }
        }
    }
}

/// Why this machine can't build a `.deb`.
pub(crate) fn obstacle() -> Option<String> {
    let missing: Vec<_> =
        ["dpkg-deb", "dpkg-shlibdeps", "apt-get"].into_iter().filter(|program| found(program).is_none()).collect();
    (!missing.is_empty()).then(|| format!("not installed: {}", missing.join(", ")))
}

/// Packs a built program as a `.deb`; `compression` is one that dpkg-deb knows.
pub(crate) fn deb(shell: &Shell, program: &Path, compression: &str) -> Result<PathBuf> {
    if let Some(why) = obstacle() {
        bail!("a .deb can't be built here: {why}");
    }
    let dist = shell.cache.join("dist");
    let tree = dist.join("deb");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    let put = |from: &Path, to: &str, mode: u32| -> Result<()> {
        let to = tree.join(to);
        fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
        fs::copy(from, &to).with_context(|| format!("copy {}", from.display()))?;
        permit(&to, mode)
    };
    let here = shell.root.join("installers/deb");
    let icons = shell.root.join("src-tauri/icons");
    put(program, "usr/bin/konsil", 0o755)?;
    put(&here.join("konsil.desktop"), "usr/share/applications/konsil.desktop", 0o644)?;
    put(&icons.join("icon.png"), "usr/share/icons/hicolor/256x256/apps/konsil.png", 0o644)?;
    put(&icons.join("icon.svg"), "usr/share/icons/hicolor/scalable/apps/konsil.svg", 0o644)?;
    put(&here.join("copyright"), "usr/share/doc/konsil/copyright", 0o644)?;
    put(&shell.root.join("LICENSE"), "usr/share/doc/konsil/EUPL-1.2.txt", 0o644)?;

    let template = fs::read_to_string(here.join("control"))?;
    let architecture = output(shell.command("dpkg").arg("--print-architecture"))?;
    let version = env!("CARGO_PKG_VERSION");
    let libraries = libraries(shell, &dist, program)?;
    let control = control(&template, version, architecture.trim(), &libraries);
    fs::create_dir_all(tree.join("DEBIAN"))?;
    fs::write(tree.join("DEBIAN/control"), control)?;
    folders_readable(&tree)?;
    let package = dist.join(format!("konsil_{version}_{}.deb", architecture.trim()));
    output(
        shell
            .command("dpkg-deb")
            .args(["--root-owner-group", &format!("-Z{compression}"), "--build"])
            .arg(&tree)
            .arg(&package),
    )?;
    Ok(package)
}

/// The packages of the libraries that the program links, with the versions it needs, as Debian's own tool says.
fn libraries(shell: &Shell, dist: &Path, program: &Path) -> Result<String> {
    // The tool wants to stand in a source package.
    fs::create_dir_all(dist.join("shlibdeps/debian"))?;
    fs::write(dist.join("shlibdeps/debian/control"), "Source: konsil\n\nPackage: konsil\nArchitecture: any\n")?;
    let mut tool = shell.command("dpkg-shlibdeps");
    let printed = output(tool.arg("-O").arg(program).current_dir(dist.join("shlibdeps")))?;
    let line = printed.lines().find_map(|line| line.strip_prefix("shlibs:Depends="));
    Ok(line.context("dpkg-shlibdeps names the libraries")?.to_owned())
}

/// The template with its blanks filled.
fn control(template: &str, version: &str, architecture: &str, libraries: &str) -> String {
    template.replace("@version@", version).replace("@architecture@", architecture).replace("@libraries@", libraries)
}

#[cfg(unix)]
fn permit(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("permissions of {}", path.display()))
}

#[cfg(not(unix))]
fn permit(_path: &Path, _mode: u32) -> Result<()> {
    bail!("a .deb is built on Debian")
}

/// Every folder can be entered by everybody, whatever this user's mask says.
fn folders_readable(folder: &Path) -> Result<()> {
    permit(folder, 0o755)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            folders_readable(&path)?;
        }
    }
    Ok(())
}

/// Installs a package below an empty folder and runs what it installed; changes nothing else on this machine.
pub(crate) fn try_deb(shell: &Shell, package: &Path) -> Result<()> {
    output(shell.command("apt-get").args(["install", "--simulate", "--no-install-recommends", "--yes"]).arg(package))
        .context("apt can't satisfy the package's dependencies")?;
    let root = shell.cache.join("dist/root");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    for folder in ["var/lib/dpkg/updates", "var/lib/dpkg/info", "var/lib/dpkg/triggers", "var/log"] {
        fs::create_dir_all(root.join(folder))?;
    }
    for file in ["status", "available"] {
        fs::write(root.join("var/lib/dpkg").join(file), "")?;
    }
    // The folder holds no libraries: those of this machine are used, and apt was just asked about them.
    let mut dpkg = shell.command("dpkg");
    dpkg.arg(format!("--root={}", root.display())).args([
        "--force-not-root",
        "--force-depends",
        "--log=/dev/null",
        "--install",
    ]);
    output(dpkg.arg(package)).context("dpkg can't install the package")?;
    let installed = root.join("usr/bin/konsil");
    let version = output(shell.command(&installed).arg("--version"))?;
    ensure!(
        version.trim() == format!("konsil {}", env!("CARGO_PKG_VERSION")),
        "the installed program says {version:?}"
    );
    let selftest =
        output(shell.command(&installed).args(["selftest", "--json"])).context("the installed program's own test")?;
    println!(
        "installed below {}, says {} and tests itself: {} lines",
        root.display(),
        version.trim(),
        selftest.lines().count()
    );
    let mut dpkg = shell.command("dpkg");
    dpkg.arg(format!("--root={}", root.display())).args(["--force-not-root", "--log=/dev/null", "--purge", "konsil"]);
    output(&mut dpkg).context("dpkg can't remove the package")?;
    ensure!(!installed.exists(), "the program is left after its removal");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::control;

    #[test]
    fn the_control_file_has_no_blanks_left() {
        let template = include_str!("../../installers/deb/control");
        let filled = control(template, "1.2.3", "amd64", "libc6 (>= 2.36)");
        for blank in ["@version@", "@architecture@", "@libraries@"] {
            assert!(template.contains(blank) && !filled.contains(blank), "{blank}: {filled}");
        }
        assert!(filled.contains("\nVersion: 1.2.3\n") && filled.contains("libc6 (>= 2.36)"), "{filled}");
        assert!(filled.ends_with('\n'), "dpkg wants a last line break: {filled}");
    }
}
