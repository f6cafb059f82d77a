/** Text and lines over a picture: DOM and SVG, so that they can be read, selected and focused. */

import type { PointerEvent } from 'react';
import { classes } from '../components/classes';
import type { StudyView } from '../host/contract';
import { dateTime } from '../i18n/format';
import { m } from '../paraglide/messages';
import * as format from './format';
import styles from './Overlay.module.css';
import { labelPlace } from './overlay';
import type { Shape, Spot, ViewportSnapshot } from './snapshot';
import { imageWord, noteWord, otherPerson, probeWord, windowNumbers, windowWord } from './words';

export type OverlayView = {
  viewport: ViewportSnapshot;
  study: StudyView | undefined;
  /** False when the reader has put the text away; warnings stay. */
  text: boolean;
  select: (id: string) => void;
  grab: (id: string, end: 'from' | 'to', event: PointerEvent) => void;
};

export function Overlay({ viewport, study, text, select, grab }: OverlayView) {
  return (
    <>
      <Lines viewport={viewport} select={select} grab={grab} />
      <Corners viewport={viewport} study={study} text={text} />
      <Presenter viewport={viewport} />
    </>
  );
}

/** Beyond which the name would leave the picture, in CSS pixels. */
const NAME_ROOM = { width: 168, height: 44 };

/** Where whoever shows images points to. Small, so that what moves is no layer as large as the picture. */
function Presenter({ viewport: { id, place, presenter } }: Pick<OverlayView, 'viewport'>) {
  if (presenter === undefined) return null;
  const [x, y] = presenter.at;
  const name = classes(
    styles['presenterName'],
    x + NAME_ROOM.width > place.width && styles['presenterNameLeft'],
    y + NAME_ROOM.height > place.height && styles['presenterNameAbove'],
  );
  return (
    <div
      className={styles['presenter']}
      style={{ transform: `translate(${String(x)}px, ${String(y)}px)` }}
      data-testid={`presenter-${String(id + 1)}`}
      aria-hidden
    >
      <svg width={36} height={36} viewBox="-18 -18 36 36">
        {[styles['presenterOutline'], styles['presenterLine']].map((className) => (
          <g key={className} className={className}>
            <circle r={9} />
            <path d="M-16 0h10M6 0h10M0 -16v10M0 6v10" />
          </g>
        ))}
      </svg>
      {presenter.name !== '' && <span className={name}>{presenter.name}</span>}
    </div>
  );
}

function Corners({ viewport, study, text }: Pick<OverlayView, 'viewport' | 'study' | 'text'>) {
  const { corner, id, phase, state, view, scaleBar, pointer } = viewport;
  if (corner === undefined || view === undefined) return null;
  const suffix = String(id + 1);
  const letters = phase.phase === 'ready' ? (state?.letters ?? undefined) : undefined;
  return (
    <>
      <div className={classes(styles['corner'], styles['topLeft'])}>
        {text && <b>{corner.series}</b>}
        <span data-testid={`corner-index-${suffix}`}>
          {[imageWord(corner.image), corner.position].filter((word) => word !== undefined).join(' · ')}
        </span>
        {text && corner.thickness !== undefined && <span>{m.imaging_thickness({ thickness: corner.thickness })}</span>}
        {corner.lossy && <span className={styles['warning']}>{m.imaging_lossy()}</span>}
        {view.notes.map((note) => (
          <span key={note} className={styles['warning']}>
            {noteWord(note)}
          </span>
        ))}
      </div>
      <div className={classes(styles['corner'], styles['topRight'])}>
        {text && study?.at != null && <span>{dateTime(study.at)}</span>}
        {text && study?.institution != null && <span className={styles['dim']}>{study.institution}</span>}
        {study !== undefined && study.identity.grade !== 'same' && (
          <span className={styles['warning']}>{m.imaging_named({ person: otherPerson(study.identity.other) })}</span>
        )}
      </div>
      {text && (
        <div className={classes(styles['corner'], styles['bottomLeft'])}>
          <span data-testid={`corner-window-${suffix}`}>
            {windowNumbers(corner.window)} <span className={styles['dim']}>{windowWord(corner.window.name)}</span>
            {state?.inverted === true && <span> {m.imaging_inverted()}</span>}
          </span>
          <span>{m.imaging_zoom({ percent: corner.zoom })}</span>
        </div>
      )}
      <div className={classes(styles['corner'], styles['bottomRight'])}>
        {text && pointer !== undefined && (
          <>
            <span data-testid={`corner-value-${suffix}`}>{probeWord(pointer.reading)}</span>
            {pointer.patient !== undefined && <span className={styles['dim']}>{pointer.patient}</span>}
          </>
        )}
        {corner.uncalibrated && <span className={styles['warning']}>{m.imaging_uncalibrated()}</span>}
        {corner.atDetector && <span className={styles['warning']}>{m.imaging_at_detector()}</span>}
      </div>
      {text && letters !== undefined && (
        <>
          <span className={classes(styles['letter'], styles['letterTop'])}>{letters.top}</span>
          <span className={classes(styles['letter'], styles['letterRight'])}>{letters.right}</span>
          <span className={classes(styles['letter'], styles['letterBottom'])}>{letters.bottom}</span>
          <span className={classes(styles['letter'], styles['letterLeft'])}>{letters.left}</span>
        </>
      )}
      {text && scaleBar !== undefined && (
        <div className={styles['scale']} data-testid={`scale-${suffix}`}>
          <span className={styles['bar']} style={{ width: scaleBar.px }} />
          <span>{format.scaleBar(scaleBar.cm)}</span>
        </div>
      )}
    </>
  );
}

