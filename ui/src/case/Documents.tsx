import { useEffect, useRef, useState } from 'react';
import { Button as Plain } from 'react-aria-components';
import { IconButton } from '../components/Button';
import { Empty } from '../components/Empty';
import { FailureNotice } from '../components/FailureNotice';
import { Gaps } from '../components/Gaps';
import { Icon } from '../components/icons';
import { PartView } from '../components/PartView';
import { Skeleton } from '../components/Skeleton';
import type { CaseView, DocumentEntryView, DocumentView } from '../host/contract';
import { type Load, useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { useNow } from '../i18n/clock';
import { bytes, dateTime, dayShort } from '../i18n/format';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import styles from './case.module.css';
import { bytesOf } from './documentBytes';
import { htmlText } from './htmlText';
import { DOCUMENT_SCOPE, PdfView } from './pdf/PdfView';

const leaveCommand = defineCommand({ id: 'document-leave', keys: ['escape'], label: () => m.command_step_back(), group: 'case' });

/** Findings and letters beside the text of one of them; Esc closes the text. */
export function Documents({ view, chosen, choose, retry }: { view: CaseView; chosen: string | null; choose: (id: string | null) => void; retry: () => void }) {
  const now = useNow(60_000);
  useCommand(leaveCommand, () => choose(null), { enabled: chosen !== null });
  return (
    <div className={styles['documents']} data-reading={chosen === null ? undefined : ''}>
      <div className={styles['documentList']}>
        <Gaps gaps={view.gaps.filter((gap) => gap.source === 'reports')} retry={retry} />
        <PartView part={view.documents} rows={6} words={{ what: m.case_what_documents(), empty: m.case_empty_documents() }} retry={retry}>
          {(documents) => (
            <ul aria-label={m.case_tab_documents()}>
              {documents.map((document) => (
                <li key={document.id}>
                  <Plain
                    className={styles['documentItem'] ?? ''}
                    aria-current={document.id === chosen ? 'true' : undefined}
                    onPress={() => choose(document.id)}
                    data-testid={`document-${document.id}`}
                  >
                    <span className={styles['rowIcon']}>
                      <Icon name={documentIcon(document)} size="s" />
                    </span>
                    <span className={styles['documentWords']}>
                      <span className={styles['documentTitle']}>{document.title}</span>
                      <br />
                      <span className={styles['documentDetail']}>{[document.author, document.organization].filter((word) => word !== null).join(' · ')}</span>
                    </span>
                    <span className={styles['rowAside']}>{document.at === null ? '' : dayShort(document.at, now)}</span>
                  </Plain>
                </li>
              ))}
            </ul>
          )}
        </PartView>
      </div>
      {chosen === null ? (
        <div className={styles['reader']}>{view.documents.state === 'ready' && <Empty icon="document" title={m.document_choose()} />}</div>
      ) : (
        <Reader key={chosen} patient={view.patient} document={chosen} close={() => choose(null)} />
      )}
    </div>
  );
}

export function documentIcon(document: DocumentEntryView) {
  return document.kdl?.startsWith('PT') === true || document.id.startsWith('DiagnosticReport/') ? 'microscope' : document.kdl?.startsWith('DG02') === true ? 'image' : 'document';
}

function Reader({ patient, document, close }: { patient: string; document: string; close: () => void }) {
  const desk = useDesk();
  const [load, setLoad] = useState<Load<DocumentView>>(() => ({ state: 'waiting', since: performance.now() }));
  const [attempt, setAttempt] = useState(0);
  const article = useRef<HTMLElement>(null);
  useEffect(() => {
    let current = true;
    ask(desk.host, { type: 'read-document', patient, document }, 'document').then(
      (value) => current && setLoad({ state: 'here', value }),
      (thrown: unknown) => current && setLoad({ state: 'failed', failure: asFailure(thrown) }),
    );
    article.current?.focus();
    return () => {
      current = false;
    };
  }, [desk, patient, document, attempt]);
  const again = () => {
    setLoad({ state: 'waiting', since: performance.now() });
    setAttempt(attempt + 1);
  };
  return (
    <article
      className={styles['reader']}
      tabIndex={-1}
      ref={article}
      data-testid="document-reader"
      data-scope={DOCUMENT_SCOPE}
      data-form={load.state === 'here' ? load.value.content.form : undefined}
    >
      {load.state === 'waiting' && <Skeleton what={m.document_what()} rows={6} since={load.since} retry={again} />}
      {load.state === 'failed' && (
        <FailureNotice
          failure={load.failure}
          retry={again}
        />
      )}
      {load.state === 'here' && (
        <>
          <div className={styles['readerHead']}>
            <div className={styles['grow']}>
              <h2 className={styles['readerTitle']}>{load.value.entry.title}</h2>
              <p className={styles['byline']}>
                {[load.value.entry.author, load.value.entry.organization, load.value.entry.at === null ? null : dateTime(load.value.entry.at), load.value.entry.kind]
                  .filter((word) => word !== null && word !== '')
                  .join(' · ')}
              </p>
            </div>
            <IconButton icon="close" label={m.document_close()} onPress={close} />
          </div>
          <Content document={load.value} />
        </>
      )}
    </article>
  );
}

/** A document in the form that it has; its words can be selected, and nothing of it is carried out. */
function Content({ document: { entry, content } }: { document: DocumentView }) {
  switch (content.form) {
    case 'text':
      return <div className={styles['readerText']}>{content.text}</div>;
    case 'html':
      return <div className={styles['readerText']}>{htmlText(content.html)}</div>;
    case 'pdf':
      return <PdfView data={content.data} title={entry.title} />;
    case 'picture':
      return <Picture mediaType={content.mediaType} data={content.data} title={entry.title} />;
    case 'too-large':
      return (
        <Empty icon="document" title={m.document_too_large()}>
          {m.document_too_large_more({ size: bytes(content.bytes), limit: bytes(content.limit) })}
        </Empty>
      );
    case 'unknown':
      return (
        <Empty icon="document" title={m.document_unknown()}>
          {m.document_unknown_more({ type: entry.contentType })}
        </Empty>
      );
    default: {
      const unknown: never = content;
      return unknown;
    }
  }
}

function Picture({ mediaType, data, title }: { mediaType: string; data: string; title: string }) {
  const [shown, setShown] = useState<{ address: string } | 'damaged' | undefined>();
  useEffect(() => {
    const address = URL.createObjectURL(new Blob([bytesOf(data)], { type: mediaType }));
    setShown({ address });
    return () => URL.revokeObjectURL(address);
  }, [data, mediaType]);
  if (shown === undefined) return null;
  if (shown === 'damaged') {
    return (
      <Empty icon="warn" title={m.document_damaged()}>
        {m.document_picture_damaged_more()}
      </Empty>
    );
  }
  return <img className={styles['readerPicture']} src={shown.address} alt={m.document_picture({ title })} onError={() => setShown('damaged')} data-testid="document-picture" />;
}
