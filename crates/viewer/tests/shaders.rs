//! Every shader module parses, validates and is the program of one mode.

use naga::valid::{Capabilities, ValidationFlags, Validator};

#[test]
fn every_module_is_valid() {
    let modules = viewer::shader_modules();
    // Nearest and smooth, of color or of two sample types with or without padding, two ways to rescale and three
    // curves.
    assert_eq!(modules.len(), 2 * (1 + 2 * 2 * 2 * 3), "one module for each mode");
    for (name, text) in modules {
        let module =
            naga::front::wgsl::parse_str(&text).unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(&text)));
        let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
        if let Err(error) = validator.validate(&module) {
            panic!("{name}: {}", error.emit_to_string(&text));
        }
        let fragments = module.entry_points.iter().filter(|e| e.stage == naga::ShaderStage::Fragment).count();
        let want = if name.contains("color") { 2 } else { 1 };
        assert_eq!(fragments, want, "{name}: grey has one way through its module, color two");
    }
}

#[test]
fn every_shader_file_is_in_a_module() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/shaders");
    let all: String = viewer::shader_modules().into_iter().map(|(_, text)| text).collect();
    for entry in std::fs::read_dir(folder).expect("the folder is part of the crate") {
        let path = entry.expect("it can be listed").path();
        let text = std::fs::read_to_string(&path).expect("shaders are text");
        assert!(all.contains(&text), "{} is used by no module", path.display());
    }
}
