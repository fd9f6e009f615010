//! The time span of a grant, half-open: opens <= t < closes.

use crate::limits;
use crate::unix_time::UnixTime;

/// A checked window: it closes after it opens, and is at most [`limits::WINDOW`] seconds long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    opens: UnixTime,
    closes: UnixTime,
}

/// Where a moment lies with respect to a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowState {
    /// Before `opens`.
    NotYetOpen,
    /// `opens` or later, and before `closes`.
    Open,
    /// `closes` or later.
    Closed,
}

/// Why two moments are not a window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// `closes` is not after `opens`.
    #[error("the window closes at {closes}, not after it opens at {opens}")]
    Empty {
        /// When it would open.
        opens: UnixTime,
        /// When it would close.
        closes: UnixTime,
    },
    /// Longer than [`limits::WINDOW`].
    #[error("the window is longer than {} days", limits::WINDOW / 86_400)]
    TooLong,
}

impl Window {
    /// The window from `opens` up to but not including `closes`.
    ///
    /// # Errors
    /// [`WindowError`] if it would be empty or too long.
    pub fn new(opens: UnixTime, closes: UnixTime) -> Result<Self, WindowError> {
        if closes <= opens {
            return Err(WindowError::Empty { opens, closes });
        }
        if closes.since(opens) > limits::WINDOW {
            return Err(WindowError::TooLong);
        }
        Ok(Self { opens, closes })
    }

    /// The first second of the window.
    #[must_use]
    pub fn opens(&self) -> UnixTime {
        self.opens
    }

    /// The first second after the window.
    #[must_use]
    pub fn closes(&self) -> UnixTime {
        self.closes
    }

    /// Where `now` lies.
    #[must_use]
    pub fn state(&self, now: UnixTime) -> WindowState {
        if now < self.opens {
            WindowState::NotYetOpen
        } else if now < self.closes {
            WindowState::Open
        } else {
            WindowState::Closed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_of_a_window_are_exact() {
        let at = UnixTime::from_secs;
        let window = Window::new(at(100), at(200)).unwrap();
        assert_eq!(window.state(at(99)), WindowState::NotYetOpen);
        assert_eq!(window.state(at(100)), WindowState::Open);
        assert_eq!(window.state(at(199)), WindowState::Open);
        assert_eq!(window.state(at(200)), WindowState::Closed);
    }

    #[test]
    fn an_empty_or_endless_window_is_none() {
        let at = UnixTime::from_secs;
        assert!(Window::new(at(100), at(100)).is_err());
        assert!(Window::new(at(100), at(99)).is_err());
        assert!(Window::new(at(0), at(limits::WINDOW)).is_ok());
        assert_eq!(Window::new(at(0), at(limits::WINDOW + 1)), Err(WindowError::TooLong));
    }
}
