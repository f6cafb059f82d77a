/** Which series are open, how many of their frames are here, and which of them may be let go. */

import type { Failure, SeriesView } from '../host/contract';
import { BYTES_PER_PIXEL } from './bulkMessage';

export type SeriesLoad = {
  study: string;
  series: string;
  /** Absent until the program has answered. */
  view: SeriesView | undefined;
  failure: Failure | undefined;
  /** The drawing part knows it. */
  drawable: boolean;
  loaded: Set<number>;
  /** Failure code by frame. */
  failed: Map<number, string>;
  /** The run of frames asked for last. A new wish replaces it, so that it holds only what is missing. */
  asked: readonly [number, number] | undefined;
  /** The person has stopped the loading. */
  stopped: boolean;
};

export type Progress = { loaded: number; of: number; failed: number; stopped: boolean; done: boolean };

export function progressOf({ view, loaded, failed, stopped }: SeriesLoad): Progress {
  const of = view?.frames.length ?? 0;
  return {
    loaded: loaded.size,
    of,
    failed: failed.size,
    stopped,
    done: view !== undefined && loaded.size + failed.size >= of,
  };
}

function sameProgress(a: Progress, b: Progress): boolean {
  return a.loaded === b.loaded && a.of === b.of && a.failed === b.failed && a.stopped === b.stopped && a.done === b.done;
}

/** Bytes that hidden series may hold on the GPU before the oldest is let go. */
export const HIDDEN_LIMIT_BYTES = 160 * 1024 * 1024;

export class SeriesLoads {
  readonly #loads = new Map<string, SeriesLoad>();
  #told: ReadonlyMap<string, Progress> = new Map();

  /** By series. What has not changed is the former object, so that nothing is drawn again for it. */
  progress(): ReadonlyMap<string, Progress> {
    const former = this.#told;
    const now = new Map(
      this.all().map((load) => {
        const [before, progress] = [former.get(load.series), progressOf(load)];
        return [load.series, before !== undefined && sameProgress(before, progress) ? before : progress];
      }),
    );
    const same = now.size === former.size && [...now].every(([series, progress]) => former.get(series) === progress);
    if (!same) this.#told = now;
    return this.#told;
  }

  /** A new load, or a known one, which becomes the youngest. */
  open(study: string, series: string): { load: SeriesLoad; fresh: boolean } {
    const known = this.#loads.get(series);
    if (known !== undefined && known.failure === undefined) {
      this.#loads.delete(series);
      this.#loads.set(series, known);
      return { load: known, fresh: false };
    }
    const load: SeriesLoad = {
      study,
      series,
      view: undefined,
      failure: undefined,
      drawable: false,
      loaded: new Set(),
      failed: new Map(),
      asked: undefined,
      stopped: false,
    };
    this.#loads.set(series, load);
    return { load, fresh: true };
  }

  get(series: string): SeriesLoad | undefined {
    return this.#loads.get(series);
  }

  ofHandle(handle: number): SeriesLoad | undefined {
    return this.all().find(({ view }) => view?.handle === handle);
  }

  all(): SeriesLoad[] {
    return [...this.#loads.values()];
  }

  remove(series: string): void {
    this.#loads.delete(series);
  }

  /** The hidden series that go beyond the limit, the oldest first. */
  surplus(visible: ReadonlySet<string>, limit: number = HIDDEN_LIMIT_BYTES): SeriesLoad[] {
    const hidden = this.all().filter(({ series, view }) => !visible.has(series) && view !== undefined);
    let bytes = hidden.reduce((sum, load) => sum + bytesOf(load), 0);
    return hidden.filter((load) => {
      if (bytes <= limit) return false;
      bytes -= bytesOf(load);
      return true;
    });
  }
}

function bytesOf({ view }: SeriesLoad): number {
  return view === undefined ? 0 : view.columns * view.rows * BYTES_PER_PIXEL[view.format] * view.frames.length;
}
