import { afterEach, describe, expect, test } from 'vitest';
import type { IdentityView } from '../host/contract';
import { ageAndGender, bannerName, bitRate, bytes, bytesOf, calendarDays, clock, date, day, dayHeading, dayShort, digits, fold, foldLong, kvnr, listMoment, listName, moment, number, percentExact, period, range, rate, time, unit } from './format';
import { speak } from './language';

const now = new Date('2026-11-24T13:36:00+01:00');
const person: IdentityView = { family: 'Auenwald', given: 'Gernot', birthDate: '1957-03-14', age: 69, gender: 'male', kvnr: 'X110127457', number: 'TH-204417', deceased: null };

afterEach(() => speak('de'));

describe('what was measured of a network', () => {
  test('is told in bits of a second, in thousands below a million', () => {
    expect([0, 64_400, 999_400, 999_600, 1_240_000, 104_000_000].map(bitRate)).toEqual(['0\u00a0kbit/s', '64\u00a0kbit/s', '999\u00a0kbit/s', '1,0\u00a0Mbit/s', '1,2\u00a0Mbit/s', '104,0\u00a0Mbit/s']);
    speak('en');
    expect(bitRate(1_240_000)).toBe('1.2\u00a0Mbit/s');
  });

  test('has a decimal of a percent below ten', () => {
    expect([0, 0.004, 0.0994, 0.0999, 0.124, 1].map(percentExact)).toEqual(['0,0\u00a0%', '0,4\u00a0%', '9,9\u00a0%', '10\u00a0%', '12\u00a0%', '100\u00a0%']);
  });
});

describe('dates', () => {
  test('a date of birth is never shifted by a time zone', () => {
    expect(date('1957-03-14')).toBe('14.03.1957');
  });

  test('a partial date stays partial', () => {
    expect([date('2026-03'), date('2026')]).toEqual(['03.2026', '2026']);
  });

  test('English dates name the month', () => {
    speak('en');
    expect([date('2026-11-24'), date('2026-09')]).toEqual(['24 Nov 2026', 'Sep 2026']);
  });

  test('a time is told in Berlin, whatever the source wrote', () => {
    expect([time('2026-11-24T14:08:00Z'), time('2026-07-01T13:08:00Z')]).toEqual(['15:08', '15:08']);
  });

  test('a late evening in Berlin is the next day there, not in UTC', () => {
    expect(date('2026-11-23T23:30:00Z')).toBe('24.11.2026');
  });

  test('a narrow list tells the time of today, the weekday of a week, and the day before that', () => {
    const told = ['2026-11-24T13:32:00+01:00', '2026-11-23T17:02:00+01:00', '2026-11-18T09:00:00+01:00', '2026-11-17T09:00:00+01:00', '2025-12-30T09:00:00+01:00'].map((at) => listMoment(at, now));
    // 23 November 2026 is a Monday, the 18th a Wednesday.
    expect(told).toEqual(['13:32', 'Mo', 'Mi', '17.11.', '30.12.2025']);
  });

  test('a heading of a day names today and yesterday, and the year only when it is another', () => {
    expect(['2026-11-24', '2026-11-23', '2026-11-20', '2025-11-20'].map((at) => dayHeading(at, now))).toEqual(['Heute, 24. November', 'Gestern, 23. November', 'Freitag, 20. November', 'Donnerstag, 20. November 2025']);
    speak('en');
    expect(dayHeading('2026-11-24', now)).toBe('Today, 24 November');
  });

  test('days near today have names, the next fortnight has weekdays', () => {
    expect(['2026-11-24', '2026-11-23', '2026-11-25', '2026-12-01', '2026-12-09'].map((iso) => day(iso, now))).toEqual(['heute', 'gestern', 'morgen', 'Di 01.12.', '09.12.2026']);
  });

  test('today is told by its time, another day by its name', () => {
    expect([moment('2026-11-24T13:12:00+01:00', now), moment('2026-11-23T16:20:00+01:00', now)]).toEqual(['13:12', 'gestern']);
  });

  test('a day of another year keeps its year', () => {
    expect([dayShort('2026-11-12', now), dayShort('2025-11-12', now)]).toEqual(['12.11.', '12.11.2025']);
  });

  test('calendar days are counted across the change to winter time', () => {
    expect(calendarDays(new Date('2026-10-24T22:30:00Z'), new Date('2026-10-25T23:30:00Z'))).toBe(1);
  });

  test('an open period has no end', () => {
    expect([period('2026-06-05', '2026-09-18'), period('2026-10-02', null), period(null, '2026-09-18')]).toEqual(['05.06.2026 bis 18.09.2026', '02.10.2026', 'bis 18.09.2026']);
  });
});

