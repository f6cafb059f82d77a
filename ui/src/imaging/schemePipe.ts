/**
 * Frames over the program's own URI scheme: one request per part of a frame. The scheme answers
 * whole bodies only, so that the order is kept here: near first, ahead in the direction of scrolling,
 * few requests at a time, none while the page has not taken what came.
 */

import { readFrameHeader } from './bulkMessage';
import { frameKey, type Outstanding } from './prefetch';
import { INITIAL_CREDIT, type WirePipe, type WireSink } from './wirePipe';

export const MAX_IN_FLIGHT = 4;

const UNPROCESSABLE = 422;
const FORBIDDEN = [401, 403];

/** The part of `fetch` that is used. */
export type Fetch = (
  address: string,
  options: { signal: AbortSignal },
) => Promise<Pick<Response, 'status' | 'ok' | 'arrayBuffer' | 'json'>>;

export type SchemeAccess = { scheme: string; token: string };

export function openSchemePipe(
  { scheme, token }: SchemeAccess,
  fetchPart: Fetch,
  sink: WireSink,
  outstanding: Outstanding,
): WirePipe {
  const inFlight = new Map<string, AbortController>();
  let credit = INITIAL_CREDIT;
  let over = false;

  const pump = () => {
    while (!over && inFlight.size < MAX_IN_FLIGHT && credit - inFlight.size > 0) {
      const next = outstanding.next(new Set(inFlight.keys()));
      if (next === undefined) return;
      const key = frameKey(next.series, next.frame);
      const abort = new AbortController();
      inFlight.set(key, abort);
      void load(next.series, next.frame, abort).finally(() => {
        if (inFlight.get(key) === abort) inFlight.delete(key);
        pump();
      });
    }
  };

  const load = async (series: number, frame: number, abort: AbortController) => {
    try {
      let row = 0;
      for (;;) {
        // The token travels in the address: a header of our own would make the web view ask the scheme
        // for permission first, which not every web view can.
        const address = `${scheme}/frame/${String(series)}/${String(frame)}?row=${String(row)}&token=${token}`;
        const response = await fetchPart(address, { signal: abort.signal });
        if (over || abort.signal.aborted) return;
        if (FORBIDDEN.includes(response.status)) {
          end();
          return;
        }
        if (!response.ok) {
          const code = response.status === UNPROCESSABLE ? codeOf(await response.json()) : 'platform-failed';
          outstanding.done(series, frame);
          sink.failed({ series, frame, code });
          return;
        }
        const message = await response.arrayBuffer();
        if (aborted(abort)) return;
        const header = readFrameHeader(message);
        if (header === undefined || (header.rowsHere === 0 && !header.lastPart)) {
          outstanding.done(series, frame);
          sink.failed({ series, frame, code: 'answer-unreadable' });
          return;
        }
        credit -= 1;
        if (header.lastPart && !header.preview) outstanding.done(series, frame);
        sink.frame(message);
        if (header.lastPart) return;
        row = header.firstRow + header.rowsHere;
      }
    } catch {
      if (aborted(abort)) return;
      end();
    }
  };

  const aborted = (abort: AbortController) => over || abort.signal.aborted;

  const end = () => {
    if (over) return;
    over = true;
    for (const abort of inFlight.values()) abort.abort();
    sink.lost();
  };

  pump();
  return {
    want(wanted) {
      outstanding.want(wanted);
      pump();
    },
    drop(series) {
      outstanding.drop(series);
      for (const [key, abort] of inFlight) {
        if (key.startsWith(`${String(series)}/`)) abort.abort();
      }
    },
    consumed(messages) {
      credit += messages;
      pump();
    },
    close() {
      over = true;
      for (const abort of inFlight.values()) abort.abort();
    },
  };
}

function codeOf(body: unknown): string {
  return typeof body === 'object' && body !== null && 'code' in body ? String(body.code) : 'image-damaged';
}
