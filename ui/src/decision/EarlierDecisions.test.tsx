import { act, cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import { createPlaces, PlacesContext } from '../frame/place';
import type { Failure, Reply, Request } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import { useKeyDispatcher } from '../keys/keys';
import { auenwaldCase } from '../stories/records';
import { at } from '../stories/story';
import { DecisionTab } from './DecisionTab';
import { exampleEarlier, exampleEntries, exampleView } from './examples';

const patient = 'pat-auenwald';

function open(decisions = exampleEntries(), answer?: (request: Request) => Reply | Failure | undefined) {
  const fixture = at(
    { screen: 'case', patient, tab: 'decision' },
    {
      decisions: [exampleView()],
      earlier: { 'dec-earlier': exampleEarlier() },
      caseViews: [{ ...auenwaldCase, decisions: { state: 'ready', value: decisions, more: false } }],
      ...(answer ? { answer } : {}),
    },
  );
  const host = memoryHost(fixture);
  const desk = createDesk(host, fixture.start);
  desk.openCase(patient);
  function Screen() {
    useKeyDispatcher(true);
    return <DecisionTab patient={patient} />;
  }
  const page = render(
    <DeskContext value={desk}>
      <PlacesContext value={createPlaces(desk, fixture.start.place)}>
        <Screen />
      </PlacesContext>
    </DeskContext>,
  );
  const read = async () => {
    const button = await waitFor(() => page.getByTestId('read-dec-earlier'));
    act(() => { fireEvent.click(button); });
    await waitFor(() => page.getByTestId('earlier-bar'));
  };
  return { page, host, read };
}

afterEach(cleanup);

describe('the earlier decisions of a case', () => {
  test('are listed with day, kind, board, text, measures and signer, the open one marked', async () => {
    const { page } = open();
    const list = await waitFor(() => page.getByTestId('earlier'));
    expect(list.querySelector('summary')?.textContent).toBe('Frühere Beschlüsse 2');
    const lines = [...list.querySelectorAll('li')];
    expect(lines.map((line) => line.getAttribute('aria-current'))).toEqual(['true', null, null]);
    const words = lines[1]?.textContent ?? '';
    for (const word of ['07.07.2026', 'Postoperativ', 'Gezeichnet', 'Tumorboard Eschenland', 'Adjuvante Therapie', 'Pembrolizumab adjuvant', 'Dr. med. Amina Falkenried']) {
      expect(words).toContain(word);
    }
    expect(lines[2]?.textContent).toContain('Nicht gezeichnet');
    expect(lines[0]?.querySelector('button')).toBeNull();
  });

  test('do not show where there are none', async () => {
    const { page } = open(exampleEntries().filter((entry) => entry.current));
    await waitFor(() => page.getByTestId('decision-text'));
    expect(page.queryByTestId('earlier')).toBeNull();
  });

  test('are read whole, with what a check found, and never written', async () => {
    const { page, host, read } = open();
    await read();
    await waitFor(() => page.getByTestId('signed-decision'));
    expect(host.asked.filter(({ type }) => type === 'read-decision')).toEqual([{ type: 'read-decision', patient, decision: 'dec-earlier' }]);
    expect(page.getByTestId('earlier-bar').textContent).toContain('Früherer Beschluss vom 07.07.2026');
    expect(page.getByTestId('check').getAttribute('data-state')).toBe('matches');
    expect(page.queryByTestId('amend')).toBeNull();
    expect(page.queryByTestId('decision-text')).toBeNull();
  });

  test('are left by Esc to the line that was read', async () => {
    const { page, read } = open();
    await read();
    fireEvent.keyDown(document.body, { key: 'Escape' });
    const button = await waitFor(() => page.getByTestId('read-dec-earlier'));
    expect(page.queryByTestId('earlier-bar')).toBeNull();
    expect((page.getByTestId('earlier') as HTMLDetailsElement).open).toBe(true);
    expect(document.activeElement).toBe(button);
  });

  test('say why one cannot be read, and are asked again', async () => {
    let fails = true;
    const { page, read } = open(exampleEntries(), (request) => (request.type === 'read-decision' && fails ? { code: 'platform-failed', detail: '500' } : undefined));
    await read();
    const again = await waitFor(() => page.getByText('Erneut versuchen'));
    fails = false;
    act(() => { fireEvent.click(again); });
    await waitFor(() => page.getByTestId('signed-decision'));
  });
});
