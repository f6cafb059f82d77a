/** What the overlay draws, taken in the same animation frame in which the canvas was drawn. */

import type { NotSeen, SeenView, SeriesView } from '../host/contract';
import type { Grid, Layout, Rectangle } from './layouts';
import type { Corner, ProbeReading, ViewportPhase } from './overlay';
import type { Way } from './pipeKeeper';
import type { Progress } from './seriesLoads';
import type { ViewportState } from './viewer';

/** A point in CSS pixels from the viewport's top left corner. */
export type Spot = readonly [number, number];

/** `others`: of whoever is followed; it can be neither chosen nor moved. */
export type Shape =
  | { kind: 'length'; id: string; from: Spot; to: Spot; text: string; selected: boolean; others?: true }
  | { kind: 'probe'; id: string; at: Spot; text: string; selected: boolean; others?: true };

export type Reading = { reading: ProbeReading; patient: string | undefined };

export type ViewportSnapshot = {
  id: number;
  /** CSS pixels within the image area. */
  place: Rectangle;
  /** Series Instance UID of what was asked for. */
  series: string | undefined;
  study: string | undefined;
  phase: ViewportPhase;
  view: SeriesView | undefined;
  state: ViewportState | undefined;
  corner: Corner | undefined;
  /** Length in CSS pixels. */
  scaleBar: { px: number; cm: number } | undefined;
  shapes: readonly Shape[];
  /** Where the keyboard's cursor stands. */
  cursor: Spot | undefined;
  /** The first point of a length whose second is not set. */
  pending: { from: Spot; to: Spot; text: string } | undefined;
  pointer: Reading | undefined;
  /** Where whoever shows images points to, and who that is; also this person, while they show. */
  presenter: { at: Spot; name: string } | undefined;
  /** Why nothing is here of what somebody shows. */
  withheld: NotSeen | undefined;
};

export type StageSnapshot = {
  /** `failed`: no GPU, no compiled viewer. `lost`: the canvas must be made anew. */
  gpu: 'starting' | 'ready' | 'lost' | 'failed';
  /** `failed`: no way for bulk bytes. */
  pipe: 'opening' | 'open' | 'failed';
  /** By which way they come; absent while none is open. */
  way: Way | undefined;
  /** What draws: the name that the drawing part gives it. */
  drawn: string | undefined;
  layout: Layout;
  grid: Grid;
  /** Shown alone after a double click. */
  enlarged: boolean;
  active: number;
  viewports: readonly ViewportSnapshot[];
  progress: ReadonlyMap<string, Progress>;
  /** How far that is seen which whoever is followed looks at; absent while nobody is. */
  followed: SeenView | undefined;
};
