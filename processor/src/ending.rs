//! How a thread ended, told to whoever waits for it.

use tokio::sync::watch;

/// Tells how a thread ended, also when it panics.
pub(crate) struct Ending {
    tell: watch::Sender<Option<String>>,
    why: String,
}

/// Where it is told.
#[derive(Clone)]
pub(crate) struct Ended(watch::Receiver<Option<String>>);

impl Ending {
    /// An end to come; `died` is why, should the thread panic.
    pub fn new(died: &str) -> (Self, Ended) {
        let (tell, told) = watch::channel(None);
        let why = died.to_owned();
        (Self { tell, why }, Ended(told))
    }

    /// Runs what the thread is for, and tells how it ended.
    pub fn of(mut self, run: impl FnOnce() -> Result<(), log::Error>) {
        self.why = match run() {
            Ok(()) => "it was asked to stop".to_owned(),
            Err(error) => error.to_string(),
        };
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.tell.send_replace(Some(std::mem::take(&mut self.why)));
    }
}

impl Ended {
    /// Completes with why.
    pub fn why(&self) -> impl Future<Output = String> + Send + use<> {
        let mut told = self.0.clone();
        async move {
            match told.wait_for(Option::is_some).await {
                Ok(why) => why.clone().unwrap_or_default(),
                Err(_) => "its thread is gone".to_owned(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a thread that ended with that result, or panicked.
    fn told(run: impl FnOnce() -> Result<(), log::Error> + Send + 'static) -> Option<String> {
        let (ending, ended) = Ending::new("it died");
        let thread = std::thread::spawn(move || ending.of(run));
        let _ = thread.join();
        ended.0.borrow().clone()
    }

    #[test]
    fn a_thread_tells_that_it_was_stopped_why_it_failed_and_that_it_died() {
        let failed = || Err(log::Error::Fatal("no topic".to_owned()));
        assert_eq!(told(|| Ok(())).as_deref(), Some("it was asked to stop"));
        assert_eq!(told(failed).as_deref(), Some("no topic"));
        #[allow(clippy::panic)]
        let died = told(|| panic!("a bug"));
        assert_eq!(died.as_deref(), Some("it died"));
    }
}
