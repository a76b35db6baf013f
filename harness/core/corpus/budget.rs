//! Chooses the cases of a run that may make fewer calls than its plan needs.
//!
//! Pure: [`choose`] knows numbers of calls and of requirements, and nothing of cases. A greedy choice is made first, and
//! branch and bound looks for a better one. If the search ends within its steps, no other choice of so many calls decides
//! more `must` requirements. If it does not, the best choice by then is taken, and said to be perhaps not the best.

use std::collections::{BTreeMap, BTreeSet};

/// The most steps of the search. The plans of this project need fewer, but for some that claim all features.
const MOST_STEPS: u32 = 2_000;

/// Prices are in parts of a call: a number that most small numbers divide.
const PARTS: u64 = 720_720;

/// A case that can be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// How many calls it makes, without those of its control.
    pub calls: u64,
    /// The requirements that it decides, by their numbers.
    pub decides: Vec<usize>,
    /// The offer that is run before it, once for all that need it.
    pub control: Option<usize>,
    /// Whether it is in the plan. A control that is not decides nothing there.
    pub is_planned: bool,
}

/// The cases that are run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Those of the plan, by their numbers. Those that decide most for their calls come first, each behind its control.
    pub offers: Vec<usize>,
    /// How many calls they make, with those of all controls.
    pub calls: u64,
    /// How many `must` requirements they decide.
    pub decided: usize,
    /// Whether it is proven that no choice of so many calls decides more.
    pub is_best: bool,
}

/// How many calls all offers of the plan make, with their controls.
pub fn calls_of_all(offers: &[Offer]) -> u64 {
    let mut picked = Picked::new(offers);
    (0..offers.len()).filter(|index| offers[*index].is_planned).for_each(|index| picked.pick(index));
    picked.calls
}

/// Chooses offers that make at most so many calls. The requirements with a number below `musts` are `must`; with the
/// calls that these leave, as many cases as possible are run whose requirements were tried least.
pub fn choose(offers: &[Offer], musts: usize, calls: u64) -> Choice {
    let free = (0..offers.len()).filter(|index| offers[*index].is_planned);
    let mut picked = Picked::new(offers);
    free.filter(|index| Picked::new(offers).price(*index) == 0).for_each(|index| picked.pick(index));
    let mut search = Search::new(offers, musts, calls);
    search.remember(&greedy(picked.clone(), musts, calls));
    search.look(&picked, Numbers::default());
    let is_best = search.steps < MOST_STEPS;
    let mut picked = search.best;
    let decided = picked.musts(musts);
    fill(&mut picked, calls);
    Choice { offers: in_order(&picked, musts), calls: picked.calls, decided, is_best }
}

/// A set of small numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Numbers(Vec<u64>);

impl Numbers {
    fn of(numbers: impl IntoIterator<Item = usize>) -> Self {
        let mut all = Self::default();
        numbers.into_iter().for_each(|number| all.insert(number));
        all
    }

    fn insert(&mut self, number: usize) {
        let (word, bit) = (number / 64, number % 64);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << bit;
    }

    fn has(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }
}

/// Offers that are picked, and what they come to.
#[derive(Clone, Debug)]
struct Picked<'o> {
    offers: &'o [Offer],
    /// Those of the plan and their controls.
    all: Numbers,
    covered: Numbers,
    calls: u64,
}

impl<'o> Picked<'o> {
    fn new(offers: &'o [Offer]) -> Self {
        Self { offers, all: Numbers::default(), covered: Numbers::default(), calls: 0 }
    }

    /// An offer and the controls before it that are not picked yet, the offer first.
    fn missing(&self, index: usize) -> impl Iterator<Item = usize> {
        let chain = std::iter::successors(Some(index), |index| self.offers[*index].control);
        // Controls have no cycle; were there one, it would end here.
        chain.take(self.offers.len()).take_while(|index| !self.all.has(*index))
    }

    /// How many more calls an offer takes.
    fn price(&self, index: usize) -> u64 {
        self.missing(index).map(|index| self.offers[index].calls).sum()
    }

    fn pick(&mut self, index: usize) {
        for index in self.missing(index).collect::<Vec<_>>() {
            let offer = &self.offers[index];
            self.all.insert(index);
            self.calls += offer.calls;
            if offer.is_planned {
                offer.decides.iter().for_each(|requirement| self.covered.insert(*requirement));
            }
        }
    }

    /// How many `must` requirements are covered.
    fn musts(&self, musts: usize) -> usize {
        (0..musts).filter(|requirement| self.covered.has(*requirement)).count()
    }

