import type { RoundDevicesView } from '../host/contract';
import type { Fixture } from '../host/memory';
import type { RoundsFixture } from '../host/memoryRounds';
import { devices, people, round, rounds, sight } from '../rounds/examples';
import { at, type Story } from '../stories/story';

const open = 'click:[data-testid=settings-media]';
const listed = 'see:[data-testid=device-camera]';

function story(id: string, fixture: RoundsFixture, keys: readonly string[], more: Partial<Fixture> = {}): Story {
  return { id: `13-settings-media${id}`, fixture: at({ screen: 'settings' }, { rounds: fixture, ...more }), keys: [open, ...keys] };
}

const card: RoundDevicesView['cameras'] = [{ id: 'test-card', name: null, chosen: false }];
const said = 'see:[data-testid=sight-said] b';
const heard: Partial<RoundsFixture> = { sight: sight() };

/** A headset is plugged in after the first look. */
function plugged(): Fixture['answer'] {
  let looks = 0;
  const before: RoundDevicesView = { ...devices, microphones: [{ id: 'default', name: null, chosen: true }], speakers: [{ id: 'default', name: null, chosen: true }] };
  return (request) => {
    if (request.type !== 'round' || request.round.step !== 'open-devices') return undefined;
    looks += 1;
    return { type: 'round-devices', value: looks === 1 ? before : devices };
  };
}

export const stories: Story[] = [
  story('', rounds({}, heard), [listed, 'see:[data-testid=sight] img:not([hidden])']),
  story('-none', rounds({}, { devices: { microphones: [], speakers: [], cameras: card } }), [listed, 'see:[data-testid=lacks-microphone]']),
  story('-no-camera', rounds({}, { devices: { ...devices, cameras: card } }), [listed, 'see:[data-testid=lacks-camera]']),
  story('-test-card', rounds({}, { ...heard, devices: { ...devices, cameras: card.map((one) => ({ ...one, chosen: true })) } }), [listed, 'see:[data-testid=lacks-camera]']),
  story('-camera-busy', rounds({}, { sight: { camera: { state: 'stopped', why: 'device-busy' }, picture: null } }), [listed, said]),
  story('-denied', rounds({}, { sight: { camera: { state: 'stopped', why: 'device-denied' }, picture: null } }), [listed, said, 'see:[data-testid=meter] b'], {
    answer: (request) => (request.type === 'round' && request.round.step === 'check' ? { type: 'round-check', value: { microphone: { state: 'stopped', why: 'device-denied' }, level: 0 } } : undefined),
  }),
  story('-plugged', rounds({}, heard), [listed, 'see:[data-testid=device-news]'], { answer: plugged() }),
  story('-failed', rounds(), ['see:[role=alert]'], { answer: (request) => (request.type === 'round' && request.round.step === 'open-devices' ? { code: 'internal', detail: '' } : undefined) }),
  story('-round', rounds({ round: round({ microphone: { state: 'on', device: 'Jabra Evolve2 40' }, people: people(5) }) }), [listed, 'see:[data-testid=media-way]']),
  story('-round-stopped', rounds({ round: round({ camera: { state: 'stopped', why: 'device-lost' }, people: people(5) }) }), [listed]),
  story('-round-entering', rounds({ round: round({ phase: { phase: 'entering', doing: 'joining' }, since: null, people: [] }) }), [listed]),
  { id: '02-today-check', fixture: at({ screen: 'today' }, { rounds: rounds() }), keys: ['see:[data-testid=check-media]'] },
];
