/** "Bilder" over a test card: the states of a viewport and of a study. */

import { useState, type ReactNode } from 'react';
import { App } from '../App';
import type { CaseView, ImagesView, Language, PresentedView, PresentedViewport, PresentingView, ReceivedStudyView, SeriesView, StudyView, Theme } from '../host/contract';
import { createDesk } from '../host/desk';
import { memoryHost, type Fixture } from '../host/memory';
import { brunnengold, chat, day, falkenried, lerchenhain, message as said, silbertal, sonnkaya, steinklee } from '../messages/examples';
import { presentedBy, round, rounds, watched } from '../rounds/examples';
import { auerwald, auenwald } from '../stories/people';
import { auenwaldCase } from '../stories/records';
import { at, type Story } from '../stories/story';
import { writeFrameMessage } from './bulkMessage';
import { exampleSeries, exampleStudy } from './examples';
import { createStandIn, StandInPipe, testCard } from './standIn';
import { DoorsContext, type StageDoors } from './useStage';

const PATIENT = 'pat-auenwald';

const ct = exampleSeries();
const radiograph = exampleSeries({
  handle: 8,
  series: '1.2.5.1',
  study: '1.2.5',
  modality: 'DX',
  description: 'Thorax p.a.',
  frames: ct.frames.slice(0, 1).map((frame) => ({ ...frame, position: null, orientation: null, thickness: null })),
  spacing: null,
  calibration: 'none',
  volume: null,
  unit: null,
  presets: [],
  lossy: true,
});

const current: StudyView = {
  ...exampleStudy(),
  series: [
    ...exampleStudy().series,
    {
      series: '1.2.3.9',
      modality: 'SR',
      description: 'Dosisbericht',
      number: 99,
      instances: 1,
      displayable: false,
      thumbnail: null,
    },
  ],
};
const older: StudyView = exampleStudy({
  study: '1.2.5',
  description: 'Thorax',
  at: '2026-10-22',
  institution: 'Praxis Lindenfurt',
  series: [
    {
      series: '1.2.5.1',
      modality: 'DX',
      description: 'Thorax p.a.',
      number: 1,
      instances: 1,
      displayable: true,
      thumbnail: 92,
    },
  ],
});

function images(changes: Partial<ImagesView> = {}): ImagesView {
  return { patient: PATIENT, serial: 1, studies: [current, older], loading: false, failure: null, ...changes };
}

/** Answers wishes for frames; `until` of them arrive, `broken` cannot be shown. */
function filled({ until = Infinity, broken = -1 }: { until?: number; broken?: number }): StageDoors {
  return {
    createViewer: createStandIn,
    openPipe: () => {
      const pipe = new StandInPipe();
      pipe.onWant = (handle, first, last) => {
        window.setTimeout(() => {
          if (handle === 91 || handle === 92) {
            pipe.deliver(thumbnail(handle));
            return;
          }
          const view: SeriesView = handle === ct.handle ? ct : radiograph;
          for (let frame = first; frame <= Math.min(last, first + until - 1); frame += 1) {
            if (frame === broken) pipe.fail({ series: handle, frame, code: 'image-truncated' });
            else pipe.deliver(testCard(view, frame));
          }
        });
      };
      return Promise.resolve(pipe);
    },
  };
}

function thumbnail(handle: number): ArrayBuffer {
  const [columns, rows] = [64, 64];
  const pixels = new Uint8Array(columns * rows).map((_, at) => {
    const [x, y] = [(at % columns) - 32, Math.floor(at / columns) - 32];
    return Math.hypot(x, y * 1.2) < 26 ? (Math.hypot(Math.abs(x) - 12, y) < 8 ? 20 : 120) : 0;
  });
  return writeFrameMessage(
    { format: 'u8', preview: false, lastPart: true, series: handle, frame: 0, columns, rows, request: 0, firstRow: 0 },
    pixels,
  );
}

function fixture(view: ImagesView): Fixture {
  return at(
    { screen: 'case', patient: PATIENT, tab: 'images' },
    {
      images: [view],
      answer: (request) => {
        if (request.type !== 'open-series') return undefined;
        return { type: 'series', value: request.series === radiograph.series ? radiograph : ct };
      },
    },
  );
}

/** The whole program over a fixture, with a drawing part that needs no GPU. */
function Program({ fixture: own, doors }: { fixture: Fixture; doors: StageDoors }): ReactNode {
  const [desk] = useState(() => {
    const asked = new URLSearchParams(location.search);
    const { settings } = own.start;
    const start = {
      ...own.start,
      settings: {
        ...settings,
        theme: (asked.get('theme') ?? settings.theme) as Theme,
        language: (asked.get('language') ?? settings.language) as Language,
      },
    };
    const made = createDesk(memoryHost({ ...own, start }), start);
    made.openCases('');
    return made;
  });
  return (
    <DoorsContext value={doors}>
      <App desk={desk} place={own.start.place} />
    </DoorsContext>
  );
}

