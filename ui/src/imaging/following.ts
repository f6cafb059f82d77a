/**
 * What somebody else shows, and how far it is on this canvas. The image is found by its own name in this archive's series
 * and must lie where theirs lies; a viewport that cannot show just that shows nothing of it.
 */

import type {
  NotSeen,
  Presentation,
  PresentedPlane,
  PresentedViewport,
  SeenView,
  SeriesView,
} from '../host/contract';
import type { Rectangle } from './layouts';
import type { Pointing, Shown } from './pointing';
import { passes } from './retries';
import { progressOf, type SeriesLoad } from './seriesLoads';
import type { Shape, ViewportSnapshot } from './snapshot';
import { samePresentation, sameViewport, type SpacePoint } from './stagePresentation';
import type { Presented, Viewer, ViewportState } from './viewer';

const EMPTY = -1;

/** How far two archives may be apart on where an image lies, in mm, and on where its rows and columns run to. */
const ORIGIN_MM = 0.01;
const DIRECTION = 1e-3;

/** What a viewport was brought to, and in which size: in another one the same field has another zoom. */
type Brought = { wanted: PresentedViewport; handle: number; width: number; height: number; why: NotSeen | null };

export class Following {
  readonly #reportFault: (line: string) => void;
  readonly #brought = new Map<number, Brought>();
  #presentation: Presentation | undefined;
  #name = '';
  readonly #ownHand = new Set<() => void>();
  /** The person has taken over, and whoever made the area follow does not know yet. */
  #handIsOn = false;
  /** Studies of which nothing is shown: they are another person's. */
  refused: ReadonlySet<string> = new Set();
  /** Told once: what cannot be drawn would else be told sixty times a second. */
  #faulty = false;

  constructor(reportFault: (line: string) => void) {
    this.#reportFault = reportFault;
  }

  get presentation(): Presentation | undefined {
    return this.#presentation;
  }

  on(): boolean {
    return this.#presentation !== undefined;
  }

