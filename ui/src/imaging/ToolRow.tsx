/** The tools above the images; the letter of its key stands on each. */

import { memo, type ReactNode } from 'react';
import { Button as AriaButton, ToggleButton, Toolbar } from 'react-aria-components';
import { Button } from '../components/Button';
import { Menu } from '../components/Menu';
import { Tooltip } from '../components/Tooltip';
import type { PresetView } from '../host/contract';
import { m } from '../paraglide/messages';
import { ImagingIcon, type ImagingIconName } from './icons';
import { TOOL_LETTER } from './keys';
import { LAYOUTS, type Layout } from './layouts';
import type { Corner, TablePreset } from './overlay';
import styles from './ToolRow.module.css';
import { MEASURING_TOOLS, VIEW_TOOLS, type Tool } from './tools';
import { presetWord, tableWord, windowNumbers, windowWord } from './words';

export type ToolRowView = {
  tool: Tool;
  layout: Layout;
  /** What says the active viewport's window; it draws itself again, and the row stays as it is. */
  window: ReactNode;
  /** Of the active viewport's series. */
  presets: readonly PresetView[] | undefined;
  /** Of the active viewport's image. */
  tables: readonly TablePreset[] | undefined;
  chooseTool: (tool: Tool) => void;
  chooseLayout: (layout: Layout) => void;
  /** Absent while the active viewport has no picture. */
  picture: PictureActions | undefined;
};

export type PictureActions = {
  invert: () => void;
  flip: () => void;
  rotate: () => void;
  reset: () => void;
  preset: (digit: number) => void;
};

const TOOL_NAME: Readonly<Record<Tool, () => string>> = {
  window: m.imaging_tool_window,
  scroll: m.imaging_tool_scroll,
  pan: m.imaging_tool_pan,
  zoom: m.imaging_tool_zoom,
  length: m.imaging_tool_length,
  probe: m.imaging_tool_probe,
};

const LAYOUT_NAME: Readonly<Record<Layout, () => string>> = {
  '1x1': m.imaging_layout_1x1,
  '1x2': m.imaging_layout_1x2,
  '2x1': m.imaging_layout_2x1,
  '2x2': m.imaging_layout_2x2,
};

const LAYOUT_SHORT: Readonly<Record<Layout, string>> = { '1x1': '1×1', '1x2': '1×2', '2x1': '2×1', '2x2': '2×2' };

/** Drawn again only when something of it has changed: neither scrolling nor a window that is drawn along changes it. */
export const ToolRow = memo(
  function ToolRow(view: ToolRowView) {
    return (
      <Toolbar aria-label={m.imaging_tools()} className={styles['row'] ?? ''}>
        <Tools {...view} />
        <Presets window={view.window} presets={view.presets} tables={view.tables} picture={view.picture} />
        <Layouts layout={view.layout} chooseLayout={view.chooseLayout} />
      </Toolbar>
    );
  },
  (a, b) =>
    a.tool === b.tool &&
    a.layout === b.layout &&
    a.window === b.window &&
    a.presets === b.presets &&
    JSON.stringify(a.tables) === JSON.stringify(b.tables) &&
    a.chooseTool === b.chooseTool &&
    a.chooseLayout === b.chooseLayout &&
    a.picture === b.picture,
);

const Tools = memo(function Tools({ tool, chooseTool, picture }: Pick<ToolRowView, 'tool' | 'chooseTool' | 'picture'>) {
  return (
    <>
      {VIEW_TOOLS.map((one) => (
        <ToolButton key={one} tool={one} on={tool === one} choose={chooseTool} />
      ))}
      <span className={styles['separator']} />
      {MEASURING_TOOLS.map((one) => (
        <ToolButton key={one} tool={one} on={tool === one} choose={chooseTool} />
      ))}
      <span className={styles['separator']} />
      <ActionButton icon="invert" letter="I" label={m.imaging_invert()} run={picture?.invert} />
      <ActionButton icon="flip" letter="H" label={m.imaging_flip_horizontal()} run={picture?.flip} />
      <ActionButton icon="rotate" letter="R" label={m.imaging_rotate_right()} run={picture?.rotate} />
      <ActionButton icon="reset" letter="" label={m.imaging_reset()} keys="space" run={picture?.reset} />
      <span className={styles['separator']} />
    </>
  );
});

