/** What a right click or Umschalt F10 offers in a viewport: what the keys do, with the keys beside it. */

import { useRef } from 'react';
import { Menu, MenuItem, Popover } from 'react-aria-components';
import { Kbd } from '../components/Kbd';
import { m } from '../paraglide/messages';
import { tablePresets } from './overlay';
import type { Spot, ViewportSnapshot } from './snapshot';
import type { Stage } from './stage';
import styles from './ViewportMenu.module.css';
import { presetWord, tableWord } from './words';

type Entry = { id: string; label: string; keys: string; run: () => void };

export function ViewportMenu({
  stage,
  viewport: { id, view, state },
  at,
  close,
}: {
  stage: Stage;
  viewport: ViewportSnapshot;
  at: Spot;
  close: () => void;
}) {
  const anchor = useRef<HTMLSpanElement>(null);
  const entries: Entry[] = [
    { id: 'reset', label: m.imaging_reset(), keys: 'space', run: () => stage.reset(id) },
    { id: 'fit', label: m.imaging_fit(), keys: '=', run: () => stage.fit(id) },
    { id: 'one-to-one', label: m.imaging_one_to_one(), keys: 'mod+1', run: () => stage.oneToOne(id) },
    { id: 'invert', label: m.imaging_invert(), keys: 'i', run: () => stage.invert(id) },
    { id: 'flip-horizontal', label: m.imaging_flip_horizontal(), keys: 'h', run: () => stage.flip(id, 'horizontal') },
    { id: 'flip-vertical', label: m.imaging_flip_vertical(), keys: 'v', run: () => stage.flip(id, 'vertical') },
    { id: 'rotate', label: m.imaging_rotate_right(), keys: 'r', run: () => stage.rotate(id, 1) },
    ...(view?.presets ?? []).map((preset, index) => ({
      id: `preset-${preset.key}`,
      label: presetWord(preset.key),
      keys: String(index + 1),
      run: () => stage.preset(id, index + 1),
    })),
    ...(view === undefined ? [] : tablePresets(view, state?.index ?? 0)).map(({ digit, place, name }) => ({
      id: `table-${String(place)}`,
      label: tableWord(name, place + 1),
      keys: digit <= 9 ? String(digit) : '',
      run: () => stage.preset(id, digit),
    })),
    { id: 'preset-stored', label: m.imaging_preset_stored(), keys: '0', run: () => stage.preset(id, 0) },
  ];
  return (
    <>
      <span ref={anchor} className={styles['anchor']} style={{ left: at[0], top: at[1] }} />
      <Popover
        triggerRef={anchor}
        isOpen
        onOpenChange={(open) => {
          if (!open) close();
        }}
        placement="bottom start"
        aria-label={m.imaging_menu()}
        className={styles['popover'] ?? ''}
      >
        <Menu
          aria-label={m.imaging_menu()}
          className={styles['menu'] ?? ''}
          autoFocus="first"
          onAction={(key) => {
            entries.find((entry) => entry.id === key)?.run();
            close();
          }}
        >
          {entries.map((entry) => (
            <MenuItem key={entry.id} id={entry.id} textValue={entry.label} className={styles['item'] ?? ''}>
              <span className={styles['words']}>{entry.label}</span>
              {entry.keys !== '' && <Kbd keys={entry.keys} />}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </>
  );
}
