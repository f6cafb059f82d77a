//! Imaging against real objects and an independent reading of the same bytes.

mod bad_input;
mod grays;
mod metadata;
mod places;
mod stacks;
mod stored_values;
