import { describe, expect, test } from 'vitest';
import type { RoundPersonView } from '../host/contract';
import { gridOf, handQueue, noOrder, orderTiles, type TileOrder } from './tiles';

const person = (id: string, more: Partial<RoundPersonView> = {}): RoundPersonView => ({
  id,
  person: { id: `@${id}:haus.example`, name: id, initials: id.slice(0, 2), own: false, ambiguous: false },
  here: false,
  speaking: false,
  muted: true,
  volume: 1,
  shows: true,
  speciality: null,
  house: null,
  hand: null,
  key: 'encrypted',
  line: 'good',
  camera: null,
  screen: null,
  ...more,
});

const me = person('me', { here: true });
const others = (count: number) => Array.from({ length: count }, (_, at) => person(`p${at + 1}`));
const gallery = { front: 9, held: false };
const speaks = (people: readonly RoundPersonView[], ...ids: string[]) => people.map((one) => ({ ...one, speaking: ids.includes(one.id) }));

describe('the gallery', () => {
  test.each([
    [1, 1, 1],
    [2, 2, 1],
    [3, 2, 2],
    [4, 2, 2],
    [5, 3, 2],
    [6, 3, 2],
    [7, 3, 3],
    [9, 3, 3],
  ])('of %i tiles has %i columns and %i rows', (count, columns, rows) => {
    expect(gridOf(count)).toEqual({ columns, rows });
  });
});

describe('the order of tiles', () => {
  test('is the order of coming, with this person last', () => {
    expect(orderTiles(noOrder, [me, ...others(3)], 0, gallery).ids).toEqual(['p1', 'p2', 'p3', 'me']);
  });

  test('keeps everybody in their place when somebody goes or comes', () => {
    const before = orderTiles(noOrder, [me, ...others(3)], 0, gallery);
    const [, second, third] = others(3);
    expect(orderTiles(before, [me, second!, third!, person('p4')], 1, gallery).ids).toEqual(['p2', 'p3', 'p4', 'me']);
  });

  test('is not changed by speaking where all are on one page', () => {
    const people = [me, ...others(8)];
    const before = orderTiles(noOrder, people, 0, gallery);
    expect(orderTiles(before, speaks(people, 'p8', 'p3'), 60_000, gallery).ids).toBe(before.ids);
  });

  test('lets who speaks on another page change places with the longest silent of the first', () => {
    const people = [me, ...others(11)];
    let order = orderTiles(noOrder, speaks(people, 'p1', 'p9'), 0, gallery);
    order = orderTiles(order, speaks(people, 'p11'), 20_000, gallery);
    // Nobody of p2 to p8 has spoken: of equals the last one moves.
    expect(order.ids).toEqual(['p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p11', 'p9', 'p10', 'p8', 'me']);
  });

  test('is not changed a second time by speaking within ten seconds', () => {
    const people = [me, ...others(11)];
    const first = orderTiles(orderTiles(noOrder, people, 0, gallery), speaks(people, 'p11'), 1000, gallery);
    const second = speaks(people, 'p10');
    expect(orderTiles(first, second, 10_999, gallery).ids).toBe(first.ids);
    expect(orderTiles(first, second, 11_000, gallery).ids.slice(0, 9)).toContain('p10');
  });

  test('stays as it is while a pointer or the focus is on it', () => {
    const people = [me, ...others(11)];
    const before: TileOrder = orderTiles(noOrder, people, 0, gallery);
    expect(orderTiles(before, speaks(people, 'p11'), 20_000, { front: 9, held: true }).ids).toBe(before.ids);
  });

  test('never brings this person to the front for speaking', () => {
    const people = [me, ...others(3)];
    const spotlight = { front: 1, held: false };
    const before = orderTiles(noOrder, people, 0, spotlight);
    expect(orderTiles(before, speaks(people, 'me'), 20_000, spotlight).ids[0]).toBe('p1');
    expect(orderTiles(before, speaks(people, 'p3'), 20_000, spotlight).ids[0]).toBe('p3');
  });

  test('leaves the front to somebody who still speaks', () => {
    const people = [me, ...others(3)];
    const spotlight = { front: 1, held: false };
    const before = orderTiles(noOrder, speaks(people, 'p1'), 0, spotlight);
    expect(orderTiles(before, speaks(people, 'p1', 'p2'), 20_000, spotlight).ids[0]).toBe('p1');
  });
});

describe('hands', () => {
  test('are a queue by their number, whatever the order of coming', () => {
    const people = [person('a', { hand: 3 }), person('b'), person('c', { hand: 1 }), person('d', { hand: 2 })];
    expect(handQueue(people).map((one) => one.id)).toEqual(['c', 'd', 'a']);
  });
});
