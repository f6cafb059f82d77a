//! Rendered images and thumbnails as PNG or JPEG (PS3.18 §10.4.1.1.4): the middle image of a series,
//! the default window, aspect kept.

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

use super::frames::{Frame, decode};
use super::{DicomWeb, Htj2k, Refusal, accept, blocking, multipart};
use crate::images::Found;

type Parameters = Query<BTreeMap<String, String>>;

/// Longer side of a thumbnail.
const THUMBNAIL: usize = 128;

pub(crate) async fn instance(
    State(service): State<DicomWeb>,
    Path((study, series, instance)): Path<(String, String, String)>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = service.images.find(&study, Some(&series), Some(&instance));
    picture(service, headers, parameters, found, 1, None).await
}

pub(crate) async fn frame(
    State(service): State<DicomWeb>,
    Path((study, series, instance, frame)): Path<(String, String, String, usize)>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = service.images.find(&study, Some(&series), Some(&instance));
    picture(service, headers, parameters, found, frame, None).await
}

pub(crate) async fn frame_thumbnail(
    State(service): State<DicomWeb>,
    Path((study, series, instance, frame)): Path<(String, String, String, usize)>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = service.images.find(&study, Some(&series), Some(&instance));
    picture(service, headers, parameters, found, frame, Some(THUMBNAIL)).await
}

pub(crate) async fn instance_thumbnail(
    State(service): State<DicomWeb>,
    Path((study, series, instance)): Path<(String, String, String)>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = service.images.find(&study, Some(&series), Some(&instance));
    picture(service, headers, parameters, found, 1, Some(THUMBNAIL)).await
}

pub(crate) async fn series_thumbnail(
    State(service): State<DicomWeb>,
    Path((study, series)): Path<(String, String)>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = service.images.find(&study, Some(&series), None);
    picture(service, headers, parameters, found, 1, Some(THUMBNAIL)).await
}

pub(crate) async fn study_thumbnail(
    State(service): State<DicomWeb>,
    Path(study): Path<String>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = service.images.find(&study, None, None);
    let series = found.first().map(|f| f.series);
    let found = found.into_iter().filter(|f| Some(f.series) == series).collect();
    picture(service, headers, parameters, found, 1, Some(THUMBNAIL)).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Png,
    Jpeg,
}

async fn picture(
    service: DicomWeb,
    headers: HeaderMap,
    parameters: BTreeMap<String, String>,
    found: Vec<Found>,
    frame: usize,
    longest: Option<usize>,
) -> Result<Response, Refusal> {
    let format = accept::ranges(&headers, "")
        .iter()
        .find_map(|r| match r.media.as_str() {
            "image/png" => Some(Format::Png),
            "image/jpeg" | "image/*" | "*/*" => Some(Format::Jpeg),
            _ => None,
        })
        .ok_or_else(|| Refusal::NotAcceptable("pictures are image/jpeg or image/png".to_owned()))?;
    let middle = found.len() / 2;
    let found = found.into_iter().nth(middle).ok_or(Refusal::NotFound)?;
    blocking(move || {
        let place = found.instance.place()?;
        if service.htj2k == Htj2k::LikeOrthanc && accept::is_htj2k(&place.layout.transfer_syntax) {
            return Err(Refusal::Bad("the image cannot be rendered".to_owned()));
        }
        let header = found.instance.header()?;
        let index = frame.checked_sub(1).ok_or_else(|| Refusal::Bad("frames count from 1".to_owned()))?;
        if header.get(tags::ROWS).is_none() {
            return Err(Refusal::NotAcceptable("the instance has no image".to_owned()));
        }
        let frame = decode(&found.instance, &header, &place, index)?;
        let window = parameters.get("window").map(|w| parse_window(w)).transpose()?;
        let picture = gray_or_color(&header, &frame, window)?;
        let picture = match longest {
            Some(longest) => picture.shrunk(longest, longest),
            None => match parameters.get("viewport").map(|v| parse_viewport(v)).transpose()? {
                Some((width, height)) => picture.shrunk(width, height),
                None => picture,
            },
        };
        let (bytes, media) = match format {
            Format::Png => (picture.png()?, "image/png"),
            Format::Jpeg => (picture.jpeg()?, "image/jpeg"),
        };
        Ok(multipart::with_type(StatusCode::OK, media, bytes.into()))
    })
    .await
}

fn parse_window(text: &str) -> Result<(f64, f64), Refusal> {
    let mut numbers = text.split(',').map(|n| n.trim().parse::<f64>());
    match (numbers.next(), numbers.next()) {
        (Some(Ok(center)), Some(Ok(width))) if width > 0.0 => Ok((center, width)),
        _ => Err(Refusal::Bad("window is center,width".to_owned())),
    }
}

fn parse_viewport(text: &str) -> Result<(usize, usize), Refusal> {
    let mut numbers = text.split(',').map(|n| n.trim().parse::<usize>());
    match (numbers.next(), numbers.next()) {
        (Some(Ok(width)), Some(Ok(height))) if width > 0 && height > 0 => Ok((width, height)),
        _ => Err(Refusal::Bad("viewport is width,height".to_owned())),
    }
}

/// A picture of 8-bit samples.
#[derive(Debug)]
struct Picture {
    width: usize,
    height: usize,
    /// 1 or 3.
    samples: usize,
    bytes: Vec<u8>,
}

