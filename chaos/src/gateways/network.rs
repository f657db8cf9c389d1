//! Appends on their way from gateways to the log. They come when the scheduler says so, and the word back meets a fate.

use std::sync::{Arc, Mutex, MutexGuard};

use log::{Appended, Caller, Error, NewRecord, Producer, Told};

use crate::topic::Topic;

/// All of them. Cheap to clone.
#[derive(Clone)]
pub struct Network {
    topic: Topic,
    on_their_way: Arc<Mutex<Vec<OnItsWay>>>,
}

struct OnItsWay {
    sender: u64,
    records: Vec<NewRecord>,
    /// Absent where nobody waits any more: the sender was told that it took too long, or it is a copy.
    told: Option<Told>,
}

/// What becomes of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is appended and acknowledged.
    Good,
    /// It is not appended, and not acknowledged.
    Lost,
    /// It is appended, and the acknowledgement is lost.
    Unheard,
    /// It is not acknowledged, and is appended later.
    Late,
    /// It is appended and acknowledged, and a copy is appended later.
    Twice,
    /// The log refuses it for good.
    Refused,
}

impl Network {
    /// To that topic.
    pub fn new(topic: Topic) -> Self {
        Self {
            topic,
            on_their_way: Arc::default(),
        }
    }

    /// The way of one sender. Of it, a partition's appends come in their order.
    pub fn line(&self, sender: u64) -> Arc<dyn Producer> {
        let network = self.clone();
        Arc::new(Line { network, sender })
    }

    /// Appends on their way.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An append meets its fate: that one, or the one of its sender and partition that must come before. What became of
    /// it, in words.
    pub fn deliver(&self, place: usize, fate: Fate) -> String {
        let OnItsWay {
            sender,
            records,
            told,
        } = self.take(place);
        let Some(told) = told else {
            return format!(
                "one that nobody waits for is appended: {:?}",
                self.append(records)
            );
        };
        let lost = || Err(Error::Transient("not acknowledged".to_owned()));
        let appended = match fate {
            Fate::Good => {
                let appended = self.append(records);
                told(Ok(appended.clone()));
                appended
            }
            Fate::Unheard => {
                let appended = self.append(records);
                told(lost());
                appended
            }
            Fate::Twice => {
                let appended = self.append(records.clone());
                told(Ok(appended.clone()));
                self.leave(sender, records);
                appended
            }
            Fate::Late => {
                told(lost());
                self.leave(sender, records);
                Vec::new()
            }
            Fate::Lost => {
                told(lost());
                Vec::new()
            }
            Fate::Refused => {
                told(Err(Error::Fatal("refused".to_owned())));
                Vec::new()
            }
        };
        format!("{fate:?}: {appended:?}")
    }

    fn take(&self, place: usize) -> OnItsWay {
        let mut all = self.lock();
        let line = |of: &OnItsWay| (of.sender, of.records[0].partition, of.told.is_some());
        let wanted = line(&all[place]);
        let first = all.iter().position(|of| line(of) == wanted).unwrap();
        all.remove(first)
    }

    fn leave(&self, sender: u64, records: Vec<NewRecord>) {
        self.lock().push(OnItsWay {
            sender,
            records,
            told: None,
        });
    }

    fn append(&self, records: Vec<NewRecord>) -> Vec<Appended> {
        let records = records.into_iter();
        records.map(|record| self.topic.append(record)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<OnItsWay>> {
        self.on_their_way.lock().unwrap()
    }
}

struct Line {
    network: Network,
    sender: u64,
}

impl Producer for Line {
    fn append(&self, _: Vec<NewRecord>) -> Result<Vec<Appended>, Error> {
        Err(Error::Fatal("only append_each is carried".to_owned()))
    }

    fn append_each(&self, callers: Vec<Caller>) {
        let sender = self.sender;
        let on_their_way = callers.into_iter().map(|caller| OnItsWay {
            sender,
            records: caller.records,
            told: Some(caller.told),
        });
        self.network.lock().extend(on_their_way);
    }
}
