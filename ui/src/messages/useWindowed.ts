/**
 * A long list of which only the part in sight is drawn, with lines of any height. It measures what it draws and keeps
 * the line being read in its place, whatever comes before or after it; at the end it stays at the end.
 */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { type Anchor, anchorAt, handedOver, isAtEnd, offsetsOf, placed, type Row, type Segment, segments, visible } from './windowing';

/** Drawn beyond each edge, so that a turn of the wheel finds lines and not a gap. */
const around = 700;

export interface Windowed {
  scroller: RefObject<HTMLDivElement | null>;
  onScroll: () => void;
  drawn: Segment[];
  /** Space after the last drawn line. */
  rest: number;
  /** Whether the first line is among the drawn ones because it is near. */
  nearTop: boolean;
  /** The same of the last one. */
  nearEnd: boolean;
  atEnd: boolean;
  toEnd: () => void;
  /** Brings a line into sight; `nearest` moves only if it is out of it. */
  reveal: (id: string, where: 'nearest' | 'middle') => void;
  /** Draws a line, brings it into sight and gives it the focus. */
  focus: (id: string, where?: 'nearest' | 'middle') => void;
}

interface Place {
  anchor: Anchor | null;
  end: boolean;
  top: number;
  /** Where the element stood when it was last looked at: what differs from it, the person has scrolled. */
  seen: number;
  height: number;
}

