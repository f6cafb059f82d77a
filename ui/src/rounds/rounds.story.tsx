import type { Place, RoundAdvice, RoundEnd, RoundView, RunningRoundView, SenderView } from '../host/contract';
import type { RoundsFixture } from '../host/memoryRounds';
import { silbertal, sonnkaya, weidenlohe, brunnengold, lerchenhain, ahlefels, kieselhof, wintermoor } from '../messages/examples';
import { at, type Story } from '../stories/story';
import { callOf, devices, inRound, people, pictured, presentedBy, round, rounds, running, screenOf, sight, surfaces, watched, way } from './examples';
import { look, peopleShown } from './roundsView';

function story(id: string, fixture: RoundsFixture, more: { keys?: readonly string[]; place?: Place; look?: 'gallery' | 'spotlight'; people?: boolean } = {}): Story {
  return {
    id: `11-round${id}`,
    fixture: at(more.place ?? { screen: 'rounds' }, { rounds: fixture }),
    ...(more.keys ? { keys: more.keys } : {}),
    prepare() {
      look.set(more.look ?? 'gallery');
      peopleShown.set(more.people ?? null);
    },
  };
}

const inside = (id: string, change: Partial<RoundView> = {}, more: Parameters<typeof story>[2] = {}) => story(id, rounds({ round: round(change), running }), more);
const ended = (id: string, why: RoundEnd) => inside(id, { phase: { phase: 'ended', why } });
const conversation: Place = { screen: 'messages', conversation: '!steinklee' };
const enter = ['click:[data-testid="enter-!steinklee"]', 'see:[data-testid=enter]'];

const advised: readonly RoundAdvice[] = [{ advice: 'speaks-while-muted' }, { advice: 'microphone-silent' }, { advice: 'echo' }, { advice: 'microphone-clips' }, { advice: 'sends-with-loss', percent: 7 }, { advice: 'hears-with-loss', percent: 12 }, { advice: 'narrow-way' }, { advice: 'few-pictures' }];
const heard: Partial<RoundView> = { microphone: { state: 'on', device: 'Jabra Evolve2 40' }, people: people(9).map((one) => (one.here ? { ...one, muted: false } : one)) };
const advice = (one: RoundAdvice): Partial<RoundView> => ({ ...(one.advice === 'speaks-while-muted' ? {} : heard), advice: [one] });
const connection = ['click:[data-testid=round-way]', 'see:[data-testid=way-facts]'];

const share = ['click:[data-testid=round-share]', 'see:[data-testid=share-dialog]'];

const direct: RunningRoundView = { conversation: '!brunnengold', name: brunnengold.name, patient: null, people: [brunnengold], since: '2026-11-24T13:35:40+01:00' };
const callDirect = callOf(brunnengold, { conversation: direct.conversation, name: direct.name, patient: null, direct: true });

/** So many people, of whom some show their screens. */
const sharing = (count: number, ...who: SenderView[]) => people(count).map((one) => ({ ...one, screen: who.includes(one.person) ? screenOf(one.person === who[0] ? 40 : 41) : null }));

const lead = inRound(lerchenhain).id;
const self = people(1)[0]!;
const keyed = [
  self,
  inRound(sonnkaya, { key: 'coming', camera: null }),
  inRound(brunnengold, { key: 'missing' }),
  inRound(silbertal, { key: 'unconfirmed' }),
  inRound(lerchenhain, { key: 'failed' }),
  inRound(ahlefels, { key: 'unassigned', camera: null }),
];

