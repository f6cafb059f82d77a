import { act, cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import { createPlaces, PlacesContext } from '../frame/place';
import type { DecisionView, Failure, Reply, Request, SigningMarkView, SigningPreviewView } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import { useKeyDispatcher } from '../keys/keys';
import { auenwaldCase } from '../stories/records';
import { at } from '../stories/story';
import { DecisionTab } from './DecisionTab';
import { EXAMPLE_SHA256, examplePreview, exampleView } from './examples';

const patient = 'pat-auenwald';
const unreachable: Failure = { code: 'platform-unreachable', detail: 'timeout' };
const waiting: SigningMarkView = { state: 'waiting', by: 'Dr. Falkenried', at: '2026-11-24T14:09:00Z', sha256: EXAMPLE_SHA256 };
const ready: SigningMarkView = { ...waiting, state: 'ready' };

/** A program that marks, takes marks back, and otherwise answers as the test says. */
function open(begin: DecisionView, more: { preview?: Partial<SigningPreviewView>; signing?: Failure } = {}) {
  let serial = begin.serial;
  const next = (changes: Partial<DecisionView>): Reply => ({ type: 'decision', value: { ...begin, ...changes, serial: (serial += 1) } });
  const answer = (request: Request): Reply | Failure | undefined => {
    switch (request.type) {
      case 'preview-signing':
        return { type: 'signing-preview', value: { ...examplePreview(), ...more.preview } };
      case 'sign-decision':
        return more.signing ?? { type: 'done' };
      case 'mark-decision':
        return next({ mark: waiting, canWrite: false, savedThere: null });
      case 'withdraw-mark':
        return next({ mark: null, canWrite: true });
      default:
        return undefined;
    }
  };
  const fixture = at({ screen: 'case', patient, tab: 'decision' }, { decisions: [begin], caseViews: [auenwaldCase], answer });
  const host = memoryHost(fixture);
  const desk = createDesk(host, fixture.start);
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
  const press = async (id: string) => {
    const button = await waitFor(() => page.getByTestId(id));
    act(() => {
      fireEvent.click(button);
    });
  };
  const asked = (type: Request['type']) => host.asked.filter((request) => request.type === type);
  const tell = (changes: Partial<DecisionView>) =>
    act(() => {
      host.send({ type: 'decision-changed', value: { ...begin, ...changes, serial: (serial += 1) } });
    });
  const text = () => page.getByTestId('decision-text').closest('textarea') ?? page.getByTestId('decision-text').querySelector('textarea');
  return { page, press, asked, tell, text };
}

afterEach(cleanup);

describe('without the platform', () => {
  test('exactly what is shown is marked, and nothing is signed', async () => {
    const { page, press, asked, text } = open(exampleView(), { preview: { outOfReach: unreachable } });
    await press('sign');
    await waitFor(() => page.getByTestId('mark-decision'));
    const dialog = page.getByTestId('signing-dialog');
    expect(dialog.textContent).toContain('Das wird vorgemerkt');
    expect(dialog.textContent).toContain('Die Plattform ist nicht erreichbar.');
    expect(page.queryByTestId('sign-as')).toBeNull();
    await press('mark-decision');
    const mark = await waitFor(() => page.getByTestId('mark'));
    expect(asked('mark-decision')).toEqual([{ type: 'mark-decision', patient, sha256: EXAMPLE_SHA256 }]);
    expect(asked('sign-decision')).toEqual([]);
    expect(page.queryByTestId('signing-dialog')).toBeNull();
    expect(mark.textContent).toBe(
      'Wird gezeichnet, sobald die Plattform genau diesen Stand angenommen hat und Sie es bestätigen. Noch nicht gezeichnet.',
    );
    expect(page.getByTestId('marked-by').textContent).toBe('Vorgemerkt von Dr. Falkenried am 24.11.2026, 15:09');
    expect(page.queryByTestId('sign')).toBeNull();
    expect(page.queryByTestId('confirm-mark')).toBeNull();
    expect(text()?.readOnly).toBe(true);
    expect(page.container.textContent).not.toContain('Gezeichnet von');
  });

  test('the focus follows from the button that goes to the one that comes', async () => {
    const { page, press } = open(exampleView(), { preview: { outOfReach: unreachable } });
    await press('sign');
    await press('mark-decision');
    await waitFor(() => {
      expect(document.activeElement).toBe(page.getByTestId('withdraw-mark'));
    });
    await press('withdraw-mark');
    await waitFor(() => {
      expect(document.activeElement).toBe(page.getByTestId('sign'));
    });
  });

  test('marking is offered as well when signing fails in the middle', async () => {
    const { page, press } = open(exampleView(), { signing: unreachable });
    await press('sign');
    await waitFor(() => page.getByTestId('sign-as'));
    expect(page.queryByTestId('mark-decision')).toBeNull();
    await press('sign-as');
    await press('mark-decision');
    await waitFor(() => page.getByTestId('mark'));
  });

  test('and not when somebody has to do something about it', async () => {
    const { page, press } = open(exampleView(), { signing: { code: 'not-allowed', detail: '403' } });
    await press('sign');
    await press('sign-as');
    await waitFor(() => {
      expect(page.getByTestId('signing-dialog').textContent).toContain('Die Plattform gibt das Ihrem Konto nicht frei.');
    });
    expect(page.queryByTestId('mark-decision')).toBeNull();
  });
});

describe('what is marked', () => {
  test('is signed by one press once the platform has exactly this', async () => {
    const { page, press, asked, tell } = open(exampleView({ mark: waiting, canWrite: false }));
    await waitFor(() => page.getByTestId('mark'));
    await act(async () => {
      fireEvent.keyDown(document.body, { key: 'u', ctrlKey: true });
      await new Promise((resolve) => setTimeout(resolve));
    });
    expect(page.queryByTestId('signing-dialog')).toBeNull();
    expect(asked('preview-signing')).toEqual([]);
    tell({ mark: ready, canWrite: false });
    expect(page.getByTestId('mark').textContent).toContain('Gezeichnet ist er erst, wenn Sie es bestätigen.');
    await press('confirm-mark');
    await waitFor(() => {
      expect(asked('sign-decision')).toEqual([{ type: 'sign-decision', patient, sha256: EXAMPLE_SHA256 }]);
    });
    expect(asked('preview-signing').length).toBeGreaterThan(0);
  });

  test('is shown once more where it is another text by now', async () => {
    const { page, press, asked } = open(exampleView({ mark: ready, canWrite: false }), { preview: { sha256: 'f'.repeat(64) } });
    await press('confirm-mark');
    await waitFor(() => page.getByTestId('sign-as'));
    expect(asked('sign-decision')).toEqual([]);
    await press('sign-as');
    await waitFor(() => {
      expect(asked('sign-decision')).toEqual([{ type: 'sign-decision', patient, sha256: 'f'.repeat(64) }]);
    });
  });

  test('is a draft again when it is taken back', async () => {
    const { page, press, text } = open(exampleView({ mark: waiting, canWrite: false }));
    await press('withdraw-mark');
    await waitFor(() => page.getByTestId('sign'));
    expect(page.queryByTestId('mark')).toBeNull();
    expect(text()?.readOnly).toBe(false);
  });

  test('says what somebody else changed, and that nothing was signed, until the person knows', async () => {
    const withdrawn: SigningMarkView = { state: 'withdrawn', at: '2026-11-24T14:09:00Z', fields: ['measure/m2', 'created', 'measure/gone'] };
    const { page, press, asked } = open(exampleView({ mark: withdrawn }));
    const mark = await waitFor(() => page.getByTestId('mark'));
    expect(mark.textContent).toBe(
      'Nichts wurde gezeichnet. Seit Ihrer Vormerkung vom 24.11.2026, 15:09 geändert: Empfehlung 2, Datum der Konferenz, Gelöschte Empfehlung. Prüfen Sie den Beschluss und zeichnen Sie ihn neu.',
    );
    expect(page.getByTestId('sign')).toBeTruthy();
    await press('mark-known');
    await waitFor(() => {
      expect(page.queryByTestId('mark')).toBeNull();
    });
    expect(asked('withdraw-mark')).toEqual([{ type: 'withdraw-mark', patient }]);
    expect(document.activeElement).toBe(page.getByTestId('decision-form'));
  });

  test('a dialog that was to confirm closes when the mark is withdrawn meanwhile', async () => {
    const { page, press, tell } = open(exampleView({ mark: ready, canWrite: false }), { preview: { sha256: 'f'.repeat(64) } });
    await press('confirm-mark');
    await waitFor(() => page.getByTestId('sign-as'));
    tell({ mark: { state: 'withdrawn', at: '2026-11-24T14:09:00Z', fields: ['text'] }, canWrite: true });
    await waitFor(() => {
      expect(page.queryByTestId('signing-dialog')).toBeNull();
    });
    expect(page.getByTestId('mark').textContent).toContain('Beschlusstext');
    await waitFor(() => {
      expect(document.activeElement).toBe(page.getByTestId('decision-form'));
    });
  });
});
