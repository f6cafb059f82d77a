// A color frame of integers 0 to 255.

@group(0) @binding(1) var frame: texture_2d<u32>;

fn stored(p: vec2<i32>) -> vec3<f32> {
    return vec3<f32>(textureLoad(frame, p, 0).rgb);
}
