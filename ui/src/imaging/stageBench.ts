/** A stage over a drawing part and a pipe that a test moves by hand; frames of the page are turns of `draw`. */

import type { Drawing, SeriesView } from '../host/contract';
import { asFailure } from '../host/host';
import { exampleSeries } from './examples';
import { Stage } from './stage';
import { StandInPipe, StandInViewer } from './standIn';

export const CANVAS = {} as HTMLCanvasElement;

export class Bench {
  readonly pipe = new StandInPipe();
  viewer = new StandInViewer();
  readonly closed: number[] = [];
  /** Series that were opened, in their order. */
  readonly opened: string[] = [];
  readonly faults: string[] = [];
  readonly stage: Stage;
  views = new Map<string, SeriesView>([['1.2.3.4', exampleSeries()]]);
  /** Why a series that is not in `views` is not opened. */
  refusal = 'not-displayable';
  #due: (() => void) | undefined;
  readonly #waiting = new Set<() => void>();
  /** What each drawing part was asked to draw with. */
  readonly drawings: Drawing[] = [];

  constructor(valueBytes?: number, [width, height]: readonly [number, number] = [512, 512]) {
    this.stage = new Stage({
      ...(valueBytes === undefined ? {} : { valueBytes }),
      desk: {
        openSeries: (_, series) => {
          this.opened.push(series);
          const view = this.views.get(series);
          return view === undefined
            ? Promise.reject(Object.assign(new Error('none'), { code: this.refusal, detail: '' }))
            : Promise.resolve(view);
        },
        closeSeries: (handle) => this.closed.push(handle),
        openBulk: () => Promise.resolve({ socket: null, scheme: null, token: '' }),
      },
      createViewer: (_, drawing) => {
        this.drawings.push(drawing);
        return Promise.resolve(this.viewer);
      },
      openPipe: () => Promise.resolve(this.pipe),
      bulkWay: 'auto',
      drawing: 'auto',
      schedule: (draw) => {
        this.#due = draw;
      },
      after: (_, then) => {
        this.#waiting.add(then);
        return () => this.#waiting.delete(then);
      },
      flush: (publish) => {
        publish();
      },
      failureOf: asFailure,
      reportFault: (line) => this.faults.push(line),
    });
    this.stage.resize(width, height, 1);
  }

  /** Everything that waits for a promise goes on, then one animation frame is drawn. */
  async frame(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    this.drawOnly();
  }

  /** The time is over that anything waits for. */
  timePasses(): void {
    const due = [...this.#waiting];
    this.#waiting.clear();
    for (const then of due) then();
  }

  drawOnly(): void {
    const draw = this.#due;
    this.#due = undefined;
    draw?.();
  }

  pane(id = 0) {
    const found = this.stage.snapshot().viewports.find((viewport) => viewport.id === id);
    if (found === undefined) throw new Error(`viewport ${String(id)} is on the screen`);
    return found;
  }
}

/** Shows the example series; none of its images has come yet. */
export async function shown(valueBytes?: number): Promise<Bench> {
  const bench = new Bench(valueBytes);
  await bench.stage.attach(CANVAS);
  bench.stage.show(0, '1.2.3', '1.2.3.4');
  await bench.frame();
  return bench;
}
