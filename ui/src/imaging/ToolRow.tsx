/** The tools above the images; the letter of its key stands on each. */

import { Button as AriaButton, ToggleButton, Toolbar } from 'react-aria-components';
import { Button } from '../components/Button';
import { Menu } from '../components/Menu';
import { Tooltip } from '../components/Tooltip';
import { m } from '../paraglide/messages';
import { ImagingIcon, type ImagingIconName } from './icons';
import { TOOL_LETTER } from './keys';
import { LAYOUTS, type Layout } from './layouts';
import type { ViewportSnapshot } from './snapshot';
import styles from './ToolRow.module.css';
import { MEASURING_TOOLS, VIEW_TOOLS, type Tool } from './tools';
import { presetWord, windowNumbers, windowWord } from './words';

export type ToolRowView = {
  tool: Tool;
  layout: Layout;
  /** The active viewport; its series decides which presets there are. */
  viewport: ViewportSnapshot | undefined;
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

export function ToolRow(view: ToolRowView) {
  const { tool, viewport, picture } = view;
  return (
    <Toolbar aria-label={m.imaging_tools()} className={styles['row'] ?? ''}>
      {VIEW_TOOLS.map((one) => (
        <ToolButton key={one} tool={one} on={tool === one} choose={view.chooseTool} />
      ))}
      <span className={styles['separator']} />
      {MEASURING_TOOLS.map((one) => (
        <ToolButton key={one} tool={one} on={tool === one} choose={view.chooseTool} />
      ))}
      <span className={styles['separator']} />
      <ActionButton icon="invert" letter="I" label={m.imaging_invert()} run={picture?.invert} />
      <ActionButton icon="flip" letter="H" label={m.imaging_flip_horizontal()} run={picture?.flip} />
      <ActionButton icon="rotate" letter="R" label={m.imaging_rotate_right()} run={picture?.rotate} />
      <ActionButton icon="reset" letter="" label={m.imaging_reset()} keys="space" run={picture?.reset} />
      <span className={styles['separator']} />
      <Presets viewport={viewport} picture={picture} />
      <Menu
        label={m.imaging_layout()}
        trigger={
          <Button size="small" iconAfter="down" aria-label={`${m.imaging_layout()} ${LAYOUT_SHORT[view.layout]}`} data-testid="layout">
            <ImagingIcon name="grid" size={16} />
            {LAYOUT_SHORT[view.layout]}
          </Button>
        }
        entries={LAYOUTS.map((layout, index) => ({
          id: layout,
          label: LAYOUT_NAME[layout](),
          keys: `shift+${String(index + 1)}`,
          run: () => {
            view.chooseLayout(layout);
          },
        }))}
      />
    </Toolbar>
  );
}

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

function Presets({ viewport, picture }: Pick<ToolRowView, 'viewport' | 'picture'>) {
  const corner = viewport?.corner;
  const presets = viewport?.view?.presets ?? [];
  const word = corner === undefined ? '' : windowWord(corner.window.name);
  return (
    <Menu
      label={m.imaging_presets()}
      trigger={
        <Button size="small" iconAfter="down" isDisabled={picture === undefined} data-testid="presets">
          <ImagingIcon name="window" size={16} />
          {word === '' ? m.imaging_presets() : word}
          {corner !== undefined && (
            <span className={styles['numbers']}>
              {corner.window.width}/{corner.window.center}
            </span>
          )}
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
        { id: 'stored', label: m.imaging_preset_stored(), keys: '0', run: () => picture?.preset(0) },
      ]}
    />
  );
}
