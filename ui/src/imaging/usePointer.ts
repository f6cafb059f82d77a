/**
 * The mouse in a viewport: which button with which modifier does what (`tools.ts`), the wheel, and
 * measuring by dragging or by two clicks. Keeps only what lasts as long as a press.
 */

import { useRef, type MouseEvent, type PointerEvent } from 'react';
import type { Point } from './measurements';
import type { Spot } from './snapshot';
import type { Stage } from './stage';
import { dragOf, draggedWindow, draggedZoom, isClick, pixelsPerImage, type Tool } from './tools';
import { WheelAccumulator, wheelZoom } from './wheel';

/** Images that the wheel moves by with Umschalt held. */
const FAST = 5;

export type PointerView = {
  stage: Stage;
  viewport: number;
  tool: Tool;
  /** A length is complete; `held` is the measurement whose end was moved. */
  measured: (from: Point, to: Point, held: string | undefined) => void;
  probed: (at: Point) => void;
  unselect: () => void;
  openMenu: (at: Spot) => void;
};

type Drag = {
  kind: Tool;
  startedAt: number;
  from: Spot;
  last: Spot;
  window: Parameters<typeof draggedWindow>[0] | undefined;
  /** Images moved since the press. */
  moved: number;
  perImage: number;
  /** The press that began a length may be its first click. */
  began: boolean;
  rightButton: boolean;
};

export function usePointer(view: PointerView) {
  const drag = useRef<Drag | undefined>(undefined);
  const wheel = useRef(new WheelAccumulator());
  const { stage, viewport, tool } = view;

  const spotOf = (event: { clientX: number; clientY: number; currentTarget: EventTarget & Element }): Spot => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };

  const snapshotOf = () => stage.snapshot().viewports.find(({ id }) => id === viewport);

  const begin = (kind: Tool, spot: Spot, event: PointerEvent, began: boolean) => {
    const snapshot = snapshotOf();
    drag.current = {
      kind,
      startedAt: event.timeStamp,
      from: spot,
      last: spot,
      window: snapshot?.state?.window,
      moved: 0,
      perImage: pixelsPerImage(snapshot?.state?.count ?? 1, snapshot?.place.height ?? 1),
      began,
      rightButton: event.button === 2,
    };
  };

  const inImage = (spot: Spot): Point | undefined => {
    const located = stage.pointing.locate(viewport, spot);
    return located?.inside === true && snapshotOf()?.phase.phase === 'ready' ? located : undefined;
  };

  const down = (event: PointerEvent<HTMLElement>) => {
    const spot = spotOf(event);
    stage.activate(viewport);
    event.currentTarget.setPointerCapture(event.pointerId);
    const kind = dragOf(event, tool);
    if (kind === undefined) return;
    let began = false;
    if (kind === 'length' && stage.pointing.pending(viewport) === undefined) {
      const point = inImage(spot);
      if (point === undefined) return;
      stage.pointing.begin(viewport, point);
      began = true;
    }
    view.unselect();
    begin(kind, spot, event, began);
  };

  const move = (event: PointerEvent<HTMLElement>) => {
    const spot = spotOf(event);
    stage.pointing.move(viewport, spot);
    if (stage.pointing.pending(viewport) !== undefined) {
      const located = stage.pointing.locate(viewport, spot);
      if (located !== undefined) stage.pointing.pull(viewport, located);
    }
    const now = drag.current;
    if (now === undefined) return;
    const kind = dragOf(event, tool);
    // A second button turns one drag into another, which starts where the pointer is.
    if (kind !== undefined && kind !== now.kind && now.kind !== 'length') {
      begin(kind, spot, event, false);
      return;
    }
    pull(now, spot);
    now.last = spot;
  };

  const pull = (now: Drag, [x, y]: Spot) => {
    const [dx, dy] = [x - now.last[0], y - now.last[1]];
    switch (now.kind) {
      case 'window':
        if (now.window !== undefined) {
          const { center, width } = draggedWindow(now.window, x - now.from[0], y - now.from[1]);
          stage.setWindow(viewport, center, width);
        }
        return;
      case 'scroll': {
        const images = Math.trunc((y - now.from[1]) / now.perImage);
        if (images !== now.moved) stage.step(viewport, images - now.moved);
        now.moved = images;
        return;
      }
      case 'pan':
        stage.pan(viewport, dx, dy);
        return;
      case 'zoom':
        stage.zoom(viewport, draggedZoom(dy), now.from);
        return;
      case 'length':
      case 'probe':
        return;
    }
  };

  const up = (event: PointerEvent<HTMLElement>) => {
    const now = drag.current;
    // Released while another button is still down: the drag goes on as what is left.
    if (now === undefined || event.buttons !== 0) return;
    drag.current = undefined;
    const spot = spotOf(event);
    const click = isClick(spot[0] - now.from[0], spot[1] - now.from[1], event.timeStamp - now.startedAt);
    if (now.rightButton && click) {
      view.openMenu(spot);
      return;
    }
    if (now.kind === 'probe' && click) {
      const point = inImage(spot);
      if (point !== undefined) view.probed(point);
      return;
    }
    if (now.kind !== 'length' || (click && now.began)) return;
    const length = stage.pointing.end(viewport);
    if (length !== undefined) view.measured(length.from, length.to, length.held);
  };

  return {
    onPointerDown: down,
    onPointerMove: move,
    onPointerUp: up,
    onPointerCancel: () => {
      drag.current = undefined;
    },
    onPointerLeave: () => {
      stage.pointing.move(viewport, undefined);
    },
    onDoubleClick: () => {
      if (tool !== 'length') stage.enlarge(viewport);
    },
    onContextMenu: (event: MouseEvent) => {
      event.preventDefault();
    },
    /** The wheel needs a listener that may prevent scrolling, so it is added by hand. */
    wheel: (event: WheelEvent) => {
      event.preventDefault();
      const target = event.currentTarget;
      if (!(target instanceof Element)) return;
      if (event.ctrlKey || event.metaKey) {
        stage.zoom(viewport, wheelZoom(event), spotOf({ ...at(event), currentTarget: target }));
        return;
      }
      const images = wheel.current.add(event);
      if (images !== 0) stage.step(viewport, images * (event.shiftKey ? FAST : 1));
    },
    /** An end of a measurement is taken hold of. */
    grab: (from: Point, held: string, event: PointerEvent) => {
      stage.pointing.begin(viewport, from, held);
      begin('length', [event.clientX, event.clientY], event, false);
    },
  };
}

function at({ clientX, clientY }: WheelEvent): { clientX: number; clientY: number } {
  return { clientX, clientY };
}