export const stories: Story[] = [
  story('-call', rounds({ running, calls: [callOf(sonnkaya)] }), { place: { screen: 'today' }, keys: ['see:[data-testid=round-call]'] }),
  story('-call-direct', rounds({ running: [direct], calls: [callDirect] }), { place: { screen: 'case', patient: 'pat-auenwald', tab: 'overview' }, keys: ['see:[data-testid=round-call]'] }),
  story('-call-two', rounds({ running: [...running, direct], calls: [callOf(sonnkaya), callDirect, callOf(weidenlohe, { conversation: '!auenwald', name: 'Fall 1' })], round: round({ conversation: '!birkenlicht', name: 'Fall 2', patient: null }) }), { place: { screen: 'today' }, keys: ['see:[data-testid=calls-more]'] }),
  story('-call-listed', rounds({ running: [...running, direct], calls: [callOf(sonnkaya), callDirect] })),
  inside('-declined', { declined: [kieselhof, wintermoor] }, { people: true, keys: ['see:[data-testid=round-declined]'] }),
  story('s-none', rounds()),
  story('s-absent', rounds({ offered: false })),
  story('s-running', rounds({ running: [...running, { conversation: '!auenwald', name: 'Fall 1', patient: null, people: [weidenlohe], since: '2026-11-24T13:31:00+01:00' }] })),
  story('-before', rounds({ running }), { keys: enter }),
  story('-before-camera', rounds({ running }, { sight: sight() }), { keys: [...enter, 'see:[data-testid=sight] img:not([hidden])'] }),
  story('-before-camera-busy', rounds({ running }, { sight: { camera: { state: 'stopped', why: 'device-busy' }, picture: null } }), { keys: [...enter, 'see:[data-testid=sight-said] b'] }),
  story('-before-begin', rounds(), { place: conversation, keys: ['click:[data-testid=round-begin]', 'see:[data-testid=enter]'] }),
  story('-before-nothing', rounds({ running }, { devices: { microphones: [], speakers: [], cameras: [{ id: 'test-card', name: null, chosen: false }] } }), { keys: enter }),
  story('-before-other', rounds({ round: round({ conversation: '!auenwald', name: 'Fall 1', patient: null }), running }, { devices: { ...devices, cameras: devices.cameras.toReversed().map((one) => ({ ...one, chosen: !one.chosen })) } }), {
    place: conversation,
    keys: ['click:[data-testid=round-enter]', 'see:[data-testid=enter]'],
  }),
  story('-entered', rounds({ running }), { keys: [...enter, 'Enter', 'see:[data-testid=tiles]', 'see:main:focus'] }),
  inside('-entering', { phase: { phase: 'entering', doing: 'asking' }, since: null, people: [] }, { keys: ['see:[data-testid=round-doing]:not(:empty)'] }),
  inside(''),
  inside('-alone', { people: people(1) }),
  inside('-two', { people: people(2) }),
  inside('-three', { people: people(3) }),
  inside('-five', { people: people(5) }),
  inside('-twelve', { people: people(12) }),
  inside('-twelve-next', { people: people(12) }, { keys: ['click:[data-testid=page-next]'] }),
  inside('-spotlight', {}, { look: 'spotlight' }),
  inside('-spotlight-people', { people: people(4) }, { look: 'spotlight', people: true }),
  inside('-left', {}, { keys: ['click:[data-testid=leave]', 'see:main:focus'] }),
  inside('-screen', { people: sharing(5, sonnkaya) }),
  inside('-screen-alone', { people: sharing(5, sonnkaya) }, { keys: [`click:[data-testid="turn-${inRound(sonnkaya).id}"]`, 'see:[data-testid=tiles]:not(:has(> ul))'] }),
  inside('-screen-two', { people: sharing(9, sonnkaya, brunnengold) }),
  inside('-screen-gallery', { people: sharing(9, sonnkaya) }, { people: true, keys: ['click:[data-testid=segment-gallery]', 'see:[data-testid=gallery]'] }),
  inside('-screen-bar', { people: sharing(9, sonnkaya) }, { place: { screen: 'case', patient: 'pat-auenwald', tab: 'overview' } }),
  story('-share-choose', rounds({ round: round() }, { surfaces: pictured(surfaces) }), { keys: [...share, 'see:[data-testid=surfaces]', 'ArrowRight', 'Enter', 'see:[data-testid=surface-report][aria-selected=true]'] }),
  story('-share-new', rounds({ round: round() }, { surfaces: pictured({ ...surfaces, surfaces: surfaces.surfaces.slice(1) }) }), { keys: [...share, 'see:[data-testid=surfaces]:not(:has([aria-selected=true]))'] }),
  story('-share-none', rounds({ round: round() }, { surfaces: { surfaces: [], hindered: null } }), { keys: share }),
  story('-share-hindered', rounds({ round: round() }, { surfaces: { surfaces: [], hindered: 'no-device' } }), { keys: [...share, 'see:[data-testid=share-hindered]'] }),
  story('-share-denied', rounds({ round: round() }, { surfaces: { surfaces: [], hindered: 'device-denied' } }), { keys: [...share, 'see:[data-testid=share-hindered]'] }),
  inside('-sharing', { screen: { state: 'on', device: surfaces.surfaces[3]!.name }, people: people(9).map((one) => (one.here ? { ...one, screen: { track: 100, held: false, width: 1600, height: 1000 } } : one)) }, { look: 'spotlight' }),
  inside('-sharing-screen', { screen: { state: 'on', device: null } }, { place: { screen: 'case', patient: 'pat-auenwald', tab: 'overview' } }),
  inside('-sharing-opening', { screen: { state: 'opening' } }, { place: conversation }),
  inside('-share-stopped', { screen: { state: 'stopped', why: 'device-lost' } }),
  inside('-keys', { people: keyed }),
  inside('-allow', { people: keyed }, { keys: ['click:[data-testid^=allow-]', 'see:[data-testid=allow-dialog]'] }),
  inside('-without-picture', { people: people(6).map((one, place) => ({ ...one, ...(place % 2 === 0 ? { camera: null } : {}), ...(place === 3 ? { line: 'lost' as const } : {}) })), camera: { state: 'off' } }),
  inside('-heard', { microphone: { state: 'on', device: 'Jabra Evolve2 40' }, people: people(9).map((one) => (one.here ? { ...one, muted: false, hand: 3 } : one)) }),
  inside('-reconnecting', { phase: { phase: 'reconnecting', attempt: 3 } }, { keys: ['see:[data-away]'] }),
  inside('-weak', { people: people(9).map((one) => (one.here ? { ...one, line: 'weak' as const } : one)) }),
  ...advised.map((one) => inside(`-advice-${one.advice}`, advice(one))),
  inside('-advice-people', { ...advice({ advice: 'sends-with-loss', percent: 7 }), camera: { state: 'off' } }, { people: true }),
  inside('-advice-bar', advice({ advice: 'speaks-while-muted' }), { place: { screen: 'case', patient: 'pat-auenwald', tab: 'overview' } }),
  inside('-advice-bar-open', advice({ advice: 'sends-with-loss', percent: 7 }), { place: { screen: 'case', patient: 'pat-auenwald', tab: 'overview' }, keys: ['click:[data-testid=advice-chip]', 'see:[data-testid=menu-camera-off]'] }),
  inside('-way', {}, { keys: connection }),
  story('-way-tcp', rounds({ round: round() }, { way: way({ path: 'tcp', roundTrip: 164, sends: 640_000, carries: 880_000, sendsWithLoss: 0.031, hearsWithLoss: null }) }), { keys: connection }),
  inside('-way-bar', {}, { place: { screen: 'today' }, keys: ['Control+Shift+N', 'see:[data-testid=way-close]:focus'] }),
  story('-way-relay', rounds({ round: round() }, { way: way({ path: 'relay', roundTrip: 47, sendsWithLoss: 0.124 }) }), { keys: connection }),
  inside('-recorded', { recorded: true }),
  inside('-plain', { encrypted: false }),
  inside('-stopped', { microphone: { state: 'stopped', why: 'device-denied' }, camera: { state: 'stopped', why: 'device-busy' } }),
  inside('-devices', {}, { keys: ['click:[data-testid=round-devices]', 'see:[data-testid=device-camera]'] }),
  ended('-ended-removed', { end: 'removed' }),
  ended('-ended-closed', { end: 'closed' }),
  ended('-ended-elsewhere', { end: 'elsewhere' }),
  ended('-ended-lost', { end: 'lost' }),
  ended('-ended-failed', { end: 'failed', failure: { code: 'round-refused', detail: '403' } }),
  inside('-bar', {}, { place: { screen: 'case', patient: 'pat-auenwald', tab: 'overview' } }),
  story('-case', rounds({ running }), { place: { screen: 'case', patient: 'pat-steinklee', tab: 'overview' }, keys: ['see:[data-testid=round-enter]'] }),
  story('-case-dock', rounds({ running }), { place: { screen: 'case', patient: 'pat-steinklee', tab: 'overview' }, keys: ['Control+J', 'see:[data-testid=dock] [data-testid=round-enter]'] }),
  story('-case-entered', rounds({ running }), { place: { screen: 'case', patient: 'pat-steinklee', tab: 'overview' }, keys: ['Control+J', 'click:[data-testid=round-enter]', 'see:[data-testid=enter]', 'Enter', 'see:[data-testid=round-to]:focus'] }),
  inside('-bar-shown', { presenting: presentedBy(sonnkaya), mayPresent: false }, { place: { screen: 'case', patient: 'pat-auenwald', tab: 'overview' } }),
  inside('-bar-asking', { presenting: presentedBy(sonnkaya, { case: { state: 'asking', number: 1 } }), mayPresent: false }, { place: { screen: 'today' } }),
  inside('-bar-closed', { presenting: presentedBy(sonnkaya, { case: { state: 'closed', number: 1, failure: { code: 'not-allowed', detail: '' } } }), mayPresent: false }, { place: { screen: 'today' } }),
  inside('-shows', { presenting: presentedBy(self.person, { watching: [watched(lerchenhain, null, 135, 135), watched(sonnkaya, 'loading', 87, 135), watched(brunnengold, 'no-access'), watched(silbertal, 'aside')] }) }, { people: true }),
  inside('-about', { moderates: true }, { people: true, keys: [`click:[data-testid="about-${lead}"]`, 'see:[data-testid=menu-remove]'] }),
  inside('-volume', {}, { people: true, keys: [`click:[data-testid="about-${lead}"]`, 'click:[data-testid=menu-volume]', 'see:[data-testid=volume-dialog]'] }),
  inside('-remove', { moderates: true }, { people: true, keys: [`click:[data-testid="about-${lead}"]`, 'click:[data-testid=menu-remove]', 'see:[data-testid=remove-dialog]'] }),
  inside('-leave-asked', { moderates: true }, { keys: ['click:[data-testid=leave]', 'see:[data-testid=leave-dialog]'] }),
  inside('-bar-conversation', {}, { place: conversation }),
  inside('-bar-stopped', { microphone: { state: 'stopped', why: 'device-lost' }, phase: { phase: 'reconnecting', attempt: 1 } }, { place: { screen: 'today' } }),
  inside('-bar-entering', { phase: { phase: 'entering', doing: 'joining' }, since: null, people: [] }, { place: { screen: 'today' } }),
  inside('-bar-ended', { phase: { phase: 'ended', why: { end: 'lost' } } }, { place: { screen: 'today' } }),
];
