/** A shape and a word for each kind of entry in a record. */
import type { TimelineKind } from '../host/contract';
import { m } from '../paraglide/messages';
import type { IconName } from './icons';

export const kindIcon: Record<TimelineKind, IconName> = {
  diagnosis: 'target',
  stage: 'target',
  pathology: 'microscope',
  imaging: 'image',
  procedure: 'scalpel',
  radiotherapy: 'radiation',
  systemic: 'pill',
  'adverse-event': 'warn',
  course: 'activity',
  board: 'board',
  document: 'document',
};

export const kindWord: Record<TimelineKind, () => string> = {
  diagnosis: m.kind_diagnosis,
  stage: m.kind_stage,
  pathology: m.kind_pathology,
  imaging: m.kind_imaging,
  procedure: m.kind_procedure,
  radiotherapy: m.kind_radiotherapy,
  systemic: m.kind_systemic,
  'adverse-event': m.kind_adverse_event,
  course: m.kind_course,
  board: m.kind_board,
  document: m.kind_document,
};
