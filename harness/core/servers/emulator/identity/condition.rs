//! The condition operators. Source: the IAM User Guide, "IAM JSON policy elements: Condition operators" and "Creating a
//! condition with multiple keys or values".

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::Holds;
use super::decision::{Context, Known};
use super::pattern::{ArnPattern, Comparison, Pattern};
use crate::text::did_you_mean;

/// One key of one operator of a statement.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    operator: Operator,
    /// In lower case: names of condition keys have no letter case.
    key: String,
    values: Vec<Value>,
}

#[derive(Clone, Debug)]
struct Value {
    text: String,
    pattern: Pattern,
}

/// An operator, without what may stand before and behind its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Text(Comparison),
    Number(Order),
    Date(Order),
    Bool,
    /// Both sides are base64.
    Binary,
    IpAddress,
    Arn,
    /// Whether the key is absent.
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How the values of a key that has several are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SetOperator {
    All,
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Operator {
    set: Option<SetOperator>,
    test: Test,
    is_negated: bool,
    if_exists: bool,
}

/// The operators by name: what each tests, and whether it is the negated one.
const OPERATORS: [(&str, Test, bool); 27] = [
    ("StringEquals", Test::Text(Comparison::Equal), false),
    ("StringNotEquals", Test::Text(Comparison::Equal), true),
    ("StringEqualsIgnoreCase", Test::Text(Comparison::EqualIgnoringCase), false),
    ("StringNotEqualsIgnoreCase", Test::Text(Comparison::EqualIgnoringCase), true),
    ("StringLike", Test::Text(Comparison::Like), false),
    ("StringNotLike", Test::Text(Comparison::Like), true),
    ("NumericEquals", Test::Number(Order::Equal), false),
    ("NumericNotEquals", Test::Number(Order::Equal), true),
    ("NumericLessThan", Test::Number(Order::Less), false),
    ("NumericLessThanEquals", Test::Number(Order::LessOrEqual), false),
    ("NumericGreaterThan", Test::Number(Order::Greater), false),
    ("NumericGreaterThanEquals", Test::Number(Order::GreaterOrEqual), false),
    ("DateEquals", Test::Date(Order::Equal), false),
    ("DateNotEquals", Test::Date(Order::Equal), true),
    ("DateLessThan", Test::Date(Order::Less), false),
    ("DateLessThanEquals", Test::Date(Order::LessOrEqual), false),
    ("DateGreaterThan", Test::Date(Order::Greater), false),
    ("DateGreaterThanEquals", Test::Date(Order::GreaterOrEqual), false),
    ("Bool", Test::Bool, false),
    ("BinaryEquals", Test::Binary, false),
    ("IpAddress", Test::IpAddress, false),
    ("NotIpAddress", Test::IpAddress, true),
    ("ArnEquals", Test::Arn, false),
    ("ArnNotEquals", Test::Arn, true),
    ("ArnLike", Test::Arn, false),
    ("ArnNotLike", Test::Arn, true),
    ("Null", Test::Null, false),
];

impl Operator {
    fn named(name: &str) -> Option<Self> {
        let (set, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(SetOperator::All), rest),
            Some(("ForAnyValue", rest)) => (Some(SetOperator::Any), rest),
            Some(_) => return None,
            None => (None, name),
        };
        let (plain, if_exists) = match rest.strip_suffix("IfExists") {
            Some(plain) => (plain, true),
            None => (rest, false),
        };
        let (_, test, is_negated) = *OPERATORS.iter().find(|(known, ..)| *known == plain)?;
        // What is compared with nothing is neither one of several values nor there by chance.
        (test != Test::Null || rest == name && !if_exists).then_some(Self { set, test, is_negated, if_exists })
    }
}

