import { isMac } from '../keys/keys';
import { m } from '../paraglide/messages';
import styles from './Kbd.module.css';

/** The words on the keys of the keyboard in front of the person. */
function keyWord(key: string): string {
  switch (key) {
    case 'mod':
      return isMac ? '⌘' : m.key_ctrl();
    case 'ctrl':
      return m.key_ctrl();
    case 'shift':
      return m.key_shift();
    case 'alt':
      return m.key_alt();
    case 'enter':
      return m.key_enter();
    case 'escape':
      return m.key_escape();
    case 'space':
      return m.key_space();
    case 'pagedown':
      return m.key_page_down();
    case 'pageup':
      return m.key_page_up();
    case 'home':
      return m.key_home();
    case 'end':
      return m.key_end();
    case 'delete':
      return m.key_delete();
    case 'backspace':
      return m.key_backspace();
    case 'tab':
      return m.key_tab();
    case 'arrowup':
      return '↑';
    case 'arrowdown':
      return '↓';
    case 'arrowleft':
      return '←';
    case 'arrowright':
      return '→';
    default:
      return key.length === 1 || /^f\d+$/u.test(key) ? key.toUpperCase() : key;
  }
}

/** A key, a chord or a sequence, in the form commands are written in. */
export function Kbd({ keys }: { keys: string }) {
  const words = keys.split(' ').flatMap((chord) => (chord.endsWith('+') ? [...chord.slice(0, -1).split('+'), '+'].filter((part) => part !== '') : chord.split('+')));
  return (
    <span className={styles['keys']}>
      {words.map((word, at) => (
        <kbd key={`${at} ${word}`}>{keyWord(word)}</kbd>
      ))}
    </span>
  );
}
