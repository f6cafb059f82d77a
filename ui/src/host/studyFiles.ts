/** Images among files that somebody chose: which files may be some, and what lies in a folder. */

/** More files than these are no study. */
const mostFiles = 20_000;
/** PS3.10 7.1: a preamble of 128 bytes, then the mark. */
const [markAt, mark] = [128, 'DICM'];
/** Files that are looked into at a time. */
const atATime = 32;

/** Whether a file may hold an image: archives and media give them any ending, or none. */
export function mayHoldImage(name: string): boolean {
  const ending = /\.([a-z]+)$/iu.exec(name)?.[1]?.toLowerCase();
  return ending === undefined || ['dcm', 'dicom', 'dic', 'ima', 'img'].includes(ending);
}

async function isImage(file: File): Promise<boolean> {
  if (!mayHoldImage(file.name)) return false;
  try {
    const head = await file.slice(markAt, markAt + mark.length).arrayBuffer();
    return new TextDecoder('latin1').decode(head) === mark;
  } catch {
    return false;
  }
}

/** Images and other files apart, each in their order. */
export async function imagesAmong(files: readonly File[]): Promise<{ images: File[]; others: File[] }> {
  const [images, others]: [File[], File[]] = [[], []];
  for (let at = 0; at < files.length; at += atATime) {
    const some = files.slice(at, at + atATime);
    const found = await Promise.all(some.map(isImage));
    some.forEach((file, place) => (found[place] === true ? images : others).push(file));
  }
  return { images, others };
}

const entriesOf = (folder: FileSystemDirectoryReader) => new Promise<FileSystemEntry[]>((yes, no) => folder.readEntries(yes, no));
const fileOf = (entry: FileSystemFileEntry) => new Promise<File>((yes, no) => entry.file(yes, no));

/** All files in a folder and in the folders in it; null where it holds more than a study does. */
export async function filesIn(folder: FileSystemDirectoryEntry): Promise<File[] | null> {
  const [files, waiting]: [File[], FileSystemDirectoryEntry[]] = [[], [folder]];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const reader = next.createReader();
    // It gives a hundred at a time, and none at its end.
    for (let some = await entriesOf(reader); some.length > 0; some = await entriesOf(reader)) {
      for (const entry of some) {
        if (entry.isDirectory) waiting.push(entry as FileSystemDirectoryEntry);
        else files.push(await fileOf(entry as FileSystemFileEntry));
        if (files.length > mostFiles) return null;
      }
    }
  }
  return files;
}
