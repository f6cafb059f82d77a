import type { ReactNode, Ref } from 'react';
import { FieldError, Input, Label, Text, TextField, type TextFieldProps } from 'react-aria-components';
import { classes } from './classes';
import styles from './Field.module.css';

interface Props extends Omit<TextFieldProps, 'children' | 'className' | 'style'> {
  label: string;
  labelHidden?: boolean;
  before?: ReactNode;
  after?: ReactNode;
  hint?: string | undefined;
  error?: string | undefined;
  placeholder?: string;
  large?: boolean;
  inputRef?: Ref<HTMLInputElement>;
  testId?: string;
}

/** One line of text with its label. */
export function Field({ label, labelHidden, before, after, hint, error, placeholder, large, inputRef, testId, ...rest }: Props) {
  return (
    <TextField {...rest} className={styles['field'] ?? ''} isInvalid={error !== undefined} {...(labelHidden === true ? { 'aria-label': label } : {})}>
      {labelHidden !== true && <Label className={styles['label'] ?? ''}>{label}</Label>}
      <div className={classes(styles['box'], large === true && styles['large'])}>
        {before}
        <Input className={styles['input'] ?? ''} placeholder={placeholder} ref={inputRef} data-testid={testId} spellCheck={false} autoComplete="off" />
        {after}
      </div>
      {hint !== undefined && (
        <Text slot="description" className={styles['hint'] ?? ''}>
          {hint}
        </Text>
      )}
      <FieldError className={styles['error'] ?? ''}>{error}</FieldError>
    </TextField>
  );
}
