use super::Secret;

/// What signs a request: an access key id, its secret and, for temporary credentials, a session token.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The access key id. Not secret in itself, but kept out of every report.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The session token of temporary credentials.
    pub session_token: Option<Secret>,
}

impl Credentials {
    /// All texts in them that must not appear in a report.
    pub fn secrets(&self) -> Vec<String> {
        let token = self.session_token.as_ref().map(|token| token.expose().to_owned());
        let mut secrets = vec![self.access_key_id.clone(), self.secret_access_key.expose().to_owned()];
        secrets.extend(token);
        // A short one, such as the "test" that emulators accept, is not secret: masking it would hide parts of many
        // words.
        secrets.retain(|secret| secret.len() >= 8);
        secrets
    }

    /// The same credentials with a session token; `None` leaves them without one.
    #[must_use]
    pub fn with_session_token(self, session_token: Option<Secret>) -> Self {
        Self { session_token, ..self }
    }

    /// Long-term credentials: a key and its secret, no session token.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<Secret>) -> Self {
        Self { access_key_id: access_key_id.into(), secret_access_key: secret_access_key.into(), session_token: None }
    }
}
