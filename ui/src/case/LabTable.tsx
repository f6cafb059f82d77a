import { useState } from 'react';
import { Button as Plain } from 'react-aria-components';
import { Icon } from '../components/icons';
import { TrendLine } from '../components/TrendLine';
import type { LabSeriesView } from '../host/contract';
import { date, dateTime, digits, range, unit } from '../i18n/format';
import { m } from '../paraglide/messages';
import styles from './case.module.css';
import { arrow, newestValue, type Outside, outside, rangeText, valueWithUnit } from './caseView';

const outsideWord: Record<Outside, () => string> = {
  no: () => '',
  low: m.lab_low,
  high: m.lab_high,
  'critical-low': m.lab_critical_low,
  'critical-high': m.lab_critical_high,
};

/** One line an analyte: name, trend, newest value, unit, range. Enter on the name opens all values. */
export function LabTable({ series, dates, trendWidth = 112 }: { series: readonly LabSeriesView[]; dates: boolean; trendWidth?: number }) {
  return (
    <table className={styles['lab']}>
      <thead className={dates ? undefined : 'visually-hidden'}>
        <tr>
          <th scope="col">{m.lab_column_name()}</th>
          <th scope="col">{m.lab_column_trend()}</th>
          <th scope="col" className={styles['labValue']}>
            {m.lab_column_value()}
          </th>
          <th scope="col">{m.lab_column_unit()}</th>
          {dates && <th scope="col">{m.lab_column_date()}</th>}
          <th scope="col">{m.lab_column_range()}</th>
        </tr>
      </thead>
      <tbody>
        {series.map((one) => (
          <LabRow key={`${one.loinc ?? one.name} ${one.unit}`} series={one} dates={dates} trendWidth={trendWidth} />
        ))}
      </tbody>
    </table>
  );
}

function LabRow({ series, dates, trendWidth }: { series: LabSeriesView; dates: boolean; trendWidth: number }) {
  const [open, setOpen] = useState(false);
  const value = newestValue(series);
  if (!value) return null;
  const state = outside(series, value);
  const points = series.values.slice(-12).map((one) => ({ at: new Date(one.at).getTime(), value: one.value }));
  const first = series.values.at(-12) ?? series.values[0] ?? value;
  const sentence = m.lab_trend_sentence({
    name: series.name,
    value: valueWithUnit(series, value),
    date: date(value.at),
    count: points.length,
    first: valueWithUnit(series, first),
    firstDate: date(first.at),
  });
  return (
    <>
      <tr>
        <th scope="row">
          <Plain className={styles['labName'] ?? ''} aria-expanded={open} onPress={() => setOpen(!open)}>
            <Icon name="next" size="xs" />
            {series.name}
          </Plain>
        </th>
        <td>
          <TrendLine points={points} low={series.low === null ? null : Number(series.low)} high={series.high === null ? null : Number(series.high)} outside={state !== 'no'} label={sentence} width={trendWidth} />
        </td>
        <td className={styles['labValue']} title={dateTime(value.at)}>
          <span className={state === 'no' ? undefined : styles['labOutside']}>{digits(value.text)}</span> <span className={styles['labArrow']}>{arrow[state]}</span>
          {state !== 'no' && <span className="visually-hidden">{outsideWord[state]()}</span>}
        </td>
        <td className={styles['labFaint']}>{unit(series.unit)}</td>
        {dates && <td className={styles['labFaint']}>{dateTime(value.at)}</td>}
        <td className={styles['labFaint']}>{rangeText(series)}</td>
      </tr>
      {open && (
        <tr>
          <td className={styles['labValues']} colSpan={dates ? 6 : 5}>
            <table className={styles['valueTable']} aria-label={m.lab_values({ name: series.name })}>
              <tbody>
                {series.values.toReversed().map((one) => {
                  const at = outside(series, one);
                  return (
                    <tr key={`${one.at} ${one.text}`}>
                      <th scope="row">{dateTime(one.at)}</th>
                      <td>
                        {valueWithUnit(series, one)} {arrow[at]}
                        {at !== 'no' && <span className="visually-hidden">{outsideWord[at]()}</span>}
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
            <span className={styles['labFaint']}>{range(series.low, series.high) === '' ? m.lab_no_range() : m.lab_range({ range: range(series.low, series.high), unit: unit(series.unit) })}</span>
          </td>
        </tr>
      )}
    </>
  );
}
