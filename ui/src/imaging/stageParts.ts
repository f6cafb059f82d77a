/** What a stage is given: the program, the drawing part, the pipe and the time, each replaceable by a test. */

import type { BulkAccessView, BulkWay, Drawing, Failure, SeriesView } from '../host/contract';
import type { BulkPipe } from './bulk';
import type { CreateViewer } from './viewer';
import type { After } from './wirePipe';

/** What the stage asks of the program. */
export type StageDesk = {
  openSeries: (study: string, series: string) => Promise<SeriesView>;
  closeSeries: (handle: number) => void;
  openBulk: () => Promise<BulkAccessView>;
};

export type StageParts = {
  desk: StageDesk;
  createViewer: CreateViewer;
  drawing: Drawing;
  openPipe: (openBulk: () => Promise<BulkAccessView>, way: BulkWay) => Promise<BulkPipe>;
  bulkWay: BulkWay;
  /** How many bytes of stored values are kept for reading; the store's own limit if absent. */
  valueBytes?: number;
  /** Runs before the next painting. */
  schedule: (draw: () => void) => void;
  /** Runs after that many milliseconds unless the answer is called before. */
  after: After;
  /** Publishes within the frame: React's `flushSync` in the program. */
  flush: (publish: () => void) => void;
  failureOf: (error: unknown) => Failure;
  reportFault: (line: string) => void;
};
