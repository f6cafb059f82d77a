/** The pages of a PDF below each other in their own pane, with the words over them to select. */
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Toolbar } from 'react-aria-components';
import { announce } from '../../components/announce';
import { Button, IconButton } from '../../components/Button';
import { Notice } from '../../components/Notice';
import { Skeleton } from '../../components/Skeleton';
import { percent } from '../../i18n/format';
import { defineCommand, useCommand } from '../../keys/keys';
import { m } from '../../paraglide/messages';
import { bytesOf } from '../documentBytes';
import { fitted, nearby, pageAt, stepped, type Zoom } from './pages';
import type { PageSize, Pdf, PdfFault } from './pdf';
import styles from './PdfView.module.css';

export const DOCUMENT_SCOPE = 'document';

const zoomIn = defineCommand({ id: 'document-zoom-in', keys: ['+'], label: () => m.document_zoom_in(), group: 'case' });
const zoomOut = defineCommand({ id: 'document-zoom-out', keys: ['-'], label: () => m.document_zoom_out(), group: 'case' });
const fitWidth = defineCommand({ id: 'document-fit', keys: ['0'], label: () => m.document_fit(), group: 'case' });
const nextPage = defineCommand({ id: 'document-next-page', keys: ['j'], label: () => m.document_next_page(), group: 'case' });
const formerPage = defineCommand({ id: 'document-former-page', keys: ['k'], label: () => m.document_former_page(), group: 'case' });

/** Space beside and between pages. */
const GAP = 16;

type Opened = { state: 'opening'; since: number } | { state: 'refused'; fault: PdfFault | 'reader' } | { state: 'open'; pdf: Pdf; sizes: PageSize[] };

/** `data` is base64 or the bytes. `scope` is where its keys are heard: `dialog` in a dialog. */
export function PdfView({ data, title, scope = DOCUMENT_SCOPE }: { data: string | Blob; title: string; scope?: string }) {
  const opened = usePdf(data);
  switch (opened.state) {
    case 'opening':
      return (
        <div className={styles['aside']}>
          <Skeleton what={m.document_what()} rows={6} since={opened.since} />
        </div>
      );
    case 'refused':
      return <Refused fault={opened.fault} />;
    case 'open':
      return <Pages pdf={opened.pdf} sizes={opened.sizes} title={title} scope={scope} />;
    default: {
      const unknown: never = opened;
      return unknown;
    }
  }
}

/** Says what is wrong with the file. It offers no way to send it elsewhere or to leave it on the disk unsealed. */
export function Refused({ fault }: { fault: PdfFault | 'reader' }) {
  const words = {
    encrypted: { title: m.document_encrypted(), more: m.document_encrypted_more() },
    damaged: { title: m.document_damaged(), more: m.document_damaged_more() },
    reader: { title: m.document_no_reader(), more: m.document_no_reader_more() },
  }[fault];
  return (
    <div className={styles['aside']} data-testid={`document-${fault}`}>
      <Notice tone="warn" icon={fault === 'encrypted' ? 'locked' : 'warn'} title={words.title}>
        {words.more}
      </Notice>
    </div>
  );
}

function usePdf(data: string | Blob): Opened {
  const [opened, setOpened] = useState<Opened>(() => ({ state: 'opening', since: performance.now() }));
  useEffect(() => {
    let current = true;
    let pdf: Pdf | undefined;
    const open = async () => {
      const reader = await import('./pdf').catch(() => undefined);
      if (reader === undefined) return setOpened({ state: 'refused', fault: 'reader' });
      try {
        pdf = await reader.openPdf(typeof data === 'string' ? bytesOf(data) : new Uint8Array(await data.arrayBuffer()));
        // The first page's size stands for those that were not looked at yet.
        const first = await pdf.size(1);
        if (!current) return pdf.close();
        setOpened({ state: 'open', pdf, sizes: Array.from({ length: pdf.pages }, () => first) });
      } catch (thrown) {
        if (current) setOpened({ state: 'refused', fault: thrown instanceof reader.PdfRefused ? thrown.fault : 'damaged' });
      }
    };
    void open();
    return () => {
      current = false;
      pdf?.close();
    };
  }, [data]);
  return opened;
}

