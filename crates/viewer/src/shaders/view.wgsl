// What every entry point shares: the uniform, the triangle that covers the canvas, the way to an image point.

struct View {
    // column = column.x * x + column.y * y + column.z; x and y are device pixels of the target.
    column: vec4<f32>,
    row: vec4<f32>,
    // x: value at half grey, y: divisor, z: at or below it black, w: above it white.
    window: vec4<f32>,
    // x: slope, y: intercept, z: 255 to invert, else 0.
    rescale: vec4<f32>,
    // x: middle, y: half the width of the range of stored values that are padding.
    padding: vec4<f32>,
    // Of a modality table x: first input, y: index of the last entry.
    modality: vec4<f32>,
    // Of a VOI table likewise, z: greatest entry.
    voi: vec4<f32>,
    // x: columns, y: rows, the rest unused.
    place: vec4<i32>,
}

@group(0) @binding(0) var<uniform> view: View;

// A row of a look-up table's texture.
const TABLE_WIDTH: i32 = 1024;

@vertex
fn corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4<f32> {
    let p = vec2<f32>(f32((i << 1u) & 2u), f32(i & 2u));
    return vec4<f32>(p * vec2<f32>(2.0, -2.0) + vec2<f32>(-1.0, 1.0), 0.0, 1.0);
}

fn image_point(at: vec4<f32>) -> vec2<f32> {
    return vec2<f32>(
        view.column.x * at.x + view.column.y * at.y + view.column.z,
        view.row.x * at.x + view.row.y * at.y + view.row.z,
    );
}

fn inside(p: vec2<f32>) -> bool {
    return all(p >= vec2<f32>(0.0)) && all(p < vec2<f32>(view.place.xy));
}

// PS3.3 C.7.5.1.1.2: a range of stored values that are no part of the picture.
fn padding(value: f32) -> bool {
    return abs(value - view.padding.x) <= view.padding.y;
}

// The four pixels around a point: x, y the upper left, z, w the lower right, none beyond an edge.
fn around(base: vec2<f32>) -> vec4<i32> {
    let first = vec2<i32>(base);
    let last = view.place.xy - 1;
    return vec4<i32>(max(first, vec2<i32>(0)), min(first + 1, last));
}