/** A round goes on in which this is shown; the fixture's own case is looked at. */
function inARound(id: string, presenting: PresentingView | null, presented?: PresentedView, keys: readonly string[] = []): Story {
  const own: Fixture = { ...fixture(images()), rounds: rounds({ round: round({ presenting, mayPresent: presenting === null }) }, presented === undefined ? {} : { presented }) };
  return { id, fixture: own, keys, draw: () => <Program fixture={own} doors={filled({})} /> };
}

/** Image 61 of the CT, a little enlarged, with the pointer on it. */
function shown(change: Partial<PresentedViewport> = {}): PresentedView {
  const image = ct.frames[60]!;
  const [x, y, z] = image.position!;
  return {
    serial: 1,
    patient: PATIENT,
    presentation: {
      layout: '1x1',
      active: 0,
      views: [
        {
          place: 0,
          study: ct.study,
          series: ct.series,
          instance: image.instance,
          frame: 1,
          plane: { origin: [x, y, z], row: [1, 0, 0], column: [0, 1, 0] },
          center: [x + 125, y + 125, z],
          height: 210,
          voi: { by: 'window', center: 40, width: 400, function: 'linear' },
          inverted: false,
          flipped: [false, false],
          turns: 0,
          ...change,
        },
      ],
      pointer: { place: 0, at: [x + 150, y + 100, z] },
      marks: [{ id: 'm', instance: image.instance, frame: 1, shape: { kind: 'length', from: [x + 60, y + 110, z], to: [x + 95, y + 140, z] }, text: '46,1 mm' }],
    },
  };
}

function story(id: string, view: ImagesView, doors: StageDoors, keys: readonly string[] = []): Story {
  const own = fixture(view);
  return { id, fixture: own, keys, draw: () => <Program fixture={own} doors={doors} /> };
}

/** Measured before the program was started anew, on the image in the middle. */
const kept: Fixture = {
  ...fixture(images()),
  measurements: [
    {
      patient: PATIENT,
      measurements: [
        { id: 'a', series: '1.2.3.4', instance: '1.2.3.4.61', frame: 1, mark: { kind: 'length', from: [90, 120], to: [137, 120], value: 45.9, unit: 'mm' } },
        { id: 'b', series: '1.2.3.4', instance: '1.2.3.4.61', frame: 1, mark: { kind: 'probe', at: [160.5, 90.5], text: '48 HU' } },
      ],
    },
  ],
};

/** The archive has not answered: what it holds is not known. */
const unanswered: CaseView = {
  ...auenwaldCase,
  studies:
    auenwaldCase.studies.state === 'ready'
      ? { ...auenwaldCase.studies, value: auenwaldCase.studies.value.filter(({ refused }) => !refused).map((study) => ({ ...study, available: null })) }
      : auenwaldCase.studies,
};

function overview(view: CaseView): Fixture {
  const pictures = view === unanswered ? images({ studies: [], loading: true }) : images();
  return at({ screen: 'case', patient: PATIENT, tab: 'overview' }, { caseViews: [view], images: [pictures] });
}

/** A study that came in a message: under its own person, with what the comparison with the case says. */
function message(id: string, change: Partial<ReceivedStudyView>, doors: StageDoors = filled({}), keys: readonly string[] = []): Story {
  const conversation = steinklee.id;
  const view: ReceivedStudyView = {
    conversation,
    message: 'studie',
    serial: 1,
    state: { state: 'ready' },
    patient: auerwald,
    case: { ...auerwald, family: 'Steinklee', given: 'Milan', birthDate: '1961-07-02' },
    comparison: { grade: 'other', other: auerwald },
    images: { ...images({ studies: [exampleStudy()] }), patient: 'message:studie' },
    leftOut: 0,
    damaged: 0,
    ...change,
  };
  const line = said(sonnkaya, '2026-11-24T13:35:00+01:00', { type: 'file', name: 'CT-135-Bilder.zip', mimetype: 'application/zip', size: 71_200_000, study: { modality: ['CT'], images: 135, series: 1 }, picture: null, caption: [] }, { id: 'studie' });
  const own = at(
    { screen: 'messages', conversation },
    {
      chat: { ...chat, conversations: [{ ...steinklee, typing: [], lines: [day(24), line] }] },
      answer: (request) => {
        if (request.type === 'open-received-study') return { type: 'received-study', value: view };
        return request.type === 'open-received-series' ? { type: 'series', value: ct } : undefined;
      },
    },
  );
  return { id: `10-messages-study${id}`, fixture: own, keys: ['click:[data-testid=open-study-studie]', 'see:[data-testid=study-viewer]', ...keys], draw: () => <Program fixture={own} doors={doors} /> };
}

