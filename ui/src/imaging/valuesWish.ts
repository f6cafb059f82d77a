/** The one frame that is asked for again for its values alone: its picture outlives them. */

type Frame = { handle: number; frame: number };

export class ValuesWish {
  #of: (Frame & { refused: boolean }) | undefined;

  /** False where it is asked for already, was refused, or another one is on its way. */
  take({ handle, frame }: Frame): boolean {
    if (this.#is({ handle, frame }) || this.#of?.refused === false) return false;
    this.#of = { handle, frame, refused: false };
    return true;
  }

  #is({ handle, frame }: Frame): boolean {
    return this.#of?.handle === handle && this.#of.frame === frame;
  }

  arrived(frame: Frame): void {
    if (this.#is(frame)) this.#of = undefined;
  }

  /** True where this frame was wished for: its picture is there, only its values can't be had now. */
  refuse(frame: Frame): boolean {
    if (this.#of === undefined || !this.#is(frame)) return false;
    this.#of.refused = true;
    return true;
  }

  /** The way it was asked by is gone. */
  drop(): void {
    this.#of = undefined;
  }

  /** Another wish of the series, or its end, has replaced this one. */
  forget(handle: number): void {
    if (this.#of?.handle === handle) this.#of = undefined;
  }
}
