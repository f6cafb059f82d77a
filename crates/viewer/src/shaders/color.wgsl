// Color images: shown as they are, or inverted. One entry point per mode.

fn painted(color: vec3<f32>, shown: bool) -> vec4<f32> {
    let level = abs(vec3<f32>(view.rescale.z) - floor(color + 0.5)) / 255.0;
    return vec4<f32>(select(vec3<f32>(0.0), level, shown), 1.0);
}

@fragment
fn nearest_color(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let p = image_point(at);
    return painted(stored(vec2<i32>(floor(p))), inside(p));
}

@fragment
fn smooth_color(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let p = image_point(at);
    let q = p - 0.5;
    let base = floor(q);
    let f = q - base;
    let n = around(base);
    let upper = mix(stored(n.xy), stored(n.zy), f.x);
    let lower = mix(stored(n.xw), stored(n.zw), f.x);
    return painted(mix(upper, lower, f.y), inside(p));
}
