/** Invented rounds of the demonstration, on Tuesday 24 November 2026 at 13:36 in Berlin, and what their cameras show. */
import type { NotSeen, PresentingView, RoundCallView, RoundDevicesView, RoundPersonView, RoundSightView, RoundsView, RoundSurfacesView, RoundSurfaceView, RoundView, RoundWayView, SenderView, WatchingView } from '../host/contract';
import type { RoundsFixture } from '../host/memoryRounds';
import { ahlefels, brunnengold, ebbelund, falkenried, kieselhof, lerchenhain, silbertal, sonnkaya, sturmwald, taubengruen, weidenlohe, wintermoor } from '../messages/examples';

const self = falkenried;
const order: readonly SenderView[] = [lerchenhain, sonnkaya, brunnengold, silbertal, ahlefels, weidenlohe, sturmwald, taubengruen, kieselhof, wintermoor, ebbelund];

/** What the directory says of them: of some of them nothing, and of one only the house. */
const work: ReadonlyMap<SenderView, Pick<RoundPersonView, 'speciality' | 'house'>> = new Map([
  [falkenried, { speciality: 'Thoraxchirurgie', house: 'Thoraxklinik Tannhalde' }],
  [lerchenhain, { speciality: 'Nuklearmedizin', house: 'Klinikum Eschenfurt' }],
  [sonnkaya, { speciality: 'Radiologie', house: 'Klinikum Eschenfurt' }],
  [brunnengold, { speciality: 'Pathologie', house: 'Institut für Pathologie Kirschfeld' }],
  [ahlefels, { speciality: 'Strahlentherapie', house: 'MVZ Strahlentherapie Ahornbach' }],
  [weidenlohe, { speciality: null, house: 'Kreisklinik Wiesenbrück' }],
]);

/** Somebody in a round; their track is their place in the demonstration. */
export function inRound(sender: SenderView, more: Partial<RoundPersonView> = {}): RoundPersonView {
  const track = sender.own ? ownTrack : order.indexOf(sender) + 1;
  return {
    id: `${sender.id}:${sender.initials}1`,
    person: sender,
    ...(work.get(sender) ?? { speciality: null, house: null }),
    here: sender.own,
    speaking: false,
    muted: true,
    volume: 1,
    shows: true,
    hand: null,
    key: 'encrypted',
    line: 'good',
    camera: { track, held: false, width: 1280, height: 800 },
    screen: null,
    ...more,
  };
}

const ownTrack = 99;
const screenTracks: ReadonlySet<number> = new Set([40, 41, ownTrack + 1]);

/** What somebody shows of their screen. */
export function screenOf(track: 40 | 41): RoundPersonView['screen'] {
  return { track, held: false, width: 1920, height: 1080 };
}

/** Somebody shows the images of Auenwald's case, which is not the conversation's. */
export function presentedBy(sender: SenderView, more: Partial<PresentingView> = {}): PresentingView {
  return { person: inRound(sender).id, here: sender.own, case: { state: 'open', patient: 'pat-auenwald' }, watching: [], ...more };
}

/** What somebody sees of it. */
export function watched(sender: SenderView, why: NotSeen | null, done = 0, of = 0): WatchingView {
  return { person: inRound(sender).id, seen: { why, done, of } };
}

/** A round as drawn: one speaks, one's picture is held, two ask for the word. */
const asDrawn: ReadonlyMap<SenderView, Partial<RoundPersonView>> = new Map<SenderView, Partial<RoundPersonView>>([
  [lerchenhain, { speaking: true, muted: false }],
  [sonnkaya, { muted: false }],
  [brunnengold, { line: 'weak', camera: { track: 3, held: true, width: 1280, height: 800 } }],
  [ahlefels, { hand: 1 }],
  [weidenlohe, { hand: 2, muted: false }],
]);

/** So many people, this one first as the program tells them. */
export function people(count: number): RoundPersonView[] {
  return [inRound(self), ...order.slice(0, count - 1).map((sender) => inRound(sender, asDrawn.get(sender) ?? {}))];
}

