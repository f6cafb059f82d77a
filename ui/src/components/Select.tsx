import { Button, ListBox, ListBoxItem, Popover, Select as BaseSelect, SelectValue } from 'react-aria-components';
import { classes } from './classes';
import { Icon } from './icons';
import { ReadOnly } from './ReadOnly';
import styles from './Menu.module.css';

/** One of a closed list. */
export function Select<K extends string>({
  label,
  value,
  options,
  onChange,
  readOnly,
  quiet,
  width,
  testId,
}: {
  label: string;
  value: K;
  options: { id: K; label: string }[];
  /** Only what is chosen is shown, and nothing can be pressed. */
  readOnly?: boolean;
  onChange: (value: K) => void;
  quiet?: boolean;
  width?: number;
  testId?: string;
}) {
  if (readOnly === true) return <ReadOnly label={label}>{value === '' ? undefined : options.find((option) => option.id === value)?.label}</ReadOnly>;
  return (
    <BaseSelect
      aria-label={label}
      value={value}
      onChange={(key) => {
        const found = options.find((option) => option.id === key);
        if (found) onChange(found.id);
      }}
    >
      <Button className={classes(styles['trigger'], quiet === true && styles['quietTrigger'])} style={width === undefined ? {} : { width }} data-testid={testId}>
        <SelectValue className={styles['value'] ?? ''}>{options.find((option) => option.id === value)?.label ?? ''}</SelectValue>
        <Icon name="down" size="s" />
      </Button>
      <Popover className={styles['popover'] ?? ''}>
        <ListBox style={{ outline: 'none' }}>
          {options.map((option) => (
            <ListBoxItem key={option.id} id={option.id} textValue={option.label} className={styles['item'] ?? ''}>
              <span className={styles['words']}>{option.label}</span>
              {option.id === value && <Icon name="check" size="s" />}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </BaseSelect>
  );
}
