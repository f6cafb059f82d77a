/** One viewport: its frame, its text, its state when there is no picture, and the mouse over it. */

import { useEffect, useRef, useState, type DragEvent } from 'react';
import { Button } from '../components/Button';
import { classes } from '../components/classes';
import type { StudyView } from '../host/contract';
import { m } from '../paraglide/messages';
import { ImagingIcon } from './icons';
import type { Measurement, Point } from './measurements';
import { Overlay } from './Overlay';
import type { Spot, ViewportSnapshot } from './snapshot';
import type { Stage } from './stage';
import type { Tool } from './tools';
import { usePointer } from './usePointer';
import { ViewportMenu } from './ViewportMenu';
import styles from './ViewportPane.module.css';
import { failureWhat, imageFailureWhy, viewportLabel } from './words';

/** What is dragged from the strip. */
export const SERIES_DRAG_TYPE = 'application/x-konsil-series';

const EDGES = ['edgeTop', 'edgeRight', 'edgeBottom', 'edgeLeft'] as const;

export type ViewportPaneView = {
  stage: Stage;
  viewport: ViewportSnapshot;
  count: number;
  active: boolean;
  study: StudyView | undefined;
  tool: Tool;
  text: boolean;
  measurements: readonly Measurement[];
  measured: (viewport: number, from: Point, to: Point, held: string | undefined) => void;
  probed: (viewport: number, at: Point) => void;
  select: (id: string | undefined) => void;
  /** A series was dropped here. */
  dropped: (viewport: number, series: string) => void;
};

export function ViewportPane(view: ViewportPaneView) {
  const { stage, viewport, count, active, study, tool, text, select } = view;
  const { id, place, phase, state, series, withheld } = viewport;
  const [menu, setMenu] = useState<Spot>();
  const element = useRef<HTMLDivElement>(null);
  const pointer = usePointer({
    stage,
    viewport: id,
    tool,
    measured: (from, to, held) => {
      view.measured(id, from, to, held);
    },
    probed: (at) => {
      view.probed(id, at);
    },
    unselect: () => {
      select(undefined);
    },
    openMenu: setMenu,
  });
  const { wheel, grab, ...handlers } = pointer;
  useWheel(element, wheel);

  return (
    <div
      ref={element}
      className={classes(styles['viewport'], active && styles['active'], tool !== 'window' && styles[tool])}
      style={{ left: place.x, top: place.y, width: place.width, height: place.height }}
      role="group"
      aria-label={viewportLabel(viewport, count)}
      aria-describedby={`viewport-measurements-${String(id)}`}
      tabIndex={active ? 0 : -1}
      data-testid={`viewport-${String(id + 1)}`}
      data-ready={phase.phase === 'ready'}
      data-phase={phase.phase}
      data-index={state?.index ?? ''}
      data-series={series ?? ''}
      data-withheld={withheld}
      onFocus={() => {
        if (!active) stage.activate(id);
      }}
      onKeyDown={(event) => {
        if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
          event.preventDefault();
          setMenu([place.width / 2, place.height / 2]);
        }
      }}
      onDragOver={(event: DragEvent) => {
        if (event.dataTransfer.types.includes(SERIES_DRAG_TYPE)) event.preventDefault();
      }}
      onDrop={(event: DragEvent) => {
        event.preventDefault();
        view.dropped(id, event.dataTransfer.getData(SERIES_DRAG_TYPE));
      }}
      {...handlers}
      onPointerDown={(event) => {
        event.currentTarget.focus({ preventScroll: true });
        handlers.onPointerDown(event);
      }}
    >
      {phase.phase !== 'ready' && phase.phase !== 'preview' && <div className={styles['cover']} />}
      <Overlay
        viewport={viewport}
        study={study}
        text={text}
        select={select}
        grab={(shape, end, event) => {
          const measurement = view.measurements.find((one) => one.id === shape);
          if (measurement?.kind !== 'length') return;
          element.current?.setPointerCapture(event.pointerId);
          grab(end === 'from' ? measurement.to : measurement.from, shape, event);
        }}
      />
      <Phase stage={stage} viewport={viewport} />
      {EDGES.map((edge) => (
        <div key={edge} className={classes(styles['edge'], styles[edge])} />
      ))}
      <MeasurementList id={id} viewport={viewport} />
      {menu !== undefined && (
        <ViewportMenu
          stage={stage}
          viewport={viewport}
          at={menu}
          close={() => {
            setMenu(undefined);
            element.current?.focus({ preventScroll: true });
          }}
        />
      )}
    </div>
  );
}

