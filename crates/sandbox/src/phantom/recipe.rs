//! The part of the demonstration recipe that images are made from, as it lies in `assets/demo`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Everything that images are made from: phantoms, studies, patients and organizations.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Phantoms by name; a name may extend another (`add_to`).
    pub phantoms: BTreeMap<String, Phantom>,
    /// The studies in the order of the recipe.
    pub studies: Vec<StudyRecipe>,
    /// The patients by id (`pat-…`).
    pub patients: BTreeMap<String, PatientRecipe>,
    /// Names of organizations by id (`org-…`).
    pub organizations: BTreeMap<String, String>,
}

/// Shapes of one phantom, painted in order: later shapes win.
#[derive(Debug, Clone, Deserialize)]
pub struct Phantom {
    /// Another phantom below this one.
    pub add_to: Option<String>,
    /// What is painted.
    #[serde(default)]
    pub objects: Vec<Object>,
}

/// One shape. Lengths in mm in the patient's coordinates (L, P, H positive).
#[derive(Debug, Clone, Deserialize)]
pub struct Object {
    /// What it stands for.
    pub name: String,
    /// Absent for objects of projections, which are described by `radius_mm` and `contrast`.
    pub shape: Option<Shape>,
    /// Three numbers for an ellipsoid, two for shapes along z.
    #[serde(default)]
    pub center_mm: Vec<f64>,
    /// Three numbers for an ellipsoid, two for shapes along z.
    #[serde(default)]
    pub radii_mm: Vec<f64>,
    /// Lower and upper end of a shape along z.
    pub z_mm: Option<[f64; 2]>,
    /// Rise of the ends of a shape along z, in mm per mm of y.
    #[serde(default)]
    pub tilt: f64,
    /// Thickness of the wall of a shell.
    pub wall_mm: Option<f64>,
    /// Value in Hounsfield units.
    pub hu: Option<f64>,
    /// Standardized uptake value in g/ml.
    pub suv: Option<f64>,
    /// Signal in arbitrary units.
    pub mr: Option<f64>,
    /// Apparent diffusion coefficient in 10⁻³ mm²/s.
    pub adc: Option<f64>,
    /// Name of the lesion that reports speak of.
    pub lesion: Option<String>,
    /// The only study that contains this object.
    pub only_for: Option<String>,
    /// Radius of a mass in a projection.
    pub radius_mm: Option<f64>,
    /// Contrast of a mass in a projection, relative to the tissue around it.
    pub contrast: Option<f64>,
}

/// The shapes that recipes use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Axis-aligned ellipsoid.
    Ellipsoid,
    /// Elliptic cylinder along z.
    CylinderZ,
    /// The wall of an elliptic cylinder along z.
    ShellZ,
}

/// One study of the recipe.
#[derive(Debug, Clone, Deserialize)]
pub struct StudyRecipe {
    /// FHIR id, and the seed of its UIDs.
    pub id: String,
    /// Whose images they are.
    pub patient: String,
    /// Days from today.
    pub d: i32,
    /// Local clock time, `HH:MM`.
    pub t: String,
    /// Modalities as DICOM codes.
    pub modalities: Vec<String>,
    /// Who made them.
    pub organization: String,
    /// Title in German and English.
    pub title: Title,
    /// What it consists of.
    pub series: Vec<SeriesRecipe>,
    /// Where the record lists it when that is not the patient's own record.
    pub identity_trap: Option<IdentityTrap>,
}

/// A text in both languages.
#[derive(Debug, Clone, Deserialize)]
pub struct Title {
    /// German.
    pub de: String,
    /// English.
    pub en: String,
}

/// A study that the record lists under the wrong patient on purpose.
#[derive(Debug, Clone, Deserialize)]
pub struct IdentityTrap {
    /// The record that names it.
    pub listed_under_patient: String,
}

/// One series of the recipe.
#[derive(Debug, Clone, Deserialize)]
pub struct SeriesRecipe {
    /// Series number, and part of its UID.
    pub no: u32,
    /// Modality as DICOM code.
    pub modality: String,
    /// Series description.
    pub description: String,
    /// Names of phantoms, joined by `+`.
    pub phantom: String,
    /// Columns, rows, slices.
    pub matrix: [u32; 3],
    /// Column, row and slice distance.
    pub spacing_mm: [f64; 3],
    /// z of the topmost row or slice.
    pub top_z_mm: Option<f64>,
    /// Plane of the slices.
    #[serde(default)]
    pub orientation: Orientation,
    /// Tilt of an oblique stack about x.
    #[serde(default)]
    pub tilt_deg: f64,
    /// Standard deviation of the noise.
    #[serde(default)]
    pub noise_hu: f64,
    /// Noise of PET, relative to the value.
    #[serde(default)]
    pub noise_rel: f64,
    /// Window that is named first.
    pub window: Option<String>,
    /// `adc` for a map of diffusion coefficients.
    pub contrast: Option<String>,
    /// Width of the scanner's point spread function.
    pub psf_fwhm_mm: Option<f64>,
    /// Injected activity in MBq.
    pub injected_mbq: Option<f64>,
    /// Minutes between injection and acquisition.
    pub uptake_min: Option<f64>,
    /// Weight of the patient.
    pub weight_kg: Option<f64>,
    /// Side of a mammogram.
    pub laterality: Option<String>,
    /// View of a mammogram.
    pub view: Option<String>,
}

