// Grey images: modality rescale, VOI function, inversion. One entry point per mode, since a branch on a
// uniform makes a software rasterizer run both sides.

fn rescaled(value: f32) -> f32 {
    return value * view.rescale.x + view.rescale.y;
}

// PS3.3 C.11.2.1.2 and C.11.2.1.3.2: the two linear functions differ only in the numbers of the uniform.
fn linear(value: f32) -> f32 {
    let y = clamp((value - view.window.x) / view.window.y + 0.5, 0.0, 1.0);
    return select(select(y, 1.0, value > view.window.w), 0.0, value <= view.window.z);
}

// PS3.3 C.11.2.1.3.1.
fn sigmoid(value: f32) -> f32 {
    return 1.0 / (1.0 + exp(-4.0 * (value - view.window.x) / view.window.y));
}

// Rounds here, so that the conversion to 8 bits has nothing left to decide.
fn painted(grey: f32, shown: bool) -> vec4<f32> {
    let level = abs(view.rescale.z - floor(grey * 255.0 + 0.5)) / 255.0;
    return vec4<f32>(vec3<f32>(select(0.0, level, shown)), 1.0);
}

fn near(p: vec2<f32>) -> f32 {
    return rescaled(stored(vec2<i32>(floor(p))));
}

fn between(p: vec2<f32>) -> f32 {
    let q = p - 0.5;
    let base = floor(q);
    let f = q - base;
    let n = around(base);
    let upper = mix(stored(n.xy), stored(n.zy), f.x);
    let lower = mix(stored(n.xw), stored(n.zw), f.x);
    return rescaled(mix(upper, lower, f.y));
}

@fragment
fn nearest_linear(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let p = image_point(at);
    return painted(linear(near(p)), inside(p));
}

@fragment
fn smooth_linear(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let p = image_point(at);
    return painted(linear(between(p)), inside(p));
}

@fragment
fn nearest_sigmoid(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let p = image_point(at);
    return painted(sigmoid(near(p)), inside(p));
}

@fragment
fn smooth_sigmoid(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let p = image_point(at);
    return painted(sigmoid(between(p)), inside(p));
}
