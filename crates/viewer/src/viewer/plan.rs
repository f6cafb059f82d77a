//! What is to be painted in each viewport, resolved for whatever paints.

use super::{Rect, Viewport, mapping};
use crate::gpu::Gpu;
use crate::look::{Look, Mode, Uniform, Voi};
use crate::painter::Painting;
use crate::passes::Drawing;
use crate::stack::Stack;
use std::collections::BTreeMap;

/// What is to be painted in a viewport, by whatever means.
pub(super) struct Plan<'a> {
    viewport: u32,
    scissor: [u32; 4],
    mode: Mode,
    uniform: Uniform,
    stack: &'a Stack,
    index: u32,
    /// The numbers of the tables that stand in place of slope and intercept, and of a window.
    modality: Option<u32>,
    voi: Option<u32>,
}

pub(super) fn plans<'a>(
    viewports: &'a BTreeMap<u32, Viewport>,
    stacks: &'a BTreeMap<u32, Stack>,
    target: [u32; 2],
) -> impl Iterator<Item = Plan<'a>> {
    viewports.iter().filter_map(move |(id, viewport)| Plan::of(stacks, *id, viewport, viewport.rect?, target))
}

impl<'a> Plan<'a> {
    /// None where there is nothing to show: the viewport stays black. The frame is always that of the index.
    pub(super) fn of(
        stacks: &'a BTreeMap<u32, Stack>,
        id: u32,
        viewport: &Viewport,
        rect: Rect,
        target: [u32; 2],
    ) -> Option<Self> {
        let shown = viewport.shown?;
        let stack = stacks.get(&shown.series)?;
        let series = &stack.series;
        let frame = series.frames.get(shown.index as usize)?;
        let raster = series.raster(shown.index);
        let mapping = mapping(&shown, raster, rect);
        let scissor = rect.covered(&mapping, raster, target)?;
        let pixels = series.pixels(shown.index);
        let table = shown.table(series);
        let modality = pixels.modality.and_then(|number| Some((number, series.table(number)?)));
        let look = Look {
            padding: pixels.padding,
            modality: modality.map(|(_, table)| table),
            voi: table.map_or_else(|| Voi::Window(shown.window(series)), |(_, _, table)| Voi::Table(table)),
            inverted: shown.low_is_bright(series),
        };
        let mode = Mode::new(series.format, &look, mapping.smooth());
        // Color is shown as it is, whatever tables it brings.
        let is_grey = mode.grey.is_some();
        Some(Self {
            viewport: id,
            scissor,
            mode,
            uniform: Uniform::new(series, frame, &mapping, rect.corner(), &look),
            stack,
            index: shown.index,
            modality: modality.filter(|_table| is_grey).map(|(number, _)| number),
            voi: table.filter(|_table| is_grey).map(|(_, number, _)| number),
        })
    }

    pub(super) fn drawing(&self, gpu: &Gpu) -> Option<Drawing<'a>> {
        Some(Drawing {
            viewport: self.viewport,
            scissor: self.scissor,
            mode: self.mode,
            uniform: self.uniform,
            texture: self.stack.texture(self.index)?,
            modality_table: self.modality.and_then(|number| self.stack.table(gpu, number)),
            voi_table: self.voi.and_then(|number| self.stack.table(gpu, number)),
        })
    }

    pub(super) fn painting(&self) -> Option<Painting<'a>> {
        let table = |number: Option<u32>| self.stack.series.table(number?);
        Some(Painting {
            scissor: self.scissor,
            mode: self.mode,
            uniform: self.uniform,
            values: self.stack.values(self.index)?,
            modality_table: table(self.modality),
            voi_table: table(self.voi),
        })
    }
}
