//! The C library's heap, told to give memory back.
//!
//! glibc makes up to eight arenas a processor and keeps what was freed in them for the next time. This program decodes
//! and carries hundreds of megabytes and then waits for a click: with two arenas, and with large pieces mapped and
//! unmapped one by one, its own process stays a tenth smaller (`docs/performance.md`), and nothing that is measured
//! becomes slower.

/// Most arenas; the program's own threads on two processors rarely allocate in more at once.
const ARENAS: libc::c_int = 2;
/// Free bytes at the top of an arena that are given back. Setting it also ends the growing of the size from which a
/// piece is mapped by itself (mallopt(3)), which one freed frame would raise to its own size.
const TRIM: libc::c_int = 128 * 1024;

/// To be called before there is a second thread.
#[expect(unsafe_code, reason = "the C library's settings have no other door than this function")]
pub(crate) fn give_back() {
    // SAFETY: mallopt(3) takes two numbers and has no precondition but that no other thread allocates meanwhile.
    let taken =
        unsafe { libc::mallopt(libc::M_ARENA_MAX, ARENAS) == 1 && libc::mallopt(libc::M_TRIM_THRESHOLD, TRIM) == 1 };
    debug_assert!(taken, "both settings are known to every glibc since 2.10");
}
