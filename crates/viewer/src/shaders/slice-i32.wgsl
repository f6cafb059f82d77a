// One frame in a 2D texture of integers: larger than a 3D texture may be.

@group(0) @binding(1) var frame: texture_2d<i32>;

fn stored(p: vec2<i32>) -> f32 {
    return f32(textureLoad(frame, p, 0).r);
}
