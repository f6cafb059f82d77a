/** Where the reader was: what is taken up again after a change of tab or case, or when the graphics device was lost. */

import type { SeriesView } from '../host/contract';
import type { Layout } from './layouts';
import type { ViewportState } from './viewer';

export type Restorable = {
  index: number;
  /** Absent while each frame is shown as it is stored. */
  window: { center: number; width: number; function: SeriesView['window']['function'] } | undefined;
  /** The look-up table that was chosen in place of a window. */
  table?: number | undefined;
  inverted: boolean;
};

export type StageMemory = {
  layout: Layout;
  active: number;
  viewports: readonly ({ study: string; series: string } & Restorable)[];
};

/** The first image as it is stored. */
export const AT_FIRST: Restorable = { index: 0, window: undefined, inverted: false };

export function restorable(state: ViewportState): Restorable {
  return { index: state.index, ...chosen(state), inverted: state.inverted };
}

/** What the reader chose; nothing while frames are shown as stored. */
function chosen({ window, table, asStored }: ViewportState): Pick<Restorable, 'window' | 'table'> {
  if (asStored) return { window: undefined };
  return table === null ? { window } : { window: undefined, table };
}
