/**
 * What the image area shows, as others can show it: read from what is on the canvas, never from what was asked for. And
 * whether two such states are one.
 */

import type {
  Presentation,
  PresentedMark,
  PresentedPlane,
  PresentedPointer,
  PresentedViewport,
  PresentedVoi,
} from '../host/contract';
import type { Pointing, Shown } from './pointing';
import type { SeriesLoad } from './seriesLoads';
import type { Presented } from './viewer';

/** More are not read any longer. */
const MOST_MARKS = 64;

/** mm in the patient (LPS); of an image without geometry its column and row in pixels, and 0. */
export type SpacePoint = PresentedViewport['center'];

export type Area = {
  layout: string;
  active: number;
  /** The viewports on the screen, in the order of their places. One that is enlarged is alone. */
  visible: readonly number[];
  shown: (viewport: number) => (Shown & { load: SeriesLoad }) | undefined;
};

export function presentationOf({ layout, active, visible, shown }: Area, pointing: Pointing): Presentation {
  const pointed = pointing.pointed(visible);
  const at = pointed === undefined ? undefined : pointing.told(pointed.viewport, pointed.spot);
  return {
    layout,
    active: Math.max(0, visible.indexOf(active)),
    views: visible.flatMap((viewport, place) => presentedViewport(place, viewport, shown(viewport))),
    pointer: pointed === undefined || at === undefined ? null : { place: visible.indexOf(pointed.viewport), at },
    marks: marksOf(visible, shown, pointing),
  };
}

function presentedViewport(place: number, viewport: number, shown: ReturnType<Area['shown']>): PresentedViewport[] {
  if (shown === undefined) return [];
  const { viewer, view, load } = shown;
  const presented = JSON.parse(viewer.presented(viewport)) as Presented | null;
  const image = presented === null ? undefined : view.frames[presented.index];
  if (presented === null || image === undefined) return [];
  const { index, ...look } = presented;
  const plane = JSON.parse(viewer.plane(view.handle, index)) as PresentedPlane | null;
  const { study, series } = load;
  return [{ place, study, series, instance: image.instance, frame: image.frame, plane, ...look }];
}

/** What the person has measured on the images that are there; once each, however many viewports show an image. */
function marksOf(visible: readonly number[], shown: Area['shown'], pointing: Pointing): PresentedMark[] {
  const all = visible.flatMap((viewport) => {
    const there = shown(viewport);
    return there?.state.ready === true ? pointing.measured(viewport, there) : [];
  });
  return [...new Map(all.map((mark) => [mark.id, mark])).values()].slice(0, MOST_MARKS);
}

/** Whether nothing need be sent, or done, for the second of two. */
export function samePresentation(a: Presentation | undefined, b: Presentation | undefined): boolean {
  if (a === undefined || b === undefined || a === b) return a === b;
  return (
    a.layout === b.layout &&
    a.active === b.active &&
    samePointer(a.pointer, b.pointer) &&
    a.views.length === b.views.length &&
    a.views.every((view, at) => sameViewport(view, b.views[at])) &&
    a.marks.length === b.marks.length &&
    a.marks.every((mark, at) => sameMark(mark, b.marks[at]))
  );
}

export function sameViewport(a: PresentedViewport, b: PresentedViewport | undefined): boolean {
  if (b === undefined || a === b) return a === b;
  return (
    a.place === b.place &&
    a.study === b.study &&
    a.series === b.series &&
    a.instance === b.instance &&
    a.frame === b.frame &&
    samePlane(a.plane, b.plane) &&
    samePoint(a.center, b.center) &&
    a.height === b.height &&
    sameVoi(a.voi, b.voi) &&
    a.inverted === b.inverted &&
    a.flipped[0] === b.flipped[0] &&
    a.flipped[1] === b.flipped[1] &&
    a.turns === b.turns
  );
}

function sameMark(a: PresentedMark, b: PresentedMark | undefined): boolean {
  if (a.id !== b?.id || a.instance !== b.instance || a.frame !== b.frame || a.text !== b.text) return false;
  if (a.shape.kind === 'length') return b.shape.kind === 'length' && samePoint(a.shape.from, b.shape.from) && samePoint(a.shape.to, b.shape.to);
  return b.shape.kind === 'probe' && samePoint(a.shape.at, b.shape.at);
}

function samePointer(a: PresentedPointer | null, b: PresentedPointer | null): boolean {
  if (a === null || b === null) return a === b;
  return a.place === b.place && samePoint(a.at, b.at);
}

function samePlane(a: PresentedPlane | null, b: PresentedPlane | null): boolean {
  if (a === null || b === null) return a === b;
  return samePoint(a.origin, b.origin) && samePoint(a.row, b.row) && samePoint(a.column, b.column);
}

function samePoint(a: SpacePoint, b: SpacePoint): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2];
}

function sameVoi(a: PresentedVoi, b: PresentedVoi): boolean {
  switch (a.by) {
    case 'as-stored':
      return b.by === 'as-stored';
    case 'window':
      return b.by === 'window' && a.center === b.center && a.width === b.width && a.function === b.function;
    case 'table':
      return b.by === 'table' && a.place === b.place;
  }
}
