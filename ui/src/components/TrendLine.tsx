/** The last values of an analyte over true time, with the reference band behind them. */
import styles from './TrendLine.module.css';

export interface TrendPoint {
  /** Milliseconds. */
  at: number;
  value: number;
}

export interface TrendShape {
  points: { x: number; y: number }[];
  band: { y: number; height: number } | null;
}

const pad = 3;

/** Time is linear, not equidistant; the scale holds the values and as much of the band as is near them. */
export function trendShape(points: readonly TrendPoint[], low: number | null, high: number | null, width: number, height: number): TrendShape {
  const values = points.map((point) => point.value);
  const from = Math.min(...values, ...(low === null ? [] : [low]));
  const to = Math.max(...values, ...(high === null ? [] : [high]));
  const bottom = low === null && high !== null ? Math.min(from, high - (to - high || Math.abs(high) * 0.2 || 1)) : from;
  const top = high === null && low !== null ? Math.max(to, low + (low - from || Math.abs(low) * 0.2 || 1)) : to;
  const span = top - bottom;
  const y = (value: number) => (span === 0 ? height / 2 : pad + (1 - (value - bottom) / span) * (height - 2 * pad));
  const first = points[0]?.at ?? 0;
  const time = (points.at(-1)?.at ?? 0) - first;
  const x = (at: number) => (time === 0 ? width - pad - 2 : pad + ((at - first) / time) * (width - 2 * pad - 2));
  const bandTop = high === null ? pad : y(high);
  const bandBottom = low === null ? height - pad : y(low);
  return {
    points: points.map((point) => ({ x: x(point.at), y: y(point.value) })),
    band: low === null && high === null ? null : { y: bandTop, height: Math.max(1, bandBottom - bandTop) },
  };
}

export function TrendLine({ points, low, high, outside, label, width = 112, height = 28 }: { points: readonly TrendPoint[]; low: number | null; high: number | null; outside: boolean; label: string; width?: number; height?: number }) {
  const shape = trendShape(points, low, high, width, height);
  const last = shape.points.at(-1);
  return (
    <svg className={styles['trend']} width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <title>{label}</title>
      {shape.band && <rect x="0" y={shape.band.y} width={width} height={shape.band.height} fill="var(--s4)" opacity="0.55" rx="2" />}
      {shape.points.length > 1 && (
        <polyline points={shape.points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')} fill="none" stroke="var(--text-3)" strokeWidth="1.5" strokeLinejoin="round" />
      )}
      {last && <circle cx={last.x} cy={last.y} r="3" fill={outside ? 'var(--warn)' : 'var(--text-2)'} />}
    </svg>
  );
}
