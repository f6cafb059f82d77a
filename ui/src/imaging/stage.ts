/**
 * The image area behind its DOM: one canvas, its viewports, the series they show and the pipe that
 * fills them. Draws only on change, in an animation frame, and publishes what was drawn in that same
 * frame, so that the text over a picture is always that picture's.
 */

import type { Drawing, Presentation, SeenView } from '../host/contract';
import type { BulkPipe } from './bulk';
import { readFrameHeader } from './bulkMessage';
import { Following } from './following';
import { FrameStore } from './frameStore';
import { GRID, inCssPixels, isLayout, viewportCount, visiblePlaces, type Layout, type Rectangle } from './layouts';
import { presetOfDigit } from './overlay';
import { Pointing, type Shown } from './pointing';
import { nearestMissing } from './prefetch';
import { Retries, passes } from './retries';
import { SeriesLoads, progressOf, type SeriesLoad } from './seriesLoads';
import type { Spot, StageSnapshot, ViewportSnapshot } from './snapshot';
import type { StageParts } from './stageParts';
import { AT_FIRST, restorable, type Restorable, type StageMemory } from './stageMemory';
import { presentationOf } from './stagePresentation';
import { Thumbnails } from './thumbnails';
import { ValuesWish } from './valuesWish';
import type { Viewer, ViewportState } from './viewer';
import { viewportSnapshot } from './viewportSnapshot';
import type { FrameFailure } from './wirePipe';

const VIEWPORTS = 4;
const EMPTY = -1;

/** How long a picture stays, with its own text, while the first of the next series is on its way: no black comes in
 * between where that one is quick, and nobody waits before a black that must come. */
const HOLD_MILLISECONDS = 100;

/** When the first picture is likely there, and then with room for the person in between. */
const WARM_AFTER_MILLISECONDS = 300;
const WARM_EVERY_MILLISECONDS = 50;

/** How often progress is told that changes no picture: telling it costs the computer a picture of the whole window. */
const PROGRESS_MILLISECONDS = 200;

type Viewport = {
  study: string | undefined;
  series: string | undefined;
  /** Index and look to take up once the series is there. */
  restore: Restorable | undefined;
  /** What comes after the picture that is still shown. */
  next: Next | undefined;
};

type Next = { study: string; series: string; restore: Restorable | undefined; stop: () => void };

