/** What is to be said of one viewport in the frame that was drawn. */

import type { NotSeen } from '../host/contract';
import type { Rectangle } from './layouts';
import { corner, viewportPhase } from './overlay';
import type { Pointing, Shown } from './pointing';
import type { SeriesLoad } from './seriesLoads';
import type { Shape, ViewportSnapshot } from './snapshot';

type ViewportNow = {
  place: Rectangle;
  study: string | undefined;
  series: string | undefined;
  load: SeriesLoad | undefined;
  shown: Shown | undefined;
  /** Device pixels per CSS pixel. */
  ratio: number;
  presenter: ViewportSnapshot['presenter'];
  /** What whoever is followed has measured, on an image that is there. */
  others: (measurable: Shown) => Shape[];
  withheld: NotSeen | undefined;
};

export function viewportSnapshot(now: ViewportNow, pointing: Pointing): ViewportSnapshot {
  const { place, study, series, load, shown, ratio, withheld } = now;
  const { id } = place;
  const state = shown?.state;
  const phase = viewportPhase({
    wanted: series !== undefined && withheld === undefined,
    openFailure: load?.failure?.code,
    series: load?.view,
    state,
    loaded: load?.loaded.size ?? 0,
    failed: load?.failed ?? new Map(),
    stopped: load?.stopped ?? false,
  });
  const ready = phase.phase === 'ready';
  const measurable = ready && shown !== undefined ? shown : undefined;
  const bar = state?.scaleBar ?? undefined;
  return {
    id,
    place,
    study,
    series,
    phase,
    view: load?.view,
    state,
    corner: shown === undefined ? undefined : corner(shown.view, shown.state),
    scaleBar: bar === undefined || !ready ? undefined : { px: bar.px / ratio, cm: bar.cm },
    shapes: measurable === undefined ? [] : [...pointing.shapes(id, measurable), ...now.others(measurable)],
    cursor: measurable === undefined ? undefined : pointing.cursorSpot(id),
    pending: measurable === undefined ? undefined : pointing.pendingShape(id),
    pointer: measurable === undefined ? undefined : pointing.reading(id, measurable),
    presenter: state?.ready === true ? now.presenter : undefined,
    withheld,
  };
}
