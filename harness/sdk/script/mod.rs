//! The scripted server: plays a case's steps on raw sockets of the loopback address, byte for byte, and keeps exactly
//! what arrived and when it did.
//!
//! Uses the steps of a case and the record's words. Start with [`ScriptServer`]. No HTTP library stands between a step
//! and the wire: what a step says is what is sent.

mod certificates;
mod play;
mod proxy;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub use certificates::Certificates;

use crate::sdk::cases::{FaultAt, Step};
use crate::sdk::record::ReachedServer;

/// The largest request that is read, in bytes: 1 MiB.
const REQUEST_LIMIT: usize = 1 << 20;

/// How many header fields a request may have.
pub(super) const FIELDS_LIMIT: usize = 128;

/// The most requests that one case may send; a client that sends more gets no answer.
const REQUESTS_LIMIT: usize = 1_000;

/// The most connections that one case may hold open at a time.
const CONNECTIONS_LIMIT: usize = 64;

/// What a scripted server has beside its script.
#[derive(Clone, Default)]
pub struct ScriptSetup {
    /// What speaks TLS at the endpoint; `None` if it is asked over HTTP.
    pub tls: Option<TlsAcceptor>,
    /// Whether connections to the endpoint are refused.
    pub closed: bool,
    /// Whether there is a second server.
    pub decoy: bool,
    /// Whether there is a proxy.
    pub proxy: bool,
}

/// A running scripted server: one listener, and further ones for the decoy and the proxy of a case. Dropping it ends
/// every connection.
#[derive(Debug)]
pub struct ScriptServer {
    /// The address of the endpoint.
    pub endpoint: SocketAddr,
    /// The address that its decoy listens on; `None` if it has no decoy.
    pub decoy: Option<SocketAddr>,
    /// The address that its proxy listens on; `None` if it has no proxy.
    pub proxy: Option<SocketAddr>,
    shared: Arc<SharedScript>,
    /// Holds the port of an endpoint that refuses connections, so that no other program gets it.
    _closed: Option<TcpSocket>,
    /// Dropped to stop the listeners and every connection.
    _tasks: JoinSet<()>,
}

/// What arrived at a scripted server, exactly, and when.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Which server it reached.
    pub server: ReachedServer,
    /// The call that was under way, from 1.
    pub call: usize,
    /// Which attempt of that call it is, from 1.
    pub attempt: usize,
    /// The connection, from 1, over both servers.
    pub connection: usize,
    /// The bytes of the request, head and body; empty if the step ends the connection as soon as it is made.
    pub bytes: Vec<u8>,
    /// When its first byte arrived.
    pub at: Instant,
    /// The same as a date.
    pub date: Timestamp,
    /// When the step ended; `None` before that.
    pub answered: Option<Instant>,
    /// How long the answer asked to wait, in milliseconds.
    pub told_ms: Option<f64>,
}

#[derive(Debug)]
struct SharedScript {
    script: Vec<Step>,
    state: Mutex<ScriptState>,
}

#[derive(Debug, Default)]
struct ScriptState {
    arrivals: Vec<Arrival>,
    tunnels: Vec<String>,
    connections: usize,
    call: usize,
}

impl ScriptServer {
    /// Starts to listen on ports of the loopback address that the system chooses. It listens when this returns.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(script: Vec<Step>, setup: ScriptSetup) -> io::Result<Self> {
        let shared =
            Arc::new(SharedScript { script, state: Mutex::new(ScriptState { call: 1, ..ScriptState::default() }) });
        let mut tasks = JoinSet::new();
        let (endpoint, closed) = if setup.closed {
            // It is bound and does not listen: whoever connects is refused.
            let socket = TcpSocket::new_v4()?;
            socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
            (socket.local_addr()?, Some(socket))
        } else {
            let role = setup.tls.map_or(Role::Plain(ReachedServer::Endpoint), Role::Tls);
            (listen(role, &shared, &mut tasks).await?, None)
        };
        let mut further = async |wanted: bool, role| -> io::Result<Option<SocketAddr>> {
            if wanted { listen(role, &shared, &mut tasks).await.map(Some) } else { Ok(None) }
        };
        let decoy = further(setup.decoy, Role::Plain(ReachedServer::Decoy)).await?;
        let proxy = further(setup.proxy, Role::Proxy { to: endpoint }).await?;
        Ok(Self { endpoint, decoy, proxy, shared, _closed: closed, _tasks: tasks })
    }

    /// Sets the call, from 1, that later arrivals belong to.
    pub fn begin_call(&self, call: usize) {
        self.shared.lock().call = call;
    }

    /// What arrived so far, in order.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.shared.lock().arrivals.clone()
    }

    /// The request lines of the tunnels that the proxy was asked for, in order.
    pub fn tunnels(&self) -> Vec<String> {
        self.shared.lock().tunnels.clone()
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }
}

