import { act, fireEvent, type RenderResult, waitFor, within } from '@testing-library/react';
import { describe, expect, test, vi } from 'vitest';
import type { Place, RoundStep } from '../host/contract';
import { brunnengold, falkenried, lerchenhain, sonnkaya } from '../messages/examples';
import { inRound, people, presentedBy, round, rounds, screenOf, surfaces, watched } from './examples';
import { ctrl, eachAnew, key, open } from './roundsPage.testing';

eachAnew();

describe('images that somebody shows', () => {
  const images: Place = { screen: 'case', patient: 'pat-auenwald', tab: 'images' };
  const shown = { presenting: presentedBy(sonnkaya), mayPresent: false };

  test('take whoever looks at the round to them, once', async () => {
    const { places, change, spoken } = await open(rounds({ round: round() }));
    change(shown);
    expect(places.place.get()).toEqual(images);
    expect(spoken('polite')).toBe('Sonnkaya zeigt Bilder');
    act(() => places.go({ screen: 'rounds' }));
    change({ ...shown, microphone: { state: 'off' } });
    expect(places.place.get()).toEqual({ screen: 'rounds' });
  });

  test('are offered to whoever reads elsewhere', async () => {
    const { page, places, change, press } = await open(rounds({ round: round() }), { place: { screen: 'today' } });
    change(shown);
    expect(places.place.get()).toEqual({ screen: 'today' });
    expect(page.getByTestId('round-shown').textContent).toBe('Sonnkaya zeigt BilderMitsehen');
    press('see-shown');
    expect(places.place.get()).toEqual(images);
    expect(page.queryByTestId('round-shown')).toBeNull();
  });

  test('of another case are a question, and nobody is taken anywhere', async () => {
    const { page, places, change, press, steps } = await open(rounds({ round: round() }));
    change({ presenting: presentedBy(sonnkaya, { case: { state: 'asking', number: 4 } }), mayPresent: false });
    expect(places.place.get()).toEqual({ screen: 'rounds' });
    expect(page.getByTestId('round-shown').textContent).toContain('Sonnkaya zeigt einen anderen Fall als den dieses Gesprächs.');
    press('open-shown-case');
    await waitFor(() => expect(steps()).toContainEqual({ step: 'open-presented-case', number: 4 }));
  });

  test('that cannot be opened say so', async () => {
    const { page, change } = await open(rounds({ round: round() }));
    change({ presenting: presentedBy(sonnkaya, { case: { state: 'closed', number: 1, failure: { code: 'not-allowed', detail: '' } } }), mayPresent: false });
    expect(page.getByTestId('round-shown').textContent).toContain('Sonnkaya zeigt einen Fall, den Sie nicht öffnen können.');
  });

  test('are shown with what each of the others sees of them', async () => {
    const watching = [watched(lerchenhain, null), watched(sonnkaya, 'loading', 87, 135), watched(brunnengold, 'no-access')];
    const { page, press } = await open(rounds({ round: round({ people: people(4), presenting: presentedBy(falkenried, { watching }) }) }));
    press('people-toggle');
    const said = page.getByTestId('round-people').textContent;
    for (const words of ['zeigt Bilder', 'sieht mit', 'lädt 87 von 135', 'kann den Fall nicht öffnen']) expect(said).toContain(words);
  });

  test('end by the bar, from wherever one reads', async () => {
    const { page, press, steps } = await open(rounds({ round: round({ presenting: presentedBy(falkenried) }) }), { place: { screen: 'today' } });
    expect(page.getByTestId('round-shown').textContent).toContain('Sie zeigen Bilder');
    press('stop-shown');
    await waitFor(() => expect(page.queryByTestId('round-shown')).toBeNull());
    expect(steps()).toContainEqual({ step: 'stop-presenting' });
  });
});