export function round(more: Partial<RoundView> = {}): RoundView {
  return {
    conversation: '!steinklee',
    name: 'Fall 3',
    patient: 'pat-steinklee',
    phase: { phase: 'in' },
    since: '2026-11-24T13:16:58+01:00',
    people: people(9),
    microphone: { state: 'off' },
    camera: { state: 'on', device: 'Integrierte Kamera' },
    screen: { state: 'off' },
    recorded: false,
    encrypted: true,
    presenting: null,
    mayPresent: true,
    moderates: false,
    declined: [],
    advice: [],
    ...more,
  };
}

export const devices: RoundDevicesView = {
  microphones: [
    { id: 'default', name: null, chosen: false },
    { id: 'jabra-in', name: 'Jabra Evolve2 40', chosen: true },
  ],
  speakers: [
    { id: 'default', name: null, chosen: false },
    { id: 'jabra-out', name: 'Jabra Evolve2 40', chosen: true },
  ],
  cameras: [
    { id: 'cam', name: 'Integrierte Kamera', chosen: true },
    { id: 'test-card', name: null, chosen: false },
  ],
};

const surface = (id: string, name: string | null, more: Partial<RoundSurfaceView> = {}): RoundSurfaceView => ({ id, window: true, name, width: 1600, height: 1000, preview: null, ...more });

export const surfaces: RoundSurfacesView = {
  surfaces: [
    surface('screen-1', null, { window: false, width: 2560, height: 1440 }),
    surface('screen-2', null, { window: false, width: 1920, height: 1080 }),
    surface('slides', 'Tumorkonferenz 24.11.2026.pptx'),
    surface('report', 'Befundbericht Koloskopie, Klinikum Eschenfurt, Endoskopie, Entwurf vom 12.11.2026 (schreibgeschützt) – Textverarbeitung'),
    surface('untitled', null),
  ],
  hindered: null,
};

/** How sound and picture travel in a house whose network lets them. */
export function way(more: Partial<RoundWayView> = {}): RoundWayView {
  return { path: 'udp', roundTrip: 18, sends: 1_240_000, receives: 6_380_000, carries: 4_100_000, sendsWithLoss: 0.004, hearsWithLoss: 0.012, server: 'medien.eschenland.example', ...more };
}

/** What the own camera sees, as the program makes it. Only where something can be painted. */
export function sight(): RoundSightView {
  const canvas = document.createElement('canvas');
  canvas.width = 320;
  canvas.height = 180;
  paintPerson(ownTrack, canvas);
  return { camera: { state: 'on', device: 'Integrierte Kamera' }, picture: base64Of(canvas) };
}

/** As the program makes them: small pictures of what is there. Only where something can be painted. */
export function pictured({ surfaces: list, hindered }: RoundSurfacesView): RoundSurfacesView {
  return {
    surfaces: list.map((one, place) => {
      const canvas = document.createElement('canvas');
      canvas.width = 320;
      canvas.height = (320 * one.height) / one.width;
      paintScreen(place, canvas);
      // The last window cannot be looked at, as happens with those that protect themselves.
      return place === list.length - 1 ? one : { ...one, preview: base64Of(canvas) };
    }),
    hindered,
  };
}

function base64Of(canvas: HTMLCanvasElement): string {
  return canvas.toDataURL('image/jpeg').replace(/^.*,/u, '');
}

export const running: RoundsView['running'] = [
  { conversation: '!steinklee', name: 'Fall 3', patient: 'pat-steinklee', people: [sonnkaya, brunnengold, silbertal, ahlefels, weidenlohe, lerchenhain], since: '2026-11-24T13:20:00+01:00' },
];

/** A call to one of them, until two minutes after the demonstration stands still. */
export function callOf(sender: SenderView, more: Partial<RoundCallView> = {}): RoundCallView {
  return { conversation: '!steinklee', name: 'Fall 3', patient: 'pat-steinklee', person: sender, direct: false, until: '2026-11-24T13:38:00+01:00', ...more };
}

