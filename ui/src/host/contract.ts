/** The words of the seam, as `crates/contract` generates them. */
export type * from '../generated';