describe('numbers', () => {
  test('digits that the laboratory sent are kept', () => {
    expect([digits('12.80'), digits('1184'), digits('-0.5'), digits('>100')]).toEqual(['12,80', '1.184', '−0,5', '>100']);
  });

  test('English numbers have points', () => {
    speak('en');
    expect([digits('12.80'), digits('1184')]).toEqual(['12.80', '1,184']);
  });

  test('a range has an en dash, one limit has a sign', () => {
    expect([range('13.50', '17.2'), range('60', null), range(null, '5'), range(null, null)]).toEqual(['13,50–17,2', '>\u00a060', '<\u00a05', '']);
  });

  test('a negative number has a minus, not a hyphen', () => {
    expect(number(-98.6, 1)).toBe('−98,6');
  });

  test('both micro signs are shown as one', () => {
    expect([unit('\u03bcmol/l'), unit('\u00b5mol/l')]).toEqual(['\u00b5mol/l', '\u00b5mol/l']);
  });

  test('a count in UCUM is shown in the usual words', () => {
    expect(unit('10*3/uL')).toBe('/nl');
  });

  test('sizes are decimal', () => {
    expect([bytes(1_400_000_000), bytes(142_300_000), bytes(12)]).toEqual(['1,4\u00a0GB', '142\u00a0MB', '12\u00a0B']);
  });

  test('a countdown shows hours over an hour and seconds under it', () => {
    expect([clock(84 * 60_000), clock(278_000), clock(-5)]).toEqual([
      { text: '1:24', hours: true },
      { text: '4:38', hours: false },
      { text: '0:00', hours: false },
    ]);
  });
});

describe('names', () => {
  test('a list has the family name first, the banner has it in capitals', () => {
    expect([listName(person), bannerName({ ...person, family: 'Ährenfeld' })]).toEqual(['Auenwald, Gernot', 'ÄHRENFELD, Gernot']);
  });

  test('a patient without a name is said to have none', () => {
    const nobody = { ...person, family: null, given: null };
    expect([listName(nobody), bannerName(nobody)]).toEqual(['Ohne Namen', 'Ohne Namen']);
  });

  test('age and gender stand together', () => {
    expect([ageAndGender(person), ageAndGender({ ...person, age: null, gender: 'unknown' })]).toEqual(['69\u00a0m', '']);
  });

  test('an insurance number is grouped by three', () => {
    expect([kvnr('X110127457'), kvnr('odd')]).toEqual(['X110\u00a0127\u00a0457', 'odd']);
  });

  test('Müller is found as Muller and as Mueller', () => {
    expect([fold('Müller'), foldLong('Müller'), foldLong('Mueller'), fold('Weiß'), fold('Ayşe')]).toEqual(['muller', 'mueller', 'mueller', 'weiss', 'ayse']);
  });
});

describe('what is on its way', () => {
  test('a part and its whole have one unit, and the part is never rounded up to the whole', () => {
    expect([bytesOf(900_000_000, 1_400_000_000), bytesOf(3_000_000, 5_000_000), bytesOf(70_900_000, 71_000_000), bytesOf(12, 512)]).toEqual(['0,9 von 1,4\u00a0GB', '3,0 von 5,0\u00a0MB', '70 von 71\u00a0MB', '12 von 512\u00a0B']);
  });

  test('a rate is a number of decimal bytes a second', () => {
    expect([rate(6_200_000), rate(640_000), rate(1_250_000_000)]).toEqual(['6,2\u00a0MB/s', '640\u00a0kB/s', '1,3\u00a0GB/s']);
  });
});
