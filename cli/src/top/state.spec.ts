import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FIRST_STATE, press, selectedIndex, type Key, type TopState, type Visible } from './state.js';

const visible: Visible = {
  rows: ['a', 'b', 'c', 'd'].map((id) => ({ id, name: `${id}.bin`, isStopped: id === 'b' })),
  columns: ['name', 'size'],
  height: 2,
  detailLines: 6,
};

const named = (name: string): Key => ({ name, sequence: '' });
const letter = (sequence: string): Key => ({ name: sequence.toLowerCase(), sequence });

/** The state after keys, without actions. */
function after(...keys: readonly (Key | string)[]): TopState {
  return keys.reduce<TopState>(
    (state, key) => press(state, typeof key === 'string' ? letter(key) : key, visible).state,
    FIRST_STATE,
  );
}

describe('keys of the list', () => {
  test('select rows, and stop at both ends', () => {
    const at = (...keys: readonly (Key | string)[]): number => selectedIndex(after(...keys), visible.rows);
    expect(at()).toBe(0);
    expect(at(named('down'), 'j')).toBe(2);
    expect(at(named('pagedown'), named('pagedown'), named('down'))).toBe(3);
    expect(at('G', named('up'))).toBe(2);
    expect(at('G', 'g', 'k')).toBe(0);
  });

  test('choose another list, which has its own selection and order', () => {
    expect(after('2').tab).toBe('peers');
    expect(after(named('tab'), named('tab'), named('tab')).tab).toBe('transfers');
    expect(after({ name: 'tab', shift: true }).tab).toBe('network');
    expect(after('9').tab).toBe('transfers');
    const state = after('j', 's', '2', '1');
    expect(selectedIndex(state, visible.rows)).toBe(1);
    expect(state.order).toEqual({ transfers: { column: 'name', descending: false } });
  });

  test('sort by one column after the other, and then not at all', () => {
    expect(after('s', 's').order.transfers).toEqual({ column: 'size', descending: false });
    expect(after('s', 's', 'S').order.transfers).toEqual({ column: 'size', descending: true });
    expect(after('s', 's', 's').order.transfers).toBeUndefined();
    expect(after('S').order.transfers).toEqual({ column: 'name', descending: true });
  });

  test('filter by what is typed, also q and ?', () => {
    expect(after('/', 'q', '?', 'é').filter).toBe('q?é');
    expect(after('/', 'a', 'b', named('backspace'), named('return'))).toMatchObject({
      filter: 'a',
      mode: 'list',
    });
    expect(after('/', 'a', named('escape'))).toMatchObject({ filter: '', mode: 'list' });
    expect(after('/', 'a', named('return'), named('escape')).filter).toBe('');
  });

  test('show details, which scroll, and lead back', () => {
    const state = after('j', named('return'), named('down'), named('pagedown'));
    expect(state).toMatchObject({ mode: 'details', scroll: 3 });
    expect(press(state, named('escape'), visible).state).toMatchObject({ mode: 'list', scroll: 0 });
    expect(after(named('return'), 'G').scroll).toBe(4);
    expect(after(named('return'), 'G', 'g').scroll).toBe(0);
  });

  test('act on the selected transfer, and remove it only after a question', () => {
    expect(press(FIRST_STATE, letter('p'), visible).action).toEqual({
      kind: 'pause',
      id: 'a',
      name: 'a.bin',
    });
    expect(press(after('j'), letter('p'), visible).action).toMatchObject({ kind: 'resume', id: 'b' });
    expect(press(FIRST_STATE, letter('v'), visible).action).toMatchObject({ kind: 'verify' });
    const asked = press(FIRST_STATE, letter('D'), visible);
    expect(asked.action).toBeUndefined();
    expect(press(asked.state, letter('y'), visible).action).toMatchObject({ kind: 'delete', id: 'a' });
    expect(press(asked.state, letter('n'), visible).action).toBeUndefined();
    expect(press(asked.state, named('return'), visible)).toMatchObject({ state: { mode: 'list' } });
    expect(press(after('2'), letter('p'), visible).action).toBeUndefined();
    const others = { ...visible, rows: visible.rows.slice(2) };
    const moved = press(after('j'), letter('p'), others);
    expect(moved.action).toBeUndefined();
    expect(press(moved.state, letter('p'), others).action).toMatchObject({ kind: 'pause', id: 'c' });
  });

  test('quit from everywhere with Ctrl-C, and with q unless it is typed', () => {
    for (const keys of [[], ['/'], ['d'], ['?'], [named('return')]])
      expect(press(after(...keys), { name: 'c', ctrl: true }, visible).state.isOver).toBe(true);
    for (const keys of [[], ['?'], [named('return')]])
      expect(press(after(...keys), letter('q'), visible).state.isOver).toBe(true);
    expect(after('/', 'q').isOver).toBe(false);
  });

  test('of any kind leave a state that can be shown', () => {
    const key = fc.record({
      name: fc.constantFrom(
        'up',
        'down',
        'pageup',
        'pagedown',
        'home',
        'end',
        'return',
        'escape',
        'tab',
        undefined,
      ),
      sequence: fc.oneof(fc.constantFrom('/', 's', 'S', 'd', 'D', 'y', 'p', '1', '2', '3', '?'), fc.string()),
      ctrl: fc.boolean(),
    });
    const count = fc.nat(4);
    fc.assert(
      fc.property(fc.array(fc.tuple(key, count), { maxLength: 40 }), (pressed) => {
        let state = FIRST_STATE;
        for (const [each, rows] of pressed) {
          const some = { ...visible, rows: visible.rows.slice(0, rows) };
          const { state: next, action } = press(state, each, some);
          if (action) expect(visible.rows.map(({ id }) => id)).toContain(action.id);
          state = next;
          expect(state.scroll).toBeGreaterThanOrEqual(0);
          expect(state.filter.length).toBeLessThanOrEqual(200);
          expect(state.mode === 'confirm').toBe(state.asked !== undefined);
        }
      }),
    );
  });
});
