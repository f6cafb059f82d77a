import { cleanup, fireEvent, render } from '@testing-library/react';
import { Button } from 'react-aria-components';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defineCommand, dispatchKey, setLetterKeys, stroke, useCommand, useKeyDispatcher } from './keys';

const open = defineCommand({ id: 'test-open', keys: ['mod+k'], label: () => 'open', group: 'everywhere', whileTyping: true });
const next = defineCommand({ id: 'test-next', keys: ['j'], label: () => 'next', group: 'lists' });
const home = defineCommand({ id: 'test-home', keys: ['g h'], label: () => 'home', group: 'everywhere' });
const flip = defineCommand({ id: 'test-flip', keys: ['h'], label: () => 'flip', group: 'images' });
const undo = defineCommand({ id: 'test-undo', keys: ['mod+z'], label: () => 'undo', group: 'everywhere' });
const help = defineCommand({ id: 'test-help', keys: ['?'], label: () => 'help', group: 'everywhere' });

const add = defineCommand({ id: 'test-add', keys: ['mod+enter'], label: () => 'add', group: 'decision', whileTyping: true });

let done: string[] = [];

function Screen() {
  useCommand(open, () => done.push('open'));
  useCommand(next, () => done.push('next'), { scope: 'list' });
  useCommand(home, () => done.push('home'));
  useCommand(flip, () => done.push('flip'), { scope: 'images' });
  useCommand(undo, () => done.push('undo'));
  useCommand(help, () => done.push('help'));
  return (
    <>
      <input data-testid="field" />
      <div data-scope="list" tabIndex={0} data-testid="list" />
      <div data-scope="images" tabIndex={0} data-testid="images" />
    </>
  );
}

function press(key: string, init: KeyboardEventInit = {}) {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...init });
  dispatchKey(event);
  return event;
}

beforeEach(() => {
  done = [];
  setLetterKeys(true);
});
afterEach(cleanup);

function Row() {
  useKeyDispatcher(true);
  useCommand(add, () => done.push('add'), { scope: 'row' });
  return (
    <div data-scope="row">
      <Button data-testid="button" onPress={() => done.push('pressed')}>
        .
      </Button>
    </div>
  );
}

describe('the key dispatcher', () => {
  test('a chord with Enter is not a press of the button that has the focus', () => {
    const { getByTestId } = render(<Row />);
    const button = getByTestId('button');
    button.focus();
    fireEvent.keyDown(button, { key: 'Enter', ctrlKey: true });
    fireEvent.keyUp(button, { key: 'Enter', ctrlKey: true });
    expect(done).toEqual(['add']);
    fireEvent.keyDown(button, { key: 'Enter' });
    fireEvent.keyUp(button, { key: 'Enter' });
    expect(done).toEqual(['add', 'pressed']);
  });

  test('writes a press as commands are written', () => {
    const keys = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
    expect([
      stroke({ ...keys, key: 'L', ctrlKey: true, shiftKey: true }),
      stroke({ ...keys, key: '?', shiftKey: true }),
      stroke({ ...keys, key: 'F6', shiftKey: true }),
      stroke({ ...keys, key: ' ' }),
    ]).toEqual(['mod+shift+l', '?', 'shift+f6', 'space']);
  });

  test('letters work before anything was focused and leave the key alone otherwise', () => {
    render(<Screen />);
    expect(press('j').defaultPrevented).toBe(true);
    expect(press('q').defaultPrevented).toBe(false);
    expect(done).toEqual(['next']);
  });

  test('a letter in a text field is a letter, a chord still works', () => {
    const { getByTestId } = render(<Screen />);
    getByTestId('field').focus();
    press('j');
    press('?');
    press('k', { ctrlKey: true });
    expect(done).toEqual(['open']);
  });

  test('undo in a text field belongs to the text', () => {
    const { getByTestId } = render(<Screen />);
    getByTestId('field').focus();
    expect(press('z', { ctrlKey: true }).defaultPrevented).toBe(false);
    expect(done).toEqual([]);
  });

  test('a key of another region does nothing while focus is inside one', () => {
    const { getByTestId } = render(<Screen />);
    getByTestId('images').focus();
    press('j');
    press('h');
    expect(done).toEqual(['flip']);
  });

  test('G then H goes home even where H alone flips', () => {
    const { getByTestId } = render(<Screen />);
    getByTestId('images').focus();
    press('g');
    press('h');
    press('h');
    expect(done).toEqual(['home', 'flip']);
  });

  test('single letters can be switched off, chords stay', () => {
    render(<Screen />);
    setLetterKeys(false);
    press('j');
    press('g');
    press('h');
    press('k', { ctrlKey: true });
    expect(done).toEqual(['open']);
  });

  test.each(['dialog', 'alertdialog'])('an open %s takes the keys, save those that are carried out over it', (role) => {
    function Below({ open: shown }: { open: boolean }) {
      useCommand(help, () => done.push('lock'), { overDialog: true });
      return shown ? <div role={role} /> : null;
    }
    const page = (shown: boolean) => (
      <>
        <Screen />
        <Below open={shown} />
      </>
    );
    const { rerender } = render(page(true));
    expect([press('k', { ctrlKey: true }), press('g'), press('h'), press('j')].some((event) => event.defaultPrevented)).toBe(false);
    press('?');
    expect(done).toEqual(['lock']);
    rerender(page(false));
    press('k', { ctrlKey: true });
    expect(done).toEqual(['lock', 'open']);
  });

  test('a command whose screen is gone does nothing', () => {
    render(<Screen />).unmount();
    expect(press('j').defaultPrevented).toBe(false);
  });

  test('the webview does not get reload, print and caret browsing', () => {
    expect([press('r', { ctrlKey: true }), press('F5'), press('p', { ctrlKey: true }), press('F7')].every((event) => event.defaultPrevented)).toBe(true);
  });

  test('a dead key and AltGr are never commands', () => {
    render(<Screen />);
    press('Dead');
    // happy-dom knows no modifier states.
    const event = new KeyboardEvent('keydown', { key: 'j', bubbles: true, cancelable: true });
    Object.defineProperty(event, 'getModifierState', { value: (name: string) => name === 'AltGraph' });
    dispatchKey(event);
    expect(done).toEqual([]);
  });
});
