/** The search above a list. The list is below it: arrows and Enter go on there, Esc empties the field and leaves it. */

import type { RefObject } from 'react';
import { Field } from './Field';
import { Icon } from './icons';
import { Kbd } from './Kbd';

export function ListSearch({
  label,
  value,
  onChange,
  field,
  scope,
  only,
  className,
  testId,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** "/" comes here. */
  field: RefObject<HTMLInputElement | null>;
  /** The list's `data-scope`. */
  scope: string;
  /** Opens the single hit; absent where there are none or several, among which the person chooses. */
  only: (() => void) | undefined;
  className: string | undefined;
  testId: string;
}) {
  return (
    <div
      className={className}
      onKeyDown={(event) => {
        if (event.key === 'Escape') {
          onChange('');
          field.current?.blur();
        } else if (event.key === 'Enter' && only) {
          // What is opened may take the focus, and not this key.
          event.preventDefault();
          only();
        } else if (event.key === 'ArrowDown' || event.key === 'Enter') {
          event.preventDefault();
          document.querySelector<HTMLElement>(`[data-scope=${scope}] [data-row][tabindex="0"]`)?.focus();
        }
      }}
    >
      <Field
        label={label}
        labelHidden
        placeholder={label}
        value={value}
        onChange={onChange}
        type="search"
        inputRef={field}
        testId={testId}
        before={<Icon name="search" size="s" />}
        after={<Kbd keys="/" />}
      />
    </div>
  );
}
