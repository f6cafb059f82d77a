/**
 * The lines of the payload in the order in which a signer reads them: the patient first, then the
 * payload's own order. Every line is shown, known or not, and none twice.
 */

import type { PayloadLineView } from '../host/contract';

export type PayloadGroupName =
  | 'patient'
  | 'board'
  | 'decision'
  | 'diagnosis'
  | 'findings'
  | 'activities'
  | 'vote'
  | 'participants'
  | 'open-points'
  | 'version'
  | 'other';

export type PayloadGroup = { name: PayloadGroupName; lines: readonly PayloadLineView[] };

const ORDER: readonly PayloadGroupName[] = [
  'patient',
  'decision',
  'activities',
  'open-points',
  'diagnosis',
  'findings',
  'vote',
  'participants',
  'board',
  'version',
  'other',
];

const GROUP_OF_ROOT: Readonly<Record<string, PayloadGroupName>> = {
  patient: 'patient',
  board: 'board',
  case: 'board',
  created: 'board',
  category: 'decision',
  question: 'decision',
  text: 'decision',
  diagnosis: 'diagnosis',
  findings: 'findings',
  activities: 'activities',
  vote: 'vote',
  dissent: 'vote',
  quorum: 'participants',
  participants: 'participants',
  openPoints: 'open-points',
  schema: 'version',
  id: 'version',
  revision: 'version',
  replaces: 'version',
  reason: 'version',
};

export function payloadGroups(lines: readonly PayloadLineView[]): PayloadGroup[] {
  return ORDER.map((name) => ({ name, lines: lines.filter(({ path }) => groupOf(path) === name) })).filter(
    (group) => group.lines.length > 0,
  );
}

function groupOf(path: string): PayloadGroupName {
  return GROUP_OF_ROOT[path.split('.')[0] ?? ''] ?? 'other';
}

/** `activities.0.text` is the text of the first of `activities`. */
export type PayloadPath = { name: string; position: number | undefined };

export function payloadPath(path: string): PayloadPath {
  const steps = path.split('.');
  const number = steps.find((step) => /^\d+$/.test(step));
  return {
    name: steps.filter((step) => step !== number).join('.'),
    position: number === undefined ? undefined : Number(number) + 1,
  };
}

/** A checksum in groups of four, as it is read aloud. */
export function checksumGroups(sha256: string, groups?: number): string {
  const all = sha256.match(/.{1,4}/g) ?? [];
  return (groups === undefined ? all : all.slice(0, groups)).join(' ');
}
