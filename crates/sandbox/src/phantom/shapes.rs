//! Shapes and lines: where a straight line is inside a shape, and which shape shows along it.
//!
//! Painting goes by lines, never by voxels and shapes: a line meets each shape in at most two
//! intervals, so a row of a slice costs a few comparisons whatever its length.

use super::recipe::{Object, Shape};

/// A point or direction in the patient's coordinates, in mm.
pub(crate) type Point = [f64; 3];

/// A shape that lines can be cut with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Solid {
    /// Axis-aligned ellipsoid.
    Ellipsoid {
        /// Center.
        center: Point,
        /// Half axes.
        radii: Point,
    },
    /// Elliptic cylinder along z, or its wall.
    Column {
        /// Center in x and y.
        center: [f64; 2],
        /// Half axes.
        radii: [f64; 2],
        /// Half axes of the hollow inside; none for a solid cylinder.
        hollow: Option<[f64; 2]>,
        /// Lower and upper end at y = 0.
        z: [f64; 2],
        /// Rise of both ends in mm per mm of y.
        tilt: f64,
    },
}

/// A part of a line, by its parameter.
pub(crate) type Interval = (f64, f64);

impl Solid {
    /// The shape of a recipe's object; none for objects of projections and incomplete ones.
    pub(crate) fn of(object: &Object) -> Option<Self> {
        let c = |i: usize| object.center_mm.get(i).copied();
        let r = |i: usize| object.radii_mm.get(i).copied();
        match object.shape? {
            Shape::Ellipsoid => Some(Self::Ellipsoid { center: [c(0)?, c(1)?, c(2)?], radii: [r(0)?, r(1)?, r(2)?] }),
            Shape::CylinderZ | Shape::ShellZ => {
                let wall = object.wall_mm.filter(|_| object.shape == Some(Shape::ShellZ));
                Some(Self::Column {
                    center: [c(0)?, c(1)?],
                    radii: [r(0)?, r(1)?],
                    hollow: wall.and_then(|w| Some([r(0)? - w, r(1)? - w])),
                    z: object.z_mm?,
                    tilt: object.tilt,
                })
            }
        }
    }

    /// Calls `hit` for each part of the line `origin + t · direction` that lies inside.
    pub(crate) fn cut(&self, origin: Point, direction: Point, mut hit: impl FnMut(Interval)) {
        match *self {
            Self::Ellipsoid { center, radii } => {
                let (mut a, mut b, mut c) = (0.0, 0.0, -1.0);
                for i in 0..3 {
                    let q = (origin[i] - center[i]) / radii[i];
                    let e = direction[i] / radii[i];
                    a += e * e;
                    b += q * e;
                    c += q * q;
                }
                if let Some(interval) = roots(a, b, c) {
                    hit(interval);
                }
            }
            Self::Column { center, radii, hollow, z, tilt } => {
                let Some(slab) = slab(origin[2] - tilt * origin[1], direction[2] - tilt * direction[1], z) else {
                    return;
                };
                let Some(outer) = ellipse(origin, direction, center, radii).and_then(|o| overlap(o, slab)) else {
                    return;
                };
                let inner = hollow.and_then(|r| ellipse(origin, direction, center, r)).and_then(|i| overlap(i, outer));
                match inner {
                    None => hit(outer),
                    Some(inner) => {
                        if outer.0 < inner.0 {
                            hit((outer.0, inner.0));
                        }
                        if inner.1 < outer.1 {
                            hit((inner.1, outer.1));
                        }
                    }
                }
            }
        }
    }
}

fn ellipse(origin: Point, direction: Point, center: [f64; 2], radii: [f64; 2]) -> Option<Interval> {
    let (mut a, mut b, mut c) = (0.0, 0.0, -1.0);
    for i in 0..2 {
        let q = (origin[i] - center[i]) / radii[i];
        let e = direction[i] / radii[i];
        a += e * e;
        b += q * e;
        c += q * q;
    }
    roots(a, b, c)
}

/// Where `a t² + 2 b t + c` is negative.
fn roots(a: f64, b: f64, c: f64) -> Option<Interval> {
    if a < 1e-18 {
        return (c < 0.0).then_some((f64::NEG_INFINITY, f64::INFINITY));
    }
    let discriminant = b * b - a * c;
    if discriminant <= 0.0 {
        return None;
    }
    let root = discriminant.sqrt();
    Some(((-b - root) / a, (-b + root) / a))
}

/// Where `at + t · slope` lies between the two ends.
fn slab(at: f64, slope: f64, ends: [f64; 2]) -> Option<Interval> {
    if slope.abs() < 1e-12 {
        return (at >= ends[0] && at < ends[1]).then_some((f64::NEG_INFINITY, f64::INFINITY));
    }
    let (s, t) = ((ends[0] - at) / slope, (ends[1] - at) / slope);
    Some((s.min(t), s.max(t)))
}

fn overlap(a: Interval, b: Interval) -> Option<Interval> {
    let both = (a.0.max(b.0), a.1.min(b.1));
    (both.0 < both.1).then_some(both)
}

/// What shows along a line: cut with all shapes, later shapes win.
#[derive(Debug, Default)]
pub(crate) struct Line {
    hits: Vec<(f64, f64, usize)>,
    ends: Vec<f64>,
    /// Start of each stretch and the index of its shape; none where no shape is.
    pub(crate) stretches: Vec<(f64, Option<usize>)>,
}

impl Line {
    /// Cuts the line and fills `stretches`, the first of which starts at minus infinity.
    pub(crate) fn trace<'a>(&mut self, origin: Point, direction: Point, solids: impl Iterator<Item = &'a Solid>) {
        self.hits.clear();
        self.ends.clear();
        self.stretches.clear();
        self.stretches.push((f64::NEG_INFINITY, None));
        for (index, solid) in solids.enumerate() {
            let hits = &mut self.hits;
            solid.cut(origin, direction, |(from, to)| hits.push((from, to, index)));
        }
        for &(from, to, _) in &self.hits {
            self.ends.push(from);
            self.ends.push(to);
        }
        self.ends.sort_unstable_by(f64::total_cmp);
        for (at, &from) in self.ends.iter().enumerate() {
            let Some(&to) = self.ends.get(at + 1) else {
                self.stretches.push((from, None));
                break;
            };
            if to <= from {
                continue;
            }
            let middle = if from.is_finite() && to.is_finite() { (from + to) / 2.0 } else { from.max(-1e12).min(to) };
            let top = self.hits.iter().rev().find(|(a, b, _)| *a <= middle && middle < *b).map(|(_, _, i)| *i);
            if self.stretches.last().is_none_or(|(_, last)| *last != top) {
                self.stretches.push((from, top));
            }
        }
    }
}