const Layouts = memo(function Layouts({ layout, chooseLayout }: Pick<ToolRowView, 'layout' | 'chooseLayout'>) {
  return (
    <Menu
      label={m.imaging_layout()}
      trigger={
        <Button size="small" iconAfter="down" aria-label={`${m.imaging_layout()} ${LAYOUT_SHORT[layout]}`} data-testid="layout">
          <ImagingIcon name="grid" size={16} />
          {LAYOUT_SHORT[layout]}
        </Button>
      }
      entries={LAYOUTS.map((one, index) => ({
        id: one,
        label: LAYOUT_NAME[one](),
        keys: `shift+${String(index + 1)}`,
        run: () => {
          chooseLayout(one);
        },
      }))}
    />
  );
});

function ToolButton({ tool, on, choose }: { tool: Tool; on: boolean; choose: (tool: Tool) => void }) {
  const label = TOOL_NAME[tool]();
  return (
    <Tooltip text={label} keys={TOOL_LETTER[tool].toLowerCase()}>
      <ToggleButton
        className={styles['tool'] ?? ''}
        aria-label={label}
        isSelected={on}
        onChange={() => {
          choose(tool);
        }}
        data-testid={`tool-${tool}`}
      >
        <ImagingIcon name={tool} />
        <small aria-hidden>{TOOL_LETTER[tool]}</small>
      </ToggleButton>
    </Tooltip>
  );
}

function ActionButton({
  icon,
  letter,
  label,
  keys,
  run,
}: {
  icon: ImagingIconName;
  letter: string;
  label: string;
  keys?: string;
  run: (() => void) | undefined;
}) {
  return (
    <Tooltip text={label} keys={keys ?? letter.toLowerCase()}>
      <AriaButton
        className={styles['tool'] ?? ''}
        aria-label={label}
        isDisabled={run === undefined}
        onPress={() => run?.()}
        data-testid={`action-${icon}`}
      >
        <ImagingIcon name={icon} />
        <small aria-hidden>{letter}</small>
      </AriaButton>
    </Tooltip>
  );
}

function Presets({
  window,
  presets = [],
  tables = [],
  picture,
}: Pick<ToolRowView, 'window' | 'presets' | 'tables' | 'picture'>) {
  return (
    <Menu
      label={m.imaging_presets()}
      trigger={
        <Button size="small" iconAfter="down" isDisabled={picture === undefined} data-testid="presets">
          <ImagingIcon name="window" size={16} />
          {window}
        </Button>
      }
      entries={[
        ...presets.map((preset, index) => ({
          id: preset.key,
          label: `${presetWord(preset.key)} ${windowNumbers({
            width: String(preset.window.width),
            center: String(preset.window.center),
            name: { kind: 'own' },
          })}`,
          keys: String(index + 1),
          run: () => picture?.preset(index + 1),
        })),
        ...tables.map(({ digit, place, name }) => ({
          id: `table-${String(place)}`,
          label: tableWord(name, place + 1),
          ...(digit <= 9 ? { keys: String(digit) } : {}),
          run: () => picture?.preset(digit),
        })),
        { id: 'stored', label: m.imaging_preset_stored(), keys: '0', run: () => picture?.preset(0) },
      ]}
    />
  );
}

/** The window in words, and in numbers where they are wanted; without them their place stays. */
export function WindowLabel({ window, numbers = true }: { window: Corner['window'] | undefined; numbers?: boolean }) {
  const word = window === undefined ? '' : windowWord(window.name);
  return (
    <>
      {word === '' ? m.imaging_presets() : word}
      {window !== undefined && window.name.kind !== 'table' && (
        <span className={styles['numbers']}>
          {numbers && `${window.width}/${window.center}`}
        </span>
      )}
    </>
  );
}
