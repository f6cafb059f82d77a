/** Two stages: one shows, the other follows. Between them goes nothing but the presentation, as JSON. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { Presentation, SeriesView } from '../host/contract';
import { speak } from '../i18n/language';
import { exampleSeries } from './examples';
import type { Measurements } from './measurements';
import { Bench, CANVAS, shown } from './stageBench';
import { samePresentation } from './stagePresentation';
import { StandInViewer, testCard } from './standIn';

const SERIES = '1.2.3.4';
const OTHER = '1.2.3.5';
const NAME = 'Dr. Sonnkaya';

beforeEach(() => {
  speak('de');
});

/** Image 55 of the example series, on 512 × 512 pixels. */
async function presenter(): Promise<Bench> {
  const bench = await shown();
  bench.stage.setIndex(0, 54);
  bench.pipe.deliver(testCard(exampleSeries(), 54));
  await bench.frame();
  return bench;
}

/** A stage of another size, in which nothing is shown yet. */
async function follower(...views: SeriesView[]): Promise<Bench> {
  const bench = new Bench(undefined, [400, 300]);
  for (const view of views) bench.views.set(view.series, view);
  await bench.stage.attach(CANVAS);
  await bench.frame();
  return bench;
}

function said(bench: Bench): Presentation {
  const presentation = bench.stage.presentation();
  if (presentation === undefined) throw new Error('something is shown');
  return JSON.parse(JSON.stringify(presentation)) as Presentation;
}

/** A length of 100 columns on image 55, and one on another image. */
function measured(): Measurements {
  const length = { kind: 'length', series: SERIES, frame: 1, from: { column: 10, row: 20 }, to: { column: 110, row: 20 }, value: 97.7, unit: 'mm' } as const;
  const list = [
    { ...length, id: 'a', instance: '1.2.3.4.55' },
    { ...length, id: 'b', instance: '1.2.3.4.9' },
  ];
  return { list, selected: 'a', past: [], future: [] };
}

async function follow(from: Bench, to: Bench): Promise<void> {
  to.stage.follow(said(from), NAME);
  await to.frame();
}

