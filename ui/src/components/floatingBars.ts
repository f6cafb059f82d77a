/** Marks the page where the web view's scroll bars float above what scrolls, instead of standing beside it. */
export function markFloatingBars(): void {
  const probe = document.createElement('div');
  probe.style.position = 'absolute';
  probe.style.visibility = 'hidden';
  probe.style.overflow = 'scroll';
  probe.style.width = '100px';
  document.body.append(probe);
  if (probe.offsetWidth === probe.clientWidth) document.documentElement.dataset['bars'] = 'floating';
  probe.remove();
}