const middle = ['End', 'ArrowUp', 'ArrowUp', 'ArrowUp'];

export const stories: Story[] = [
  message('-other', {}, filled({}), ['see:[data-testid=viewport-1]']),
  message('-same', { comparison: { grade: 'same' }, damaged: 12, leftOut: 1 }, filled({}), ['see:[data-testid=viewport-1]', 'click:[data-testid=viewport-1]', 'End', '2']),
  message('-fetching', { state: { state: 'fetching', moved: 21_000_000, total: 71_200_000 }, patient: null, comparison: null }),
  message('-failed', { state: { state: 'failed', failure: { code: 'file-altered', detail: '' } }, patient: null, comparison: null }),
  story('06-images', images(), filled({}), ['click:[data-testid=viewport-1]', ...Array<string>(60).fill('ArrowDown')]),
  story('06-images-four', images(), filled({}), ['$', ...Array<string>(60).fill('ArrowDown'), 'ArrowRight', 'click:[data-testid="series-1.2.3.4"]', '2', 'ArrowRight']),
  story('06-images-measured', images(), filled({}), [
    'click:[data-testid=viewport-1]', ...Array<string>(60).fill('ArrowDown'),
    'l', 'Enter', 'Enter', ...Array<string>(4).fill('Shift+ArrowRight'), ...Array<string>(2).fill('Shift+ArrowDown'), 'Enter',
    ...Array<string>(9).fill('Shift+ArrowUp'), 'o', 'Enter', 'Shift+ArrowLeft', 'Shift+ArrowLeft', 'Shift+ArrowLeft', 'Enter',
  ]),
  story('06-images-loading', images({ loading: true }), filled({ until: 12 }), middle),
  story('06-images-defective', images(), filled({ broken: 3 }), ['ArrowDown', 'ArrowDown', 'ArrowDown']),
  story(
    '06-images-refused',
    images({
      studies: [
        current,
        exampleStudy({
          study: '1.2.9',
          description: 'Thorax',
          at: '2026-10-30',
          series: [],
          identity: { grade: 'other', other: auerwald },
        }),
        exampleStudy({
          study: '1.2.8',
          description: 'CT Thorax',
          at: '2026-09-02',
          series: [],
          identity: { grade: 'unclear', other: { ...auenwald, number: 'TH-204471' }, confirmed: false },
        }),
      ],
    }),
    filled({}),
    Array<string>(50).fill('ArrowDown'),
  ),
  story('06-images-uncalibrated', images({ studies: [older] }), filled({}), [
    'click:[data-testid=viewport-1]', 'l', 'Enter', 'Enter', 'Shift+ArrowRight', 'Shift+ArrowRight', 'Enter',
  ]),
  story('06-images-menu', images(), filled({}), ['click:[data-testid=viewport-1]', ...Array<string>(60).fill('ArrowDown'), 'Shift+F10']),
  {
    ...story('06-images-kept', images(), filled({}), ['click:[data-testid=viewport-1]', ...Array<string>(60).fill('ArrowDown')]),
    draw: () => <Program fixture={kept} doors={filled({})} />,
  },
  { id: '05-case-pictures', fixture: overview(auenwaldCase), draw: () => <Program fixture={overview(auenwaldCase)} doors={filled({})} /> },
  { id: '05-case-archive-unknown', fixture: overview(unanswered), draw: () => <Program fixture={overview(unanswered)} doors={filled({})} /> },
  inARound('06-images-may-show', null),
  inARound('06-images-shows', presentedBy(falkenried, { watching: [watched(sonnkaya, null), watched(lerchenhain, null), watched(brunnengold, 'loading', 87, 135), watched(silbertal, 'no-access')] })),
  inARound('06-images-follows', presentedBy(sonnkaya), shown(), ['see:[data-testid=viewport-1][data-index="60"]']),
  inARound('06-images-browses', presentedBy(sonnkaya), shown(), ['see:[data-testid=viewport-1][data-index="60"]', 'f', 'see:[data-testid=follow-again]']),
  inARound('06-images-not-found', presentedBy(sonnkaya), shown({ instance: '1.2.3.4.999' })),
  story('06-images-no-gpu', images(), { ...filled({}), createViewer: () => Promise.reject(new Error('no adapter')) }),
  story('06-images-none', images({ studies: [] }), filled({})),
  story('06-images-partly', images({ failure: { code: 'platform-unreachable', detail: 'timeout' } }), filled({})),
];
