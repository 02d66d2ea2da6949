//! The environment variables by which terminals identify themselves.

/// Looks up environment variables: those of this process, or those that a test sets up.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Environment<'a> {
    /// An environment with these variables.
    #[must_use]
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup }
    }

    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Environment<'static> {
        Environment { lookup: &|name| std::env::var(name).ok() }
    }

    /// Whether a variable is set and not empty.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        (self.lookup)(name).is_some_and(|value| !value.is_empty())
    }

    /// Whether a variable's value contains `part`.
    #[must_use]
    pub fn contains(&self, name: &str, part: &str) -> bool {
        (self.lookup)(name).is_some_and(|value| value.contains(part))
    }
}
