/** What can be done with a conversation itself: favorite, more people, another name, leaving it. */
import { type ReactNode, useState } from 'react';
import { Button, IconButton } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { FailureNotice } from '../components/FailureNotice';
import { Field } from '../components/Field';
import { Menu, type MenuEntry } from '../components/Menu';
import { usePlaces } from '../frame/place';
import type { ConversationView, Failure, Request } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure } from '../host/host';
import { m } from '../paraglide/messages';
import { conversationTitle } from './caseOf';
import { NewConversation } from './NewConversation';

type Shown = 'invite' | 'rename' | 'leave' | 'forget';

export function ConversationMenu({ view, ask }: { view: ConversationView; ask: (request: Request) => void }) {
  const { entries, dialogs } = useConversationActs(view, ask);
  if (entries.length === 0) return null;
  return (
    <>
      <Menu label={m.chat_menu()} placement="bottom end" trigger={<IconButton icon="more" label={m.chat_menu()} data-testid="conversation-menu" />} entries={entries} />
      {dialogs}
    </>
  );
}

/** What can be done, and the dialogs in which it is. */
export function useConversationActs(view: ConversationView, ask: (request: Request) => void): { entries: MenuEntry[]; dialogs: ReactNode } {
  const [shown, setShown] = useState<Shown | null>(null);
  if (view.membership.state === 'invited') return { entries: [], dialogs: null };
  const { id: conversation, favorite } = view;
  // Once the menu has given the focus back.
  const show = (what: Shown) => () => void window.setTimeout(() => setShown(what), 0);
  const left = view.membership.state === 'left';
  const inside: MenuEntry[] = [
    { id: 'favorite', icon: 'favorite', label: favorite ? m.chat_favorite_remove() : m.chat_favorite_add(), run: () => ask({ type: 'set-favorite', conversation, favorite: !favorite }) },
    ...(view.mayInvite ? [{ id: 'invite', icon: 'person', label: m.chat_invite(), run: show('invite') } as const] : []),
    ...(view.mayRename ? [{ id: 'rename', icon: 'pen', label: m.chat_rename(), run: show('rename') } as const] : []),
    { id: 'leave', icon: 'signOut', label: m.chat_leave(), run: show('leave') },
  ];
  const entries: MenuEntry[] = left ? [{ id: 'forget', icon: 'delete', label: m.chat_forget(), run: show('forget') }] : inside;
  const close = () => setShown(null);
  const dialogs = (
    <>
      {shown === 'invite' && <NewConversation into={view} close={close} />}
      {shown === 'rename' && <RenameDialog view={view} close={close} />}
      {shown === 'leave' && <LeaveDialog view={view} close={close} />}
      {shown === 'forget' && <ForgetDialog view={view} close={close} />}
    </>
  );
  return { entries, dialogs };
}

/** Asks, and closes once it is done; what failed is said in its place. */
function useAsking(close: () => void) {
  const { host } = useDesk();
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const ask = (request: Request) => {
    if (pending) return;
    setPending(true);
    setFailure(null);
    host.call(request).then(close, (thrown: unknown) => {
      setPending(false);
      setFailure(asFailure(thrown));
    });
  };
  return { pending, failure, ask };
}

function RenameDialog({ view, close }: { view: ConversationView; close: () => void }) {
  const { pending, failure, ask } = useAsking(close);
  const [name, setName] = useState(view.name);
  const ready = name.trim() !== '' && name.trim() !== view.name;
  const rename = () => ready && ask({ type: 'rename-conversation', conversation: view.id, name: name.trim() });
  return (
    <Dialog
      title={m.chat_rename_title()}
      width={480}
      onClose={close}
      testId="rename-dialog"
      foot={
        <>
          <Button onPress={close}>{m.action_cancel()}</Button>
          <Button look="primary" isPending={pending} isDisabled={!ready} onPress={rename} data-testid="rename-now">
            {m.chat_rename_now()}
          </Button>
        </>
      }
    >
      {failure && <FailureNotice failure={failure} />}
      <Field label={m.chat_new_name()} hint={m.chat_new_name_hint()} value={name} onChange={setName} maxLength={100} autoFocus onKeyDown={(event) => event.key === 'Enter' && rename()} testId="rename-name" />
    </Dialog>
  );
}

function LeaveDialog({ view, close }: { view: ConversationView; close: () => void }) {
  const places = usePlaces();
  const { pending, failure, ask } = useAsking(() => {
    close();
    places.go({ screen: 'messages', conversation: null });
  });
  return (
    <Dialog
      title={m.chat_leave_title({ name: conversationTitle(view) })}
      width={480}
      onClose={close}
      testId="leave-dialog"
      foot={
        <>
          <Button onPress={close} autoFocus>
            {m.chat_leave_stay()}
          </Button>
          <Button look="danger" isPending={pending} onPress={() => ask({ type: 'leave-conversation', conversation: view.id })} data-testid="leave-now">
            {m.chat_leave_now()}
          </Button>
        </>
      }
    >
      {failure && <FailureNotice failure={failure} />}
      <p>{m.chat_leave_text()}</p>
    </Dialog>
  );
}

/** A conversation that this person is in no more. */
function ForgetDialog({ view, close }: { view: ConversationView; close: () => void }) {
  const places = usePlaces();
  const { pending, failure, ask } = useAsking(() => {
    close();
    places.go({ screen: 'messages', conversation: null });
  });
  return (
    <Dialog
      title={m.chat_forget_title({ name: conversationTitle(view) })}
      width={480}
      onClose={close}
      testId="forget-dialog"
      foot={
        <>
          <Button onPress={close} autoFocus>
            {m.chat_delete_keep()}
          </Button>
          <Button look="danger" icon="delete" isPending={pending} onPress={() => ask({ type: 'leave-conversation', conversation: view.id })} data-testid="forget-now">
            {m.chat_forget_now()}
          </Button>
        </>
      }
    >
      {failure && <FailureNotice failure={failure} />}
      <p>{m.chat_forget_text()}</p>
    </Dialog>
  );
}
