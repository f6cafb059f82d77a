/**
 * Keeps the scroll bars of the page from standing on a dialog. Where bars lie over what they scroll, WebKitGTK without a
 * graphics processor paints them after everything else, for seconds after each movement: those of the page behind would
 * cross the image in front, as often as a message arrives. So what is inert does not scroll there. Bars that have a
 * place of their own stay: without them the page behind would move.
 */
import { useEffect } from 'react';

export function useScrollBars(): void {
  useEffect(() => {
    if (!lieOver()) return undefined;
    const observer = new MutationObserver(holdInert);
    // What is drawn behind a dialog that is open already is inert from its first moment on.
    observer.observe(document.body, { attributes: true, attributeFilter: ['inert'], childList: true, subtree: true });
    return () => observer.disconnect();
  }, []);
}

function lieOver(): boolean {
  const probe = document.createElement('div');
  probe.style.position = 'fixed';
  probe.style.visibility = 'hidden';
  probe.style.width = '100px';
  probe.style.overflow = 'scroll';
  document.body.append(probe);
  const over = probe.offsetWidth === probe.clientWidth;
  probe.remove();
  return over;
}

/** `base.css` says what `data-held` does. */
function holdInert(): void {
  for (const one of document.querySelectorAll('[data-held]')) {
    if (one.closest('[inert]') === null) one.removeAttribute('data-held');
  }
  for (const one of document.querySelectorAll('[inert] *')) {
    if (/auto|scroll/u.test(getComputedStyle(one).overflow)) one.setAttribute('data-held', '');
  }
}
