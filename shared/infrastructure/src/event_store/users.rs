//! Users of the event store, made by one of its administrators.

use shared_eventstore_protocol::users::users_client::UsersClient;
use shared_eventstore_protocol::users::{CreateReq, ResetPasswordReq, create_req, reset_password_req};
use tokio::time::timeout;

use tonic::{Code, Request, Status};

use super::in_process::Transport;
use super::{EventStore, Right, StoreError, leader, reading};
use crate::limits;

/// What became of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserChange {
    /// There was none with this name.
    Made,
    /// There was one, who has this password now.
    PasswordSet,
}

impl EventStore {
    /// Makes a user, or gives the one who is there this password. `full_name` is for people, and of a new user only.
    ///
    /// # Errors
    /// [`StoreError`] if the event store cannot be reached in time, or does not let this user do so.
    pub async fn set_user(&self, name: &str, full_name: &str, password: &str) -> Result<UserChange, StoreError> {
        let limit = 2 * limits::STORE_OPERATION;
        let setting = async {
            let mut users = UsersClient::new(leader::connect(&self.connections).await?);
            match self.create(&mut users, name, full_name, password).await {
                Ok(()) => Ok(UserChange::Made),
                Err(status) if is_there(&status) => {
                    self.reset(&mut users, name, password).await.map_err(|status| failure(&status))?;
                    Ok(UserChange::PasswordSet)
                }
                Err(status) => Err(failure(&status)),
            }
        };
        match timeout(limit, setting).await {
            Ok(outcome) => outcome,
            Err(_) => Err(StoreError::timeout("the making of a user", limit)),
        }
    }

    async fn create(
        &self,
        users: &mut UsersClient<Transport>,
        name: &str,
        full_name: &str,
        password: &str,
    ) -> Result<(), Status> {
        let options = create_req::Options {
            login_name: name.to_owned(),
            password: password.to_owned(),
            full_name: full_name.to_owned(),
            groups: Vec::new(),
        };
        let mut request = Request::new(CreateReq { options: Some(options) });
        self.connections.authorize(request.metadata_mut());
        users.create(request).await.map(drop)
    }

    async fn reset(&self, users: &mut UsersClient<Transport>, name: &str, password: &str) -> Result<(), Status> {
        let options = reset_password_req::Options { login_name: name.to_owned(), new_password: password.to_owned() };
        let mut request = Request::new(ResetPasswordReq { options: Some(options) });
        self.connections.authorize(request.metadata_mut());
        users.reset_password(request).await.map(drop)
    }
}

/// Whether a user could not be made because there is one with this name. The exception alone does not say so: a failure
/// that passes has the same one.
fn is_there(status: &Status) -> bool {
    let exception = status.metadata().get("exception").and_then(|value| value.to_str().ok());
    status.code() == Code::FailedPrecondition && exception == Some("user-conflict")
}

fn failure(status: &Status) -> StoreError {
    reading::failure(status, &Right::ManageUsers)
}
