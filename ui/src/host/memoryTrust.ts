/** Trust of the host in memory: devices that remember, and another side that takes part in a comparison. */
import type { ComparisonView, DevicesView, Failure, OwnDeviceView, Reply, SenderView, TrustStep } from './contract';

export interface TrustFixture {
  devices?: readonly OwnDeviceView[];
  /** What the homeserver wants before it does what takes a proof. */
  proof?: 'password' | 'browser';
  /** The right password. */
  password?: string;
  /** What both sides show. */
  emoji?: readonly number[];
}

interface Around {
  compare: (comparison: ComparisonView | null | ((before: ComparisonView | null) => ComparisonView | null)) => void;
  accepted: (conversation: string, person: string) => void;
  person: (id: string) => SenderView;
}

const done: Reply = { type: 'done' };

export function memoryTrust(fixture: TrustFixture | undefined, around: Around): (step: TrustStep) => Reply {
  let devices: DevicesView = { devices: [...(fixture?.devices ?? [])] };
  const to = (state: ComparisonView['state']) => around.compare((before) => (before === null ? null : { ...before, state }));
  const compare = () => to({ state: 'comparing', emoji: [...(fixture?.emoji ?? [0, 13, 29, 40, 47, 51, 63])], numbers: [4718, 1923, 8236] });
  const begin = (who: ComparisonView['with']) => {
    around.compare({ id: 'comparison', with: who, byThem: false, state: { state: 'waiting' } });
    return done;
  };
  const proven = (proof: Extract<TrustStep, { step: 'end-device' }>['proof'], change: () => void): Reply => {
    const way = fixture?.proof ?? 'password';
    if (proof === null || (proof.way === 'password' && proof.password !== (fixture?.password ?? ''))) {
      return { type: 'proof-wanted', value: { session: 'proof', way, again: proof !== null } };
    }
    change();
    return done;
  };
  return (step) => {
    switch (step.step) {
      case 'open-devices':
        return { type: 'devices', value: devices };
      case 'rename-device':
        devices = { devices: devices.devices.map((one) => (one.id === step.device ? { ...one, name: step.name } : one)) };
        return done;
      case 'end-device':
        return proven(step.proof, () => {
          devices = { devices: devices.devices.filter((one) => one.id !== step.device) };
        });
      case 'reset-identity':
        return proven(step.proof, () => undefined);
      case 'verify-device':
        if (devices.devices.length < 2) throw { code: 'nothing-to-compare', detail: 'fixture' } satisfies Failure;
        return begin({ who: 'device', name: devices.devices.find((one) => one.id === step.device)?.name ?? null });
      case 'verify-person':
        return begin({ who: 'person', person: around.person(step.person) });
      case 'accept-verification':
        compare();
        return done;
      case 'compare-verification':
        to(step.same ? { state: 'done' } : { state: 'ended', end: 'mismatch' });
        return done;
      case 'leave-verification':
        around.compare(null);
        return done;
      case 'accept-identity':
        around.accepted(step.conversation, step.person);
        return done;
      default: {
        const unknown: never = step;
        return unknown;
      }
    }
  };
}
