import { act, cleanup, fireEvent, render } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Reply, RoundSightView, RoundStep } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import type { Host } from '../host/host';
import { memoryHost } from '../host/memory';
import { speak } from '../i18n/language';
import { at } from '../stories/story';
import { Meter } from './Check';
import { rounds } from './examples';
import { Sight } from './Sight';

const jpeg = '/9j/2Q==';
const sees = (picture: string | null): RoundSightView => ({ camera: { state: 'on', device: 'x' }, picture });

/** The sight, and the meter beside it, before a host that answers the sight when the test says so. */
function open(more: { sight: boolean; meter: boolean }) {
  const start = at({ screen: 'rounds' }, { rounds: rounds() });
  const memory = memoryHost(start);
  const asked: RoundStep['step'][] = [];
  const waiting: ((view: RoundSightView) => void)[] = [];
  const host: Host = {
    ...memory,
    call(request) {
      if (request.type === 'round') asked.push(request.round.step);
      if (request.type !== 'round' || request.round.step !== 'check-camera') return memory.call(request);
      return new Promise<Reply>((answer) => waiting.push((value) => answer({ type: 'round-sight', value })));
    },
  };
  const desk = createDesk(host, start.start);
  const drawn = ({ sight, meter }: typeof more) => (
    <DeskContext value={desk}>
      {sight && <Sight />}
      {meter && <Meter />}
    </DeskContext>
  );
  const page = render(drawn(more));
  const pass = (millis: number) => act(() => vi.advanceTimersByTimeAsync(millis));
  return {
    page,
    asked: (step: RoundStep['step']) => asked.filter((one) => one === step).length,
    pass,
    answer: (view: RoundSightView) => act(() => Promise.resolve(waiting.shift()?.(view))),
    show: (next: typeof more) => page.rerender(drawn(next)),
    image: () => page.container.querySelector('img'),
  };
}

const kept = new Set<string>();

beforeEach(() => {
  speak('de');
  vi.useFakeTimers();
  kept.clear();
  let count = 0;
  vi.stubGlobal('URL', class extends URL {
    static override createObjectURL() {
      const address = `blob:${String((count += 1))}`;
      kept.add(address);
      return address;
    }

    static override revokeObjectURL(address: string) {
      kept.delete(address);
    }
  });
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('the camera is asked again 150 ms after each answer, and never twice at the same time', async () => {
  const { asked, pass, answer } = open({ sight: true, meter: false });
  await pass(1000);
  expect(asked('check-camera')).toBe(1);
  await answer(sees(null));
  await pass(149);
  expect(asked('check-camera')).toBe(1);
  await pass(1);
  expect(asked('check-camera')).toBe(2);
});

test('the picture comes into a place that is there before it, and only the last one is kept', async () => {
  const { page, pass, answer, image, show } = open({ sight: true, meter: false });
  expect([page.getByTestId('sight-said').textContent, image()?.hidden]).toEqual(['Kamera wird geöffnet', true]);
  await answer(sees(jpeg));
  act(() => void fireEvent.load(image()!));
  expect([page.queryByTestId('sight-said'), image()?.hidden, page.getByTestId('sight').textContent]).toEqual([null, false, 'So sehen andere Sie']);
  await pass(150);
  await answer(sees('/9j/2f8='));
  expect([image()?.getAttribute('src'), [...kept]]).toEqual(['blob:2', ['blob:2']]);
  show({ sight: false, meter: false });
  expect(kept.size).toBe(0);
});

test('a camera that cannot be opened says why and what to do, and is asked again', async () => {
  const { page, asked, pass, answer, image } = open({ sight: true, meter: false });
  await answer({ camera: { state: 'stopped', why: 'device-busy' }, picture: null });
  expect([page.getByTestId('sight-said').textContent, image()?.hidden]).toEqual(['Ein anderes Programm benutzt Ihre Kamera.Schließen Sie das andere Programm, und versuchen Sie es erneut.', true]);
  await pass(150);
  expect(asked('check-camera')).toBe(2);
});

test('the check ends once the last question was answered, and no more is asked', async () => {
  const { asked, pass, answer, show } = open({ sight: true, meter: false });
  show({ sight: false, meter: false });
  await pass(1000);
  expect(asked('end-check')).toBe(0);
  await answer(sees(jpeg));
  expect([asked('end-check'), kept.size]).toEqual([1, 0]);
  await pass(1000);
  expect(asked('check-camera')).toBe(1);
});

test('the check goes on while the meter is looked at, and whoever closes last ends it, once', async () => {
  const { asked, pass, answer, show } = open({ sight: true, meter: true });
  show({ sight: false, meter: true });
  await answer(sees(null));
  await pass(300);
  expect(asked('end-check')).toBe(0);
  show({ sight: false, meter: false });
  await pass(300);
  expect(asked('end-check')).toBe(1);
});

test('the check of a dialog with both ends once', async () => {
  const { asked, pass, answer, show } = open({ sight: true, meter: true });
  show({ sight: false, meter: false });
  await pass(300);
  expect(asked('end-check')).toBe(0);
  await answer(sees(null));
  expect(asked('end-check')).toBe(1);
});
