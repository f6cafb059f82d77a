// Modality LUT Sequence (PS3.3 C.11.1.1.1): values outside take the first or the last entry. Indices have no order
// between which one could interpolate, so each sample is looked up before.

@group(0) @binding(2) var modality_table: texture_2d<u32>;

fn prepared(value: f32) -> f32 {
    let i = i32(clamp(value - view.modality.x, 0.0, view.modality.y));
    return f32(textureLoad(modality_table, vec2<i32>(i % TABLE_WIDTH, i / TABLE_WIDTH), 0).r);
}

fn finished(value: f32) -> f32 {
    return value;
}
