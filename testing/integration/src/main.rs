//! `konsil-test`: the program without a window and, as `desk` and `browser`, what the tests around it
//! need as processes of their own.

use std::process::ExitCode;

fn main() -> ExitCode {
    testkit::main()
}
