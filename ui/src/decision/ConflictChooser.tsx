/** Fields in which two people wrote at the same time: both texts side by side, one choice for each. */

import { useState } from 'react';
import { RadioButton, RadioField, RadioGroup } from 'react-aria-components';
import { Button } from '../components/Button';
import { Notice } from '../components/Notice';
import type { ConflictView, DraftView } from '../host/contract';
import { m } from '../paraglide/messages';
import { chosen, isComplete, type Choices } from './conflicts';
import styles from './ConflictChooser.module.css';
import { conflictValue, fieldWord } from './words';

export function ConflictChooser({
  draft,
  conflicts,
  choose,
}: {
  draft: DraftView;
  conflicts: readonly ConflictView[];
  choose: (choices: { field: string; keepMine: boolean }[]) => void;
}) {
  const [choices, setChoices] = useState<Choices>({});
  if (conflicts.length === 0) return null;
  return (
    <Notice
      tone="warn"
      title={m.decision_conflict()}
      actions={
        <Button
          look="primary"
          size="small"
          isDisabled={!isComplete(conflicts, choices)}
          onPress={() => {
            choose(chosen(conflicts, choices));
            setChoices({});
          }}
          data-testid="take-choices"
        >
          {m.decision_take_choices()}
        </Button>
      }
    >
      {m.decision_conflict_what()}
      {conflicts.map((conflict) => (
        <RadioGroup
          key={conflict.field}
          className={styles['conflict'] ?? ''}
          aria-label={fieldWord(conflict.field, draft)}
          value={choices[conflict.field] ?? null}
          onChange={(side) => {
            setChoices({ ...choices, [conflict.field]: side === 'mine' ? 'mine' : 'theirs' });
          }}
          data-testid={`conflict-${conflict.field}`}
        >
          <b>{fieldWord(conflict.field, draft)}</b>
          <div className={styles['sides']}>
            <Side
              side="mine"
              title={m.decision_mine()}
              text={conflictValue(conflict.field, conflict.mine)}
            />
            <Side
              side="theirs"
              title={m.decision_theirs({ who: conflict.by ?? m.decision_somebody() })}
              text={conflictValue(conflict.field, conflict.theirs)}
            />
          </div>
        </RadioGroup>
      ))}
    </Notice>
  );
}

function Side({ side, title, text }: { side: 'mine' | 'theirs'; title: string; text: string }) {
  return (
    <RadioField value={side}>
      <RadioButton className={styles['side'] ?? ''}>
        <span className={styles['sideHead']}>
          <span className={styles['mark']} aria-hidden />
          {title}
        </span>
        <span className={styles['text']}>{text}</span>
      </RadioButton>
    </RadioField>
  );
}
