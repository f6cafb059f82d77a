// Frames as layers of a 3D texture of integers.

@group(0) @binding(1) var frames: texture_3d<u32>;

fn stored(p: vec2<i32>) -> f32 {
    return f32(textureLoad(frames, vec3<i32>(p, view.place.z), 0).r);
}
