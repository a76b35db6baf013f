use super::event::Event;
use super::tally::Tally;
use crate::contract::Register;

/// The events of a run with its requirements and its summary counted anew from its cases, where the
/// run was killed before it told them; the run is incomplete then. A whole run stays as it is.
pub fn conclude(mut events: Vec<Event>, register: &Register) -> Vec<Event> {
    if matches!(events.last(), None | Some(Event::Summary(_))) {
        return events;
    }
    events.retain(|event| !matches!(event, Event::Requirement(_)));
    let Some(mut tally) = events.iter().find_map(|event| match event {
        Event::Run(run) => Some(Tally::of_run(run)),
        Event::Case(_) | Event::Requirement(_) | Event::Summary(_) => None,
    }) else {
        return events;
    };
    let mut duration_ms = 0.0;
    for event in &events {
        if let Event::Case(case) = event {
            tally.add(case);
            duration_ms += case.duration_ms;
        }
    }
    events.extend(tally.requirements(register).into_iter().map(Event::Requirement));
    events.push(Event::Summary(tally.summary(register, duration_ms, false)));
    events
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;
    use crate::contract::Side;

    #[test]
    fn a_killed_run_is_counted_as_far_as_it_came_and_is_never_conformant() {
        let whole = sample::events();
        let cut = whole[..3].to_vec();
        let events = conclude(cut, &sample::register());
        let Some(Event::Summary(summary)) = events.last() else { panic!("no summary: {events:#?}") };
        assert!(!summary.complete && !summary.conformant);
        assert_eq!(summary.verdicts.values().sum::<usize>(), 2);
        assert_eq!((summary.features["core"].violated, summary.features["core"].decided), (1, 2));
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Requirement(_))).count(), 6);
    }

    #[test]
    fn a_killed_run_of_an_sdk_is_counted_by_what_binds_sdks() {
        let mut cut = sample::events()[..3].to_vec();
        if let Some(Event::Run(run)) = cut.first_mut() {
            run.side = Side::Client;
        }
        let events = conclude(cut, &sample::register());
        let Some(Event::Summary(summary)) = events.last() else { panic!("no summary: {events:#?}") };
        assert!(!summary.conformant);
        assert!(!events.iter().any(|event| matches!(event, Event::Requirement(_))), "all of them bind servers");
    }

    #[test]
    fn a_whole_run_stays_as_it_is() {
        assert_eq!(conclude(sample::events(), &sample::register()), sample::events());
    }
}
