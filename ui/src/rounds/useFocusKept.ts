import { useEffect, useRef } from 'react';

/** What was pressed is gone with what it was about: the focus goes to the screen, and only if it is lost. */
export function useFocusKept<T>(is: T | null, goes: (last: T, next: T) => boolean): void {
  const before = useRef(is);
  const asked = useRef(goes);
  useEffect(() => {
    const last = before.current;
    before.current = is;
    if (last === null || is === null || !asked.current(last, is)) return undefined;
    // A dialog gives the focus back in the frame after it closes.
    let frame = requestAnimationFrame(() => {
      frame = requestAnimationFrame(() => {
        if (document.activeElement !== null && document.activeElement !== document.body) return;
        document.querySelector<HTMLElement>('main')?.focus();
      });
    });
    return () => cancelAnimationFrame(frame);
  }, [is]);
}
