import { act, cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import { createPlaces, PlacesContext } from '../frame/place';
import type { Failure, PreloadState, PreloadView, Request } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import { useKeyDispatcher } from '../keys/keys';
import { preload } from '../stories/lists';
import { at } from '../stories/story';
import { Today } from './Today';

afterEach(cleanup);

async function open(view: Partial<PreloadView> | null, answer?: (request: Request) => Failure | undefined) {
  const { preload: example, ...rest } = at({ screen: 'today' }, answer ? { answer } : {});
  const fixture = view === null || !example ? rest : { ...rest, preload: { ...example, ...view } };
  const host = memoryHost(fixture);
  const desk = createDesk(host, fixture.start);
  const places = createPlaces(desk, fixture.start.place);
  function Screen() {
    useKeyDispatcher(true);
    return <Today />;
  }
  const page = render(
    <DeskContext value={desk}>
      <PlacesContext value={places}>
        <Screen />
      </PlacesContext>
    </DeskContext>,
  );
  await waitFor(() => page.getByTestId('agenda-row-pat-auenwald'));
  let serial = 1;
  const becomes = (state: PreloadState, more: Partial<PreloadView> = {}) => {
    serial += 1;
    const value = { ...preload, ...view, ...more, serial, state };
    act(() => host.send({ type: 'preload-changed', value }));
  };
  const asked = () => host.asked.map((request) => request.type).filter((type) => type.endsWith('-preload') && type !== 'open-preload');
  return { page, becomes, asked };
}

describe('fetching the images of the board ahead', () => {
  test('begins and stops with the same button, which keeps the focus', async () => {
    const { page, becomes, asked } = await open({});
    const button = await page.findByRole('button', { name: /alle vorladen/u });
    act(() => button.focus());
    fireEvent.click(button);
    becomes({ state: 'running', rate: null, seconds: 90 }, { images: 3, ofBytes: 1_900_000_000 });
    expect(page.getByRole('progressbar', { name: 'Vorladen der Bilder' }).getAttribute('aria-valuenow')).toBe('0');
    expect(document.activeElement).toBe(page.getByRole('button', { name: 'Anhalten' }));
    fireEvent.click(page.getByRole('button', { name: 'Anhalten' }));
    await waitFor(() => expect(asked()).toEqual(['start-preload', 'stop-preload']));
  });

  test('leaves the focus at its line when it is done', async () => {
    const { page, becomes } = await open({});
    const button = await page.findByRole('button', { name: /alle vorladen/u });
    act(() => button.focus());
    fireEvent.click(button);
    becomes({ state: 'done', at: '2026-11-24T14:02:00+01:00' }, { images: 1204 });
    expect(document.activeElement?.textContent).toMatch(/^vorgeladen/u);
  });

  test('marks each case whose images lie here', async () => {
    const { page, becomes } = await open({});
    await page.findByTestId('preload');
    expect(page.getByTestId('agenda-row-pat-auenwald').textContent).not.toContain('Bilder');
    becomes({ state: 'running', rate: null, seconds: null }, { cases: preload.cases.map((row, n) => ({ ...row, state: n === 0 ? 'here' : n === 1 ? 'coming' : 'lacking' })) });
    expect(page.getByTestId('agenda-row-pat-auenwald').textContent).toContain('Bilder liegen auf diesem Gerät');
    expect(page.getByTestId('agenda-row-pat-birkenlicht').textContent).toContain('Bilder werden vorgeladen');
    expect(page.getByTestId('agenda-row-pat-steinklee').textContent).not.toContain('Bilder');
  });

  test('names the case that lacks something, and why', async () => {
    const cases = preload.cases.map((row, n) => (n === 0 ? { ...row, refused: 1 } : row));
    const { page } = await open({ state: { state: 'partly', cases: 1 }, cases });
    const notes = await page.findByTestId('preload-notes');
    expect(notes.textContent).toContain('Auenwald, Gernot');
    expect(notes.textContent).toContain('gehört zu einer anderen Person');
  });

  test('says why it did not begin', async () => {
    const { page } = await open({}, (request) => (request.type === 'start-preload' ? { code: 'platform-unreachable', detail: '' } : undefined));
    fireEvent.click(await page.findByRole('button', { name: /alle vorladen/u }));
    await waitFor(() => page.getByText('Die Plattform ist nicht erreichbar.'));
  });

  test('shows nothing of another session and nothing where there is no archive', async () => {
    const { page, becomes } = await open(null);
    expect(page.queryByTestId('preload')).toBeNull();
    becomes({ state: 'idle' }, { session: 'appt-other' });
    expect(page.queryByTestId('preload')).toBeNull();
  });

  test('does not go back to an older state', async () => {
    const { page, becomes } = await open({ serial: 9 });
    await page.findByRole('button', { name: /alle vorladen/u });
    becomes({ state: 'waiting' });
    expect(page.getByTestId('preload').textContent).not.toContain('nicht erreichbar');
  });
});
