//! The tasks of this process: watched while they run, stopped in order.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use shared_service::ErrorChain;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

type BoxError = Box<dyn Error + Send + Sync>;

/// Tasks that are stopped together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// What takes requests from outside.
    Gateway,
    /// What answers them.
    Apis,
    /// What works in the background.
    Processors,
    /// What all of them need.
    Stores,
}

impl Stage {
    /// What needs others goes before them.
    const STOPPING: [Self; 4] = [Self::Gateway, Self::Apis, Self::Processors, Self::Stores];

    /// When the next stage gets its turn although this one has not ended, counted from the beginning of the stop. The
    /// last one leaves the process a second of its ten.
    const fn limit(self) -> Duration {
        Duration::from_millis(match self {
            Self::Gateway => 3_000,
            Self::Apis => 5_500,
            Self::Processors => 7_000,
            Self::Stores => 9_000,
        })
    }
}

/// A task ended although nobody had told it to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskEnded {
    #[error("the {name} ended unexpectedly")]
    Early { name: String },
    #[error("the {name} failed")]
    Failed { name: String, source: BoxError },
    #[error("the {name} failed by a fault in the program")]
    Panicked { name: String, source: JoinError },
}

#[derive(Debug)]
struct Task {
    name: String,
    stage: Stage,
}

/// Owns the tasks. When it is dropped, they are aborted.
#[derive(Debug, Default)]
pub(crate) struct Supervisor {
    running: JoinSet<Result<(), BoxError>>,
    tasks: HashMap<Id, Task>,
    tokens: [CancellationToken; Stage::STOPPING.len()],
}

impl Supervisor {
    /// Tells the tasks of a stage to stop.
    pub(crate) fn token(&self, stage: Stage) -> CancellationToken {
        let [gateway, apis, processors, stores] = &self.tokens;
        match stage {
            Stage::Gateway => gateway,
            Stage::Apis => apis,
            Stage::Processors => processors,
            Stage::Stores => stores,
        }
        .clone()
    }

    /// Starts a task, which has to go on until its stage is told to stop.
    pub(crate) fn spawn<E: Into<BoxError>>(
        &mut self,
        stage: Stage,
        name: impl Into<String>,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let handle = self.running.spawn(async { task.await.map_err(Into::into) });
        self.tasks.insert(handle.id(), Task { name: name.into(), stage });
    }

    /// Waits until a task ends, which none should.
    pub(crate) async fn task_ended(&mut self) -> TaskEnded {
        match self.next_end().await {
            Some((Task { name, .. }, ended)) => ended.err().unwrap_or(TaskEnded::Early { name }),
            None => std::future::pending().await,
        }
    }

    /// Stops everything, stage by stage. What does not stop in time is named in the log and left behind.
    pub(crate) async fn stop(mut self) {
        let begin = Instant::now();
        for stage in Stage::STOPPING {
            self.token(stage).cancel();
            let ended = tokio::time::timeout_at(begin + stage.limit(), self.stage_ended(stage)).await;
            if ended.is_err() {
                let names = self.running_in(stage).collect::<Vec<_>>().join(", ");
                tracing::warn!(limit.ms = stage.limit().as_millis(), "did not stop in time: {names}");
            }
        }
    }

    async fn stage_ended(&mut self, stage: Stage) {
        while self.running_in(stage).next().is_some() {
            match self.next_end().await {
                Some((_, Ok(()))) => {}
                Some((_, Err(error))) => tracing::error!("while stopping: {}", ErrorChain(&error)),
                None => return,
            }
        }
    }

    fn running_in(&self, stage: Stage) -> impl Iterator<Item = &str> {
        let tasks = self.tasks.values().filter(move |task| task.stage == stage);
        tasks.map(|task| task.name.as_str())
    }

    /// The next task to end, and how. `None` if there is none left.
    async fn next_end(&mut self) -> Option<(Task, Result<(), TaskEnded>)> {
        loop {
            let joined = self.running.join_next_with_id().await?;
            let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
            // Every task is noted before it can be waited for.
            let Some(task) = self.tasks.remove(&id) else { continue };
            let name = task.name.clone();
            let ended = match joined {
                Ok((_, Ok(()))) => Ok(()),
                Ok((_, Err(source))) => Err(TaskEnded::Failed { name, source }),
                Err(source) => Err(TaskEnded::Panicked { name, source }),
            };
            return Some((task, ended));
        }
    }
}

#[cfg(test)]
mod tests;
