//! An emulator's door behind the layer of a defect.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use jiff::Timestamp;

use crate::servers::defects::{Later, RightDoor};
use crate::servers::emulator::{Emulator, GivenOut};
use crate::wire::Secret;

/// The first door of an emulator.
pub struct DoorOf(Arc<Emulator>);

impl DoorOf {
    /// The first door of an emulator.
    pub fn new(emulator: Arc<Emulator>) -> Self {
        Self(emulator)
    }
}

impl RightDoor for DoorOf {
    fn address(&self) -> SocketAddr {
        // Nobody listens at port 0: without a door, nobody logs in.
        self.0.first_door().unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    fn given_out(&self) -> Vec<GivenOut> {
        self.0.given_out()
    }

    fn give_out<'a>(&'a self, user: &'a str) -> Later<'a, io::Result<Secret>> {
        Box::pin(self.0.give_out(user))
    }

    fn now(&self) -> Timestamp {
        self.0.options().clock.now()
    }
}
