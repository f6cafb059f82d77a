import { act, cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPlaces, PlacesContext } from '../frame/place';
import type { Drawing } from '../host/contract';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import { speak } from '../i18n/language';
import { auenwaldCase } from '../stories/records';
import { at } from '../stories/story';
import { exampleSeries, exampleStudy } from './examples';
import { ImagesTab } from './ImagesTab';
import { StandInPipe, StandInViewer, testCard } from './standIn';
import { DoorsContext, type StageDoors } from './useStage';

const PATIENT = 'pat-auenwald';
const ct = exampleSeries({ frames: exampleSeries().frames.slice(0, 4) });

beforeEach(() => {
  speak('de');
  // The test page measures nothing.
  vi.spyOn(Element.prototype, 'getBoundingClientRect').mockReturnValue(new DOMRect(0, 0, 512, 512));
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

class Drawn extends StandInViewer {
  freed = false;

  constructor(
    readonly canvas: HTMLCanvasElement,
    readonly by: Drawing,
  ) {
    super(canvas);
    const { free } = this;
    this.free = () => {
      this.freed = true;
      free();
    };
  }
}

function open() {
  const viewers: Drawn[] = [];
  const doors: StageDoors = {
    createViewer: (canvas, by) => {
      const viewer = new Drawn(canvas, by);
      viewers.push(viewer);
      return Promise.resolve(viewer);
    },
    openPipe: () => {
      const pipe = new StandInPipe();
      pipe.onWant = (handle, first, last) => {
        if (handle !== ct.handle) return;
        window.setTimeout(() => {
          for (let frame = first; frame <= last; frame += 1) pipe.deliver(testCard(ct, frame));
        });
      };
      return Promise.resolve(pipe);
    },
  };
  const fixture = at(
    { screen: 'case', patient: PATIENT, tab: 'images' },
    {
      caseViews: [auenwaldCase],
      images: [{ patient: PATIENT, serial: 1, studies: [exampleStudy()], loading: false, failure: null }],
      answer: (request) => (request.type === 'open-series' ? { type: 'series', value: ct } : undefined),
    },
  );
  const host = memoryHost(fixture);
  const desk = createDesk(host, fixture.start);
  const page = render(
    <DoorsContext value={doors}>
      <DeskContext value={desk}>
        <PlacesContext value={createPlaces(desk, fixture.start.place)}>
          <ImagesTab patient={PATIENT} />
        </PlacesContext>
      </DeskContext>
    </DoorsContext>,
  );
  const draws = (by: Drawing) => act(() => host.send({ type: 'settings-changed', value: { ...fixture.start.settings, drawing: by } }));
  const pane = () => page.getByTestId('viewport-1').dataset;
  return { page, viewers, draws, pane };
}

test('what draws is changed while images are open: the same image comes back on a canvas of its own', async () => {
  const { page, viewers, draws, pane } = open();
  await waitFor(() => expect(pane()).toMatchObject({ series: ct.series, ready: 'true', index: '0' }));
  fireEvent.wheel(page.getByTestId('viewport-1'), { deltaY: 100 });
  await waitFor(() => expect(pane()['index']).toBe('1'));
  draws('processor');
  await waitFor(() => expect(pane()).toMatchObject({ series: ct.series, ready: 'true', index: '1' }));
  expect(viewers.map(({ by, freed }) => [by, freed])).toEqual([
    ['auto', true],
    ['processor', false],
  ]);
  // A canvas that a graphics device has drawn on gives nothing else to draw on.
  expect(viewers[1]?.canvas).not.toBe(viewers[0]?.canvas);
  draws('graphics');
  await waitFor(() => expect(viewers.map(({ by, freed }) => [by, freed])).toEqual([['auto', true], ['processor', true], ['graphics', false]]));
  await waitFor(() => expect(pane()).toMatchObject({ series: ct.series, ready: 'true', index: '1' }));
});
