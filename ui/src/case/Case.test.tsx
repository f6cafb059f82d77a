import { act, cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createPlaces, PlacesContext } from '../frame/place';
import type { CaseView } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import { useKeyDispatcher } from '../keys/keys';
import { auenwaldCase } from '../stories/records';
import { at } from '../stories/story';
import { Case } from './Case';

const patient = 'pat-auenwald';

function open(view: CaseView) {
  const fixture = at({ screen: 'case', patient, tab: 'laboratory' }, { caseViews: [view] });
  const host = memoryHost(fixture);
  const desk = createDesk(host, fixture.start);
  function Screen() {
    useKeyDispatcher(true);
    return <Case patient={patient} tab="laboratory" />;
  }
  const page = render(
    <DeskContext value={desk}>
      <PlacesContext value={createPlaces(desk, fixture.start.place)}>
        <Screen />
      </PlacesContext>
    </DeskContext>,
  );
  const asked = () => host.asked.filter(({ type }) => type === 'open-case').length;
  return { page, host, asked };
}

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

describe('a newer state of the open case', () => {
  test('is told in one line and asked for by F5', async () => {
    const { page, host, asked } = open(auenwaldCase);
    await waitFor(() => page.getByText('Stand 13:36'));
    const before = page.getByRole('tabpanel').textContent;
    act(() => host.send({ type: 'case-changed', value: { ...auenwaldCase, serial: 2, newer: '2026-11-24T14:05:00+01:00' } }));
    const line = await waitFor(() => page.getByTestId('case-newer'));
    expect(line.textContent).toContain('Neuer Stand, 14:05');
    expect(page.getByRole('tabpanel').textContent).toBe(before);
    const former = asked();
    fireEvent.keyDown(document.body, { key: 'F5' });
    expect(asked()).toBe(former + 1);
  });

  test('is asked for by a press as well', async () => {
    const { page, asked } = open({ ...auenwaldCase, newer: '2026-11-24T14:05:00+01:00' });
    const line = await waitFor(() => page.getByTestId('case-newer'));
    const former = asked();
    act(() => { fireEvent.click(line); });
    expect(asked()).toBe(former + 1);
  });
});

describe('a part that failed', () => {
  const failed: CaseView = { ...auenwaldCase, laboratory: { state: 'failed', failure: { code: 'platform-failed', detail: '500' } } };

  test('says when it is asked for again, and is', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { page, asked } = open(failed);
    await waitFor(() => expect(page.getByTestId('retry-in').textContent).toBe('Nächster Versuch in 30 s.'));
    const former = asked();
    act(() => { vi.advanceTimersByTime(31_000); });
    expect(asked()).toBe(former + 1);
    // A fault that lasts is asked about less often.
    expect(page.getByTestId('retry-in').textContent).toMatch(/in (59|60) s\.$/u);
  });

  test('waits for the platform without asking while it is gone', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { page, host, asked } = open(failed);
    await waitFor(() => page.getByTestId('retry-in'));
    act(() => host.send({ type: 'connection-changed', value: { state: 'offline', since: '2026-11-24T14:05:00+01:00' } }));
    const former = asked();
    act(() => { vi.advanceTimersByTime(120_000); });
    expect([asked(), page.queryByTestId('retry-in')]).toEqual([former, null]);
  });
});
