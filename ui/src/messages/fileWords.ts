/** What is said about files. */
import type { IconName } from '../components/icons';
import type { Failure, StudyLabelView } from '../host/contract';
import type { Danger, FileKind } from '../host/fileKinds';
import { restSeconds } from '../host/pace';
import type { Refusal, Told } from '../host/transfers';
import { failureWords } from '../i18n/failure';
import { bytes, number, percent, rate } from '../i18n/format';
import { m } from '../paraglide/messages';

const kinds: Record<FileKind, { icon: IconName; words: () => string }> = {
  image: { icon: 'image', words: m.file_kind_image },
  pdf: { icon: 'document', words: m.file_kind_pdf },
  audio: { icon: 'music', words: m.file_kind_audio },
  video: { icon: 'film', words: m.file_kind_video },
  text: { icon: 'document', words: m.file_kind_text },
  table: { icon: 'sheet', words: m.file_kind_table },
  slides: { icon: 'slides', words: m.file_kind_slides },
  archive: { icon: 'archive', words: m.file_kind_archive },
  images: { icon: 'disc', words: m.file_kind_images },
  program: { icon: 'program', words: m.file_kind_program },
  macro: { icon: 'program', words: m.file_kind_macro },
  page: { icon: 'code', words: m.file_kind_page },
  other: { icon: 'document', words: m.file_kind_other },
};

export const kindIcon = (kind: FileKind): IconName => kinds[kind].icon;

/** "PDF · 2,4 MB". */
export function aboutFile(kind: FileKind, size: number | null): string {
  return [kinds[kind].words(), size === null ? '' : bytes(size)].filter((word) => word !== '').join(' · ');
}

/** "135 Bilder". */
export function imageWords(count: number): string {
  return m.study_images({ count, shown: number(count) });
}

/** "CT, 135 Bilder". */
export function studyWords({ modality, images }: StudyLabelView): string {
  return m.study_words({ modality: modality.join(' + '), images: imageWords(images) });
}

/** Why a file of somebody is not opened lightly. */
export function dangerWords(danger: Danger): string {
  switch (danger) {
    case 'program':
      return m.file_danger_program();
    case 'macro':
      return m.file_danger_macro();
    case 'page':
      return m.file_danger_page();
    default: {
      const unknown: never = danger;
      return unknown;
    }
  }
}

/** What happened to a file and what to do, in one or two sentences. */
export function fileFailureWords(failure: Failure): { what: string; act: string } {
  const words = failureWords(failure);
  const limit = Number(failure.detail);
  if (failure.code === 'file-too-large' && limit > 0) return { what: m.file_too_large({ limit: bytes(limit) }), act: words.act };
  if (failure.code === 'platform-unreachable') return { what: m.file_line_cut(), act: m.file_line_cut_act() };
  if (failure.code === 'conflict') return { what: m.file_too_many_going(), act: m.file_too_many_going_act() };
  return { what: words.what, act: words.act };
}

export function refusalWords(refusal: Refusal): string {
  switch (refusal.why) {
    case 'folder':
      return m.file_refused_folder({ name: refusal.name });
    case 'empty':
      return m.file_refused_empty({ name: refusal.name });
    case 'plain':
      return m.file_refused_plain();
    case 'too-many':
      return m.file_refused_many({ most: refusal.most });
    case 'no-images':
      return m.study_left_out({ count: refusal.count });
    default: {
      const unknown: never = refusal;
      return unknown;
    }
  }
}

function restWords(seconds: number): string {
  if (seconds < 60) return m.file_rest_seconds({ seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return m.file_rest_minutes({ minutes, seconds: seconds % 60 });
  return m.file_rest_hours({ hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

/** "64 % · 6,2 MB/s · noch 1 min 22 s". */
export function progressWords(moved: number, total: number | null, speed: number | null): string {
  const rest = restSeconds(moved, total, speed);
  const words = [total === null || total === 0 ? '' : percent(Math.floor((moved / total) * 100) / 100), speed === null ? '' : rate(speed), rest === null ? '' : restWords(rest)];
  return words.filter((word) => word !== '').join(' · ');
}

export function toldWords(told: Told): string {
  switch (told.what) {
    case 'attached':
      return m.file_told_attached({ count: told.count });
    case 'sent':
      return m.file_told_sent({ name: told.name });
    case 'not-sent':
      return m.file_told_not_sent({ name: told.name });
    case 'saved':
      return m.file_saved({ name: told.name });
    case 'loaded':
      return m.file_told_loaded({ name: told.name });
    case 'not-loaded':
      return m.file_told_not_loaded({ name: told.name });
    default: {
      const unknown: never = told;
      return unknown;
    }
  }
}
