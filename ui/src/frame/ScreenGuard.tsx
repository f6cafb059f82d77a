import { Component, type ReactNode } from 'react';
import { FailureNotice } from '../components/FailureNotice';
import styles from './ScreenGuard.module.css';

/** A screen that breaks says so in its place; the rest of the program goes on. */
export class ScreenGuard extends Component<{ children: ReactNode }, { broken: string | null }> {
  override state: { broken: string | null } = { broken: null };

  static getDerivedStateFromError(error: unknown) {
    return { broken: error instanceof Error ? error.name : 'unknown' };
  }

  override render() {
    if (this.state.broken === null) return this.props.children;
    return (
      <div className={styles['broken']}>
        <FailureNotice failure={{ code: 'internal', detail: `page ${this.state.broken}` }} retry={() => this.setState({ broken: null })} />
      </div>
    );
  }
}
