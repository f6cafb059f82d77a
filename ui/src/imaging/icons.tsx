/** Icons of the image tools, on the same grid and with the same stroke as the program's others. */

import type { ReactNode } from 'react';

export type ImagingIconName =
  | 'window'
  | 'scroll'
  | 'pan'
  | 'zoom'
  | 'length'
  | 'probe'
  | 'invert'
  | 'flip'
  | 'rotate'
  | 'reset'
  | 'grid';

const PATHS: Readonly<Record<ImagingIconName, ReactNode>> = {
  window: (
    <>
      <circle cx="10" cy="10" r="7.2" />
      <path d="M10 2.8a7.2 7.2 0 0 1 0 14.4z" fill="currentColor" stroke="none" />
    </>
  ),
  scroll: (
    <>
      <rect x="5" y="3" width="10" height="4" rx="1" />
      <rect x="5" y="8.5" width="10" height="3" rx="1" />
      <rect x="5" y="13" width="10" height="4" rx="1" />
    </>
  ),
  pan: <path d="M10 3v14M3 10h14M8 5l2-2 2 2M8 15l2 2 2-2M5 8l-2 2 2 2M15 8l2 2-2 2" />,
  zoom: (
    <>
      <circle cx="8.8" cy="8.8" r="5.3" />
      <path d="m12.8 12.8 4 4M6.5 8.8h4.6M8.8 6.5v4.6" />
    </>
  ),
  length: <path d="m3.500 13 9.500-9.500 3.500 3.500L7 16.500zM6 10.500l1.500 1.500M8.500 8l2 2M11 5.500l1.500 1.500" />,
  probe: (
    <>
      <circle cx="10" cy="10" r="2" />
      <path d="M10 2.500V7M10 13v4.500M2.500 10H7M13 10h4.500" />
    </>
  ),
  invert: (
    <>
      <path d="M10 3c3 3.500 5 5.500 5 8.500a5 5 0 0 1-10 0C5 8.500 7 6.500 10 3z" />
      <path d="M10 3v13.500a5 5 0 0 0 5-5C15 8.500 13 6.500 10 3z" fill="currentColor" />
    </>
  ),
  flip: <path d="M10 3v14M7.500 5.500 3 14.500h4.500zM12.500 5.500 17 14.500h-4.500z" />,
  rotate: <path d="M16 10a6 6 0 1 1-2-4.500L16 7.500M16 3.500v4h-4" />,
  reset: <path d="M4 10a6 6 0 1 0 2-4.500L4 7.500M4 3.500v4h4" />,
  grid: (
    <>
      <rect x="3" y="3" width="6" height="6" rx="1" />
      <rect x="11" y="3" width="6" height="6" rx="1" />
      <rect x="3" y="11" width="6" height="6" rx="1" />
      <rect x="11" y="11" width="6" height="6" rx="1" />
    </>
  ),
};

export function ImagingIcon({ name, size = 20 }: { name: ImagingIconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.6}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
      focusable={false}
    >
      {PATHS[name]}
    </svg>
  );
}
