/**
 * The drawing part, compiled from the viewer crate, as the page sees it. One instance draws all
 * viewports of one canvas; coordinates are device pixels of the canvas.
 */

import type { Drawing, PresentedViewport, VoiFunction } from '../host/contract';
import type { WindowView } from '../host/contract';

export type Letters = { top: string; right: string; bottom: string; left: string };

/** What a viewport shows. */
export type ViewportState = {
  handle: number;
  index: number;
  count: number;
  /** Of a table, the window over its inputs: where dragging begins. */
  window: Pick<WindowView, 'center' | 'width' | 'function'>;
  /** The look-up table in force, as its place in the frame's list. */
  table: number | null;
  /** True while each frame is shown with its own window or table. */
  asStored: boolean;
  inverted: boolean;
  zoomPercent: number;
  /** True while the image follows the viewport's size. */
  fit: boolean;
  mmPerPx: number | null;
  letters: Letters | null;
  scaleBar: { px: number; cm: number } | null;
  /** Where the plane lies along its normal in mm, signed as the patient's axis. */
  position: number | null;
  thickness: number | null;
  /** False while the frame of `index` is not on the GPU: the viewport is black. */
  ready: boolean;
  /** True while only a reduced picture of the frame is there. */
  preview: boolean;
};

/** A point of an image under a point of the canvas. */
export type Located = {
  column: number;
  row: number;
  inside: boolean;
  patient: [number, number, number] | null;
  frame: number;
};

/** What a viewport shows, for viewports of others; points are in the patient where the frame has a plane. */
export type Presented = { index: number } & Pick<
  PresentedViewport,
  'center' | 'height' | 'voi' | 'inverted' | 'flipped' | 'turns'
>;

export type Length = { value: number; unit: 'mm' | 'px'; detector: boolean };

/** Calls about a viewport that the layout leaves out, or that is empty, throw. */
export type Viewer = {
  info: () => string;
  resize: (width: number, height: number) => void;
  set_layout: (json: string) => void;
  add_series: (json: string) => void;
  remove_series: (handle: number) => void;
  show: (viewport: number, handle: number) => void;
  frame: (message: Uint8Array) => string;
  has_frame: (handle: number, index: number) => boolean;
  set_index: (viewport: number, index: number) => void;
  set_window: (viewport: number, center: number, width: number, voiFunction: VoiFunction) => void;
  set_table: (viewport: number, place: number) => void;
  set_as_stored: (viewport: number) => void;
  set_inverted: (viewport: number, inverted: boolean) => void;
  zoom_at: (viewport: number, factor: number, x: number, y: number) => void;
  pan_by: (viewport: number, dx: number, dy: number) => void;
  fit: (viewport: number) => void;
  one_to_one: (viewport: number) => void;
  rotate: (viewport: number, quarters: number) => void;
  flip: (viewport: number, horizontal: boolean) => void;
  reset: (viewport: number) => void;
  /** A `ViewportState`, or `null` for an empty viewport. */
  state: (viewport: number) => string;
  /** A `Located`, or `null` for an empty viewport. */
  locate: (viewport: number, x: number, y: number) => string;
  to_screen: (viewport: number, column: number, row: number) => Float64Array;
  /** A `Presented`, or `null` for an empty viewport. */
  presented: (viewport: number) => string;
  /** Shows a `Presented` of the same series; it throws and changes nothing where it cannot be shown. */
  present: (viewport: number, json: string) => void;
  /** A `PresentedPlane`, or `null` where points are `[column, row, 0]` in pixels. */
  plane: (handle: number, frame: number) => string;
  /** A `SpacePoint`, or `null` for an empty viewport. */
  point_of: (viewport: number, x: number, y: number) => string;
  place_of: (viewport: number, x: number, y: number, z: number) => Float64Array;
  length: (handle: number, frame: number, c0: number, r0: number, c1: number, r1: number) => string;
  /** Prepares a little of what a first picture needs; false when nothing is left to prepare. */
  warm: () => boolean;
  /** True when something had changed and was drawn. */
  draw: () => boolean;
  read_back: (viewport: number) => Promise<Uint8Array>;
  lost: () => boolean;
  free: () => void;
};

type ViewerModule = {
  default: (options: { module_or_path: string }) => Promise<unknown>;
  Viewer: {
    create: (canvas: HTMLCanvasElement) => Promise<Viewer>;
    on_processor: (canvas: HTMLCanvasElement) => Viewer;
  };
};

export type CreateViewer = (canvas: HTMLCanvasElement, drawing: Drawing) => Promise<Viewer>;

// A glob, since the compiled viewer is a build product: a checkout without it still type-checks and shows why
// there are no pictures.
const compiled = import.meta.glob<ViewerModule>('../wasm/viewer_web.js');
const binaries = import.meta.glob<string>('../wasm/viewer_web_bg.wasm', { query: '?url', import: 'default' });

export const createViewer: CreateViewer = async (canvas, drawing) => {
  const load = Object.values(compiled)[0];
  const locate = Object.values(binaries)[0];
  if (load === undefined || locate === undefined) throw new Error('the viewer is not part of this build');
  const [module, binary] = await Promise.all([load(), locate()]);
  await module.default({ module_or_path: binary });
  if (drawing === 'processor' || (drawing === 'auto' && (graphicsComputed ??= isGraphicsComputed()))) return module.Viewer.on_processor(canvas);
  return module.Viewer.create(canvas);
};

/** Asked once: a context takes its time, and whoever opens images waits for them. */
let graphicsComputed: boolean | undefined;

/**
 * Whether a picture of WebGL would be computed by the processor, or none could be had. WebView2 and Chromium tell whoever
 * asks so; WebKit does not, and there the program knows.
 */
function isGraphicsComputed(): boolean {
  const context = document.createElement('canvas').getContext('webgl2', { failIfMajorPerformanceCaveat: true });
  // A page has a few contexts only, and this one would live until memory is tidied up.
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  return context === null;
}
