/**
 * Keeps a patient's measurements in the program: read once, then written series by series as they change, one
 * writing at a time, so that a later state is never overtaken by an earlier one.
 */

import type { MeasurementView } from '../host/contract';
import type { Measurement } from './measurements';

export type KeeperParts = {
  read: () => Promise<MeasurementView[]>;
  write: (series: string, measurements: MeasurementView[]) => Promise<void>;
  /** What was kept is here. */
  loaded: (kept: readonly Measurement[]) => void;
  /** Neither this nor a later change is safe until `written` says so. */
  failed: (error: unknown) => void;
  written: () => void;
};

export class MeasurementKeeper {
  readonly #parts: KeeperParts;
  /** By series, as text: what the program has. Absent until it has been read, and then nothing is written. */
  #kept: Map<string, string> | undefined;
  #wanted: readonly Measurement[] = [];
  #writing = false;
  #reading = false;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  async load(): Promise<void> {
    if (this.#reading || this.#kept !== undefined) return;
    this.#reading = true;
    try {
      const views = await this.#parts.read();
      this.#kept = bySeries(views);
      this.#parts.loaded(views.map(fromView));
    } catch (error: unknown) {
      this.#parts.failed(error);
    } finally {
      this.#reading = false;
    }
  }

  /** The list as it is now. */
  want(list: readonly Measurement[]): void {
    this.#wanted = list;
    void this.#write();
  }

  async #write(): Promise<void> {
    // Writing a series without knowing what was kept of it would delete that.
    if (this.#kept === undefined) return this.#wanted.length === 0 ? undefined : this.load();
    if (this.#writing) return undefined;
    this.#writing = true;
    let wrote = false;
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        await this.#parts.write(next.series, next.views);
        if (next.views.length === 0) this.#kept.delete(next.series);
        else this.#kept.set(next.series, JSON.stringify(next.views));
        wrote = true;
      }
      if (wrote) this.#parts.written();
    } catch (error: unknown) {
      // The next change tries again.
      this.#parts.failed(error);
    } finally {
      this.#writing = false;
    }
    return undefined;
  }

  /** A series that differs from what the program has. */
  #next(): { series: string; views: MeasurementView[] } | undefined {
    const kept = this.#kept ?? new Map<string, string>();
    const views = this.#wanted.map(toView);
    const wanted = bySeries(views);
    const series = [...new Set([...wanted.keys(), ...kept.keys()])].find((one) => wanted.get(one) !== kept.get(one));
    return series === undefined ? undefined : { series, views: views.filter((one) => one.series === series) };
  }
}

function bySeries(views: readonly MeasurementView[]): Map<string, string> {
  const lists = new Map<string, MeasurementView[]>();
  for (const view of views) lists.set(view.series, [...(lists.get(view.series) ?? []), view]);
  return new Map([...lists].map(([series, list]) => [series, JSON.stringify(list)]));
}

export function toView(one: Measurement): MeasurementView {
  const { id, series, instance, frame } = one;
  switch (one.kind) {
    case 'length':
      return {
        id,
        series,
        instance,
        frame,
        mark: { kind: 'length', from: [one.from.column, one.from.row], to: [one.to.column, one.to.row], value: one.value, unit: one.unit },
      };
    case 'probe':
      return { id, series, instance, frame, mark: { kind: 'probe', at: [one.at.column, one.at.row], text: one.text } };
  }
}

export function fromView({ id, series, instance, frame, mark }: MeasurementView): Measurement {
  const point = ([column, row]: [number, number]) => ({ column, row });
  switch (mark.kind) {
    case 'length':
      return { kind: 'length', id, series, instance, frame, from: point(mark.from), to: point(mark.to), value: mark.value, unit: mark.unit };
    case 'probe':
      return { kind: 'probe', id, series, instance, frame, at: point(mark.at), text: mark.text };
  }
}
