import { useSyncExternalStore } from 'react';

const query = typeof matchMedia === 'function' ? matchMedia('(width >= 1100px)') : null;

/** Whether there is room for something beside the content (`docs` of the screens: the dock becomes a sheet below). */
export function useWide(): boolean {
  return useSyncExternalStore(
    (hear) => {
      query?.addEventListener('change', hear);
      return () => query?.removeEventListener('change', hear);
    },
    () => query?.matches ?? true,
  );
}
