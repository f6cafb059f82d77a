import { Chip } from '../components/Chip';
import type { CaseRowView } from '../host/contract';
import { rowState } from './caseWords';

export function RowState({ row }: { row: Pick<CaseRowView, 'completeness' | 'decision' | 'unread'> }) {
  const words = rowState(row);
  if (!words) return null;
  return (
    <Chip tone={words.tone} icon={words.icon} title={words.title}>
      {words.text}
    </Chip>
  );
}
