/** Text of several lines that grows with its content, so that nothing typed is out of sight. */

import { useLayoutEffect, useRef } from 'react';
import { Label, TextArea as AriaTextArea, TextField } from 'react-aria-components';
import { classes } from '../components/classes';
import styles from './TextArea.module.css';

export function TextArea({
  label,
  labelHidden,
  beside,
  value,
  rows,
  readOnly,
  required,
  onChange,
  testId,
}: {
  label: string;
  labelHidden?: boolean;
  /** The label stands before the text, on its line. */
  beside?: boolean;
  value: string;
  rows: number;
  readOnly?: boolean;
  required?: boolean;
  onChange: (value: string) => void;
  testId?: string;
}) {
  const area = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const element = area.current;
    if (element === null) return;
    element.style.height = 'auto';
    element.style.height = `${String(element.scrollHeight + 2)}px`;
  }, [value]);
  return (
    <TextField
      className={classes(styles['field'], beside === true && styles['beside'])}
      value={value}
      onChange={onChange}
      isReadOnly={readOnly === true}
      isRequired={required === true}
      {...(labelHidden === true ? { 'aria-label': label } : {})}
    >
      {labelHidden !== true && <Label className={styles['label'] ?? ''}>{label}</Label>}
      <AriaTextArea ref={area} rows={rows} className={styles['area'] ?? ''} data-testid={testId} />
    </TextField>
  );
}
