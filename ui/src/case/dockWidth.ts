/** How wide the dock is, and whether it is open, while the program runs: for each kind of screen by itself. */
import type { CaseTab } from '../host/contract';
import { createStore } from '../host/store';

export const narrowest = 300;
export const widest = 480;

/** As somebody has drawn it; null while the window decides. */
export const dockWidth = createStore<number | null>(null);

type Kind = 'reading' | 'images' | 'decision';

/** As somebody has set it; null while nobody has: then it is open beside a record whose case has a conversation. */
export const dockOpen = createStore<Readonly<Record<Kind, boolean | null>>>({ reading: null, images: null, decision: null });

export function kindOf(tab: CaseTab): Kind {
  switch (tab) {
    case 'images':
    case 'decision':
      return tab;
    case 'overview':
    case 'documents':
    case 'laboratory':
    case 'timeline':
      return 'reading';
    default: {
      const unknown: never = tab;
      return unknown;
    }
  }
}
