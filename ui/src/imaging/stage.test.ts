/** The stage over a drawing part and a pipe that the test moves by hand; frames of the page are turns of `draw`. */

import { beforeEach, describe, expect, it } from 'vitest';
import { speak } from '../i18n/language';
import { exampleSeries } from './examples';
import { measure, NO_MEASUREMENTS } from './measurements';
import { Bench, CANVAS, shown } from './stageBench';
import { StandInViewer, testCard } from './standIn';

beforeEach(() => {
  speak('de');
});

describe('the stage', () => {
  it('asks for a series with the image on screen first and shows it when it is there', async () => {
    const bench = await shown();
    expect(bench.pipe.wants).toEqual([{ series: 7, first: 0, last: 134, near: 0 }]);
    expect(bench.pane().phase).toEqual({ phase: 'loading', loaded: 0, of: 135 });
    bench.pipe.deliver(testCard(exampleSeries(), 0));
    await bench.frame();
    expect(bench.pane().phase.phase).toBe('ready');
    expect(bench.pane().corner?.image).toEqual({ index: 1, count: 135 });
  });

  it('keeps a picture and its text until the first one of the next series is there', async () => {
    const bench = await shown();
    bench.pipe.deliver(testCard(exampleSeries(), 0));
    await bench.frame();
    const next = exampleSeries({ handle: 8, series: '1.2.3.5', description: 'Next' });
    bench.views.set('1.2.3.5', next);
    bench.stage.show(0, '1.2.3', '1.2.3.5');
    await bench.frame();
    expect(bench.pane().phase.phase, 'the former picture').toBe('ready');
    expect(bench.pane().series).toBe('1.2.3.4');
    expect(bench.pipe.wants.at(-1)).toEqual({ series: 8, first: 0, last: 134, near: 0 });
    bench.pipe.deliver(testCard(next, 0));
    await bench.frame();
    expect(bench.pane().phase.phase, 'the next picture').toBe('ready');
    expect(bench.pane().corner?.series).toBe('Next');
  });

  it('does not keep a picture for longer than a moment', async () => {
    const bench = await shown();
    bench.pipe.deliver(testCard(exampleSeries(), 0));
    await bench.frame();
    bench.views.set('1.2.3.5', exampleSeries({ handle: 8, series: '1.2.3.5' }));
    bench.stage.show(0, '1.2.3', '1.2.3.5');
    await bench.frame();
    bench.timePasses();
    await bench.frame();
    expect(bench.pane().series).toBe('1.2.3.5');
    expect(bench.pane().phase).toEqual({ phase: 'loading', loaded: 0, of: 135 });
    expect(bench.stage.memory().viewports[0]?.series).toBe('1.2.3.5');
  });

  it('remembers the series that is on its way, with its whole look', async () => {
    const bench = await shown();
    bench.pipe.deliver(testCard(exampleSeries(), 0));
    await bench.frame();
    const look = { index: 3, window: undefined, table: 0, inverted: true };
    bench.views.set('1.2.3.5', exampleSeries({ handle: 8, series: '1.2.3.5' }));
    bench.stage.show(0, '1.2.3', '1.2.3.5', look);
    expect(bench.stage.memory().viewports).toEqual([{ study: '1.2.3', series: '1.2.3.5', ...look }]);
  });

  it('keeps the image on screen when the device is lost while the next series is on its way', async () => {
    const bench = await shown();
    for (const index of [0, 1]) bench.pipe.deliver(testCard(exampleSeries(), index));
    bench.stage.setIndex(0, 1);
    await bench.frame();
    bench.views.set('1.2.3.5', exampleSeries({ handle: 8, series: '1.2.3.5' }));
    bench.stage.show(0, '1.2.3', '1.2.3.5');
    bench.viewer.gone = true;
    bench.stage.setWindow(0, 50, 350);
    bench.drawOnly();
    bench.viewer = new StandInViewer();
    await bench.stage.attach(CANVAS);
    await bench.frame();
    expect(bench.pane().state?.index, 'image 2 of the series that is still shown').toBe(1);
  });

  it('says at once that the next series cannot be opened', async () => {
    const bench = await shown();
    bench.pipe.deliver(testCard(exampleSeries(), 0));
    await bench.frame();
    bench.stage.show(0, '1.2.3', '9.9.9');
    await bench.frame();
    expect(bench.pane().phase).toEqual({ phase: 'failed', code: 'not-displayable' });
  });

  it('tells progress that changes no picture only after a while, and the end of it at once', async () => {
    const view = exampleSeries({ frames: exampleSeries().frames.slice(0, 3) });
    const bench = new Bench();
    bench.views.set('1.2.3.4', view);
    await bench.stage.attach(CANVAS);
    bench.stage.show(0, '1.2.3', '1.2.3.4');
    await bench.frame();
    const loaded = () => bench.stage.snapshot().progress.get('1.2.3.4')?.loaded;
    bench.pipe.deliver(testCard(view, 0));
    await bench.frame();
    expect(loaded(), 'the picture on screen').toBe(1);
    bench.pipe.deliver(testCard(view, 1));
    await bench.frame();
    expect(loaded(), 'another picture').toBe(1);
    bench.timePasses();
    await bench.frame();
    expect(loaded(), 'after the wait').toBe(2);
    bench.pipe.deliver(testCard(view, 2));
    await bench.frame();
    expect(loaded(), 'the last picture').toBe(3);
  });

  it('prepares pictures to come in steps, until nothing is left to prepare', async () => {
    const bench = await shown();
    bench.viewer.toPrepare = 2;
    for (let step = 0; step < 3; step += 1) bench.timePasses();
    expect(bench.viewer.toPrepare).toBe(0);
    bench.timePasses();
    expect(bench.viewer.asked, 'three answers, the last of them no').toBe(3);
  });

  it('gives the same progress as long as nothing has changed', async () => {
    const bench = await shown();
    bench.pipe.deliver(testCard(exampleSeries(), 0));
    await bench.frame();
    const before = bench.stage.snapshot().progress;
    bench.stage.setWindow(0, 50, 350);
    bench.drawOnly();
    expect(bench.stage.snapshot().progress).toBe(before);
  });

  it('never labels a picture that is not drawn', async () => {
    const bench = await shown();
    bench.pipe.deliver(testCard(exampleSeries(), 0));
    await bench.frame();
    bench.viewer.missedDraws = 1;
    bench.stage.step(0, 1);
    bench.drawOnly();
    expect(bench.pane().corner?.image.index, 'the canvas still shows image 1').toBe(1);
    bench.drawOnly();
    expect(bench.pane().corner?.image.index).toBe(2);
  });

  it('shows black and a count while an image is missing, never the former one', async () => {
    const bench = await shown();
    bench.pipe.deliver(testCard(exampleSeries(), 0));
    await bench.frame();
    bench.stage.step(0, 1);
    bench.drawOnly();
    expect(bench.pane().phase).toEqual({ phase: 'loading', loaded: 1, of: 135 });
    expect(bench.pane().pointer).toBeUndefined();
  });

  it('asks anew for the gap that a reader scrolls into, with what is missing only', async () => {
    const bench = await shown();
    for (const index of [0, 1, 2]) bench.pipe.deliver(testCard(exampleSeries(), index));
    bench.stage.setIndex(0, 80);
    await bench.frame();
    expect(bench.pipe.wants.at(-1)).toEqual({ series: 7, first: 3, last: 134, near: 80 });
  });

  it('asks for the next gap when one is filled', async () => {
    const view = exampleSeries({ frames: exampleSeries().frames.slice(0, 5) });
    const bench = new Bench();
    bench.views.set('1.2.3.4', view);
    await bench.stage.attach(CANVAS);
    bench.stage.show(0, '1.2.3', '1.2.3.4');
    await bench.frame();
    bench.pipe.deliver(testCard(view, 2));
    bench.stage.setIndex(0, 4);
    await bench.frame();
    expect(bench.pipe.wants.at(-1)).toEqual({ series: 7, first: 3, last: 4, near: 4 });
    for (const index of [4, 3]) bench.pipe.deliver(testCard(view, index));
    expect(bench.pipe.wants.at(-1)).toEqual({ series: 7, first: 0, last: 1, near: 4 });
  });

  it('names the one image that cannot be shown; the others go on', async () => {
    const bench = await shown();
    bench.pipe.fail({ series: 7, frame: 0, code: 'image-truncated' });
    bench.pipe.deliver(testCard(exampleSeries(), 1));
    await bench.frame();
    expect(bench.pane().phase).toEqual({ phase: 'image-failed', code: 'image-truncated', image: 1, others: 134 });
    bench.stage.step(0, 1);
    await bench.frame();
    expect(bench.pane().phase.phase).toBe('ready');
  });

  it('asks again by itself for what the platform did not give, and for nothing else', async () => {
    const bench = await shown();
    bench.pipe.fail({ series: 7, frame: 0, code: 'platform-unreachable' });
    bench.pipe.fail({ series: 7, frame: 1, code: 'image-damaged' });
    await bench.frame();
    expect(bench.pane().phase).toEqual({ phase: 'image-failed', code: 'platform-unreachable', image: 1, others: 133 });
    const asked = bench.pipe.wants.length;
    bench.timePasses();
    await bench.frame();
    expect(bench.pipe.wants.slice(asked)).toEqual([{ series: 7, first: 0, last: 0, near: 0 }]);
    bench.pipe.deliver(testCard(exampleSeries(), 0));
    await bench.frame();
    expect(bench.pane().phase.phase).toBe('ready');
    bench.stage.step(0, 1);
    await bench.frame();
    expect(bench.pane().phase).toMatchObject({ phase: 'image-failed', code: 'image-damaged' });
  });

  it('tells why a series cannot be opened', async () => {
    const bench = new Bench();
    await bench.stage.attach(CANVAS);
    bench.stage.show(0, '1.2.3', 'unknown');
    await bench.frame();
    expect(bench.pane().phase).toEqual({ phase: 'failed', code: 'not-displayable' });
  });

  it('stops loading on request and goes on with what is missing', async () => {
    const bench = await shown();
    bench.pipe.deliver(testCard(exampleSeries(), 0));
    bench.stage.stopLoading('1.2.3.4');
    expect(bench.pipe.drops).toEqual([7]);
    await bench.frame();
    expect(bench.stage.snapshot().progress.get('1.2.3.4')).toMatchObject({ loaded: 1, of: 135, stopped: true });
    bench.stage.resumeLoading('1.2.3.4');
    expect(bench.pipe.wants.at(-1)).toEqual({ series: 7, first: 1, last: 134, near: 0 });
  });

  it('takes a study that is another person\u2019s off the screen and lets go of it', async () => {
    const bench = await shown();
    bench.pipe.deliver(testCard(exampleSeries(), 0));
    await bench.frame();
    bench.stage.hideStudy('1.2.3');
    await bench.frame();
    expect(bench.pane().phase.phase).toBe('empty');
    expect(bench.closed).toEqual([7]);
    expect(bench.viewer.series.size).toBe(0);
  });

  it('loses no step that is made while the layout changes', async () => {
    const bench = await shown();
    bench.stage.setLayout('2x2');
    bench.stage.step(0, 1);
    bench.stage.step(0, 1);
    await bench.frame();
    expect(bench.pane().state?.index).toBe(2);
  });

  it('keeps what a hidden viewport shows', async () => {
    const bench = await shown();
    bench.stage.setLayout('2x2');
    bench.stage.show(3, '1.2.3', '1.2.3.4');
    await bench.frame();
    bench.stage.setIndex(3, 20);
    await bench.frame();
    bench.stage.enlarge(0);
    await bench.frame();
    expect(bench.stage.snapshot().viewports.map(({ id }) => id)).toEqual([0]);
    bench.stage.enlarge(0);
    await bench.frame();
    expect(bench.pane(3).state?.index).toBe(20);
  });

  it('comes back to where the reader was', async () => {
    const bench = await shown();
    bench.stage.setIndex(0, 54);
    bench.stage.preset(0, 2);
    bench.stage.invert(0);
    await bench.frame();
    const memory = bench.stage.memory();

    const again = new Bench();
    again.stage.recall(memory);
    await again.stage.attach(CANVAS);
    await again.frame();
    await again.frame();
    expect(again.pane().state).toMatchObject({ index: 54, inverted: true, window: { center: -600, width: 1500 } });
    expect(again.pipe.wants.at(-1)).toMatchObject({ near: 54 });
  });

  it('restores itself after the graphics device was lost', async () => {
    const bench = await shown();
    bench.stage.setIndex(0, 54);
    await bench.frame();
    bench.viewer.gone = true;
    bench.stage.invert(0);
    await bench.frame();
    expect(bench.stage.snapshot().gpu).toBe('lost');
    expect(bench.pane().phase.phase, 'nothing is claimed meanwhile').toBe('opening');

    bench.viewer = new StandInViewer();
    await bench.stage.attach(CANVAS);
    await bench.frame();
    expect(bench.pane().state?.index).toBe(54);
    expect(bench.pipe.wants.at(-1)).toEqual({ series: 7, first: 0, last: 134, near: 54 });
  });

  it('names no image that could not be drawn', async () => {
    const bench = await shown();
    for (const index of [0, 1]) bench.pipe.deliver(testCard(exampleSeries(), index));
    await bench.frame();
    bench.viewer.draw = () => {
      throw new Error('no memory');
    };
    bench.stage.setIndex(0, 1);
    expect(() => { bench.drawOnly(); }).toThrow('no memory');
    expect(bench.pane().state?.index, 'as on the canvas').toBe(0);
    bench.viewer.draw = () => true;
    bench.stage.invert(0);
    await bench.frame();
    expect(bench.pane().state?.index).toBe(1);
  });

  it('draws by the processor after a graphics device was lost twice', async () => {
    const bench = await shown();
    for (const change of [1, 2]) {
      bench.viewer.gone = true;
      bench.stage.setWindow(0, 50, 350 + change);
      await bench.frame();
      bench.viewer = new StandInViewer();
      await bench.stage.attach(CANVAS);
      await bench.frame();
    }
    expect(bench.drawings).toEqual(['auto', 'auto', 'processor']);
  });

  it('says so when there is no way for image data', async () => {
    const bench = await shown();
    bench.pipe.lose();
    await bench.frame();
    expect(bench.stage.snapshot().pipe).toBe('failed');
  });
});

