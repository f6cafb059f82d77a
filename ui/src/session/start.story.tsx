/** The program that could not start, by each reason that it can have. */
import type { Failure, Language, Theme } from '../host/contract';
import { demo, type Story } from '../stories/story';
import { StartFailed } from './StartFailed';

/** Why a profile does not open, as Rust says it. */
const reasons: Record<string, Failure> = {
  'profile-in-use': { code: 'profile-in-use', detail: 'another program uses this profile' },
  keyring: { code: 'keyring-unavailable', detail: 'no keyring is available' },
  store: { code: 'store-unreadable', detail: 'the key in the keyring is another one' },
  'disk-full': { code: 'disk-full', detail: 'the disk is full' },
  machine: { code: 'machine-settings-unreadable', detail: '/etc/konsil/konsil.json: expected value at line 3 column 9' },
  internal: { code: 'internal', detail: 'the loopback port cannot be opened' },
};

/** A story without a desk is drawn as the page's address asks. */
function look() {
  const asked = new URLSearchParams(location.search);
  const { theme, language, fontSize } = demo.start.settings;
  return { theme: (asked.get('theme') ?? theme) as Theme, language: (asked.get('language') ?? language) as Language, fontSize };
}

export const stories: Story[] = Object.entries(reasons).map(([name, failure]) => ({
  id: `01f-start-${name}`,
  fixture: demo,
  draw: () => <StartFailed failure={failure} look={look()} retry={() => undefined} />,
}));
