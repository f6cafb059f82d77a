//! Zoom, pan, rotation and flips of an image in its viewport, and the mapping that follows from them.

/// Size and shape of an image's pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Raster {
    /// Columns.
    pub columns: u32,
    /// Rows.
    pub rows: u32,
    /// Width and height of a pixel in units of the finer of the two spacings: (1, 1) for square pixels.
    pub aspect: [f64; 2],
}

impl Raster {
    fn middle(self) -> [f64; 2] {
        [f64::from(self.columns) / 2.0, f64::from(self.rows) / 2.0]
    }
}

/// One of the eight ways to lay an image on the screen: where its columns and rows run to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    // Screen direction = matrix × image direction.
    matrix: [[i8; 2]; 2],
}

impl Default for Turn {
    fn default() -> Self {
        Self { matrix: [[1, 0], [0, 1]] }
    }
}

impl Turn {
    const CLOCKWISE: [[i8; 2]; 2] = [[0, -1], [1, 0]];
    const MIRROR_LEFT_RIGHT: [[i8; 2]; 2] = [[-1, 0], [0, 1]];
    const MIRROR_TOP_BOTTOM: [[i8; 2]; 2] = [[1, 0], [0, -1]];

    /// Left and right of the image exchanged, and top and bottom; then turned clockwise.
    pub fn new(flipped: [bool; 2], quarter_turns: u32) -> Self {
        let mut turn = Self::default();
        if flipped[0] {
            turn = turn.after(Self::MIRROR_LEFT_RIGHT);
        }
        if flipped[1] {
            turn = turn.after(Self::MIRROR_TOP_BOTTOM);
        }
        (0..quarter_turns % 4).fold(turn, |turn, _| turn.after(Self::CLOCKWISE))
    }

    /// The flips and the quarter turns that lead here. Of the two ways there are, the one that never exchanges top and
    /// bottom: it is the other one turned by half.
    pub fn parts(self) -> ([bool; 2], u32) {
        let [[a, b], [c, d]] = self.matrix;
        // A flip of left and right leaves the direction of a column to the turn alone.
        let turns = match (b, d) {
            (0, 1) => 0,
            (-1, 0) => 1,
            (0, -1) => 2,
            _ => 3,
        };
        ([a * d - b * c < 0, false], turns)
    }

    fn after(self, step: [[i8; 2]; 2]) -> Self {
        let m = self.matrix;
        let cell = |r: usize, c: usize| step[r][0] * m[0][c] + step[r][1] * m[1][c];
        Self { matrix: [[cell(0, 0), cell(0, 1)], [cell(1, 0), cell(1, 1)]] }
    }

    fn float(self) -> [[f64; 2]; 2] {
        self.matrix.map(|row| row.map(f64::from))
    }

    /// Where an image direction points on the screen.
    pub fn screen_from_image(self, [column, row]: [f64; 2]) -> [f64; 2] {
        let m = self.float();
        [m[0][0] * column + m[0][1] * row, m[1][0] * column + m[1][1] * row]
    }

    /// Which image direction points there on the screen.
    pub fn image_from_screen(self, [x, y]: [f64; 2]) -> [f64; 2] {
        let m = self.float();
        // Orthogonal, so the inverse is the transpose.
        [m[0][0] * x + m[1][0] * y, m[0][1] * x + m[1][1] * y]
    }
}

/// Where an image lies in its viewport.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// Rotation and flips.
    pub turn: Turn,
    /// Device pixels per image pixel along the finer spacing.
    pub zoom: f64,
    /// Displacement of the image's middle from the viewport's middle, in device pixels.
    pub pan: [f64; 2],
    /// Follows the viewport's size.
    pub fit: bool,
}

impl Default for Placement {
    fn default() -> Self {
        Self { turn: Turn::default(), zoom: 1.0, pan: [0.0, 0.0], fit: true }
    }
}

impl Placement {
    /// Smallest zoom that a person can reach.
    pub const ZOOM_MIN: f64 = 1.0 / 64.0;
    /// Largest zoom that a person can reach.
    pub const ZOOM_MAX: f64 = 64.0;

    /// Not fitting: with this image point in the viewport's middle, whatever the viewport's size.
    pub fn centered(raster: Raster, turn: Turn, zoom: f64, point: [f64; 2]) -> Self {
        let middle = raster.middle();
        let pan = turn.screen_from_image(std::array::from_fn(|i| (middle[i] - point[i]) * raster.aspect[i] * zoom));
        Self { turn, zoom, pan, fit: false }
    }

    /// The image point in the viewport's middle; of a placement that fits, once it is resolved.
    pub fn center(&self, raster: Raster) -> [f64; 2] {
        let (middle, moved) = (raster.middle(), self.turn.image_from_screen(self.pan));
        std::array::from_fn(|i| middle[i] - moved[i] / (raster.aspect[i] * self.zoom))
    }

    /// The zoom at which the whole image just fits.
    pub fn fitting_zoom(&self, raster: Raster, size: [f64; 2]) -> f64 {
        let extent = [f64::from(raster.columns) * raster.aspect[0], f64::from(raster.rows) * raster.aspect[1]];
        let [width, height] = self.turn.screen_from_image(extent).map(f64::abs);
        let zoom = (size[0] / width).min(size[1] / height);
        if zoom.is_finite() && zoom > 0.0 { zoom } else { 1.0 }
    }

