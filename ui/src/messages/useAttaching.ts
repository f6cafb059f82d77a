/** From what was chosen, dropped or pasted to what is attached to a conversation. */
import type { ConversationView } from '../host/contract';
import { m } from '../paraglide/messages';
import type { Composing } from './useComposer';
import type { Dropped } from './useFileDrop';
import { useTransfers } from './useTransfers';

export interface Attaching {
  any: boolean;
  take: (dropped: Dropped) => void;
}

/** A picture from the clipboard has no name of its own: every browser calls it so. */
const unnamed = /^image\.(png|jpe?g|gif|webp|bmp)$/iu;

export function useAttaching(view: ConversationView, composing: Composing, focus: () => void): Attaching {
  const transfers = useTransfers();
  return {
    any: transfers.attached(view.id).length > 0,
    take({ files, folders }) {
      if (!view.maySend || (files.length === 0 && folders.length === 0)) return;
      if (composing.mode.kind === 'edit') composing.leave();
      // The key of a file is part of its message, and would lie open.
      if (view.encryption.state === 'encrypted') {
        transfers.attach(view.id, files.map(named), { largest: view.largestFile });
        for (const folder of folders) void transfers.attachFolder(view.id, folder, view.largestFile);
      } else {
        transfers.refuse(view.id, { why: 'plain' });
      }
      focus();
    },
  };
}

function named(file: File): File {
  const ending = unnamed.exec(file.name)?.[1];
  if (ending === undefined) return file;
  const at = new Date(file.lastModified);
  const two = (value: number) => String(value).padStart(2, '0');
  const when = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}.${two(at.getMinutes())}.${two(at.getSeconds())}`;
  return new File([file], `${m.file_pasted()} ${when}.${ending}`, { type: file.type, lastModified: file.lastModified });
}
