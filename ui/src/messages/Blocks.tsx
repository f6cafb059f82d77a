/** Text as blocks and spans: what a sender wrote never becomes markup of the page. */
import type { BlockView, SpanView } from '../host/contract';
import { classes } from '../components/classes';
import { copyText } from '../components/copy';
import { m } from '../paraglide/messages';
import styles from './Timeline.module.css';

function Span({ span }: { span: SpanView }) {
  const look = classes(
    span.emphasis && styles['emphasis'],
    span.strike && styles['strike'],
    span.code && styles['inlineCode'],
    span.mention !== null && styles['mention'],
    span.everybody && styles['mention'],
    (span.mention?.own === true || span.everybody) && styles['mentionOwn'],
  );
  // A name may be written in the other direction, and may not turn what follows.
  if (span.mention !== null || span.everybody) return <bdi className={look}>{span.everybody ? `@${m.chat_everybody()}` : span.text}</bdi>;
  const words = span.strong ? <b>{span.text}</b> : span.text;
  if (span.link !== null) return <Address link={span.link} text={span.text} look={look} />;
  return look === '' ? <>{words}</> : <span className={look}>{words}</span>;
}

/** An address: pressing it copies it, since the program opens no page that a sender has chosen. */
function Address({ link, text, look }: { link: string; text: string; look: string }) {
  const place = placeOf(link);
  return (
    <button type="button" className={classes(styles['link'], look)} title={link} aria-label={m.chat_link_copy({ text, place })} onClick={() => copyText(link)}>
      {text}
      {place !== '' && !text.includes(place) && <span className={styles['linkPlace']}> ({place})</span>}
    </button>
  );
}

/** Where an address leads: a text beside it may say otherwise. */
function placeOf(link: string): string {
  try {
    const url = new URL(link);
    return url.protocol === 'mailto:' ? url.pathname : url.host;
  } catch {
    return '';
  }
}

export function Blocks({ blocks, lead }: { blocks: readonly BlockView[]; lead?: string | undefined }) {
  return (
    <>
      {blocks.map((block, at) => (
        <Block key={at} block={block} lead={at === 0 ? lead : undefined} />
      ))}
    </>
  );
}

function Block({ block, lead }: { block: BlockView; lead: string | undefined }) {
  switch (block.type) {
    case 'paragraph':
      return (
        <p className={styles['paragraph']}>
          {lead !== undefined && <b>{lead} </b>}
          {block.spans.map((span, at) => (
            <Span key={at} span={span} />
          ))}
        </p>
      );
    case 'quote':
      return (
        <blockquote className={styles['quoteBlock']}>
          <Blocks blocks={block.blocks} />
        </blockquote>
      );
    case 'code':
      return <pre className={styles['code']}>{block.text}</pre>;
    case 'list': {
      const List = block.ordered ? 'ol' : 'ul';
      return (
        <List className={block.ordered ? styles['numbers'] : styles['bullets']}>
          {block.items.map((item, at) => (
            <li key={at}>
              <Blocks blocks={item} />
            </li>
          ))}
        </List>
      );
    }
    default: {
      const unknown: never = block;
      return unknown;
    }
  }
}
