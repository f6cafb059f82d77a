/**
 * What a file is. Its name and what the sender says decide what is written beside it; what is shown is decided by its
 * own first bytes and by the short list of forms here. Drawings in XML and pages in HTML are never shown: they are
 * programs.
 */

export type FileKind = 'image' | 'pdf' | 'audio' | 'video' | 'text' | 'table' | 'slides' | 'archive' | 'images' | 'program' | 'macro' | 'page' | 'other';

/** Why a file can do harm on the computer where it is opened. */
export type Danger = 'program' | 'macro' | 'page';

/** A form that the page shows, with the media type under which it does. */
export interface ShownAs {
  kind: 'image' | 'pdf' | 'audio' | 'video';
  type: string;
}

const byEnding: Record<FileKind, string> = {
  image: 'png jpg jpeg jfif gif webp avif bmp tif tiff heic heif',
  pdf: 'pdf',
  audio: 'mp3 m4a aac ogg oga opus wav flac',
  video: 'mp4 m4v webm mov ogv avi mkv',
  text: 'txt md rtf doc docx odt pages log xml json hl7',
  table: 'csv tsv xls xlsx ods',
  slides: 'ppt pptx odp key',
  archive: 'zip 7z rar tar gz tgz bz2 xz zst',
  images: 'dcm dicom dicomdir nii mha nrrd',
  program:
    'exe msi msix appx com scr pif bat cmd ps1 psm1 vb vbs vbe js jse mjs ws wsf wsc wsh hta cpl jar jnlp lnk url inf reg scf msc chm gadget application dll sys sh bash command run app dmg pkg deb rpm appimage flatpak desktop apk iso img vhd vhdx py pl rb php xll',
  macro: 'docm dotm xlsm xltm xlam xlsb pptm potm ppam ppsm sldm one',
  page: 'htm html xhtml shtml mht mhtml svg svgz xsl xslt swf',
  other: '',
};
const kinds = new Map(Object.entries(byEnding).flatMap(([kind, endings]) => endings.split(' ').filter((ending) => ending !== '').map((ending) => [ending, kind as FileKind] as const)));

/** A name in two parts, so that a long one is cut before its ending and never in it. */
export function nameParts(name: string): { stem: string; ending: string } {
  const at = name.lastIndexOf('.');
  return at > 0 && name.length - at <= 12 && at < name.length - 1 ? { stem: name.slice(0, at), ending: name.slice(at) } : { stem: name, ending: '' };
}

/** What a file says that it is: its ending, and where it has none, its media type. */
export function claimedKind(name: string, mimetype: string | null): FileKind {
  const { ending } = nameParts(name.trim());
  const known = kinds.get(ending.slice(1).toLowerCase());
  if (known !== undefined) return known;
  const type = mimetype?.toLowerCase() ?? '';
  if (type === 'image/svg+xml' || type === 'text/html' || type === 'application/xhtml+xml') return 'page';
  if (ending !== '') return 'other';
  if (type === 'application/pdf') return 'pdf';
  if (type === 'application/dicom') return 'images';
  if (type.startsWith('text/')) return 'text';
  const family = type.split('/')[0];
  return family === 'image' || family === 'audio' || family === 'video' ? family : 'other';
}

export function dangerOf(kind: FileKind): Danger | null {
  return kind === 'program' || kind === 'macro' || kind === 'page' ? kind : null;
}

const ascii = (bytes: Uint8Array, from: number, length: number) => String.fromCharCode(...bytes.subarray(from, from + length));
const begins = (bytes: Uint8Array, ...start: number[]) => start.every((byte, at) => bytes[at] === byte);

/** So many first bytes tell what a file is. */
export const headBytes = 64;

/** The form of a file by its first bytes (WHATWG MIME Sniffing §6, reduced to what is shown), else what it is besides. */
export function formOf(head: Uint8Array): ShownAs | 'program' | null {
  const image = (type: string): ShownAs => ({ kind: 'image', type: `image/${type}` });
  if (begins(head, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return image('png');
  if (begins(head, 0xff, 0xd8, 0xff)) return image('jpeg');
  if (['GIF87a', 'GIF89a'].includes(ascii(head, 0, 6))) return image('gif');
  if (ascii(head, 0, 5) === '%PDF-') return { kind: 'pdf', type: 'application/pdf' };
  if (ascii(head, 0, 4) === 'RIFF') {
    const form = ascii(head, 8, 4);
    return form === 'WEBP' ? image('webp') : form === 'WAVE' ? { kind: 'audio', type: 'audio/wav' } : null;
  }
  if (ascii(head, 4, 4) === 'ftyp') {
    const brand = ascii(head, 8, 4);
    if (brand === 'avif') return image('avif');
    if (brand.startsWith('M4A')) return { kind: 'audio', type: 'audio/mp4' };
    return /^(?:isom|iso[2-6]|mp4[12]|avc1|M4V.|dash)$/u.test(brand) ? { kind: 'video', type: 'video/mp4' } : null;
  }
  if (begins(head, 0x1a, 0x45, 0xdf, 0xa3)) return { kind: 'video', type: 'video/webm' };
  if (ascii(head, 0, 4) === 'OggS') return { kind: 'audio', type: 'audio/ogg' };
  if (ascii(head, 0, 4) === 'fLaC') return { kind: 'audio', type: 'audio/flac' };
  if (ascii(head, 0, 3) === 'ID3' || (head[0] === 0xff && ((head[1] ?? 0) & 0xe6) === 0xe2)) return { kind: 'audio', type: 'audio/mpeg' };
  const program = begins(head, 0x4d, 0x5a) || begins(head, 0x7f, 0x45, 0x4c, 0x46) || ascii(head, 0, 2) === '#!' || begins(head, 0xcf, 0xfa, 0xed, 0xfe) || begins(head, 0xca, 0xfe, 0xba, 0xbe);
  return program ? 'program' : null;
}

export interface Judged {
  /** How the page shows it; null where it is only saved. */
  shown: ShownAs | null;
  /** Its content is not what its name says. */
  mismatch: boolean;
  danger: Danger | null;
}

/** What becomes of a file that is here. Name and content must agree, or it is only saved. */
export function judged(name: string, mimetype: string | null, head: Uint8Array): Judged {
  const claimed = claimedKind(name, mimetype);
  const form = formOf(head);
  if (form === 'program') return { shown: null, mismatch: claimed !== 'program', danger: 'program' };
  const danger = dangerOf(claimed);
  if (form === null) return { shown: null, mismatch: claimed === 'pdf', danger };
  // A recording may hold a picture or only sound; both are played by the same means.
  const medium = (kind: FileKind) => kind === 'audio' || kind === 'video';
  const agrees = claimed === form.kind || (medium(claimed) && medium(form.kind));
  // What claims nothing claims nothing false.
  return { shown: agrees && danger === null ? form : null, mismatch: !agrees && claimed !== 'other', danger };
}

/** Whether there is hope to show a file before it is here. */
export function mayBeShown(kind: FileKind): boolean {
  return kind === 'image' || kind === 'pdf' || kind === 'audio' || kind === 'video';
}
