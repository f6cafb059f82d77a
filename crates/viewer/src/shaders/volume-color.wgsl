// Color frames as layers of a 3D texture of integers 0 to 255.

@group(0) @binding(1) var frames: texture_3d<u32>;

fn stored(p: vec2<i32>) -> vec3<f32> {
    return vec3<f32>(textureLoad(frames, vec3<i32>(p, view.place.z), 0).rgb);
}