impl SharedScript {
    fn lock(&self) -> MutexGuard<'_, ScriptState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self) -> usize {
        let mut state = self.lock();
        state.connections += 1;
        state.connections
    }

    /// The step that comes next, without using it up.
    fn next_step(&self) -> &Step {
        let used = self.lock().arrivals.len();
        &self.script[used.min(self.script.len() - 1)]
    }

    /// Keeps an arrival, which uses up a step. Returns its index and the step; `None` after too many arrivals.
    fn arrive(&self, server: ReachedServer, connection: usize, at: Instant, bytes: Vec<u8>) -> Option<(usize, &Step)> {
        let mut state = self.lock();
        let place = state.arrivals.len();
        if place >= REQUESTS_LIMIT {
            return None;
        }
        let call = state.call;
        let attempt = 1 + state.arrivals.iter().filter(|arrival| arrival.call == call).count();
        let (date, answered, told_ms) = (Timestamp::now(), None, None);
        state.arrivals.push(Arrival { server, call, attempt, connection, bytes, at, date, answered, told_ms });
        Some((place, &self.script[place.min(self.script.len() - 1)]))
    }

    /// Keeps the request line of a tunnel. Returns whether there is room for it.
    fn note_tunnel(&self, line: String) -> bool {
        let mut state = self.lock();
        let fits = state.tunnels.len() < REQUESTS_LIMIT;
        if fits {
            state.tunnels.push(line);
        }
        fits
    }

    fn note_answer(&self, place: usize, told_ms: Option<f64>) {
        if let Some(arrival) = self.lock().arrivals.get_mut(place) {
            arrival.answered = Some(Instant::now());
            arrival.told_ms = told_ms;
        }
    }
}

/// What a listener is for.
#[derive(Clone)]
enum Role {
    /// It plays the script.
    Plain(ReachedServer),
    /// It plays the script over TLS; it is the endpoint.
    Tls(TlsAcceptor),
    /// It is a proxy: it plays the script, and opens tunnels to this address alone.
    Proxy { to: SocketAddr },
}

impl Role {
    const fn server(&self) -> ReachedServer {
        match self {
            Self::Plain(server) => *server,
            Self::Tls(_) => ReachedServer::Endpoint,
            Self::Proxy { .. } => ReachedServer::Proxy,
        }
    }

    /// Serves a connection until it ends.
    async fn serve(self, stream: TcpStream, number: usize, shared: &SharedScript) {
        match self {
            Self::Plain(server) => play::serve(stream, server, number, shared).await,
            Self::Tls(acceptor) => match acceptor.accept(stream).await {
                Ok(stream) => play::serve(stream, ReachedServer::Endpoint, number, shared).await,
                Err(error) => tracing::debug!(%error, "no agreement on TLS"),
            },
            Self::Proxy { to } => proxy::serve(stream, to, number, shared).await,
        }
    }
}

/// Opens a listener and serves its connections until the tasks are dropped.
async fn listen(role: Role, shared: &Arc<SharedScript>, tasks: &mut JoinSet<()>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let shared = Arc::clone(shared);
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        // If one connection cannot be accepted, later ones still are.
        loop {
            while connections.try_join_next().is_some() {}
            let Ok((stream, _)) = listener.accept().await else {
                tokio::task::yield_now().await;
                continue;
            };
            if connections.len() >= CONNECTIONS_LIMIT {
                continue;
            }
            let number = shared.connect();
            if shared.next_step().fault.is_some_and(|fault| fault.at == FaultAt::Connect) {
                if let Some((place, step)) = shared.arrive(role.server(), number, Instant::now(), Vec::new()) {
                    let step = step.clone();
                    shared.note_answer(place, None);
                    connections.spawn(async move { play::end(stream, step.fault).await });
                }
                continue;
            }
            let (role, shared) = (role.clone(), Arc::clone(&shared));
            connections.spawn(async move { role.serve(stream, number, &shared).await });
        }
    });
    Ok(address)
}
