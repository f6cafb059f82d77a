/**
 * A drawing part without a GPU for tests and stories: the calls of `Viewer` over a 2D canvas, or over
 * nothing. Window, zoom and pan act; a turn is only remembered: neither picture nor letters follow it.
 */

import type { PresentedPlane, PresentedVoi, SeriesView } from '../host/contract';
import { HEADER_BYTES, readFrameHeader, writeFrameMessage } from './bulkMessage';
import type { BulkPipe } from './bulk';
import type { Rectangle } from './layouts';
import type { SpacePoint } from './stagePresentation';
import type { CreateViewer, Presented, Viewer, ViewportState } from './viewer';
import type { FrameFailure } from './wirePipe';

type Look = {
  handle: number;
  index: number;
  window: ViewportState['window'];
  table: number | null;
  asStored: boolean;
  inverted: boolean;
  zoom: number;
  pan: [number, number];
  flipped: boolean;
  turns: number;
};

export class StandInViewer implements Viewer {
  readonly #context: CanvasRenderingContext2D | null;
  readonly #canvas: HTMLCanvasElement | undefined;
  readonly series = new Map<number, SeriesView>();
  readonly frames = new Map<string, ArrayBuffer>();
  readonly #places = new Map<number, Rectangle>();
  readonly #looks = new Map<number, Look>();
  #dirty = true;
  /** Set by a test: the device is gone. */
  gone = false;
  /** Set by a test: that many calls of `draw` do nothing although they should. */
  missedDraws = 0;

  /** How often something was presented. */
  presentings = 0;
  /** Set by a test: `present` throws. */
  refusing = false;

  /** Set by a test: that many calls of `warm` have something to do. */
  toPrepare = 0;
  /** How often `warm` was called. */
  asked = 0;

  constructor(canvas?: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#context = canvas?.getContext('2d') ?? null;
  }

  warm = () => {
    this.asked += 1;
    if (this.toPrepare === 0) return false;
    this.toPrepare -= 1;
    return true;
  };

  info = () => JSON.stringify({ backend: 'none' });