  /** False where all of it was taken up before, or the person has taken over. */
  take(presentation: Presentation | undefined, name: string): boolean {
    if (presentation === undefined) this.#handIsOn = false;
    if (this.#handIsOn) return false;
    if (name === this.#name && samePresentation(presentation, this.#presentation)) return false;
    this.#presentation = presentation;
    this.#name = name;
    if (presentation === undefined) {
      this.#brought.clear();
      this.#faulty = false;
    }
    return true;
  }

  at(place: number): PresentedViewport | undefined {
    return this.#presentation?.views.find((one) => one.place === place);
  }

  refuses({ study }: PresentedViewport): boolean {
    return this.refused.has(study);
  }

  onOwnHand(listener: () => void): () => void {
    this.#ownHand.add(listener);
    return () => {
      this.#ownHand.delete(listener);
    };
  }

  /** The person is about to change what is shown. A listener may end the following only later: until then nothing that
   * still comes may undo what the person does. */
  byHand(end: () => void): void {
    if (!this.on() || this.#ownHand.size === 0) return;
    for (const listener of this.#ownHand) listener();
    if (!this.on()) return;
    end();
    this.#handIsOn = true;
  }

  /** Where in the stack of a viewport's series the wanted image is. */
  indexAt(place: number, view: SeriesView | undefined): number | undefined {
    const wanted = this.at(place);
    return wanted === undefined || view?.series !== wanted.series ? undefined : indexIn(view, wanted);
  }

  /** Brings a viewport of the layout to what is wanted there: to another image, or to another look of the same one.
   * Undefined where it had been brought to it. */
  bring({ id, width, height }: Rectangle, view: SeriesView, viewer: Viewer): 'image' | 'look' | undefined {
    const wanted = this.at(id);
    if (wanted === undefined) return undefined;
    const former = this.#brought.get(id);
    const there = former?.handle === view.handle && former.width === width && former.height === height;
    if (there && sameViewport(former.wanted, wanted)) {
      former.wanted = wanted;
      return undefined;
    }
    this.#brought.set(id, { wanted, handle: view.handle, width, height, why: this.#bring(id, wanted, view, viewer) });
    const { instance, frame } = former?.wanted ?? { instance: undefined, frame: undefined };
    return instance === wanted.instance && frame === wanted.frame ? 'look' : 'image';
  }

  #bring(id: number, wanted: PresentedViewport, view: SeriesView, viewer: Viewer): NotSeen | null {
    try {
      const why = this.#present(id, wanted, view, viewer);
      if (why !== null) viewer.show(id, EMPTY);
      return why;
    } catch (error) {
      if (!this.#faulty) this.#reportFault(`presentation: ${String(error)}`);
      this.#faulty = true;
      viewer.show(id, EMPTY);
      return 'not-displayable';
    }
  }

  #present(id: number, wanted: PresentedViewport, view: SeriesView, viewer: Viewer): NotSeen | null {
    const index = indexIn(view, wanted);
    if (index === undefined) return 'not-found';
    const plane = JSON.parse(viewer.plane(view.handle, index)) as PresentedPlane | null;
    if (!agree(plane, wanted.plane)) return 'not-displayable';
    const { center, height, voi, inverted, flipped, turns } = wanted;
    const presented: Presented = { index, center, height, voi, inverted, flipped, turns };
    viewer.show(id, view.handle);
    viewer.present(id, JSON.stringify(presented));
    return null;
  }

  /** Its picture is another one now, or gone. */
  forget(place: number): void {
    this.#brought.delete(place);
  }

  /** What is wanted there is what the viewport was brought to. */
  #has(place: number): boolean {
    const brought = this.#brought.get(place);
    return brought?.why === null && brought.wanted === this.at(place);
  }

  /** Why a viewport shows nothing of what is wanted there. */
  withheld(place: number): NotSeen | undefined {
    const wanted = this.at(place);
    if (wanted !== undefined && this.refuses(wanted)) return 'other-patient';
    return this.#brought.get(place)?.why ?? undefined;
  }

  /** The viewports that hold a series and show nothing of it. */
  withheldPlaces(): number[] {
    return [...this.#brought].filter(([, { why }]) => why !== null).map(([place]) => place);
  }

  /** The pointer of whoever is followed, on an image that is theirs. */
  presenter(place: number, pointing: Pointing): ViewportSnapshot['presenter'] {
    const pointer = this.#presentation?.pointer ?? null;
    if (pointer?.place !== place || !this.#has(place)) return undefined;
    const at = pointing.found(place, pointer.at);
    return at === undefined ? undefined : { at, name: this.#name };
  }

  /** What whoever is followed has measured on the image that is theirs. */
  shapes(place: number, pointing: Pointing, shown: Shown): Shape[] {
    const marks = this.#presentation?.marks ?? [];
    return marks.length === 0 || !this.#has(place) ? [] : pointing.measuredBy(this.#name, marks, place, shown);
  }

  /** How far the viewport that whoever is followed works in is seen; absent while nobody is. */
  seen({ drawable, load, state }: SeenParts): SeenView | undefined {
    if (this.#presentation === undefined) return undefined;
    const { active } = this.#presentation;
    const wanted = this.at(active);
    if (wanted === undefined) return { why: null, done: 0, of: 0 };
    const found = load(wanted.series);
    const { loaded: done, of } = found === undefined ? { loaded: 0, of: 0 } : progressOf(found);
    const why = (): NotSeen | null => {
      if (this.refuses(wanted)) return 'other-patient';
      if (!drawable) return 'not-displayable';
      if (found?.failure !== undefined) return reason(found.failure.code);
      const withheld = this.withheld(active);
      if (withheld !== undefined) return withheld;
      const shown = this.#has(active) ? state(active) : undefined;
      if (shown?.ready === true && !shown.preview) return null;
      const failed = shown === undefined ? undefined : found?.failed.get(shown.index);
      return failed === undefined ? 'loading' : reason(failed);
    };
    return { why: why(), done, of };
  }
}

export type SeenParts = {
  /** There is a canvas, or there will be one. */
  drawable: boolean;
  load: (series: string) => SeriesLoad | undefined;
  state: (viewport: number) => ViewportState | undefined;
};

/** By the image's own name: where it stands in the stack may differ from archive to archive. */
function indexIn({ frames }: SeriesView, { instance, frame }: PresentedViewport): number | undefined {
  const index = frames.findIndex((one) => one.instance === instance && one.frame === frame);
  return index < 0 ? undefined : index;
}

function agree(a: PresentedPlane | null, b: PresentedPlane | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    apart(a.origin, b.origin) <= ORIGIN_MM &&
    apart(a.row, b.row) <= DIRECTION &&
    apart(a.column, b.column) <= DIRECTION
  );
}

function apart(a: SpacePoint, b: SpacePoint): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

const REASONS: Readonly<Record<string, NotSeen>> = {
  'not-found': 'not-found',
  'other-patient': 'other-patient',
  'not-allowed': 'no-access',
  'no-role': 'no-access',
  'role-without-cases': 'no-access',
};

/** What is tried again by itself is still on its way. */
function reason(code: string): NotSeen {
  return REASONS[code] ?? (passes(code) ? 'loading' : 'not-displayable');
}
