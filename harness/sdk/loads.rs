//! Whether an SDK that is installed can be used: its driver is started and must say hello.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::drivers::Driver;
use super::planted_secrets::Planted;
use super::process::{DriverProcess, StartedWith};

/// Why an SDK does not load; `None` if it does. `sdk` is where it is, as [`Driver::command`] takes it.
pub(super) fn fault(driver: &'static Driver, sdk: &Path) -> Option<String> {
    let start = || -> Result<(), String> {
        let folder = TempDir::new().map_err(|error| format!("no temporary folder can be made: {error}"))?;
        let command =
            driver.command(folder.path(), sdk).map_err(|error| format!("cannot write the driver: {error}"))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("no process can be waited for: {error}"))?;
        let started = runtime.block_on(async {
            let with = StartedWith { environment: BTreeMap::new(), profile: None, authority: None };
            DriverProcess::start(&command, &with, Arc::new(Planted::of([]))).await.map(drop)
        });
        started.map_err(|error| error.to_string())
    };
    // A thread of its own, since the caller's may have a runtime already.
    std::thread::scope(|scope| scope.spawn(start).join())
        .unwrap_or_else(|_| Err("the driver cannot be tried".to_owned()))
        .err()
}
