/** Names as they are said: a title once a screen, then the surname. */
import type { SenderView } from '../host/contract';

const titles = /^(?:(?:Univ\.-|apl\.\s*)?Prof\.|PD|Priv\.-Doz\.|Dr\.|med\.|dent\.|rer\.|nat\.|phil\.|Dipl\.-\S+)$/u;
const particles = new Set(['von', 'van', 'vom', 'zu', 'zum', 'zur', 'de', 'der', 'den', 'del', 'di', 'da', 'la', 'le', 'ten', 'ter', 'al', 'el']);

function withoutTitles(name: string): { words: string[]; titled: boolean } {
  const words = name.split(/\s+/u).filter((word) => word !== '');
  const first = words.findIndex((word) => !titles.test(word));
  return first < 0 ? { words, titled: false } : { words: words.slice(first), titled: first > 0 };
}

/** Where the surname begins: at its first particle, else it is the last word. */
function surnameAt(words: readonly string[]): number {
  const particle = words.findIndex((word, at) => at > 0 && at < words.length - 1 && particles.has(word.toLocaleLowerCase('de')));
  return particle >= 0 ? particle : words.length - 1;
}

/**
 * "Dr. med. Leyla Sonnkaya" is "Sonnkaya". A name without a title may be that of a ward or a team and is left whole.
 * Where somebody else has the same name, the id stands beside it.
 */
export function callName(sender: SenderView): string {
  const { words, titled } = withoutTitles(sender.name);
  const plain = words.join(' ');
  if (sender.ambiguous) return `${plain} (${sender.id})`;
  if (!titled || words.length < 2 || plain.includes(',')) return plain;
  return words.slice(surnameAt(words)).join(' ');
}

/** "Dr. med. Katarzyna Silbertal" is "K. Silbertal": in a line that names a device. */
export function initialName(sender: SenderView): string {
  const { words, titled } = withoutTitles(sender.name);
  if (sender.ambiguous) return `${words.join(' ')} (${sender.id})`;
  if (!titled || words.length < 2) return words.join(' ');
  return `${words[0]?.slice(0, 1) ?? ''}. ${words.slice(surnameAt(words)).join(' ')}`;
}

/** The words for the senders of a conversation: two with the same surname are named in full. */
export function callNames(members: readonly SenderView[]): (sender: SenderView) => string {
  const counts = new Map<string, number>();
  const ids = new Set<string>();
  for (const member of members) {
    if (ids.has(member.id)) continue;
    ids.add(member.id);
    counts.set(callName(member), (counts.get(callName(member)) ?? 0) + 1);
  }
  return (sender) => ((counts.get(callName(sender)) ?? 0) > 1 && !sender.ambiguous ? withoutTitles(sender.name).words.join(' ') : callName(sender));
}