function Lines({ viewport, select, grab }: Pick<OverlayView, 'viewport' | 'select' | 'grab'>) {
  const { place, shapes, pending, cursor } = viewport;
  // An empty drawing would still be a layer over the whole picture.
  if (shapes.length === 0 && pending === undefined && cursor === undefined) return null;
  return (
    <svg className={styles['lines']} width={place.width} height={place.height} aria-hidden>
      {shapes.map((shape) => (
        <ShapeLines key={shape.id} shape={shape} width={place.width} select={select} grab={grab} />
      ))}
      {pending !== undefined && <LengthLine from={pending.from} to={pending.to} text={pending.text} width={place.width} />}
      {cursor !== undefined && <Cursor at={cursor} />}
    </svg>
  );
}

function ShapeLines({
  shape,
  width,
  select,
  grab,
}: { shape: Shape; width: number } & Pick<OverlayView, 'select' | 'grab'>) {
  const choose = (event: PointerEvent) => {
    // Somebody else's is only looked at.
    if (shape.others === true) return;
    event.stopPropagation();
    select(shape.id);
  };
  const className = classes(styles['shape'], shape.selected && styles['selected'], shape.others === true && styles['others']);
  if (shape.kind === 'probe') {
    const [x, y] = shape.at;
    return (
      <g className={className} onPointerDown={choose}>
        <circle className={styles['hit']} cx={x} cy={y} r={12} />
        <Cross at={shape.at} size={5} />
        <text x={x + 10} y={y - 8}>
          {shape.text}
        </text>
      </g>
    );
  }
  return (
    <g className={className} onPointerDown={choose}>
      <LengthLine from={shape.from} to={shape.to} text={shape.text} width={width} />
      <path className={styles['hit']} d={`M${at(shape.from)}L${at(shape.to)}`} />
      {(['from', 'to'] as const).map((end) => (
        <circle
          key={end}
          className={styles['hit']}
          cx={shape[end][0]}
          cy={shape[end][1]}
          r={12}
          onPointerDown={(event) => {
            if (shape.others === true) return;
            event.stopPropagation();
            select(shape.id);
            grab(shape.id, end, event);
          }}
        />
      ))}
    </g>
  );
}

function LengthLine({ from, to, text, width }: { from: Spot; to: Spot; text: string; width: number }) {
  const label = labelPlace(from, to, width);
  return (
    <g className={styles['shapeLine']}>
      {[styles['outline'], styles['line']].map((className) => (
        <g key={className} className={className}>
          <path d={`M${at(from)}L${at(to)}`} />
          <circle cx={from[0]} cy={from[1]} r={3.5} />
          <circle cx={to[0]} cy={to[1]} r={3.5} />
        </g>
      ))}
      <text x={label.x} y={label.y} textAnchor={label.anchor}>
        {text}
      </text>
    </g>
  );
}

function Cross({ at: [x, y], size }: { at: Spot; size: number }) {
  const path = `M${String(x - size)} ${String(y)}h${String(2 * size)}M${String(x)} ${String(y - size)}v${String(2 * size)}`;
  return (
    <>
      <path className={styles['outline']} d={path} />
      <path className={styles['line']} d={path} />
    </>
  );
}

function Cursor({ at: spot }: { at: Spot }) {
  return (
    <g className={styles['cursor']}>
      <Cross at={spot} size={11} />
    </g>
  );
}

function at([x, y]: Spot): string {
  return `${String(x)} ${String(y)}`;
}
