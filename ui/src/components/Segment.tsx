import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { ReadOnly } from './ReadOnly';
import styles from './Segment.module.css';

/** One of two to five, all of them visible. */
export function Segment<K extends string>({
  label,
  value,
  options,
  readOnly,
  onChange,
}: {
  label: string;
  value: K;
  options: { id: K; label: string }[];
  /** Only what is chosen is shown, and nothing can be pressed. */
  readOnly?: boolean;
  onChange: (value: K) => void;
}) {
  if (readOnly === true) return <ReadOnly label={label}>{options.find((option) => option.id === value)?.label}</ReadOnly>;
  return (
    <ToggleButtonGroup
      aria-label={label}
      className={styles['segment'] ?? ''}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[value]}
      onSelectionChange={(keys) => {
        const found = options.find((option) => keys.has(option.id));
        if (found) onChange(found.id);
      }}
    >
      {options.map((option) => (
        <ToggleButton key={option.id} id={option.id} className={styles['part'] ?? ''} data-testid={`segment-${option.id}`}>
          {option.label}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}