  resize = (width: number, height: number) => {
    if (this.#canvas !== undefined) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    this.#dirty = true;
  };

  set_layout = (json: string) => {
    this.#places.clear();
    for (const place of JSON.parse(json) as Rectangle[]) this.#places.set(place.id, place);
    this.#dirty = true;
  };

  add_series = (json: string) => {
    const view = JSON.parse(json) as SeriesView;
    this.series.set(view.handle, view);
  };

  remove_series = (handle: number) => {
    this.series.delete(handle);
    for (const [id, look] of this.#looks) if (look.handle === handle) this.#looks.delete(id);
    this.#dirty = true;
  };

  show = (viewport: number, handle: number) => {
    const view = this.series.get(handle);
    if (this.#looks.get(viewport)?.handle === handle) return;
    if (view === undefined) this.#looks.delete(viewport);
    else this.#looks.set(viewport, freshLook(view));
    this.#dirty = true;
  };

  frame = (message: Uint8Array) => {
    const buffer = message.slice().buffer;
    const header = readFrameHeader(buffer);
    if (header === undefined) throw new Error('the message is no frame');
    this.frames.set(`${String(header.series)}/${String(header.frame)}`, buffer);
    this.#dirty = true;
    return JSON.stringify({ series: header.series, frame: header.frame, complete: header.lastPart });
  };

  has_frame = (handle: number, index: number) => this.frames.has(`${String(handle)}/${String(index)}`);

  set_index = (viewport: number, index: number) => {
    this.#look(viewport).index = index;
  };

  set_window = (viewport: number, center: number, width: number, voiFunction: ViewportState['window']['function']) => {
    const look = this.#look(viewport);
    look.window = { center, width, function: voiFunction };
    look.table = null;
    look.asStored = false;
  };

  set_table = (viewport: number, place: number) => {
    const look = this.#look(viewport);
    look.table = place;
    look.asStored = false;
  };

  set_as_stored = (viewport: number) => {
    const look = this.#look(viewport);
    const view = this.series.get(look.handle);
    if (view === undefined) return;
    const { window, table, asStored } = freshLook(view);
    this.#looks.set(viewport, { ...look, window, table, asStored });
  };

  set_inverted = (viewport: number, inverted: boolean) => {
    this.#look(viewport).inverted = inverted;
  };

  zoom_at = (viewport: number, factor: number) => {
    this.#look(viewport).zoom *= factor;
  };

  pan_by = (viewport: number, dx: number, dy: number) => {
    const look = this.#look(viewport);
    look.pan = [look.pan[0] + dx, look.pan[1] + dy];
  };

  fit = (viewport: number) => {
    const look = this.#look(viewport);
    look.zoom = 1;
    look.pan = [0, 0];
  };

  one_to_one = (viewport: number) => {
    const look = this.#look(viewport);
    look.zoom = 1 / this.#fit(viewport, look);
  };

  rotate = (viewport: number, quarters: number) => {
    const look = this.#look(viewport);
    look.turns = (look.turns + quarters + 4) % 4;
  };

  flip = (viewport: number, horizontal: boolean) => {
    const look = this.#look(viewport);
    // What is exchanged on the screen, told as exchanged in the image first and turned then.
    look.turns = ((horizontal ? 4 : 6) - look.turns) % 4;
    look.flipped = !look.flipped;
  };

  reset = (viewport: number) => {
    const look = this.#look(viewport);
    const view = this.series.get(look.handle);
    if (view !== undefined) this.#looks.set(viewport, { ...freshLook(view), index: look.index });
  };

  state = (viewport: number) => {
    this.#placed(viewport);
    const look = this.#looks.get(viewport);
    const view = look === undefined ? undefined : this.series.get(look.handle);
    if (look === undefined || view === undefined) return 'null';
    const zoom = this.#fit(viewport, look) * look.zoom;
    const frame = view.frames[look.index];
    const mmPerPx = view.spacing === null ? null : view.spacing[0] / zoom;
    const state: ViewportState = {
      handle: look.handle,
      index: look.index,
      count: view.frames.length,
      window: look.window,
      table: look.table,
      asStored: look.asStored,
      inverted: look.inverted,
      zoomPercent: zoom * 100,
      fit: look.zoom === 1,
      mmPerPx,
      letters: frame?.orientation == null ? null : { top: 'A', right: 'L', bottom: 'P', left: 'R' },
      scaleBar: mmPerPx === null ? null : { px: 50 / mmPerPx, cm: 5 },
      position: frame?.position?.[2] ?? null,
      thickness: frame?.thickness ?? null,
      ready: this.has_frame(look.handle, look.index),
      preview: false,
    };
    return JSON.stringify(state);
  };

  locate = (viewport: number, x: number, y: number) => {
    const look = this.#looks.get(viewport);
    const view = look === undefined ? undefined : this.series.get(look.handle);
    if (look === undefined || view === undefined) return 'null';
    const { scale, left, top } = this.#mapping(viewport, look, view);
    const [column, row] = [(x - left) / scale, (y - top) / scale];
    const frame = view.frames[look.index];
    const patient =
      frame?.position == null || view.spacing === null
        ? null
        : [
            frame.position[0] + (column - 0.5) * view.spacing[1],
            frame.position[1] + (row - 0.5) * view.spacing[0],
            frame.position[2],
          ];
    const inside = column >= 0 && row >= 0 && column < view.columns && row < view.rows;
    return JSON.stringify({ column, row, inside, patient, frame: look.index });
  };

  to_screen = (viewport: number, column: number, row: number) => {
    this.#placed(viewport);
    const look = this.#looks.get(viewport);
    const view = look === undefined ? undefined : this.series.get(look.handle);
    if (look === undefined || view === undefined) throw new Error(`viewport ${String(viewport)} shows no series`);
    const { scale, left, top } = this.#mapping(viewport, look, view);
    return new Float64Array([left + column * scale, top + row * scale]);
  };

  presented = (viewport: number) => {
    this.#placed(viewport);
    const look = this.#looks.get(viewport);
    const view = look === undefined ? undefined : this.series.get(look.handle);
    if (look === undefined || view === undefined) return 'null';
    const place = this.#placed(viewport);
    const { scale, left, top } = this.#mapping(viewport, look, view);
    const presented: Presented = {
      index: look.index,
      center: this.#told(view, look.index, [
        (place.x + place.width / 2 - left) / scale,
        (place.y + place.height / 2 - top) / scale,
      ]),
      height: (place.height / scale) * pixelSize(view, look.index),
      voi: voiOf(look),
      inverted: look.inverted,
      flipped: [look.flipped, false],
      turns: look.turns,
    };
    return JSON.stringify(presented);
  };

  present = (viewport: number, json: string) => {
    this.presentings += 1;
    if (this.refusing) throw new Error('what is to be shown has a number that cannot be');
    const place = this.#placed(viewport);
    const look = this.#look(viewport);
    const view = this.series.get(look.handle);
    if (view === undefined) throw new Error('no such series');
    const { index, center, height, voi, inverted, flipped, turns } = JSON.parse(json) as Presented;
    const scale = (place.height * pixelSize(view, index)) / height;
    const [column, row] = this.#image(view, index, center);
    const { window, table, asStored } = lookOf(voi, view);
    Object.assign(look, { index, window, table, asStored, inverted, flipped: flipped[0], turns });
    look.zoom = scale / this.#fit(viewport, look);
    look.pan = [(view.columns / 2 - column) * scale, (view.rows / 2 - row) * scale];
  };

  plane = (handle: number, frame: number) => {
    const view = this.series.get(handle);
    if (view === undefined) throw new Error('no such series');
    return JSON.stringify(planeOf(view, frame));
  };

  point_of = (viewport: number, x: number, y: number) => {
    const look = this.#looks.get(viewport);
    const view = look === undefined ? undefined : this.series.get(look.handle);
    if (look === undefined || view === undefined) return 'null';
    const { scale, left, top } = this.#mapping(viewport, look, view);
    return JSON.stringify(this.#told(view, look.index, [(x - left) / scale, (y - top) / scale]));
  };

  place_of = (viewport: number, x: number, y: number, z: number) => {
    const look = this.#looks.get(viewport);
    const view = look === undefined ? undefined : this.series.get(look.handle);
    if (look === undefined || view === undefined) throw new Error(`viewport ${String(viewport)} shows no series`);
    return this.to_screen(viewport, ...this.#image(view, look.index, [x, y, z]));
  };

  length = (handle: number, _frame: number, c0: number, r0: number, c1: number, r1: number) => {
    const spacing = this.series.get(handle)?.spacing ?? null;
    const [rows, columns] = spacing ?? [1, 1];
    const value = Math.hypot((c1 - c0) * columns, (r1 - r0) * rows);
    return JSON.stringify({ value, unit: spacing === null ? 'px' : 'mm', detector: false });
  };

  draw = () => {
    if (this.missedDraws > 0) {
      this.missedDraws -= 1;
      return false;
    }
    const drawn = this.#dirty;
    this.#dirty = false;
    if (drawn && this.#context !== null) this.#paint(this.#context);
    return drawn;
  };

  read_back = () => Promise.resolve(new Uint8Array());
  lost = () => this.gone;
  free = () => undefined;

  #placed(viewport: number): Rectangle {
    const place = this.#places.get(viewport);
    if (place === undefined) throw new Error(`viewport ${String(viewport)} is not in the layout`);
    return place;
  }

  #look(viewport: number): Look {
    this.#placed(viewport);
    const look = this.#looks.get(viewport);
    if (look === undefined) throw new Error(`viewport ${String(viewport)} shows no series`);
    this.#dirty = true;
    return look;
  }

  /** An image point as others are told it; the stand-in's pixels are squares. */
  #told(view: SeriesView, index: number, [column, row]: [number, number]): SpacePoint {
    const plane = planeOf(view, index);
    if (plane === null) return [column, row, 0];
    const [i, j] = [(column - 0.5) * pixelSize(view, index), (row - 0.5) * pixelSize(view, index)];
    return axes((axis) => plane.origin[axis] + plane.row[axis] * i + plane.column[axis] * j);
  }

  #image(view: SeriesView, index: number, point: SpacePoint): [number, number] {
    const plane = planeOf(view, index);
    if (plane === null) return [point[0], point[1]];
    const along = (direction: SpacePoint) => {
      const [x, y, z] = axes((axis) => (point[axis] - plane.origin[axis]) * direction[axis]);
      return (x + y + z) / pixelSize(view, index) + 0.5;
    };
    return [along(plane.row), along(plane.column)];
  }