function Pages({ pdf, sizes: first, title, scope }: { pdf: Pdf; sizes: PageSize[]; title: string; scope: string }) {
  const pane = useRef<HTMLDivElement>(null);
  const [sizes, setSizes] = useState(first);
  const [zoom, setZoom] = useState<Zoom>('fit');
  const [width, setWidth] = useState(0);
  const [page, setPage] = useState(1);
  const [visible, setVisible] = useState<ReadonlySet<number>>(() => new Set([1]));
  const widest = Math.max(...sizes.map((size) => size.width));
  const scale = zoom === 'fit' ? fitted(width - 2 * GAP, widest) : zoom;

  useLayoutEffect(() => {
    const element = pane.current;
    if (element === null) return undefined;
    const measure = () => setWidth(element.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // Arrow keys scroll the pages from the start, unless somebody is elsewhere already.
  useEffect(() => {
    const element = pane.current;
    if (element !== null && element.closest('[data-testid=document-reader]') === document.activeElement) element.focus();
  }, []);

  useEffect(() => {
    const element = pane.current;
    if (element === null) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        setVisible((before) => {
          const after = new Set(before);
          for (const entry of entries) {
            const number = Number((entry.target as HTMLElement).dataset['page']);
            if (entry.isIntersecting) after.add(number);
            else after.delete(number);
          }
          return after;
        });
      },
      { root: element },
    );
    for (const one of element.children) observer.observe(one);
    return () => observer.disconnect();
  }, [pdf]);

  const learned = useCallback((at: number, size: PageSize) => {
    setSizes((before) => {
      const known = before[at - 1];
      if (known === undefined || (known.width === size.width && known.height === size.height)) return before;
      return before.map((one, index) => (index === at - 1 ? size : one));
    });
  }, []);

  const to = (wanted: number) => {
    const target = Math.min(pdf.pages, Math.max(1, wanted));
    const element = pane.current;
    const place = element?.children[target - 1];
    if (element === null || !(place instanceof HTMLElement)) return;
    element.scrollTo({ top: place.offsetTop - GAP });
    setPage(target);
    announce(m.document_page({ page: target, pages: pdf.pages }));
  };
  const change = (next: Zoom) => {
    const element = pane.current;
    // The same words stay in the middle.
    const part = element === null ? 0 : (element.scrollTop + element.clientHeight / 2) / Math.max(1, element.scrollHeight);
    setZoom(next);
    requestAnimationFrame(() => {
      if (element !== null) element.scrollTop = part * element.scrollHeight - element.clientHeight / 2;
    });
  };
  useCommand(zoomIn, () => change(stepped(scale, 'in')), { scope });
  useCommand(zoomOut, () => change(stepped(scale, 'out')), { scope });
  useCommand(fitWidth, () => change('fit'), { scope });
  useCommand(nextPage, () => to(page + 1), { scope });
  useCommand(formerPage, () => to(page - 1), { scope });

  return (
    <div className={styles['pdf']}>
      <Toolbar aria-label={m.document_tools()} className={styles['tools'] ?? ''}>
        <IconButton size="small" icon="back" label={m.document_former_page()} isDisabled={page <= 1} onPress={() => to(page - 1)} />
        <span className={styles['place']} data-testid="document-page">
          {m.document_page({ page, pages: pdf.pages })}
        </span>
        <IconButton size="small" icon="next" label={m.document_next_page()} isDisabled={page >= pdf.pages} onPress={() => to(page + 1)} data-testid="document-next" />
        <span className={styles['divider']} aria-hidden />
        <IconButton size="small" icon="minus" label={m.document_zoom_out()} onPress={() => change(stepped(scale, 'out'))} />
        <span className={styles['percent']} data-testid="document-zoom">
          {percent(scale)}
        </span>
        <IconButton size="small" icon="plus" label={m.document_zoom_in()} onPress={() => change(stepped(scale, 'in'))} data-testid="document-zoom-in" />
        <Button size="small" look="quiet" icon="width" onPress={() => change('fit')} isDisabled={zoom === 'fit'}>
          {m.document_fit()}
        </Button>
      </Toolbar>
      <div
        ref={pane}
        className={styles['pane']}
        role="group"
        aria-label={m.document_pages({ title })}
        tabIndex={0}
        data-testid="document-pages"
        onScroll={({ currentTarget: element }) => {
          const tops = [...element.children].map((one) => (one as HTMLElement).offsetTop);
          setPage(element.scrollTop + element.clientHeight >= element.scrollHeight - 1 ? pdf.pages : pageAt(tops, element.scrollTop, element.clientHeight));
        }}
      >
        {sizes.map((size, index) => (
          <Page key={index} pdf={pdf} number={index + 1} size={size} scale={scale} drawn={width > 0 && nearby(visible, index + 1)} learned={learned} />
        ))}
      </div>
    </div>
  );
}

/** One page; its picture and its words exist only while it is near. */
function Page({ pdf, number, size, scale, drawn, learned }: { pdf: Pdf; number: number; size: PageSize; scale: number; drawn: boolean; learned: (page: number, size: PageSize) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const words = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const [picture, text] = [canvas.current, words.current];
    if (!drawn || picture === null || text === null) return undefined;
    let current = true;
    text.replaceChildren();
    const drawing = pdf.draw(number, picture, scale, window.devicePixelRatio);
    const writing = pdf.write(number, text, scale);
    drawing.done.then(
      () => current && setFailed(false),
      () => current && setFailed(true),
    );
    // Words that cannot be had leave the picture, which is what counts.
    writing.done.catch(() => undefined);
    pdf.size(number).then(
      (known) => current && learned(number, known),
      () => undefined,
    );
    return () => {
      current = false;
      drawing.stop();
      writing.stop();
    };
  }, [pdf, number, scale, drawn, learned]);
  return (
    <div
      className={styles['page']}
      data-page={number}
      role="group"
      aria-label={m.document_page({ page: number, pages: pdf.pages })}
      style={{ width: size.width * scale, height: size.height * scale, ['--total-scale-factor' as string]: String((scale * 96) / 72) }}
    >
      {drawn && (
        <>
          <canvas ref={canvas} className={styles['picture']} aria-hidden />
          <div ref={words} className={styles['words']} />
        </>
      )}
      {failed && (
        <div className={styles['pageFailed']}>
          <Notice tone="warn">{m.document_page_damaged({ page: number })}</Notice>
        </div>
      )}
    </div>
  );
}