describe('sharing a screen', () => {
  /** The list stands a moment before what is in it. */
  const listed = (page: RenderResult) => waitFor(() => expect(within(page.getByTestId('surfaces')).getAllByRole('option').length).toBeGreaterThan(0));

  const elsewhere = { place: { screen: 'today' } as const };
  const shared = (steps: RoundStep[]) => steps.filter((one) => ['open-surfaces', 'share-surface', 'stop-sharing'].includes(one.step));
  const enter = () => {
    key('Enter');
    fireEvent.keyUp(document.activeElement ?? document.body, { key: 'Enter' });
  };

  test('goes by keys alone, chooses nothing beforehand, and needs one press to choose and one to share', async () => {
    const { page, steps } = await open(rounds({ round: round() }), elsewhere);
    act(() => page.getByTestId('field').focus());
    key('E', { ...ctrl, shiftKey: true });
    await waitFor(() => expect(document.activeElement?.closest('[role=listbox]')).not.toBeNull());
    expect(page.getAllByRole('option').map((one) => [one.getAttribute('data-testid'), one.getAttribute('aria-selected')])).toEqual(['slides', 'report', 'untitled', 'screen-1', 'screen-2'].map((id) => [`surface-${id}`, 'false']));
    expect(page.getByTestId('share-do').hasAttribute('disabled')).toBe(true);
    key('Home');
    key('ArrowRight');
    enter();
    expect(shared(steps())).toEqual([{ step: 'open-surfaces' }]);
    key('Enter', { repeat: true });
    enter();
    await waitFor(() => expect(page.queryByTestId('share-dialog')).toBeNull());
    expect(shared(steps())).toEqual([{ step: 'open-surfaces' }, { step: 'share-surface', surface: 'report' }]);
    await waitFor(() => expect(page.getByTestId('round-sharing').textContent).toContain('Sie teilen: Befundbericht Koloskopie'));
    key('E', { ...ctrl, shiftKey: true });
    await waitFor(() => expect(page.queryByTestId('round-sharing')).toBeNull());
    expect(shared(steps()).at(-1)).toEqual({ step: 'stop-sharing' });
  });

  test('says whom else it shows before anything is chosen', async () => {
    const { page, press } = await open(rounds({ round: round() }));
    press('round-share');
    await listed(page);
    const list = page.getByRole('listbox', { name: 'Bildschirm oder Fenster teilen' });
    const said = document.getElementById(list.getAttribute('aria-describedby') ?? '')?.textContent;
    expect(said).toContain('auch Namen anderer Patientinnen und Patienten');
    const heads = () => page.getAllByRole('group').map((one) => one.getAttribute('aria-labelledby')).filter((id) => id !== null).map((id) => document.getElementById(id)?.textContent);
    await waitFor(() => expect(heads()).toEqual(['Fenster', 'Bildschirme']));
    expect(page.getByTestId('surface-screen-2').textContent).toBe('Bildschirm 21920 × 1080');
    expect(page.getByTestId('surface-untitled').textContent).toBe('Fenster ohne Titel');
  });

  test('goes with a double click, and ends by the line, on whichever screen', async () => {
    const { page, places, steps, press, spoken } = await open(rounds({ round: round() }));
    press('round-share');
    await listed(page);
    act(() => void fireEvent.doubleClick(page.getByTestId('surface-screen-1')));
    await waitFor(() => expect(page.getByTestId('round-sharing').textContent).toContain('Sie teilen Ihren ganzen Bildschirm'));
    expect(spoken('polite')).toBe('Sie teilen Ihren Bildschirm');
    act(() => places.go({ screen: 'today' }));
    press('stop-sharing');
    await waitFor(() => expect(page.queryByTestId('round-sharing')).toBeNull());
    expect(shared(steps()).at(-1)).toEqual({ step: 'stop-sharing' });
    expect(spoken('polite')).toBe('Sie teilen nichts mehr');
    expect(document.activeElement?.getAttribute('data-testid')).toBe('round-share');
  });

  test('of a single screen calls it the whole screen', async () => {
    const { page, press } = await open(rounds({ round: round() }, { surfaces: { surfaces: surfaces.surfaces.slice(1, 2), hindered: null } }));
    press('round-share');
    await waitFor(() => expect(page.getByTestId('surface-screen-2').textContent).toBe('Ganzer Bildschirm1920 × 1080'));
  });

  test.each([
    ['no-device', 'An diesem Computer lassen sich Fenster und Bildschirme nicht teilen.', 'Wählen Sie bei der Anmeldung am Computer eine Sitzung mit „Xorg“'],
    ['device-denied', 'Ihr Betriebssystem gibt Konsil den Bildschirm nicht frei.', 'starten Sie Konsil neu.'],
  ] as const)('that is hindered (%s) says why, what holds and what to do', async (hindered, what, remedy) => {
    const { page, press } = await open(rounds({ round: round() }, { surfaces: { surfaces: [], hindered } }));
    press('round-share');
    await waitFor(() => page.getByTestId('share-hindered'));
    const said = page.getByTestId('share-hindered').textContent;
    for (const words of [what, 'Sicher ist: Die anderen sehen davon nichts.', remedy]) expect(said).toContain(words);
    expect(page.queryByTestId('share-do')).toBeNull();
  });

  test('where there is nothing says so, and looks again', async () => {
    const { page, press, steps } = await open(rounds({ round: round() }, { surfaces: { surfaces: [], hindered: null } }));
    press('round-share');
    await waitFor(() => page.getByText('Kein Fenster und kein Bildschirm gefunden'));
    press('surfaces-again');
    expect(shared(steps())).toEqual([{ step: 'open-surfaces' }, { step: 'open-surfaces' }]);
  });

  test('that is refused says so in the dialog, and the dialog stays', async () => {
    const { page, press } = await open(rounds({ round: round() }), { answer: (request) => (request.type === 'round' && request.round.step === 'share-surface' ? { code: 'round-refused', detail: '' } : undefined) });
    press('round-share');
    await listed(page);
    act(() => void fireEvent.doubleClick(page.getByTestId('surface-slides')));
    await waitFor(() => expect(page.getByTestId('share-dialog').textContent).toContain('Der Server der Runde hat Sie nicht eingelassen.'));
  });

  test('of a window that was closed says so, and leads to another one', async () => {
    const { page, press, change, steps, spoken } = await open(rounds({ round: round({ screen: { state: 'on', device: 'Fall.pptx' } }) }), elsewhere);
    expect(page.getByTestId('round-sharing').querySelector('b')?.textContent).toBe('Sie teilen: Fall.pptx');
    change({ screen: { state: 'stopped', why: 'device-lost' } });
    expect(page.queryByTestId('round-sharing')).toBeNull();
    expect(spoken('polite')).toBe('Das Fenster wurde geschlossen, oder der Bildschirm ist nicht mehr da.');
    const line = page.getByTestId('screen-stopped');
    press('share-again');
    await listed(page);
    key('Escape');
    await waitFor(() => expect(page.queryByTestId('share-dialog')).toBeNull());
    act(() => void fireEvent.click([...line.querySelectorAll('button')].at(-1)!));
    await waitFor(() => expect(page.queryByTestId('screen-stopped')).toBeNull());
    expect(shared(steps())).toEqual([{ step: 'open-surfaces' }, { step: 'stop-sharing' }]);
  });

  test('keeps pictures of it only as long as one chooses', async () => {
    const kept = new Set<string>();
    vi.stubGlobal('URL', class extends URL {
      static override createObjectURL() {
        const address = `blob:${String(kept.size)}`;
        kept.add(address);
        return address;
      }

      static override revokeObjectURL(address: string) {
        kept.delete(address);
      }
    });
    const pictures = surfaces.surfaces.map((one) => ({ ...one, preview: one.window ? '/9j/2Q==' : null }));
    const { page, press } = await open(rounds({ round: round() }, { surfaces: { surfaces: pictures, hindered: null } }));
    press('round-share');
    // Each picture comes after its place.
    await waitFor(() => expect([page.getByTestId('share-dialog').querySelectorAll('img[src^="blob:"]').length, kept.size]).toEqual([3, 3]));
    key('Escape');
    await waitFor(() => expect(page.queryByTestId('share-dialog')).toBeNull());
    expect(kept.size).toBe(0);
    vi.unstubAllGlobals();
  });
});

