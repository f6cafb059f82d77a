// A frame of signed integers.

@group(0) @binding(1) var frame: texture_2d<i32>;

fn stored(p: vec2<i32>) -> f32 {
    return f32(textureLoad(frame, p, 0).r);
}
