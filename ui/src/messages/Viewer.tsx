/** A picture or a PDF of a conversation in front of everything: zoom, the next and the previous one, Esc. */
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Dialog as Base, Heading, Modal, ModalOverlay, Toolbar } from 'react-aria-components';
import { announce } from '../components/announce';
import { Button, IconButton } from '../components/Button';
import { Icon } from '../components/icons';
import { Notice } from '../components/Notice';
import { PdfView } from '../case/pdf/PdfView';
import { stepped } from '../case/pdf/pages';
import { claimedKind, dangerOf } from '../host/fileKinds';
import { percent } from '../i18n/format';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { FileName, Progress } from './FileCard';
import { fileFailureWords, progressWords } from './fileWords';
import { type FileBody, useFile, useSaving } from './ReceivedFile';
import type { MessageLine } from './timeline';
import { useLasting, useObjectUrl } from './useTransfers';
import styles from './Viewer.module.css';

/** CSS pixels that one press of an arrow moves a picture. */
const panStep = 80;

const nextCommand = defineCommand({ id: 'file-next', keys: ['arrowright', 'pagedown'], label: () => m.file_next(), group: 'messages' });
const formerCommand = defineCommand({ id: 'file-former', keys: ['arrowleft', 'pageup'], label: () => m.file_former(), group: 'messages' });
const zoomIn = defineCommand({ id: 'file-zoom-in', keys: ['+'], label: () => m.document_zoom_in(), group: 'messages' });
const zoomOut = defineCommand({ id: 'file-zoom-out', keys: ['-'], label: () => m.document_zoom_out(), group: 'messages' });
const fit = defineCommand({ id: 'file-fit', keys: ['0'], label: () => m.file_fit(), group: 'messages' });
const saveCommand = defineCommand({ id: 'file-save', keys: ['mod+s'], label: () => m.file_save(), group: 'messages' });

export function Viewer({ conversation, line, others, go, close }: { conversation: string; line: MessageLine; others: readonly MessageLine[]; go: (line: MessageLine) => void; close: () => void }) {
  return line.body.type === 'file' ? <FileViewer key={line.id} {...{ conversation, line, others, go, close }} body={line.body} /> : null;
}

function FileViewer({ conversation, line, body, others, go, close }: { conversation: string; line: MessageLine; body: FileBody; others: readonly MessageLine[]; go: (line: MessageLine) => void; close: () => void }) {
  const file = useFile(conversation, line, body, true);
  const { received, fetch } = file;
  const { save, dialog } = useSaving(body.name, dangerOf(claimedKind(body.name, body.mimetype)), file);
  const begin = useRef(fetch);
  useEffect(() => begin.current(), []);
  const at = others.findIndex((one) => one.id === line.id);
  const [former, next] = [others[at - 1], others[at + 1]];
  const position = at >= 0 && others.length > 1 ? m.file_position({ at: at + 1, count: others.length }) : null;
  const step = (to: MessageLine | undefined) => {
    if (!to) return;
    announce(to.body.type === 'file' ? to.body.name : '');
    go(to);
  };
  const turn = (to: MessageLine | undefined, event: KeyboardEvent) => {
    // In a picture that is larger than its pane, arrows move the picture.
    const pane = event.key.startsWith('Arrow') ? document.querySelector<HTMLElement>('[data-pans]') : null;
    if (pane && pane.scrollWidth > pane.clientWidth + 1) pane.scrollBy(event.key === 'ArrowRight' ? panStep : -panStep, 0);
    else step(to);
  };
  useCommand(nextCommand, (event) => turn(next, event), { scope: 'dialog' });
  useCommand(formerCommand, (event) => turn(former, event), { scope: 'dialog' });
  useCommand(saveCommand, save, { scope: 'dialog' });
  return (
    <ModalOverlay isOpen isDismissable onOpenChange={(open) => !open && close()} className={styles['scrim'] ?? ''}>
      <Modal className={styles['modal'] ?? ''} data-testid="viewer">
        <Base className={styles['dialog'] ?? ''}>
          <div className={styles['head']}>
            <Heading slot="title" level={2} className={styles['title'] ?? ''}>
              <FileName name={body.name} />
            </Heading>
            {position !== null && (
              <>
                <span className={styles['position']}>{position}</span>
                <IconButton size="small" icon="back" label={m.file_former()} isDisabled={!former} onPress={() => step(former)} />
                <IconButton size="small" icon="next" label={m.file_next()} isDisabled={!next} onPress={() => step(next)} data-testid="viewer-next" />
              </>
            )}
            <Button size="small" icon="save" onPress={save} data-testid="viewer-save">
              {m.file_save()}
            </Button>
            <IconButton icon="close" label={m.action_close()} onPress={close} data-testid="viewer-close" />
          </div>
          <Inside {...{ received, body, fetch }} />
          {dialog}
        </Base>
      </Modal>
    </ModalOverlay>
  );
}

