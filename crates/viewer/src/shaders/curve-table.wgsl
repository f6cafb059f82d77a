// VOI LUT Sequence (PS3.3 C.11.2.1.1): values outside take the first or the last entry.

@group(0) @binding(3) var voi_table: texture_2d<u32>;

fn curve(value: f32) -> f32 {
    let i = i32(clamp(floor(value + 0.5) - view.voi.x, 0.0, view.voi.y));
    return min(f32(textureLoad(voi_table, vec2<i32>(i % TABLE_WIDTH, i / TABLE_WIDTH), 0).r) / view.voi.z, 1.0);
}
