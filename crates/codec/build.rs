//! Finds libvpx and compiles the shim over it. Nothing is ever downloaded.
//!
//! `KONSIL_LIBVPX` names a folder with `include/` and `lib/libvpx.a`; without it pkg-config is asked.

use std::path::{Path, PathBuf};

const SHIM: &str = "src/vp8/shim.c";

/// The oldest libvpx that this was tried with: that of Debian 12.
const OLDEST: &str = "1.12";

fn main() {
    println!("cargo::rerun-if-changed={SHIM}");
    println!("cargo::rerun-if-env-changed=KONSIL_LIBVPX");
    let found = match std::env::var_os("KONSIL_LIBVPX") {
        Some(prefix) => built(Path::new(&prefix)),
        None => installed(),
    };
    let mut compiler = cc::Build::new();
    compiler.file(SHIM).std("c11").warnings(true).extra_warnings(true).warnings_into_errors(true);
    compiler.includes(found.includes).compile("konsil_vp8");
    // A linker that goes from left to right has to meet the shim before what it calls.
    for folder in found.folders {
        println!("cargo::rustc-link-search=native={}", folder.display());
    }
    for library in found.libraries {
        println!("cargo::rustc-link-lib={library}");
    }
}

/// Where libvpx is, as the compiler and the linker are told.
struct Found {
    includes: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    libraries: Vec<String>,
}

/// A libvpx that somebody built beside this.
fn built(prefix: &Path) -> Found {
    let (include, folder) = (prefix.join("include"), prefix.join("lib"));
    for file in [include.join("vpx/vpx_encoder.h"), folder.join("libvpx.a")] {
        assert!(
            file.is_file(),
            "\n\nKONSIL_LIBVPX is {}, where there is no {}.\n\
             It has to name a folder with include/vpx/ and lib/libvpx.a.\n",
            prefix.display(),
            file.display()
        );
        println!("cargo::rerun-if-changed={}", file.display());
    }
    #[expect(clippy::disallowed_methods, reason = "cargo tells a build script of the target by its environment")]
    let unix = std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "unix");
    // Threads and mathematics are libraries of their own on Unix. On Windows they come with the C library.
    let beside: &[&str] = if unix { &["m", "pthread"] } else { &[] };
    let libraries = std::iter::once("static=vpx").chain(beside.iter().copied()).map(str::to_owned).collect();
    Found { includes: vec![include], folders: vec![folder], libraries }
}

/// The system's libvpx.
fn installed() -> Found {
    match pkg_config::Config::new().atleast_version(OLDEST).cargo_metadata(false).env_metadata(true).probe("vpx") {
        Ok(found) => Found { includes: found.include_paths, folders: found.link_paths, libraries: found.libs },
        Err(why) => panic!(
            "\n\nVideo needs libvpx {OLDEST} or newer with its headers, and pkg-config.\n\
             Debian and Ubuntu: sudo apt-get install libvpx-dev pkg-config\n\
             Fedora: sudo dnf install libvpx-devel pkgconf\n\
             macOS: brew install libvpx pkg-config\n\
             Elsewhere: set KONSIL_LIBVPX to a folder with include/vpx/ and lib/libvpx.a.\n\n{why}\n"
        ),
    }
}
