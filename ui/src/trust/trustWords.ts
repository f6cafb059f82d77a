/** What the views of trust say in words. */
import type { ComparisonEnd, CounterpartView, OwnDeviceView } from '../host/contract';
import { m } from '../paraglide/messages';

export function counterpartName(counterpart: CounterpartView): string {
  return counterpart.who === 'person' ? counterpart.person.name : (counterpart.name ?? m.trust_other_device());
}

/** Why a comparison ended, and what to do. */
export function endWords(end: ComparisonEnd, name: string): { what: string; next: string } {
  switch (end) {
    case 'mismatch':
      return { what: m.trust_end_mismatch(), next: m.trust_end_mismatch_next() };
    case 'cancelled':
      return { what: m.trust_end_cancelled(), next: m.trust_end_next() };
    case 'refused':
      return { what: m.trust_end_refused({ name }), next: m.trust_end_next() };
    case 'timeout':
      return { what: m.trust_end_timeout(), next: m.trust_end_timeout_next() };
    case 'elsewhere':
      return { what: m.trust_end_elsewhere(), next: m.trust_end_elsewhere_next() };
    case 'failed':
      return { what: m.trust_end_failed(), next: m.trust_end_next() };
    default: {
      const unknown: never = end;
      return unknown;
    }
  }
}

export const deviceName = (device: OwnDeviceView): string => device.name ?? device.id;

/** Whether a device is confirmed, and what that means. */
export function deviceTrustWords(device: OwnDeviceView): { words: string; tone: 'ok' | 'warn' | 'plain' } {
  switch (device.trust) {
    case 'confirmed':
      return { words: m.device_confirmed(), tone: 'ok' };
    case 'unconfirmed':
      return { words: device.this ? m.device_this_unconfirmed() : m.device_unconfirmed(), tone: 'warn' };
    case 'no-keys':
      return { words: m.device_no_keys(), tone: 'plain' };
    default: {
      const unknown: never = device.trust;
      return unknown;
    }
  }
}