describe('who shows images', () => {
  it('says which image is shown, and how, in millimeters of the patient', async () => {
    const bench = await presenter();
    const middle = -125 + 127.5 * 0.977;
    expect(bench.stage.presentation()).toEqual({
      layout: '1x1',
      active: 0,
      views: [
        {
          place: 0,
          study: '1.2.3',
          series: SERIES,
          instance: '1.2.3.4.55',
          frame: 1,
          plane: { origin: [-125, -125, -300 + 3.75 * 54], row: [1, 0, 0], column: [0, 1, 0] },
          center: [expect.closeTo(middle, 9), expect.closeTo(middle, 9), -97.5],
          height: expect.closeTo(256 * 0.977, 9) as number,
          voi: { by: 'as-stored' },
          inverted: false,
          flipped: [false, false],
          turns: 0,
        },
      ],
      pointer: null,
      marks: [],
    });
  });

  it('says nothing before there is a canvas', () => {
    expect(new Bench().stage.presentation()).toBeUndefined();
  });

  it('says of an image without geometry where it is in its own pixels', async () => {
    const frames = exampleSeries().frames.map((frame) => ({ ...frame, position: null, orientation: null }));
    const plain = exampleSeries({ frames, spacing: null, calibration: 'none' });
    const bench = new Bench();
    bench.views.set(SERIES, plain);
    await bench.stage.attach(CANVAS);
    bench.stage.show(0, '1.2.3', SERIES);
    await bench.frame();
    bench.stage.zoom(0, 2);
    expect(said(bench).views).toMatchObject([{ plane: null, center: [128, 128, 0], height: 128 }]);
  });

  it('shows an enlarged viewport as the only one', async () => {
    const bench = await presenter();
    bench.stage.setLayout('2x2');
    bench.stage.show(3, '1.2.3', SERIES);
    await bench.frame();
    bench.stage.enlarge(3);
    await bench.frame();
    const now = said(bench);
    expect([now.layout, now.active]).toEqual(['1x1', 0]);
    expect(now.views.map(({ place, instance }) => [place, instance])).toEqual([[0, '1.2.3.4.1']]);
  });

  it('leaves out what is empty, and says the same again while nothing changes', async () => {
    const bench = await presenter();
    bench.stage.setLayout('1x2');
    await bench.frame();
    const before = said(bench);
    expect(before.views.map(({ place }) => place)).toEqual([0]);
    bench.drawOnly();
    expect(samePresentation(before, bench.stage.presentation())).toBe(true);
    bench.stage.pan(0, 1, 0);
    expect(samePresentation(before, bench.stage.presentation())).toBe(false);
  });

  it('points where the mouse is over the image, and no more when it has left', async () => {
    const bench = await presenter();
    // Two screen pixels an image pixel: column 10, row 20.
    bench.stage.pointing.move(0, [20, 40]);
    const at = [-125 + 9.5 * 0.977, -125 + 19.5 * 0.977, -97.5].map((value) => expect.closeTo(value, 9) as number);
    expect(said(bench).pointer).toEqual({ place: 0, at });
    bench.stage.pointing.move(0, undefined);
    expect(said(bench).pointer).toBeNull();
  });

  it('points with the keyboard\u2019s cursor where there is no mouse', async () => {
    const bench = await presenter();
    bench.stage.pointing.moveCursor(0, 0, 0);
    const middle = expect.closeTo(-125 + 128 * 0.977, 9) as number;
    expect(said(bench).pointer).toEqual({ place: 0, at: [middle, middle, -97.5] });
  });

  it('tells what was measured on the image that is shown, in millimeters of the patient', async () => {
    const bench = await presenter();
    bench.stage.pointing.setMeasurements(measured());
    await bench.frame();
    const point = (column: number, row: number) => [-125 + (column - 0.5) * 0.977, -125 + (row - 0.5) * 0.977, -97.5].map((value) => expect.closeTo(value, 9) as number);
    expect(said(bench).marks).toEqual([
      { id: 'a', instance: '1.2.3.4.55', frame: 1, shape: { kind: 'length', from: point(10, 20), to: point(110, 20) }, text: '97,7\u00a0mm' },
    ]);
    bench.stage.setIndex(0, 53);
    bench.pipe.deliver(testCard(exampleSeries(), 53));
    await bench.frame();
    expect(said(bench).marks).toEqual([]);
  });

  it('sees the own pointer as the others do, for as long as they do', async () => {
    const bench = await presenter();
    bench.stage.pointing.move(0, [20, 40]);
    bench.stage.setPresenting('Sie');
    await bench.frame();
    expect(bench.pane().presenter).toEqual({ at: [20, 40], name: 'Sie' });
    bench.stage.setPresenting(undefined);
    await bench.frame();
    expect(bench.pane().presenter).toBeUndefined();
  });
});