  #fit(viewport: number, look: Look): number {
    const place = this.#placed(viewport);
    const view = this.series.get(look.handle);
    return view === undefined ? 1 : Math.min(place.width / view.columns, place.height / view.rows);
  }

  #mapping(viewport: number, look: Look, view: SeriesView): { scale: number; left: number; top: number } {
    const place = this.#placed(viewport);
    const scale = this.#fit(viewport, look) * look.zoom;
    return {
      scale,
      left: place.x + (place.width - view.columns * scale) / 2 + look.pan[0],
      top: place.y + (place.height - view.rows * scale) / 2 + look.pan[1],
    };
  }

  #paint(context: CanvasRenderingContext2D): void {
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    for (const [id, place] of this.#places) {
      const look = this.#looks.get(id);
      const view = look === undefined ? undefined : this.series.get(look.handle);
      const message = look === undefined ? undefined : this.frames.get(`${String(look.handle)}/${String(look.index)}`);
      if (look === undefined || view === undefined || message === undefined) continue;
      const { scale, left, top } = this.#mapping(id, look, view);
      context.save();
      context.beginPath();
      context.rect(place.x, place.y, place.width, place.height);
      context.clip();
      context.drawImage(grey(message, view, look), left, top, view.columns * scale, view.rows * scale);
      context.restore();
    }
  }
}

function freshLook(view: SeriesView): Look {
  return {
    handle: view.handle,
    index: 0,
    window: view.window,
    table: null,
    asStored: true,
    inverted: view.inverted,
    zoom: 1,
    pan: [0, 0],
    flipped: false,
    turns: 0,
  };
}