export const offered: RoundsView = { offered: true, running: [], calls: [], round: null };

export function rounds(view: Partial<RoundsView> = {}, more: Partial<RoundsFixture> = {}): RoundsFixture {
  return { view: { ...offered, ...view }, devices, self, now: '2026-11-24T13:36:00+01:00', ownTrack, surfaces, way: way(), paint: (track, canvas) => (screenTracks.has(track) ? paintScreen(track, canvas) : paintPerson(track, canvas)), ...more };
}

/** A desktop with a page and an image, shown whole. */
function paintScreen(number: number, canvas: HTMLCanvasElement): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const unit = Math.min(canvas.width / 16, canvas.height / 9);
  context.setTransform(unit, 0, 0, unit, (canvas.width - 16 * unit) / 2, (canvas.height - 9 * unit) / 2);
  const box = (x: number, y: number, width: number, height: number, color: string) => {
    context.fillStyle = color;
    context.fillRect(x, y, width, height);
  };
  box(0, 0, 16, 9, number % 2 === 0 ? 'hsl(200 12% 86%)' : 'hsl(210 10% 22%)');
  box(0, 0, 16, 0.5, 'hsl(205 20% 38%)');
  box(0.6, 1.1, 6.6, 7.2, 'hsl(0 0% 98%)');
  for (let line = 0; line < 14; line += 1) box(1.1, 1.6 + line * 0.45, line % 5 === 4 ? 2.6 : 5.4 - (line % 3) * 0.5, 0.16, 'hsl(0 0% 45%)');
  box(7.8, 1.1, 7.6, 7.2, 'hsl(0 0% 4%)');
  for (const [across, down, light] of [[3, 2.4, 34], [2.7, 2.1, 24], [0.9, 0.7, 62]] as const) {
    context.fillStyle = `hsl(0 0% ${light + (number % 7)}%)`;
    context.beginPath();
    context.ellipse(11.6, 4.7, across, down, 0, 0, 2 * Math.PI);
    context.fill();
  }
  context.resetTransform();
}

/** A person before a wall: enough of one to see how a picture sits in its tile. */
function paintPerson(track: number, canvas: HTMLCanvasElement): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const { width, height } = canvas;
  const turn = (track * 137) % 360;
  const light = 20 + ((track * 29) % 38);
  const wall = context.createLinearGradient(0, 0, width, height);
  wall.addColorStop(0, `hsl(${turn} 9% ${light + 12}%)`);
  wall.addColorStop(1, `hsl(${turn} 12% ${light - 10}%)`);
  context.fillStyle = wall;
  context.fillRect(0, 0, width, height);
  // The middle of 16:10, whatever the tile's shape.
  const unit = Math.max(width / 16, height / 10);
  const round = (x: number, y: number, across: number, down: number, color: string) => {
    context.fillStyle = color;
    context.beginPath();
    context.ellipse(width / 2 + x * unit, height / 2 + y * unit, across * unit, down * unit, 0, 0, 2 * Math.PI);
    context.fill();
  };
  const skin = `hsl(${22 + (track % 3) * 5} 38% ${34 + ((track * 17) % 36)}%)`;
  const hair = `hsl(${20 + (track % 4) * 8} 22% ${9 + ((track * 13) % 30)}%)`;
  context.fillStyle = `hsl(${turn} 10% ${light + 26}%)`;
  context.fillRect(width / 2 - 6.4 * unit, height / 2 - 3.8 * unit, 3.4 * unit, 2.6 * unit);
  round(0, 5.2, 4, 3, `hsl(${(turn + 80) % 360} 28% 34%)`);
  context.fillStyle = skin;
  context.fillRect(width / 2 - 0.65 * unit, height / 2 + 1 * unit, 1.3 * unit, 1.8 * unit);
  round(0, -0.9, 1.85, 2.1, hair);
  round(0, -0.3, 1.6, 2, skin);
}