    /// How many more are, if this one is picked.
    fn gain(&self, index: usize, musts: usize) -> usize {
        let planned = self.missing(index).filter(|index| self.offers[*index].is_planned);
        let decides = planned.flat_map(|index| self.offers[index].decides.iter().copied());
        let new: BTreeSet<_> =
            decides.filter(|requirement| *requirement < musts && !self.covered.has(*requirement)).collect();
        new.len()
    }

    /// The one of these that covers the most new `must` requirements for its calls; `None` if none covers a new one.
    fn dearest(&self, among: impl Iterator<Item = usize>, musts: usize, calls: u64) -> Option<usize> {
        let left = calls.saturating_sub(self.calls);
        let rated = among.filter_map(|index| {
            let (gain, price) = (self.gain(index, musts), self.price(index));
            (gain > 0 && price <= left).then_some((index, gain as u64, price))
        });
        let is_dearer = |(_, gain, price): (usize, u64, u64), (_, other, its_price): (usize, u64, u64)| {
            let (one, two) = (u128::from(gain) * u128::from(its_price), u128::from(other) * u128::from(price));
            one > two || (one == two && gain > other)
        };
        rated.reduce(|best, other| if is_dearer(other, best) { other } else { best }).map(|(index, ..)| index)
    }
}

fn greedy(mut picked: Picked<'_>, musts: usize, calls: u64) -> Picked<'_> {
    let offers = picked.offers;
    let planned = || (0..offers.len()).filter(|index| offers[*index].is_planned);
    while let Some(index) = picked.dearest(planned(), musts, calls) {
        picked.pick(index);
    }
    picked
}

/// Picks what else there are calls for: the cases first whose requirements were tried least.
fn fill(picked: &mut Picked<'_>, calls: u64) {
    let offers = picked.offers;
    let mut tried: BTreeMap<usize, u32> = BTreeMap::new();
    let try_all = |tried: &mut BTreeMap<usize, u32>, index: usize| {
        offers[index].decides.iter().for_each(|requirement| *tried.entry(*requirement).or_default() += 1);
    };
    (0..offers.len()).filter(|index| picked.all.has(*index)).for_each(|index| try_all(&mut tried, index));
    loop {
        let left = calls.saturating_sub(picked.calls);
        let open = (0..offers.len()).filter(|index| offers[*index].is_planned && !picked.all.has(*index));
        let least_tried = open.filter(|index| picked.price(*index) <= left).min_by_key(|index| {
            let decides = offers[*index].decides.iter();
            let fewest = decides.map(|requirement| tried.get(requirement).copied().unwrap_or(0)).min();
            (fewest.unwrap_or(u32::MAX), picked.price(*index), *index)
        });
        let Some(index) = least_tried else { break };
        picked.missing(index).for_each(|index| try_all(&mut tried, index));
        picked.pick(index);
    }
}

/// What is picked of the plan: those that decide most for their calls come first, each behind its control.
fn in_order(picked: &Picked<'_>, musts: usize) -> Vec<usize> {
    let offers = picked.offers;
    let chosen = || (0..offers.len()).filter(|index| offers[*index].is_planned && picked.all.has(*index));
    let (mut ordered, mut order) = (Picked::new(offers), Vec::new());
    loop {
        let next = ordered.dearest(chosen(), musts, picked.calls);
        let next = next.or_else(|| chosen().find(|index| !ordered.all.has(*index)));
        let Some(index) = next else { return order };
        let missing: Vec<_> = ordered.missing(index).filter(|index| offers[*index].is_planned).collect();
        order.extend(missing.into_iter().rev());
        ordered.pick(index);
    }
}

/// A search for the choice that covers the most `must` requirements.
struct Search<'o> {
    musts: usize,
    calls: u64,
    /// What is worth a look: of offers that cover the same and need the same, the one with the fewest calls.
    candidates: Vec<usize>,
    best: Picked<'o>,
    covered: usize,
    steps: u32,
}

impl<'o> Search<'o> {
    fn new(offers: &'o [Offer], musts: usize, calls: u64) -> Self {
        let mut by_kind: BTreeMap<(Option<usize>, Numbers), usize> = BTreeMap::new();
        let is_control = |index: usize| offers.iter().any(|offer| offer.control == Some(index));
        let mut candidates = Vec::new();
        for (index, offer) in offers.iter().enumerate().filter(|(_, offer)| offer.is_planned) {
            let covers = Numbers::of(offer.decides.iter().copied().filter(|requirement| *requirement < musts));
            if covers == Numbers::default() {
                continue;
            }
            if is_control(index) {
                candidates.push(index);
                continue;
            }
            let known = by_kind.entry((offer.control, covers)).or_insert(index);
            if offer.calls < offers[*known].calls {
                *known = index;
            }
        }
        candidates.extend(by_kind.into_values());
        candidates.sort_unstable();
        Self { musts, calls, candidates, best: Picked::new(offers), covered: 0, steps: 0 }
    }