function Phase({ stage, viewport: { id, phase, series, withheld } }: { stage: Stage; viewport: ViewportSnapshot }) {
  // Whoever follows is told once, for the whole area.
  if (withheld !== undefined) return null;
  switch (phase.phase) {
    case 'ready':
      return null;
    case 'preview':
      return <p className={styles['preview']}>{m.imaging_preview()}</p>;
    case 'empty':
      return (
        <div className={styles['message']}>
          <ImagingIcon name="grid" size={26} />
          <p>{m.imaging_empty()}</p>
        </div>
      );
    case 'opening':
      return <p className={styles['message']}>{m.imaging_opening()}</p>;
    case 'loading':
      return (
        <p className={styles['message']} data-testid={`loading-${String(id + 1)}`}>
          {m.imaging_loading({ loaded: phase.loaded, of: phase.of })}
        </p>
      );
    case 'stopped':
      return (
        <div className={styles['message']}>
          <p>{m.imaging_stopped({ loaded: phase.loaded, of: phase.of })}</p>
          <Button
            size="small"
            onPress={() => {
              if (series !== undefined) stage.resumeLoading(series);
            }}
          >
            {m.imaging_resume()}
          </Button>
        </div>
      );
    case 'failed':
      return (
        <div className={styles['message']} role="alert">
          <b>{m.imaging_series_failed()}</b>
          <p>{failureWhat(phase.code)}</p>
          <Button
            size="small"
            onPress={() => {
              stage.retrySeries(id);
            }}
          >
            {m.imaging_reload()}
          </Button>
        </div>
      );
    case 'image-failed':
      return (
        <div className={styles['message']} data-testid={`image-failed-${String(id + 1)}`}>
          <b>{m.imaging_image_failed({ image: phase.image })}</b>
          <p>
            {imageFailureWhy(phase.code)} {phase.others > 0 && m.imaging_others_fine({ others: phase.others })}
          </p>
          <span className={styles['actions']}>
            <Button
              size="small"
              onPress={() => {
                stage.retryImage(id);
              }}
            >
              {m.imaging_reload()}
            </Button>
            <Button
              size="small"
              onPress={() => {
                stage.step(id, 1);
              }}
            >
              {m.imaging_skip()}
            </Button>
          </span>
        </div>
      );
  }
}

/** Measurements in words: the drawing itself says nothing to a screen reader. */
function MeasurementList({ id, viewport: { shapes } }: { id: number; viewport: ViewportSnapshot }) {
  return (
    <ul className="visually-hidden" id={`viewport-measurements-${String(id)}`} aria-label={m.imaging_measurements()}>
      {shapes.map((shape) => (
        <li key={shape.id}>
          {shape.kind === 'length'
            ? m.imaging_length_spoken({ length: shape.text })
            : m.imaging_probe_spoken({ value: shape.text })}
        </li>
      ))}
    </ul>
  );
}

/** React's wheel listener is passive; this one may keep the page from scrolling. */
function useWheel(element: { current: HTMLElement | null }, wheel: (event: WheelEvent) => void): void {
  const latest = useRef(wheel);
  useEffect(() => {
    latest.current = wheel;
  });
  useEffect(() => {
    const target = element.current;
    if (target === null) return undefined;
    const listen = (event: WheelEvent) => {
      latest.current(event);
    };
    target.addEventListener('wheel', listen, { passive: false });
    return () => {
      target.removeEventListener('wheel', listen);
    };
  }, [element]);
}
