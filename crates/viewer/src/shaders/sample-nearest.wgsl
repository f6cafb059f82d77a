fn sampled(p: vec2<f32>) -> Sample {
    return Sample(finished(prepared(stored(vec2<i32>(floor(p))))), inside(p));
}