    fn remember(&mut self, picked: &Picked<'o>) {
        let covered = picked.musts(self.musts);
        if covered > self.covered || self.best.all == Numbers::default() {
            (self.best, self.covered) = (picked.clone(), covered);
        }
    }

    /// Looks at all choices that begin with what is picked, and pick nothing that is `banned`.
    fn look(&mut self, picked: &Picked<'o>, mut banned: Numbers) {
        self.remember(picked);
        loop {
            self.steps += 1;
            if self.steps >= MOST_STEPS {
                return;
            }
            let left = self.calls.saturating_sub(picked.calls);
            let is_open = |index: &usize| {
                let missing = || picked.missing(*index);
                // What needs a banned control was looked at with it.
                missing().next().is_some() && missing().all(|index| !banned.has(index)) && picked.price(*index) <= left
            };
            let open: Vec<usize> = self.candidates.iter().copied().filter(is_open).collect();
            if picked.musts(self.musts) + most_more(picked, &open, self.musts, left) <= self.covered {
                return;
            }
            // What decides most is what a good choice has: with it, the rest is soon told; without it, too.
            let Some(index) = picked.dearest(open.into_iter(), self.musts, self.calls) else { return };
            let mut with_it = picked.clone();
            with_it.pick(index);
            self.look(&with_it, banned.clone());
            banned.insert(index);
        }
    }
}

/// At most how many more requirements any choice of `open` offers covers.
///
/// Many offers share some requirements, which makes the others look cheap. So the bound is also taken with those that
/// many offers have counted as covered for nothing; the lowest one holds.
fn most_more(picked: &Picked<'_>, open: &[usize], musts: usize, left: u64) -> usize {
    const MANY: [usize; 6] = [usize::MAX, 20, 10, 5, 3, 2];
    let new = |index: usize| {
        let decides = picked.offers[index].decides.iter().copied();
        decides.filter(|requirement| *requirement < musts && !picked.covered.has(*requirement))
    };
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    open.iter().flat_map(|index| new(*index)).for_each(|requirement| *counts.entry(requirement).or_default() += 1);
    let bound = |many: usize| {
        let is_shared = |requirement: usize| counts.get(&requirement).is_some_and(|count| *count >= many);
        let shared = counts.keys().filter(|requirement| is_shared(**requirement)).count();
        shared + most_paid(picked, open, left, |index| new(index).filter(|of| !is_shared(*of)).collect())
    };
    MANY.into_iter().map(bound).min().unwrap_or(0)
}

