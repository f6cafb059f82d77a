fn sampled(p: vec2<f32>) -> Sample {
    let q = p - 0.5;
    let base = floor(q);
    let f = q - base;
    let n = around(base);
    let upper = mix(prepared(stored(n.xy)), prepared(stored(n.zy)), f.x);
    let lower = mix(prepared(stored(n.xw)), prepared(stored(n.zw)), f.x);
    return Sample(finished(mix(upper, lower, f.y)), inside(p));
}