    /// The placement with the zoom that is in force: `fit` follows the viewport.
    pub fn resolved(&self, raster: Raster, size: [f64; 2]) -> Self {
        if self.fit { Self { zoom: self.fitting_zoom(raster, size), pan: [0.0, 0.0], ..*self } } else { *self }
    }

    /// The mapping of this placement.
    pub fn mapping(&self, raster: Raster, size: [f64; 2]) -> Mapping {
        let now = self.resolved(raster, size);
        let scale = raster.aspect.map(|a| a * now.zoom);
        let turn = now.turn.float();
        let matrix = turn.map(|row| [row[0] * scale[0], row[1] * scale[1]]);
        let middle = raster.middle();
        let mut offset: [f64; 2] =
            std::array::from_fn(|i| size[i] / 2.0 + now.pan[i] - matrix[i][0] * middle[0] - matrix[i][1] * middle[1]);
        // With whole-numbered scales each image pixel can cover whole screen pixels, so it does.
        if scale.iter().all(|s| s.fract() == 0.0) {
            offset = offset.map(f64::round);
        }
        Mapping { turn: now.turn, scale, matrix, offset }
    }

    /// Zooms by a factor; the image point at `at` stays there.
    pub fn zoom_at(&mut self, raster: Raster, size: [f64; 2], factor: f64, at: [f64; 2]) {
        if !factor.is_finite() || factor <= 0.0 {
            return;
        }
        let point = self.mapping(raster, size).image_from_screen(at);
        *self = self.resolved(raster, size);
        self.fit = false;
        // An image that fits only below the smallest zoom is not made larger by a step outwards.
        let least = Self::ZOOM_MIN.min(self.zoom);
        let most = Self::ZOOM_MAX.max(self.zoom);
        self.zoom = (self.zoom * factor).clamp(least, most);
        let moved = self.mapping(raster, size).screen_from_image(point);
        self.pan = [self.pan[0] + at[0] - moved[0], self.pan[1] + at[1] - moved[1]];
    }

    /// Moves the image.
    pub fn pan_by(&mut self, raster: Raster, size: [f64; 2], by: [f64; 2]) {
        *self = self.resolved(raster, size);
        self.fit = false;
        self.pan = [self.pan[0] + by[0], self.pan[1] + by[1]];
    }

    /// Shows the whole image, as large as possible.
    pub fn fit(&mut self) {
        self.fit = true;
        self.pan = [0.0, 0.0];
    }

    /// Shows one image pixel on one device pixel; what is in the middle stays there.
    pub fn one_to_one(&mut self, raster: Raster, size: [f64; 2]) {
        let now = self.resolved(raster, size);
        self.zoom_at(raster, size, 1.0 / now.zoom, [size[0] / 2.0, size[1] / 2.0]);
        self.zoom = 1.0;
    }

    /// Rotates clockwise on the screen, about the viewport's middle.
    pub fn rotate(&mut self, quarter_turns: i32) {
        for _ in 0..quarter_turns.rem_euclid(4) {
            self.turn = self.turn.after(Turn::CLOCKWISE);
            self.pan = [-self.pan[1], self.pan[0]];
        }
    }

    /// Mirrors what is on the screen: left and right exchanged, or top and bottom.
    pub fn flip(&mut self, horizontal: bool) {
        if horizontal {
            self.turn = self.turn.after(Turn::MIRROR_LEFT_RIGHT);
            self.pan[0] = -self.pan[0];
        } else {
            self.turn = self.turn.after(Turn::MIRROR_TOP_BOTTOM);
            self.pan[1] = -self.pan[1];
        }
    }
}

/// An affine mapping between image and screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mapping {
    turn: Turn,
    scale: [f64; 2],
    matrix: [[f64; 2]; 2],
    offset: [f64; 2],
}

impl Mapping {
    /// Above this scale pixels are shown as squares, since interpolation would hide that they are pixels.
    pub const SMOOTH_MAX: f64 = 4.0;

    /// Where an image point lies on the screen.
    pub fn screen_from_image(&self, [column, row]: [f64; 2]) -> [f64; 2] {
        std::array::from_fn(|i| self.matrix[i][0] * column + self.matrix[i][1] * row + self.offset[i])
    }

    /// Which image point lies there on the screen.
    pub fn image_from_screen(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [column, row] = self.turn.image_from_screen([x - self.offset[0], y - self.offset[1]]);
        [column / self.scale[0], row / self.scale[1]]
    }

    /// Coefficients for a shader: column = c[0]·x + c[1]·y + c[2], row likewise.
    pub fn coefficients(&self) -> [[f64; 3]; 2] {
        let origin = self.image_from_screen([0.0, 0.0]);
        let right = self.turn.image_from_screen([1.0, 0.0]);
        let down = self.turn.image_from_screen([0.0, 1.0]);
        std::array::from_fn(|i| [right[i] / self.scale[i], down[i] / self.scale[i], origin[i]])
    }

    /// Whether to interpolate: only where pixels are not shown one to one and not as squares.
    pub fn smooth(&self) -> bool {
        let [x, y] = self.scale;
        !(x == 1.0 && y == 1.0) && x.max(y) <= Self::SMOOTH_MAX
    }
}
