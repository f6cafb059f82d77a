/**
 * What stays in front of an open dialog: it can be seen, heard by a screen reader, and reached with F6. React Aria makes
 * everything else beside a dialog inert, and lets the focus out of it to here only.
 */
import type { ReactNode } from 'react';
import { createPortal } from 'react-dom';

export function TopLayer({ children }: { children: ReactNode }) {
  return createPortal(<div data-react-aria-top-layer>{children}</div>, document.body);
}
