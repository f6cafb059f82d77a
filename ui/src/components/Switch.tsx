import { SwitchButton, SwitchField } from 'react-aria-components';
import styles from './Switch.module.css';

/** On or off, at once. */
export function Switch({ label, on, onChange, disabled, testId }: { label: string; on: boolean; onChange: (on: boolean) => void; disabled?: boolean; testId?: string }) {
  return (
    <SwitchField aria-label={label} isSelected={on} onChange={onChange} isDisabled={disabled === true}>
      <SwitchButton className={styles['switch'] ?? ''} data-testid={testId}>
        <span className={styles['track']} aria-hidden>
          <span className={styles['knob']} />
        </span>
      </SwitchButton>
    </SwitchField>
  );
}
