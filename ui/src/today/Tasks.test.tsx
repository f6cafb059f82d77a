import { act, cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { useState } from 'react';
import { afterEach, describe, expect, test } from 'vitest';
import { Toasts } from '../components/toasts';
import { createPlaces, PlacesContext } from '../frame/place';
import type { Request } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import { useStore } from '../host/store';
import { useKeyDispatcher } from '../keys/keys';
import { at } from '../stories/story';
import { Tasks } from './Tasks';

afterEach(cleanup);

const now = new Date('2026-11-24T13:36:00+01:00');

async function open(answer?: (request: Request) => { code: 'conflict'; detail: string } | undefined) {
  const fixture = at({ screen: 'today' }, answer ? { answer } : {});
  const host = memoryHost(fixture);
  const desk = createDesk(host, fixture.start);
  const places = createPlaces(desk, fixture.start.place);
  desk.openToday();
  function Screen() {
    const today = useStore(desk.today);
    const [slot, setSlot] = useState<HTMLElement | null>(null);
    const [shown, setShown] = useState(false);
    useKeyDispatcher(true);
    const preview = { slot: shown ? slot : null, toggle: () => setShown(!shown), follow: () => undefined, close: () => setShown(false) };
    return (
      <>
        {today.state === 'here' && <Tasks part={today.value.tasks} now={now} preview={preview} />}
        <div ref={setSlot} />
      </>
    );
  }
  const page = render(
    <DeskContext value={desk}>
      <PlacesContext value={places}>
        <Screen />
        <Toasts />
      </PlacesContext>
    </DeskContext>,
  );
  await waitFor(() => page.getByTestId('task-task-studie'));
  const finished = () => host.asked.filter((request) => request.type === 'finish-task');
  const titles = () => page.getAllByRole('row').map((row) => row.textContent);
  return { page, places, finished, titles };
}

const key = (name: string) => fireEvent.keyDown(document.activeElement ?? document.body, { key: name });

describe('my tasks', () => {
  test('say what is to do, about whom, and by when', async () => {
    const { titles } = await open();
    expect(titles()).toEqual([
      'Beschluss zweitzeichnenWiesenquell, Dora · Board vom 17.11.heute',
      'Studie für Stadium III anfragenAuenwald, Gernotheute',
      'Arztbrief freigebenLindenfurt, Petra · Board vom 17.11.morgen',
    ]);
  });

  test('are done by E and come back by undoing', async () => {
    const { page, finished, titles } = await open();
    act(() => page.getByTestId('task-task-zweitzeichnen').focus());
    key('j');
    key('e');
    await waitFor(() => expect(titles()).toHaveLength(2));
    expect(finished()).toEqual([{ type: 'finish-task', task: 'task-studie', done: true }]);
    await waitFor(() => expect(document.activeElement).toBe(page.getByTestId('task-task-brief')));
    fireEvent.click(await page.findByRole('button', { name: /Rückgängig/u }));
    await waitFor(() => expect(titles()).toHaveLength(3));
    expect(finished()).toHaveLength(2);
  });

  test('are previewed by the space bar, which follows the line in focus', async () => {
    const { page } = await open();
    act(() => page.getByTestId('task-task-zweitzeichnen').focus());
    key(' ');
    const preview = page.getByTestId('task-preview');
    expect(preview.textContent).toContain('Wiesenquell, Dora');
    expect(preview.textContent).toContain('Beschluss öffnen');
    key('j');
    expect(page.getByTestId('task-preview').textContent).toContain('Auenwald, Gernot');
    key(' ');
    expect(page.queryByTestId('task-preview')).toBeNull();
  });

  test('are not done by a key pressed elsewhere', async () => {
    const { finished } = await open();
    key('e');
    expect(finished()).toEqual([]);
  });

  test('open the case, and the decision when they are about one', async () => {
    const { page, places } = await open();
    act(() => page.getByTestId('task-task-zweitzeichnen').focus());
    key('Enter');
    expect(places.place.get()).toEqual({ screen: 'case', patient: 'pat-wiesenquell', tab: 'decision' });
  });

  test('that somebody else changed stay, and the person is told why', async () => {
    const { page, titles } = await open((request) => (request.type === 'finish-task' ? { code: 'conflict', detail: '412' } : undefined));
    fireEvent.click(page.getByTestId('finish-task-brief'));
    await waitFor(() => page.getByText(/Jemand|anderswo|geändert|gespeichert/u));
    expect(titles()).toHaveLength(3);
  });
});
