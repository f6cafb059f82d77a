import type { ReactNode } from 'react';
import { Dialog as Base, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { m } from '../paraglide/messages';
import { IconButton } from './Button';
import { classes } from './classes';
import styles from './Dialog.module.css';

/** A dialog of one level: focus goes in and comes back, Esc is the safe answer. */
export function Dialog({
  title,
  titleHidden,
  width,
  high,
  head,
  foot,
  onClose,
  children,
  testId,
}: {
  title: string;
  titleHidden?: boolean;
  width: number;
  high?: boolean;
  head?: ReactNode;
  foot?: ReactNode;
  onClose: () => void;
  children: ReactNode;
  testId?: string;
}) {
  return (
    <ModalOverlay isOpen isDismissable onOpenChange={(open) => !open && onClose()} className={classes(styles['scrim'], high === true && styles['high'])}>
      <Modal className={styles['modal'] ?? ''} style={{ width }} data-testid={testId}>
        <Base className={styles['dialog'] ?? ''} {...(titleHidden === true ? { 'aria-label': title } : {})}>
          {titleHidden !== true && (
            <div className={styles['head']}>
              <Heading slot="title" level={2} className={styles['title'] ?? ''}>
                {title}
              </Heading>
              {head}
              <IconButton icon="close" label={m.action_close()} onPress={onClose} size="small" />
            </div>
          )}
          {titleHidden === true ? (
            children
          ) : (
            // A tab stop, so that a long text can be scrolled without a mouse.
            <div className={styles['body']} tabIndex={0}>
              {children}
            </div>
          )}
          {foot !== undefined && <div className={styles['foot']}>{foot}</div>}
        </Base>
      </Modal>
    </ModalOverlay>
  );
}
