import type { ReactNode } from 'react';
import { Menu as BaseMenu, MenuItem, MenuTrigger, Popover, type Placement } from 'react-aria-components';
import { Icon, type IconName } from './icons';
import { Kbd } from './Kbd';
import styles from './Menu.module.css';

export interface MenuEntry {
  id: string;
  label: string;
  icon?: IconName;
  keys?: string;
  run: () => void;
}

/** A menu at a trigger; each entry shows its key. */
export function Menu({ label, trigger, head, entries, placement }: { label: string; trigger: ReactNode; head?: { name: string; detail: string }; entries: MenuEntry[]; placement?: Placement }) {
  return (
    <MenuTrigger>
      {trigger}
      <Popover className={styles['popover'] ?? ''} placement={placement ?? 'bottom start'}>
        {head && (
          <div className={styles['head']}>
            <div className={styles['headName']}>{head.name}</div>
            <div className={styles['headDetail']}>{head.detail}</div>
          </div>
        )}
        <BaseMenu aria-label={label} style={{ outline: 'none' }} onAction={(id) => entries.find((entry) => entry.id === id)?.run()}>
          {entries.map((entry) => (
            <MenuItem key={entry.id} id={entry.id} textValue={entry.label} className={styles['item'] ?? ''} data-testid={`menu-${entry.id}`}>
              {entry.icon && <Icon name={entry.icon} size="s" />}
              <span className={styles['words']}>{entry.label}</span>
              {entry.keys !== undefined && <Kbd keys={entry.keys} />}
            </MenuItem>
          ))}
        </BaseMenu>
      </Popover>
    </MenuTrigger>
  );
}
