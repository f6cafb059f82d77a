/** The way by which pictures of a round come onto the page, as a seam: the program's, and a still one in memory. */

/** A place that shows the pictures of one track. */
export interface PicturePlace {
  /** Its size in device pixels, and whether it can be seen. */
  view: (width: number, height: number, visible: boolean) => void;
  close: () => void;
}

/** Whether a picture fills its place and loses its edges, or is shown whole. */
export type Fit = 'cover' | 'contain';

export interface PictureWall {
  /** Draws the pictures of a track onto a canvas that nobody has drawn on. */
  show: (track: number, canvas: HTMLCanvasElement, fit: Fit) => PicturePlace;
  close: () => void;
}

/** Opens it; `door` asks the program for the address of a door that opens once. */
export type OpenPictures = (door: () => Promise<string>) => PictureWall;
