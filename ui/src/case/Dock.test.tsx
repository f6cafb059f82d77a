import { act, cleanup, render, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import { createPlaces, PlacesContext } from '../frame/place';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import { at } from '../stories/story';
import { Dock } from './Dock';

const patient = 'pat-auenwald';

async function open() {
  const fixture = at({ screen: 'case', patient, tab: 'overview' });
  const host = memoryHost(fixture);
  const desk = createDesk(host, fixture.start);
  desk.openChat();
  const page = render(
    <DeskContext value={desk}>
      <PlacesContext value={createPlaces(desk, fixture.start.place)}>
        <Dock patient={patient} name="Fall 1" close={() => undefined} />
      </PlacesContext>
    </DeskContext>,
  );
  await waitFor(() => page.getByTestId('composer'));
  const press = (id: string) => act(() => page.getByTestId(id).click());
  return { page, host, press };
}

afterEach(cleanup);

describe('beside a case', () => {
  test('stand its tasks alone, and one of them is finished there', async () => {
    const { page, host, press } = await open();
    await waitFor(() => expect(page.getByTestId('segment-tasks').textContent).toBe('Aufgaben 1'));
    press('segment-tasks');
    const tasks = page.getByTestId('dock-tasks').querySelectorAll('li');
    expect([...tasks].map((task) => task.querySelector('b')?.textContent)).toEqual(['Studie für Stadium III anfragen']);
    const finish = page.getByRole('button', { name: 'Erledigt: Studie für Stadium III anfragen' });
    act(() => finish.click());
    await waitFor(() => page.getByText('Keine Aufgaben zu diesem Fall'));
    expect(host.asked.filter((request) => request.type === 'finish-task').map((request) => request.done)).toEqual([true]);
  });

  test('stand the people of its conversation, which stays open meanwhile', async () => {
    const { page, host, press } = await open();
    expect(page.getByTestId('segment-people').textContent).toBe('Personen 7');
    press('segment-people');
    expect(page.getByTestId('dock-people').querySelectorAll('li').length).toBe(7);
    expect(host.asked.some((request) => request.type === 'close-conversation')).toBe(false);
    press('segment-talk');
    await waitFor(() => page.getByTestId('composer'));
  });
});
