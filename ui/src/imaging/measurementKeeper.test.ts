import { waitFor } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import type { MeasurementView } from '../host/contract';
import { fromView, MeasurementKeeper, toView } from './measurementKeeper';
import type { Measurement } from './measurements';

function probe(id: string, series: string): Measurement {
  return { kind: 'probe', id, series, instance: `${series}.1`, frame: 1, at: { column: 3.5, row: 4.5 }, text: '55 HU' };
}

function program(stored: MeasurementView[] = []) {
  const written: [string, string[]][] = [];
  const parts = {
    read: vi.fn(() => Promise.resolve(stored)),
    write: vi.fn((series: string, views: MeasurementView[]) => {
      written.push([series, views.map(({ id }) => id)]);
      return Promise.resolve();
    }),
    loaded: vi.fn(),
    failed: vi.fn(),
    written: vi.fn(),
  };
  return { parts, written, keeper: new MeasurementKeeper(parts) };
}

describe('the keeper of measurements', () => {
  it('gives back what was kept and does not write it again', async () => {
    const { parts, written, keeper } = program([toView(probe('a', '1.2'))]);
    await keeper.load();
    expect(parts.loaded).toHaveBeenCalledWith([probe('a', '1.2')]);
    keeper.want([probe('a', '1.2')]);
    await Promise.resolve();
    expect(written).toEqual([]);
  });

  it('writes only the series that changed, and an emptied one as empty', async () => {
    const { written, keeper } = program([toView(probe('a', '1.2')), toView(probe('b', '1.3'))]);
    await keeper.load();
    keeper.want([probe('b', '1.3'), probe('c', '1.3')]);
    await waitFor(() => expect(new Map(written)).toEqual(new Map([['1.2', []], ['1.3', ['b', 'c']]])));
    expect(written).toHaveLength(2);
  });

  it('writes nothing before it knows what was kept', async () => {
    const { parts, written, keeper } = program();
    parts.read.mockRejectedValueOnce({ code: 'store-unreadable', detail: '' });
    await keeper.load();
    expect(parts.failed).toHaveBeenCalledTimes(1);
    // The next change asks again, and the merged list is written afterwards.
    keeper.want([probe('a', '1.2')]);
    await waitFor(() => expect(parts.loaded).toHaveBeenCalledTimes(1));
    expect(written).toEqual([]);
    keeper.want([probe('a', '1.2')]);
    await waitFor(() => expect(written).toEqual([['1.2', ['a']]]));
  });

  it('lets no earlier state overtake a later one', async () => {
    const { parts, written, keeper } = program();
    await keeper.load();
    let release: () => void = () => undefined;
    parts.write.mockImplementationOnce(
      (series, views) =>
        new Promise((resolve) => {
          release = () => {
            written.push([series, views.map(({ id }) => id)]);
            resolve();
          };
        }),
    );
    keeper.want([probe('a', '1.2')]);
    keeper.want([probe('a', '1.2'), probe('b', '1.2')]);
    keeper.want([probe('b', '1.2')]);
    expect(parts.write).toHaveBeenCalledTimes(1);
    release();
    await waitFor(() => expect(written).toEqual([['1.2', ['a']], ['1.2', ['b']]]));
  });

  it('tries again with the next change after a full disk', async () => {
    const { parts, written, keeper } = program();
    await keeper.load();
    parts.write.mockRejectedValueOnce({ code: 'disk-full', detail: '' });
    keeper.want([probe('a', '1.2')]);
    await waitFor(() => expect(parts.failed).toHaveBeenCalledTimes(1));
    keeper.want([probe('a', '1.2'), probe('b', '1.2')]);
    await waitFor(() => expect(written).toEqual([['1.2', ['a', 'b']]]));
  });
});

it('a length comes back as it was', () => {
  const length: Measurement = { kind: 'length', id: 'l', series: '1.2', instance: '1.2.7', frame: 2, from: { column: 0, row: 1 }, to: { column: 3, row: 5 }, value: 5, unit: 'mm' };
  expect(fromView(toView(length))).toEqual(length);
});
