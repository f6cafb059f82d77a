// Slope and intercept (PS3.3 C.11.1.1.2): the same before and after interpolation, so it is done once, after it.

fn prepared(value: f32) -> f32 {
    return value;
}

fn finished(value: f32) -> f32 {
    return value * view.rescale.x + view.rescale.y;
}