impl Condition {
    /// Reads one key of an operator.
    ///
    /// # Errors
    /// When there is no such operator.
    pub(super) fn read<'a>(
        operator: &str,
        key: &str,
        values: impl IntoIterator<Item = &'a super::file::Scalar>,
        has_variables: bool,
    ) -> Result<Self, String> {
        let unknown = || {
            let near = did_you_mean(operator, OPERATORS.iter().map(|(name, ..)| *name));
            format!("expected a condition operator, such as StringEquals, found \"{operator}\"{near}")
        };
        let value = |text: &str| Value { text: text.to_owned(), pattern: Pattern::new(text, has_variables) };
        Ok(Self {
            operator: Operator::named(operator).ok_or_else(unknown)?,
            key: key.to_ascii_lowercase(),
            values: values.into_iter().map(|scalar| value(&scalar.0)).collect(),
        })
    }

    /// Whether it holds for a request.
    pub(super) fn holds(&self, context: &dyn Context) -> Holds {
        let Operator { set, test, is_negated, if_exists } = self.operator;
        let mut values = match context.value(&self.key) {
            Known::Unknown => return Holds::Maybe,
            Known::Absent => Vec::new(),
            Known::Values(values) => values,
        };
        if test == Test::Null {
            let is_null = if values.is_empty() { "true" } else { "false" };
            return self.values.iter().any(|value| value.text.eq_ignore_ascii_case(is_null)).into();
        }
        if set.is_some() {
            // An empty text is no value of a set.
            values.retain(|value| !value.is_empty());
        }
        if values.is_empty() {
            return (if_exists || set == Some(SetOperator::All) || (set.is_none() && is_negated)).into();
        }
        let matches = |found| Holds::any(self.values.iter().map(|value| value.matches(test, found, context)));
        let differs = |found| if is_negated { !matches(found) } else { matches(found) };
        let each = values.iter().map(|value| differs(value));
        match set {
            Some(SetOperator::All) => Holds::all(each),
            // A key of one value. Of several, a negated operator must hold for each, the others for one.
            None if is_negated => Holds::all(each),
            Some(SetOperator::Any) | None => Holds::any(each),
        }
    }
}

impl Value {
    /// Whether a value of the request is as this value of the policy says. What cannot be read matches nothing.
    fn matches(&self, test: Test, found: &str, context: &dyn Context) -> Holds {
        match test {
            Test::Text(comparison) => self.pattern.fits(found, comparison, context),
            Test::Bool => self.pattern.fits(found, Comparison::EqualIgnoringCase, context),
            Test::Arn => ArnPattern::new(&self.pattern).map_or(Holds::No, |arn| arn.fits(found, false, context)),
            Test::Number(order) => in_order(order, number(found), number(&self.text)),
            Test::Date(order) => in_order(order, date(found), date(&self.text)),
            Test::Binary => (found == self.text).into(),
            Test::IpAddress => is_in_range(found, &self.text).into(),
            // Decided before the values are compared.
            Test::Null => Holds::No,
        }
    }
}

fn in_order<T: PartialOrd>(order: Order, found: Option<T>, value: Option<T>) -> Holds {
    let (Some(found), Some(value)) = (found, value) else { return Holds::No };
    let holds = match order {
        Order::Equal => found == value,
        Order::Less => found < value,
        Order::LessOrEqual => found <= value,
        Order::Greater => found > value,
        Order::GreaterOrEqual => found >= value,
    };
    holds.into()
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// A time in a form of ISO 8601, or in seconds since 1970. Without an offset it is UTC, and without a time it is the
/// start of the day, of the month or of the year.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let utc = |time: DateTime| TimeZone::UTC.to_timestamp(time).ok();
    let is_year = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    if let (Ok(seconds), false) = (text.parse(), is_year) {
        return Timestamp::from_second(seconds).ok();
    }
    let month = || match text.len() {
        4 => format!("{text}-01-01").parse().ok(),
        7 => format!("{text}-01").parse().ok(),
        _ => None,
    };
    let day = text.parse::<Date>().ok().filter(|_| text.len() <= "2026-11-27".len()).or_else(month);
    let without_offset = || text.parse().ok().and_then(utc);
    day.map_or_else(|| text.parse().ok().or_else(without_offset), |day: Date| utc(day.at(0, 0, 0, 0)))
}

/// Whether an address is in a range of CIDR, or is the address itself.
fn is_in_range(address: &str, range: &str) -> bool {
    let (network, bits) = match range.split_once('/') {
        Some((network, bits)) => (network, Some(bits)),
        None => (range, None),
    };
    let (Ok(address), Ok(network)) = (address.trim().parse(), network.trim().parse()) else { return false };
    // As the upper bits of a number of 128 bits, and how many of them there are.
    let (address, network, width) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (u128::from(address.to_bits()) << 96, u128::from(network.to_bits()) << 96, 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let bits = match bits.map(str::parse::<u32>) {
        None => width,
        Some(Ok(bits)) if bits <= width => bits,
        Some(_) => return false,
    };
    let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
    address & mask == network & mask
}
