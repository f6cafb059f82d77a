/** The first line of a dialog that finds something: typing narrows a listbox below, arrows move in it, Enter chooses. */
import type { ReactNode } from 'react';
import { Icon } from './icons';
import styles from './SearchLine.module.css';

export function SearchLine({
  label,
  value,
  onChange,
  listId,
  count,
  at,
  move,
  choose,
  erase,
  children,
  testId,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** The listbox; its options have this id with their number. */
  listId: string;
  count: number;
  at: number;
  move: (at: number) => void;
  choose: (at: number) => void;
  /** Backspace in the empty line. */
  erase?: () => void;
  /** What stands behind it. */
  children?: ReactNode;
  testId: string;
}) {
  return (
    <div className={styles['line']}>
      <Icon name="search" />
      <input
        className={styles['input']}
        role="combobox"
        aria-expanded={count > 0}
        aria-controls={listId}
        aria-activedescendant={at < count ? `${listId}-${at}` : undefined}
        aria-label={label}
        aria-autocomplete="list"
        placeholder={label}
        autoFocus
        spellCheck={false}
        autoComplete="off"
        value={value}
        data-testid={testId}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            event.preventDefault();
            move((at + (event.key === 'ArrowDown' ? 1 : -1) + count) % Math.max(1, count));
          } else if (event.key === 'Enter') {
            event.preventDefault();
            choose(at);
          } else if (event.key === 'Backspace' && value === '') erase?.();
        }}
      />
      {children}
    </div>
  );
}

/** The last line of such a dialog: which keys do what. */
export function SearchFoot({ children }: { children: ReactNode }) {
  return <div className={styles['foot']}>{children}</div>;
}
