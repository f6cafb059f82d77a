// A neighbor that is padding has no value to mix in: it would draw a rim of values that nobody measured. The value
// of the pixel under the point stands in for it. What is padding itself stays black.

fn sampled(p: vec2<f32>) -> Sample {
    let q = p - 0.5;
    let base = floor(q);
    let f = q - base;
    let n = around(base);
    let a = stored(n.xy);
    let b = stored(n.zy);
    let c = stored(n.xw);
    let d = stored(n.zw);
    let here = select(select(a, b, f.x >= 0.5), select(c, d, f.x >= 0.5), f.y >= 0.5);
    let upper = mix(prepared(select(a, here, padding(a))), prepared(select(b, here, padding(b))), f.x);
    let lower = mix(prepared(select(c, here, padding(c))), prepared(select(d, here, padding(d))), f.x);
    return Sample(finished(mix(upper, lower, f.y)), inside(p) && !padding(here));
}
