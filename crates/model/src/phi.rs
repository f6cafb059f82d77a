//! [`Phi`]: protected health information (and secrets) that does not print.

use std::fmt;

/// A value about a patient. It has no `Display`, and its `Debug` is redacted, so that neither a log
/// line nor a panic message can carry it by accident. Reading it is a visible act: [`Phi::reveal`].
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    /// Wraps a value that must not print.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for showing it to the person who may see it or for sending it where it belongs.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// Unwraps the value.
    pub fn into_revealed(self) -> T {
        self.0
    }

    /// Applies `f` inside the wrapper.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Phi<U> {
        Phi(f(self.0))
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[not shown]")
    }
}

impl<T> From<T> for Phi<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::Phi;

    #[test]
    fn debug_output_does_not_hold_the_value() {
        let name = Phi::new("AUENWALD".to_owned());
        assert_eq!(format!("{name:?}"), "[not shown]", "a patient's name must not reach a log line");
    }
}
