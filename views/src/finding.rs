//! What a look at a store has found.

/// Something about a store that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it keeps the views from being held there; else it is a warning.
    pub refused: bool,
    /// What is found, and what to do.
    pub sentence: String,
}

impl Finding {
    /// The store can't hold the views.
    pub(crate) fn refused(sentence: impl Into<String>) -> Self {
        Self {
            refused: true,
            sentence: sentence.into(),
        }
    }

    /// The store can hold the views, but not as well as it should.
    pub(crate) fn warning(sentence: impl Into<String>) -> Self {
        Self {
            refused: false,
            sentence: sentence.into(),
        }
    }
}
