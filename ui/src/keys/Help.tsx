import { useState } from 'react';
import { Dialog } from '../components/Dialog';
import { Field } from '../components/Field';
import { Icon } from '../components/icons';
import { m } from '../paraglide/messages';
import { KeyTable } from './KeyTable';

/** "?": all keys, searchable. */
export function Help({ onClose }: { onClose: () => void }) {
  const [query, setQuery] = useState('');
  return (
    <Dialog
      title={m.keys_title()}
      width={1080}
      onClose={onClose}
      testId="help"
      head={
        <div style={{ width: 220 }}>
          <Field label={m.keys_search()} labelHidden placeholder={m.keys_search()} value={query} onChange={setQuery} autoFocus before={<Icon name="search" size="s" />} />
        </div>
      }
    >
      <KeyTable query={query} />
    </Dialog>
  );
}
