/**
 * PDF files, taken apart by pdf.js in a worker of the page's own origin. This module is loaded when the first PDF is
 * read and not before.
 *
 * Nothing of a file is carried out: no scripts, no forms, no links, nothing fetched from elsewhere. What comes out
 * are pixels of pages and the words on them.
 */
import { AnnotationMode, getDocument, type PageViewport, PasswordException, type PDFDocumentProxy, PDFWorker, TextLayer } from 'pdfjs-dist/legacy/build/pdf.mjs';
import PdfJsWorker from 'pdfjs-dist/legacy/build/pdf.worker.min.mjs?worker';

/** Why a file is not shown. */
export type PdfFault = 'encrypted' | 'damaged';

export class PdfRefused extends Error {
  readonly fault: PdfFault;
  constructor(fault: PdfFault) {
    super(fault);
    this.fault = fault;
  }
}

/** In CSS pixels at 100 %. */
export interface PageSize {
  width: number;
  height: number;
}

/** Something under way on a page; `stop` leaves what is there. */
interface Work {
  done: Promise<void>;
  stop: () => void;
}

export interface Pdf {
  pages: number;
  size: (page: number) => Promise<PageSize>;
  /** Draws a page; the canvas takes the page's size times the device's pixels. */
  draw: (page: number, canvas: HTMLCanvasElement, zoom: number, ratio: number) => Work;
  /** Puts a page's words over it, so that they can be selected and read aloud. */
  write: (page: number, container: HTMLElement, zoom: number) => Work;
  close: () => void;
}

/** PDF measures in points of 1/72 inch, CSS in pixels of 1/96. */
const PIXELS_PER_POINT = 96 / 72;
/** Larger pictures within a file are left out; a scanned A4 page at 600 dpi has 35 million pixels. */
const LARGEST_PICTURE = 64_000_000;
/** Device pixels of one page; beyond it the page is drawn coarser. */
const LARGEST_PAGE = 16_000_000;

const fonts = import.meta.glob<string>('../../../node_modules/pdfjs-dist/standard_fonts/*.{pfb,ttf}', { query: '?url', import: 'default', eager: true });
const decoders = import.meta.glob<string>('../../../node_modules/pdfjs-dist/wasm/{openjpeg,jbig2,qcms_bg}.wasm', { query: '?url', import: 'default', eager: true });
const shipped = new Map([...Object.entries(fonts), ...Object.entries(decoders)].map(([path, url]) => [path.slice(path.lastIndexOf('/') + 1), url]));

/** What pdf.js wants beside the file: fonts that every reader must have, and decoders. All of it ships with the page. */
class ShippedData {
  async fetch({ filename }: { filename: string }): Promise<Uint8Array> {
    const url = shipped.get(filename);
    if (url === undefined) throw new Error('not shipped');
    const answer = await fetch(url);
    if (!answer.ok) throw new Error('not here');
    return new Uint8Array(await answer.arrayBuffer());
  }
}

/** Takes the bytes: they are gone for the caller. */
export async function openPdf(bytes: Uint8Array): Promise<Pdf> {
  const port = new PdfJsWorker({ name: 'pdf' });
  // The published type of `port` is that of its default.
  const worker = new PDFWorker({ port: port as unknown as null, verbosity: 0 });
  const task = getDocument({
    data: bytes,
    worker,
    BinaryDataFactory: ShippedData,
    // Both only name the kind of what is wanted; where it lies is ours to know.
    standardFontDataUrl: 'shipped/',
    wasmUrl: 'shipped/',
    useWorkerFetch: false,
    useSystemFonts: false,
    enableXfa: false,
    maxImageSize: LARGEST_PICTURE,
    disableAutoFetch: true,
    verbosity: 0,
  });
  const close = () => {
    // The worker goes first: a file that keeps it busy cannot hold on to it.
    port.terminate();
    task.destroy().catch(() => undefined);
  };
  try {
    const document = await task.promise;
    if (document.numPages < 1) throw new PdfRefused('damaged');
    return opened(document, close);
  } catch (thrown) {
    close();
    throw new PdfRefused(thrown instanceof PasswordException ? 'encrypted' : 'damaged');
  }
}

function opened(document: PDFDocumentProxy, close: () => void): Pdf {
  const viewport = async (page: number, zoom: number) => (await document.getPage(page)).getViewport({ scale: zoom * PIXELS_PER_POINT });
  return {
    pages: document.numPages,
    async size(page) {
      const { width, height } = await viewport(page, 1);
      return { width, height };
    },
    draw(page, canvas, zoom, ratio) {
      return work(async () => {
        const view = await viewport(page, zoom * coarser(await viewport(page, zoom), ratio));
        const proxy = await document.getPage(page);
        canvas.width = Math.max(1, Math.floor(view.width));
        canvas.height = Math.max(1, Math.floor(view.height));
        const task = proxy.render({ canvas, viewport: view, annotationMode: AnnotationMode.ENABLE });
        return { done: task.promise, stop: () => task.cancel() };
      });
    },
    write(page, container, zoom) {
      return work(async () => {
        const proxy = await document.getPage(page);
        const layer = new TextLayer({ textContentSource: proxy.streamTextContent(), container, viewport: await viewport(page, zoom) });
        return { done: layer.render(), stop: () => layer.cancel() };
      });
    },
    close,
  };
}

/** Device pixels per CSS pixel, less where the page would become too large. */
function coarser({ width, height }: PageViewport, ratio: number): number {
  const pixels = Math.max(1, width * height);
  return Math.min(ratio, Math.sqrt(LARGEST_PAGE / pixels));
}

/** A step that may be stopped before it has begun. */
function work(begin: () => Promise<{ done: Promise<unknown>; stop: () => void }>): Work {
  let stopped = false;
  let stop: (() => void) | undefined;
  const done = begin().then(async (begun) => {
    stop = begun.stop;
    if (stopped) stop();
    await begun.done;
  });
  return {
    done,
    stop() {
      stopped = true;
      stop?.();
    },
  };
}
