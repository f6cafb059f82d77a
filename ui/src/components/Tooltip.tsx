import type { ReactNode } from 'react';
import { Tooltip as Base, TooltipTrigger } from 'react-aria-components';
import { Kbd } from './Kbd';
import styles from './Tooltip.module.css';

/** A word about a control, after half a second; never the only place of that word. */
export function Tooltip({ text, keys, children }: { text: string; keys?: string; children: ReactNode }) {
  return (
    <TooltipTrigger delay={500} closeDelay={100}>
      {children}
      <Base className={styles['tooltip'] ?? ''} offset={6}>
        {text}
        {keys !== undefined && <Kbd keys={keys} />}
      </Base>
    </TooltipTrigger>
  );
}
