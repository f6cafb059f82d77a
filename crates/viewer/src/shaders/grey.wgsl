// Grey images. `sampled` comes from one of the sampling files, which use `prepared` and `finished` of one of the
// modality files; `curve` comes from one of the curve files.

struct Sample {
    // Output of the modality transformation.
    value: f32,
    // False outside the image and on padding.
    shown: bool,
}

// Rounds here, so that the conversion to 8 bits has nothing left to decide.
fn painted(grey: f32, shown: bool) -> vec4<f32> {
    let level = abs(view.rescale.z - floor(grey * 255.0 + 0.5)) / 255.0;
    return vec4<f32>(vec3<f32>(select(0.0, level, shown)), 1.0);
}

@fragment
fn grey(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let sample = sampled(image_point(at));
    return painted(curve(sample.value), sample.shown);
}
