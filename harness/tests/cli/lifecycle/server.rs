//! A small server with state: namespaces and workgroups that are made and deleted, and credentials for those that are
//! there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::stub_server::{Stub, aws, refusal};

/// What the server has, and what it was asked.
#[derive(Default)]
pub(super) struct State {
    pub(super) namespaces: Vec<String>,
    /// Each with the number of times that it still says that it is being made.
    pub(super) workgroups: BTreeMap<String, usize>,
    /// The operation that is denied to everybody.
    pub(super) denied: Option<&'static str>,
    /// The operations that were called, with the names that they were given.
    pub(super) calls: Vec<String>,
    /// The tags that things were made with, as JSON.
    pub(super) tags: Vec<String>,
}

/// The server, and its state.
pub(super) struct Server {
    pub(super) stub: Stub,
    state: Arc<Mutex<State>>,
}

/// What a server does instead of what it should do, for an operation and the number of its call.
pub(super) type Fault = fn(&str, usize) -> Option<String>;

impl Server {
    pub(super) fn right() -> Self {
        Self::with(|_, _| None)
    }

    /// A server that denies an operation to everybody.
    pub(super) fn denying(operation: &'static str) -> Self {
        let server = Self::right();
        server.look(|state| state.denied = Some(operation));
        server
    }

    /// A server at which workgroups are made for ever.
    pub(super) fn never_done() -> Self {
        Self::with(|operation, _| {
            (operation == "GetWorkgroup").then(|| aws("200 OK", r#"{"workgroup":{"status":"CREATING"}}"#))
        })
    }

    pub(super) fn with(fault: Fault) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, number) = (Arc::clone(&state), AtomicUsize::new(0));
        let stub = Stub::saying(move |request| {
            let operation = request.split("Serverless.").nth(1).and_then(|rest| rest.split("\r\n").next());
            let operation = operation.unwrap_or_default().to_owned();
            let body: Value =
                serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap_or("{}")).unwrap_or_default();
            let instead = fault(&operation, number.fetch_add(1, Ordering::Relaxed));
            shared.lock().unwrap_or_else(PoisonError::into_inner).answer(&operation, &body, instead)
        });
        Self { stub, state }
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether nothing of what was made is there.
    pub(super) fn is_clean(&self) -> bool {
        self.look(|state| state.namespaces.is_empty() && state.workgroups.keys().all(|name| name == "wg-1"))
    }
}

/// Right credentials.
pub(super) fn credentials() -> String {
    let then = jiff::Timestamp::now().as_second() + 900;
    let members = r#""dbPassword":"canary-5aZ9-correct-horse","dbUser":"IAM:somebody""#;
    aws("200 OK", &format!(r#"{{{members},"expiration":{then},"nextRefreshTime":{then}}}"#))
}

fn not_found() -> String {
    refusal("400 Bad Request", "ResourceNotFoundException", "it is not there")
}

fn conflict() -> String {
    refusal("400 Bad Request", "ConflictException", "it is there, or in use")
}

impl State {
    fn answer(&mut self, operation: &str, body: &Value, instead: Option<String>) -> String {
        let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
        let (space, group) = (text("namespaceName"), text("workgroupName"));
        self.calls.push(format!("{operation} {}", if group.is_empty() { &space } else { &group }));
        self.tags.extend(body.get("tags").map(Value::to_string));
        if self.denied == Some(operation) {
            return refusal("400 Bad Request", "AccessDeniedException", "you may not");
        }
        if let Some(instead) = instead {
            return instead;
        }
        match operation {
            "CreateNamespace" if self.namespaces.contains(&space) => conflict(),
            "CreateNamespace" => {
                self.namespaces.push(space.clone());
                aws("200 OK", &format!(r#"{{"namespace":{{"namespaceName":"{space}"}}}}"#))
            }
            "DeleteNamespace" if !self.namespaces.contains(&space) => not_found(),
            "DeleteNamespace" if self.workgroups.keys().any(|name| name != "wg-1") => conflict(),
            "DeleteNamespace" => {
                self.namespaces.retain(|name| *name != space);
                aws("200 OK", r#"{"namespace":{}}"#)
            }
            "CreateWorkgroup" if self.workgroups.contains_key(&group) => conflict(),
            "CreateWorkgroup" => {
                self.workgroups.insert(group, 2);
                aws("200 OK", r#"{"workgroup":{"status":"CREATING"}}"#)
            }
            "DeleteWorkgroup" if self.workgroups.remove(&group).is_some() => {
                aws("200 OK", r#"{"workgroup":{"status":"DELETING"}}"#)
            }
            "GetWorkgroup" if self.workgroups.contains_key(&group) => {
                let left = self.workgroups.get_mut(&group).expect("it is there");
                let status = if *left == 0 { "AVAILABLE" } else { "CREATING" };
                *left = left.saturating_sub(1);
                aws("200 OK", &format!(r#"{{"workgroup":{{"workgroupName":"{group}","status":"{status}"}}}}"#))
            }
            "GetCredentials" if group == "wg-1" || self.workgroups.get(&group) == Some(&0) => credentials(),
            "DeleteWorkgroup" | "GetWorkgroup" | "GetCredentials" => not_found(),
            _ => refusal("400 Bad Request", "UnknownOperationException", "there is no such operation"),
        }
    }
}
