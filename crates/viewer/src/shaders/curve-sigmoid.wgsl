// PS3.3 C.11.2.1.3.1.
fn curve(value: f32) -> f32 {
    return 1.0 / (1.0 + exp(-4.0 * (value - view.window.x) / view.window.y));
}