/// At most how many requirements are paid for, of those that each of `open` offers has: each at the least price for which
/// an offer has it. What an offer costs is shared by all that it has, and what a control costs by all that it and the
/// offers behind it have.
fn most_paid(picked: &Picked<'_>, open: &[usize], left: u64, has: impl Fn(usize) -> Vec<usize>) -> usize {
    let offers = picked.offers;
    let unpaid = |index: usize| offers[index].control.filter(|control| !picked.all.has(*control));
    let mut behind: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (index, control) in open.iter().filter_map(|index| Some((*index, unpaid(*index)?))) {
        let of_control = if offers[control].is_planned { has(control) } else { Vec::new() };
        behind.entry(control).or_default().extend(has(index).into_iter().chain(of_control));
    }
    let share = |calls: u64, among: usize| calls * PARTS / (among as u64).max(1);
    let share_of_control = |control: usize| behind.get(&control).map(|all| share(offers[control].calls, all.len()));
    let mut least: BTreeMap<usize, u64> = BTreeMap::new();
    for index in open {
        let covers = has(*index);
        let own = share_of_control(*index).unwrap_or_else(|| share(offers[*index].calls, covers.len()));
        let price = own + unpaid(*index).and_then(share_of_control).unwrap_or(0);
        for requirement in covers {
            let known = least.entry(requirement).or_insert(price);
            *known = price.min(*known);
        }
    }
    let mut prices: Vec<u64> = least.into_values().collect();
    prices.sort_unstable();
    let mut money = left.saturating_mul(PARTS);
    let is_paid = |price: &&u64| {
        let rest = money.checked_sub(**price);
        money = rest.unwrap_or(0);
        rest.is_some()
    };
    prices.iter().take_while(is_paid).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn offer(calls: u64, decides: &[usize], control: Option<usize>) -> Offer {
        Offer { calls, decides: decides.to_vec(), control, is_planned: true }
    }

    #[test]
    fn a_control_is_paid_once_for_all_that_need_it() {
        let offers = [offer(1, &[0], None), offer(1, &[1], Some(0)), offer(1, &[2], Some(0))];
        assert_eq!(calls_of_all(&offers), 3);
        let choice = choose(&offers, 3, 2);
        assert_eq!((choice.offers, choice.calls, choice.decided), (vec![0, 1], 2, 2));
    }

    #[test]
    fn a_control_that_is_not_planned_costs_calls_and_is_not_run_for_itself() {
        let control = Offer { is_planned: false, ..offer(1, &[0], None) };
        let offers = [control, offer(1, &[1], Some(0))];
        let choice = choose(&offers, 2, 9);
        assert_eq!((choice.offers, choice.calls, choice.decided), (vec![1], 2, 1));
        assert_eq!(choose(&offers, 2, 1).offers, Vec::<usize>::new());
    }

    #[test]
    fn the_best_choice_is_found_where_the_greedy_one_is_worse() {
        // Most for one call is the first one; then two calls cover five, and the two others cover all six.
        let offers = [offer(1, &[0, 1, 2, 3], None), offer(1, &[0, 1, 4], None), offer(1, &[2, 3, 5], None)];
        let choice = choose(&offers, 6, 2);
        assert_eq!((choice.decided, choice.is_best, choice.offers), (6, true, vec![1, 2]));
    }

    #[test]
    fn calls_that_are_left_go_to_what_was_tried_least() {
        let offers = [offer(1, &[0], None), offer(1, &[0], None), offer(1, &[0, 1], None), offer(9, &[2], None)];
        let choice = choose(&offers, 1, 3);
        assert_eq!((choice.offers.len(), choice.calls, choice.decided), (3, 3, 1));
        assert!(choose(&offers, 1, 2).offers.contains(&2), "nothing else decides the second one");
    }

    #[test]
    fn what_costs_nothing_is_always_run_and_what_decides_most_comes_first() {
        let offers = [offer(0, &[], None), offer(3, &[0], None), offer(1, &[1, 2], None), offer(1, &[], None)];
        let choice = choose(&offers, 3, 4);
        assert_eq!(choice.offers, [2, 1, 0]);
        assert_eq!(choose(&offers, 3, 0).offers, [0]);
    }

    /// The most that any choice decides, by looking at all of them.
    fn most(offers: &[Offer], musts: usize, calls: u64) -> usize {
        let subsets = (0_u32..1 << offers.len()).map(|bits| {
            let mut picked = Picked::new(offers);
            let of_subset = (0..offers.len()).filter(|index| bits >> index & 1 == 1 && offers[*index].is_planned);
            of_subset.for_each(|index| picked.pick(index));
            picked
        });
        subsets.filter(|picked| picked.calls <= calls).map(|picked| picked.musts(musts)).max().unwrap_or(0)
    }

    prop_compose! {
        fn small_plan()(
            rows in prop::collection::vec(
                (0_u64..5, prop::collection::btree_set(0_usize..7, 0..4), prop::option::of(0_usize..3), prop::bool::weighted(0.8)),
                1..10,
            ),
        ) -> Vec<Offer> {
            let offer = |(index, (calls, decides, control, is_planned)): (usize, (u64, _, Option<usize>, bool))| Offer {
                calls,
                decides: BTreeSet::into_iter(decides).collect(),
                // A control comes before what needs it.
                control: control.filter(|control| *control < index),
                is_planned,
            };
            rows.into_iter().enumerate().map(offer).collect()
        }
    }

    proptest! {
        #[test]
        fn no_choice_of_so_many_calls_decides_more(offers in small_plan(), musts in 0_usize..7, calls in 0_u64..16) {
            let choice = choose(&offers, musts, calls);
            prop_assert!(choice.is_best && choice.calls <= calls);
            prop_assert_eq!(choice.decided, most(&offers, musts, calls));
            // What it says of itself is so.
            let mut picked = Picked::new(&offers);
            choice.offers.iter().for_each(|index| picked.pick(*index));
            prop_assert_eq!((picked.calls, picked.musts(musts)), (choice.calls, choice.decided));
            for (place, index) in choice.offers.iter().enumerate() {
                prop_assert!(!choice.offers[..place].contains(index));
                let control = offers[*index].control.filter(|control| offers[*control].is_planned);
                prop_assert!(control.is_none_or(|control| choice.offers[..place].contains(&control)));
            }
            // Nothing that is left out would still fit.
            let left_out = (0..offers.len()).filter(|index| offers[*index].is_planned && !choice.offers.contains(index));
            prop_assert!(left_out.into_iter().all(|index| picked.calls + picked.price(index) > calls));
        }
    }
}
