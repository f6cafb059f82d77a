import { describe, expect, it } from 'vitest';
import { WheelAccumulator, wheelZoom, type WheelDelta } from './wheel';

function turned(...deltas: Partial<WheelDelta>[]): number[] {
  const wheel = new WheelAccumulator();
  return deltas.map((delta) => wheel.add({ deltaX: 0, deltaY: 0, deltaMode: 0, ...delta }));
}

describe('the wheel', () => {
  it('moves one image per hundred units', () => {
    expect(turned({ deltaY: 100 }, { deltaY: -100 }, { deltaY: 250 }, { deltaY: 50 })).toEqual([1, -1, 2, 1]);
  });

  it('adds up the small steps of a touchpad', () => {
    expect(turned(...Array.from({ length: 10 }, () => ({ deltaY: 25 }))).reduce((sum, images) => sum + images)).toBe(2);
  });

  it('begins anew when the direction changes', () => {
    expect(turned({ deltaY: 90 }, { deltaY: -90 }, { deltaY: -10 })).toEqual([0, 0, -1]);
  });

  it('counts three lines as one notch', () => {
    expect(turned({ deltaY: 3, deltaMode: 1 }, { deltaY: 1, deltaMode: 1 }, { deltaY: 2, deltaMode: 1 })).toEqual([1, 0, 1]);
  });

  it('turned sideways by Umschalt counts the same', () => {
    expect(turned({ deltaX: 100 })).toEqual([1]);
  });

  it('zooms in when turned away', () => {
    expect(wheelZoom({ deltaX: 0, deltaY: -100, deltaMode: 0 })).toBeCloseTo(1.1);
    expect(wheelZoom({ deltaX: 0, deltaY: 100, deltaMode: 0 })).toBeCloseTo(1 / 1.1);
  });
});
