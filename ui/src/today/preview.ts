/** How a list of this screen shows the line in focus beside both columns. */
export interface Preview {
  /** Where it is drawn, while this list is the one that is previewed. */
  slot: HTMLElement | null;
  toggle: () => void;
  /** The focus came into this list. */
  follow: () => void;
  close: () => void;
}