function planeOf(view: SeriesView, index: number): PresentedPlane | null {
  const frame = view.frames[index];
  if (frame?.position == null || frame.orientation === null || view.spacing === null) return null;
  const [a, b, c, d, e, f] = frame.orientation;
  return { origin: frame.position, row: [a, b, c], column: [d, e, f] };
}

/** In what points are told in. */
function pixelSize(view: SeriesView, index: number): number {
  return planeOf(view, index) === null ? 1 : (view.spacing?.[0] ?? 1);
}

function axes(value: (axis: 0 | 1 | 2) => number): SpacePoint {
  return [value(0), value(1), value(2)];
}

function voiOf({ window, table, asStored }: Look): PresentedVoi {
  if (asStored) return { by: 'as-stored' };
  return table === null ? { by: 'window', ...window } : { by: 'table', place: table };
}

function lookOf(voi: PresentedVoi, view: SeriesView): Pick<Look, 'window' | 'table' | 'asStored'> {
  switch (voi.by) {
    case 'as-stored':
      return { window: view.window, table: null, asStored: true };
    case 'window':
      return {
        window: { center: voi.center, width: voi.width, function: voi.function },
        table: null,
        asStored: false,
      };
    case 'table':
      return { window: view.window, table: voi.place, asStored: false };
  }
}

function grey(message: ArrayBuffer, view: SeriesView, look: Look): HTMLCanvasElement {
  const picture = document.createElement('canvas');
  picture.width = view.columns;
  picture.height = view.rows;
  const pixels = new ImageData(view.columns, view.rows);
  const stored = new Int16Array(message.slice(HEADER_BYTES));
  const { center, width } = look.window;
  const { slope, intercept } = view.frames[look.index] ?? { slope: 1, intercept: 0 };
  stored.forEach((value, at) => {
    const shown = Math.round(255 * ((value * slope + intercept - center) / width + 0.5));
    const level = look.inverted ? 255 - shown : shown;
    pixels.data.set([level, level, level, 255], at * 4);
  });
  picture.getContext('2d')?.putImageData(pixels, 0, 0);
  return picture;
}

export const createStandIn: CreateViewer = (canvas) => Promise.resolve(new StandInViewer(canvas));

/** A disc of soft tissue with two holes of air and a bright nodule that wanders through the stack. */
export function testCard(view: SeriesView, index: number): ArrayBuffer {
  const values = new Int16Array(view.columns * view.rows);
  const [middle, radius] = [view.columns / 2, view.columns * 0.42];
  const turn = (index / view.frames.length) * Math.PI;
  for (let at = 0; at < values.length; at += 1) {
    const [x, y] = [(at % view.columns) - middle, Math.floor(at / view.columns) - middle];
    const body = Math.hypot(x, y * 1.25) < radius;
    const air = Math.hypot(Math.abs(x) - radius * 0.48, y) < radius * (0.2 + 0.16 * Math.sin(turn));
    const nodule = Math.hypot(x + radius * 0.45, y - radius * 0.1) < radius * 0.09 * Math.sin(turn);
    const hu = nodule ? 38 : air ? -860 : body ? 45 + ((x * 7 + y * 13) % 9) : -1000;
    values[at] = hu + 1024;
  }
  return writeFrameMessage(
    {
      format: 'i16',
      preview: false,
      lastPart: true,
      series: view.handle,
      frame: index,
      columns: view.columns,
      rows: view.rows,
      request: 0,
      firstRow: 0,
    },
    new Uint8Array(values.buffer),
  );
}

/** A pipe that a test or a story fills by hand. */
export class StandInPipe implements BulkPipe {
  readonly way = 'socket';
  readonly wants: { series: number; first: number; last: number; near: number }[] = [];
  readonly drops: number[] = [];
  onWant: (series: number, first: number, last: number, near: number) => void = () => undefined;
  #frame: (message: ArrayBuffer) => void = () => undefined;
  #failed: (failure: FrameFailure) => void = () => undefined;
  #gone: () => void = () => undefined;

  want = (series: number, first: number, last: number, near: number) => {
    this.wants.push({ series, first, last, near });
    this.onWant(series, first, last, near);
  };

  drop = (series: number) => {
    this.drops.push(series);
  };

  onFrame = (listener: (message: ArrayBuffer) => void) => {
    this.#frame = listener;
    return () => undefined;
  };

  onFailed = (listener: (failure: FrameFailure) => void) => {
    this.#failed = listener;
    return () => undefined;
  };

  onGone = (listener: () => void) => {
    this.#gone = listener;
    return () => undefined;
  };

  close = () => undefined;
  deliver = (message: ArrayBuffer) => {
    this.#frame(message);
  };

  fail = (failure: FrameFailure) => {
    this.#failed(failure);
  };

  lose = () => {
    this.#gone();
  };
}
