/** One-frame pictures by handle, over a bulk pipe of their own that lives as long as somebody looks at them. */

import type { BulkPipe } from './bulk';
import { readFrameHeader } from './bulkMessage';
import { Thumbnails, type Picture } from './thumbnails';

export class Pictures {
  readonly #thumbnails = new Thumbnails();
  readonly #wanted = new Set<number>();
  readonly #listeners = new Set<() => void>();
  #pipe: BulkPipe | undefined;
  #closed = false;

  constructor(open: () => Promise<BulkPipe>) {
    open().then(
      (pipe) => {
        if (this.#closed) {
          pipe.close();
          return;
        }
        this.#pipe = pipe;
        pipe.onFrame((message) => {
          const header = readFrameHeader(message);
          if (header === undefined || !this.#wanted.has(header.series)) return;
          if (this.#thumbnails.put(message)) for (const listener of this.#listeners) listener();
        });
        for (const handle of this.#wanted) pipe.want(handle, 0, 0, 0);
      },
      // Without a way for pixels the words of a series stand alone; "Bilder" says why.
      () => undefined,
    );
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  get(handle: number): Picture | undefined {
    return this.#thumbnails.get(handle);
  }

  want(handle: number): void {
    if (this.#wanted.has(handle)) return;
    this.#wanted.add(handle);
    this.#pipe?.want(handle, 0, 0, 0);
  }

  close(): void {
    this.#closed = true;
    this.#pipe?.close();
  }
}