function Inside({ received, body, fetch }: { received: ReturnType<typeof useFile>['received']; body: FileBody; fetch: () => void }) {
  const lasting = useLasting(received?.state === 'loading' ? received.since : null);
  switch (received?.state) {
    case undefined:
    case 'waiting':
    case 'asking':
      return <div className={styles['aside']} />;
    case 'loading': {
      const total = received.total ?? body.size;
      return (
        <div className={styles['aside']} role="status">
          {lasting && (
            <div className={styles['wait']}>
              <Progress part={total === null || total === 0 ? null : Math.min(1, received.moved / total)} label={m.file_progress({ name: body.name })} />
              <p>{progressWords(received.moved, total, received.pace.rate(performance.now()))}</p>
            </div>
          )}
        </div>
      );
    }
    case 'failed': {
      const words = fileFailureWords(received.failure);
      return (
        <div className={styles['aside']}>
          <Notice
            tone="danger"
            title={received.failure.code === 'file-altered' ? m.file_not_shown() : m.file_not_loaded()}
            actions={
              <Button size="small" icon="reload" onPress={fetch}>
                {m.action_retry()}
              </Button>
            }
          >
            {words.what} {words.act}
          </Notice>
        </div>
      );
    }
    case 'here':
      if (received.shown === null) return <Refused words={received.mismatch ? m.file_mismatch() : m.file_not_showable()} />;
      switch (received.shown.kind) {
        case 'image':
          return <Picture blob={received.blob} type={received.shown.type} name={body.name} />;
        case 'audio':
        case 'video':
          return <Medium blob={received.blob} kind={received.shown.kind} type={received.shown.type} name={body.name} />;
        case 'pdf':
          return <PdfView data={received.blob} title={body.name} scope="dialog" />;
        default: {
          const unknown: never = received.shown.kind;
          return unknown;
        }
      }
    default: {
      const unknown: never = received;
      return unknown;
    }
  }
}

function Refused({ words }: { words: string }) {
  return (
    <div className={styles['aside']} data-testid="viewer-refused">
      <Notice tone="warn">{words}</Notice>
    </div>
  );
}

function Medium({ blob, kind, type, name }: { blob: Blob; kind: 'audio' | 'video'; type: string; name: string }) {
  const address = useObjectUrl(blob, type);
  const [refused, setRefused] = useState(false);
  if (refused) return <Refused words={m.file_not_playable()} />;
  const shared = { controls: true, src: address ?? undefined, 'aria-label': m.file_play({ name }), onError: () => setRefused(true) };
  return <div className={styles['aside']}>{address !== null && (kind === 'audio' ? <audio {...shared} /> : <video className={styles['video']} {...shared} />)}</div>;
}

function Picture({ blob, type, name }: { blob: Blob; type: string; name: string }) {
  const address = useObjectUrl(blob, type);
  const pane = useRef<HTMLDivElement>(null);
  const [zoom, setZoom] = useState<'fit' | number>('fit');
  const [natural, setNatural] = useState<{ width: number; height: number } | null>(null);
  const [room, setRoom] = useState({ width: 0, height: 0 });
  const [refused, setRefused] = useState(false);
  useLayoutEffect(() => {
    const element = pane.current;
    if (!element) return undefined;
    const measure = () => setRoom({ width: element.clientWidth, height: element.clientHeight });
    measure();
    element.focus();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const fitted = natural && room.width > 0 ? Math.min(1, room.width / natural.width, room.height / natural.height) : 1;
  const scale = zoom === 'fit' ? fitted : zoom;
  const change = (next: 'fit' | number) => {
    const element = pane.current;
    // What is in the middle stays there.
    const part = element ? [(element.scrollLeft + element.clientWidth / 2) / element.scrollWidth, (element.scrollTop + element.clientHeight / 2) / element.scrollHeight] : [0.5, 0.5];
    setZoom(next);
    announce(percent(next === 'fit' ? fitted : next));
    requestAnimationFrame(() => {
      if (element) element.scrollTo((part[0] ?? 0) * element.scrollWidth - element.clientWidth / 2, (part[1] ?? 0) * element.scrollHeight - element.clientHeight / 2);
    });
  };
  useCommand(zoomIn, () => change(stepped(scale, 'in')), { scope: 'dialog' });
  useCommand(zoomOut, () => change(stepped(scale, 'out')), { scope: 'dialog' });
  useCommand(fit, () => change('fit'), { scope: 'dialog' });
  if (refused) return <Refused words={m.file_not_playable()} />;
  return (
    <>
      <Toolbar className={styles['tools'] ?? ''} aria-label={m.file_zoom()}>
        <IconButton size="small" icon="minus" label={m.document_zoom_out()} onPress={() => change(stepped(scale, 'out'))} />
        <span className={styles['percent']} data-testid="viewer-zoom">
          {percent(scale)}
        </span>
        <IconButton size="small" icon="plus" label={m.document_zoom_in()} onPress={() => change(stepped(scale, 'in'))} data-testid="viewer-zoom-in" />
        <Button size="small" look="quiet" onPress={() => change('fit')} isDisabled={zoom === 'fit'}>
          {m.file_fit()}
        </Button>
        <span className={styles['warning']}>
          <Icon name="info" size="s" />
          {m.file_not_for_reading()}
        </span>
      </Toolbar>
      <div ref={pane} className={styles['pane']} tabIndex={0} role="group" aria-label={m.file_picture({ name })} data-pans data-testid="viewer-pane">
        {address !== null && (
          <img
            className={styles['picture']}
            src={address}
            alt={m.file_picture({ name })}
            style={natural ? { width: natural.width * scale, height: natural.height * scale } : { visibility: 'hidden' }}
            onLoad={({ currentTarget: image }) => setNatural({ width: image.naturalWidth, height: image.naturalHeight })}
            onError={() => setRefused(true)}
            data-testid="viewer-picture"
          />
        )}
      </div>
    </>
  );
}
