import { beforeEach, describe, expect, it } from 'vitest';
import { speak } from '../i18n/language';
import * as format from './format';

beforeEach(() => {
  speak('de');
});

describe('numbers in the image area', () => {
  it('have a true minus and a no-break space before the unit', () => {
    expect(format.millimeters(-98.6)).toBe('\u221298,6\u00a0mm');
  });

  it('never read minus zero', () => {
    expect(format.millimeters(-0.04)).toBe('0,0\u00a0mm');
  });

  it('give lengths one decimal in mm and none in pixels', () => {
    expect(format.length(46, 'mm')).toBe('46,0\u00a0mm');
    expect(format.length(120.4, 'px')).toBe('120\u00a0px');
  });

  it('give a slice the digits it has', () => {
    expect([3.75, 5, 1.5].map(format.thickness)).toEqual(['3,75\u00a0mm', '5\u00a0mm', '1,5\u00a0mm']);
  });

  it('follow the reader\u2019s language', () => {
    speak('en');
    expect(format.millimeters(12.8)).toBe('12.8\u00a0mm');
  });

  it('give rescaled values the digits that the slope tells apart', () => {
    expect(format.rescaled(-1024, 1)).toBe('\u22121.024');
    expect(format.rescaled(1.234567, 0.01)).toBe('1,23');
  });

  it('name a bar below one centimeter in millimeters', () => {
    expect([5, 1, 0.5].map(format.scaleBar)).toEqual(['5\u00a0cm', '1\u00a0cm', '5\u00a0mm']);
  });
});
