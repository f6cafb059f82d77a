/** What a story is: a name and a fixture. The page and the checks draw it in both themes and both languages. */
import type { ReactNode } from 'react';
import type { Desk } from '../host/desk';
import type { Fixture } from '../host/memory';
import { chat } from '../messages/examples';
import { auenwaldCase, auenwaldDocuments, birkenlichtCase, steinkleeCase } from './records';
import { cases, preload, search, today } from './lists';
import { platform, signedIn, start } from './people';

export interface Story {
  id: string;
  fixture: Fixture;
  /** What is done once it is drawn, in order: keys to press, `click:SELECTOR`, `see:SELECTOR` to wait for something. */
  keys?: readonly string[];
  /** What is done to the desk before it is drawn. */
  prepare?: (desk: Desk) => void;
  /** A part instead of the whole program. */
  draw?: () => ReactNode;
}

/** The demonstration as it stands at 13:36. */
export const demo: Fixture = {
  start,
  signedIn,
  platform,
  today,
  preload,
  cases,
  search,
  caseViews: [auenwaldCase, birkenlichtCase, steinkleeCase],
  documents: auenwaldDocuments,
  chat,
  diagnosis: {
    lines: [
      { key: 'version', value: '0.1.0' },
      { key: 'system', value: 'Linux 6.1, WebKitGTK 2.50.6' },
      { key: 'platform', value: 'eschenland.example' },
      { key: 'provider', value: 'anmeldung.eschenland.example' },
      { key: 'token-until', value: '2026-11-24T12:41:00Z' },
      { key: 'bulk', value: '127.0.0.1:41873' },
      { key: 'workers', value: '2' },
      { key: 'workers-replaced', value: '0' },
      { key: 'frames-decoded', value: '271' },
      { key: 'device', value: 'a41f09c2' },
      { key: 'cache-bytes', value: '142300000' },
    ],
  },
};

export function at(place: Fixture['start']['place'], more: Partial<Fixture> = {}): Fixture {
  return { ...demo, ...more, start: { ...(more.start ?? demo.start), place } };
}
