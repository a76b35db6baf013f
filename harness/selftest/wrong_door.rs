//! An emulator's door behind the layer of a defect.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use jiff::Timestamp;

use crate::servers::defects::{KnownLogin, Later, RightDoor};
use crate::servers::emulator::Emulator;
use crate::wire::Secret;

/// The door of an emulator's first workgroup.
pub struct DoorOf(Arc<Emulator>);

impl DoorOf {
    /// The door of the first workgroup of an emulator.
    pub fn new(emulator: Arc<Emulator>) -> Self {
        Self(emulator)
    }

    fn workgroup(&self) -> &str {
        self.0.options().workgroups.first().map_or("", String::as_str)
    }
}

impl RightDoor for DoorOf {
    fn address(&self) -> SocketAddr {
        // Nobody listens at port 0: without a door, nobody logs in.
        self.0.door(self.workgroup()).unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    fn given_out(&self) -> Vec<KnownLogin> {
        let known = |login: crate::servers::emulator::GivenOut| KnownLogin {
            is_here: login.is_here,
            user: login.user,
            database: login.database,
            password: login.password,
            expires: login.expires,
        };
        self.0.given_out(self.workgroup()).into_iter().map(known).collect()
    }

    fn give_out<'a>(&'a self, user: &'a str) -> Later<'a, io::Result<Secret>> {
        Box::pin(self.0.give_out(self.workgroup(), user))
    }

    fn now(&self) -> Timestamp {
        self.0.options().clock.now()
    }
}
