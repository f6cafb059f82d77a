import { act, cleanup, fireEvent, render } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { LiveRegions } from './announce';
import { Dialog } from './Dialog';
import { toast, Toasts } from './toasts';

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

test('beside an open dialog a message is neither inert nor unheard, and a press on it leaves the dialog open', () => {
  const close = vi.fn();
  const { getByTestId, getByRole } = render(
    <>
      <main>.</main>
      <Dialog title="." width={300} onClose={close}>
        <input data-testid="inside" />
      </Dialog>
      <Toasts />
      <LiveRegions />
    </>,
  );
  expect(document.querySelector('main')?.closest('[inert]'), 'the page behind a dialog is inert').not.toBeNull();
  getByTestId('inside').focus();
  act(() => toast({ text: 'Gesichert' }));
  const message = getByTestId('toast');
  expect(message.closest('[inert], [aria-hidden=true]')).toBeNull();
  const region = document.querySelector('[aria-live=polite]');
  expect(region?.textContent).toBe('Gesichert');
  expect(region?.closest('[inert], [aria-hidden=true]')).toBeNull();
  const button = message.querySelector('button');
  if (!button) throw new Error('a message has a button');
  act(() => button.focus());
  expect(document.activeElement, 'the dialog lets the focus go there').toBe(button);
  fireEvent.click(button);
  expect(document.querySelector('[data-testid=toast]')).toBeNull();
  expect(document.activeElement, 'the focus is where it was').toBe(getByTestId('inside'));
  expect(getByRole('dialog')).not.toBeNull();
  expect(close).not.toHaveBeenCalled();
});

test('a message that was dismissed under the pointer does not hold the next one', () => {
  vi.useFakeTimers();
  const { getByTestId } = render(<Toasts />);
  act(() => toast({ text: 'eins' }));
  fireEvent.pointerEnter(getByTestId('toast').parentElement ?? document.body);
  act(() => void vi.advanceTimersByTime(60_000));
  const button = getByTestId('toast').querySelector('button');
  if (!button) throw new Error('a message has a button');
  fireEvent.click(button);
  act(() => toast({ text: 'zwei' }));
  expect(getByTestId('toast').textContent).toBe('zwei');
  act(() => void vi.advanceTimersByTime(7000));
  expect(document.querySelector('[data-testid=toast]')).toBeNull();
});
