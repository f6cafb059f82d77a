/** How viewports share the image area: columns by rows, 2 px between them, nothing else. */

export type Layout = '1x1' | '1x2' | '2x1' | '2x2';

export const LAYOUTS: readonly Layout[] = ['1x1', '1x2', '2x1', '2x2'];

export function isLayout(word: string): word is Layout {
  return LAYOUTS.some((layout) => layout === word);
}

export type Grid = { columns: number; rows: number };

/** `1x2` is one row of two, as readers say it. */
export const GRID: Readonly<Record<Layout, Grid>> = {
  '1x1': { columns: 1, rows: 1 },
  '1x2': { columns: 2, rows: 1 },
  '2x1': { columns: 1, rows: 2 },
  '2x2': { columns: 2, rows: 2 },
};

const GAP_CSS_PX = 2;

export type Rectangle = { id: number; x: number; y: number; width: number; height: number };

/** Rectangles of the viewports in whole device pixels, row by row; the last column and row take the rest. */
export function rectangles({ columns, rows }: Grid, width: number, height: number, gap: number): Rectangle[] {
  const cellWidth = Math.floor((width - gap * (columns - 1)) / columns);
  const cellHeight = Math.floor((height - gap * (rows - 1)) / rows);
  return Array.from({ length: columns * rows }, (_, id) => {
    const column = id % columns;
    const row = Math.floor(id / columns);
    const x = column * (cellWidth + gap);
    const y = row * (cellHeight + gap);
    return {
      id,
      x,
      y,
      width: Math.max(0, column === columns - 1 ? width - x : cellWidth),
      height: Math.max(0, row === rows - 1 ? height - y : cellHeight),
    };
  });
}

/** Where the visible viewports lie, in device pixels; `alone` is the one that is shown enlarged. */
export function visiblePlaces(
  layout: Layout,
  alone: number | undefined,
  size: { width: number; height: number; ratio: number },
): Rectangle[] {
  const [width, height] = [Math.round(size.width * size.ratio), Math.round(size.height * size.ratio)];
  if (alone !== undefined) return [{ id: alone, x: 0, y: 0, width, height }];
  return rectangles(GRID[layout], width, height, Math.round(GAP_CSS_PX * size.ratio));
}

/** The same places as the page measures them, by viewport. */
export function inCssPixels(places: readonly Rectangle[], ratio: number): Record<number, Rectangle> {
  return Object.fromEntries(
    places.map(({ id, x, y, width, height }) => [
      id,
      { id, x: x / ratio, y: y / ratio, width: width / ratio, height: height / ratio },
    ]),
  );
}

export function viewportCount(layout: Layout): number {
  return GRID[layout].columns * GRID[layout].rows;
}
