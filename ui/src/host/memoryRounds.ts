/** Rounds of the host in memory: one enters, is heard and leaves, and everybody's picture is a still test card. */
import type { Event, Failure, OwnMediaView, PresentedView, Reply, Request, RoundDevicesView, RoundPersonView, RoundSightView, RoundsView, RoundStep, RoundSurfacesView, RoundView, RoundWayView, SenderView } from './contract';
import type { OpenPictures } from './pictures';

export interface RoundsFixture {
  view: RoundsView;
  devices: RoundDevicesView;
  /** What of the screens can be shown. */
  surfaces?: RoundSurfacesView;
  /** How sound and picture travel. */
  way?: RoundWayView;
  /** What the own camera sees; opened and dark without it. */
  sight?: RoundSightView;
  /** The signed-in person. */
  self: SenderView;
  /** When one enters, ISO instant. */
  now: string;
  /** The number of the own camera's picture; that of the own screen follows it. */
  ownTrack: number;
  /** Whether this person moderates. */
  moderates?: boolean;
  /** What somebody shows in it. */
  presented?: PresentedView;
  /** Draws what a track shows; nothing is drawn without it. */
  paint?: (track: number, canvas: HTMLCanvasElement) => void;
}

const done: Reply = { type: 'done' };

export function memoryRounds(fixture: RoundsFixture | undefined, send: (event: Event) => void): { reply: (request: Extract<Request, { type: 'open-rounds' | 'round' }>) => Reply; pictures: OpenPictures } {
  let view: RoundsView = fixture?.view ?? { offered: false, running: [], calls: [], round: null };
  let devices: RoundDevicesView = fixture?.devices ?? { microphones: [], speakers: [], cameras: [] };
  const put = (next: RoundsView) => {
    view = next;
    // Events come after the answer, as they do from the program.
    queueMicrotask(() => send({ type: 'rounds-changed', value: next }));
    return done;
  };
  const round = (how: (before: RoundView) => RoundView) => (view.round === null ? done : put({ ...view, round: how(view.round) }));
  const mine = (people: readonly RoundPersonView[], change: Partial<RoundPersonView>) => people.map((one) => (one.here ? { ...one, ...change } : one));
  const sound = (list: RoundDevicesView['microphones']) => list.find((one) => one.chosen) ?? list[0];
  const without = (conversation: string) => view.calls.filter((one) => one.conversation !== conversation);
  // A test picture is shown only to whom it was chosen for.
  const camera = () => devices.cameras.find((one) => one.chosen);
  const opened = (device: RoundDevicesView['cameras'][number] | undefined): OwnMediaView => {
    return device ? { state: 'on', device: device.name } : { state: 'stopped', why: 'no-device' };
  };

  const step = (what: RoundStep): Reply => {
    switch (what.step) {
      case 'open-devices':
        return { type: 'round-devices', value: devices };
      case 'check':
        return { type: 'round-check', value: { microphone: opened(sound(devices.microphones)), level: 0.42 } };
      case 'check-camera':
        return { type: 'round-sight', value: fixture?.sight ?? { camera: opened(camera()), picture: null } };
      case 'play-tone':
      case 'end-check':
        return done;
      case 'choose-device': {
        const choose = (list: RoundDevicesView['cameras']) => list.map((one) => ({ ...one, chosen: one.id === what.device }));
        devices = {
          microphones: what.what === 'microphone' ? choose(devices.microphones) : devices.microphones,
          speakers: what.what === 'speaker' ? choose(devices.speakers) : devices.speakers,
          cameras: what.what === 'camera' ? choose(devices.cameras) : devices.cameras,
        };
        return { type: 'round-devices', value: devices };
      }
      case 'enter': {
        const running = view.running.find((one) => one.conversation === what.conversation);
        const self = fixture?.self ?? missing();
        const person = (sender: SenderView, here: boolean): RoundPersonView => ({ id: `${sender.id}:${here ? 'here' : 'there'}`, person: sender, speciality: null, house: null, here, speaking: false, muted: true, volume: 1, shows: true, hand: null, key: 'encrypted', line: 'good', camera: null, screen: null });
        const seen: OwnMediaView = what.camera ? opened(camera()) : { state: 'off' };
        return put({
          ...view,
          calls: without(what.conversation),
          round: {
            conversation: what.conversation,
            name: running?.name ?? what.conversation,
            patient: running?.patient ?? null,
            phase: { phase: 'in' },
            since: fixture?.now ?? null,
            people: [{ ...person(self, true), camera: seen.state === 'on' ? still(fixture?.ownTrack ?? 0) : null }, ...(running?.people ?? []).map((one) => person(one, false))],
            microphone: { state: 'off' },
            camera: seen,
            screen: { state: 'off' },
            recorded: false,
            encrypted: true,
            presenting: null,
            mayPresent: true,
            moderates: fixture?.moderates ?? false,
            declined: [],
            advice: [],
          },
        });
      }
      case 'decline':
        return put({ ...view, calls: without(what.conversation) });
      case 'leave':
        return put({ ...view, round: null });
      case 'set-microphone': {
        const microphone: OwnMediaView = what.on ? opened(sound(devices.microphones)) : { state: 'off' };
        return round((before) => ({ ...before, microphone, advice: before.advice.filter((one) => !what.on || one.advice !== 'speaks-while-muted'), people: mine(before.people, { muted: microphone.state !== 'on' }) }));
      }
      case 'set-camera': {
        const seen: OwnMediaView = what.on ? opened(camera()) : { state: 'off' };
        return round((before) => ({ ...before, camera: seen, people: mine(before.people, { camera: seen.state === 'on' ? still(fixture?.ownTrack ?? 0) : null }) }));
      }
      case 'open-surfaces':
        return { type: 'round-surfaces', value: fixture?.surfaces ?? { surfaces: [], hindered: 'no-device' } };
      case 'share-surface': {
        const surface = fixture?.surfaces?.surfaces.find((one) => one.id === what.surface) ?? missing();
        const screen: OwnMediaView = { state: 'on', device: surface.window ? (surface.name ?? '') : null };
        return round((before) => ({ ...before, screen, people: mine(before.people, { screen: { ...still((fixture?.ownTrack ?? 0) + 1), width: surface.width, height: surface.height } }) }));
      }
      case 'stop-sharing':
        return round((before) => ({ ...before, screen: { state: 'off' }, people: mine(before.people, { screen: null }) }));
      case 'open-way':
        return { type: 'round-way', value: fixture?.way ?? missing() };
      case 'set-hand':
        return round((before) => {
          const last = Math.max(0, ...before.people.map((one) => (one.here ? 0 : (one.hand ?? 0))));
          return { ...before, people: mine(before.people, { hand: what.up ? last + 1 : null }) };
        });
      case 'allow':
        return round((before) => ({ ...before, people: before.people.map((one) => (one.id === what.person ? { ...one, key: 'encrypted' } : one)) }));
      case 'present':
        return round((before) => ({ ...before, presenting: { person: before.people.find((one) => one.here)?.id ?? '', here: true, case: { state: 'open', patient: what.patient }, watching: [] } }));
      case 'stop-presenting':
        return round((before) => ({ ...before, presenting: null }));
      case 'hand-over':
        return round((before) => ({ ...before, presenting: { person: what.person, here: false, case: { state: 'coming' }, watching: [] } }));
      case 'open-presented-case':
        return round((before) => (before.presenting === null ? before : { ...before, presenting: { ...before.presenting, case: { state: 'opening' } } }));
      case 'open-presented':
        return { type: 'presented', value: fixture?.presented ?? null };
      case 'set-volume':
        return round((before) => ({ ...before, people: before.people.map((one) => (one.id === what.person ? { ...one, volume: what.volume } : one)) }));
      case 'mute':
        return round((before) => ({ ...before, people: before.people.map((one) => (one.id === what.person ? { ...one, muted: true, speaking: false } : one)) }));
      case 'lower-hand':
        return round((before) => ({ ...before, people: before.people.map((one) => (one.id === what.person ? { ...one, hand: null } : one)) }));
      case 'remove':
        return round((before) => ({ ...before, people: before.people.filter((one) => one.id !== what.person) }));
      case 'end-for-all':
        return round((before) => ({ ...before, phase: { phase: 'ended', why: { end: 'closed' } } }));
      case 'show':
      case 'seen':
        return done;
      case 'open-pictures':
        return { type: 'picture-door', value: { socket: 'ws://127.0.0.1:9/' } };
      default: {
        const unknown: never = what;
        return unknown;
      }
    }
  };

  return {
    reply: (request) => (request.type === 'open-rounds' ? { type: 'rounds', value: view } : step(request.round)),
    pictures: () => ({
      show(track, canvas) {
        return {
          view(width, height, visible) {
            if (!visible || width === 0 || height === 0) return;
            canvas.width = width;
            canvas.height = height;
            fixture?.paint?.(track, canvas);
          },
          close: () => undefined,
        };
      },
      close: () => undefined,
    }),
  };
}

function still(track: number): NonNullable<RoundPersonView['camera']> {
  return { track, held: false, width: 1280, height: 800 };
}

function missing(): never {
  throw { code: 'not-found', detail: 'fixture' } satisfies Failure;
}
