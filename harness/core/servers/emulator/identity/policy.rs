//! A policy that was read and can be evaluated.

use super::Holds;
use super::condition::Condition;
use super::decision::AccessRequest;
use super::file::{OneOrMany, PolicyDocument, StatementDocument, Version};
use super::pattern::{ArnPattern, Comparison, Pattern};

#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) statements: Vec<Statement>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) effect: Effect,
    actions: Named<Pattern>,
    resources: Named<ArnPattern>,
    conditions: Vec<Condition>,
}

/// What a statement names, or everything but what it names.
#[derive(Clone, Debug)]
struct Named<T> {
    patterns: Vec<T>,
    is_negated: bool,
}

impl<T> Named<T> {
    fn includes(&self, fits: impl Fn(&T) -> Holds) -> Holds {
        let fits = Holds::any(self.patterns.iter().map(fits));
        if self.is_negated { !fits } else { fits }
    }
}

/// A place in a document, as a JSON pointer, and what is wrong there.
pub(super) type Fault = (String, String);

impl Policy {
    /// Reads a document.
    ///
    /// # Errors
    /// The first place that is not as the grammar of the policy language has it.
    pub(super) fn read(document: &PolicyDocument) -> Result<Self, Fault> {
        // Source: the IAM User Guide, "IAM JSON policy elements: Version"; without one, it is the older.
        let has_variables = document.version == Some(Version::V2012);
        let is_list = document.statement.is_list;
        let statements = document.statement.each.iter().enumerate().map(|(index, statement)| {
            let place = if is_list { format!("/Statement/{index}") } else { "/Statement".to_owned() };
            Statement::read(statement, has_variables).map_err(|(at, fault)| (format!("{place}{at}"), fault))
        });
        Ok(Self { statements: statements.collect::<Result<_, _>>()? })
    }
}

impl Statement {
    fn read(document: &StatementDocument, has_variables: bool) -> Result<Self, Fault> {
        let actions = one_of(("Action", document.action.as_ref()), ("NotAction", document.not_action.as_ref()))?;
        let resources =
            one_of(("Resource", document.resource.as_ref()), ("NotResource", document.not_resource.as_ref()))?;
        // Names of actions have no letter case, and no variables.
        let action = |text: &str| {
            let is_action = text == "*" || text.split_once(':').is_some_and(|(service, _)| !service.is_empty());
            is_action.then(|| Pattern::new(&text.to_ascii_lowercase(), false)).ok_or_else(|| {
                format!("expected \"*\" or a service, a colon and an action, such as s3:GetObject, found \"{text}\"")
            })
        };
        let resource = |text: &str| {
            ArnPattern::new(&Pattern::new(text, has_variables)).ok_or_else(|| {
                format!("expected \"*\" or the six parts of an ARN, such as arn:aws:s3:::bucket/*, found \"{text}\"")
            })
        };
        let mut conditions = Vec::new();
        for (operator, keys) in &document.condition {
            for (key, values) in keys {
                let condition = Condition::read(operator, key, &values.each, has_variables);
                conditions.push(condition.map_err(|fault| (below("/Condition", operator), fault))?);
            }
        }
        Ok(Self {
            effect: document.effect.into(),
            actions: actions.read(action)?,
            resources: resources.read(resource)?,
            conditions,
        })
    }

    /// Whether it applies to a request.
    pub(super) fn applies(&self, request: &AccessRequest<'_>) -> Holds {
        let AccessRequest { resource, goes_on, context, .. } = *request;
        let action = request.action.to_ascii_lowercase();
        let action = self.actions.includes(|pattern| pattern.fits(&action, Comparison::Like, context));
        if action == Holds::No {
            return Holds::No;
        }
        let resource = self.resources.includes(|pattern| pattern.fits(resource, goes_on, context));
        let conditions = self.conditions.iter().map(|condition| condition.holds(context));
        Holds::all([action, resource].into_iter().chain(conditions))
    }
}

/// The one of two elements that a statement has.
struct Element<'a> {
    name: &'static str,
    texts: &'a OneOrMany<String>,
    is_negated: bool,
}

fn one_of<'a>(
    (name, texts): (&'static str, Option<&'a OneOrMany<String>>),
    (not_name, not_texts): (&'static str, Option<&'a OneOrMany<String>>),
) -> Result<Element<'a>, Fault> {
    match (texts, not_texts) {
        (Some(texts), None) => Ok(Element { name, texts, is_negated: false }),
        (None, Some(texts)) => Ok(Element { name: not_name, texts, is_negated: true }),
        (None, None) => Err((String::new(), format!("expected {name} or {not_name}, found neither"))),
        (Some(_), Some(_)) => Err((String::new(), format!("expected {name} or {not_name}, found both: remove one"))),
    }
}

impl Element<'_> {
    fn read<T>(&self, read: impl Fn(&str) -> Result<T, String>) -> Result<Named<T>, Fault> {
        let Self { name, texts, is_negated } = *self;
        let place = |index| if texts.is_list { format!("/{name}/{index}") } else { format!("/{name}") };
        let each = texts.each.iter().enumerate();
        let patterns = each.map(|(index, text)| read(text).map_err(|fault| (place(index), fault)));
        Ok(Named { patterns: patterns.collect::<Result<_, _>>()?, is_negated })
    }
}

/// The JSON pointer (RFC 6901) of a member.
pub(super) fn below(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}