describe('pointing', () => {
  it('asks once for the values of an image that were forgotten', async () => {
    const series = exampleSeries();
    // No more than one image's values are kept.
    const bench = await shown(1);
    for (let frame = 0; frame < series.frames.length; frame += 1) bench.pipe.deliver(testCard(series, frame));
    await bench.frame();
    bench.pipe.wants.length = 0;
    bench.stage.pointing.move(0, [1, 1]);
    bench.drawOnly();
    bench.stage.pointing.move(0, [2, 2]);
    bench.drawOnly();
    expect(bench.pane().pointer?.reading).toEqual({ kind: 'not-here' });
    expect(bench.pipe.wants).toEqual([{ series: 7, first: 0, last: 0, near: 0 }]);
    bench.pipe.deliver(testCard(series, 0));
    await bench.frame();
    expect(bench.pane().pointer?.reading.kind).toBe('value');
    expect(bench.pipe.wants).toHaveLength(1);
  });

  async function ready(): Promise<Bench> {
    const bench = await shown();
    bench.pipe.deliver(testCard(exampleSeries(), 0));
    await bench.frame();
    return bench;
  }

  it('reads the value under the pointer with its unit and place', async () => {
    const bench = await ready();
    // 256 columns on 512 px: the far corner is air.
    bench.stage.pointing.move(0, [1, 1]);
    await bench.frame();
    expect(bench.pane().pointer).toEqual({
      reading: { kind: 'value', text: '\u22121.000\u00a0HU' },
      patient: '\u2212125,0\u00a0mm | \u2212125,0\u00a0mm',
    });
    bench.stage.pointing.move(0, undefined);
    await bench.frame();
    expect(bench.pane().pointer).toBeUndefined();
  });

  it('measures from point to point with the keyboard', async () => {
    const bench = await ready();
    const { pointing } = bench.stage;
    pointing.moveCursor(0, 0, 0);
    const from = pointing.cursor(0);
    expect(from).toEqual({ column: 128.5, row: 128.5 });
    pointing.begin(0, { column: 128.5, row: 128.5 });
    pointing.moveCursor(0, 10, 0);
    await bench.frame();
    // 10 columns of 0.977 mm.
    expect(bench.pane().pending?.text).toBe('9,8\u00a0mm');
    expect(pointing.end(0)).toMatchObject({ from, to: { column: 138.5, row: 128.5 } });
  });

  it('keeps the cursor inside the image', async () => {
    const bench = await ready();
    bench.stage.pointing.moveCursor(0, -1000, 1000);
    expect(bench.stage.pointing.cursor(0)).toEqual({ column: 0.5, row: 255.5 });
  });

  it('draws a measurement on its own image only, and where the picture is', async () => {
    const bench = await ready();
    bench.stage.pointing.setMeasurements(
      measure(NO_MEASUREMENTS, {
        type: 'add',
        measurement: {
          kind: 'length',
          id: 'one',
          series: '1.2.3.4',
          instance: '1.2.3.4.1',
          frame: 1,
          from: { column: 10, row: 20 },
          to: { column: 20, row: 20 },
          value: 9.77,
          unit: 'mm',
        },
      }),
    );
    await bench.frame();
    expect(bench.pane().shapes).toMatchObject([{ from: [20, 40], to: [40, 40], text: '9,8\u00a0mm', selected: true }]);
    bench.stage.pan(0, 5, 0);
    await bench.frame();
    expect(bench.pane().shapes).toMatchObject([{ from: [25, 40] }]);
    bench.pipe.deliver(testCard(exampleSeries(), 1));
    bench.stage.step(0, 1);
    await bench.frame();
    expect(bench.pane().shapes).toEqual([]);
  });
});
