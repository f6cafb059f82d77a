/** The address of a page that the system browser should have opened, for the case that it did not. */
import { m } from '../paraglide/messages';
import styles from './BrowserLink.module.css';
import { Button } from './Button';
import { copyText } from './copy';

export function BrowserLink({ link, hint }: { link: string; hint?: boolean }) {
  return (
    <div className={styles['whole']} data-testid="browser-link">
      {hint === true && <p className={styles['hint']}>{m.session_no_browser()}</p>}
      <p className={styles['link']}>{link}</p>
      <Button icon="copy" size={hint === true ? 'small' : 'normal'} onPress={() => copyText(link)}>
        {m.session_copy_link()}
      </Button>
    </div>
  );
}
