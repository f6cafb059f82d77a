import { act, cleanup, render } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { announce, LiveRegions, useForgotten } from './announce';

afterEach(cleanup);

function Page({ who }: { who: string }) {
  useForgotten(who);
  return <LiveRegions />;
}

test('what was said is not there any more for whoever sits here next', () => {
  const { rerender } = render(<Page who="signed-in" />);
  const said = () => [...document.querySelectorAll('[aria-live]')].map((one) => one.textContent);
  act(() => {
    announce('Sonnkaya hat eine Runde begonnen: Fall Auenwald');
    announce('Verbindung verloren', 'assertive');
  });
  rerender(<Page who="signed-in" />);
  expect(said()).toEqual(['Sonnkaya hat eine Runde begonnen: Fall Auenwald', 'Verbindung verloren']);
  rerender(<Page who="locked" />);
  expect(said()).toEqual(['', '']);
});
