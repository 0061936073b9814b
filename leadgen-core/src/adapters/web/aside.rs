//! Asks the store in a task of its own: visits are not looked after while another one is committed, and one that holds a
//! connection of the store then would be what the commit waits for.

use tokio::task::JoinSet;

use crate::error::{Error, ErrorKind, Result};

/// What the work gives. It ends with whoever waits for it.
pub(super) async fn aside<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let mut task = JoinSet::new();
    task.spawn(work);
    match task.join_next().await {
        Some(Ok(given)) => given,
        Some(Err(broken)) => Err(Error::new(ErrorKind::Unavailable, "ask the store").because(broken)),
        None => Err(Error::new(ErrorKind::Unavailable, "ask the store")),
    }
}
