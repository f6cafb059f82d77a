import { Slider as Base, SliderOutput, SliderThumb, SliderTrack } from 'react-aria-components';
import styles from './Slider.module.css';

/** A number from a range; arrow keys work as well as dragging. */
export function Slider({ label, value, min, max, step, show, onChange }: { label: string; value: number; min: number; max: number; step: number; show: (value: number) => string; onChange: (value: number) => void }) {
  return (
    <Base<number> aria-label={label} value={value} minValue={min} maxValue={max} step={step} onChange={onChange} className={styles['slider'] ?? ''}>
      <SliderTrack className={styles['track'] ?? ''}>
        <SliderThumb className={styles['thumb'] ?? ''} />
      </SliderTrack>
      <SliderOutput className={styles['output'] ?? ''}>{() => show(value)}</SliderOutput>
    </Base>
  );
}