/// Plane of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orientation {
    /// Slices across the body, from head to feet.
    #[default]
    Axial,
    /// Slices from the patient's right to the left.
    Sagittal,
    /// Axial slices, tilted about x.
    ObliqueAxial,
}

/// Identity of an invented patient.
#[derive(Debug, Clone, Deserialize)]
pub struct PatientRecipe {
    /// FHIR id.
    pub id: String,
    /// Given and family name.
    pub name: PersonName,
    /// `male` or `female`.
    pub sex: String,
    /// Age today, with day and month of birth.
    pub birth: Birth,
    /// Patient number by organization.
    pub pids: BTreeMap<String, String>,
}

/// A name as FHIR splits it.
#[derive(Debug, Clone, Deserialize)]
pub struct PersonName {
    /// Given names, separated by spaces.
    pub given: String,
    /// Family name.
    pub family: String,
}

/// A birthday whose year follows from the age, so that the age never drifts.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Birth {
    /// Age in years today.
    pub age: i16,
    /// Month of birth.
    pub month: i8,
    /// Day of birth.
    pub day: i8,
}

#[derive(Deserialize)]
struct ImagingFile {
    phantoms: BTreeMap<String, Phantom>,
    studies: Vec<StudyRecipe>,
}

#[derive(Deserialize)]
struct NetworkFile {
    organizations: Vec<Organization>,
}

#[derive(Deserialize)]
struct Organization {
    id: String,
    name: String,
}

const IMAGING: &str = include_str!("../../../../assets/demo/imaging.json");
const NETWORK: &str = include_str!("../../../../assets/demo/network.json");
const PATIENTS: [&str; 6] = [
    include_str!("../../../../assets/demo/patients/1-auenwald-lunge.json"),
    include_str!("../../../../assets/demo/patients/2-birkenlicht-mamma.json"),
    include_str!("../../../../assets/demo/patients/3-steinklee-rektum.json"),
    include_str!("../../../../assets/demo/patients/4-aehrenfeld-prostata.json"),
    include_str!("../../../../assets/demo/patients/5-mohnblatt-melanom.json"),
    include_str!("../../../../assets/demo/patients/x-auerwald-decoy.json"),
];

impl Recipe {
    /// The demonstration that is built into the program.
    ///
    /// # Errors
    /// When a built-in file does not have the form that this module describes.
    pub fn built_in() -> Result<Self, serde_json::Error> {
        let imaging: ImagingFile = serde_json::from_str(IMAGING)?;
        let network: NetworkFile = serde_json::from_str(NETWORK)?;
        let mut patients = BTreeMap::new();
        for text in PATIENTS {
            let patient: PatientRecipe = serde_json::from_str(text)?;
            patients.insert(patient.id.clone(), patient);
        }
        Ok(Self {
            phantoms: imaging.phantoms,
            studies: imaging.studies,
            patients,
            organizations: network.organizations.into_iter().map(|o| (o.id, o.name)).collect(),
        })
    }

    /// Changes when the built-in phantoms or patients change, so that no painted file outlives its recipe.
    pub(crate) fn version() -> String {
        let all = [&[IMAGING, NETWORK, env!("CARGO_PKG_VERSION")][..], &PATIENTS].concat().concat();
        let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, all.as_bytes()).simple().to_string();
        id.chars().take(8).collect()
    }

    /// The objects of a series in painting order, base phantoms first, without those of other studies.
    pub fn objects(&self, phantom: &str, study: &str) -> Vec<&Object> {
        let mut names: Vec<&str> = Vec::new();
        for name in phantom.split('+') {
            let base = self.phantoms.get(name).and_then(|p| p.add_to.as_deref());
            for name in base.into_iter().chain([name]) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
            .iter()
            .filter_map(|name| self.phantoms.get(*name))
            .flat_map(|p| &p.objects)
            .filter(|o| o.only_for.as_deref().is_none_or(|only| only == study))
            .collect()
    }
}
