import { act, cleanup, render } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { speak } from '../i18n/language';
import { ActiveWindow } from './ActiveWindow';
import type { Corner } from './overlay';
import type { StageSnapshot } from './snapshot';

beforeEach(() => {
  speak('de');
  vi.useFakeTimers();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

/** A stage of one viewport, of which only the window is looked at. */
function stage(width: string) {
  const listeners = new Set<() => void>();
  const of = (wide: string): StageSnapshot => {
    const window: Corner['window'] = { width: wide, center: '40', name: { kind: 'own' } };
    return { viewports: [{ id: 0, corner: { window } }], active: 0 } as unknown as StageSnapshot;
  };
  let now = of(width);
  return {
    snapshot: () => now,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    draw: (wide: string) =>
      act(() => {
        now = of(wide);
        listeners.forEach((listener) => listener());
      }),
  };
}

const wait = (millis: number) => {
  act(() => {
    vi.advanceTimersByTime(millis);
  });
};

test('numbers stand at the tools once the window stands, and never those of before', () => {
  const one = stage('400');
  const { container } = render(<ActiveWindow stage={one} alone={false} />);
  const said = () => container.textContent;
  expect(said()).toContain('400/40');
  one.draw('410');
  expect(said()).not.toMatch(/\d/u);
  wait(100);
  one.draw('420');
  wait(100);
  expect(said()).not.toMatch(/\d/u);
  wait(100);
  expect(said()).toContain('420/40');
  one.draw('420');
  expect(said()).toContain('420/40');
});

test('they follow at once where the corner does not say them', () => {
  const one = stage('400');
  const { container } = render(<ActiveWindow stage={one} alone />);
  one.draw('410');
  expect(container.textContent).toContain('410/40');
});
