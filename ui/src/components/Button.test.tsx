import { cleanup, fireEvent, render } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { Button } from './Button';

afterEach(cleanup);

test('a pending button keeps its focus, says that it is off, and swallows presses', () => {
  let presses = 0;
  const button = (isPending: boolean) => (
    <Button isPending={isPending} onPress={() => (presses += 1)} data-testid="button">
      .
    </Button>
  );
  const { getByTestId, rerender } = render(button(false));
  const element = getByTestId('button');
  element.focus();
  fireEvent.click(element);
  rerender(button(true));
  fireEvent.click(element);
  expect(presses).toBe(1);
  expect(document.activeElement).toBe(element);
  expect(element.getAttribute('aria-disabled')).toBe('true');
  expect(document.querySelector('[role=img]'), 'nothing is left in the live region').toBeNull();
});
