/** A box to tick, with its words beside it. */
import type { ReactNode } from 'react';
import { CheckboxButton, CheckboxField } from 'react-aria-components';
import styles from './Checkbox.module.css';
import { Icon } from './icons';

export function Checkbox({ checked, onChange, testId, children }: { checked: boolean; onChange: (checked: boolean) => void; testId?: string; children: ReactNode }) {
  return (
    <CheckboxField isSelected={checked} onChange={onChange}>
      <CheckboxButton className={styles['check'] ?? ''} data-testid={testId}>
        <span className={styles['box']} aria-hidden>
          {checked && <Icon name="check" size="xs" />}
        </span>
        <span>{children}</span>
      </CheckboxButton>
    </CheckboxField>
  );
}
