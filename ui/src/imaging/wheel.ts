/**
 * From the wheel's deltas to whole images. 100 units are one image, without momentum: a touchpad's
 * many small steps add up, a change of direction begins anew.
 */

const UNITS_PER_IMAGE = 100;
/** Lines and pages as Chromium counts them, where a browser reports those in place of pixels. */
const UNITS_PER_LINE = 100 / 3;
const UNITS_PER_PAGE = 800;

/** The part of `WheelEvent` that counts. */
export type WheelDelta = { deltaX: number; deltaY: number; deltaMode: number };

export function wheelUnits({ deltaX, deltaY, deltaMode }: WheelDelta): number {
  // Browsers turn a wheel with Umschalt held into a horizontal one.
  const delta = deltaY === 0 ? deltaX : deltaY;
  if (deltaMode === 1) return delta * UNITS_PER_LINE;
  if (deltaMode === 2) return delta * UNITS_PER_PAGE;
  return delta;
}

export class WheelAccumulator {
  #rest = 0;

  /** Whole images to move by; the remainder waits for the next event. */
  add(delta: WheelDelta): number {
    const units = wheelUnits(delta);
    if (Math.sign(units) !== Math.sign(this.#rest)) this.#rest = 0;
    this.#rest += units;
    // A third of a hundred three times is a hundred only up to rounding.
    const images = Math.trunc((this.#rest + Math.sign(this.#rest) * 1e-6) / UNITS_PER_IMAGE);
    this.#rest -= images * UNITS_PER_IMAGE;
    return images === 0 ? 0 : images;
  }

  reset(): void {
    this.#rest = 0;
  }
}

/** Zoom factor of a wheel movement: one notch is a tenth more or less. */
export function wheelZoom(delta: WheelDelta): number {
  return Math.pow(1.1, -wheelUnits(delta) / UNITS_PER_IMAGE);
}
