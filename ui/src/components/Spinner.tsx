import { classes } from './classes';
import styles from './Spinner.module.css';

/** Turns while something runs; the words beside it say what. */
export function Spinner({ size = 20, onSolid = true }: { size?: number; onSolid?: boolean }) {
  return <span className={classes(styles['spinner'], onSolid && styles['onSolid'])} style={{ width: size, height: size }} aria-hidden />;
}
