/**
 * Chooses the way and keeps it: the socket if it answers, else the scheme; after a loss the page is
 * asked for a new access once, and what was outstanding is asked for again over whatever opens.
 */

import type { BulkAccessView } from '../host/contract';
import type { BulkWay } from '../host/contract';
import { Outstanding } from './prefetch';
import type { WirePipe, WireSink } from './wirePipe';

export type Way = 'socket' | 'scheme';

/** How the two ways are opened; `undefined` means that the access offers no such way. */
export type Openers = {
  socket: (access: BulkAccessView, sink: WireSink, outstanding: Outstanding) => Promise<WirePipe> | undefined;
  scheme: (access: BulkAccessView, sink: WireSink, outstanding: Outstanding) => WirePipe | undefined;
};

export type KeeperSink = Pick<WireSink, 'frame' | 'failed'> & {
  opened: (way: Way) => void;
  /** Answered by `access`. */
  needAccess: () => void;
  /** No way is left. */
  gone: () => void;
};

export class PipeKeeper {
  readonly #outstanding = new Outstanding();
  readonly #openers: Openers;
  readonly #sink: KeeperSink;
  readonly #way: BulkWay;
  #pipe: WirePipe | undefined;
  #closed = false;
  /** A second loss without a frame in between means that asking again does not help. */
  #retried = false;

  constructor(way: BulkWay, openers: Openers, sink: KeeperSink) {
    this.#way = way;
    this.#openers = openers;
    this.#sink = sink;
  }

  async access(access: BulkAccessView): Promise<void> {
    const sink: WireSink = {
      frame: (message) => {
        this.#retried = false;
        this.#sink.frame(message);
      },
      failed: this.#sink.failed,
      lost: () => {
        this.#lost();
      },
    };
    if (this.#way !== 'scheme') {
      try {
        const pipe = await this.#openers.socket(access, sink, this.#outstanding);
        if (pipe !== undefined) {
          this.#opened(pipe, 'socket');
          return;
        }
      } catch {
        // No answer in time: the other way follows, and the frame's diagnosis names the one in use.
      }
    }
    if (this.#closed) return;
    const pipe = this.#way === 'socket' ? undefined : this.#openers.scheme(access, sink, this.#outstanding);
    if (pipe === undefined) this.#sink.gone();
    else this.#opened(pipe, 'scheme');
  }

  want(series: number, first: number, last: number, near: number): void {
    const wanted = { series, first, last, near };
    if (this.#pipe === undefined) this.#outstanding.want(wanted);
    else this.#pipe.want(wanted);
  }

  drop(series: number): void {
    if (this.#pipe === undefined) this.#outstanding.drop(series);
    else this.#pipe.drop(series);
  }

  consumed(messages: number): void {
    this.#pipe?.consumed(messages);
  }

  close(): void {
    this.#closed = true;
    this.#pipe?.close();
  }

  #opened(pipe: WirePipe, way: Way): void {
    if (this.#closed) {
      pipe.close();
      return;
    }
    this.#pipe = pipe;
    this.#sink.opened(way);
  }

  #lost(): void {
    if (this.#closed) return;
    this.#pipe = undefined;
    if (this.#retried) {
      this.#sink.gone();
      return;
    }
    this.#retried = true;
    this.#sink.needAccess();
  }
}
