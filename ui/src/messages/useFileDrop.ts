/** Files that are dragged over a part of the page and dropped there, or pasted. */
import { type ClipboardEvent, type DragEvent, useEffect, useRef, useState } from 'react';

export interface Dropped {
  files: File[];
  folders: FileSystemDirectoryEntry[];
}

/** What was dropped or pasted, in its order. */
export function filesOf(transfer: DataTransfer): Dropped {
  const dropped: Dropped = { files: [], folders: [] };
  const items = [...transfer.items].filter((item) => item.kind === 'file');
  for (const item of items) {
    const entry = typeof item.webkitGetAsEntry === 'function' ? item.webkitGetAsEntry() : null;
    if (entry?.isDirectory === true) {
      dropped.folders.push(entry as FileSystemDirectoryEntry);
      continue;
    }
    const file = item.getAsFile();
    if (file) dropped.files.push(file);
  }
  // Where the list of items is kept from the page, its files are not.
  if (items.length === 0) dropped.files.push(...transfer.files);
  return dropped;
}

const hasFiles = (event: DragEvent) => [...event.dataTransfer.types].includes('Files');

export function useFileDrop(take: (dropped: Dropped) => void) {
  const [over, setOver] = useState(false);
  const leaving = useRef<number | undefined>(undefined);
  useEffect(() => () => window.clearTimeout(leaving.current), []);
  const stay = () => {
    window.clearTimeout(leaving.current);
    setOver(true);
  };
  return {
    over,
    handlers: {
      onDragEnter(event: DragEvent) {
        if (!hasFiles(event)) return;
        event.preventDefault();
        stay();
      },
      onDragOver(event: DragEvent) {
        if (!hasFiles(event)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = 'copy';
        stay();
      },
      onDragLeave(event: DragEvent) {
        // From one part of it to another is not out of it. WebKit does not say where to; it goes on being over it then.
        if (event.relatedTarget instanceof Node && event.currentTarget.contains(event.relatedTarget)) return;
        window.clearTimeout(leaving.current);
        leaving.current = window.setTimeout(() => setOver(false), 150);
      },
      onDrop(event: DragEvent) {
        window.clearTimeout(leaving.current);
        setOver(false);
        if (!hasFiles(event)) return;
        event.preventDefault();
        take(filesOf(event.dataTransfer));
      },
      onPaste(event: ClipboardEvent) {
        // A copied table or text brings a picture of itself along: the words are what is meant.
        if (event.clipboardData.getData('text/plain') !== '') return;
        const pasted = filesOf(event.clipboardData);
        if (pasted.files.length === 0) return;
        event.preventDefault();
        take(pasted);
      },
    },
  };
}
