/** How the pages of a document lie below each other, and which of them are looked at. Pure. */

/** Steps of the zoom, as parts of the true size. */
const STEPS = [0.25, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4] as const;

/** As wide as the pane, or a part of the true size. */
export type Zoom = 'fit' | number;

/** The next step in or out from where the page is now. */
export function stepped(now: number, direction: 'in' | 'out'): number {
  // Half a percent: a fitted page that is as good as at a step goes to the next one.
  const near = 0.005;
  const next = direction === 'in' ? STEPS.find((step) => step > now + near) : STEPS.findLast((step) => step < now - near);
  return next ?? (direction === 'in' ? 4 : 0.25);
}

/** The part of the true size at which a page is as wide as the pane; a page is never blown up beyond twice its size. */
export function fitted(pane: number, page: number): number {
  if (pane <= 0 || page <= 0) return 1;
  return Math.min(2, Math.max(0.25, pane / page));
}

/** The page that is read: the last one whose top is above the middle of the pane. */
export function pageAt(tops: readonly number[], scrolled: number, pane: number): number {
  const middle = scrolled + pane / 2;
  const at = tops.findLastIndex((top) => top <= middle);
  return Math.max(0, at) + 1;
}

/** Pages worth having drawn: those in the pane and one beside them. */
export function nearby(visible: ReadonlySet<number>, page: number): boolean {
  return visible.has(page) || visible.has(page - 1) || visible.has(page + 1);
}