describe('who follows', () => {
  it('looks for a study once more that is listed a little later', async () => {
    const from = await presenter();
    const to = await follower();
    to.refusal = 'not-found';
    to.views.clear();
    await follow(from, to);
    expect(to.stage.followed()?.why).toBe('not-found');
    to.stage.findAgain(new Set(['1.2.9']));
    expect(to.opened).toEqual([SERIES]);
    to.views.set(SERIES, exampleSeries());
    to.stage.findAgain(new Set(['1.2.3']));
    await to.frame();
    to.pipe.deliver(testCard(exampleSeries(), 54));
    await to.frame();
    expect([to.opened, to.stage.followed()?.why]).toEqual([[SERIES, SERIES], null]);
  });

  it('measures the same points on the own image, under the name of whoever shows', async () => {
    const from = await presenter();
    from.stage.pointing.setMeasurements(measured());
    await from.frame();
    const to = await follower(exampleSeries());
    to.stage.show(0, '1.2.3', SERIES);
    await to.frame();
    await follow(from, to);
    to.pipe.deliver(testCard(exampleSeries(), 54));
    await to.frame();
    const [shape] = to.pane().shapes;
    expect(shape).toMatchObject({ kind: 'length', text: `97,7\u00a0mm · ${NAME}`, others: true, selected: false });
    // 400 × 300 pixels show the 256 rows as the presenter's 512 do: 300 / 256 a pixel, the image in the middle.
    const scale = 300 / 256;
    const left = 200 - 128 * scale;
    expect(shape?.kind === 'length' ? [shape.from, shape.to] : []).toEqual([
      [expect.closeTo(left + 10 * scale, 6), expect.closeTo(20 * scale, 6)],
      [expect.closeTo(left + 110 * scale, 6), expect.closeTo(20 * scale, 6)],
    ]);
    to.stage.follow(undefined);
    await to.frame();
    expect(to.pane().shapes).toEqual([]);
  });

  it('sees the same image, window and height of field in a viewport of another size', async () => {
    const [from, to] = [await presenter(), await follower()];
    from.stage.preset(0, 2);
    from.stage.invert(0);
    from.stage.zoom(0, 2);
    await follow(from, to);
    to.pipe.deliver(testCard(exampleSeries(), 54));
    await to.frame();
    const { state, phase } = to.pane();
    expect(phase.phase).toBe('ready');
    expect(state).toMatchObject({ index: 54, inverted: true, window: { center: -600, width: 1500 } });
    // Half of 256 rows of 0.977 mm on 300 pixels.
    expect(state?.mmPerPx).toBeCloseTo((128 * 0.977) / 300, 9);
    expect(said(to).views[0]).toMatchObject({ height: expect.closeTo(128 * 0.977, 9) as number });
    expect(to.stage.followed()).toEqual({ why: null, done: 1, of: 135 });
  });

  it('sees it turned and flipped as it is shown', async () => {
    const [from, to] = [await presenter(), await follower()];
    from.stage.rotate(0, 1);
    from.stage.flip(0, 'vertical');
    await follow(from, to);
    expect(said(to).views[0]).toMatchObject({ flipped: [true, false], turns: 1 });
    expect(said(from).views[0]).toMatchObject({ flipped: [true, false], turns: 1 });
  });

  it('gets the image that is shown first, and is told that it is on its way', async () => {
    const [from, to] = [await presenter(), await follower()];
    to.stage.follow(said(from), NAME);
    expect(to.stage.followed(), 'the series is being opened').toEqual({ why: 'loading', done: 0, of: 0 });
    await to.frame();
    expect(to.pipe.wants).toEqual([{ series: 7, first: 0, last: 134, near: 54 }]);
    expect(to.stage.followed()).toEqual({ why: 'loading', done: 0, of: 135 });
    from.stage.setIndex(0, 80);
    await follow(from, to);
    expect(to.pipe.wants.at(-1)).toEqual({ series: 7, first: 0, last: 134, near: 80 });
    to.pipe.deliver(testCard(exampleSeries(), 54));
    await to.frame();
    expect(to.stage.followed(), 'another one has come').toEqual({ why: 'loading', done: 1, of: 135 });
    to.pipe.deliver(testCard(exampleSeries(), 80));
    await to.frame();
    expect(to.stage.snapshot().followed).toEqual({ why: null, done: 2, of: 135 });
  });

  it('opens nothing again and draws nothing again for what is shown already', async () => {
    const [from, to] = [await presenter(), await follower()];
    await follow(from, to);
    await follow(from, to);
    from.stage.pointing.move(0, [20, 40]);
    await follow(from, to);
    expect(to.opened).toEqual([SERIES]);
    expect(to.viewer.presentings).toBe(1);
    from.stage.pan(0, 3, 0);
    await follow(from, to);
    expect(to.opened).toEqual([SERIES]);
    expect(to.viewer.presentings).toBe(2);
  });

  it('finds the image by its name, wherever it stands in the own series', async () => {
    const turned = exampleSeries({ frames: [...exampleSeries().frames].reverse() });
    const [from, to] = [await presenter(), await follower(turned)];
    await follow(from, to);
    expect(to.pane().state?.index, 'the 55th from the end').toBe(80);
  });

  it('is told that the own archive has the series without the image', async () => {
    const half = exampleSeries({ frames: exampleSeries().frames.slice(0, 50) });
    const [from, to] = [await presenter(), await follower(half)];
    await follow(from, to);
    expect(to.stage.followed()).toEqual({ why: 'not-found', done: 0, of: 50 });
    expect(to.pane()).toMatchObject({ phase: { phase: 'empty' }, state: undefined, withheld: 'not-found' });
    from.stage.setIndex(0, 10);
    await follow(from, to);
    expect(to.pane(), 'the next image is there').toMatchObject({ state: { index: 10 }, withheld: undefined });
  });

  it('shows no image that lies elsewhere in the patient than the presenter\u2019s', async () => {
    const moved = (by: number) =>
      exampleSeries({
        frames: exampleSeries().frames.map((frame) => ({
          ...frame,
          position: frame.position === null ? null : [frame.position[0] + by, frame.position[1], frame.position[2]],
        })),
      });
    const from = await presenter();
    const near = await follower(moved(0.009));
    await follow(from, near);
    expect(near.stage.followed()?.why).toBe('loading');
    const far = await follower(moved(0.011));
    await follow(from, far);
    expect(far.stage.followed()?.why).toBe('not-displayable');
    expect(far.pane()).toMatchObject({ state: undefined, withheld: 'not-displayable' });
  });

  it('shows no image whose rows run elsewhere, or of which only one archive knows where it lies', async () => {
    const frames = exampleSeries().frames;
    const from = await presenter();
    const tilted = await follower(
      exampleSeries({ frames: frames.map((frame) => ({ ...frame, orientation: [1, 0.002, 0, -0.002, 1, 0] })) }),
    );
    await follow(from, tilted);
    expect(tilted.stage.followed()?.why).toBe('not-displayable');
    const unknown = await follower(exampleSeries({ frames: frames.map((frame) => ({ ...frame, position: null })) }));
    await follow(from, unknown);
    expect(unknown.stage.followed()?.why).toBe('not-displayable');
  });

  it('is told why the own archive does not open the series', async () => {
    const [from, to] = [await presenter(), await follower()];
    to.views.clear();
    await follow(from, to);
    expect(to.stage.followed()).toEqual({ why: 'not-displayable', done: 0, of: 0 });
  });

  it('takes over the layout, and empties what is empty there', async () => {
    const [from, to] = [await presenter(), await follower(exampleSeries({ handle: 8, series: OTHER }))];
    to.stage.setLayout('2x2');
    to.stage.show(1, '1.2.3', OTHER);
    await to.frame();
    from.stage.setLayout('1x2');
    from.stage.activate(1);
    await from.frame();
    await follow(from, to);
    expect(to.stage.snapshot()).toMatchObject({ layout: '1x2', active: 1 });
    expect(to.stage.snapshot().viewports.map(({ series }) => series)).toEqual([SERIES, undefined]);
    expect(to.stage.followed(), 'nothing is shown where the presenter works').toEqual({ why: null, done: 0, of: 0 });
  });

  it('sees alone what the presenter has enlarged', async () => {
    const [from, to] = [await presenter(), await follower()];
    from.stage.setLayout('1x2');
    from.stage.show(1, '1.2.3', SERIES);
    await from.frame();
    await follow(from, to);
    from.stage.setIndex(1, 3);
    from.stage.enlarge(1);
    await from.frame();
    await follow(from, to);
    expect(to.stage.snapshot()).toMatchObject({ layout: '1x1', enlarged: false });
    expect(to.pane(0).state?.index).toBe(3);
  });

  it('sees the presenter\u2019s pointer at the same place of the patient, with the name, until it leaves', async () => {
    const [from, to] = [await presenter(), await follower()];
    // Column 10, row 20 of an image that fits 300 pixels of height in a width of 400.
    from.stage.pointing.move(0, [20, 40]);
    await follow(from, to);
    expect(to.pane().presenter, 'not on what is not there yet').toBeUndefined();
    to.pipe.deliver(testCard(exampleSeries(), 54));
    await to.frame();
    const scale = 300 / 256;
    const at = [50 + 10 * scale, 20 * scale].map((value) => expect.closeTo(value, 6) as number);
    expect(to.pane().presenter).toEqual({ at, name: NAME });
    from.stage.pointing.move(0, undefined);
    await follow(from, to);
    expect(to.pane().presenter).toBeUndefined();
  });

  it('keeps a picture with its own text, and without the pointer, until the next series is there', async () => {
    const next = exampleSeries({ handle: 8, series: OTHER });
    const [from, to] = [await presenter(), await follower(next)];
    from.views.set(OTHER, next);
    await follow(from, to);
    to.pipe.deliver(testCard(exampleSeries(), 54));
    await to.frame();
    from.stage.show(0, '1.2.3', OTHER, { index: 20, window: undefined, inverted: false });
    await from.frame();
    from.pipe.deliver(testCard(next, 20));
    from.stage.pointing.move(0, [20, 40]);
    await from.frame();
    await follow(from, to);
    expect(to.pane()).toMatchObject({ series: SERIES, phase: { phase: 'ready' }, presenter: undefined });
    expect(to.stage.followed()?.why).toBe('loading');
    expect(to.pipe.wants.at(-1)).toEqual({ series: 8, first: 0, last: 134, near: 20 });
    from.stage.setIndex(0, 30);
    from.pipe.deliver(testCard(next, 30));
    await from.frame();
    await follow(from, to);
    expect(to.pipe.wants.at(-1), 'the presenter has gone on').toEqual({ series: 8, first: 0, last: 134, near: 30 });
    to.pipe.deliver(testCard(next, 30));
    await to.frame();
    expect(to.pane()).toMatchObject({ series: OTHER, phase: { phase: 'ready' }, state: { index: 30 } });
    expect(to.pane().presenter?.name).toBe(NAME);
    expect(to.stage.followed()?.why).toBeNull();
  });

  it('keeps a length that is being drawn as long as the image stays', async () => {
    const [from, to] = [await presenter(), await follower()];
    await follow(from, to);
    to.stage.pointing.begin(0, { column: 10, row: 20 });
    from.stage.pan(0, 5, 0);
    await follow(from, to);
    expect(to.stage.pointing.pending(0)).toBeDefined();
    from.stage.step(0, 1);
    await follow(from, to);
    expect(to.stage.pointing.pending(0)).toBeUndefined();
  });

  it('keeps the height of the field when the own window changes its size', async () => {
    const [from, to] = [await presenter(), await follower()];
    await follow(from, to);
    // Too narrow for the whole width, which is the presenter's to choose.
    to.stage.resize(200, 600, 2);
    await to.frame();
    // 256 rows of 0.977 mm on 600 pixels of two device pixels each.
    expect(to.pane().state?.mmPerPx).toBeCloseTo((256 * 0.977) / 1200, 9);
  });

  it('follows on a new canvas when the graphics device was lost', async () => {
    const [from, to] = [await presenter(), await follower()];
    from.stage.zoom(0, 2);
    await follow(from, to);
    to.viewer.gone = true;
    from.stage.setIndex(0, 60);
    await follow(from, to);
    expect(to.stage.snapshot().gpu).toBe('lost');
    expect(to.stage.followed()?.why).toBe('loading');
    to.viewer = new StandInViewer();
    await to.stage.attach(CANVAS);
    await to.frame();
    expect(to.pane().state?.index).toBe(60);
    expect(to.pane().state?.mmPerPx).toBeCloseTo((128 * 0.977) / 300, 9);
  });

  it('shows nothing of a study that is another person\u2019s, and shows it once that is settled', async () => {
    const [from, to] = [await presenter(), await follower()];
    to.stage.setRefused(new Set(['1.2.3']));
    await follow(from, to);
    expect(to.stage.followed()?.why).toBe('other-patient');
    expect(to.pane()).toMatchObject({ series: undefined, withheld: 'other-patient' });
    expect(to.opened).toEqual([]);
    to.stage.setRefused(new Set());
    await to.frame();
    expect(to.pane().state?.index).toBe(54);
    to.stage.hideStudy('1.2.3');
    from.stage.step(0, 1);
    await follow(from, to);
    expect(to.pane().series).toBeUndefined();
    expect(to.stage.followed()?.why).toBe('other-patient');
  });

  it('goes on after something that could not be drawn, and says it once', async () => {
    const [from, to] = [await presenter(), await follower()];
    to.viewer.refusing = true;
    await follow(from, to);
    expect(to.stage.followed()?.why).toBe('not-displayable');
    expect(to.pane().state, 'and shows nothing of it').toBeUndefined();
    from.stage.step(0, 1);
    await follow(from, to);
    expect(to.faults).toEqual(['presentation: Error: what is to be shown has a number that cannot be']);
    to.viewer.refusing = false;
    from.stage.step(0, 1);
    await follow(from, to);
    expect(to.pane().state?.index).toBe(56);
  });

  it('says before the own hand changes anything, once, and follows no more', async () => {
    const [from, to] = [await presenter(), await follower()];
    await follow(from, to);
    const seen: (number | undefined)[] = [];
    to.stage.onOwnHand(() => seen.push(to.pane().state?.index));
    to.stage.step(0, 1);
    to.stage.setWindow(0, 10, 20);
    await to.frame();
    expect(seen, 'what was shown when it was said').toEqual([54]);
    expect(to.stage.followed()).toBeUndefined();
    // Whoever listens has not come to it yet.
    from.stage.setIndex(0, 100);
    await follow(from, to);
    expect(to.pane().state).toMatchObject({ index: 55, window: { center: 10, width: 20 } });
    to.stage.follow(undefined);
    await follow(from, to);
    expect(to.pane().state?.index, 'and follows again').toBe(100);
  });

  it.each<[string, (bench: Bench) => void]>([
    ['scrolling', ({ stage }) => stage.step(0, 1)],
    ['the last image', ({ stage }) => stage.edge(0, 'last')],
    ['a window', ({ stage }) => stage.changeWindow(0, 10, 0)],
    ['a preset', ({ stage }) => stage.preset(0, 1)],
    ['inverting', ({ stage }) => stage.invert(0)],
    ['zooming', ({ stage }) => stage.zoom(0, 2)],
    ['panning', ({ stage }) => stage.pan(0, 1, 0)],
    ['fitting', ({ stage }) => stage.fit(0)],
    ['one to one', ({ stage }) => stage.oneToOne(0)],
    ['turning', ({ stage }) => stage.rotate(0, 1)],
    ['flipping', ({ stage }) => stage.flip(0, 'horizontal')],
    ['resetting', ({ stage }) => stage.reset(0)],
    ['a layout', ({ stage }) => stage.setLayout('2x2')],
    ['enlarging', ({ stage }) => stage.enlarge(1)],
    ['another series', ({ stage }) => stage.show(0, '1.2.3', OTHER)],
  ])('%s is the own hand', async (_, act) => {
    const [from, to] = [await presenter(), await follower()];
    from.stage.setLayout('1x2');
    await from.frame();
    await follow(from, to);
    let heard = 0;
    to.stage.onOwnHand(() => {
      heard += 1;
      to.stage.follow(undefined);
    });
    act(to);
    expect(heard).toBe(1);
  });

  it('neither following, looking, choosing a viewport nor a drag that has not begun is the own hand', async () => {
    const [from, to] = [await presenter(), await follower()];
    let heard = 0;
    to.stage.onOwnHand(() => (heard += 1));
    from.stage.setLayout('1x2');
    await from.frame();
    await follow(from, to);
    from.stage.step(0, 1);
    await follow(from, to);
    to.stage.activate(1);
    to.stage.pointing.move(0, [5, 5]);
    to.stage.resize(640, 480, 1);
    to.stage.pan(0, 0, 0);
    to.stage.zoom(0, 1);
    to.stage.setWindow(0, 50, 350);
    to.stage.setLayout('1x2');
    to.stage.show(0, '1.2.3', SERIES);
    to.viewer.gone = true;
    await to.frame();
    expect(heard).toBe(0);
  });

  it('stays at what was shown when following ends', async () => {
    const [from, to] = [await presenter(), await follower()];
    from.stage.zoom(0, 2);
    await follow(from, to);
    const before = said(to);
    to.stage.follow(undefined);
    await to.frame();
    expect(said(to)).toEqual(before);
    expect(to.stage.memory()).toMatchObject({ layout: '1x1', viewports: [{ series: SERIES, index: 54 }] });
    expect(to.stage.snapshot().followed).toBeUndefined();
  });

  it('leaves an empty viewport where what was followed could not be shown', async () => {
    const [from, to] = [await presenter(), await follower(exampleSeries({ frames: exampleSeries().frames.slice(0, 3) }))];
    await follow(from, to);
    expect(to.pane().withheld).toBe('not-found');
    to.stage.follow(undefined);
    await to.frame();
    expect(to.pane()).toMatchObject({ series: undefined, withheld: undefined, phase: { phase: 'empty' } });
  });
});
