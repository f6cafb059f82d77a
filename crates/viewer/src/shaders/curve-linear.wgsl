// PS3.3 C.11.2.1.2 and C.11.2.1.3.2: the two linear functions differ only in the numbers of the uniform.
fn curve(value: f32) -> f32 {
    let y = clamp((value - view.window.x) / view.window.y + 0.5, 0.0, 1.0);
    return select(select(y, 1.0, value > view.window.w), 0.0, value <= view.window.z);
}
