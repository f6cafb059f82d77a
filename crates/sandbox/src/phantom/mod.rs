//! Paints the demonstration's images from its recipe: phantoms of ellipsoids and cylinders in mm,
//! with the densities, uptakes and signals that the reports quote, as DICOM Part 10 files.
//!
//! Nothing is painted before somebody asks for it. A CT, MR or X-ray image is painted alone; a PET
//! series is painted as a whole, because the point spread needs neighbors. Files of an earlier day
//! are never reused, since all dates count from today.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use dicom_object::InMemDicomObject;
use jiff::civil::Date;

pub(crate) mod grid;
pub(crate) mod header;
mod numbers;
mod paint;
pub(crate) mod pet;
mod projection;
pub mod recipe;
mod shapes;

use crate::images::part10::{self, WriteError};
use grid::Grid;
use header::Subject;
use recipe::{Object, Recipe, SeriesRecipe, StudyRecipe};

/// The UID of a name: `2.25.` and the decimal form of its UUIDv5 in the OID namespace (PS3.5 B.2).
#[must_use]
pub fn uid(parts: &[&str]) -> String {
    let uuid = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, parts.join("/").as_bytes());
    format!("2.25.{}", uuid.as_u128())
}

/// A series that is painted when it is asked for.
#[derive(Debug)]
pub(crate) struct PaintedSeries {
    recipe: Arc<Recipe>,
    study: usize,
    series: usize,
    today: Date,
    folder: PathBuf,
    /// Held while a PET series is painted, so that two requests do not paint it twice.
    painting: Mutex<()>,
}

impl PaintedSeries {
    /// A series of the recipe, by index, whose files lie in `folder`.
    pub(crate) fn new(recipe: Arc<Recipe>, study: usize, series: usize, today: Date, folder: &Path) -> Self {
        let number = recipe.studies[study].series[series].no;
        let folder = folder.join(&recipe.studies[study].id).join(number.to_string());
        Self { recipe, study, series, today, folder, painting: Mutex::new(()) }
    }

    fn study(&self) -> &StudyRecipe {
        &self.recipe.studies[self.study]
    }

    fn series(&self) -> &SeriesRecipe {
        &self.study().series[self.series]
    }

    fn objects(&self) -> Vec<&Object> {
        self.recipe.objects(&self.series().phantom, &self.study().id)
    }

    fn grid(&self) -> Grid {
        Grid::of(self.series(), &self.objects())
    }

    fn subject(&self, index: usize) -> Subject<'_> {
        Subject { recipe: &self.recipe, study: self.study(), series: self.series(), today: self.today, index }
    }

    /// How many instances the series has.
    pub(crate) fn len(&self) -> usize {
        numbers::size(self.series().matrix[2])
    }

    /// The attributes of one instance without its pixels. A PET slice's rescale slope follows from its
    /// pixels and is 1 here.
    pub(crate) fn attributes(&self, index: usize) -> InMemDicomObject {
        header::header(self.subject(index), &self.grid(), "1")
    }

    /// Whether the attributes are known only when the pixels are.
    pub(crate) fn needs_pixels(&self) -> bool {
        self.series().modality == "PT"
    }

    /// The file of one instance, painted if it is not there yet.
    pub(crate) fn file(&self, index: usize) -> Result<PathBuf, WriteError> {
        let path = self.path(index);
        if path.exists() {
            return Ok(path);
        }
        std::fs::create_dir_all(&self.folder)?;
        if self.needs_pixels() {
            let _painting = self.painting.lock().unwrap_or_else(PoisonError::into_inner);
            if !path.exists() {
                self.paint_volume()?;
            }
        } else {
            let bytes = self.paint_slice(index);
            part10::write_native(&path, &self.attributes(index), &bytes)?;
        }
        Ok(path)
    }

    fn path(&self, index: usize) -> PathBuf {
        self.folder.join(format!("{:04}.dcm", index + 1))
    }

    fn seed(&self) -> u64 {
        let name = format!("{}/{}/noise", self.study().id, self.series().no);
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).as_u64_pair().0
    }

    fn paint_volume(&self) -> Result<(), WriteError> {
        let series = self.series();
        let grid = self.grid();
        let scan = pet::Scan {
            psf_fwhm_mm: series.psf_fwhm_mm.unwrap_or(6.0),
            noise_rel: series.noise_rel,
            bqml_per_suv: pet::bqml_per_suv(
                series.injected_mbq.unwrap_or(250.0),
                series.uptake_min.unwrap_or(60.0),
                series.weight_kg.unwrap_or(75.0),
            ),
            seed: self.seed(),
        };
        for (index, slice) in pet::volume(&grid, &self.objects(), scan).into_iter().enumerate() {
            let header = header::header(self.subject(index), &grid, &slice.slope);
            let bytes: Vec<u8> = slice.values.iter().flat_map(|v| v.to_le_bytes()).collect();
            part10::write_native(&self.path(index), &header, &bytes)?;
        }
        Ok(())
    }

    /// Stored values of one slice, little endian.
    fn paint_slice(&self, index: usize) -> Vec<u8> {
        let series = self.series();
        let objects = self.objects();
        match series.modality.as_str() {
            "CT" => self.paint_rows(
                index,
                -1000,
                |o| o.hu,
                series.noise_hu,
                |v| numbers::to_i16(v + f64::from(header::CT_OFFSET)).to_le_bytes(),
            ),
            "MR" if series.contrast.as_deref() == Some("adc") => {
                // In 10⁻⁶ mm²/s; where the recipe names no diffusion, bright water diffuses freely.
                let adc = |o: &Object| o.adc.map(|v| v * 1000.0).or(o.mr.map(|v| v * 10.0));
                self.paint_rows(index, 0, adc, 40.0, |v| numbers::to_u16(v).to_le_bytes())
            }
            "MR" => self.paint_rows(index, 0, |o| o.mr, 3.0, |v| numbers::to_u16(v).to_le_bytes()),
            "MG" => words(projection::breast(series, &objects, self.seed())),
            _ => words(projection::chest(series, &self.recipe.objects("thorax", &self.study().id), self.seed())),
        }
    }

    fn paint_rows(
        &self,
        index: usize,
        background: i32,
        value: impl Fn(&Object) -> Option<f64>,
        noise_sd: f64,
        store: impl Fn(f64) -> [u8; 2],
    ) -> Vec<u8> {
        let objects = self.objects();
        let bodies: Vec<paint::Body> = objects
            .iter()
            .filter_map(|o| Some(paint::Body { solid: shapes::Solid::of(o)?, value: numbers::to_i32(value(o)?) }))
            .collect();
        let grid = self.grid();
        let seed = self.seed();
        let samples = f64::from(paint::samples(&grid));
        let mut bytes = Vec::with_capacity(grid.size[0] * grid.size[1] * 2);
        paint::slice(&grid, index, background, &bodies, |j, sums| {
            for (sum, noise) in sums.iter().zip(paint::noise(seed, index, j)) {
                let value = f64::from(*sum) / samples + f64::from(*noise) * noise_sd;
                bytes.extend_from_slice(&store(value));
            }
        });
        bytes
    }
}

fn words(values: Vec<u16>) -> Vec<u8> {
    values.into_iter().flat_map(u16::to_le_bytes).collect()
}
