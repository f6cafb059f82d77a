import type { ReactNode } from 'react';
import { Button as Base, type ButtonProps } from 'react-aria-components';
import styles from './Button.module.css';
import { classes } from './classes';
import { Icon, type IconName } from './icons';
import { Spinner } from './Spinner';

type Look = 'plain' | 'primary' | 'danger' | 'quiet' | 'link';

interface Props extends Omit<ButtonProps, 'className' | 'children' | 'style'> {
  look?: Look;
  size?: 'small' | 'normal' | 'large';
  icon?: IconName;
  iconAfter?: IconName;
  wide?: boolean;
  children?: ReactNode;
  'data-testid'?: string;
  className?: string | undefined;
}

/**
 * A button with words. While pending it keeps its width and its focus and swallows presses. The library's own pending
 * state is not used: it says so through an image that is labelled by this button, and outlives it without a name.
 */
export function Button({ look = 'plain', size = 'normal', icon, iconAfter, wide, children, className, isPending = false, onPress, ...rest }: Props) {
  const iconOnly = children === undefined;
  return (
    <Base
      {...rest}
      {...(isPending ? { 'aria-disabled': true, type: 'button', 'data-pending': true } : onPress === undefined ? {} : { onPress })}
      className={classes(
        styles['button'],
        look !== 'plain' && styles[look],
        size !== 'normal' && styles[size],
        wide === true && styles['wide'],
        iconOnly && styles['iconOnly'],
        look === 'primary' && styles['keyed'],
        className,
      )}
    >
      <>
          <span className={classes(styles['content'], isPending && !icon && styles['overlaid'])}>
            {icon && (isPending ? <Spinner size={16} /> : <Icon name={icon} size={size === 'large' ? 'm' : 's'} />)}
            {children}
            {iconAfter && <Icon name={iconAfter} size="s" />}
          </span>
          {isPending && !icon && (
            <span className={styles['pending']}>
              <Spinner size={16} />
            </span>
          )}
      </>
    </Base>
  );
}

/** A button that is only an icon: its name is spoken and shown on hover. */
export function IconButton({ label, icon, ...rest }: Omit<Props, 'children' | 'aria-label' | 'icon'> & { label: string; icon: IconName }) {
  return <Button {...rest} icon={icon} aria-label={label} look={rest.look ?? 'quiet'} />;
}