describe('a screen that somebody shares', () => {
  const shares = (...who: string[]) => people(5).map((one) => (who.includes(one.id) ? { ...one, screen: screenOf(40) } : one));
  const of = (sender: Parameters<typeof inRound>[0]) => inRound(sender).id;

  test('is at large until it ends or the person looks at the people, and then everything is as before', async () => {
    const { page, change, press, spoken } = await open(rounds({ round: round({ people: people(5) }) }));
    change({ people: shares(of(sonnkaya)) });
    expect(page.queryByTestId('gallery')).toBeNull();
    expect(page.getByRole('list', { name: 'Sprecher' }).textContent).toContain('Bildschirm von Sonnkaya');
    expect(spoken('polite')).toBe('Sonnkaya teilt den Bildschirm');
    press('segment-gallery');
    expect(page.getByTestId('gallery').firstElementChild?.textContent).toContain('Bildschirm von Sonnkaya');
    change({ people: people(5) });
    expect(page.getByTestId('gallery').children.length).toBe(5);
    change({ people: shares(of(sonnkaya)) });
    expect(page.queryByTestId('gallery')).toBeNull();
  });

  test('has the whole area when it is asked for', async () => {
    const { page, press } = await open(rounds({ round: round({ people: shares(of(sonnkaya)) }) }));
    expect(page.getAllByRole('list').length).toBe(2);
    press(`turn-${of(sonnkaya)}`);
    expect(page.getAllByRole('list').length).toBe(1);
    press(`turn-${of(sonnkaya)}`);
    expect(page.getAllByRole('list').length).toBe(2);
  });

  test('comes to the front where there are several', async () => {
    const { page, press } = await open(rounds({ round: round({ people: shares(of(sonnkaya), of(brunnengold)) }) }));
    press(`turn-${of(brunnengold)}`);
    expect(page.getByRole('list', { name: 'Sprecher' }).textContent).toContain('Bildschirm von Brunnengold');
  });

  test('that is one’s own is not, nor that of somebody whose device is not confirmed', async () => {
    const unconfirmed = shares(of(falkenried), of(sonnkaya)).map((one) => (one.person === sonnkaya ? { ...one, key: 'unconfirmed' as const } : one));
    const { page } = await open(rounds({ round: round({ people: unconfirmed }) }));
    expect([...page.getByTestId('gallery').children].filter((one) => one.getAttribute('data-testid')?.endsWith('-screen')).map((one) => one.textContent)).toEqual(['Ihr Bildschirm']);
  });

  test('is offered to whoever reads elsewhere', async () => {
    const { page, places, press } = await open(rounds({ round: round({ people: shares(of(sonnkaya)) }) }), { place: { screen: 'today' } });
    expect(page.getByTestId('round-shared').textContent).toBe('Sonnkaya teilt den BildschirmAnsehen');
    press('see-shared');
    expect(places.place.get()).toEqual({ screen: 'rounds' });
    expect(page.queryByTestId('round-shared')).toBeNull();
  });
});