fn number(header: &InMemDicomObject, tag: Tag) -> Option<f64> {
    header.get(tag).and_then(|e| e.to_multi_float64().ok()).and_then(|v| v.first().copied())
}

fn whole(header: &InMemDicomObject, tag: Tag) -> usize {
    header.get(tag).and_then(|e| e.to_int::<usize>().ok()).unwrap_or(0)
}

fn gray_or_color(header: &InMemDicomObject, frame: &Frame, window: Option<(f64, f64)>) -> Result<Picture, Refusal> {
    let (width, height) = (whole(header, tags::COLUMNS), whole(header, tags::ROWS));
    let area = width * height;
    let too_short = || Refusal::Broken("the frame is shorter than its rows and columns".to_owned());
    if frame.samples == 3 {
        let bytes = frame.bytes.get(..area * 3).ok_or_else(too_short)?.to_vec();
        return Ok(Picture { width, height, samples: 3, bytes });
    }
    let signed = whole(header, tags::PIXEL_REPRESENTATION) == 1;
    let stored: Vec<f64> = match whole(header, tags::BITS_ALLOCATED) {
        1 => (0..area).map(|i| frame.bytes.get(i / 8).map_or(0.0, |b| f64::from((b >> (i % 8)) & 1))).collect(),
        8 => frame.bytes.iter().map(|b| if signed { f64::from(b.cast_signed()) } else { f64::from(*b) }).collect(),
        16 => frame
            .bytes
            .as_chunks::<2>()
            .0
            .iter()
            .map(|c| if signed { f64::from(i16::from_le_bytes(*c)) } else { f64::from(u16::from_le_bytes(*c)) })
            .collect(),
        bits => return Err(Refusal::NotAcceptable(format!("no picture of {bits} bits"))),
    };
    let stored = stored.get(..area).ok_or_else(too_short)?;
    let slope = number(header, tags::RESCALE_SLOPE).unwrap_or(1.0);
    let intercept = number(header, tags::RESCALE_INTERCEPT).unwrap_or(0.0);
    let (low, high) = stored.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    let (center, width_of_window) = window
        .or_else(|| Some((number(header, tags::WINDOW_CENTER)?, number(header, tags::WINDOW_WIDTH)?)))
        .unwrap_or((((low + high) * slope) / 2.0 + intercept, ((high - low) * slope).abs().max(1.0) + 1.0));
    let inverse = frame.photometric == "MONOCHROME1";
    let bytes = stored
        .iter()
        .map(|v| {
            let value = v * slope + intercept;
            // PS3.3 C.11.2.1.2.1, function LINEAR.
            let shade = ((value - (center - 0.5)) / (width_of_window - 1.0).max(1e-9) + 0.5) * 255.0;
            let shade = to_u8(shade);
            if inverse { 255 - shade } else { shade }
        })
        .collect();
    Ok(Picture { width, height, samples: 1, bytes })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float to integer casts saturate")]
fn to_u8(value: f64) -> u8 {
    value.round() as u8
}

impl Picture {
    /// Fits into a box by averaging; a picture is never enlarged.
    fn shrunk(self, width: usize, height: usize) -> Self {
        let wanted = width.min(self.width * height / self.height.max(1)).clamp(1, self.width.max(1));
        let tall = (self.height * wanted / self.width.max(1)).max(1);
        if wanted >= self.width {
            return self;
        }
        let mut bytes = Vec::with_capacity(wanted * tall * self.samples);
        for y in 0..tall {
            let rows = y * self.height / tall..((y + 1) * self.height / tall).max(y * self.height / tall + 1);
            for x in 0..wanted {
                let columns = x * self.width / wanted..((x + 1) * self.width / wanted).max(x * self.width / wanted + 1);
                for s in 0..self.samples {
                    let mut sum = 0_usize;
                    for row in rows.clone() {
                        for column in columns.clone() {
                            sum += usize::from(self.bytes[(row * self.width + column) * self.samples + s]);
                        }
                    }
                    let mean = sum / (rows.len() * columns.len());
                    bytes.push(u8::try_from(mean).unwrap_or(u8::MAX));
                }
            }
        }
        Self { width: wanted, height: tall, samples: self.samples, bytes }
    }

    fn png(&self) -> Result<Vec<u8>, Refusal> {
        let failed = |e: png::EncodingError| Refusal::Broken(e.to_string());
        let size = |n: usize| u32::try_from(n).map_err(|e| Refusal::Broken(e.to_string()));
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, size(self.width)?, size(self.height)?);
        encoder.set_color(if self.samples == 3 { png::ColorType::Rgb } else { png::ColorType::Grayscale });
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&self.bytes).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(out)
    }

    fn jpeg(&self) -> Result<Vec<u8>, Refusal> {
        let size = |n: usize| u16::try_from(n).map_err(|e| Refusal::NotAcceptable(format!("too large for JPEG: {e}")));
        let color = if self.samples == 3 { jpeg_encoder::ColorType::Rgb } else { jpeg_encoder::ColorType::Luma };
        let mut out = Vec::new();
        jpeg_encoder::Encoder::new(&mut out, 90)
            .encode(&self.bytes, size(self.width)?, size(self.height)?, color)
            .map_err(|e| Refusal::Broken(e.to_string()))?;
        Ok(out)
    }
}
