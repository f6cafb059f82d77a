import { cleanup, render, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import { speak } from '../i18n/language';
import { shown } from '../imaging/stageBench';
import { falkenried } from '../messages/examples';
import { at } from '../stories/story';
import { presentedBy, round, rounds } from './examples';
import { Together } from './Together';

beforeEach(() => speak('de'));
afterEach(cleanup);

test('what is shown names the patient whose images it describes', async () => {
  const { stage } = await shown();
  const start = at({ screen: 'case', patient: 'pat-auenwald', tab: 'images' }, { rounds: rounds({ round: round({ presenting: presentedBy(falkenried) }) }) });
  const host = memoryHost(start);
  const desk = createDesk(host, start.start);
  desk.openRounds();
  await waitFor(() => expect(desk.rounds.get().state).toBe('here'));
  const page = (patient: string) => (
    <DeskContext value={desk}>
      <Together stage={stage} patient={patient} />
    </DeskContext>
  );
  const { rerender } = render(page('pat-auenwald'));
  const patients = () => host.asked.flatMap((request) => (request.type === 'round' && request.round.step === 'show' ? [request.round.patient] : []));
  await waitFor(() => expect(patients()).toEqual(['pat-auenwald']));
  rerender(page('pat-steinklee'));
  stage.setIndex(0, 7);
  expect(new Set(patients())).toEqual(new Set(['pat-auenwald']));
});
