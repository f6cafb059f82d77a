import { m } from '../paraglide/messages';
import styles from './session.module.css';

/** Half widths of a body's outline from the crown down, one a slice. */
const halfWidths = [
  108, 106.3, 109.4, 124.4, 149.6, 177.6, 201.5, 218.2, 228.7, 234.9, 238.7, 240.9, 242, 242, 241.2, 239.7, 237.7, 235.4, 232.9, 230.3, 227.9, 225.8, 224,
  222.6, 221.7, 221.3, 221.3, 221.7, 222.4, 223.2, 224, 224.8, 225.2, 225.1, 224.4, 222.9, 220.4, 216.9, 212.2, 206.2, 198.8, 189.9, 179.2, 166.2, 162.9,
  159.1,
];
const chosen = 19;

/** The drawing beside the sign-in: slices of a body, one of them chosen, one point in it. */
export function Art() {
  return (
    <aside className={styles['art']} aria-label={m.session_art()}>
      <svg viewBox="0 0 780 900" preserveAspectRatio="xMidYMid slice" aria-hidden focusable={false}>
        {halfWidths.map((half, at) => {
          const y = 90 + at * 13.556;
          const near = Math.exp(-(((y - 341) / 78) ** 2));
          return (
            <ellipse
              key={y}
              cx={390 + 10 * Math.sin((at * Math.PI) / 29)}
              cy={y}
              rx={half}
              ry={half * 0.27}
              fill="none"
              stroke={at === chosen ? 'var(--art-active)' : 'var(--art-line)'}
              strokeWidth={at === chosen ? 2.2 : 1}
              opacity={at === chosen ? 1 : 0.16 + 0.5 * near}
            />
          );
        })}
        <circle cx="330" cy="352" r="5" fill="var(--art-point)" />
        <circle cx="330" cy="352" r="11" fill="none" stroke="var(--art-point)" strokeWidth="1.5" opacity="0.8" />
      </svg>
      <div className={styles['artWords']}>
        <p className={styles['claim']}>
          {m.session_claim_1()}
          <br />
          {m.session_claim_2()}
        </p>
        <p className={styles['promise']}>{m.session_promise()}</p>
      </div>
    </aside>
  );
}
