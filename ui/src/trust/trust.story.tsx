/** Trust between people and devices in its states. */
import type { ComparisonView, ConversationView, OwnDeviceView, Reply, Request } from '../host/contract';
import { chat, chatView, steinklee } from '../messages/examples';
import { at, type Story } from '../stories/story';

const never = () => new Promise<never>(() => undefined);
const colleague = steinklee.members[3]!;

const devices: OwnDeviceView[] = [
  { id: 'KONSILDESK', name: 'Konsil, Linux', this: true, trust: 'confirmed', lastSeen: '2026-11-24T12:36:00Z' },
  { id: 'TABLETT', name: 'Tablet Visite', this: false, trust: 'unconfirmed', lastSeen: '2026-11-24T08:10:00Z' },
  { id: 'BOARDRAUM', name: 'Konsil, Boardraum 3', this: false, trust: 'confirmed', lastSeen: '2026-11-20T15:02:00Z' },
  { id: 'QWXZTLMKPA', name: null, this: false, trust: 'no-keys', lastSeen: null },
];

function settings(id: string, keys: readonly string[] = [], more: { list?: OwnDeviceView[]; proof?: 'browser'; answer?: (request: Request) => Reply | { code: 'platform-unreachable' | 'proof-impossible'; detail: string } | Promise<Reply> | undefined } = {}): Story {
  const trust = { devices: more.list ?? devices, password: 'richtig', ...(more.proof ? { proof: more.proof } : {}) };
  return {
    id: `13-devices${id}`,
    fixture: at({ screen: 'settings' }, { chat: { ...chat, trust }, ...(more.answer ? { answer: more.answer } : {}) }),
    keys: ['click:[data-testid=settings-devices]', ...keys],
  };
}

function comparing(id: string, state: ComparisonView['state'], who: ComparisonView['with'] = { who: 'person', person: colleague }, keys: readonly string[] = [], byThem = false): Story {
  const comparison: ComparisonView = { id: 'comparison', with: who, byThem, state };
  return { id: `16-compare${id}`, fixture: at({ screen: 'messages', conversation: '!steinklee' }, { chat: { ...chat, trust: { devices }, view: chatView({ comparison }) } }), keys };
}

function people(id: string, change: Partial<ConversationView>, keys: readonly string[] = []): Story {
  return { id: `16-people${id}`, fixture: at({ screen: 'messages', conversation: '!steinklee' }, { chat: { ...chat, trust: { devices }, conversations: [{ ...steinklee, ...change }] } }), keys };
}

const own: ComparisonView['with'] = { who: 'device', name: 'Tablet Visite' };
const shown: ComparisonView['state'] = { state: 'comparing', emoji: [7, 13, 29, 40, 47, 51, 63], numbers: [4718, 1923, 8236] };
const changed = [{ person: colleague, wasConfirmed: false }];
const showPeople = 'click:[data-testid=conversation-people]';
const end = 'click:[data-testid=device-end-BOARDRAUM]';
const endNow = 'click:[data-testid=device-end-now]';
const lost = ['click:[data-testid=recovery-start]', 'click:[data-testid=recovery-lost]'];
const keyNeeded = (id: string, keys: readonly string[]): Story => ({ id: `10-messages-recovery${id}`, fixture: at({ screen: 'messages', conversation: null }, { chat: { ...chat, trust: { devices, password: 'richtig' }, view: chatView({ recovery: 'key-needed' }) } }), keys });

export const stories: Story[] = [
  settings('', ['see:[data-testid=devices]']),
  settings('-alone', ['see:[data-testid=devices]'], { list: [{ ...devices[0]!, trust: 'unconfirmed' }] }),
  settings('-new', ['see:[data-testid=devices]'], { list: [{ ...devices[0]!, trust: 'unconfirmed' }, devices[2]!] }),
  settings('-new-refused', ['click:[data-testid=device-confirm-KONSILDESK]', 'see:[role=alert]'], {
    list: [{ ...devices[0]!, trust: 'unconfirmed' }, devices[2]!],
    answer: (request) => (request.type === 'trust' && request.trust.step === 'verify-device' ? { code: 'platform-unreachable', detail: '' } : undefined),
  }),
  settings('-loading', [], { answer: (request) => (request.type === 'trust' ? never() : undefined) }),
  settings('-failed', [], { answer: (request) => (request.type === 'trust' ? { code: 'platform-unreachable', detail: '' } : undefined) }),
  settings('-rename', ['click:[data-testid=device-rename-TABLETT]']),
  settings('-end', [end]),
  settings('-end-password', [end, endNow, 'see:[data-testid=proof-password]']),
  settings('-end-wrong', [end, endNow, 'see:[data-testid=proof-password]', 'f', 'Enter']),
  settings('-end-browser', [end, endNow], { proof: 'browser' }),
  settings('-end-impossible', [end, endNow], { answer: (request) => (request.type === 'trust' && request.trust.step === 'end-device' ? { code: 'proof-impossible', detail: '' } : undefined) }),
  { id: '13-devices-absent', fixture: at({ screen: 'settings' }, { chat: { ...chat, view: chatView({ state: { state: 'absent' }, conversations: [] }) } }), keys: ['click:[data-testid=settings-devices]'] },
  comparing('-asked', { state: 'asked' }, undefined, [], true),
  comparing('-asked-device', { state: 'asked' }, own, [], true),
  comparing('-accepted', { state: 'asked' }, own, ['click:[data-testid=comparison-accept]', 'see:[data-testid=comparison-emoji]'], true),
  comparing('-waiting', { state: 'waiting' }),
  comparing('-waiting-device', { state: 'waiting' }, own),
  comparing('-agreeing', { state: 'agreeing' }),
  comparing('', shown),
  comparing('-device', shown, own),
  comparing('-numbers', shown, undefined, ['click:[data-testid=comparison-turn]']),
  comparing('-confirming', { state: 'confirming' }),
  comparing('-done', { state: 'done' }),
  comparing('-done-device', { state: 'done' }, own),
  comparing('-mismatch', { state: 'ended', end: 'mismatch' }),
  comparing('-timeout', { state: 'ended', end: 'timeout' }),
  comparing('-refused', { state: 'ended', end: 'refused' }),
  people('', { confirmed: [steinklee.members[1]!.id], changed }, [showPeople]),
  people('-changed', { changed }),
  people('-changed-confirmed', { changed: [{ person: colleague, wasConfirmed: true }] }),
  keyNeeded('-enter', ['click:[data-testid=recovery-start]']),
  keyNeeded('-lost', lost),
  keyNeeded('-lost-password', [...lost, 'click:[data-testid=reset-sure]', 'click:[data-testid=reset-now]', 'see:[data-testid=proof-password]']),
];
