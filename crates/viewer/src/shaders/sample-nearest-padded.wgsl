fn sampled(p: vec2<f32>) -> Sample {
    let value = stored(vec2<i32>(floor(p)));
    return Sample(finished(prepared(value)), inside(p) && !padding(value));
}
