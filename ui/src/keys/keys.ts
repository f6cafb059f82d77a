/**
 * The one key dispatcher of the page. Screens declare commands once, at module level; while mounted they say what a
 * command does there. A command without somebody who carries it out does nothing, and its key stays free.
 *
 * A scope is an element with `data-scope`. A command of a scope answers while focus is inside it, or inside no scope
 * at all, so that keys work before anything was focused and after a click beside the controls.
 *
 * An open dialog takes the keys: below it only what says so is carried out, such as the microphone and the lock. What
 * opens something or leads elsewhere would do so out of sight, or stack one dialog upon another.
 */
import { useEffect, useRef } from 'react';

export type CommandGroup = 'everywhere' | 'lists' | 'case' | 'tools' | 'images' | 'windows' | 'decision' | 'messages' | 'round';

export interface Command {
  id: string;
  /** `mod+k`, `g h`, `j`, `shift+f8`, `?`; several if several keys do the same, none if it is found by its name only. `mod` is Strg, on a Mac ⌘. */
  keys: readonly string[];
  label: () => string;
  group: CommandGroup;
  /** Also while typing in a field; without it a command with a single character waits until the field is left. */
  whileTyping?: boolean;
}

type Run = (event: KeyboardEvent) => void;
interface Active {
  command: Command;
  scope: string | undefined;
  overDialog: boolean;
  run: { current: Run };
}

const catalogue = new Map<string, Command>();
const active: Active[] = [];
let letterKeys = true;

export const isMac = typeof navigator !== 'undefined' && /mac|iphone|ipad/iu.test(navigator.platform);

export function defineCommand(command: Command): Command {
  catalogue.set(command.id, command);
  return command;
}

/** Everything that has a key, for the help page. */
export function allCommands(): Command[] {
  return [...catalogue.values()];
}

/** What can be done here and now, for the command palette. */
export function activeCommands(): Active[] {
  return [...active];
}

/** Single letters on or off (WCAG 2.1.4). */
export function setLetterKeys(on: boolean): void {
  letterKeys = on;
}

/** Carries a command out while the component is mounted and `enabled`; `overDialog` also while a dialog is open. */
export function useCommand(command: Command, run: Run, options: { scope?: string; enabled?: boolean; overDialog?: boolean } = {}): void {
  const { scope, enabled = true, overDialog = false } = options;
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(() => {
    if (!enabled) return undefined;
    const entry: Active = { command, scope, overDialog, run: latest };
    active.push(entry);
    return () => {
      active.splice(active.indexOf(entry), 1);
    };
  }, [command, scope, enabled, overDialog]);
}

/** A key press in the form that commands are written in. Punctuation is compared without Umschalt (German layout). */
export function stroke(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>): string {
  const named = event.key.length > 1;
  const key = event.key === ' ' ? 'space' : event.key.toLowerCase();
  const letter = !named && key !== event.key.toUpperCase();
  const mod = isMac ? event.metaKey : event.ctrlKey;
  return [
    mod ? 'mod+' : '',
    isMac && event.ctrlKey ? 'ctrl+' : '',
    event.altKey ? 'alt+' : '',
    event.shiftKey && (named || letter || key === 'space') ? 'shift+' : '',
    key,
  ].join('');
}

let prefix: { stroke: string; at: number } | undefined;
const sequenceMillis = 1500;

function isTyping(target: Element | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'range', 'button'].includes(target.type);
}

/** What a text field does with its own text. */
const editing = /^mod\+(shift\+)?(z|y|a|c|x|v|home|end|backspace|delete|arrow\w+)$/u;

/** A key that the focused control answers itself. */
function belongsToControl(target: Element | null, pressed: string): boolean {
  if (!(target instanceof Element)) return false;
  if (['enter', 'space'].includes(pressed)) {
    return target.closest('button, a[href], summary, [role=switch], [role=option], [role=radio], [role=menuitem], [role=tab]') !== null;
  }
  if (/^(arrow|home|end|page)/u.test(pressed)) {
    return target.closest('[role=tablist], [role=radiogroup], [role=listbox], [role=menu], [role=slider], [role=toolbar], [role=spinbutton], [role=separator], input[type=range]') !== null;
  }
  return false;
}

export function dispatchKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.key === 'Dead' || event.getModifierState('AltGraph')) return;
  if (['Shift', 'Control', 'Alt', 'Meta'].includes(event.key)) return;
  const pressed = stroke(event);
  const target = document.activeElement;
  const typing = isTyping(target);
  const dialog = [...document.querySelectorAll('[role=dialog], [role=alertdialog]')].at(-1);
  const scopes = new Set<string>();
  for (let at: Element | null = target; at; at = at.parentElement) {
    const scope = at instanceof HTMLElement ? at.dataset['scope'] : undefined;
    if (scope !== undefined) scopes.add(scope);
  }
  const single = !/(mod|alt|ctrl)\+/u.test(pressed) && !/^(shift\+)?(f\d+|escape)$/u.test(pressed);
  const before = prefix && event.timeStamp - prefix.at < sequenceMillis ? prefix.stroke : undefined;
  prefix = undefined;
  const answers = (entry: Active): boolean => {
    if (typing && entry.command.whileTyping !== true && (single || editing.test(pressed))) return false;
    if (/^(shift\+)?[^+]$/u.test(pressed) && !letterKeys && entry.command.whileTyping !== true) return false;
    if (entry.scope === 'dialog') return dialog !== undefined;
    if (dialog && !entry.overDialog) return false;
    return entry.scope === undefined || scopes.size === 0 || scopes.has(entry.scope);
  };
  const wanted = [before === undefined ? '' : `${before} ${pressed}`, pressed].filter((word) => word !== '');
  for (const word of wanted) {
    if (belongsToControl(target, word)) continue;
    // Inside a scope its own commands come before those of the frame; the latest mounted wins.
    const found = active.filter((entry) => entry.command.keys.includes(word) && answers(entry));
    const entry = found.findLast((one) => one.scope !== undefined) ?? found.at(-1);
    if (entry) {
      event.preventDefault();
      entry.run.current(event);
      return;
    }
  }
  if (single && !typing && active.some((entry) => answers(entry) && entry.command.keys.some((key) => key.startsWith(`${pressed} `)))) {
    prefix = { stroke: pressed, at: event.timeStamp };
    return;
  }
  // Keys that a webview would take for itself: reload, print, find, caret browsing.
  if (['mod+r', 'f5', 'mod+p', 'mod+f', 'f3', 'f7', 'alt+arrowleft', 'alt+arrowright'].includes(pressed) && !typing) event.preventDefault();
}

/** Chords that a button or a select would take for its plain key: their commands come first. */
const chord = /^(mod|alt|ctrl)\+(shift\+)?(enter|space|arrow\w+)$/u;

function dispatchChord(event: KeyboardEvent): void {
  if (!chord.test(stroke(event))) return;
  dispatchKey(event);
  if (event.defaultPrevented) event.stopPropagation();
}

export function useKeyDispatcher(on: boolean): void {
  useEffect(() => {
    setLetterKeys(on);
  }, [on]);
  useEffect(() => {
    window.addEventListener('keydown', dispatchChord, true);
    window.addEventListener('keydown', dispatchKey);
    return () => {
      window.removeEventListener('keydown', dispatchChord, true);
      window.removeEventListener('keydown', dispatchKey);
    };
  }, []);
}
