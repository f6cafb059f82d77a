/** Who a patient is, from whatever view is already here: the banner never waits for the record. */
import type { CaseRowView, IdentityView } from '../host/contract';
import { useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { usePlaces } from './place';

/** The line of a case in the lists that are here. */
export function useKnownRow(patient: string | null): CaseRowView | null {
  const desk = useDesk();
  const cases = useStore(desk.cases);
  const today = useStore(desk.today);
  if (patient === null) return null;
  const lists: CaseRowView[][] = [];
  if (today.state === 'here' && today.value.board.state === 'ready') lists.push(today.value.board.value.agenda);
  if (cases.state === 'here' && cases.value.rows.state === 'ready') lists.push(cases.value.rows.value);
  for (const list of lists) {
    const found = list.find((row) => row.patient === patient);
    if (found) return found;
  }
  return null;
}

/** The cases to step through: the list one came from, else the next board's agenda. */
export function useStepOrder(patient: string | null): readonly string[] {
  const desk = useDesk();
  const order = useStore(usePlaces().order);
  const cases = useStore(desk.cases);
  const today = useStore(desk.today);
  if (patient === null || order.includes(patient)) return order;
  const agenda = today.state === 'here' && today.value.board.state === 'ready' ? today.value.board.value.agenda : [];
  const listed = cases.state === 'here' && cases.value.rows.state === 'ready' ? cases.value.rows.value.filter((row) => row.slot !== null) : [];
  const rows = agenda.length > 0 ? agenda : listed.toSorted((a, b) => (a.slot?.number ?? 0) - (b.slot?.number ?? 0));
  const found = rows.map((row) => row.patient);
  return found.includes(patient) ? found : [];
}

export function useKnownIdentity(patient: string | null): IdentityView | null {
  const desk = useDesk();
  const row = useKnownRow(patient);
  const caseView = useStore(desk.caseView);
  if (caseView.state === 'here' && caseView.value.patient === patient) return caseView.value.identity;
  return row?.identity ?? null;
}