export class Stage {
  static #made = 0;
  /** Another for each stage: what a canvas was first drawn on with is all that it gives to draw on. */
  readonly key = (Stage.#made += 1);
  readonly #parts: StageParts;
  readonly #loads = new SeriesLoads();
  readonly #values: FrameStore;
  readonly #valuesWish = new ValuesWish();
  readonly #thumbnails = new Thumbnails();
  readonly #wantedThumbnails = new Set<number>();
  readonly #viewports: Viewport[] = Array.from({ length: VIEWPORTS }, () => ({
    study: undefined,
    series: undefined,
    restore: undefined,
    next: undefined,
  }));
  readonly #listeners = new Set<() => void>();
  readonly #thumbnailListeners = new Set<() => void>();
  /** Read at most once between two changes. */
  readonly #states = new Map<number, { state: ViewportState }>();

  #viewer: Viewer | undefined;
  #pipe: BulkPipe | undefined;
  #size = { width: 0, height: 0, ratio: 1 };
  #layout: Layout = '1x1';
  #enlarged = false;
  #active = 0;
  #gpu: StageSnapshot['gpu'] = 'starting';
  #losses = 0;
  #drawn: string | undefined;
  #pipeState: StageSnapshot['pipe'] = 'opening';
  #scheduled = false;
  #closed = false;
  #layoutDirty = true;
  readonly #near = new Set<string>();
  /** Something that is on the screen has changed: the next frame must draw. */
  #drawDue = false;
  /** Stops the wait until progress is told. */
  #progressDue: (() => void) | undefined;
  /** The last frame did not draw although it should have: it is tried once more before anything is said. */
  #drawMissed = false;
  readonly pointing: Pointing;
  readonly #retries: Retries;
  readonly #following: Following;
  /** The name that is written beside the own pointer while others see it. */
  #presenting: string | undefined;
  #snapshot: StageSnapshot;

  constructor(parts: StageParts) {
    this.#parts = parts;
    this.#values = new FrameStore(parts.valueBytes);
    this.pointing = new Pointing({
      shown: (viewport) => this.#shown(viewport),
      corner: (viewport) => {
        const { x, y } = this.#places()[viewport] ?? { x: 0, y: 0 };
        return [x, y];
      },
      ratio: () => this.#size.ratio,
      values: this.#values,
      needValues: (viewport) => {
        this.#wantValues(viewport);
      },
      changed: () => {
        this.#change();
      },
    });
    this.#retries = new Retries(parts.after, () => {
      this.#askAgain();
    });
    this.#following = new Following(parts.reportFault);
    this.#snapshot = this.#take();
    this.#openPipe();
  }

  // --- What the DOM observes.

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  readonly snapshot = (): StageSnapshot => this.#snapshot;

  readonly subscribeThumbnails = (listener: () => void): (() => void) => {
    this.#thumbnailListeners.add(listener);
    return () => {
      this.#thumbnailListeners.delete(listener);
    };
  };

  thumbnail(handle: number): ReturnType<Thumbnails['get']> {
    if (!this.#wantedThumbnails.has(handle)) {
      this.#wantedThumbnails.add(handle);
      this.#pipe?.want(handle, 0, 0, 0);
    }
    return this.#thumbnails.get(handle);
  }

  // --- Life.

  async attach(canvas: HTMLCanvasElement): Promise<void> {
    this.#gpu = 'starting';
    try {
      const viewer = await this.#parts.createViewer(canvas, this.#drawing());
      if (this.#closed) {
        viewer.free();
        return;
      }
      // A viewport that no layout has placed yet cannot be given a series.
      viewer.set_layout(JSON.stringify(this.#viewports.map((_, id) => ({ id, x: 0, y: 0, width: 1, height: 1 }))));
      this.#viewer = viewer;
      this.#drawn = (JSON.parse(viewer.info()) as { backend: string }).backend;
      this.#gpu = 'ready';
      this.#layoutDirty = true;
      this.#applyLayout(viewer);
      for (const load of this.#loads.all()) this.#toViewer(load);
      this.#warm(viewer, WARM_AFTER_MILLISECONDS);
    } catch (error) {
      this.#gpu = 'failed';
      this.#parts.reportFault(`viewer: ${String(error)}`);
    }
    this.#change();
  }

  close(): void {
    this.#closed = true;
    this.#progressDue?.();
    this.#retries.close();
    for (const { next } of this.#viewports) next?.stop();
    for (const { view } of this.#loads.all()) {
      if (view !== undefined) this.#parts.desk.closeSeries(view.handle);
    }
    this.#pipe?.close();
    this.#viewer?.free();
    this.#viewer = undefined;
  }

  /** What to take up when the reader comes back. */
  memory(): StageMemory {
    return {
      layout: this.#layout,
      active: this.#active,
      viewports: this.#viewports.flatMap(({ study, series, next }, id) => {
        if (next !== undefined) return [{ study: next.study, series: next.series, ...(next.restore ?? AT_FIRST) }];
        if (study === undefined || series === undefined) return [];
        return [{ study, series, ...this.#look(id) }];
      }),
    };
  }

  #look(viewport: number): Restorable {
    const state = this.#state(viewport);
    return state === undefined ? (this.#viewports[viewport]?.restore ?? AT_FIRST) : restorable(state);
  }

  recall({ layout, active, viewports }: StageMemory): void {
    this.#arrange(layout);
    viewports.forEach(({ study, series, ...restore }, id) => {
      this.#show(id, study, series, restore);
    });
    this.activate(active);
  }

  resize(width: number, height: number, ratio: number): void {
    if (width === this.#size.width && height === this.#size.height && ratio === this.#size.ratio) return;
    this.#size = { width, height, ratio };
    this.#layoutDirty = true;
    this.#change();
  }

  // --- Which series where.

  setLayout(layout: Layout): void {
    if (layout !== this.#layout || this.#enlarged) this.#byHand();
    this.#arrange(layout);
  }

  #arrange(layout: Layout): void {
    this.#layout = layout;
    this.#enlarged = false;
    this.#active = Math.min(this.#active, viewportCount(layout) - 1);
    this.#layoutDirty = true;
    this.#change();
  }

  /** This viewport large, and back. */
  enlarge(viewport: number): void {
    if (viewportCount(this.#layout) === 1) return;
    this.#byHand();
    this.#active = viewport;
    this.#enlarged = !this.#enlarged;
    this.#layoutDirty = true;
    this.#change();
  }

  /** Where a series chosen now goes; the snapshot may be a frame older. */
  get active(): number {
    return this.#active;
  }

  activate(viewport: number): void {
    this.#active = Math.max(0, Math.min(viewport, viewportCount(this.#layout) - 1));
    if (this.#enlarged) this.#layoutDirty = true;
    this.#change();
  }

  /** The next or previous viewport, around the end. */
  moveActive(step: 1 | -1): void {
    const count = viewportCount(this.#layout);
    this.activate((this.#active + step + count) % count);
  }

  show(viewport: number, study: string, series: string, restore?: Restorable): void {
    const target = this.#viewports[viewport];
    if (target !== undefined && (target.next ?? target).series !== series) this.#byHand();
    this.#show(viewport, study, series, restore);
  }

  #show(viewport: number, study: string, series: string, restore?: Restorable): void {
    const target = this.#viewports[viewport];
    if (target === undefined) return;
    target.next?.stop();
    target.next = undefined;
    const { load, fresh } = this.#loads.open(study, series);
    if (fresh && this.#shown(viewport)?.state.ready === true) {
      const stop = this.#parts.after(HOLD_MILLISECONDS, () => {
        this.#settle(viewport);
      });
      target.next = { study, series, restore, stop };
      void this.#open(load);
      return;
    }
    this.#assign(viewport, study, series, restore);
    if (fresh) void this.#open(load);
  }

  /** The next series takes the viewport, whether its first picture is there or not. */
  #settle(viewport: number): void {
    const next = this.#viewports[viewport]?.next;
    if (next === undefined) return;
    next.stop();
    this.#assign(viewport, next.study, next.series, next.restore);
  }

  #assign(viewport: number, study: string, series: string, restore: Restorable | undefined): void {
    const target = this.#viewports[viewport];
    if (target === undefined) return;
    Object.assign(target, { study, series, restore, next: undefined });
    this.#following.forget(viewport);
    this.pointing.drop(viewport);
    const load = this.#loads.get(series);
    if (load?.drawable === true) this.#put(viewport, load);
    else this.#clear(viewport);
    this.#letGo();
    this.#change();
  }

  /** Nothing is shown here. */
  #empty(viewport: number): void {
    const target = this.#viewports[viewport];
    if (target === undefined || (target.series === undefined && target.next === undefined)) return;
    target.next?.stop();
    Object.assign(target, { study: undefined, series: undefined, restore: undefined, next: undefined });
    this.#following.forget(viewport);
    this.pointing.drop(viewport);
    this.#clear(viewport);
    this.#letGo();
  }

  /** Viewports that wait for this image of the series. */
  #settleAt(series: string, frame?: number): void {
    this.#viewports.forEach(({ next }, id) => {
      if (next?.series === series && (frame === undefined || frame === this.#nextIndex(id))) this.#settle(id);
    });
  }

  /** The image that comes after the picture that is still shown. */
  #nextIndex(viewport: number): number {
    const next = this.#viewports[viewport]?.next;
    if (next === undefined) return 0;
    return this.#following.indexAt(viewport, this.#loads.get(next.series)?.view) ?? next.restore?.index ?? 0;
  }

  /** All studies that were found to be another person's: nothing of them stays on the screen, and nothing of them comes
   * by following. One that is no longer among them is shown again to whoever follows. */
  setRefused(studies: ReadonlySet<string>): void {
    this.#following.refused = studies;
    for (const study of studies) this.#hide(study);
    this.#takeUp();
    this.#change();
  }

  /** One more of them. */
  hideStudy(study: string): void {
    this.setRefused(new Set([...this.#following.refused, study]));
  }

  #hide(study: string): void {
    this.#viewports.forEach((viewport, id) => {
      if (viewport.next?.study === study) {
        viewport.next.stop();
        viewport.next = undefined;
      }
      if (viewport.study === study) this.#empty(id);
    });
    for (const load of this.#loads.all()) {
      if (load.study === study) this.#drop(load);
    }
  }

  stopLoading(series: string): void {
    const load = this.#loads.get(series);
    if (load?.view === undefined) return;
    load.stopped = true;
    this.#valuesWish.forget(load.view.handle);
    this.#pipe?.drop(load.view.handle);
    this.#change();
  }

  resumeLoading(series: string): void {
    const load = this.#loads.get(series);
    if (load === undefined) return;
    load.stopped = false;
    this.#wantMissing(load);
    this.#change();
  }

  /** Ask again for a frame that failed. */
  retryImage(viewport: number): void {
    const shown = this.#shown(viewport);
    if (shown === undefined) return;
    shown.load.failed.delete(shown.state.index);
    this.#wantMissing(shown.load);
    this.#change();
  }

  retrySeries(viewport: number): void {
    const target = this.#viewports[viewport];
    if (target?.study === undefined || target.series === undefined) return;
    this.#loads.remove(target.series);
    this.#show(viewport, target.study, target.series);
  }

  retryPipe(): void {
    this.#pipe?.close();
    this.#openPipe();
  }

  // --- Showing to others, and following them.

  /** All that others need in order to show what is shown here; absent while there is no canvas. Read after a drawing. */
  presentation(): Presentation | undefined {
    if (this.#viewer === undefined || this.#layoutDirty) return undefined;
    return presentationOf(
      {
        layout: this.#enlarged ? '1x1' : this.#layout,
        active: this.#active,
        visible: this.#visible(),
        shown: (viewport) => this.#shown(viewport),
      },
      this.pointing,
    );
  }

  /** While others see the own pointer it looks here as it does there; absent: they do not. */
  setPresenting(name: string | undefined): void {
    if (name === this.#presenting) return;
    this.#presenting = name;
    this.#change();
  }

  /**
   * Shows what somebody of that name shows, from now on or until something else is said; absent: what is shown then
   * stays, and is the person's own again. What is the same as before costs nothing.
   */
  follow(presentation: Presentation | undefined, name = ''): void {
    const withheld = presentation === undefined ? this.#following.withheldPlaces() : [];
    if (!this.#following.take(presentation, name)) return;
    // Nobody says any more why they are black.
    for (const id of withheld) this.#empty(id);
    this.#takeUp();
    this.#change();
  }

  /** How far the active viewport of whoever is followed is seen here; absent while nobody is followed. */
  followed(): SeenView | undefined {
    return this.#following.seen({
      drawable: this.#gpu !== 'failed',
      load: (series) => this.#loads.get(series),
      state: (viewport) => this.#state(viewport),
    });
  }

  /**
   * Called once before the person changes what is shown here while somebody is followed. From then on nobody is: what
   * still comes of them is not taken up until whoever listens has said `follow(undefined)`.
   */
  readonly onOwnHand = (listener: () => void): (() => void) => this.#following.onOwnHand(listener);

  #byHand(): void {
    this.#following.byHand(() => {
      this.follow(undefined);
    });
  }

  /** Brings the area to what is followed, as far as it is not there yet. */
  #takeUp(): void {
    const { presentation } = this.#following;
    if (presentation === undefined) return;
    const { layout, active } = presentation;
    if (isLayout(layout) && (layout !== this.#layout || this.#enlarged)) this.#arrange(layout);
    const count = viewportCount(this.#layout);
    this.#active = Math.max(0, Math.min(active, count - 1));
    for (let id = 0; id < count; id += 1) this.#takeUpAt(id);
  }

  /** These studies are listed: what is followed and was not found may be in them now. */
  findAgain(studies: ReadonlySet<string>): void {
    const missed = this.#viewports.flatMap(({ study, series }) => {
      const code = series === undefined ? undefined : this.#loads.get(series)?.failure?.code;
      return this.#following.on() && study !== undefined && studies.has(study) && code === 'not-found' ? [series] : [];
    });
    if (missed.length === 0) return;
    this.#viewports.forEach(({ study, series }, id) => {
      if (study === undefined || series === undefined || !missed.includes(series)) return;
      this.#following.forget(id);
      this.#show(id, study, series);
    });
    this.#takeUp();
    this.#change();
  }

  #takeUpAt(id: number): void {
    const wanted = this.#following.at(id);
    const target = this.#viewports[id];
    if (target === undefined) return;
    if (wanted === undefined || this.#following.refuses(wanted)) {
      this.#empty(id);
      return;
    }
    if ((target.next ?? target).series !== wanted.series) this.#show(id, wanted.study, wanted.series);
    // The image that is waited for may have become another one.
    if (target.next !== undefined) this.#near.add(wanted.series);
    this.#bring(id);
  }

  /** Now, or once the series is there and the viewport has its place. */
  #bring(id: number): void {
    const target = this.#viewports[id];
    const viewer = this.#viewer;
    if (!this.#following.on() || viewer === undefined || this.#layoutDirty) return;
    if (target?.series === undefined || target.next !== undefined || target.series !== this.#following.at(id)?.series) return;
    const load = this.#loads.get(target.series);
    const place = this.#visiblePlaces().find((one) => one.id === id);
    if (load?.view === undefined || !load.drawable || place === undefined) return;
    const brought = this.#following.bring(place, load.view, viewer);
    if (brought === undefined) return;
    if (brought === 'image') {
      this.#near.add(target.series);
      this.pointing.forgetPending(id);
    }
    this.#drawDue = true;
    this.#states.delete(id);
  }

  #visible(): number[] {
    return this.#visiblePlaces().map(({ id }) => id);
  }

  // --- What a viewport shows.

  step(viewport: number, images: number): void {
    const shown = this.#shown(viewport);
    if (shown !== undefined) this.setIndex(viewport, shown.state.index + images);
  }

  setIndex(viewport: number, index: number): void {
    const shown = this.#shown(viewport);
    if (shown === undefined) return;
    const clamped = Math.max(0, Math.min(index, shown.state.count - 1));
    if (clamped === shown.state.index) return;
    this.#byHand();
    shown.viewer.set_index(viewport, clamped);
    this.#near.add(shown.load.series);
    this.pointing.forgetPending(viewport);
    this.#touch(viewport);
  }

  edge(viewport: number, end: 'first' | 'last'): void {
    const shown = this.#shown(viewport);
    if (shown !== undefined) this.setIndex(viewport, end === 'first' ? 0 : shown.state.count - 1);
  }

  setWindow(viewport: number, center: number, width: number): void {
    const shown = this.#shown(viewport);
    if (shown === undefined) return;
    const { window } = shown.state;
    if (center !== window.center || width !== window.width) this.#byHand();
    shown.viewer.set_window(viewport, center, width, window.function);
    this.#touch(viewport);
  }

  changeWindow(viewport: number, center: number, width: number): void {
    const shown = this.#shown(viewport);
    if (shown === undefined) return;
    this.setWindow(viewport, shown.state.window.center + center, shown.state.window.width + width);
  }

  preset(viewport: number, digit: number): void {
    const shown = this.#shown(viewport);
    const choice = shown === undefined ? undefined : presetOfDigit(shown.view, shown.state.index, digit);
    if (shown === undefined || choice === undefined) return;
    this.#byHand();
    switch (choice.kind) {
      case 'as-stored':
        shown.viewer.set_as_stored(viewport);
        break;
      case 'window':
        shown.viewer.set_window(viewport, choice.window.center, choice.window.width, choice.window.function);
        break;
      case 'table':
        shown.viewer.set_table(viewport, choice.place);
        break;
    }
    this.#touch(viewport);
  }

  invert(viewport: number): void {
    const shown = this.#shown(viewport);
    if (shown === undefined) return;
    this.#byHand();
    shown.viewer.set_inverted(viewport, !shown.state.inverted);
    this.#touch(viewport);
  }

  /** Zoom about a spot, by default about the middle. */
  zoom(viewport: number, factor: number, at?: Spot): void {
    const place = this.#places()[viewport];
    if (place === undefined || factor === 1) return;
    const spot = at ?? [place.width / 2, place.height / 2];
    const { ratio } = this.#size;
    this.#with(viewport, (viewer) => {
      viewer.zoom_at(viewport, factor, (place.x + spot[0]) * ratio, (place.y + spot[1]) * ratio);
    });
  }

  pan(viewport: number, dx: number, dy: number): void {
    if (dx === 0 && dy === 0) return;
    const { ratio } = this.#size;
    this.#with(viewport, (viewer) => {
      viewer.pan_by(viewport, dx * ratio, dy * ratio);
    });
  }

  fit(viewport: number): void {
    this.#with(viewport, (viewer) => {
      viewer.fit(viewport);
    });
  }

  oneToOne(viewport: number): void {
    this.#with(viewport, (viewer) => {
      viewer.one_to_one(viewport);
    });
  }

  rotate(viewport: number, quarters: number): void {
    this.#with(viewport, (viewer) => {
      viewer.rotate(viewport, quarters);
    });
  }

  flip(viewport: number, axis: 'horizontal' | 'vertical'): void {
    this.#with(viewport, (viewer) => {
      viewer.flip(viewport, axis === 'horizontal');
    });
  }

  reset(viewport: number): void {
    this.#with(viewport, (viewer) => {
      viewer.reset(viewport);
    });
  }

  // --- Inside.

  #openPipe(): void {
    this.#pipeState = 'opening';
    this.#valuesWish.drop();
    this.#parts.openPipe(this.#parts.desk.openBulk, this.#parts.bulkWay).then(
      (pipe) => {
        if (this.#closed) {
          pipe.close();
          return;
        }
        this.#pipe = pipe;
        this.#pipeState = 'open';
        pipe.onFrame((message) => {
          this.#frame(message);
        });
        pipe.onFailed((failure) => {
          this.#frameFailed(failure);
        });
        pipe.onGone(() => {
          this.#pipeState = 'failed';
          this.#change();
        });
        for (const handle of this.#wantedThumbnails) {
          if (this.#thumbnails.get(handle) === undefined) pipe.want(handle, 0, 0, 0);
        }
        for (const load of this.#loads.all()) this.#wantMissing(load);
        this.#change();
      },
      (error: unknown) => {
        this.#pipeState = 'failed';
        this.#parts.reportFault(`bulk: ${String(error)}`);
        this.#change();
      },
    );
  }

  async #open(load: SeriesLoad): Promise<void> {
    this.#viewports.forEach(({ series }, id) => {
      if (series === load.series) this.#clear(id);
    });
    try {
      const view = await this.#parts.desk.openSeries(load.study, load.series);
      if (this.#closed || this.#loads.get(load.series) !== load) {
        this.#parts.desk.closeSeries(view.handle);
        return;
      }
      load.view = view;
      this.#toViewer(load);
    } catch (error) {
      load.failure = this.#parts.failureOf(error);
      this.#retries.failed(load.failure.code);
      this.#settleAt(load.series);
    }
    // Whoever waits for the first picture looks at the former one: painting the page anew would only keep it away.
    if (this.#viewports.some(({ next }) => next?.series === load.series)) this.#changeLater();
    else this.#change();
  }

  /** Makes a series known to the drawing part and asks for its frames. */
  #toViewer(load: SeriesLoad): void {
    const viewer = this.#viewer;
    if (viewer === undefined || load.view === undefined) return;
    try {
      viewer.add_series(JSON.stringify(load.view));
    } catch (error) {
      load.failure = { code: 'not-displayable', detail: String(error) };
      this.#settleAt(load.series);
      return;
    }
    load.drawable = true;
    load.loaded.clear();
    this.#viewports.forEach(({ series }, id) => {
      if (series === load.series) this.#put(id, load);
    });
    this.#wantMissing(load);
    this.#near.delete(load.series);
  }

  #put(viewport: number, { view, drawable }: SeriesLoad): void {
    const target = this.#viewports[viewport];
    const viewer = this.#viewer;
    if (target === undefined || viewer === undefined || view === undefined || !drawable) return;
    viewer.show(viewport, view.handle);
    const { restore } = target;
    // Only a placed viewport can be changed; a hidden one takes up its look when it is placed.
    if (restore !== undefined && this.#places()[viewport] !== undefined && !this.#layoutDirty) {
      viewer.set_index(viewport, Math.max(0, Math.min(restore.index, view.frames.length - 1)));
      if (restore.window !== undefined) {
        viewer.set_window(viewport, restore.window.center, restore.window.width, restore.window.function);
      }
      if (restore.table !== undefined) viewer.set_table(viewport, restore.table);
      viewer.set_inverted(viewport, restore.inverted);
      target.restore = undefined;
    }
    this.#drawDue = true;
    this.#states.delete(viewport);
    this.#following.forget(viewport);
    this.#bring(viewport);
  }

  #clear(viewport: number): void {
    this.#viewer?.show(viewport, EMPTY);
    this.#drawDue = true;
    this.#states.delete(viewport);
  }

  #drop(load: SeriesLoad): void {
    this.#loads.remove(load.series);
    if (load.view === undefined) return;
    this.#pipe?.drop(load.view.handle);
    this.#values.drop(load.view.handle);
    this.#valuesWish.forget(load.view.handle);
    this.#viewer?.remove_series(load.view.handle);
    this.#parts.desk.closeSeries(load.view.handle);
  }

  #letGo(): void {
    const visible = new Set(
      this.#viewports.flatMap(({ series, next }) => [series, next?.series].filter((one) => one !== undefined)),
    );
    for (const load of this.#loads.surplus(visible)) this.#drop(load);
  }

  /** Asks for the missing run that is nearest to what is on screen, unless it is asked for already. */
  #wantMissing(load: SeriesLoad): void {
    const { series, view, stopped } = load;
    if (view === undefined || stopped || this.#viewer === undefined || this.#pipe === undefined) return;
    const near = this.#indexOf(series);
    const count = view.frames.length;
    const run = nearestMissing(near, count, has(load));
    load.asked = run;
    if (run === undefined) return;
    this.#valuesWish.forget(view.handle);
    this.#pipe.want(view.handle, run[0], run[1], near);
  }

  /** The reader has come to a frame that is not here: it and its neighbours come first. */
  #wantNear(series: string): void {
    const load = this.#loads.get(series);
    if (load?.view === undefined || load.stopped) return;
    if (!has(load)(this.#indexOf(series))) this.#wantMissing(load);
  }

  /** When a run is complete, the next one is asked for. */
  #wantNext(load: SeriesLoad): void {
    const { asked } = load;
    if (asked === undefined) return;
    for (let frame = asked[0]; frame <= asked[1]; frame += 1) {
      if (!has(load)(frame)) return;
    }
    this.#wantMissing(load);
  }

  /** The picture outlives its values: whoever points at it gets the frame once more. Loading comes first. */
  #wantValues(viewport: number): void {
    const shown = this.#shown(viewport);
    if (shown === undefined) return;
    const { load, view, state } = shown;
    const { handle } = view;
    if (load.asked !== undefined && !load.stopped) return;
    if (!this.#valuesWish.take({ handle, frame: state.index })) return;
    this.#pipe?.want(handle, state.index, state.index, state.index);
  }

  #indexOf(series: string): number {
    const id = this.#viewports.findIndex((viewport) => viewport.series === series);
    if (id < 0) return this.#nextIndex(this.#viewports.findIndex(({ next }) => next?.series === series));
    return this.#state(id)?.index ?? this.#viewports[id]?.restore?.index ?? 0;
  }

  #frame(message: ArrayBuffer): void {
    const header = readFrameHeader(message);
    if (header === undefined || this.#closed) return;
    if (this.#wantedThumbnails.has(header.series)) {
      if (this.#thumbnails.put(message)) for (const listener of this.#thumbnailListeners) listener();
      return;
    }
    if (header.lastPart) this.#valuesWish.arrived({ handle: header.series, frame: header.frame });
    const load = this.#loads.ofHandle(header.series);
    if (load === undefined || this.#viewer === undefined) return;
    try {
      const arrival = JSON.parse(this.#viewer.frame(new Uint8Array(message))) as { frame: number; complete: boolean };
      this.#values.put(message, header);
      if (arrival.complete && !header.preview) {
        this.#retries.came();
        load.loaded.add(arrival.frame);
        load.failed.delete(arrival.frame);
        this.#settleAt(load.series, arrival.frame);
      }
      if (this.#onScreen(load.series, header.frame) && header.lastPart) this.#drawDue = true;
    } catch (error) {
      this.#parts.reportFault(`frame: ${String(error)}`);
      load.failed.set(header.frame, 'image-damaged');
    }
    this.#wantNext(load);
    // The image on screen has been waited for long enough: it does not wait for the next animation frame as well.
    if (this.#drawDue) this.#draw();
    else if (load.failed.has(header.frame) || progressOf(load).done) this.#change();
    else this.#changeLater();
  }

  #onScreen(series: string, frame: number): boolean {
    return this.#viewports.some((viewport, id) => viewport.series === series && this.#state(id)?.index === frame);
  }

  #frameFailed({ series, frame, code }: FrameFailure): void {
    if (this.#valuesWish.refuse({ handle: series, frame })) return;
    const load = this.#loads.ofHandle(series);
    if (load === undefined) return;
    load.failed.set(frame, code);
    this.#retries.failed(code);
    this.#settleAt(load.series, frame);
    this.#wantNext(load);
    this.#change();
  }

  /** What the platform did not give is asked for once more. */
  #askAgain(): void {
    this.#viewports.forEach(({ series }, id) => {
      if (series !== undefined && passes(this.#loads.get(series)?.failure?.code)) this.retrySeries(id);
    });
    for (const load of this.#loads.all()) {
      const passing = [...load.failed].filter(([, code]) => passes(code));
      if (passing.length === 0) continue;
      for (const [frame] of passing) load.failed.delete(frame);
      this.#wantMissing(load);
    }
    this.#change();
  }

  #with(viewport: number, run: (viewer: Viewer) => void): void {
    const shown = this.#shown(viewport);
    if (shown === undefined) return;
    this.#byHand();
    run(shown.viewer);
    this.#touch(viewport);
  }

  #touch(viewport: number): void {
    this.#drawDue = true;
    this.#states.delete(viewport);
    this.#change();
  }

  #shown(viewport: number): (Shown & { load: SeriesLoad }) | undefined {
    const series = this.#viewports[viewport]?.series;
    const load = series === undefined ? undefined : this.#loads.get(series);
    const state = this.#state(viewport);
    if (this.#viewer === undefined || load?.view === undefined || state?.handle !== load.view.handle) return undefined;
    return { viewer: this.#viewer, load, view: load.view, state };
  }

  #state(viewport: number): ViewportState | undefined {
    const known = this.#states.get(viewport);
    if (known !== undefined) return known.state;
    const viewer = this.#viewer;
    if (viewer === undefined) return undefined;
    // What a person does between a change of layout and the next frame must not be lost.
    if (this.#layoutDirty) this.#applyLayout(viewer);
    if (this.#layoutDirty || this.#places()[viewport] === undefined) return undefined;
    const state = (JSON.parse(viewer.state(viewport)) as ViewportState | null) ?? undefined;
    if (state !== undefined) this.#states.set(viewport, { state });
    return state;
  }

  /** Step by step, so that nobody's click waits for all of it. */
  #warm(viewer: Viewer, milliseconds: number): void {
    this.#parts.after(milliseconds, () => {
      if (this.#viewer === viewer && viewer.warm()) this.#warm(viewer, WARM_EVERY_MILLISECONDS);
    });
  }

  #changeLater(): void {
    this.#progressDue ??= this.#parts.after(PROGRESS_MILLISECONDS, () => {
      this.#progressDue = undefined;
      this.#change();
    });
  }

  #change(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#parts.schedule(() => {
      this.#scheduled = false;
      if (!this.#closed) this.#draw();
    });
  }

  #draw(): void {
    this.#progressDue?.();
    this.#progressDue = undefined;
    const viewer = this.#viewer;
    if (viewer !== undefined) {
      if (this.#layoutDirty) this.#applyLayout(viewer);
      for (const series of this.#near) this.#wantNear(series);
      this.#near.clear();
      const drawn = viewer.draw();
      if (viewer.lost()) {
        this.#rememberLooks();
        viewer.free();
        this.#viewer = undefined;
        for (const load of this.#loads.all()) load.drawable = false;
        this.#gpu = 'lost';
        this.#losses += 1;
      } else if (!drawn && this.#drawDue && !this.#drawMissed) {
        // The canvas may still show the former picture: the text waits for the next attempt.
        this.#drawMissed = true;
        this.#change();
        return;
      }
      this.#drawDue = false;
      this.#drawMissed = false;
      this.#states.clear();
    }
    this.#parts.flush(() => {
      this.#snapshot = this.#take();
      for (const listener of this.#listeners) listener();
    });
  }

  /** A device that goes again and again is none to read images with. */
  #drawing(): Drawing {
    return this.#parts.drawing === 'auto' && this.#losses > 1 ? 'processor' : this.#parts.drawing;
  }

  #rememberLooks(): void {
    this.#viewports.forEach((viewport, id) => {
      if (viewport.series !== undefined) viewport.restore = this.#look(id);
    });
  }

  #applyLayout(viewer: Viewer): void {
    const { width, height, ratio } = this.#size;
    if (width === 0 || height === 0) return;
    viewer.resize(Math.round(width * ratio), Math.round(height * ratio));
    viewer.set_layout(JSON.stringify(this.#visiblePlaces()));
    this.#states.clear();
    this.#layoutDirty = false;
    this.#drawDue = true;
    // What could not be taken up while it had no place.
    this.#viewports.forEach(({ series, restore }, id) => {
      const load = series === undefined ? undefined : this.#loads.get(series);
      if (restore !== undefined && load !== undefined) this.#put(id, load);
      this.#bring(id);
    });
  }

  #visiblePlaces(): Rectangle[] {
    return visiblePlaces(this.#layout, this.#enlarged ? this.#active : undefined, this.#size);
  }

  #places(): Record<number, Rectangle> {
    return inCssPixels(this.#visiblePlaces(), this.#size.ratio);
  }

  #take(): StageSnapshot {
    return {
      gpu: this.#gpu,
      pipe: this.#pipeState,
      way: this.#pipeState === 'open' ? this.#pipe?.way : undefined,
      drawn: this.#drawn,
      layout: this.#layout,
      grid: this.#enlarged ? { columns: 1, rows: 1 } : GRID[this.#layout],
      enlarged: this.#enlarged,
      active: this.#active,
      viewports: Object.values(this.#places()).map((place) => this.#takeViewport(place)),
      progress: this.#loads.progress(),
      followed: this.followed(),
    };
  }

  #takeViewport(place: Rectangle): ViewportSnapshot {
    const { study, series } = this.#viewports[place.id] ?? { study: undefined, series: undefined };
    const load = series === undefined ? undefined : this.#loads.get(series);
    const [{ ratio }, { id }] = [this.#size, place];
    const [presenter, withheld] = [this.#presenter(id), this.#following.withheld(id)];
    return viewportSnapshot(
      { place, study, series, load, shown: this.#shown(id), ratio, presenter, withheld, others: (shown) => this.#following.shapes(id, this.pointing, shown) },
      this.pointing,
    );
  }

  /** The pointer of whoever shows: the one that is followed, or this person. */
  #presenter(id: number): ViewportSnapshot['presenter'] {
    if (this.#following.on()) return this.#following.presenter(id, this.pointing);
    if (this.#presenting === undefined) return undefined;
    const pointed = this.pointing.pointed(this.#visible());
    return pointed?.viewport === id ? { at: pointed.spot, name: this.#presenting } : undefined;
  }
}

function has({ loaded, failed }: SeriesLoad): (frame: number) => boolean {
  return (frame) => loaded.has(frame) || failed.has(frame);
}