export function useWindowed({
  rows,
  guess,
  pinned,
  follow = false,
  start = null,
  stays = true,
}: {
  rows: readonly Row[];
  guess: (at: number) => number;
  /** Lines that are drawn wherever they are: the one with the focus. */
  pinned: readonly string[];
  /** Holds the line being read, and stays at the end. Without it the list stands where it was scrolled to. */
  follow?: boolean;
  /** Where a list that follows begins; without it at its end. */
  start?: Anchor | null;
  /** Whether its end is where one stays; not so where more may come after it. */
  stays?: boolean;
}): Windowed {
  const scroller = useRef<HTMLDivElement | null>(null);
  const [known, setKnown] = useState(() => ({ heights: new Map<string, number>() }));
  const place = useRef<Place>({ anchor: start, end: follow && stays && start === null, top: 0, seen: 0, height: 800 });
  const [turn, redraw] = useReducer((count: number) => count + 1, 0);
  const [atEnd, setAtEnd] = useState(follow && stays && start === null);
  const before = useRef<{ rows: readonly Row[]; offsets: Float64Array } | null>(null);

  const offsets = useMemo(() => offsetsOf(rows, known.heights, guess), [rows, guess, known]);
  const here = place.current;
  const total = offsets[rows.length] ?? 0;
  // A held line that is gone hands its place over to a neighbor.
  const gone = here.anchor !== null && placed(here.anchor, rows, offsets) === null;
  const anchor = gone && here.anchor && before.current ? handedOver(here.anchor, before.current.rows, before.current.offsets, rows) : here.anchor;
  const held = !follow ? here.top : here.end ? total - here.height : anchor ? (placed(anchor, rows, offsets) ?? here.top) : here.top;
  const top = Math.max(0, Math.min(held, total - here.height));
  const range = visible(offsets, top, here.height, around);
  const { drawn, rest } = segments(range, pinned.map((id) => rows.findIndex((row) => row.id === id)), offsets);
  const shown = `${range[0]} ${range[1]}`;
  const drawnRange = useRef(shown);

  const observer = useRef<ResizeObserver | null>(null);
  useEffect(() => {
    const made = new ResizeObserver(() => redraw());
    observer.current = made;
    if (scroller.current) {
      made.observe(scroller.current);
      for (const line of scroller.current.querySelectorAll('[data-line]')) made.observe(line);
    }
    return () => {
      made.disconnect();
      observer.current = null;
    };
  }, []);

  useLayoutEffect(() => {
    const element = scroller.current;
    // Out of sight (a narrow window shows the list or the conversation) nothing has a height.
    if (!element || element.clientHeight === 0) return;
    // The person may have scrolled since, and the event is still to come. A shorter list moves by itself.
    const moved = element.scrollTop - here.seen;
    const shortened = moved < 0 && isAtEnd(element.scrollTop, element.clientHeight, element.scrollHeight);
    if (Math.abs(moved) >= 1 && !shortened && before.current) {
      here.seen = element.scrollTop;
      here.end = false;
      here.top = element.scrollTop;
      here.anchor = follow ? anchorAt(before.current.rows, before.current.offsets, here.seen, element.clientHeight) : null;
      redraw();
      return;
    }
    let measured = false;
    for (const line of element.querySelectorAll<HTMLElement>('[data-line]')) {
      const id = line.dataset['line'] ?? '';
      const height = line.getBoundingClientRect().height;
      if (Math.abs((known.heights.get(id) ?? -1) - height) > 0.1) {
        known.heights.set(id, height);
        measured = true;
      }
      observer.current?.observe(line);
    }
    if (element.clientHeight !== here.height) {
      here.height = element.clientHeight;
      measured = true;
    }
    here.anchor = anchor;
    before.current = { rows, offsets };
    drawnRange.current = shown;
    if (measured) {
      setKnown({ heights: known.heights });
      return;
    }
    if (Math.abs(element.scrollTop - top) >= 1) element.scrollTop = top;
    here.top = element.scrollTop;
    here.seen = element.scrollTop;
    if (!follow) return;
    // What could not be placed as wished is held where it is.
    if (Math.abs(top - held) >= 1 || here.anchor === null) here.anchor = anchorAt(rows, offsets, here.top, here.height);
    here.end = stays && isAtEnd(here.top, here.height, total);
    if (here.end !== atEnd) setAtEnd(here.end);
    // `turn`: something has changed its size, and is measured anew.
  }, [here, anchor, rows, offsets, shown, top, follow, stays, held, total, atEnd, known, turn]);

  const onScroll = useCallback(() => {
    const element = scroller.current;
    const last = before.current;
    if (!element || !last || element.clientHeight === 0) return;
    const now = place.current;
    // Our own scrolling, which the screen may have rounded.
    if (Math.abs(element.scrollTop - now.seen) < 1) return;
    now.top = element.scrollTop;
    now.seen = element.scrollTop;
    now.height = element.clientHeight;
    if (follow) {
      now.end = stays && isAtEnd(now.top, now.height, element.scrollHeight);
      now.anchor = anchorAt(last.rows, last.offsets, now.top, now.height);
      setAtEnd(now.end);
    }
    const [from, to] = visible(last.offsets, now.top, now.height, around);
    if (`${from} ${to}` !== drawnRange.current) redraw();
  }, [follow, stays]);

  const toEnd = useCallback(() => {
    place.current.end = true;
    redraw();
  }, []);

  const reveal = useCallback((id: string, where: 'nearest' | 'middle') => {
    const last = before.current;
    const now = place.current;
    const at = last?.rows.findIndex((row) => row.id === id) ?? -1;
    if (!last || at < 0) return;
    const lineTop = last.offsets[at] ?? 0;
    const lineEnd = last.offsets[at + 1] ?? lineTop;
    const margin = 12;
    if (where === 'nearest' && lineTop >= now.top && lineEnd <= now.top + now.height) return;
    const distance =
      where === 'middle' ? Math.max(margin, (now.height - (lineEnd - lineTop)) / 2) : lineTop < now.top || lineEnd - lineTop > now.height ? margin : now.height - (lineEnd - lineTop) - margin;
    now.anchor = { id, edge: 'top', distance };
    now.end = false;
    now.top = Math.max(0, lineTop - distance);
    redraw();
  }, []);

  const focus = useCallback(
    (id: string, where: 'nearest' | 'middle' = 'nearest') => {
      flushSync(() => reveal(id, where));
      const line = scroller.current?.querySelector(`[data-line="${CSS.escape(id)}"]`);
      line?.querySelector<HTMLElement>('[data-stop]')?.focus({ preventScroll: true });
    },
    [reveal],
  );

  return { scroller, onScroll, drawn, rest, nearTop: range[0] === 0, nearEnd: range[1] >= rows.length, atEnd, toEnd, reveal, focus };
}
